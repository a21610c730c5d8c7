//! Work off the request path. A job is a row, written in the same transaction as what it follows from; it is
//! leased by one process, tried again with growing pauses, and set aside as dead with its reason.

use diesel::prelude::*;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::jobs;
use crate::origin;

/// A leased job.
#[derive(Clone, Debug, Queryable)]
pub struct Job {
    /// The key.
    pub id: i64,
    /// What to do.
    pub kind: String,
    /// With what: the key of a photo.
    pub subject: i64,
    /// How often it has been tried, this time included.
    pub attempts: i32,
    /// The request that left it, as in the log.
    pub request_id: Option<String>,
}

const WAITING: &str = "waiting";
const DEAD: &str = "dead";

/// Puts a job in the queue; one that is there already for the same subject serves. It keeps which request it comes from.
///
/// # Errors
/// The database's.
pub fn enqueue(conn: &mut Conn, id: i64, kind: &str, subject: i64, now: Moment) -> Result<(), DbError> {
    let row = (
        jobs::id.eq(id),
        jobs::kind.eq(kind),
        jobs::subject.eq(subject),
        jobs::state.eq(WAITING),
        jobs::run_at.eq(now.millis()),
        jobs::attempts.eq(0),
        jobs::created_at.eq(now.millis()),
        jobs::request_id.eq(origin::current().map(|id| id.to_string())),
    );
    each_backend!(conn, conn => diesel::insert_into(jobs::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// Leases up to `limit` jobs that are due, until `until`. A job whose lease ran out (its process died) is due again.
///
/// # Errors
/// The database's.
pub fn lease(conn: &mut Conn, now: Moment, until: Moment, limit: i64) -> Result<Vec<Job>, DbError> {
    let free = jobs::locked_until.is_null().or(jobs::locked_until.lt(now.millis()).assume_not_null());
    let due = jobs::table
        .filter(jobs::state.eq(WAITING).and(jobs::run_at.le(now.millis())))
        .filter(free)
        .select(jobs::id)
        .order(jobs::run_at)
        .limit(limit);
    let ids: Vec<i64> = match conn {
        Conn::Sqlite(conn) => due.load(conn)?,
        Conn::Pg(conn) => due.for_update().skip_locked().load(conn)?,
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    diesel::update(jobs::table.filter(jobs::id.eq_any(ids.clone())))
        .set((jobs::locked_until.eq(until.millis()), jobs::attempts.eq(jobs::attempts + 1)))
        .execute(conn)?;
    Ok(jobs::table
        .filter(jobs::id.eq_any(ids))
        .select((jobs::id, jobs::kind, jobs::subject, jobs::attempts, jobs::request_id))
        .order(jobs::run_at)
        .load(conn)?)
}

/// Takes a finished job out of the queue.
///
/// # Errors
/// The database's.
pub fn done(conn: &mut Conn, id: i64) -> Result<(), DbError> {
    diesel::delete(jobs::table.find(id)).execute(conn)?;
    Ok(())
}

/// Takes a job out of the queue that has been done in another way.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut Conn, kind: &str, subject: i64) -> Result<(), DbError> {
    diesel::delete(jobs::table.filter(jobs::kind.eq(kind).and(jobs::subject.eq(subject)))).execute(conn)?;
    Ok(())
}

/// Records a failed try: again at `next`, or set aside as dead when there is none.
///
/// # Errors
/// The database's.
pub fn failed(conn: &mut Conn, id: i64, why: &str, next: Option<Moment>) -> Result<(), DbError> {
    let why: String = why.chars().take(500).collect();
    diesel::update(jobs::table.find(id))
        .set((
            jobs::state.eq(if next.is_some() { WAITING } else { DEAD }),
            jobs::run_at.eq(next.unwrap_or_default().millis()),
            jobs::locked_until.eq(None::<i64>),
            jobs::last_error.eq(why),
        ))
        .execute(conn)?;
    Ok(())
}

/// How many jobs wait and how many are dead.
///
/// # Errors
/// The database's.
pub fn counts(conn: &mut Conn) -> Result<(i64, i64), DbError> {
    let count = |conn: &mut Conn, state: &str| {
        jobs::table.filter(jobs::state.eq(state)).count().get_result::<i64>(conn)
    };
    Ok((count(conn, WAITING)?, count(conn, DEAD)?))
}
