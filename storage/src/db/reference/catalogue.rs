//! The catalogue in the database.

use diesel::prelude::*;
use suishoupai_core::model::{Category, CategoryKind, District, Limit, LimitUnit};

use super::bump;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::categories;
use crate::db::word::Word;

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = categories, treat_none_as_default_value = false)]
struct CategoryRecord {
    district: i32,
    code: String,
    kind: String,
    major_code: String,
    major_name: String,
    minor_code: String,
    minor_name: String,
    urgent: bool,
    filing_condition: String,
    limit_amount: i32,
    limit_unit: String,
    closing_condition: String,
    anonymous_allowed: bool,
    sensitive: bool,
    must_report: bool,
}

/// The catalogue of one district, or of all.
///
/// # Errors
/// The database's.
pub fn load_categories(
    conn: &mut Conn,
    district: Option<District>,
) -> Result<Vec<(District, Category)>, DbError> {
    let mut query = categories::table.into_boxed();
    if let Some(district) = district {
        query = query.filter(categories::district.eq(district));
    }
    let rows: Vec<CategoryRecord> = query.order((categories::district, categories::code)).load(conn)?;
    rows.into_iter()
        .map(|row| {
            let limit = Limit {
                amount: u32::try_from(row.limit_amount).map_err(|e| DbError::corrupt("limit", e))?,
                unit: LimitUnit::stored(&row.limit_unit)?,
            };
            Ok((
                row.district,
                Category {
                    code: row.code,
                    kind: CategoryKind::stored(&row.kind)?,
                    major_code: row.major_code,
                    major_name: row.major_name,
                    minor_code: row.minor_code,
                    minor_name: row.minor_name.into(),
                    urgent: row.urgent,
                    filing_condition: row.filing_condition,
                    limit,
                    closing_condition: row.closing_condition,
                    anonymous_allowed: row.anonymous_allowed,
                    sensitive: row.sensitive,
                    must_report: row.must_report,
                },
            ))
        })
        .collect()
}

/// Writes new and changed categories.
///
/// # Errors
/// The database's.
pub fn save_categories(conn: &mut Conn, district: District, rows: &[Category]) -> Result<(), DbError> {
    for row in rows {
        let record = CategoryRecord {
            district,
            code: row.code.clone(),
            kind: row.kind.as_str().to_owned(),
            major_code: row.major_code.clone(),
            major_name: row.major_name.clone(),
            minor_code: row.minor_code.clone(),
            minor_name: row.minor_name.to_string(),
            urgent: row.urgent,
            filing_condition: row.filing_condition.clone(),
            limit_amount: i32::try_from(row.limit.amount).map_err(|e| DbError::corrupt("limit", e))?,
            limit_unit: row.limit.unit.as_str().to_owned(),
            closing_condition: row.closing_condition.clone(),
            anonymous_allowed: row.anonymous_allowed,
            sensitive: row.sensitive,
            must_report: row.must_report,
        };
        let target = categories::table.find((district, &row.code));
        if diesel::update(target).set(&record).execute(conn)? == 0 {
            diesel::insert_into(categories::table).values(&record).execute(conn)?;
        }
    }
    bump(conn)
}
