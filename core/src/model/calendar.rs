//! The working calendar of a district: weekly hours, holidays and make-up days 调休.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A day that departs from the week: a holiday, or a weekend day that is worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarDay {
    /// The civil date in China.
    pub date: Date,
    /// 节日名称, such as 春节.
    pub name: String,
    /// `true`: nobody works (holiday); `false`: a make-up day, worked like a Monday.
    pub is_off_day: bool,
}

/// The open spans of one day, in seconds since midnight, ordered and without overlap; empty means closed.
pub type DayHours = Vec<(u32, u32)>;

/// The working hours of a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// Monday first.
    pub days: [DayHours; 7],
}

impl Default for WeeklyHours {
    /// Monday to Friday 08:00-12:00 and 14:30-18:00, the office hours usual in southern China.
    fn default() -> Self {
        let open = vec![(8 * 3600, 12 * 3600), (14 * 3600 + 1800, 18 * 3600)];
        let closed = Vec::new();
        Self { days: [open.clone(), open.clone(), open.clone(), open.clone(), open, closed.clone(), closed] }
    }
}
