//! The check by somebody other than the handler, and what counts of it.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Command, Stage};
use utoipa::ToSchema;

use super::parts::{PositionBody, spot};
use super::{Id, PhotoIds, With, order};
use crate::auth::{Auth, Checker, Chief};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(close).service(rework).service(count);
}

/// The body of `close`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What was seen at the check.
    note: Option<Words<1000>>,
    /// Where the caller stands.
    position: Option<PositionBody>,
    /// Why it is done from elsewhere; needed where the position is missing, old or far from the place.
    off_spot_reason: Option<Words<500>>,
    /// Keys of photos uploaded before: at least one, taken at the check.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 核查结案: somebody other than the handler checks the result on the spot and closes the ticket.
#[utoipa::path(tag = "commands", operation_id = "close_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/close")]
async fn close(
    services: web::Data<Services>,
    caller: Auth<Checker>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<CloseBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let CloseBody { version, note, position, off_spot_reason, photo_ids } = body.into_inner();
    let command = Command::Close { note: note.map(Words::into_string), spot: spot(off_spot_reason) };
    let with = With { position: PositionBody::read(position)?, ..With::photos(photo_ids, Stage::Check) };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `rework`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReworkBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is not done.
    reason: Words<1000>,
    /// Where the caller stands.
    position: Option<PositionBody>,
    /// Why it is done from elsewhere; needed where the position is missing, old or far from the place.
    off_spot_reason: Option<Words<500>>,
    /// Keys of photos uploaded before: at least one, taken at the check.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 返工: the check failed; the ticket goes back to the unit that handled it.
#[utoipa::path(tag = "commands", operation_id = "rework_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/rework")]
async fn rework(
    services: web::Data<Services>,
    caller: Auth<Checker>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ReworkBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ReworkBody { version, reason, position, off_spot_reason, photo_ids } = body.into_inner();
    let command = Command::Rework { reason: reason.into_string(), spot: spot(off_spot_reason) };
    let with = With { position: PositionBody::read(position)?, ..With::photos(photo_ids, Stage::Check) };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `count`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Whether it counts.
    counted: bool,
    /// Why.
    reason: Words<1000>,
}

/// 考核认定: whether the call-back of this closing counts in scoring; not by whoever called.
#[utoipa::path(tag = "commands", operation_id = "count_call_back", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/count")]
async fn count(
    services: web::Data<Services>,
    caller: Auth<Chief>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<CountBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let CountBody { version, counted, reason } = body.into_inner();
    let command = Command::Count { counted, reason: reason.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}
