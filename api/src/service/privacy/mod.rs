//! Personal data off the request path: sealed anew, removed after its term, erased and exported for residents. Each is a job
//! whose row in `privacy_runs` says what it did.

mod export;
mod requests;
mod reseal;
mod retention;

use std::collections::BTreeMap;

use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::privacy::{self, Run, RunKind, RunState};
use suishoupai_storage::db::{Conn, DbError, jobs};

use crate::fail::Fail;
use crate::services::Services;

pub use requests::{ask, data, mine};
pub use retention::{enqueue_when_due, start};

/// The kinds of these jobs begin so; the subject is the key of the run.
const JOB: &str = "privacy:";
/// The district of what is done for all.
const ALL: District = 0;
/// Tickets that are looked at in one go.
const PAGE: i64 = 100;
/// Most runs of a list.
pub const MOST: i64 = 20;

/// Whether a job is one of these.
pub fn is_privacy(kind: &str) -> bool {
    kind.starts_with(JOB)
}

/// Puts a run in the queue, in this write; two fresh keys are for the run and its job.
///
/// # Errors
/// The database's.
pub fn enqueue(conn: &mut Conn, keys: [i64; 2], run: Run) -> Result<(), DbError> {
    let [id, job] = keys;
    privacy::insert(conn, &Run { id, ..run.clone() })?;
    jobs::enqueue(conn, job, &format!("{JOB}{}", run.kind.as_str()), id, run.asked_at)
}

/// A run that was just asked for.
pub fn asked(kind: RunKind, district: District, account: Option<i64>, now: Moment) -> Run {
    Run {
        id: 0,
        district,
        kind,
        account,
        state: RunState::Waiting,
        asked_at: now,
        finished_at: None,
        report: BTreeMap::new(),
        data_sealed: None,
        expires_at: None,
    }
}

/// Puts the sealing of everything with the present key in the queue.
///
/// # Errors
/// The database's.
pub fn enqueue_reseal(conn: &mut Conn, keys: [i64; 2], now: Moment) -> Result<(), DbError> {
    enqueue(conn, keys, asked(RunKind::Reseal, ALL, None, now))
}

/// What was done for a district, and for all, the newest first.
///
/// # Errors
/// The database's.
pub async fn runs(
    services: &Services,
    district: District,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Run>, Fail> {
    services.db.read(move |conn| privacy::page(conn, district, before, limit).map_err(Fail::from)).await
}

/// Carries out the run `id`.
///
/// # Errors
/// The database's; the job is tried again then, and goes on where it was.
pub async fn carry_out(services: &Services, id: i64) -> Result<(), Fail> {
    let found = services.db.read(move |conn| privacy::find(conn, id).map_err(Fail::from)).await?;
    let Some(run) = found.filter(|run| run.state == RunState::Waiting) else { return Ok(()) };
    match run.kind {
        RunKind::Reseal => reseal::carry_out(services, run).await,
        RunKind::Retention => retention::carry_out(services, run).await,
        RunKind::Export => export::carry_out(services, run).await,
        RunKind::Erasure => requests::erase(services, run).await,
    }
}

/// The run as it is when it is done.
fn done(run: Run, now: Moment, report: &[(&str, u64)]) -> Run {
    let report = report.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    Run { state: RunState::Done, finished_at: Some(now), report, ..run }
}
