//! The versions of the rules, and the weekly hours, in the database.

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, Policy, PolicyId};
use suishoupai_core::model::{District, WeeklyHours};
use suishoupai_core::time::Moment;

use super::bump;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{districts, policies};

/// One version of a district's rules.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// The key.
    pub id: PolicyId,
    /// Whose.
    pub district: District,
    /// From when it holds.
    pub valid_from: Moment,
    /// The rules.
    pub policy: Policy,
}

/// All versions of all districts, by district and date.
///
/// # Errors
/// The database's.
pub fn load_policies(conn: &mut Conn) -> Result<Vec<PolicyRow>, DbError> {
    let rows: Vec<(i64, i32, i64, String)> = policies::table
        .select((policies::id, policies::district, policies::valid_from, policies::content))
        .order((policies::district, policies::valid_from))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, district, valid_from, content)| {
            let policy = serde_json::from_str(&content).map_err(|error| DbError::corrupt("policy", error))?;
            Ok(PolicyRow { id, district, valid_from: Moment::from_millis(valid_from), policy })
        })
        .collect()
}

/// Writes a new version; one that begins at the same instant and has not begun yet is replaced.
///
/// # Errors
/// The database's.
pub fn save_policy(
    conn: &mut Conn,
    row: &PolicyRow,
    by: Option<AccountId>,
    now: Moment,
) -> Result<(), DbError> {
    let content = serde_json::to_string(&row.policy).map_err(|error| DbError::corrupt("policy", error))?;
    let same = policies::table
        .filter(policies::district.eq(row.district).and(policies::valid_from.eq(row.valid_from.millis())));
    diesel::delete(same).execute(conn)?;
    diesel::insert_into(policies::table)
        .values((
            policies::id.eq(row.id),
            policies::district.eq(row.district),
            policies::valid_from.eq(row.valid_from.millis()),
            policies::content.eq(content),
            policies::created_by.eq(by),
            policies::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    bump(conn)
}

/// Sets the weekly hours of a district.
///
/// # Errors
/// The database's.
pub fn save_hours(conn: &mut Conn, district: District, hours: &WeeklyHours) -> Result<(), DbError> {
    let text = serde_json::to_string(hours).map_err(|error| DbError::corrupt("hours", error))?;
    diesel::update(districts::table.find(district)).set(districts::hours.eq(text)).execute(conn)?;
    bump(conn)
}
