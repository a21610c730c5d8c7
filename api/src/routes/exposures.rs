//! 曝光台: what anybody sees, and what officials do for it.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use suishoupai_core::flow::exposure::{ExposureCommand, ExposureState};
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::exposures::Filter;
use utoipa::{IntoParams, ToSchema};

use super::registrar::Registrar;
use super::reports::repeat;
use super::{Cursor, Id, Limit, expected_version, json, ok, version_required};
use crate::auth::{Auth, Chief, Decider, DistrictDesk, Exposer, Official};
use crate::extract::{Json, Path, Query};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::exposures::{Draft, carry_out, create};
use crate::service::{digest, read};
use crate::services::Services;
use crate::view::{ExposurePage, ExposureView, PublishedPage};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(published)
        .service(propose)
        .service(review)
        .service(one)
        .service(approve)
        .service(refuse)
        .service(take_down);
}

/// Which published pictures.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PublishedQuery {
    /// Only of the district with this code.
    #[param(value_type = Option<i32>, minimum = 100_000, maximum = 999_999)]
    district: Option<DistrictCode>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,15}\\.[1-9][0-9]{0,17}$", example = "1772587800000.1042")]
    cursor: Option<PublishedCursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The six digits of a district.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i32")]
pub(crate) struct DistrictCode(pub(super) i32);

impl TryFrom<i32> for DistrictCode {
    type Error = &'static str;

    fn try_from(code: i32) -> Result<Self, Self::Error> {
        if (100_000..=999_999).contains(&code) { Ok(Self(code)) } else { Err("must have six digits") }
    }
}

/// The instant and the key after which a page begins.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct PublishedCursor(i64, i64);

impl TryFrom<String> for PublishedCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "must be the `next_cursor` of an earlier page";
        let (at, id) = text.split_once('.').ok_or(wrong)?;
        let digits = (1..=15).contains(&at.len()) && at.bytes().all(|byte| byte.is_ascii_digit());
        let at = if digits { at.parse().ok() } else { None };
        Ok(Self(at.ok_or(wrong)?, Cursor::try_from(id.to_owned())?.0))
    }
}

/// 曝光台: the published pictures, the newest first. Without sign-in; kept by caches for a minute.
#[utoipa::path(tag = "exposures", operation_id = "published_exposures", params(PublishedQuery),
    responses((status = OK, body = PublishedPage),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/exposures")]
async fn published(
    services: web::Data<Services>,
    request: HttpRequest,
    query: Query<PublishedQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let PublishedQuery { district, cursor, limit } = query.0;
    let before = cursor.map(|cursor| (cursor.0, cursor.1));
    let district = district.map(|code| code.0);
    let page = read::published(&services, district, before, Limit::or_default(limit), lang).await?;
    let body = serde_json::to_vec(&page).map_err(|error| Fail::internal(&error))?;
    let etag = format!("\"{}\"", hex::encode(&digest(&body)[..16]));
    let seen = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = seen.is_some_and(|seen| seen.split(',').any(|tag| tag.trim() == etag));
    let mut answer = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    answer
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, "public, max-age=60"))
        .append_header((VARY, "accept-language"));
    Ok(if is_known { answer.finish() } else { answer.content_type("application/json").body(body) })
}

/// A picture that is proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureBody {
    /// Key of the ticket.
    #[schema(minimum = 1)]
    ticket_id: i64,
    /// Key of one of its photos.
    #[schema(minimum = 1)]
    photo_id: i64,
    /// What the public reads; without names, numbers of persons and plates.
    #[schema(example = "乱堆建筑垃圾占用人行道")]
    text: Words<200>,
    /// Whether nothing in the picture needs a mask. Otherwise it must be masked.
    #[serde(default)]
    declared_clean: bool,
}

/// 申报曝光: proposes a masked picture of a ticket for the board; a chief who has not proposed it decides.
///
/// With an `Idempotency-Key` a retry is answered with the entry that the first sending made, as it now stands.
#[utoipa::path(tag = "exposures", operation_id = "propose_exposure", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each entry",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    responses((status = CREATED, body = ExposureView)))]
#[post("/exposures")]
async fn propose(
    services: web::Data<Services>,
    caller: Auth<Exposer>,
    request: HttpRequest,
    body: Json<ExposureBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ExposureBody { ticket_id, photo_id, text, declared_clean } = body.into_inner();
    let draft = Draft { ticket: ticket_id, photo: photo_id, text: text.into_string(), declared_clean };
    let repeat = repeat(&request, digest(format!("exposure {draft:?}").as_bytes()))?;
    let id = create(&services, &caller.account, draft, repeat).await?;
    Ok(json(StatusCode::CREATED, &read::exposure(&services, &caller.account, id, lang).await?))
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExposureQuery {
    /// Only in this state.
    state: Option<ExposureState>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,17}$", example = "1042")]
    cursor: Option<Cursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The entries of the district in every state, the newest first; for the district's centre.
#[utoipa::path(tag = "exposures", operation_id = "exposures", security(("token" = [])), params(ExposureQuery),
    responses((status = OK, body = ExposurePage)))]
#[get("/exposures/review")]
async fn review(
    services: web::Data<Services>,
    caller: Auth<DistrictDesk>,
    query: Query<ExposureQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ExposureQuery { state, cursor, limit } = query.0;
    let filter = Filter { state, before: cursor.map(|cursor| cursor.0), limit: Limit::or_default(limit) };
    Ok(ok(&read::exposures(&services, &caller.account, filter, lang).await?))
}

/// One entry with its history, for officials who may see its ticket.
#[utoipa::path(tag = "exposures", operation_id = "exposure", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ExposureView)))]
#[get("/exposures/{id}")]
async fn one(
    services: web::Data<Services>,
    caller: Auth<Official>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    answer(&services, &caller.account, id.0.0, lang).await
}

/// The entry as it now is for this caller.
async fn answer(
    services: &Services,
    account: &Account,
    id: i64,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let view = read::exposure(services, account, id, lang).await?;
    let etag = format!("\"{}\"", view.entry.version);
    let mut response = ok(&view);
    if let Ok(value) = etag.parse() {
        response.headers_mut().insert(ETAG, value);
    }
    Ok(response)
}

/// The one path of all changes: the version that the client saw, the service, the entry as it is afterwards.
async fn change<P>(
    services: &Services,
    caller: Auth<P>,
    request: &HttpRequest,
    id: i64,
    (version, command): (Option<i64>, ExposureCommand),
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let version = expected_version(request, version)?.ok_or_else(version_required)?;
    carry_out(services, caller.actor(), (id, version), command).await?;
    answer(services, &caller.account, id, lang).await
}

/// The body of `approve`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveBody {
    /// The version of the entry that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is to be said about it, for the inside.
    words: Option<Words<500>>,
}

/// 审核通过: publishes the picture; by a chief who has not proposed it.
#[utoipa::path(tag = "exposures", operation_id = "approve_exposure", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ExposureView)))]
#[post("/exposures/{id}/approve")]
async fn approve(
    services: web::Data<Services>,
    caller: Auth<Chief>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ApproveBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ApproveBody { version, words } = body.into_inner();
    let command = ExposureCommand::Approve { words: words.map(Words::into_string) };
    change(&services, caller, &request, id.0.0, (version, command), lang).await
}

/// The body of `refuse` and of `take-down`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndExposureBody {
    /// The version of the entry that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Why.
    reason: Words<500>,
}

/// 审核驳回: the picture is not published; by a chief who has not proposed it.
#[utoipa::path(tag = "exposures", operation_id = "refuse_exposure", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ExposureView)))]
#[post("/exposures/{id}/refuse")]
async fn refuse(
    services: web::Data<Services>,
    caller: Auth<Chief>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<EndExposureBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let EndExposureBody { version, reason } = body.into_inner();
    let command = ExposureCommand::Refuse { reason: reason.into_string() };
    change(&services, caller, &request, id.0.0, (version, command), lang).await
}

/// 撤下: the picture is no longer public.
#[utoipa::path(tag = "exposures", operation_id = "take_down_exposure", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ExposureView)))]
#[post("/exposures/{id}/take-down")]
async fn take_down(
    services: web::Data<Services>,
    caller: Auth<Decider>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<EndExposureBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let EndExposureBody { version, reason } = body.into_inner();
    let command = ExposureCommand::TakeDown { reason: reason.into_string() };
    change(&services, caller, &request, id.0.0, (version, command), lang).await
}
