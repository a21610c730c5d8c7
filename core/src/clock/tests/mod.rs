//! Vectors written out by hand for the calendar of the demo district, and laws for calendars of every shape.

mod laws;
mod vectors;

use super::*;
use crate::demo;
use crate::import::read_calendar;

/// Monday to Friday 08:00-12:00 and 14:30-18:00 with the holidays of 2019 to 2026.
fn office() -> WorkCalendar {
    WorkCalendar::new(WeeklyHours::default(), holidays()).unwrap()
}

fn holidays() -> Vec<CalendarDay> {
    read_calendar(demo::CALENDAR_CSV).unwrap().into_iter().map(|line| line.row.unwrap()).collect()
}

/// An instant by its civil time in China, such as `2026-02-14 17:00`.
fn at(civil: &str) -> Moment {
    Moment::from_civil(civil.replace(' ', "T").parse().unwrap())
}

/// The civil time in China to the minute, or to the millisecond where there are any.
fn civil(moment: Moment) -> String {
    let text = moment.to_string().replace('T', " ").replace("+08:00", "");
    text.strip_suffix(":00.000").unwrap_or(&text).to_owned()
}
