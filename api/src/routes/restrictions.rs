//! 限制上报: ordered by an administrator, appealed against by the reporter, decided about by somebody else.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use serde::Deserialize;
use suishoupai_core::restriction::{Decision, MOST_DAYS};
use utoipa::ToSchema;

use super::registrar::Registrar;
use super::{Id, Limit, PageQuery, json, ok};
use crate::auth::{Admin, Auth, Chief, ResidentOnly, RestrictionReader};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::service::restrictions;
use crate::services::Services;
use crate::view::{OwnRestriction, RestrictionPage, RestrictionView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(restrict).service(list).service(decide).service(appeal);
}

/// For how many days: 1 to 365.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(try_from = "u32")]
#[schema(value_type = u32, minimum = 1, maximum = 365, example = 30)]
pub(crate) struct TermDays(u32);

impl TryFrom<u32> for TermDays {
    type Error = &'static str;

    fn try_from(days: u32) -> Result<Self, Self::Error> {
        if (1..=MOST_DAYS).contains(&days) { Ok(Self(days)) } else { Err("must be from 1 to 365") }
    }
}

/// Whose reports are not taken, why and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestrictionBody {
    /// 流水号 of a report of the reporter, who stays unknown.
    receipt_number: Words<40>,
    /// Why; the reporter reads it.
    reason: Words<500>,
    /// For how many days.
    days: TermDays,
}

/// 限制上报: takes no reports of the reporter of a report for a term. The reporter may appeal once.
#[utoipa::path(tag = "administration", operation_id = "restrict_reporter", security(("token" = [])),
    responses((status = CREATED, body = RestrictionView)))]
#[post("/admin/restrictions")]
async fn restrict(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    body: Json<RestrictionBody>,
) -> Result<HttpResponse, Problem> {
    let RestrictionBody { receipt_number, reason, days } = body.into_inner();
    let (receipt, order) = (receipt_number.into_string(), (reason.into_string(), days.0));
    let (new, names) = restrictions::restrict(&services, &caller.account, receipt, order).await?;
    Ok(json(StatusCode::CREATED, &RestrictionView::of(new, &names, services.now())))
}

/// The restrictions of the district, the newest first.
#[utoipa::path(tag = "administration", operation_id = "restrictions", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = RestrictionPage)))]
#[get("/restrictions")]
async fn list(
    services: web::Data<Services>,
    caller: Auth<RestrictionReader>,
    page: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (before, limit) = (page.0.cursor.map(|cursor| cursor.0), Limit::or_default(page.0.limit));
    let (found, names) = restrictions::page(&services, &caller.account, before, limit).await?;
    let last = found.last().filter(|_| i64::try_from(found.len()) == Ok(limit));
    let next_cursor = last.map(|restriction| restriction.id.to_string());
    let now = services.now();
    let items = found.into_iter().map(|restriction| RestrictionView::of(restriction, &names, now)).collect();
    Ok(ok(&RestrictionPage { items, next_cursor }))
}

/// What is decided, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    /// Whether it is over, or goes on to its end.
    decision: Decision,
    /// Why; the reporter reads it.
    words: Words<500>,
}

/// Decides about a restriction: lifts it, or keeps it up against an appeal. Whoever ordered it does not.
#[utoipa::path(tag = "administration", operation_id = "decide_restriction", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = RestrictionView)))]
#[post("/restrictions/{id}/decide")]
async fn decide(
    services: web::Data<Services>,
    caller: Auth<Chief>,
    id: Path<Id>,
    body: Json<DecisionBody>,
) -> Result<HttpResponse, Problem> {
    let DecisionBody { decision, words } = body.into_inner();
    let decided = (decision, words.into_string());
    let (after, names) = restrictions::decide(&services, &caller.account, id.0.0, decided).await?;
    Ok(ok(&RestrictionView::of(after, &names, services.now())))
}

/// An appeal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppealBody {
    /// What speaks against the restriction.
    words: Words<1000>,
}

/// 申诉: appeals against the restriction under which the caller is, once. `GET /me` tells of it.
#[utoipa::path(tag = "reports", operation_id = "appeal_restriction", security(("token" = [])),
    responses((status = OK, body = OwnRestriction)))]
#[post("/me/restriction/appeal")]
async fn appeal(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    body: Json<AppealBody>,
) -> Result<HttpResponse, Problem> {
    let words = body.into_inner().words.into_string();
    let after = restrictions::appeal(&services, &caller.account, words).await?;
    Ok(ok(&OwnRestriction::of(after, services.now())))
}
