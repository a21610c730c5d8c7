//! 标准答复: texts with placeholders, offered filled in for a ticket.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::flow::Verb;
use utoipa::{IntoParams, ToSchema};

use super::commands::centre::Pattern;
use super::registrar::Registrar;
use super::reports::repeat;
use super::{Id, json, ok};
use crate::auth::{Admin, Auth, Official};
use crate::extract::{Json, Path, Query};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::service::{digest, texts};
use crate::services::Services;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(list).service(add).service(remove);
}

/// A standard text.
#[derive(Serialize, ToSchema)]
pub(crate) struct TextView {
    /// The key.
    id: i64,
    /// What it is called in the list.
    title: String,
    /// For which command.
    action: Verb,
    /// For which categories.
    #[schema(example = "E01*")]
    categories: String,
    /// The text; filled in where a ticket was given.
    text: String,
}

/// Standard texts.
#[derive(Serialize, ToSchema)]
pub(crate) struct TextList {
    /// At most 500.
    items: Vec<TextView>,
}

/// Which texts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TextQuery {
    /// Only for this command.
    action: Option<Verb>,
    /// Key of a ticket: only what fits its category, with the placeholders filled in.
    #[param(value_type = Option<i64>, minimum = 1)]
    ticket: Option<Id>,
}

/// The standard texts of the district, or those that fit a ticket, filled in.
#[utoipa::path(tag = "administration", operation_id = "standard_texts", security(("token" = [])), params(TextQuery),
    responses((status = OK, body = TextList)))]
#[get("/standard-texts")]
async fn list(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<TextQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ticket = query.0.ticket.map(|id| id.0);
    let found = texts::fitting(&services, &caller.account, query.0.action, ticket, lang).await?;
    let view = |text: suishoupai_storage::db::texts::StandardText| TextView {
        id: text.id,
        title: text.title,
        action: text.verb,
        categories: text.categories.to_string(),
        text: text.body,
    };
    Ok(ok(&TextList { items: found.into_iter().map(view).collect() }))
}

/// A standard text to be written down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextBody {
    /// What it is called in the list.
    title: Words<60>,
    /// For which command.
    action: Verb,
    /// For which categories: a code (`E0102`), a major class (`E01*`), a kind (`E*`) or all (`*`).
    #[schema(value_type = String, pattern = r"^(\*|[PE]\*|[PE][0-9]{2}\*|[PE][0-9]{4})$", example = "E01*")]
    categories: Pattern,
    /// The text; placeholders are `{number}`, `{category}`, `{street}`, `{community}`, `{unit}`, `{due}`, `{today}`.
    text: Words<1000>,
}

/// Writes a standard text down.
#[utoipa::path(tag = "administration", operation_id = "add_standard_text", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each text",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    responses((status = CREATED, body = TextView)))]
#[post("/admin/standard-texts")]
async fn add(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    request: HttpRequest,
    body: Json<TextBody>,
) -> Result<HttpResponse, Problem> {
    let TextBody { title, action, categories, text } = body.into_inner();
    let new = (title.into_string(), action, categories.0, text.into_string());
    let repeat = repeat(&request, digest(format!("text {new:?}").as_bytes()))?;
    let text = texts::add(&services, &caller.account, new, repeat).await?;
    Ok(json(
        StatusCode::CREATED,
        &TextView {
            id: text.id,
            title: text.title,
            action: text.verb,
            categories: text.categories.to_string(),
            text: text.body,
        },
    ))
}

/// Takes a standard text off.
#[utoipa::path(tag = "administration", operation_id = "delete_standard_text", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = NO_CONTENT, description = "It is gone.")))]
#[delete("/admin/standard-texts/{id}")]
async fn remove(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    let (district, id) = (caller.account.district, id.0.0);
    let gone = services
        .db
        .write(move |conn| suishoupai_storage::db::texts::delete(conn, district, id).map_err(Fail::from))
        .await?;
    if gone { Ok(HttpResponse::NoContent().finish()) } else { Err(Code::NotFound.into()) }
}
