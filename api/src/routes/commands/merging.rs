//! What is the same is merged, and who is slow is urged.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Command, Stage};
use utoipa::ToSchema;

use super::{Id, With, expected_version, ok, order, versioned};
use crate::auth::{Auth, Centre, Filer};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::service::merging;
use crate::service::pictures::Before;
use crate::service::read;
use crate::service::tickets::Order;
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(urge).service(merge).service(unmerge);
}

/// The body of `urge`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UrgeBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is said to the units, for the inside.
    words: Option<Words<500>>,
}

/// 催办: the first time the unit is reminded, the second time the unit above is told, from the third time on all units
/// up to the district.
#[utoipa::path(tag = "commands", operation_id = "urge_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/urge")]
async fn urge(
    services: web::Data<Services>,
    caller: Auth<Centre>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<UrgeBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let UrgeBody { version, words } = body.into_inner();
    let command = Command::Urge { words: words.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `merge`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of the ticket that goes on for both.
    #[schema(minimum = 1)]
    into: i64,
    /// Why they are the same.
    reason: Words<500>,
}

/// 并案: a ticket that is the same as another one goes on under it. Its reporters follow the other ticket from then on.
#[utoipa::path(tag = "commands", operation_id = "merge_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/merge")]
async fn merge(
    services: web::Data<Services>,
    caller: Auth<Filer>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<MergeBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let MergeBody { version, into, reason } = body.into_inner();
    let command = Command::Merge { into, reason: reason.into_string() };
    carry_out(&services, caller, &request, id.0.0, (version, command), lang).await
}

/// The body of `unmerge`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnmergeBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why they are not the same.
    reason: Words<500>,
}

/// 撤销并案: a ticket that was merged is a case of its own again, and waits in the pool of its grid.
#[utoipa::path(tag = "commands", operation_id = "unmerge_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/unmerge")]
async fn unmerge(
    services: web::Data<Services>,
    caller: Auth<Centre>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<UnmergeBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let UnmergeBody { version, reason } = body.into_inner();
    let command = Command::Unmerge { reason: reason.into_string() };
    carry_out(&services, caller, &request, id.0.0, (version, command), lang).await
}

/// As `order`, for what changes two tickets.
async fn carry_out<P>(
    services: &Services,
    caller: Auth<P>,
    request: &HttpRequest,
    ticket: i64,
    (version, command): (Option<i64>, Command),
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let version = versioned(expected_version(request, version)?, &command)?;
    let (photos, stage) = (Vec::new(), Stage::Before);
    let before = Before::default();
    let order = Order { ticket, version, command, photos, stage, position: None, duty: None, before };
    merging::carry_out(services, caller.actor(), order).await?;
    Ok(ok(&read::ticket_after(services, &caller.account, ticket, lang).await?))
}
