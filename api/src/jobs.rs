//! Work off the request path. Jobs are rows that are taken by one process each; claims that run out, clocks that call
//! and sweeps are looked for now and then by every process, and done by one of them.

mod pause;
mod upkeep;
mod work;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use suishoupai_storage::db::jobs;
use suishoupai_storage::db::news::{self, Listener, News};
use tokio::sync::{Notify, watch};

use crate::app;
use crate::fail::Fail;
use crate::live;
use crate::problem::Problem;
use crate::service::reports::pace;
use crate::service::{alarms, pictures};
use crate::services::Services;

pub use upkeep::{lapse_claims, sweep_in_turn};
pub use work::{Held, drain, finish, renew, take};

/// How often a process shares what it has counted.
const PACES: Duration = Duration::from_secs(5);
/// How often a process asks whether it is time for a sweep.
const SWEEPS: Duration = Duration::from_secs(60);

/// Runs jobs and upkeep until told to stop; what has begun is finished.
pub async fn run(services: Services, stop: watch::Receiver<bool>) {
    // Kept until the end: it hears what other processes tell.
    let _listener = listen(&services);
    let pause = Duration::from_millis(services.config.jobs.poll_milliseconds);
    let lease = Duration::from_secs(services.config.jobs.lease_seconds);
    let never = Notify::new();
    let (all, never) = (&services, &never);
    let reference =
        repeat(&stop, pause, &all.reference_changed, "looking for new reference data", || async {
            all.refresh_registry().await.map(drop)
        });
    let last = AtomicI64::new(services.now().millis());
    let (last, told) = (&last, &stop);
    let work = repeat(&stop, pause, &all.jobs_waiting, "looking for jobs", || async move {
        mind_the_clock(all, last).await?;
        work::work(all, told).await
    });
    let clocks = repeat(&stop, pause, never, "looking at the clocks", || async {
        lapse_claims(all).await?;
        alarms::sweep(all).await.map(drop)
    });
    let evidence = repeat(&stop, pause, never, "comparing evidence", || async {
        pictures::load(all);
        if all.pictures.is_loaded() {
            pictures::catch_up(all).await?;
            pictures::look_around(all).await?;
            pictures::compare(all).await?;
        }
        Ok(())
    });
    let looks = AtomicU64::new(0);
    let looks = &looks;
    let numbers = repeat(&stop, pause, never, "adding up numbers", || upkeep::add_up(all, looks));
    let paces = repeat(&stop, PACES, never, "sharing counts of reports", || async {
        pace::share(all).await.map(drop)
    });
    let leases = repeat(&stop, lease / 3, never, "renewing leases", || async { renew(all).await.map(drop) });
    let sweeps = repeat(&stop, SWEEPS, never, "sweeping", || async { sweep_in_turn(all).await.map(drop) });
    // Each in its own time: a long job must not keep the others from their work.
    let changes = live::run(all, &stop);
    let together =
        async { tokio::join!(reference, clocks, evidence, numbers, paces, leases, sweeps, changes) };
    tokio::join!(Box::pin(work), Box::pin(together));
}

/// Does something again and again: after each pause, and sooner when woken. A failure is logged, and the next time
/// may go better.
async fn repeat<F: Future<Output = Result<(), Fail>>>(
    stop: &watch::Receiver<bool>,
    pause: Duration,
    woken: &Notify,
    what: &'static str,
    mut once: impl FnMut() -> F,
) {
    let mut stop = stop.clone();
    while !*stop.borrow() {
        if let Err(fail) = once().await {
            tracing::error!(problem = %Problem::from(fail), "{what} failed");
        }
        tokio::select! {
            () = woken.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Jobs that wait for an instant of before the clock was set back must not wait for it to come there again.
async fn mind_the_clock(services: &Services, last: &AtomicI64) -> Result<(), Fail> {
    let now = services.now();
    if now.millis() >= last.swap(now.millis(), Ordering::Relaxed) - 1000 {
        return Ok(());
    }
    tracing::warn!(%now, "the clock was set back; jobs that waited are done now");
    let until = now.plus_seconds(i64::try_from(services.config.jobs.lease_seconds).unwrap_or(i64::MAX));
    services.db.write(move |conn| jobs::set_back(conn, now, until).map_err(Fail::from)).await
}

/// Begins to hear what other processes tell. Where that cannot be, they are found out by looking.
fn listen(services: &Services) -> Option<Listener> {
    let target = app::target(&services.config).ok()?;
    let listening = services.clone();
    let hear = move |news| match news {
        // `notify_one` is remembered where nobody waits at the moment.
        News::Reference => listening.reference_changed.notify_one(),
        News::Jobs => listening.jobs_waiting.notify_one(),
        News::Changes => listening.live.look(),
    };
    news::listen(&target, hear).unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing is heard of other processes; their changes are found by looking");
        None
    })
}
