//! What reporters say about their report after it was sent.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Command, Stage};
use utoipa::ToSchema;

use super::registrar::Registrar;
use super::{Id, ok};
use crate::auth::{Auth, ResidentOnly};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::pictures::Before;
use crate::service::read;
use crate::service::tickets::{Order, carry_out};
use crate::services::Services;
use crate::view::ReportView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(supplement).service(withdraw).service(urge).service(rate).service(not_fixed);
}

/// Words to add to a report, with photos uploaded before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupplementBody {
    /// What is to be added.
    words: Words<2000>,
    /// Keys of photos uploaded before.
    #[serde(default)]
    photo_ids: super::commands::PhotoIds,
}

/// Why a report is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawBody {
    /// Why, if the reporter wants to say.
    words: Option<Words<500>>,
}

/// 催办, in the reporter's words.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UrgingBody {
    /// What is to be said to whoever handles it.
    words: Option<Words<500>>,
}

/// 评价
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RatingBody {
    /// Solved or not.
    solved: bool,
    /// 1 to 5.
    #[schema(value_type = i64, minimum = 1, maximum = 5)]
    stars: Stars,
    /// Words.
    words: Option<Words<500>>,
}

/// From 1 to 5.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Stars(u8);

impl TryFrom<i64> for Stars {
    type Error = &'static str;

    fn try_from(stars: i64) -> Result<Self, Self::Error> {
        u8::try_from(stars)
            .ok()
            .filter(|stars| (1..=5).contains(stars))
            .map(Self)
            .ok_or("must be from 1 to 5")
    }
}

/// What is not fixed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotFixedBody {
    /// What is still wrong.
    words: Words<500>,
    /// Keys of photos uploaded before.
    #[serde(default)]
    photo_ids: super::commands::PhotoIds,
}

async fn say(
    services: &Services,
    caller: Auth<ResidentOnly>,
    report: i64,
    command: Command,
    photos: Vec<i64>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ticket = read::ticket_of_own_report(services, &caller.account, report).await?;
    let order = Order {
        ticket,
        version: None,
        command,
        photos,
        stage: Stage::Before,
        position: None,
        duty: None,
        before: Before::default(),
    };
    carry_out(services, caller.actor(), order).await?;
    Ok(ok(&read::own_report(services, &caller.account, report, lang).await?))
}

/// Adds words and photos to a report. What was sent stays as it was.
#[utoipa::path(tag = "reports", operation_id = "supplement_report", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ReportView)))]
#[post("/reports/{id}/supplements")]
async fn supplement(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
    body: Json<SupplementBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupplementBody { words, photo_ids } = body.into_inner();
    let command = Command::Supplement { words: words.into_string() };
    say(&services, caller, id.0.0, command, photo_ids.0, lang).await
}

/// Takes a report back, as long as nobody has begun to work on it.
#[utoipa::path(tag = "reports", operation_id = "withdraw_report", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ReportView)))]
#[post("/reports/{id}/withdraw")]
async fn withdraw(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
    body: Json<WithdrawBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let command = Command::Withdraw { words: body.into_inner().words.map(Words::into_string) };
    say(&services, caller, id.0.0, command, Vec::new(), lang).await
}

/// 催办: reminds whoever has the report; once on a day.
#[utoipa::path(tag = "reports", operation_id = "urge_report", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ReportView)))]
#[post("/reports/{id}/urge")]
async fn urge(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
    body: Json<UrgingBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let command = Command::Urge { words: body.into_inner().words.map(Words::into_string) };
    say(&services, caller, id.0.0, command, Vec::new(), lang).await
}

/// Rates how a report was dealt with; once for each closing.
#[utoipa::path(tag = "reports", operation_id = "rate_report", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ReportView)))]
#[post("/reports/{id}/rating")]
async fn rate(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
    body: Json<RatingBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let RatingBody { solved, stars, words } = body.into_inner();
    let command = Command::Rate { solved, stars: stars.0, words: words.map(Words::into_string) };
    say(&services, caller, id.0.0, command, Vec::new(), lang).await
}

/// Says that it is not fixed, within the window after closing: it goes back to the unit that handled it.
#[utoipa::path(tag = "reports", operation_id = "report_not_fixed", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ReportView)))]
#[post("/reports/{id}/not-fixed")]
async fn not_fixed(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
    body: Json<NotFixedBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let NotFixedBody { words, photo_ids } = body.into_inner();
    let command = Command::NotFixed { words: words.into_string() };
    say(&services, caller, id.0.0, command, photo_ids.0, lang).await
}
