//! Reading import files line by line, and comparing them with what is there.
//!
//! An import is two steps: `read_*` turns the text of a file into [`Line`]s, `compare_*` turns lines and the
//! existing rows into an [`ImportReport`] that says of every line whether it is new, changed, the same or
//! wrong. Nothing is written here: the caller shows the report (dry run) or stores `accepted`, and it stores
//! nothing at all while one line is wrong ([`ImportReport::is_clean`]). Rows that a file leaves out stay.
//!
//! Files are CSV: comma, UTF-8 with or without BOM, a header row with the columns in any order, RFC 4180
//! quotes. Limits: [`MAX_BYTES`], [`MAX_LINES`], [`MAX_FIELD_CHARS`].

mod calendar;
mod categories;
mod duties;
mod message;
mod report;
mod table;
mod units;

pub use calendar::{compare_calendar, read_calendar};
pub use categories::{compare_categories, read_categories};
pub use duties::{compare_duties, read_duties};
pub use message::{FileError, Message};
pub use report::{Column, Counts, ImportReport, Line, ReportLine, Row, Status};
pub use table::{MAX_BYTES, MAX_FIELD_CHARS, MAX_LINES, decode, write_rows};
pub use units::{UnitRow, compare_units, read_units};

#[cfg(test)]
mod tests;
