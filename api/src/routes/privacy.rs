//! 个人信息: the notice, shown in clear for a reason, exported and erased.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::privacy::{Run, RunKind, RunState};
use utoipa::ToSchema;

use super::registrar::Registrar;
use super::{Id, PageQuery, json, ok};
use crate::auth::{Admin, Auth, ResidentOnly, Worker};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::routes::Limit;
use crate::service::privacy;
use crate::service::reveal::{self, Revealed};
use crate::services::Services;
use crate::view::Instant;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(terms)
        .service(reveal_reporter)
        .service(ask)
        .service(mine)
        .service(data)
        .service(list_runs)
        .service(start);
}

/// What is kept of reporters, and for how long.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrivacyTerms {
    /// The version of the notice on personal data that a reporter agrees to; absent where none is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_version: Option<String>,
    /// Days after the end of a ticket from which on nobody is shown who reported it.
    close_off_days: u32,
    /// Days after the end of a ticket from which on the personal data of its reports are removed.
    anonymise_days: u32,
    /// Days for which addresses and reasons are kept in the audit trail.
    audit_days: u32,
}

/// 个人信息告知: which version of the notice is in force, and for how long personal data is kept.
#[utoipa::path(tag = "system", operation_id = "privacy_terms", responses((status = OK, body = PrivacyTerms)))]
#[get("/privacy")]
async fn terms(services: web::Data<Services>) -> HttpResponse {
    let privacy = &services.config.privacy;
    ok(&PrivacyTerms {
        consent_version: privacy.consent_version.as_ref().map(|version| version.trim().to_owned()),
        close_off_days: privacy.close_off_days,
        anonymise_days: privacy.anonymise_days,
        audit_days: privacy.audit_days,
    })
}

/// Whose contact is needed, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevealBody {
    /// 流水号 of one of the ticket's reports.
    receipt_number: Words<40>,
    /// Why it is needed; written into the audit trail.
    reason: Words<500>,
}

/// 查看联系方式: the name and telephone number of a reporter, in clear. The reason is written into the audit trail first.
/// The reporter of an anonymous report is shown to nobody, nor is that of a ticket that ended long ago.
#[utoipa::path(tag = "tickets", operation_id = "reveal_reporter", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = Revealed)))]
#[post("/tickets/{id}/reveal-reporter")]
async fn reveal_reporter(
    services: web::Data<Services>,
    caller: Auth<Worker>,
    id: Path<Id>,
    body: Json<RevealBody>,
) -> Result<HttpResponse, Problem> {
    let RevealBody { receipt_number, reason } = body.into_inner();
    let (receipt, reason) = (receipt_number.into_string(), reason.into_string());
    Ok(ok(&reveal::reveal(&services, &caller.account, id.0.0, receipt, reason).await?))
}

/// What a resident may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RequestWord {
    /// 导出: a file with the own data.
    Export,
    /// 删除: the own data are erased, and the account ends.
    Erasure,
}

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivacyRequestBody {
    /// `export` or `erasure`.
    kind: RequestWord,
}

/// Something that is done with personal data.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrivacyRunView {
    /// The key.
    id: i64,
    /// `export`, `erasure`, `retention` or `reseal`.
    #[schema(example = "export")]
    kind: &'static str,
    /// `waiting` (in the queue, or until tickets under way have ended) or `done`.
    #[schema(example = "done")]
    state: &'static str,
    /// When it was asked for.
    #[schema(value_type = Instant)]
    asked_at: Moment,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    finished_at: Option<Moment>,
    /// What was done, in numbers by name.
    report: BTreeMap<String, u64>,
    /// Until when the file of an export can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    expires_at: Option<Moment>,
}

impl From<Run> for PrivacyRunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            kind: run.kind.as_str(),
            state: run.state.as_str(),
            asked_at: run.asked_at,
            finished_at: run.finished_at.filter(|_| run.state == RunState::Done),
            report: run.report,
            expires_at: run.expires_at,
        }
    }
}

/// Things that are done with personal data.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrivacyRuns {
    /// The newest first.
    items: Vec<PrivacyRunView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// 导出或删除个人信息: asks for a file with the own data, or for their erasure. While the same waits, asking again gives the
/// same. An erasure anonymises the reports of tickets that have ended and ends the account; while others are under way it
/// waits for their end.
#[utoipa::path(tag = "sign-in", operation_id = "ask_privacy", security(("token" = [])),
    responses((status = ACCEPTED, body = PrivacyRunView)))]
#[post("/me/privacy-requests")]
async fn ask(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    body: Json<PrivacyRequestBody>,
) -> Result<HttpResponse, Problem> {
    let kind = match body.0.kind {
        RequestWord::Export => RunKind::Export,
        RequestWord::Erasure => RunKind::Erasure,
    };
    let run = privacy::ask(&services, &caller.account, kind).await?;
    Ok(json(StatusCode::ACCEPTED, &PrivacyRunView::from(run)))
}

/// What the caller asked for, the newest first; at most 20.
#[utoipa::path(tag = "sign-in", operation_id = "my_privacy_requests", security(("token" = [])),
    responses((status = OK, body = PrivacyRuns)))]
#[get("/me/privacy-requests")]
async fn mine(services: web::Data<Services>, caller: Auth<ResidentOnly>) -> Result<HttpResponse, Problem> {
    let runs = privacy::mine(&services, &caller.account).await?;
    Ok(ok(&PrivacyRuns { items: runs.into_iter().map(PrivacyRunView::from).collect(), next_cursor: None }))
}

/// The file of an export: the account, and its reports with what was said and done.
#[utoipa::path(tag = "sign-in", operation_id = "my_export", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = serde_json::Value, content_type = "application/json")))]
#[get("/me/privacy-requests/{id}/data")]
async fn data(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    let file = privacy::data(&services, &caller.account, id.0.0).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(file))
}

/// 个人信息处理记录: what was exported, erased, anonymised and sealed anew, in numbers, the newest first.
#[utoipa::path(tag = "administration", operation_id = "privacy_runs", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = PrivacyRuns)))]
#[get("/admin/privacy-runs")]
async fn list_runs(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let before = query.0.cursor.map(|cursor| cursor.0);
    let limit = Limit::or_default(query.0.limit);
    let runs = privacy::runs(&services, caller.account.district, before, limit).await?;
    let full = i64::try_from(runs.len()).is_ok_and(|count| count == limit);
    let next_cursor = runs.last().filter(|_| full).map(|run| run.id.to_string());
    Ok(ok(&PrivacyRuns { items: runs.into_iter().map(PrivacyRunView::from).collect(), next_cursor }))
}

/// 立即清理: anonymises and lets go now what has been kept for its term; by itself that is done once a day.
#[utoipa::path(tag = "administration", operation_id = "start_retention", security(("token" = [])),
    responses((status = ACCEPTED, body = PrivacyRunView)))]
#[post("/admin/privacy-runs")]
async fn start(services: web::Data<Services>, _caller: Auth<Admin>) -> Result<HttpResponse, Problem> {
    let run = privacy::start(&services).await?;
    Ok(json(StatusCode::ACCEPTED, &PrivacyRunView::from(run)))
}
