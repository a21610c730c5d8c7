//! The one writer of SQLite: it takes all changes that wait, carries each out in a savepoint of one transaction,
//! commits once, and only then answers each. A change that fails is undone alone. One that waits alone needs no
//! savepoint, for which SQLite would copy every page before its first change.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use tokio::sync::oneshot;

use super::conn::{Conn, Target, Use, connect};
use super::error::DbError;
use crate::meter::{DbMeter, Held, Work};
use crate::origin;

/// Told after the commit whether it worked.
type Reply = Box<dyn FnOnce(Result<(), DbError>) + Send>;
/// A change: given the connection inside an open transaction, or the reason why there is none.
type Job = Box<dyn FnOnce(Result<Turn<'_>, DbError>) -> Done + Send>;

/// What a change is carried out with.
struct Turn<'a> {
    conn: &'a mut Conn,
    /// Whether no other change shares the transaction, which then ends as this one does.
    alone: bool,
}

/// A change that was carried out, but not committed.
struct Done {
    reply: Reply,
    /// Whether it has to be undone; a change that shares the transaction has been, by its savepoint.
    failed: bool,
}

/// A change that waits, counted as long as it does.
type Queued = (Held, Job);

pub(super) struct Writer {
    jobs: Option<Sender<Queued>>,
    meter: DbMeter,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer's thread; `group` bounds how many changes share a commit.
    pub(super) fn start(target: &Target, group: usize, writes: Use, meter: DbMeter) -> Result<Self, DbError> {
        let mut conn = connect(target, writes)?;
        meter.watch_statements(&mut conn);
        let (jobs, waiting) = channel();
        let (target, counts) = (target.clone(), meter.clone());
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(conn, (&target, writes), &waiting, group.max(1), &counts))
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self { jobs: Some(jobs), meter, thread: Some(thread) })
    }

    /// Carries out `work` in a transaction and answers after its commit.
    pub(super) async fn run<T, E>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let gone = || E::from(DbError::Unavailable("the writer has stopped".to_owned()));
        let (answer, answered) = oneshot::channel::<Result<T, E>>();
        // The writer's thread works for many; each change is done as of its own request.
        let span = origin::carried(tracing::debug_span!("database write"));
        let (origin, meter) = (origin::current(), self.meter.clone());
        let work = move |conn: &mut Conn| {
            span.in_scope(|| origin::within(origin, || meter.timed(Work::Write, || work(conn))))
        };
        let job: Job = Box::new(move |turn| {
            let outcome = turn.map_err(E::from).and_then(|turn| {
                if turn.alone { guarded(turn.conn, work) } else { in_savepoint(turn.conn, work) }
            });
            let failed = outcome.is_err();
            let reply: Reply = Box::new(move |commit| {
                let result = match (outcome, commit) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(error)) => Err(E::from(error)),
                    (Err(error), _) => Err(error),
                };
                // A caller that has gone away (a phone that lost its network) needs no answer.
                drop(answer.send(result));
            });
            Done { reply, failed }
        });
        self.jobs.as_ref().and_then(|jobs| jobs.send((self.meter.queued(), job)).ok()).ok_or_else(gone)?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Closing the channel lets the thread finish what waits and end.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What ends a savepoint: the caller's own error, or one of the database.
enum Undo<E> {
    Caller(E),
    Database(DbError),
}

impl<E> From<diesel::result::Error> for Undo<E> {
    fn from(error: diesel::result::Error) -> Self {
        Undo::Database(error.into())
    }
}

/// Runs `work`; a panic in it is an error.
fn guarded<T, E: From<DbError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(|| work(conn)))
        .unwrap_or_else(|_| Err(E::from(DbError::Corrupt("a change panicked".to_owned()))))
}

/// Runs `work` in a transaction of `conn`, which is a savepoint where one is open already. A panic undoes it too.
pub(super) fn in_savepoint<T, E: From<DbError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let outcome = conn.transaction(|conn| guarded(conn, work).map_err(Undo::Caller));
    outcome.map_err(|undo| match undo {
        Undo::Caller(error) => error,
        Undo::Database(error) => E::from(error),
    })
}

fn serve(mut conn: Conn, place: (&Target, Use), waiting: &Receiver<Queued>, group: usize, meter: &DbMeter) {
    while let Ok((_, first)) = waiting.recv() {
        let mut jobs = vec![first];
        while jobs.len() < group
            && let Ok((_, next)) = waiting.try_recv()
        {
            jobs.push(next);
        }
        meter.grouped(jobs.len());
        commit_group(&mut conn, place, jobs, meter);
    }
}

fn commit_group(conn: &mut Conn, place: (&Target, Use), jobs: Vec<Job>, meter: &DbMeter) {
    let mut open = begin(conn);
    let alone = jobs.len() == 1;
    let mut done = Vec::with_capacity(jobs.len());
    for job in jobs {
        let one = match &open {
            Ok(()) => job(Ok(Turn { conn, alone })),
            Err(error) => job(Err(error.again())),
        };
        // The rest of the group must not run outside of a transaction, where each would be committed by itself.
        if one.failed && !alone && open.is_ok() && !is_open(conn) {
            open = Err(DbError::Full);
        }
        done.push(one);
    }
    let undo = alone && done.iter().any(|done| done.failed);
    let outcome = open.and_then(|()| if undo { roll_back(conn) } else { commit(conn) });
    if outcome.is_err() {
        recover(conn, place, meter);
    }
    for Done { reply, .. } in done {
        reply(outcome.as_ref().copied().map_err(DbError::again));
    }
}

/// Whether the transaction is still open: SQLite undoes all of it by itself when the disk is full or fails.
fn is_open(conn: &mut Conn) -> bool {
    match conn {
        // Inside of a transaction no other one can begin.
        Conn::Sqlite(inner) => inner.batch_execute("BEGIN").is_err(),
        Conn::Pg(_) => true,
    }
}

fn begin(conn: &mut Conn) -> Result<(), DbError> {
    match conn {
        // Taking the write lock at once is what keeps a read-then-write from failing half-way with "locked".
        Conn::Sqlite(inner) => Ok(AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")?),
        Conn::Pg(inner) => Ok(AnsiTransactionManager::begin_transaction(inner)?),
    }
}

fn commit(conn: &mut Conn) -> Result<(), DbError> {
    match conn {
        Conn::Sqlite(inner) => Ok(AnsiTransactionManager::commit_transaction(inner)?),
        Conn::Pg(inner) => Ok(AnsiTransactionManager::commit_transaction(inner)?),
    }
}

fn roll_back(conn: &mut Conn) -> Result<(), DbError> {
    match conn {
        Conn::Sqlite(inner) => Ok(AnsiTransactionManager::rollback_transaction(inner)?),
        Conn::Pg(inner) => Ok(AnsiTransactionManager::rollback_transaction(inner)?),
    }
}

/// After a failed commit (a full disk) the connection's state is unknown: a fresh one takes its place.
fn recover(conn: &mut Conn, (target, writes): (&Target, Use), meter: &DbMeter) {
    match connect(target, writes) {
        Ok(fresh) => {
            *conn = fresh;
            meter.watch_statements(conn);
        }
        Err(error) => tracing::error!(%error, "the writer could not reconnect"),
    }
}
