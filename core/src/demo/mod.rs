//! The demo district: 思明区 of Xiamen, for trials, tests and simulations.
//!
//! Names, 12-digit codes (of 2016) and dates are public facts. Centre points follow Vonng/adcode (CC BY 4.0),
//! rounded to four decimals; holidays follow NateScarlet/holiday-cn (MIT). Departments, squads, duties, limits
//! and conditions are made up in the style of such districts, and every telephone number is fictitious.

mod outline;
mod seeds;

pub use outline::SIMING;
pub use seeds::seeds;

/// The units, as an import file: `code,name,level,parent_code,phone,lon,lat` (WGS-84 degrees).
pub const UNITS_CSV: &str = include_str!("../../demo/units.csv");

/// The catalogue, as an import file: one category a line, conditions in Chinese.
pub const CATEGORIES_CSV: &str = include_str!("../../demo/categories.csv");

/// The duty list, as an import file: `category_code,territory_code,mode,lead_unit_code,assist_unit_codes`.
pub const DUTIES_CSV: &str = include_str!("../../demo/duties.csv");

/// Holidays and make-up days 2019-2026, as an import file: `date,name,is_off_day`.
pub const CALENDAR_CSV: &str = include_str!("../../demo/calendar.csv");

#[cfg(test)]
mod tests;
