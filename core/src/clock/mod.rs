//! The working-time clock.
use crate::model::{CalendarDay, Limit, WeeklyHours};
use crate::time::Moment;
/// Calendar.
#[derive(Debug)]
pub struct WorkCalendar;
impl WorkCalendar {
    /// New.
    pub fn new(_h: WeeklyHours, _d: impl IntoIterator<Item = CalendarDay>) -> Self {
        Self
    }
    /// Deadline.
    pub fn deadline(&self, from: Moment, limit: Limit) -> Moment {
        from.plus_seconds(i64::from(limit.amount) * 3600)
    }
}
