//! The working-time clock: when is the office open, when is something due, how much working time has passed.
//!
//! | unit of a limit | counted in | can end in closed time |
//! | --- | --- | --- |
//! | 紧急工作分钟, 紧急工作时 | minutes, hours round the clock | yes |
//! | 自然日 | days of 24 hours | yes |
//! | 工作分钟, 工作时 | open time | no |
//! | 工作日 | working days, see below | no |
//!
//! A start in closed time counts from the next opening. The instant of closing (12:00, 18:00) is still open,
//! so four working hours from 08:00 end at 12:00 and not at 14:30.
//!
//! **Working days.** The deadline of *n* working days is on the *n*-th working day after the day of the start,
//! at the time of day of the start; where that is closed then, at the next opening of that day, or at its
//! closing where none is left. With hours 08:00-12:00 and 14:30-18:00, for one working day:
//!
//! | start | counts from | due |
//! | --- | --- | --- |
//! | Monday 10:00 | Monday 10:00 | Tuesday 10:00 |
//! | Monday 07:00 | Monday 08:00 | Tuesday 08:00 |
//! | Monday 13:00 | Monday 14:30 | Tuesday 14:30 |
//! | Monday 18:00 | Monday 18:00 | Tuesday 18:00 |
//! | Monday 20:00 | Tuesday 08:00 | Wednesday 08:00 |
//! | Saturday 10:00 | Monday 08:00 | Tuesday 08:00 |
//!
//! A holiday is closed; a make-up day 调休 has Monday's hours. Where the calendar lists no days, before its
//! first year and after its last, the plain week goes on.

mod hours;
mod ladder;

use std::collections::HashMap;

use jiff::civil::Date;

use self::hours::{DAY, DayPlan};
use self::ladder::{Ladder, weekday};
use crate::model::{CalendarDay, Limit, LimitUnit, WeeklyHours};
use crate::time::{CHINA, Moment};

pub use self::hours::MAX_SPANS;

/// The years whose days are looked up even where the calendar lists none of them.
const YEARS: (i16, i16) = (2019, 2035);

/// The years in which days may be listed; the table of days stays below 37,000 entries.
const LISTABLE: (i16, i16) = (2000, 2100);

/// 9999-12-31T23:59:59.999Z, in milliseconds: the end of what can be written as RFC 3339.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// Longer than the range of instants; keeps all sums far from overflow.
const LONGEST_MILLIS: i64 = 1_000_000_000_000_000;

/// The hours or days given do not make a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No weekday has open hours, so nothing would ever be due.
    #[error("the week has no open hours; give at least one weekday a span")]
    NeverOpen,
    /// The spans of a weekday (Monday is 0) are empty, out of order, overlapping, past 24:00 or too many.
    #[error(
        "the spans of weekday {0} (Monday is 0) must be [start, end) in seconds since midnight, in order, without \
         overlap, at most 86400 and at most {MAX_SPANS} of them"
    )]
    BadHours(usize),
    /// A listed day lies outside of the years 2000 to 2100.
    #[error("{0} is outside of the years 2000 to 2100")]
    DayOutOfRange(Date),
}

/// A working calendar, ready to be asked: every question takes a binary search at most.
#[derive(Clone, Debug)]
pub struct WorkCalendar {
    /// The plans of Monday to Sunday.
    week: [DayPlan; 7],
    closed: DayPlan,
    /// The days that depart from the week, by day number: `true` is a holiday, `false` a make-up day.
    listed: HashMap<i64, bool>,
    /// Open milliseconds, summed over days.
    open: Ladder,
    /// Working days, counted over days.
    working_days: Ladder,
}

impl WorkCalendar {
    /// The calendar of these weekly hours, with the days that depart from them; the last entry for a date wins.
    ///
    /// # Errors
    /// [`CalendarError`] where the hours are malformed or never open, or a day lies outside of 2000 to 2100.
    pub fn new(
        hours: WeeklyHours,
        days: impl IntoIterator<Item = CalendarDay>,
    ) -> Result<Self, CalendarError> {
        let mut week: [DayPlan; 7] = Default::default();
        for (number, (plan, hours)) in week.iter_mut().zip(&hours.days).enumerate() {
            *plan = DayPlan::new(hours).ok_or(CalendarError::BadHours(number))?;
        }
        if week.iter().all(|plan| !plan.is_working()) {
            return Err(CalendarError::NeverOpen);
        }
        let (mut first, mut last) = YEARS;
        let mut listed = HashMap::new();
        for day in days {
            let year = day.date.year();
            if !(LISTABLE.0..=LISTABLE.1).contains(&year) {
                return Err(CalendarError::DayOutOfRange(day.date));
            }
            (first, last) = (first.min(year), last.max(year));
            listed.insert(day_number(day.date), day.is_off_day);
        }
        let days = day_number(Date::constant(first, 1, 1))..day_number(Date::constant(last + 1, 1, 1));
        let closed = DayPlan::default();
        let plans = || days.clone().map(|day| plan_of(&week, &closed, &listed, day));
        let open = Ladder::new(days.start, plans().map(DayPlan::total), week.each_ref().map(DayPlan::total));
        let works = |plan: &DayPlan| i64::from(plan.is_working());
        let working_days = Ladder::new(days.start, plans().map(works), week.each_ref().map(works));
        Ok(Self { week, closed, listed, open, working_days })
    }

    /// Whether the office is open; both the opening and the closing instant count as open.
    pub fn is_open(&self, at: Moment) -> bool {
        let (day, time) = split(at);
        self.plan(day).open_at_or_after(time) == Some(time) || self.closed_last_midnight(day, time)
    }

    /// When something is due that starts at `from`; see the module for the definition of each unit.
    ///
    /// Saturates at the end of the year 9999.
    pub fn deadline(&self, from: Moment, limit: Limit) -> Moment {
        let amount = i64::from(limit.amount);
        match limit.unit {
            LimitUnit::UrgentMinutes => bounded(from.plus_seconds(amount * 60)),
            LimitUnit::WorkingMinutes => self.add_working_seconds(from, amount * 60),
            LimitUnit::UrgentHours => bounded(from.plus_seconds(amount * 3600)),
            LimitUnit::Days => bounded(from.plus_seconds(amount * 86_400)),
            LimitUnit::WorkingHours => self.add_working_seconds(from, amount * 3600),
            LimitUnit::WorkingDays => self.add_working_days(from, amount),
        }
    }

    /// The instant `seconds` of open time after `from` (before it where negative).
    ///
    /// It never lies in closed time. Forwards it is the earliest such instant, so a span that is used up ends
    /// at its closing; backwards it is the latest, so it begins at an opening. Saturates at the year ±9999.
    pub fn add_working_seconds(&self, from: Moment, seconds: i64) -> Moment {
        self.add_working_millis(from, seconds.saturating_mul(1000))
    }

    /// As [`WorkCalendar::add_working_seconds`], in milliseconds.
    pub fn add_working_millis(&self, from: Moment, millis: i64) -> Moment {
        if millis == 0 {
            let (day, time) = split(from);
            if self.closed_last_midnight(day, time) {
                return bounded(from);
            }
            let (day, time) = self.next_open(day, time);
            return join(day, time);
        }
        let millis = millis.clamp(-LONGEST_MILLIS, LONGEST_MILLIS);
        let target = self.open_before(from) + millis;
        // Forwards the day is the one that holds the last millisecond used; backwards the first one.
        let day = self.open.rung(if millis > 0 { target - 1 } else { target });
        let used = target - self.open.before(day);
        let plan = self.plan(day);
        join(day, if millis > 0 { plan.earliest(used) } else { plan.latest(used) })
    }

    /// The open time from `a` to `b` in milliseconds, exact; negative where `b` is before `a`.
    pub fn working_millis_between(&self, a: Moment, b: Moment) -> i64 {
        self.open_before(b) - self.open_before(a)
    }

    /// The open time from `a` to `b` in whole seconds, cut towards zero; negative where `b` is before `a`.
    pub fn working_seconds_between(&self, a: Moment, b: Moment) -> i64 {
        self.working_millis_between(a, b) / 1000
    }

    fn add_working_days(&self, from: Moment, amount: i64) -> Moment {
        let (day, time) = split(from);
        let (day, time) =
            if self.closed_last_midnight(day, time) { (day - 1, DAY) } else { self.next_open(day, time) };
        let due = self.working_days.rung(self.working_days.before(day) + amount);
        let plan = self.plan(due);
        join(due, plan.open_at_or_after(time).unwrap_or(plan.closing()))
    }

    /// The next open instant, as day and time of day; the instant itself where it is open.
    fn next_open(&self, day: i64, time: i64) -> (i64, i64) {
        if let Some(open) = self.plan(day).open_at_or_after(time) {
            return (day, open);
        }
        let next = self.working_days.rung(self.working_days.before(day + 1));
        (next, self.plan(next).opening())
    }

    /// Whether a midnight belongs to the day before, as its closing at 24:00, and not to the day that begins.
    fn closed_last_midnight(&self, day: i64, time: i64) -> bool {
        time == 0 && self.plan(day - 1).closing() == DAY && self.plan(day).open_at_or_after(0) != Some(0)
    }

    /// The open milliseconds before an instant, counted from the first day of the table.
    fn open_before(&self, at: Moment) -> i64 {
        let (day, time) = split(at);
        self.open.before(day) + self.plan(day).open_before(time)
    }

    fn plan(&self, day: i64) -> &DayPlan {
        plan_of(&self.week, &self.closed, &self.listed, day)
    }
}

fn plan_of<'a>(
    week: &'a [DayPlan; 7],
    closed: &'a DayPlan,
    listed: &HashMap<i64, bool>,
    day: i64,
) -> &'a DayPlan {
    match listed.get(&day) {
        Some(true) => closed,
        Some(false) => &week[0],
        None => &week[weekday(day)],
    }
}

fn bounded(at: Moment) -> Moment {
    Moment::from_millis(at.millis().clamp(-LAST_MILLIS, LAST_MILLIS))
}

/// The day in China, numbered from 1970-01-01, and the milliseconds since its midnight.
fn split(at: Moment) -> (i64, i64) {
    let local = bounded(at).millis() + i64::from(CHINA.seconds()) * 1000;
    (local.div_euclid(DAY), local.rem_euclid(DAY))
}

fn join(day: i64, time: i64) -> Moment {
    bounded(Moment::from_millis(day * DAY + time - i64::from(CHINA.seconds()) * 1000))
}

fn day_number(date: Date) -> i64 {
    split(Moment::from_civil(date.at(0, 0, 0, 0))).0
}

#[cfg(test)]
mod tests;
