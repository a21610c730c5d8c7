//! 标准答复: texts with placeholders, by command and category.

use diesel::prelude::*;
use suishoupai_core::flow::Verb;
use suishoupai_core::model::{CategoryPattern, District};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::standard_texts;
use super::word::Word;

/// A standard text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandardText {
    /// The key.
    pub id: i64,
    /// What it is called in the list.
    pub title: String,
    /// For which command.
    pub verb: Verb,
    /// For which categories.
    pub categories: CategoryPattern,
    /// The text; `{…}` are placeholders.
    pub body: String,
}

/// The texts of a district, at most `limit`.
///
/// # Errors
/// The database's.
pub fn of_district(conn: &mut Conn, district: District, limit: i64) -> Result<Vec<StandardText>, DbError> {
    type Record = (i64, String, String, String, String);
    let rows: Vec<Record> = standard_texts::table
        .filter(standard_texts::district.eq(district))
        .select((
            standard_texts::id,
            standard_texts::title,
            standard_texts::verb,
            standard_texts::category_pattern,
            standard_texts::body,
        ))
        .order(standard_texts::id)
        .limit(limit)
        .load(conn)?;
    rows.into_iter()
        .map(|(id, title, verb, pattern, body)| {
            let categories =
                CategoryPattern::parse(&pattern).ok_or_else(|| DbError::corrupt("pattern", pattern))?;
            Ok(StandardText { id, title, verb: Verb::stored(&verb)?, categories, body })
        })
        .collect()
}

/// Writes a text.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, district: District, text: &StandardText, now: Moment) -> Result<(), DbError> {
    diesel::insert_into(standard_texts::table)
        .values((
            standard_texts::id.eq(text.id),
            standard_texts::district.eq(district),
            standard_texts::title.eq(&text.title),
            standard_texts::verb.eq(text.verb.as_str()),
            standard_texts::category_pattern.eq(text.categories.as_str()),
            standard_texts::body.eq(&text.body),
            standard_texts::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a text off; says whether there was one.
///
/// # Errors
/// The database's.
pub fn delete(conn: &mut Conn, district: District, id: i64) -> Result<bool, DbError> {
    let target =
        standard_texts::table.filter(standard_texts::id.eq(id).and(standard_texts::district.eq(district)));
    Ok(diesel::delete(target).execute(conn)? > 0)
}
