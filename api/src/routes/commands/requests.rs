//! What needs somebody else's word: extension, suspension, deferral, voiding, and words of the reporter.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::Command;
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::parts::LimitBody;
use super::{Id, With, order};
use crate::auth::{Auth, Decider, DutyChiefOnly, Handler, Manager, Resumer};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::services::Services;
use crate::view::{Instant, TicketView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(ask_reporter)
        .service(resume)
        .service(ask_extension)
        .service(ask_suspension)
        .service(ask_deferral)
        .service(ask_void)
        .service(endorse)
        .service(grant)
        .service(deny);
}

/// The body of `ask-reporter`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskReporterBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What the reporter is asked.
    words: Words<1000>,
}

/// 请上报人补充: the reporter is asked for more; no clock runs until there is an answer, or until the longest wait is over.
#[utoipa::path(tag = "commands", operation_id = "ask_reporter", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/ask-reporter")]
async fn ask_reporter(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AskReporterBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AskReporterBody { version, words } = body.into_inner();
    let command = Command::AskReporter { words: words.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `resume`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: Option<Words<1000>>,
}

/// 恢复办理: ends a wait for the reporter, a suspension or a deferral; the clock runs on.
#[utoipa::path(tag = "commands", operation_id = "resume_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/resume")]
async fn resume(
    services: web::Data<Services>,
    caller: Auth<Resumer>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ResumeBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ResumeBody { version, reason } = body.into_inner();
    let command = Command::Resume { reason: reason.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `ask-extension`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskExtensionBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// By how much.
    limit: LimitBody,
    /// Why.
    reason: Words<1000>,
}

/// 申请延期: asks for more time, at most the handling limit itself. The first is decided by the duty chief, further ones are reviewed and decided by the head of the centre.
#[utoipa::path(tag = "commands", operation_id = "ask_extension", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/ask-extension")]
async fn ask_extension(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AskExtensionBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AskExtensionBody { version, limit, reason } = body.into_inner();
    let command = Command::AskExtension { limit: limit.into(), reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `ask-suspension`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskSuspensionBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The day of review.
    #[schema(value_type = Instant)]
    review_at: Moment,
    /// Why.
    reason: Words<1000>,
}

/// 申请挂账: season, funds or conditions are missing; the clock is to rest until a day of review.
#[utoipa::path(tag = "commands", operation_id = "ask_suspension", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/ask-suspension")]
async fn ask_suspension(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AskSuspensionBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AskSuspensionBody { version, review_at, reason } = body.into_inner();
    let command = Command::AskSuspension { review_at, reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `ask-deferral`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskDeferralBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The day of review.
    #[schema(value_type = Instant)]
    review_at: Moment,
    /// Why.
    reason: Words<1000>,
}

/// 申请缓办: the work is to be put off until a day of review.
#[utoipa::path(tag = "commands", operation_id = "ask_deferral", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/ask-deferral")]
async fn ask_deferral(
    services: web::Data<Services>,
    caller: Auth<Manager>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AskDeferralBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AskDeferralBody { version, review_at, reason } = body.into_inner();
    let command = Command::AskDeferral { review_at, reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `ask-void`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskVoidBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: Words<1000>,
}

/// 申请作废: it is no case; a second person of the centre decides.
#[utoipa::path(tag = "commands", operation_id = "ask_void", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/ask-void")]
async fn ask_void(
    services: web::Data<Services>,
    caller: Auth<Manager>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AskVoidBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AskVoidBody { version, reason } = body.into_inner();
    let command = Command::AskVoid { reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `endorse`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndorseBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The words of the review.
    words: Words<1000>,
}

/// 初审同意: the duty chief has reviewed a further extension, which the head of the centre then decides.
#[utoipa::path(tag = "commands", operation_id = "endorse_request", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/endorse")]
async fn endorse(
    services: web::Data<Services>,
    caller: Auth<DutyChiefOnly>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<EndorseBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let EndorseBody { version, words } = body.into_inner();
    let command = Command::Endorse { words: words.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `grant`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The words of the decision.
    words: Words<1000>,
}

/// 批准: what was asked for takes effect.
#[utoipa::path(tag = "commands", operation_id = "grant_request", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/grant")]
async fn grant(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<GrantBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let GrantBody { version, words } = body.into_inner();
    let command = Command::Grant { words: words.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `deny`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DenyBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The words of the decision.
    words: Words<1000>,
}

/// 驳回: what was asked for does not take effect.
#[utoipa::path(tag = "commands", operation_id = "deny_request", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/deny")]
async fn deny(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<DenyBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let DenyBody { version, words } = body.into_inner();
    let command = Command::Deny { words: words.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}
