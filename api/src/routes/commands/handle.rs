//! Work orders: dispatched, accepted, handed on, given back, finished.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Assist, Command, ReturnReason, Stage};
use suishoupai_core::model::Limit;
use utoipa::ToSchema;

use super::parts::{LimitBody, OutcomeBody, PositionBody};
use super::{Id, PhotoIds, UnitIds, With, order};
use crate::auth::{Auth, Centre, Handler, Manager};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(dispatch)
        .service(accept)
        .service(give_back)
        .service(delegate)
        .service(escalate)
        .service(add_assist)
        .service(release_assist)
        .service(finish);
}

/// The body of `dispatch`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DispatchBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of the leading unit 主办.
    #[schema(minimum = 1)]
    lead: i64,
    /// Keys of the assisting units 协办.
    #[serde(default)]
    assist: UnitIds,
    /// Why.
    reason: Words<1000>,
}

/// 派遣: gives the ticket to units of the dispatcher's choice, also against the duty list, with a reason.
#[utoipa::path(tag = "commands", operation_id = "dispatch_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/dispatch")]
async fn dispatch(
    services: web::Data<Services>,
    caller: Auth<Centre>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<DispatchBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let DispatchBody { version, lead, assist, reason } = body.into_inner();
    let command = Command::Dispatch { lead, assist: assist.read(), reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `accept`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
}

/// 签收: the unit signs for its order, and is responsible from then on.
#[utoipa::path(tag = "commands", operation_id = "accept_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/accept")]
async fn accept(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AcceptBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AcceptBody { version } = body.into_inner();
    let command = Command::Accept;
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `return`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: ReturnReason,
    /// In words.
    words: Words<1000>,
    /// Keys of photos uploaded before: what supports the reason.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 退回: the unit gives its order back, with a typed reason. After too many returns the district decides.
#[utoipa::path(tag = "commands", operation_id = "return_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/return")]
async fn give_back(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ReturnBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ReturnBody { version, reason, words, photo_ids } = body.into_inner();
    let command = Command::Return { reason, words: words.into_string() };
    let with = With::photos(photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `delegate`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelegateBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of a unit below the one on whose desk it lies.
    #[schema(minimum = 1)]
    to: i64,
    /// Why.
    reason: Option<Words<1000>>,
}

/// 下派: hands the ticket down to a unit below; the deadline does not move.
#[utoipa::path(tag = "commands", operation_id = "delegate_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/delegate")]
async fn delegate(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<DelegateBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let DelegateBody { version, to, reason } = body.into_inner();
    let command = Command::Delegate { to, reason: reason.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `escalate`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalateBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: Words<1000>,
}

/// 上报上级: hands the ticket up to the unit above; from the highest territory unit it goes to the district centre.
#[utoipa::path(tag = "commands", operation_id = "escalate_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/escalate")]
async fn escalate(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<EscalateBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let EscalateBody { version, reason } = body.into_inner();
    let command = Command::Escalate { reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `add-assist`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddAssistBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of the assisting unit.
    #[schema(minimum = 1)]
    unit: i64,
    /// Its own limit; the category's where none is given.
    limit: Option<LimitBody>,
    /// Why.
    reason: Words<1000>,
}

/// 加派协办: gives one more unit an assisting order, with a limit of its own.
#[utoipa::path(tag = "commands", operation_id = "add_assist_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/add-assist")]
async fn add_assist(
    services: web::Data<Services>,
    caller: Auth<Manager>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AddAssistBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AddAssistBody { version, unit, limit, reason } = body.into_inner();
    let command = Command::AddAssist {
        assist: Assist { unit, limit: limit.map(Limit::from) },
        reason: reason.into_string(),
    };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `release-assist`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseAssistBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of the assisting unit.
    #[schema(minimum = 1)]
    unit: i64,
    /// Why.
    reason: Words<1000>,
}

/// 解除协办: takes the order off an assisting unit.
#[utoipa::path(tag = "commands", operation_id = "release_assist_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/release-assist")]
async fn release_assist(
    services: web::Data<Services>,
    caller: Auth<Manager>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ReleaseAssistBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ReleaseAssistBody { version, unit, reason } = body.into_inner();
    let command = Command::ReleaseAssist { unit, reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `finish`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinishBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What the reporter reads.
    answer: Words<1000>,
    /// What stays inside.
    note: Option<Words<1000>>,
    /// What was done in figures.
    outcome: Option<OutcomeBody>,
    /// Where the caller stands, if that is known: compared with the place, and not kept.
    position: Option<PositionBody>,
    /// Keys of photos uploaded before: the lead needs at least one, taken after the work.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 处置完成: the lead hands in the result with photos taken afterwards and a public answer; an assisting unit ends its own order.
#[utoipa::path(tag = "commands", operation_id = "finish_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/finish")]
async fn finish(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<FinishBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let FinishBody { version, answer, note, outcome, position, photo_ids } = body.into_inner();
    let command = Command::Finish {
        answer: answer.into_string(),
        note: note.map(Words::into_string),
        outcome: OutcomeBody::read(outcome),
    };
    let with = With { position: PositionBody::read(position)?, ..With::photos(photo_ids, Stage::After) };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}
