//! The routes: each extracts, authorises by its signature, calls a service, answers. `register` is the one list of
//! them; the contract is made from the same list.

pub mod accounts;
pub mod admin;
pub mod audit;
pub mod commands;
pub mod desk;
pub mod devices;
pub mod events;
pub mod exposures;
pub mod map;
pub mod masks;
mod object;
pub mod officials;
pub mod photos;
pub mod places;
pub mod privacy;
pub mod registrar;
pub mod reports;
pub mod resident;
pub mod restrictions;
mod resumable;
pub mod roster;
pub mod rules;
pub mod service_keys;
mod sign_in_words;
pub mod similar;
pub mod sso;
pub mod supervision;
pub mod system;
pub mod texts;
pub mod tickets;
pub mod uploads;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError as _};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::service::read::MAX_PAGE;
use crate::view::Written;
use registrar::Registrar;

/// Registers every route.
pub fn register(routes: &mut Registrar<'_>) {
    routes.configure(system::register).scope("/api/v1", |v1| {
        // Routes are tried in this order, so those that are asked for most come first.
        v1.configure(reports::register)
            .configure(tickets::register)
            .configure(commands::register)
            .configure(map::register)
            .configure(desk::register)
            .configure(photos::register)
            .configure(accounts::register)
            .configure(sso::register)
            .configure(devices::register)
            .configure(places::register)
            .configure(masks::register)
            .configure(uploads::register)
            .configure(resumable::register)
            .configure(resident::register)
            .configure(similar::register)
            .configure(events::register)
            .configure(privacy::register)
            .configure(supervision::register)
            .configure(exposures::register)
            .configure(rules::register)
            .configure(roster::register)
            .configure(texts::register)
            .configure(officials::register)
            .configure(restrictions::register)
            .configure(service_keys::register)
            .configure(admin::register)
            .configure(audit::register);
    });
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match Written::again().json(body) {
        Ok(written) => {
            HttpResponse::build(status).content_type(ContentType::json()).body(Bytes::from_owner(written))
        }
        Err(error) => Problem::internal(&error).error_response(),
    }
}

fn ok(body: &impl Serialize) -> HttpResponse {
    json(StatusCode::OK, body)
}

/// As [`ok`], where the body has been written already.
fn ok_written(body: Written) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(Bytes::from_owner(body))
}

/// Cursor and length of a page.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,17}$", example = "1042")]
    cursor: Option<Cursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The key after which a page begins.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Cursor(pub i64);

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let key = if digits && !text.starts_with('0') { text.parse().ok() } else { None };
        key.map(Self).ok_or("must be the `next_cursor` of an earlier page")
    }
}

/// How many lines a page has.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Limit(pub i64);

impl Limit {
    /// The given length, or 50.
    pub(crate) fn or_default(limit: Option<Self>) -> i64 {
        limit.map_or(50, |limit| limit.0)
    }
}

impl TryFrom<i64> for Limit {
    type Error = String;

    fn try_from(limit: i64) -> Result<Self, Self::Error> {
        if (1..=MAX_PAGE).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(format!("must be from 1 to {MAX_PAGE}"))
        }
    }
}

/// A key in an address: a positive number.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Id(pub i64);

impl TryFrom<i64> for Id {
    type Error = &'static str;

    fn try_from(id: i64) -> Result<Self, Self::Error> {
        if id > 0 { Ok(Self(id)) } else { Err("must be a positive number") }
    }
}

/// The version that a command acts on: of the body, or of `If-Match`, which wins.
///
/// # Errors
/// 400 where `If-Match` is not a version.
fn expected_version(request: &actix_web::HttpRequest, body: Option<i64>) -> Result<Option<i64>, Problem> {
    let Some(header) = request.headers().get(actix_web::http::header::IF_MATCH) else {
        return Ok(body);
    };
    let text = header.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
    let version = text.parse().ok().filter(|version| *version > 0);
    version.map(Some).ok_or_else(|| {
        let message = Text::new("应为版本号，例如 \"3\"", "must be the version, such as \"3\"");
        Problem::new(Code::InvalidHeader).field("If-Match", "wrong_value", message)
    })
}

/// A change without the version that the client has seen.
fn version_required() -> Problem {
    Problem::new(Code::VersionRequired).detail(Text::new(
        "请在正文的 version 或请求头 If-Match 中给出您看到的版本号。",
        "Give the version that you have seen, as `version` in the body or in the header If-Match.",
    ))
}
