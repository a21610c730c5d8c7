//! The commands of officials, one route each. All take the same path: [`order`].

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Command, RefuseReason, ReturnReason, Stage};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Id, expected_version, ok};
use crate::auth::{Auth, Centre, Checker, Field, Filer, Handler, Releaser};
use crate::extract::{Json, Path};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::read;
use crate::service::tickets::{Order, carry_out, is_safe_without_version};
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(config: &mut ServiceConfig<'_>) {
    config
        .service(claim)
        .service(release)
        .service(solve)
        .service(file)
        .service(refuse)
        .service(dispatch)
        .service(accept)
        .service(give_back)
        .service(delegate)
        .service(escalate)
        .service(release_assist)
        .service(finish)
        .service(close)
        .service(rework);
}

/// Keys of photos: at most 9, each once.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<i64>")]
#[schema(value_type = Vec<i64>)]
pub struct PhotoIds(pub Vec<i64>);

impl TryFrom<Vec<i64>> for PhotoIds {
    type Error = &'static str;

    fn try_from(mut ids: Vec<i64>) -> Result<Self, Self::Error> {
        if ids.len() > 9 {
            return Err("must have at most 9 photos");
        }
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(*id));
        Ok(Self(ids))
    }
}

/// The one path of all commands: the version that the client saw, the service, the ticket as it is afterwards.
#[expect(clippy::too_many_arguments, reason = "what every route of this file hands over")]
async fn order<P>(
    services: &Services,
    caller: Auth<P>,
    request: &HttpRequest,
    ticket: i64,
    version: Option<i64>,
    command: Command,
    (photos, stage): (PhotoIds, Stage),
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let version = expected_version(request, version)?;
    if version.is_none() && !is_safe_without_version(command.verb()) {
        return Err(Problem::new(Code::VersionRequired).detail(Text::new(
            "请在正文的 version 或请求头 If-Match 中给出您看到的版本号。",
            "Give the version that you have seen, as `version` in the body or in the header If-Match.",
        )));
    }
    let order = Order { ticket, version, command, photos: photos.0, stage };
    carry_out(services, caller.actor(), order).await?;
    Ok(ok(&read::ticket(services, &caller.account, ticket, lang).await?))
}

/// Keys of units: at most 9.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<i64>")]
#[schema(value_type = Vec<i64>)]
pub struct UnitIds(Vec<i64>);

impl TryFrom<Vec<i64>> for UnitIds {
    type Error = &'static str;

    fn try_from(ids: Vec<i64>) -> Result<Self, Self::Error> {
        if ids.len() <= 9 { Ok(Self(ids)) } else { Err("must have at most 9 units") }
    }
}

/// The body of `claim`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct ClaimBody {
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
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `release`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct ReleaseBody {
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
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `solve`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct SolveBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Code of the category.
    category: Words<8>,
    /// What the reporter reads.
    answer: Words<1000>,
    /// What stays inside.
    note: Option<Words<1000>>,
    /// Keys of photos uploaded before: at least one, taken after the work.
    #[serde(default)]
    #[schema(max_items = 9)]
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
    let SolveBody { version, category, answer, note, photo_ids } = body.into_inner();
    let command = Command::Solve { category: category.into_string(), answer: answer.into_string(), note: note.map(Words::into_string) };
    let photos = (photo_ids, Stage::After);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `file`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct FileBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Code of the category.
    category: Words<8>,
    /// What was seen on the spot.
    note: Option<Words<1000>>,
    /// Keys of photos uploaded before: what was seen on the spot.
    #[serde(default)]
    #[schema(max_items = 9)]
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
    let photos = (photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `refuse`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct RefuseBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: RefuseReason,
    /// In words, for the reporter.
    words: Words<1000>,
    /// Keys of photos uploaded before: what was seen on the spot.
    #[serde(default)]
    #[schema(max_items = 9)]
    photo_ids: PhotoIds,
}

/// 不予立案: not filed, with a reason that the reporter reads.
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
    let photos = (photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `dispatch`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct DispatchBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of the leading unit 主办.
    #[schema(minimum = 1)]
    lead: i64,
    /// Keys of the assisting units 协办.
    #[serde(default)]
    #[schema(max_items = 9)]
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
    let command = Command::Dispatch { lead, assist: assist.0, reason: reason.into_string() };
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `accept`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct AcceptBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
}

/// 签收: the unit signs for its order.
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
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `return`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct ReturnBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: ReturnReason,
    /// In words.
    words: Words<1000>,
    /// Keys of photos uploaded before: what supports the reason.
    #[serde(default)]
    #[schema(max_items = 9)]
    photo_ids: PhotoIds,
}

/// 退回: the unit gives its order back, with a typed reason.
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
    let photos = (photo_ids, Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `delegate`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct DelegateBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of a unit below the responsible one.
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
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `escalate`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct EscalateBody {
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
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `release-assist`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct ReleaseAssistBody {
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
    caller: Auth<Releaser>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ReleaseAssistBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ReleaseAssistBody { version, unit, reason } = body.into_inner();
    let command = Command::ReleaseAssist { unit, reason: reason.into_string() };
    let photos = (PhotoIds::default(), Stage::Before);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `finish`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct FinishBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What the reporter reads.
    answer: Words<1000>,
    /// What stays inside.
    note: Option<Words<1000>>,
    /// Keys of photos uploaded before: the lead needs at least one, taken after the work.
    #[serde(default)]
    #[schema(max_items = 9)]
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
    let FinishBody { version, answer, note, photo_ids } = body.into_inner();
    let command = Command::Finish { answer: answer.into_string(), note: note.map(Words::into_string) };
    let photos = (photo_ids, Stage::After);
    order(&services, caller, &request, id.0.0, version, command, photos, lang).await
}

/// The body of `close`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(additional_properties = false)]
pub struct CloseBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What was seen at the check.
    note: Option<Words<1000>>,
    /// Keys of photos uploaded before: taken at the check.
    #[serde(default)]
    #[schema(max_items = 9)]
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
#[schema(additional_properties = false)]
pub struct ReworkBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is not done.
    reason: Words<1000>,
    /// Keys of photos uploaded before: taken at the check.
    #[serde(default)]
    #[schema(max_items = 9)]
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
