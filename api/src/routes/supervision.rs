//! 督办单: issued by the centre, replied to by the unit, accepted or sent back.

use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use suishoupai_core::flow::Pressure;
use suishoupai_core::flow::supervision::{SupervisionCommand, SupervisionState};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::supervision::Filter;
use utoipa::{IntoParams, ToSchema};

use super::commands::PhotoIds;
use super::registrar::Registrar;
use super::reports::repeat;
use super::tickets::{ListCursor, Sort};
use super::{Id, Limit, expected_version, json, ok, version_required};
use crate::auth::{Auth, Decider, Handler, Official};
use crate::extract::{Json, Path, Query};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::supervision::{Draft, Order, carry_out, create};
use crate::service::{digest, read};
use crate::services::Services;
use crate::view::{Instant, SupervisionPage, SupervisionView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(issue)
        .service(list)
        .service(one)
        .service(reply)
        .service(accept)
        .service(reinspect)
        .service(reopen);
}

/// Keys of tickets: at most 50.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<i64>")]
#[schema(value_type = Vec<i64>, max_items = 50)]
pub(crate) struct TicketIds(Vec<i64>);

impl TryFrom<Vec<i64>> for TicketIds {
    type Error = &'static str;

    fn try_from(ids: Vec<i64>) -> Result<Self, Self::Error> {
        if ids.len() <= 50 { Ok(Self(ids)) } else { Err("must have at most 50 tickets") }
    }
}

/// A supervision order to be issued: about tickets, or about what is said in words, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupervisionBody {
    /// Code of the unit that must reply.
    #[schema(example = "D01")]
    unit_code: Words<15>,
    /// Keys of the tickets that it is about.
    #[serde(default)]
    tickets: TicketIds,
    /// What is to be done.
    text: Option<Words<2000>>,
    /// When the reply must be there: ahead, at most 366 days.
    #[schema(value_type = Instant)]
    due_at: Moment,
}

/// 下发督办单: demands a reply of a unit by a deadline.
///
/// With an `Idempotency-Key` a retry is answered with the order that the first sending made, as it now stands.
#[utoipa::path(tag = "supervision", operation_id = "issue_supervision_order", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each order",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    responses((status = CREATED, body = SupervisionView)))]
#[post("/supervision-orders")]
async fn issue(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    body: Json<SupervisionBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupervisionBody { unit_code, tickets, text, due_at } = body.into_inner();
    let text = text.map(Words::into_string);
    let draft = Draft { unit_code: unit_code.into_string(), tickets: tickets.0, text, due_at };
    let repeat = repeat(&request, digest(format!("supervision {draft:?}").as_bytes()))?;
    let id = create(&services, &caller.account, draft, repeat).await?;
    let view = read::supervision_order(&services, &caller.account, id, lang).await?;
    Ok(json(StatusCode::CREATED, &view))
}

/// Which supervision orders.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SupervisionQuery {
    /// Key of a unit of the caller, or below it; without it all that the caller's posts stand over.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
    /// Only in this state.
    state: Option<SupervisionState>,
    /// Only orders whose deadline presses so; none of those that were replied to in time or are accepted.
    pressure: Option<Pressure>,
    /// `newest` first (also without it), or by `urgency`: the earliest deadline that presses first.
    #[param(inline)]
    sort: Option<Sort>,
    /// `next_cursor` of the page before, in the same order.
    #[param(value_type = Option<String>, pattern = "^(-?[0-9]{1,15}\\.)?[1-9][0-9]{0,17}$", example = "1042")]
    cursor: Option<ListCursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The supervision orders for the caller's units and for what stands below them; newest or most urgent first.
#[utoipa::path(tag = "supervision", operation_id = "supervision_orders", security(("token" = [])),
    params(SupervisionQuery), responses((status = OK, body = SupervisionPage)))]
#[get("/supervision-orders")]
async fn list(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<SupervisionQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupervisionQuery { unit, state, pressure, sort, cursor, limit } = query.0;
    let (before, urgency) = ListCursor::beginning(cursor, sort)?;
    let filter = Filter {
        state,
        pressure: pressure.map(|pressure| (pressure, services.now())),
        before,
        urgency,
        limit: Limit::or_default(limit),
    };
    let unit = unit.map(|id| id.0);
    Ok(ok(&read::supervision_orders(&services, &caller.account, unit, filter, lang).await?))
}

/// One supervision order with its history, its tickets, and what the caller may do with it.
#[utoipa::path(tag = "supervision", operation_id = "supervision_order", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = SupervisionView)))]
#[get("/supervision-orders/{id}")]
async fn one(
    services: web::Data<Services>,
    caller: Auth<Official>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    answer(&services, &caller.account, id.0.0, lang).await
}

/// The order as it now is for this caller.
async fn answer(
    services: &Services,
    account: &Account,
    id: i64,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let view = read::supervision_order(services, account, id, lang).await?;
    let etag = format!("\"{}\"", view.order.version);
    let mut response = ok(&view);
    if let Ok(value) = etag.parse() {
        response.headers_mut().insert(ETAG, value);
    }
    Ok(response)
}

/// The one path of all changes: the version that the client saw, the service, the order as it is afterwards.
async fn change<P>(
    services: &Services,
    caller: Auth<P>,
    request: &HttpRequest,
    id: i64,
    (version, command, photos): (Option<i64>, SupervisionCommand, PhotoIds),
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let version = expected_version(request, version)?.ok_or_else(version_required)?;
    carry_out(services, caller.actor(), Order { id, version, command, photos: photos.0 }).await?;
    answer(services, &caller.account, id, lang).await
}

/// The body of `reply`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupervisionReplyBody {
    /// The version of the order that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The reply.
    words: Words<2000>,
    /// Keys of photos uploaded before.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 回复: the recipient says what was done, with photos if there are any.
#[utoipa::path(tag = "supervision", operation_id = "reply_to_supervision_order", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = SupervisionView)))]
#[post("/supervision-orders/{id}/reply")]
async fn reply(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SupervisionReplyBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupervisionReplyBody { version, words, photo_ids } = body.into_inner();
    let command = SupervisionCommand::Reply { words: words.into_string() };
    change(&services, caller, &request, id.0.0, (version, command, photo_ids), lang).await
}

/// The body of `accept`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupervisionAcceptBody {
    /// The version of the order that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is to be said about the reply.
    words: Option<Words<1000>>,
}

/// 办结: the centre accepts the reply; somebody who did not write it.
#[utoipa::path(tag = "supervision", operation_id = "accept_supervision_order", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = SupervisionView)))]
#[post("/supervision-orders/{id}/accept")]
async fn accept(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SupervisionAcceptBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupervisionAcceptBody { version, words } = body.into_inner();
    let command = SupervisionCommand::Accept { words: words.map(Words::into_string) };
    change(&services, caller, &request, id.0.0, (version, command, PhotoIds::default()), lang).await
}

/// The body of `reinspect` and of `reopen`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupervisionAgainBody {
    /// The version of the order that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: Words<1000>,
    /// When the next reply must be there: ahead, at most 366 days.
    #[schema(value_type = Instant)]
    due_at: Moment,
}

/// 复查: the reply does not do; another one is due by a new deadline.
#[utoipa::path(tag = "supervision", operation_id = "reinspect_supervision_order", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = SupervisionView)))]
#[post("/supervision-orders/{id}/reinspect")]
async fn reinspect(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SupervisionAgainBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupervisionAgainBody { version, reason, due_at } = body.into_inner();
    let command = SupervisionCommand::Reinspect { reason: reason.into_string(), due_at };
    change(&services, caller, &request, id.0.0, (version, command, PhotoIds::default()), lang).await
}

/// 重启: what was accepted is taken up again; a reply is due by a new deadline.
#[utoipa::path(tag = "supervision", operation_id = "reopen_supervision_order", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = SupervisionView)))]
#[post("/supervision-orders/{id}/reopen")]
async fn reopen(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SupervisionAgainBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SupervisionAgainBody { version, reason, due_at } = body.into_inner();
    let command = SupervisionCommand::Reopen { reason: reason.into_string(), due_at };
    change(&services, caller, &request, id.0.0, (version, command, PhotoIds::default()), lang).await
}
