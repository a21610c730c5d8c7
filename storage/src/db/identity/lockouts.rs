//! Locks after failures in a row, each longer than the one before.

use diesel::prelude::*;
use suishoupai_core::time::Moment;

use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::lockouts;

/// How many failures are free, and how long the locks after them are. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// With this failure in a row, and with each further one, a lock begins.
    pub free: i32,
    /// How long the first lock is; each further one is twice as long.
    pub first: i64,
    /// No lock is longer.
    pub longest: i64,
    /// After so long without a try, once no lock holds, failures are free again.
    pub quiet: i64,
    /// After so long without a try, the locks begin with the first one again.
    pub forget: i64,
}

impl Backoff {
    /// How long the lock is after so many before it.
    fn lock(&self, before: i32) -> i64 {
        let factor = 1i64.checked_shl(u32::try_from(before).unwrap_or(0).min(40)).unwrap_or(i64::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// The row after one more try.
    fn after(&self, row: Row, now: i64) -> Row {
        let last = row.last_at.max(row.locked_until);
        let failures = if last.saturating_add(self.quiet) <= now { 0 } else { row.failures };
        let locks = if last.saturating_add(self.forget) <= now { 0 } else { row.locks };
        let failures = failures.saturating_add(1);
        if failures < self.free {
            return Row { failures, locks, locked_until: 0, last_at: now };
        }
        let locked_until = now.saturating_add(self.lock(locks));
        Row { failures, locks: locks.saturating_add(1), locked_until, last_at: now }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, AsChangeset)]
#[diesel(table_name = lockouts)]
struct Row {
    failures: i32,
    locks: i32,
    locked_until: i64,
    last_at: i64,
}

fn row_for_update(conn: &mut Conn, key: &str) -> Result<Option<Row>, DbError> {
    let columns = (lockouts::failures, lockouts::locks, lockouts::locked_until, lockouts::last_at);
    let row = lockouts::table.find(key).select(columns);
    Ok(match conn {
        Conn::Sqlite(conn) => row.first(conn).optional()?,
        Conn::Pg(conn) => row.for_update().first(conn).optional()?,
    })
}

/// What came of counting a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It may be looked at.
    Counted {
        /// Whether a lock has begun with it, which is forgotten if it is right.
        locks: bool,
    },
    /// Tries are refused until then.
    Refused(Moment),
}

/// Counts a try before it is looked at, so that many at once, at whichever processes, are no more than one after the
/// other. One that is refused is not counted.
///
/// # Errors
/// The database's.
pub fn try_once(conn: &mut Conn, key: &str, rule: &Backoff, now: Moment) -> Result<Tried, DbError> {
    let now = now.millis();
    let fresh = (
        lockouts::key.eq(key),
        lockouts::failures.eq(0),
        lockouts::locks.eq(0),
        lockouts::locked_until.eq(0),
        lockouts::last_at.eq(now),
    );
    each_backend!(&mut *conn, conn => diesel::insert_into(lockouts::table)
        .values(fresh)
        .on_conflict(lockouts::key)
        .do_nothing()
        .execute(conn))?;
    let Some(row) = row_for_update(conn, key)? else { return Err(DbError::Conflict) };
    // A lock that ends later than any could was set by a clock that has been set back since.
    if row.locked_until > now && row.locked_until <= now.saturating_add(rule.longest) {
        return Ok(Tried::Refused(Moment::from_millis(row.locked_until)));
    }
    let row = rule.after(row, now);
    diesel::update(lockouts::table.find(key)).set(row).execute(conn)?;
    Ok(Tried::Counted { locks: row.locked_until > now })
}

/// Takes a try back that was neither right nor wrong, with the lock that began with it.
///
/// # Errors
/// The database's.
pub fn take_back(conn: &mut Conn, key: &str, rule: &Backoff) -> Result<(), DbError> {
    let Some(row) = row_for_update(conn, key)?.filter(|row| row.failures > 0) else { return Ok(()) };
    let locks = row.locks - i32::from(row.failures >= rule.free && row.locks > 0);
    let before = Row { failures: row.failures - 1, locks, locked_until: 0, last_at: row.last_at };
    diesel::update(lockouts::table.find(key)).set(before).execute(conn)?;
    Ok(())
}

/// Forgets all failures after a try that was right.
///
/// # Errors
/// The database's.
pub fn forgive(conn: &mut Conn, key: &str) -> Result<(), DbError> {
    diesel::delete(lockouts::table.find(key)).execute(conn)?;
    Ok(())
}

/// Removes those that were last tried before an instant.
///
/// # Errors
/// The database's.
pub fn sweep(conn: &mut Conn, before: Moment) -> Result<usize, DbError> {
    Ok(diesel::delete(lockouts::table.filter(lockouts::last_at.lt(before.millis()))).execute(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lock_is_twice_the_one_before_and_rest_makes_failures_free_again() {
        let rule = Backoff { free: 3, first: 10, longest: 75, quiet: 100, forget: 1000 };
        let mut row = Row { failures: 0, locks: 0, locked_until: 0, last_at: 0 };
        let mut now = 5000;
        let mut locks = Vec::new();
        for _ in 0..8 {
            row = rule.after(row, now);
            locks.push(if row.locked_until == 0 { 0 } else { row.locked_until - now });
            now = now.max(row.locked_until);
        }
        assert_eq!(locks, [0, 0, 10, 20, 40, 75, 75, 75]);
        // Rest, but not so long that the locks begin anew.
        now += 100;
        let fourth = (0..3).fold(row, |row, _| rule.after(row, now));
        assert_eq!((fourth.failures, fourth.locked_until - now), (3, 75));
        now += 75 + 1000;
        let anew = (0..3).fold(fourth, |row, _| rule.after(row, now));
        assert_eq!((anew.failures, anew.locks, anew.locked_until - now), (3, 1, 10));
    }
}
