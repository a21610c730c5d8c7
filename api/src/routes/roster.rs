//! 值班与替班: who is on duty, who is on leave, and who acts meanwhile.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::{accounts, roster as rows};
use utoipa::{IntoParams, ToSchema};

use super::registrar::Registrar;
use super::reports::repeat;
use super::{Id, json, ok};
use crate::auth::{Admin, Auth, Official};
use crate::extract::{Json, Path, Query};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::service::digest;
use crate::service::roster::{self, MOST, NewAbsence, NewShift};
use crate::services::Services;
use crate::view::{Instant, Scene, UnitRef};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(absences)
        .service(add_absence)
        .service(end_absence)
        .service(shifts)
        .service(add_shift)
        .service(delete_shift);
}

/// A leave with its substitute.
#[derive(Serialize, ToSchema)]
pub(crate) struct AbsenceView {
    /// The key.
    id: i64,
    /// Name of who is away.
    name: String,
    /// Name of who acts meanwhile.
    substitute: String,
    /// From when.
    #[schema(value_type = Instant)]
    from: Moment,
    /// Until when, not included.
    #[schema(value_type = Instant)]
    to: Moment,
    /// Why.
    reason: String,
}

/// Leaves that have not ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct AbsenceList {
    /// In the order in which they were written down; at most 500.
    items: Vec<AbsenceView>,
}

async fn names(
    services: &Services,
    ids: BTreeSet<i64>,
) -> Result<std::collections::HashMap<i64, String>, Problem> {
    let ids: Vec<i64> = ids.into_iter().collect();
    let found = services.db.read(move |conn| accounts::names(conn, &ids).map_err(Fail::from)).await?;
    Ok(found.into_iter().map(|(id, name, _)| (id, name)).collect())
}

async fn absence_views(services: &Services, list: Vec<rows::Absence>) -> Result<Vec<AbsenceView>, Problem> {
    let ids = list.iter().flat_map(|absence| [absence.account, absence.substitute]).collect();
    let names = names(services, ids).await?;
    let name = |id: i64| names.get(&id).cloned().unwrap_or_default();
    let view = |absence: rows::Absence| AbsenceView {
        id: absence.id,
        name: name(absence.account),
        substitute: name(absence.substitute),
        from: absence.from,
        to: absence.to,
        reason: absence.reason,
    };
    Ok(list.into_iter().map(view).collect())
}

/// The leaves of the district that have not ended, with their substitutes.
#[utoipa::path(tag = "administration", operation_id = "absences", security(("token" = [])),
    responses((status = OK, body = AbsenceList)))]
#[get("/absences")]
async fn absences(services: web::Data<Services>, caller: Auth<Official>) -> Result<HttpResponse, Problem> {
    let (district, now) = (caller.account.district, services.now());
    let list = services
        .db
        .read(move |conn| rows::absences_of(conn, district, now, MOST).map_err(Fail::from))
        .await?;
    Ok(ok(&AbsenceList { items: absence_views(&services, list).await? }))
}

/// A leave to be written down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbsenceBody {
    /// Sign-in name of who is away.
    login: Words<32>,
    /// Sign-in name of who acts meanwhile.
    substitute: Words<32>,
    /// From when.
    #[schema(value_type = Instant)]
    from: Moment,
    /// Until when, not included.
    #[schema(value_type = Instant)]
    to: Moment,
    /// Why.
    reason: Words<200>,
}

/// 请假: writes a leave down. While it lasts the substitute holds what the account holds, and acts with its posts.
#[utoipa::path(tag = "administration", operation_id = "add_absence", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each leave",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    responses((status = CREATED, body = AbsenceView)))]
#[post("/admin/absences")]
async fn add_absence(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    request: HttpRequest,
    body: Json<AbsenceBody>,
) -> Result<HttpResponse, Problem> {
    let AbsenceBody { login, substitute, from, to, reason } = body.into_inner();
    let new = NewAbsence {
        login: login.into_string(),
        substitute: substitute.into_string(),
        from,
        to,
        reason: reason.into_string(),
    };
    let repeat = repeat(&request, digest(format!("absence {new:?}").as_bytes()))?;
    let absence = roster::add_absence(&services, &caller.account, new, repeat).await?;
    let mut views = absence_views(&services, vec![absence]).await?;
    Ok(json(StatusCode::CREATED, &views.pop().ok_or(Code::Internal)?))
}

/// Ends a leave now.
#[utoipa::path(tag = "administration", operation_id = "end_absence", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = NO_CONTENT, description = "It is gone.")))]
#[delete("/admin/absences/{id}")]
async fn end_absence(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    roster::end_absence(&services, &caller.account, id.0.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Somebody on duty.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShiftView {
    /// The key.
    id: i64,
    /// Where.
    unit: UnitRef,
    /// Name of who is on duty.
    name: String,
    /// From when.
    #[schema(value_type = Instant)]
    from: Moment,
    /// Until when, not included.
    #[schema(value_type = Instant)]
    to: Moment,
}

/// Shifts that have not ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShiftList {
    /// The earliest first; at most 500.
    items: Vec<ShiftView>,
}

/// Whose shifts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShiftQuery {
    /// Key of the unit.
    #[param(value_type = i64, minimum = 1)]
    unit: Id,
}

async fn shift_views(
    services: &Services,
    list: Vec<rows::Shift>,
    lang: Lang,
) -> Result<Vec<ShiftView>, Problem> {
    let names = names(services, list.iter().map(|shift| shift.account).collect()).await?;
    let registry = services.registry();
    let now = services.now();
    let scene = Scene { lang, registry: &registry, links: &services.links, now, names: Default::default() };
    let view = |shift: rows::Shift| ShiftView {
        id: shift.id,
        unit: UnitRef::of(&scene, shift.unit),
        name: names.get(&shift.account).cloned().unwrap_or_default(),
        from: shift.from,
        to: shift.to,
    };
    Ok(list.into_iter().map(view).collect())
}

/// 值班表: who is on duty in a unit, from now on.
#[utoipa::path(tag = "administration", operation_id = "shifts", security(("token" = [])), params(ShiftQuery),
    responses((status = OK, body = ShiftList)))]
#[get("/shifts")]
async fn shifts(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<ShiftQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let (unit, now) = (query.0.unit.0, services.now());
    let registry = services.registry();
    let found = registry.tree.get(unit).filter(|found| found.district == caller.account.district);
    found.ok_or(Code::UnitNotFound)?;
    let list =
        services.db.read(move |conn| rows::shifts_of(conn, &[unit], now, MOST).map_err(Fail::from)).await?;
    Ok(ok(&ShiftList { items: shift_views(&services, list, lang).await? }))
}

/// A shift to be written down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShiftBody {
    /// Key of the unit.
    #[schema(minimum = 1)]
    unit: i64,
    /// Sign-in name of who is on duty.
    login: Words<32>,
    /// From when.
    #[schema(value_type = Instant)]
    from: Moment,
    /// Until when, not included.
    #[schema(value_type = Instant)]
    to: Moment,
}

/// Puts somebody on duty in a unit.
#[utoipa::path(tag = "administration", operation_id = "add_shift", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each shift",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    responses((status = CREATED, body = ShiftView)))]
#[post("/admin/shifts")]
async fn add_shift(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    request: HttpRequest,
    body: Json<ShiftBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ShiftBody { unit, login, from, to } = body.into_inner();
    let new = NewShift { unit, login: login.into_string(), from, to };
    let repeat = repeat(&request, digest(format!("shift {new:?}").as_bytes()))?;
    let (district, by) = (caller.account.district, caller.account.id);
    let shift = roster::add_shift(&services, district, by, new, repeat).await?;
    let mut views = shift_views(&services, vec![shift], lang).await?;
    Ok(json(StatusCode::CREATED, &views.pop().ok_or(Code::Internal)?))
}

/// Takes a shift off.
#[utoipa::path(tag = "administration", operation_id = "delete_shift", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = NO_CONTENT, description = "It is gone.")))]
#[delete("/admin/shifts/{id}")]
async fn delete_shift(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    roster::delete_shift(&services, caller.account.district, id.0.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
