//! The database: one code base over SQLite and PostgreSQL.
//!
//! SQL stands only in this module. [`Db::read`] and [`Db::write`] are the only ways in; both keep blocking work off
//! the async threads. A write is one transaction: it has happened, durably, when its future answers `Ok`.

pub mod abuse;
pub mod accounts;
pub mod audit;
pub mod backup;
pub mod bulk;
pub mod chain;
mod conn;
pub mod copy;
pub mod counts;
pub mod desk;
mod error;
pub mod evidence;
pub mod exposures;
pub mod followers;
pub mod hashes;
pub mod history;
pub mod idempotency;
pub mod identity;
mod ids;
pub mod intake;
pub mod jobs;
mod kept;
pub mod lists;
pub mod live;
pub mod login;
pub mod masks;
mod migrate;
pub mod news;
pub mod originals;
pub mod orphans;
pub mod photos;
mod pieces;
mod pool;
pub mod privacy;
pub mod reference;
pub mod reports;
pub mod restrictions;
pub mod resumable;
pub mod roster;
mod row;
pub mod schema;
pub mod search;
pub mod similar;
pub mod supervision;
pub mod texts;
pub mod tickets;
pub mod turn;
mod unnest;
mod update;
pub mod uploads;
pub mod uses;
mod word;
mod writer;

use std::sync::Arc;

pub use conn::{Conn, Target};
pub use error::DbError;
pub use migrate::{Applied, Schema, check, known_migrations, migrate, schema_is_current};

use ids::Ids;
use pool::Pool;
use writer::Writer;

use crate::meter::{DbMeter, Work};

/// How often a write is done again when it met a concurrent one on PostgreSQL.
const RETRIES: usize = 5;

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    readers: Pool,
    writer: Writes,
    ids: Ids,
    refilling: tokio::sync::Mutex<()>,
    target: Target,
    meter: DbMeter,
    written: tokio::sync::Notify,
}

enum Writes {
    /// SQLite: one writer that groups commits.
    Grouped(Writer),
    /// PostgreSQL: each write is a transaction of its own on a pooled connection.
    Pooled,
}

impl Db {
    /// Opens the database, which must have been migrated.
    ///
    /// `pool` is the number of reading connections (on PostgreSQL of all connections), `group` the largest number
    /// of writes that share a commit on SQLite.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open(target: &Target, pool: u32, group: usize) -> Result<Self, DbError> {
        Self::open_for(target, pool, group, conn::Use::Write)
    }

    /// Opens a database that is to be filled from nothing and of which a half is worth nothing: on SQLite nothing
    /// that is written is durable before [`Db::settle`].
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open_to_fill(target: &Target, pool: u32) -> Result<Self, DbError> {
        Self::open_for(target, pool, 1, conn::Use::Fill)
    }

    fn open_for(target: &Target, pool: u32, group: usize, writes: conn::Use) -> Result<Self, DbError> {
        let meter = DbMeter::default();
        let readers = |used_for| Pool::open(target, used_for, pool, meter.clone());
        let (readers, writer) = match target {
            Target::Sqlite(_) => {
                let writer = Writer::start(target, group, writes, meter.clone())?;
                (readers(conn::Use::Read)?, Writes::Grouped(writer))
            }
            Target::Postgres(_) => (readers(writes)?, Writes::Pooled),
        };
        let target = target.clone();
        let (ids, refilling, written) =
            (Ids::default(), tokio::sync::Mutex::default(), tokio::sync::Notify::new());
        Ok(Self { inner: Arc::new(Inner { readers, writer, ids, refilling, target, meter, written }) })
    }

    /// Ends a filling: brings everything that has been committed to the disk, and tidies the tables of PostgreSQL.
    ///
    /// # Errors
    /// The database's and the system's.
    pub async fn settle(&self) -> Result<(), DbError> {
        let inner = Arc::clone(&self.inner);
        let settled = tokio::task::spawn_blocking(move || conn::settle(&inner.target)).await;
        settled.map_err(|error| DbError::Unavailable(error.to_string()))?
    }

    /// Woken after every change that this handle has committed; one that waits is enough.
    pub fn written(&self) -> &tokio::sync::Notify {
        &self.inner.written
    }

    /// Whether other processes may work on the same database.
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.target, Target::Postgres(_))
    }

    /// What it counts of itself.
    pub fn meter(&self) -> &DbMeter {
        &self.inner.meter
    }

    /// Runs a reading with a connection, off the async threads.
    ///
    /// # Errors
    /// The reading's own, or that no connection can be had.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.inner.readers.run(Work::Read, work).await
    }

    /// Runs a change as one transaction, off the async threads. `Ok` means that it has been committed durably;
    /// an error means that nothing of it has happened.
    ///
    /// On PostgreSQL the change is done again, from its start, when the database reports a serialisation failure
    /// or a deadlock; so it must have no effect outside the database.
    ///
    /// # Errors
    /// The change's own, or the database's.
    pub async fn write<T, E>(
        &self,
        mut work: impl FnMut(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Retryable + Send + 'static,
    {
        let outcome = match &self.inner.writer {
            Writes::Grouped(writer) => writer.run(work).await,
            Writes::Pooled => {
                let meter = self.inner.meter.clone();
                let tried = move |conn: &mut Conn| {
                    let mut tries = 0;
                    loop {
                        match writer::in_savepoint(conn, &mut work) {
                            Err(error) if error.is_retryable() && tries < RETRIES => {
                                tries += 1;
                                meter.retried();
                            }
                            outcome => return outcome,
                        }
                    }
                };
                self.inner.readers.run(Work::Write, tried).await
            }
        };
        if outcome.is_ok() {
            // Remembered where nobody waits at the moment.
            self.inner.written.notify_one();
        }
        outcome
    }

    /// `N` fresh keys.
    ///
    /// # Errors
    /// When a new block is needed and the database cannot give one.
    pub async fn ids<const N: usize>(&self) -> Result<[i64; N], DbError> {
        let range = self.reserve(N as i64).await?;
        Ok(std::array::from_fn(|i| range.start + i as i64))
    }

    /// A run of `count` fresh keys.
    ///
    /// # Errors
    /// When a new block is needed and the database cannot give one.
    pub async fn reserve(&self, count: i64) -> Result<std::ops::Range<i64>, DbError> {
        if let Some(taken) = self.inner.ids.take(count) {
            return Ok(taken);
        }
        // One of those that find too few asks for more; the others find them then.
        let _turn = self.inner.refilling.lock().await;
        if let Some(taken) = self.inner.ids.take(count) {
            return Ok(taken);
        }
        let size = self.inner.ids.next_block(count);
        let fresh = self.write(move |conn| ids::reserve(conn, size)).await?;
        let taken = fresh.start..fresh.start + count;
        self.inner.ids.refill(taken.end..fresh.end);
        Ok(taken)
    }
}

/// Does several readings in one go. On SQLite each by itself would look whether anything has been written, forget all pages
/// then, and read them again; on PostgreSQL it would only be two more ways to the server.
///
/// # Errors
/// The readings' own, or the database's.
pub fn at_once<T, E: From<DbError>>(
    conn: &mut Conn,
    readings: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    match conn {
        Conn::Sqlite(_) => writer::in_savepoint(conn, readings),
        Conn::Pg(_) => readings(conn),
    }
}

/// Whether a failed change may be tried again from its start.
pub trait Retryable {
    /// True for a conflict with a concurrent change.
    fn is_retryable(&self) -> bool;
}

impl Retryable for DbError {
    fn is_retryable(&self) -> bool {
        self.is_worth_a_retry()
    }
}

#[cfg(test)]
mod tests;
