//! The duty list and the calendar in the database.

use diesel::prelude::*;
use suishoupai_core::model::{CalendarDay, CategoryPattern, District, Duty, DutyMode};

use super::bump;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{calendar_days, duties};
use crate::db::word::Word;

/// The duty list of one district, or of all.
///
/// # Errors
/// The database's.
pub fn load_duties(conn: &mut Conn, district: Option<District>) -> Result<Vec<(District, Duty)>, DbError> {
    let mut query = duties::table.into_boxed();
    if let Some(district) = district {
        query = query.filter(duties::district.eq(district));
    }
    type Record = (i32, String, String, String, Option<String>, String);
    let rows: Vec<Record> =
        query.order((duties::district, duties::category_pattern, duties::territory_code)).load(conn)?;
    rows.into_iter()
        .map(|(district, pattern, territory, mode, lead, assist)| {
            let categories =
                CategoryPattern::parse(&pattern).ok_or_else(|| DbError::corrupt("pattern", pattern))?;
            let mode = DutyMode::stored(&mode)?;
            let assist = assist.split(';').filter(|code| !code.is_empty()).map(str::to_owned).collect();
            let territory = Some(territory).filter(|code| !code.is_empty());
            Ok((district, Duty { categories, territory, mode, lead, assist }))
        })
        .collect()
}

/// Writes new and changed duties.
///
/// # Errors
/// The database's.
pub fn save_duties(conn: &mut Conn, district: District, rows: &[Duty]) -> Result<(), DbError> {
    for row in rows {
        let territory = row.territory.clone().unwrap_or_default();
        let key = (district, row.categories.as_str().to_owned(), territory.clone());
        diesel::delete(duties::table.find(key)).execute(conn)?;
        diesel::insert_into(duties::table)
            .values((
                duties::district.eq(district),
                duties::category_pattern.eq(row.categories.as_str()),
                duties::territory_code.eq(territory),
                duties::mode.eq(row.mode.as_str()),
                duties::lead_code.eq(row.lead.as_deref()),
                duties::assist_codes.eq(row.assist.join(";")),
            ))
            .execute(conn)?;
    }
    bump(conn)
}

/// The calendar of one district, or of all.
///
/// # Errors
/// The database's.
pub fn load_days(
    conn: &mut Conn,
    district: Option<District>,
) -> Result<Vec<(District, CalendarDay)>, DbError> {
    let mut query = calendar_days::table.into_boxed();
    if let Some(district) = district {
        query = query.filter(calendar_days::district.eq(district));
    }
    let rows: Vec<(i32, String, String, bool)> =
        query.order((calendar_days::district, calendar_days::date)).load(conn)?;
    rows.into_iter()
        .map(|(district, date, name, is_off_day)| {
            let date = date.parse().map_err(|error| DbError::corrupt("date", error))?;
            Ok((district, CalendarDay { date, name, is_off_day }))
        })
        .collect()
}

/// Makes a day an ordinary one again.
///
/// # Errors
/// The database's.
pub fn delete_day(conn: &mut Conn, district: District, date: jiff::civil::Date) -> Result<(), DbError> {
    diesel::delete(calendar_days::table.find((district, date.to_string()))).execute(conn)?;
    bump(conn)
}

/// Writes new and changed days.
///
/// # Errors
/// The database's.
pub fn save_days(conn: &mut Conn, district: District, rows: &[CalendarDay]) -> Result<(), DbError> {
    for row in rows {
        let date = row.date.to_string();
        diesel::delete(calendar_days::table.find((district, &date))).execute(conn)?;
        diesel::insert_into(calendar_days::table)
            .values((
                calendar_days::district.eq(district),
                calendar_days::date.eq(date),
                calendar_days::name.eq(&row.name),
                calendar_days::is_off_day.eq(row.is_off_day),
            ))
            .execute(conn)?;
    }
    bump(conn)
}
