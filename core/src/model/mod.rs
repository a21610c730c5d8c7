//! The nouns of the product: units, categories, duties, the calendar.

mod calendar;
mod category;
mod duty;
mod unit;

pub use calendar::{CalendarDay, DayHours, WeeklyHours};
pub use category::{Category, CategoryKind, Limit, LimitUnit};
pub use duty::{CategoryPattern, Duty, DutyMode};
pub use unit::{District, Level, Unit, UnitId, UnitTree};
