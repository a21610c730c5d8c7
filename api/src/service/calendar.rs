//! The working calendar as an administrator edits it: weekly hours and single days. Open deadlines follow by a job;
//! a preview says beforehand which.

use serde::Serialize;
use suishoupai_core::audit::AuditKind;
use suishoupai_core::clock::{CalendarError, WorkCalendar};
use suishoupai_core::flow::{Actor, Command, Rules, step};
use suishoupai_core::model::{CalendarDay, District, WeeklyHours};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::{Conn, desk, reference, tickets};
use utoipa::ToSchema;

use super::alarms::enqueue_recount;
use crate::audit;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// A preview looks at so many open tickets at the most.
const LOOKED_AT: i64 = 5_000;
/// Tickets of a preview that are named.
const NAMED: usize = 50;
/// Tickets read at once.
const PORTION: i64 = 200;

/// A change of the calendar.
#[derive(Clone, Debug)]
pub enum Change {
    /// Other weekly hours.
    Hours(WeeklyHours),
    /// A day that departs from the week, or another one in its place.
    Day(CalendarDay),
    /// The day is an ordinary one again.
    Ordinary(jiff::civil::Date),
}

/// Which open tickets a change would move.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Preview {
    /// How many open tickets were looked at.
    pub looked_at: usize,
    /// Of how many the deadline moves.
    pub affected: usize,
    /// Whether there are more open tickets than were looked at.
    pub more: bool,
    /// 案卷号 of the first of them.
    pub tickets: Vec<String>,
}

/// The days of a district with their weekly hours.
///
/// # Errors
/// The database's.
pub async fn read(services: &Services, district: District) -> Result<(WeeklyHours, Vec<CalendarDay>), Fail> {
    let registry = services.registry();
    let hours = registry.districts.get(&district).map(|data| data.hours.clone()).unwrap_or_default();
    let days =
        services.db.read(move |conn| reference::load_days(conn, Some(district)).map_err(Fail::from)).await?;
    Ok((hours, days.into_iter().map(|(_, day)| day).collect()))
}

/// Changes the calendar and puts the recount of open deadlines in the queue, or, with `dry_run`, says which would
/// move.
///
/// # Errors
/// 422 for hours or days that make no calendar; the database's.
pub async fn change(
    services: &Services,
    by: &Account,
    change: Change,
    dry_run: bool,
) -> Result<Preview, Fail> {
    let district = by.district;
    let (mut hours, mut days) = read(services, district).await?;
    match &change {
        Change::Hours(new) => hours = new.clone(),
        Change::Day(day) => days.push(day.clone()),
        Change::Ordinary(date) => days.retain(|day| day.date != *date),
    }
    let calendar = WorkCalendar::new(hours, days).map_err(|error| bad_calendar(&error))?;
    let preview = preview(services, district, calendar).await?;
    if dry_run {
        return Ok(preview);
    }
    let [job] = services.db.ids::<1>().await?;
    let now = services.now();
    let what = match &change {
        Change::Hours(_) => "calendar:hours".to_owned(),
        Change::Day(day) => format!("calendar:{}", day.date),
        Change::Ordinary(date) => format!("calendar:{date}"),
    };
    let line = Entry { subject: Some(what), ..audit::by(by, AuditKind::RuleChange, now) };
    services
        .db
        .write(move |conn| {
            match &change {
                Change::Hours(hours) => reference::save_hours(conn, district, hours)?,
                Change::Day(day) => reference::save_days(conn, district, std::slice::from_ref(day))?,
                Change::Ordinary(date) => reference::delete_day(conn, district, *date)?,
            }
            enqueue_recount(conn, job, district, now)?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(())
        })
        .await?;
    services.refresh_registry().await?;
    Ok(preview)
}

fn bad_calendar(error: &CalendarError) -> Problem {
    let zh = match error {
        CalendarError::NeverOpen => "一周之内没有工作时间，请至少给一天设定时段".to_owned(),
        CalendarError::BadHours(day) => {
            format!("星期{}的时段有误：应按先后排列、互不重叠、在 0 到 86400 秒之间", day + 1)
        }
        CalendarError::DayOutOfRange(date) => format!("{date} 不在 2000 至 2100 年之间"),
    };
    Problem::new(Code::RefusedByRule).detail(Text::new(zh, error.to_string()))
}

async fn preview(services: &Services, district: District, calendar: WorkCalendar) -> Result<Preview, Fail> {
    let (registry, now) = (services.registry(), services.now());
    services.db.read(move |conn| look(conn, &registry, district, &calendar, now)).await
}

fn look(
    conn: &mut Conn,
    registry: &Registry,
    district: District,
    calendar: &WorkCalendar,
    now: Moment,
) -> Result<Preview, Fail> {
    let rules = registry.rules(district).ok_or(Code::Internal)?;
    let rules = Rules { calendar, ..rules };
    let mut seen = Preview::default();
    let mut after = 0;
    while (seen.looked_at as i64) < LOOKED_AT {
        let portion = desk::running(conn, district, after, PORTION)?;
        let Some(last) = portion.last() else { return Ok(seen) };
        after = *last;
        for id in portion {
            let Some(loaded) = tickets::find(conn, id)? else { continue };
            seen.looked_at += 1;
            if step(&loaded.ticket, &Command::Recount, &Actor::server(), &[], now, rules).is_ok() {
                seen.affected += 1;
                if seen.tickets.len() < NAMED {
                    seen.tickets.push(loaded.number);
                }
            }
        }
    }
    seen.more = !desk::running(conn, district, after, 1)?.is_empty();
    Ok(seen)
}
