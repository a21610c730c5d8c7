//! Work off the request path: renditions, leases that run out, sweeps. Jobs are rows; a test can drain the queue.

use std::time::{Duration, Instant};

use suishoupai_core::model::District;
use suishoupai_storage::db::jobs::{self, Job};
use suishoupai_storage::db::{idempotency, lists, login};
use suishoupai_storage::origin;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::fail::Fail;
use crate::metrics::JobOutcome;
use crate::problem::{Code, Problem};
use crate::service::{alarms, photos, resumable, tickets, uploads};
use crate::services::Services;

/// How long one process keeps a job before another may take it.
const LEASE_SECONDS: i64 = 120;
/// Claims that ran out are written down in portions of this size.
const LAPSES: i64 = 100;

/// Runs jobs until told to stop; what has begun is finished.
pub async fn run(services: Services, mut stop: watch::Receiver<bool>) {
    let pause = Duration::from_millis(services.config.jobs.poll_milliseconds);
    let mut ticks: u64 = 0;
    while !*stop.borrow() {
        if let Err(fail) = turn(&services, ticks).await {
            tracing::error!(problem = %Problem::from(fail), "a turn of the background jobs failed");
        }
        ticks += 1;
        tokio::select! {
            () = services.jobs_waiting.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

/// One turn: everything that is due now.
async fn turn(services: &Services, ticks: u64) -> Result<(), Fail> {
    services.refresh_registry().await?;
    drain(services).await?;
    lapse_claims(services).await?;
    alarms::sweep(services).await?;
    // Once in a thousand turns is often enough for rows that only take up room.
    if ticks.is_multiple_of(1000) {
        sweep(services).await?;
    }
    Ok(())
}

/// Does every job that is due. Twice as many as there are workers are under way, so that one is loaded or stored
/// while another is worked on; who needs a worker waits for it.
///
/// # Errors
/// The database's; a job that fails is recorded with its row.
pub async fn drain(services: &Services) -> Result<usize, Fail> {
    let workers = services.config.photos.render_threads().max(1);
    let mut running = JoinSet::new();
    let mut done = 0;
    loop {
        // Asked for in portions, because each asking is a write.
        if running.len() <= workers {
            let now = services.now();
            let until = now.plus_seconds(LEASE_SECONDS);
            let limit = (2 * workers - running.len()) as i64;
            let leased = services
                .db
                .write(move |conn| jobs::lease(conn, now, until, limit).map_err(Fail::from))
                .await?;
            done += leased.len();
            for job in leased {
                let services = services.clone();
                running.spawn(async move {
                    // In the log, and for jobs that it leaves, it belongs to the request that left it.
                    let from = job.request_id.as_deref();
                    let span = tracing::info_span!("job", kind = job.kind, id = job.id, request_id = from);
                    let origin = from.map(Into::into);
                    origin::of(origin, one(&services, job).instrument(span)).await
                });
            }
        }
        match running.join_next().await {
            Some(outcome) => outcome.map_err(|error| Fail::internal(&error))??,
            None => return Ok(done),
        }
    }
}

async fn one(services: &Services, job: Job) -> Result<(), Fail> {
    let begun = Instant::now();
    let outcome = match (job.kind.as_str(), alarms::recounted_district(&job.kind)) {
        (_, Some(district)) => recount(services, district).await.map_err(Problem::from),
        (photos::RENDER, _) => photos::render(services, job.subject).await.map_err(Problem::from),
        (resumable::FINISH, _) => resumable::finish(services, job.subject).await.map_err(Problem::from),
        (other, _) => Err(Problem::internal(&UnknownKind(other.to_owned()))),
    };
    let now = services.now();
    let tries = i32::try_from(services.config.jobs.max_attempts).unwrap_or(i32::MAX);
    let failed = outcome.err().map(|problem| {
        // An outage of the store is waited for, however long: the photo is not at fault.
        let is_outage = problem.code() == Code::Unavailable;
        // 2, 4, 8 … seconds, at most about an hour, or a minute where only the store is away.
        let wait = 1_i64 << job.attempts.clamp(1, if is_outage { 6 } else { 12 });
        let next = (is_outage || job.attempts < tries).then(|| now.plus_seconds(wait));
        (problem, next)
    });
    let outcome = match &failed {
        None => JobOutcome::Done,
        Some((_, Some(_))) => JobOutcome::Failed,
        Some((problem, None)) => {
            tracing::error!(%problem, tries, "a job was given up");
            JobOutcome::Dead
        }
    };
    services.metrics.job(&job.kind, outcome, begun);
    let duration_ms = (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    tracing::info!(outcome = outcome.word(), attempt = job.attempts, duration_ms, "a job was tried");
    services
        .db
        .write(move |conn| {
            match &failed {
                None => jobs::done(conn, job.id)?,
                Some((problem, next)) => jobs::failed(conn, job.id, &problem.to_string(), *next)?,
            }
            Ok(())
        })
        .await
}

async fn recount(services: &Services, district: District) -> Result<(), Fail> {
    let moved = alarms::recount(services, district).await?;
    tracing::info!(district, moved, "deadlines computed anew after a change of the calendar");
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("no worker knows jobs of the kind {0}")]
struct UnknownKind(String);

/// Puts tickets whose claim has run out back into their pools.
///
/// # Errors
/// The database's.
pub async fn lapse_claims(services: &Services) -> Result<usize, Fail> {
    let mut lapsed = 0;
    loop {
        let now = services.now();
        let due = services.db.read(move |conn| lists::lapsed(conn, now, LAPSES).map_err(Fail::from)).await?;
        for ticket in &due {
            tickets::lapse(services, *ticket).await?;
        }
        lapsed += due.len();
        if (due.len() as i64) < LAPSES {
            return Ok(lapsed);
        }
    }
}

async fn sweep(services: &Services) -> Result<(), Fail> {
    let now = services.now();
    let hours = i64::from(services.config.reports.idempotency_hours);
    services
        .db
        .write(move |conn| {
            idempotency::sweep(conn, now.plus_seconds(-hours * 3600))?;
            login::sweep_throttles(conn, now.plus_seconds(-24 * 3600))?;
            Ok::<_, Fail>(())
        })
        .await?;
    uploads::sweep(services).await?;
    resumable::sweep(services).await?;
    services.store.sweep(Duration::from_secs(24 * 3600)).await?;
    Ok(())
}
