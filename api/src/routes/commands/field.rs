//! On the spot: claim, arrive, verify, solve, file or refuse.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Command, RefuseReason, Stage};
use utoipa::ToSchema;

use super::parts::{OutcomeBody, PositionBody, spot};
use super::{Id, PhotoIds, With, order};
use crate::auth::{Auth, Field, Filer};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(claim)
        .service(release)
        .service(arrive)
        .service(verify)
        .service(solve)
        .service(file)
        .service(refuse);
}

/// The body of `claim`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
}

/// 认领: takes a ticket from the pool. Of many who claim at once, exactly one gets it; the others are told who holds it.
#[utoipa::path(tag = "commands", operation_id = "claim_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/claim")]
async fn claim(
    services: web::Data<Services>,
    caller: Auth<Field>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ClaimBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ClaimBody { version } = body.into_inner();
    let command = Command::Claim;
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `release`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: Option<Words<500>>,
}

/// 释放: puts a claimed ticket back into the pool.
#[utoipa::path(tag = "commands", operation_id = "release_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/release")]
async fn release(
    services: web::Data<Services>,
    caller: Auth<Field>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ReleaseBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ReleaseBody { version, reason } = body.into_inner();
    let command = Command::Release { reason: reason.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `arrive`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArriveBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is to be seen.
    words: Option<Words<500>>,
    /// Where the caller stands.
    position: Option<PositionBody>,
    /// Why it is done from elsewhere; needed where the position is missing, old or far from the place.
    off_spot_reason: Option<Words<500>>,
    /// Keys of photos uploaded before: what is to be seen.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 到场: somebody is on the spot of a must-attend ticket.
#[utoipa::path(tag = "commands", operation_id = "arrive_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/arrive")]
async fn arrive(
    services: web::Data<Services>,
    caller: Auth<Field>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ArriveBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ArriveBody { version, words, position, off_spot_reason, photo_ids } = body.into_inner();
    let command = Command::Arrive { spot: spot(off_spot_reason), words: words.map(Words::into_string) };
    let with = With { position: PositionBody::read(position)?, ..With::photos(photo_ids, Stage::Before) };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `verify`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Code of the category, as seen on the spot.
    category: Option<Words<8>>,
    /// What was seen on the spot.
    note: Option<Words<1000>>,
    /// Keys of photos uploaded before: what was seen on the spot.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 核实: seen on the spot by whoever holds the claim, who leaves the filing to the centre.
#[utoipa::path(tag = "commands", operation_id = "verify_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/verify")]
async fn verify(
    services: web::Data<Services>,
    caller: Auth<Field>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<VerifyBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let VerifyBody { version, category, note, photo_ids } = body.into_inner();
    let command =
        Command::Verify { category: category.map(Words::into_string), note: note.map(Words::into_string) };
    let with = With::photos(photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `solve`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SolveBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Code of the category.
    category: Words<8>,
    /// What the reporter reads.
    answer: Words<1000>,
    /// What stays inside.
    note: Option<Words<1000>>,
    /// What was done in figures.
    outcome: Option<OutcomeBody>,
    /// Where the caller stands, if that is known: compared with the place, and not kept.
    position: Option<PositionBody>,
    /// Keys of photos uploaded before: at least one, taken after the work.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 随手解决: solved on the spot by whoever holds the claim, with a photo taken afterwards.
#[utoipa::path(tag = "commands", operation_id = "solve_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/solve")]
async fn solve(
    services: web::Data<Services>,
    caller: Auth<Field>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SolveBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SolveBody { version, category, answer, note, outcome, position, photo_ids } = body.into_inner();
    let command = Command::Solve {
        category: category.into_string(),
        answer: answer.into_string(),
        note: note.map(Words::into_string),
        outcome: OutcomeBody::read(outcome),
    };
    let with = With { position: PositionBody::read(position)?, ..With::photos(photo_ids, Stage::After) };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `file`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Code of the category.
    category: Words<8>,
    /// What was seen on the spot.
    note: Option<Words<1000>>,
    /// Keys of photos uploaded before: what was seen on the spot.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 立案: verified and filed under a category. The duty list decides who leads and who assists; its reasons are kept.
#[utoipa::path(tag = "commands", operation_id = "file_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/file")]
async fn file(
    services: web::Data<Services>,
    caller: Auth<Filer>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<FileBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let FileBody { version, category, note, photo_ids } = body.into_inner();
    let command = Command::File { category: category.into_string(), note: note.map(Words::into_string) };
    let with = With::photos(photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `refuse`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefuseBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: RefuseReason,
    /// What the reporter reads.
    words: Words<1000>,
    /// Keys of photos uploaded before: what was seen on the spot.
    #[serde(default)]
    photo_ids: PhotoIds,
}

/// 不予立案: not filed, with a typed reason and words that the reporter reads.
#[utoipa::path(tag = "commands", operation_id = "refuse_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/refuse")]
async fn refuse(
    services: web::Data<Services>,
    caller: Auth<Filer>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<RefuseBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let RefuseBody { version, reason, words, photo_ids } = body.into_inner();
    let command = Command::Refuse { reason, words: words.into_string() };
    let with = With::photos(photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}
