//! Work off the request path. A job is a row, written in the same transaction as what it follows from; it is
//! leased by one process, tried again with growing pauses, and set aside as dead with its reason.
//!
//! A lease ends by itself, so that the job of a process that died is taken over. Whoever holds it renews it while the
//! job runs, and only that holder may finish the job: one whose lease was taken over meanwhile changes nothing.

use diesel::prelude::*;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::news::{self, News};
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
    /// When it was put in the queue, milliseconds since the epoch.
    pub created_at: i64,
    /// Who holds it, as given to [`lease`].
    pub holder: Option<i64>,
}

/// How a job goes on that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// At this instant; the try counts.
    At(Moment),
    /// At this instant; the job is not at fault, so the try does not count.
    Uncounted(Moment),
    /// Not any more: it is dead.
    Never,
}

/// A job in a list for operators.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Line {
    /// The key.
    pub id: i64,
    /// What to do.
    pub kind: String,
    /// With what.
    pub subject: i64,
    /// `waiting` or `dead`.
    pub state: String,
    /// How often it has been tried.
    pub attempts: i32,
    /// When it is next tried, milliseconds since the epoch; without a meaning for a dead one.
    pub run_at: i64,
    /// Until when a process holds it.
    pub locked_until: Option<i64>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

const WAITING: &str = "waiting";
const DEAD: &str = "dead";
/// Why a job is dead that ended every process that had it.
const GAVE_UP: &str = "every process that took it ended before it was done";

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
        jobs::request_id.eq(origin::current().request.map(|id| id.to_string())),
    );
    each_backend!(conn, conn => diesel::insert_into(jobs::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// Waiting, due and held by nobody: a job whose lease ran out (its process died) is due again.
macro_rules! due {
    ($now:expr) => {{
        let now = $now.millis();
        let free = jobs::locked_until.is_null().or(jobs::locked_until.lt(now).assume_not_null());
        jobs::table.filter(jobs::state.eq(WAITING).and(jobs::run_at.le(now))).filter(free)
    }};
}

/// Whether a job is due; looked for before anything is written, as mostly none is.
///
/// # Errors
/// The database's.
pub fn any_due(conn: &mut Conn, now: Moment) -> Result<bool, DbError> {
    let first: Option<i64> = due!(now).select(jobs::id).first(conn).optional()?;
    Ok(first.is_some())
}

/// Leases up to `limit` jobs that are due to `holder`, until `until`, the longest due first. A job that was taken
/// `most` times and never came to an end takes its processes with it; it is set aside as dead. With `call`, the other
/// processes are told where more jobs are due than were leased.
///
/// # Errors
/// The database's.
pub fn lease(
    conn: &mut Conn,
    (now, until): (Moment, Moment),
    limit: usize,
    holder: i64,
    most: i32,
    call: bool,
) -> Result<Vec<Job>, DbError> {
    let columns = (jobs::id, jobs::locked_until, jobs::attempts);
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let due = due!(now).select(columns).order((jobs::run_at, jobs::id)).limit(one_more);
    let mut found: Vec<(i64, Option<i64>, i32)> = match conn {
        Conn::Sqlite(conn) => due.load(conn)?,
        Conn::Pg(conn) => due.for_update().skip_locked().load(conn)?,
    };
    if found.len() > limit {
        found.truncate(limit);
        if call {
            news::tell(conn, News::Jobs)?;
        }
    }
    let (gone, taken): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(_, held, attempts)| held.is_some() && *attempts >= most);
    for (id, _, _) in &gone {
        tracing::error!(job = id, "a job is set aside: {GAVE_UP}");
        set_aside(conn, *id, GAVE_UP)?;
    }
    if taken.is_empty() && !gone.is_empty() {
        // They must not stand in the way of those behind them.
        return lease(conn, (now, until), limit, holder, most, call);
    }
    let ids: Vec<i64> = taken.into_iter().map(|(id, _, _)| id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    diesel::update(jobs::table.filter(jobs::id.eq_any(ids.clone())))
        .set((
            jobs::locked_until.eq(until.millis()),
            jobs::lease.eq(holder),
            jobs::attempts.eq(jobs::attempts + 1),
        ))
        .execute(conn)?;
    Ok(jobs::table
        .filter(jobs::id.eq_any(ids))
        .select((
            jobs::id,
            jobs::kind,
            jobs::subject,
            jobs::attempts,
            jobs::request_id,
            jobs::created_at,
            jobs::lease,
        ))
        .order((jobs::run_at, jobs::id))
        .load(conn)?)
}

fn set_aside(conn: &mut Conn, id: i64, why: &str) -> Result<(), DbError> {
    diesel::update(jobs::table.find(id))
        .set((
            jobs::state.eq(DEAD),
            jobs::locked_until.eq(None::<i64>),
            jobs::lease.eq(None::<i64>),
            jobs::last_error.eq(why),
        ))
        .execute(conn)?;
    Ok(())
}

/// Holds the jobs `ids` until `until`, as far as `holder` still has them; says how many those are.
///
/// # Errors
/// The database's.
pub fn renew(conn: &mut Conn, ids: &[i64], holder: i64, until: Moment) -> Result<usize, DbError> {
    let held = jobs::table.filter(jobs::id.eq_any(ids.to_vec())).filter(jobs::lease.eq(holder));
    Ok(diesel::update(held).set(jobs::locked_until.eq(until.millis())).execute(conn)?)
}

/// The row of a job as long as the lease is the one by which `job` was taken.
macro_rules! held {
    ($job:expr) => {
        jobs::table
            .find($job.id)
            .filter(jobs::lease.eq($job.holder))
            .filter(jobs::attempts.eq($job.attempts))
            .filter(jobs::state.eq(WAITING))
    };
}

/// Takes a finished job out of the queue; false where somebody else has taken it over.
///
/// # Errors
/// The database's.
pub fn done(conn: &mut Conn, job: &Job) -> Result<bool, DbError> {
    Ok(diesel::delete(held!(job)).execute(conn)? > 0)
}

/// Takes a job out of the queue that has been done in another way.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut Conn, kind: &str, subject: i64) -> Result<(), DbError> {
    diesel::delete(jobs::table.filter(jobs::kind.eq(kind).and(jobs::subject.eq(subject)))).execute(conn)?;
    Ok(())
}

/// Records a failed try; false where somebody else has taken the job over.
///
/// # Errors
/// The database's.
pub fn failed(conn: &mut Conn, job: &Job, why: &str, again: Again) -> Result<bool, DbError> {
    let why: String = why.chars().take(500).collect();
    let (state, at, attempts) = match again {
        Again::At(at) => (WAITING, at, job.attempts),
        Again::Uncounted(at) => (WAITING, at, job.attempts - 1),
        Again::Never => (DEAD, Moment::default(), job.attempts),
    };
    let changed = diesel::update(held!(job))
        .set((
            jobs::state.eq(state),
            jobs::run_at.eq(at.millis()),
            jobs::attempts.eq(attempts),
            jobs::locked_until.eq(None::<i64>),
            jobs::lease.eq(None::<i64>),
            jobs::last_error.eq(why),
        ))
        .execute(conn)?;
    Ok(changed > 0)
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

/// The jobs in the queue, or only the dead ones, the oldest first; at most `limit`.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut Conn, only_dead: bool, limit: i64) -> Result<Vec<Line>, DbError> {
    let mut query = jobs::table
        .select((
            jobs::id,
            jobs::kind,
            jobs::subject,
            jobs::state,
            jobs::attempts,
            jobs::run_at,
            jobs::locked_until,
            jobs::last_error,
        ))
        .into_boxed();
    if only_dead {
        query = query.filter(jobs::state.eq(DEAD));
    }
    Ok(query.order(jobs::id).limit(limit).load(conn)?)
}

/// Whether a job is dead; none where there is no such job.
///
/// # Errors
/// The database's.
pub fn is_dead(conn: &mut Conn, id: i64) -> Result<Option<bool>, DbError> {
    let state: Option<String> = jobs::table.find(id).select(jobs::state).first(conn).optional()?;
    Ok(state.map(|state| state == DEAD))
}

/// Puts dead jobs back in the queue with all their tries before them: the one with this key, or all. Says how many.
///
/// # Errors
/// The database's.
pub fn retry(conn: &mut Conn, id: Option<i64>, now: Moment) -> Result<usize, DbError> {
    let back = (jobs::state.eq(WAITING), jobs::run_at.eq(now.millis()), jobs::attempts.eq(0));
    let dead = jobs::table.filter(jobs::state.eq(DEAD));
    let count = match id {
        Some(id) => diesel::update(dead.filter(jobs::id.eq(id))).set(back).execute(conn)?,
        None => diesel::update(dead).set(back).execute(conn)?,
    };
    news::tell(conn, News::Jobs)?;
    Ok(count)
}

/// Makes due at `now` what waits for a later instant, and lets no lease last longer than `until`: for a clock that was
/// set back, by which both were set too far ahead. A job that runs once too often does no harm.
///
/// # Errors
/// The database's.
pub fn set_back(conn: &mut Conn, now: Moment, until: Moment) -> Result<(), DbError> {
    diesel::update(jobs::table.filter(jobs::state.eq(WAITING).and(jobs::run_at.gt(now.millis()))))
        .set(jobs::run_at.eq(now.millis()))
        .execute(conn)?;
    diesel::update(jobs::table.filter(jobs::locked_until.gt(until.millis())))
        .set(jobs::locked_until.eq(until.millis()))
        .execute(conn)?;
    Ok(())
}
