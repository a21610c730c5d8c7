//! The check by somebody other than the handler.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Command, Stage};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Id, PhotoIds, order};
use crate::auth::{Auth, Checker};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(config: &mut ServiceConfig<'_>) {
    config.service(close).service(rework);
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
    /// Keys of photos uploaded before: taken at the check.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 核查结案: somebody other than the handler checks the result and closes the ticket.
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
    let CloseBody { version, note, photo_ids } = body.into_inner();
    let command = Command::Close { note: note.map(Words::into_string) };
    let photos = (photo_ids, Stage::Check);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
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
    /// Keys of photos uploaded before: taken at the check.
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
    let ReworkBody { version, reason, photo_ids } = body.into_inner();
    let command = Command::Rework { reason: reason.into_string() };
    let photos = (photo_ids, Stage::Check);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}
