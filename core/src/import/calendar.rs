//! Holidays and make-up days: `date,name,is_off_day`.

use jiff::civil::Date;

use super::message::FileError;
use super::report::{Column, ImportReport, Line, Row, compare};
use super::table::{Fields, read};
use crate::model::CalendarDay;

impl Row for CalendarDay {
    const COLUMNS: &'static [Column] = &[
        Column { name: "date", zh: "日期" },
        Column { name: "name", zh: "名称" },
        Column { name: "is_off_day", zh: "是否放假" },
    ];

    fn key(&self) -> String {
        self.date.to_string()
    }

    fn fields(&self) -> Vec<String> {
        vec![self.key(), self.name.clone(), u8::from(self.is_off_day).to_string()]
    }
}

/// Reads a calendar file; `is_off_day` is `1` or `true` for a holiday, `0` or `false` for a make-up day.
///
/// # Errors
/// [`FileError`] where the file as a whole cannot be read.
pub fn read_calendar(text: &str) -> Result<Vec<Line<CalendarDay>>, FileError> {
    read(text, |fields| fields.raw("date").to_owned(), parse)
}

/// Compares a calendar with the days that are there.
pub fn compare_calendar(lines: &[Line<CalendarDay>], existing: &[CalendarDay]) -> ImportReport<CalendarDay> {
    compare(lines, existing, |_| Vec::new())
}

fn parse(fields: &mut Fields<'_>) -> Option<CalendarDay> {
    let date = fields.parsed("date", "2000-01-01 … 2100-12-31 (YYYY-MM-DD)", read_date);
    let name = fields.name("name");
    let is_off_day = fields.boolean("is_off_day");
    Some(CalendarDay { date: date?, name, is_off_day: is_off_day? })
}

/// An ISO date with dashes; the shape is checked first because jiff also reads `20260101` and date-times.
fn read_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(i, byte)| match i {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date: Date = text.parse().ok().filter(|_| shape)?;
    (2000..=2100).contains(&date.year()).then_some(date)
}
