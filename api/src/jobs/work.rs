//! The jobs themselves: taken, done, finished, and held by a lease that is renewed meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::jobs::{self, Again, Job};
use suishoupai_storage::origin::{self, Origin};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tracing::Instrument as _;

use super::pause;
use crate::fail::Fail;
use crate::metrics::JobOutcome;
use crate::problem::{Code, Problem};
use crate::service::{alarms, photos, pictures, privacy, resumable, search};
use crate::services::Services;

/// The jobs that this process holds.
#[derive(Debug)]
pub struct Held {
    /// By which the rows of its jobs in the queue are known: drawn by lot at the start of the process.
    pub holder: i64,
    jobs: Mutex<BTreeSet<i64>>,
    /// How often this process has looked for jobs by itself and come to an end.
    looks: AtomicU64,
}

impl Default for Held {
    fn default() -> Self {
        Self { holder: rand::random(), jobs: Mutex::default(), looks: AtomicU64::default() }
    }
}

impl Held {
    /// How often this process has looked for jobs by itself, and done what it found.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Whether this process holds no job: what it took is finished, and the outcome is in the database.
    pub fn is_empty(&self) -> bool {
        self.change(|jobs| jobs.is_empty())
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeSet<i64>) -> T) -> T {
        change(&mut self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does every job that is due, as many at once as there are workers; says how many that were.
///
/// # Errors
/// The database's; a job that fails is recorded with its row.
pub async fn drain(services: &Services) -> Result<usize, Fail> {
    drain_until(services, None).await
}

/// [`drain`], which takes no more jobs once it is told to stop.
pub(super) async fn work(services: &Services, stop: &watch::Receiver<bool>) -> Result<(), Fail> {
    let outcome = drain_until(services, Some(stop)).await.map(drop);
    services.held.looks.fetch_add(1, Ordering::Relaxed);
    outcome
}

async fn drain_until(services: &Services, stop: Option<&watch::Receiver<bool>>) -> Result<usize, Fail> {
    // While some wait for the database or the photo store, the others keep the threads busy that render.
    let workers = 2 * services.config.photos.render_threads().max(1);
    let mut crew = Crew::default();
    let mut done = 0;
    loop {
        // No more are taken than can be begun: the others are left to processes that have time for them.
        let free = workers - crew.running.len();
        if free > 0 && stop.is_none_or(|stop| !*stop.borrow()) {
            let call = crew.running.is_empty();
            match take_some(services, free, call).await {
                Ok(taken) => taken.into_iter().for_each(|job| crew.begin(services, job)),
                Err(fail) => crew.failure = Some(fail),
            }
        }
        if !crew.one_ends(services).await {
            return crew.failure.map_or(Ok(done), Err);
        }
        done += 1;
    }
}

/// Jobs that run at the same time.
#[derive(Default)]
struct Crew {
    running: JoinSet<(Job, Result<(), Problem>)>,
    /// By which a job is known whose task came to no end.
    jobs: HashMap<Id, Job>,
    /// The last failure to take or finish a job; the others go on meanwhile.
    failure: Option<Fail>,
}

impl Crew {
    fn begin(&mut self, services: &Services, job: Job) {
        let (services, known) = (services.clone(), job.clone());
        // In the log, and for jobs that it leaves, it belongs to the request that left it.
        let from = job.request_id.as_deref();
        let span = tracing::info_span!("job", kind = job.kind, id = job.id, request_id = from);
        let origin = Origin::of_request(from);
        let task = self.running.spawn(async move {
            // The work of a picture is large; the tasks that wait for jobs need not carry it along.
            let outcome = Box::pin(origin::of(origin, tried(&services, &job).instrument(span))).await;
            (job, outcome)
        });
        self.jobs.insert(task.id(), known);
    }

    /// Waits for the next job to end and finishes it; false when none runs.
    async fn one_ends(&mut self, services: &Services) -> bool {
        let Some(ended) = self.running.join_next_with_id().await else { return false };
        let (id, (job, outcome)) = match ended {
            Ok((id, done)) => (id, done),
            Err(error) => match self.jobs.get(&error.id()).cloned() {
                Some(job) => (error.id(), (job, Err(panicked(&error)))),
                None => return true,
            },
        };
        self.jobs.remove(&id);
        if let Err(fail) = finish(services, job, outcome).await {
            self.failure = Some(fail);
        }
        true
    }
}

fn panicked(error: &JoinError) -> Problem {
    Problem::internal(error)
}

/// Takes up to `limit` jobs that are due, and holds them.
///
/// # Errors
/// The database's.
pub async fn take(services: &Services, limit: usize) -> Result<Vec<Job>, Fail> {
    take_some(services, limit, false).await
}

async fn take_some(services: &Services, limit: usize, call: bool) -> Result<Vec<Job>, Fail> {
    let now = services.now();
    if !services.db.read(move |conn| jobs::any_due(conn, now).map_err(Fail::from)).await? {
        return Ok(Vec::new());
    }
    let (holder, most, times) = (services.held.holder, most(services), (now, lease_end(services, now)));
    let taken = services
        .db
        .write(move |conn| jobs::lease(conn, times, limit, holder, most, call).map_err(Fail::from))
        .await?;
    services.held.change(|held| held.extend(taken.iter().map(|job| job.id)));
    Ok(taken)
}

fn lease_end(services: &Services, now: Moment) -> Moment {
    now.plus_seconds(i64::try_from(services.config.jobs.lease_seconds).unwrap_or(i64::MAX / 2000))
}

fn most(services: &Services) -> i32 {
    i32::try_from(services.config.jobs.max_attempts).unwrap_or(i32::MAX)
}

/// Renews the leases of the jobs that this process holds; says how many it has lost, because it could not renew them
/// in time.
///
/// # Errors
/// The database's.
pub async fn renew(services: &Services) -> Result<usize, Fail> {
    let ids: Vec<i64> = services.held.change(|held| held.iter().copied().collect());
    if ids.is_empty() {
        return Ok(0);
    }
    let (holder, until, count) = (services.held.holder, lease_end(services, services.now()), ids.len());
    let renewed =
        services.db.write(move |conn| jobs::renew(conn, &ids, holder, until).map_err(Fail::from)).await?;
    Ok(count.saturating_sub(renewed))
}

/// Carries a job out, counted and logged.
async fn tried(services: &Services, job: &Job) -> Result<(), Problem> {
    let begun = Instant::now();
    let outcome = carry_out(services, job).await.map_err(Problem::from);
    let word = match &outcome {
        Ok(()) => JobOutcome::Done,
        Err(problem) if is_last(services, job, problem) => JobOutcome::Dead,
        Err(_) => JobOutcome::Failed,
    };
    services.metrics.job(&job.kind, word, begun);
    let duration_ms = (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    tracing::info!(outcome = word.word(), attempt = job.attempts, duration_ms, "a job was tried");
    outcome
}

async fn carry_out(services: &Services, job: &Job) -> Result<(), Fail> {
    match (job.kind.as_str(), alarms::recounted_district(&job.kind)) {
        (_, Some(district)) => recount(services, district).await,
        (resumable::FINISH, _) => resumable::finish(services, job.subject).await,
        (kind, _) if privacy::is_privacy(kind) => privacy::carry_out(services, job.subject).await,
        (pictures::HASH, _) => pictures::hash_old(services, job.subject).await,
        (search::INDEX, _) => search::index_old(services, job.subject).await,
        (kind, _) if photos::is_rendering(kind) => {
            photos::render(services, job.subject, job.attempts >= most(services)).await
        }
        (other, _) => Err(Fail::internal(&UnknownKind(other.to_owned()))),
    }
}

async fn recount(services: &Services, district: District) -> Result<(), Fail> {
    let moved = alarms::recount(services, district).await?;
    tracing::info!(district, moved, "deadlines computed anew after a change of the calendar");
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("no worker knows jobs of the kind {0}")]
struct UnknownKind(String);

/// Records how a job ended. False where its lease had run out and another process has taken it over: then nothing is
/// changed, as what becomes of the job is that one's to say.
///
/// # Errors
/// The database's; the job is tried again when its lease is over.
pub async fn finish(services: &Services, job: Job, outcome: Result<(), Problem>) -> Result<bool, Fail> {
    let id = job.id;
    let failure = outcome.err().map(|problem| {
        let again = again(services, &job, &problem);
        if again == Again::Never {
            tracing::error!(job = id, kind = job.kind, %problem, "a job is set aside after its last try");
        }
        (problem.with_cause(), again)
    });
    let has_failed = failure.is_some();
    let finished = services.db.write(move |conn| {
        Ok::<_, Fail>(match &failure {
            None => jobs::done(conn, &job)?,
            Some((why, again)) => jobs::failed(conn, &job, why, *again)?,
        })
    });
    let finished = finished.await;
    services.held.change(|held| held.remove(&id));
    // One that was done may have taken its row out of the queue itself.
    if has_failed && matches!(finished, Ok(false)) {
        tracing::warn!(job = id, "a job took longer than its lease, and another process has taken it over");
    }
    finished
}

/// Whether a failed job is not tried again.
fn is_last(services: &Services, job: &Job, problem: &Problem) -> bool {
    problem.code() != Code::Unavailable && job.attempts >= most(services)
}

fn again(services: &Services, job: &Job, problem: &Problem) -> Again {
    let (now, chance) = (services.now(), rand::random());
    // An outage of the store is waited for, however long: the job is not at fault.
    if problem.code() == Code::Unavailable {
        return Again::Uncounted(now.plus_millis(pause::in_outage(now.millis() - job.created_at, chance)));
    }
    if is_last(services, job, problem) {
        return Again::Never;
    }
    Again::At(now.plus_millis(pause::after_failure(job.attempts, chance)))
}
