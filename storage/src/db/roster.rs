//! 值班与替班: who is on duty in a unit, who is on leave, and who acts meanwhile.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{absences, shifts};

/// A leave with its substitute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// The key.
    pub id: i64,
    /// The district.
    pub district: District,
    /// Who is away.
    pub account: AccountId,
    /// Who acts meanwhile.
    pub substitute: AccountId,
    /// From when.
    pub from: Moment,
    /// Until when, not included.
    pub to: Moment,
    /// Why.
    pub reason: String,
}

/// Somebody on duty in a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The key.
    pub id: i64,
    /// The district.
    pub district: District,
    /// Where.
    pub unit: UnitId,
    /// Who.
    pub account: AccountId,
    /// From when.
    pub from: Moment,
    /// Until when, not included.
    pub to: Moment,
}

/// For whom accounts stand in at an instant: pairs of the substitute and the colleague.
///
/// # Errors
/// The database's.
pub fn standing_in(
    conn: &mut Conn,
    substitutes: &[AccountId],
    now: Moment,
) -> Result<Vec<(AccountId, AccountId)>, DbError> {
    let lasting = absences::table
        .filter(absences::from_at.le(now.millis()).and(absences::to_at.gt(now.millis())))
        .select((absences::substitute_id, absences::account_id))
        .order(absences::id);
    let found = match substitutes {
        // A statement that SQLite can keep.
        [one] => {
            let of_one = lasting.filter(absences::substitute_id.eq(*one));
            each_backend!(conn, conn => of_one.load(conn))
        }
        _ => {
            let of_any = lasting.filter(absences::substitute_id.eq_any(substitutes.to_vec()));
            each_backend!(conn, conn => of_any.load(conn))
        }
    };
    Ok(found?)
}

/// Writes a leave.
///
/// # Errors
/// The database's.
pub fn insert_absence(conn: &mut Conn, absence: &Absence, by: AccountId, now: Moment) -> Result<(), DbError> {
    diesel::insert_into(absences::table)
        .values((
            absences::id.eq(absence.id),
            absences::district.eq(absence.district),
            absences::account_id.eq(absence.account),
            absences::substitute_id.eq(absence.substitute),
            absences::from_at.eq(absence.from.millis()),
            absences::to_at.eq(absence.to.millis()),
            absences::reason.eq(&absence.reason),
            absences::created_by.eq(by),
            absences::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether a leave of the account overlaps a span.
///
/// # Errors
/// The database's.
pub fn is_away(conn: &mut Conn, account: AccountId, from: Moment, to: Moment) -> Result<bool, DbError> {
    let overlapping = absences::table
        .filter(absences::account_id.eq(account).and(absences::to_at.gt(from.millis())))
        .filter(absences::from_at.lt(to.millis()));
    Ok(overlapping.count().get_result::<i64>(conn)? > 0)
}

/// Ends a leave early, at `now`; says whether there was one to end.
///
/// # Errors
/// The database's.
pub fn end_absence(conn: &mut Conn, district: District, id: i64, now: Moment) -> Result<bool, DbError> {
    let target = absences::table
        .filter(absences::id.eq(id).and(absences::district.eq(district)))
        .filter(absences::to_at.gt(now.millis()));
    Ok(diesel::update(target).set(absences::to_at.eq(now.millis())).execute(conn)? > 0)
}

/// The leaves of a district that have not ended by `now`, at most `limit`.
///
/// # Errors
/// The database's.
pub fn absences_of(
    conn: &mut Conn,
    district: District,
    now: Moment,
    limit: i64,
) -> Result<Vec<Absence>, DbError> {
    type Record = (i64, i32, i64, i64, i64, i64, String);
    let rows: Vec<Record> = absences::table
        .filter(absences::district.eq(district).and(absences::to_at.gt(now.millis())))
        .select((
            absences::id,
            absences::district,
            absences::account_id,
            absences::substitute_id,
            absences::from_at,
            absences::to_at,
            absences::reason,
        ))
        .order(absences::id)
        .limit(limit)
        .load(conn)?;
    let read = |(id, district, account, substitute, from, to, reason): Record| Absence {
        id,
        district,
        account,
        substitute,
        from: Moment::from_millis(from),
        to: Moment::from_millis(to),
        reason,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Writes a shift.
///
/// # Errors
/// The database's.
pub fn insert_shift(conn: &mut Conn, shift: &Shift) -> Result<(), DbError> {
    diesel::insert_into(shifts::table)
        .values((
            shifts::id.eq(shift.id),
            shifts::district.eq(shift.district),
            shifts::unit_id.eq(shift.unit),
            shifts::account_id.eq(shift.account),
            shifts::from_at.eq(shift.from.millis()),
            shifts::to_at.eq(shift.to.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a shift off; says whether there was one.
///
/// # Errors
/// The database's.
pub fn delete_shift(conn: &mut Conn, district: District, id: i64) -> Result<bool, DbError> {
    let target = shifts::table.filter(shifts::id.eq(id).and(shifts::district.eq(district)));
    Ok(diesel::delete(target).execute(conn)? > 0)
}

/// The shifts of some units that have not ended by `now`, at most `limit`.
///
/// # Errors
/// The database's.
pub fn shifts_of(conn: &mut Conn, units: &[UnitId], now: Moment, limit: i64) -> Result<Vec<Shift>, DbError> {
    type Record = (i64, i32, i64, i64, i64, i64);
    let rows: Vec<Record> = shifts::table
        .filter(shifts::unit_id.eq_any(units.to_vec()).and(shifts::to_at.gt(now.millis())))
        .order((shifts::from_at, shifts::id))
        .limit(limit)
        .load(conn)?;
    let read = |(id, district, unit, account, from, to): Record| Shift {
        id,
        district,
        unit,
        account,
        from: Moment::from_millis(from),
        to: Moment::from_millis(to),
    };
    Ok(rows.into_iter().map(read).collect())
}
