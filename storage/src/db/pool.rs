//! Connections for readers (and, on PostgreSQL, for writers), handed out in the order of asking.
//!
//! r2d2 alone is unfair: the p99 of a 2 ms read was 180 to 960 ms with 16 connections. A fair semaphore of the
//! pool's size stands before it, so a caller that holds a permit always finds a free connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::conn::{Conn, Target, Use, connect};
use super::error::DbError;
use crate::meter::{DbMeter, Work};
use crate::origin;

/// A connection that last served longer ago, or failed, is tried before it is used: PostgreSQL may have restarted
/// meanwhile. One that served just now is not, because the trial costs a round trip for each request.
const FRESH: Duration = Duration::from_secs(1);

pub(super) struct Pool {
    permits: Arc<Semaphore>,
    connections: r2d2::Pool<Manager>,
    meter: DbMeter,
}

struct Manager {
    target: Target,
    used_for: Use,
}

struct Pooled {
    conn: Conn,
    /// When it last did what was asked of it; none after an error, which may have been the connection's.
    served: Option<Instant>,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = DbError;

    fn connect(&self) -> Result<Pooled, DbError> {
        Ok(Pooled { conn: connect(&self.target, self.used_for)?, served: None })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), DbError> {
        use diesel::connection::SimpleConnection;
        if pooled.served.is_some_and(|served| served.elapsed() < FRESH) {
            return Ok(());
        }
        pooled.conn.batch_execute("SELECT 1").map_err(DbError::from)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        use diesel::r2d2::R2D2Connection;
        std::thread::panicking() || pooled.conn.is_broken()
    }
}

impl Pool {
    pub(super) fn open(target: &Target, used_for: Use, size: u32, meter: DbMeter) -> Result<Self, DbError> {
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(matches!(target, Target::Postgres(_)))
            .connection_timeout(std::time::Duration::from_secs(5))
            .build(Manager { target: target.clone(), used_for })
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        meter.sized(size);
        Ok(Self { permits: Arc::new(Semaphore::new(size as usize)), connections, meter })
    }

    /// Runs `work` with a connection on a thread that may block. It knows there which request it is done for.
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
        let span = origin::carried(match kind {
            Work::Read => tracing::debug_span!("database read"),
            Work::Write => tracing::debug_span!("database write"),
        });
        let (begun, waits) = (Instant::now(), self.meter.waits());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone())?;
        drop(waits);
        let uses = self.meter.uses(begun.elapsed());
        let (connections, meter, origin) = (self.connections.clone(), self.meter.clone(), origin::current());
        let work = move || {
            let _held = (permit, uses);
            let mut pooled = connections.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
            let outcome = meter.timed(kind, || work(&mut pooled.conn));
            pooled.served = outcome.is_ok().then(Instant::now);
            outcome
        };
        tokio::task::spawn_blocking(move || span.in_scope(|| origin::within(origin, work)))
            .await
            .map_err(|_| gone())?
    }
}
