//! Connections for readers (and, on PostgreSQL, for writers), handed out in the order of asking.
//!
//! r2d2 alone is unfair: the p99 of a 2 ms read was 180 to 960 ms with 16 connections. A fair semaphore of the
//! pool's size stands before it, so a caller that holds a permit always finds a free connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::conn::{Conn, Target, Use, connect};
use super::error::DbError;
use crate::meter::{DbMeter, Work};
use crate::origin;

/// A connection that last served longer ago is tried before it is used: PostgreSQL may have restarted meanwhile. One that served just now is not, because the trial costs a round trip for each request.
const FRESH: Duration = Duration::from_secs(1);
/// How long to wait for a turn. Where the database is away or slow, whoever comes then is told so in time, instead of
/// standing in a line that grows.
const TURN: Duration = Duration::from_secs(10);
/// How long whoever has the turn waits for a connection. A restart of PostgreSQL mostly passes within it.
const CONNECTION: Duration = Duration::from_secs(5);

pub(super) struct Pool {
    permits: Arc<Semaphore>,
    connections: r2d2::Pool<Manager>,
    meter: DbMeter,
    lost: Arc<Mutex<Option<Instant>>>,
}

struct Manager {
    target: Target,
    used_for: Use,
    /// When a connection was last found dead: the others may have died with it, and are tried before they are used.
    lost: Arc<Mutex<Option<Instant>>>,
    meter: DbMeter,
}

struct Pooled {
    conn: Conn,
    /// When it last answered.
    served: Option<Instant>,
    /// Whether it was found dead.
    dead: bool,
}

impl Pooled {
    /// Whether the database answers on it.
    fn answers(&mut self) -> Result<(), DbError> {
        use diesel::connection::SimpleConnection;
        self.conn.batch_execute("SELECT 1").map_err(DbError::from)
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = DbError;

    fn connect(&self) -> Result<Pooled, DbError> {
        let mut conn = connect(&self.target, self.used_for)?;
        self.meter.watch_statements(&mut conn);
        Ok(Pooled { conn, served: None, dead: false })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), DbError> {
        let lost = *self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |served: Instant| served.elapsed() < FRESH && lost.is_none_or(|lost| served > lost);
        if pooled.served.is_some_and(fresh) {
            return Ok(());
        }
        pooled.answers()
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        use diesel::r2d2::R2D2Connection;
        std::thread::panicking() || pooled.dead || pooled.conn.is_broken()
    }
}

impl Pool {
    pub(super) fn open(target: &Target, used_for: Use, size: u32, meter: DbMeter) -> Result<Self, DbError> {
        let lost = Arc::default();
        let (target, of_each) = (target.clone(), meter.clone());
        let is_remote = matches!(target, Target::Postgres(_));
        let manager = Manager { target, used_for, lost: Arc::clone(&lost), meter: of_each };
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(is_remote)
            .connection_timeout(CONNECTION)
            .build(manager)
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        meter.sized(size);
        Ok(Self { permits: Arc::new(Semaphore::new(size as usize)), connections, meter, lost })
    }

    /// Runs `work` with a connection on a thread that may block. It knows there which request it is done for.
    ///
    /// Where `work` fails, PostgreSQL is asked on the same connection whether it is there at all: an error that came of
    /// a lost connection has many faces, in the language of the server, and must not pass for one of the statement.
    pub(super) async fn run<T, E>(
        &self,
        kind: Work,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let gone = || DbError::Unavailable("the server is stopping".to_owned());
        let busy = |_| DbError::Unavailable("no connection was free in time".to_owned());
        let span = origin::carried(match kind {
            Work::Read => tracing::debug_span!("database read"),
            Work::Write => tracing::debug_span!("database write"),
        });
        let (begun, waits) = (Instant::now(), self.meter.waits());
        let turn = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(TURN, turn).await.map_err(busy)?.map_err(|_| gone())?;
        drop(waits);
        let uses = self.meter.uses(begun.elapsed());
        let (connections, meter, origin) = (self.connections.clone(), self.meter.clone(), origin::current());
        let lost = Arc::clone(&self.lost);
        let work = move || {
            let _held = (permit, uses);
            let mut pooled = connections.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
            let outcome = meter.timed(kind, || work(&mut pooled.conn));
            if outcome.is_err()
                && matches!(pooled.conn, Conn::Pg(_))
                && let Err(error) = pooled.answers()
            {
                pooled.dead = true;
                *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                return Err(E::from(DbError::Unavailable(error.to_string())));
            }
            pooled.served = Some(Instant::now());
            outcome
        };
        tokio::task::spawn_blocking(move || span.in_scope(|| origin::within(origin, work)))
            .await
            .map_err(|_| gone())?
    }
}
