//! The rules and the working calendar of a district, as its administrators keep them.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::flow::Policy;
use suishoupai_core::model::{CalendarDay, WeeklyHours};
use suishoupai_core::time::Moment;
use utoipa::{IntoParams, ToSchema};

use super::ok;
use super::registrar::Registrar;
use crate::auth::{Admin, Auth, Official};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::service::calendar::{self, Change, Preview};
use crate::service::policy::{self, PolicyPreview};
use crate::services::Services;
use crate::view::Instant;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(policies)
        .service(add_policy)
        .service(read_calendar)
        .service(set_hours)
        .service(set_day)
        .service(clear_day);
}

/// Whether only to say what would happen.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    /// Say what would change, change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

/// A version of the rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyVersion {
    /// Its key; 0 is the built-in one.
    id: i64,
    /// From when it holds; absent for the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    valid_from: Option<Moment>,
    /// Whether it holds now.
    current: bool,
    /// The rules.
    policy: Policy,
}

/// The versions of the rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyVersions {
    /// The oldest first.
    items: Vec<PolicyVersion>,
}

/// 办理规则: the limits of the phases and the thresholds of the loop, all versions.
#[utoipa::path(tag = "administration", operation_id = "policies", security(("token" = [])),
    responses((status = OK, body = PolicyVersions)))]
#[get("/policies")]
async fn policies(services: web::Data<Services>, caller: Auth<Official>) -> Result<HttpResponse, Problem> {
    let district = caller.account.district;
    let rows = policy::versions(&services, district).await?;
    let now = services.now();
    let current = rows.iter().rev().find(|row| row.valid_from <= now).map_or(0, |row| row.id);
    let built_in =
        PolicyVersion { id: 0, valid_from: None, current: current == 0, policy: Policy::default() };
    let stored = rows.into_iter().map(|row| PolicyVersion {
        id: row.id,
        valid_from: Some(row.valid_from),
        current: row.id == current,
        policy: row.policy,
    });
    Ok(ok(&PolicyVersions { items: std::iter::once(built_in).chain(stored).collect() }))
}

/// A new version of the rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPolicy {
    /// From when it holds; without it from now on.
    #[schema(value_type = Option<Instant>)]
    valid_from: Option<Moment>,
    /// The rules; what is left out is as built in.
    policy: Policy,
}

/// Writes a new version of the rules. Tickets keep the version under which they were filed; with `dry_run` the answer
/// says how many open tickets come under the new one.
#[utoipa::path(tag = "administration", operation_id = "add_policy", security(("token" = [])), params(DryRun),
    responses((status = OK, body = PolicyPreview)))]
#[post("/admin/policies")]
async fn add_policy(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    query: Query<DryRun>,
    body: Json<NewPolicy>,
) -> Result<HttpResponse, Problem> {
    let NewPolicy { valid_from, policy } = body.into_inner();
    let (district, by) = (caller.account.district, caller.account.id);
    Ok(ok(&policy::change(&services, district, by, valid_from, policy, query.0.dry_run).await?))
}

/// One day that departs from the week.
#[derive(Serialize, ToSchema)]
pub(crate) struct DayView {
    /// The civil date in China.
    #[schema(format = Date, example = "2026-10-01")]
    date: String,
    /// Its name.
    name: String,
    /// `true`: nobody works; `false`: a make-up day 调休, worked like a Monday.
    is_off_day: bool,
}

/// The working calendar.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarView {
    /// The open spans of Monday to Sunday, such as `08:00-12:00`.
    hours: Vec<Vec<String>>,
    /// The days that depart from the week, by date.
    days: Vec<DayView>,
}

/// The working calendar of the district.
#[utoipa::path(tag = "administration", operation_id = "calendar", security(("token" = [])),
    responses((status = OK, body = CalendarView)))]
#[get("/calendar")]
async fn read_calendar(
    services: web::Data<Services>,
    caller: Auth<Official>,
) -> Result<HttpResponse, Problem> {
    let (hours, days) = calendar::read(&services, caller.account.district).await?;
    let day =
        |day: CalendarDay| DayView { date: day.date.to_string(), name: day.name, is_off_day: day.is_off_day };
    let clock = |second: u32| format!("{:02}:{:02}", second / 3600, second / 60 % 60);
    let span = |(from, to): &(u32, u32)| format!("{}-{}", clock(*from), clock(*to));
    let hours = hours.days.iter().map(|spans| spans.iter().map(span).collect()).collect();
    Ok(ok(&CalendarView { hours, days: days.into_iter().map(day).collect() }))
}

/// The weekly hours.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoursBody {
    /// The open spans of Monday to Sunday, in order; none for a closed day.
    #[schema(value_type = Vec<Vec<Span>>, min_items = 7, max_items = 7)]
    days: [Vec<Span>; 7],
}

/// A span of a day from one minute to another, such as `08:00-12:00`; it may end at `24:00`.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, example = "08:00-12:00",
    pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
pub(crate) struct Span((u32, u32));

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let minute = |part: &str| -> Option<u32> {
            let (hour, minute) = part.split_once(':')?;
            let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let (hour, minute) = (Some(hour).filter(|t| digits(t))?, Some(minute).filter(|t| digits(t))?);
            let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
            (minute < 60 && hour * 60 + minute <= 24 * 60).then_some((hour * 60 + minute) * 60)
        };
        let span = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        span.map(Self).ok_or("must be a span such as 08:00-12:00")
    }
}

/// Sets the weekly hours. Open deadlines are computed anew in the background, each with a line in its history; with
/// `dry_run` the answer says which would move.
#[utoipa::path(tag = "administration", operation_id = "set_hours", security(("token" = [])), params(DryRun),
    responses((status = OK, body = Preview)))]
#[put("/admin/calendar/hours")]
async fn set_hours(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    query: Query<DryRun>,
    body: Json<HoursBody>,
) -> Result<HttpResponse, Problem> {
    let days = body.into_inner().days.map(|spans| spans.into_iter().map(|Span(span)| span).collect());
    let change = Change::Hours(WeeklyHours { days });
    Ok(ok(&calendar::change(&services, &caller.account, change, query.0.dry_run).await?))
}

/// A civil date in a path.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Day(jiff::civil::Date);

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let well_formed = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        let date = if well_formed { text.parse().ok() } else { None };
        date.map(Self).ok_or("must be a date such as 2026-10-01")
    }
}

/// What a day is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DayBody {
    /// Its name, such as 国庆节.
    name: Words<40>,
    /// `true`: nobody works; `false`: a make-up day 调休, worked like a Monday.
    is_off_day: bool,
}

/// Makes a day a holiday or a make-up day. Open deadlines follow as with the hours.
#[utoipa::path(tag = "administration", operation_id = "set_day", security(("token" = [])),
    params(("date" = String, Path, format = Date, example = "2026-10-01"), DryRun),
    responses((status = OK, body = Preview)))]
#[put("/admin/calendar/days/{date}")]
async fn set_day(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    date: Path<Day>,
    query: Query<DryRun>,
    body: Json<DayBody>,
) -> Result<HttpResponse, Problem> {
    let DayBody { name, is_off_day } = body.into_inner();
    let change = Change::Day(CalendarDay { date: date.0.0, name: name.into_string(), is_off_day });
    Ok(ok(&calendar::change(&services, &caller.account, change, query.0.dry_run).await?))
}

/// Makes a day an ordinary one again. Open deadlines follow as with the hours.
#[utoipa::path(tag = "administration", operation_id = "clear_day", security(("token" = [])),
    params(("date" = String, Path, format = Date, example = "2026-10-01"), DryRun),
    responses((status = OK, body = Preview)))]
#[delete("/admin/calendar/days/{date}")]
async fn clear_day(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    date: Path<Day>,
    query: Query<DryRun>,
) -> Result<HttpResponse, Problem> {
    let change = Change::Ordinary(date.0.0);
    Ok(ok(&calendar::change(&services, &caller.account, change, query.0.dry_run).await?))
}
