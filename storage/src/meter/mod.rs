//! What the database and the photo store count of themselves, for whoever watches them. Labels are words of the program
//! alone: nothing that a caller chose, and nobody's number or name, becomes one.

use std::time::{Duration, Instant};

use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::Instrument as _;

use crate::store::StoreError;

/// Bounds of the buckets of durations, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of the buckets of group sizes, in writes.
const WRITES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0];

/// A histogram of durations in seconds.
pub fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// What a database counts. Clones count together.
#[derive(Clone, Debug)]
pub struct DbMeter {
    /// How long callers waited for a connection.
    waited: Histogram,
    /// Callers that wait for a connection.
    waiting: Gauge,
    /// Connections that somebody works with.
    in_use: Gauge,
    /// Connections that there may be.
    size: Gauge,
    /// How long work with a connection took, without the waiting.
    work: Family<Kind, Histogram>,
    /// Writes done again after they met a concurrent one.
    retries: Counter,
    /// How many writes of SQLite shared a commit.
    group: Histogram,
    /// Writes of SQLite that wait for the one writer.
    queue: Gauge,
    /// Statements that were sent, each a way to the server and back on PostgreSQL.
    statements: Counter,
}

/// Counts the statements of a connection.
struct Statements(Counter);

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.inc();
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// What a connection is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Read,
    Write,
}

impl Work {
    const fn word(self) -> &'static str {
        match self {
            Work::Read => "read",
            Work::Write => "write",
        }
    }
}

/// Counts one more as long as it lives.
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    /// One more of what `gauge` counts.
    pub fn one(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for DbMeter {
    fn default() -> Self {
        Self {
            waited: seconds(),
            waiting: Gauge::default(),
            in_use: Gauge::default(),
            size: Gauge::default(),
            work: Family::new_with_constructor(seconds),
            retries: Counter::default(),
            group: Histogram::new(WRITES),
            queue: Gauge::default(),
            statements: Counter::default(),
        }
    }
}

impl DbMeter {
    /// Lets a registry tell of it.
    pub fn register(&self, to: &mut Registry) {
        to.register("db_connections", "Connections to the database that there may be", self.size.clone());
        to.register("db_connections_in_use", "Connections that somebody works with", self.in_use.clone());
        to.register("db_waiting", "Callers that wait for a connection", self.waiting.clone());
        to.register("db_wait_seconds", "How long callers waited for a connection", self.waited.clone());
        to.register("db_work_seconds", "How long reads and writes took, without waiting", self.work.clone());
        to.register("db_retries", "Writes done again after a concurrent one", self.retries.clone());
        to.register("db_group_writes", "Writes that shared a commit (SQLite)", self.group.clone());
        to.register("db_queue", "Writes that wait for the one writer (SQLite)", self.queue.clone());
        to.register("db_statements", "Statements sent to the database", self.statements.clone());
    }

    /// How many statements have been sent, with those that begin and end transactions.
    pub fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// Has the statements of a connection counted.
    pub(crate) fn watch_statements(&self, conn: &mut impl Connection) {
        conn.set_instrumentation(Statements(self.statements.clone()));
    }

    pub(crate) fn sized(&self, connections: u32) {
        self.size.set(i64::from(connections));
    }

    pub(crate) fn waits(&self) -> Held {
        Held::one(&self.waiting)
    }

    pub(crate) fn uses(&self, waited: Duration) -> Held {
        self.waited.observe(waited.as_secs_f64());
        Held::one(&self.in_use)
    }

    pub(crate) fn queued(&self) -> Held {
        Held::one(&self.queue)
    }

    pub(crate) fn grouped(&self, writes: usize) {
        self.group.observe(writes as f64);
    }

    pub(crate) fn retried(&self) {
        self.retries.inc();
    }

    /// Does the work and keeps how long it took.
    pub(crate) fn timed<T>(&self, kind: Work, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let outcome = work();
        self.work.get_or_create(&Kind { kind: kind.word() }).observe(begun.elapsed().as_secs_f64());
        outcome
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: &'static str,
    outcome: &'static str,
}

/// What a photo store counts. Clones count together.
#[derive(Clone, Debug)]
pub struct StoreMeter {
    requests: Family<Request, Histogram>,
}

impl Default for StoreMeter {
    fn default() -> Self {
        Self { requests: Family::new_with_constructor(seconds) }
    }
}

impl StoreMeter {
    /// Lets a registry tell of it.
    pub fn register(&self, to: &mut Registry) {
        let about = "Requests to the photo store by what was asked and what came of it";
        to.register("store_request_seconds", about, self.requests.clone());
    }

    /// Counts a request and how long it took.
    pub(crate) async fn watch<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let outcome = request.instrument(tracing::debug_span!("photo store", operation)).await;
        let request = Request { operation, outcome: word(&outcome) };
        self.requests.get_or_create(&request).observe(begun.elapsed().as_secs_f64());
        outcome
    }
}

fn word<T>(outcome: &Result<T, StoreError>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(StoreError::NotFound { .. }) => "not_found",
        Err(StoreError::NoSpace) => "full",
        Err(StoreError::Unavailable { .. }) => "unavailable",
        Err(StoreError::Io { .. }) => "failed",
    }
}

#[cfg(test)]
mod tests;
