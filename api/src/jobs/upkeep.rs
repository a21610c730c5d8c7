//! What is looked for now and then. Every process looks; what there is to do is done by one of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use suishoupai_storage::db::identity::{lockouts, sessions};
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::{counts, idempotency, lists, live, login};

use crate::fail::Fail;
use crate::service::{orphans, privacy, resumable, tickets, uploads};
use crate::services::Services;

/// Claims that ran out are written down in portions of this size.
const LAPSES: i64 = 100;
/// Rows that only take up room are swept once in so long, by one of all processes.
const SWEEP_EVERY: i64 = 10 * 60 * 1000;
const SWEEP: &str = "sweep";
/// So many steps are added up at once, at the latest.
const MUCH: i64 = 500;
/// Fewer are added up at every so-many-eth look.
const NOW_AND_THEN: u64 = 120;
/// So many sessions that are over are forgotten at once.
const SESSIONS: i64 = 1000;
/// Unfinished files of the photo store are removed when they are this old.
const UNFINISHED: Duration = Duration::from_secs(24 * 3600);

/// Puts tickets whose claim has run out back into their pools; says how many. While another process is at it, that is
/// left to it.
///
/// # Errors
/// The database's.
pub async fn lapse_claims(services: &Services) -> Result<usize, Fail> {
    let mut lapsed = 0;
    loop {
        let (now, registry) = (services.now(), services.registry());
        let mut due =
            services.db.read(move |conn| lists::lapsed(conn, now, LAPSES).map_err(Fail::from)).await?;
        if due.is_empty() {
            return Ok(lapsed);
        }
        // As with alarms: rows are locked in the order of their keys by everybody.
        due.sort_unstable();
        let full = due.len() as i64 == LAPSES;
        let written = services
            .db
            .write(move |conn| {
                if !turn::take(conn, Turn::Lapses)? {
                    return Ok(0);
                }
                let mut lapsed = 0;
                for ticket in &due {
                    match tickets::lapse(conn, &registry, *ticket, now) {
                        Ok(was_over) => lapsed += usize::from(was_over),
                        // One ticket that cannot be put back must not keep the others from it.
                        Err(Fail::Problem(problem)) => {
                            tracing::error!(ticket, %problem, "a claim that has run out could not be ended");
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok::<_, Fail>(lapsed)
            })
            .await?;
        lapsed += written;
        if written == 0 || !full {
            return Ok(lapsed);
        }
    }
}

/// Adds up what steps have left for the numbers that are kept: when there is much of it, and now and then. `looks` counts
/// the looks of this process.
///
/// # Errors
/// The database's.
pub(super) async fn add_up(services: &Services, looks: &AtomicU64) -> Result<(), Fail> {
    let waiting = services.db.read(|conn| counts::waiting(conn, MUCH)).await?;
    let is_time = looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(NOW_AND_THEN);
    if waiting < MUCH && !(is_time && waiting > 0) {
        return Ok(());
    }
    let mut walk = counts::Walk::default();
    loop {
        let begun = Instant::now();
        if !counts::fold(&services.db, &mut walk).await? || services.leaving.has_begun() {
            return Ok(());
        }
        // Nobody waits for this: those who write at the same time go first.
        tokio::time::sleep(begun.elapsed()).await;
    }
}

/// Removes what only takes up room, where no process has done so for a while; says whether it did.
///
/// # Errors
/// The database's or the store's.
pub async fn sweep_in_turn(services: &Services) -> Result<bool, Fail> {
    let now = services.now();
    let count = services.db.read(move |conn| Ok::<_, Fail>(login::hits(conn, SWEEP, SWEEP_EVERY, now)?.0));
    if count.await? > 0 {
        return Ok(false);
    }
    let hours = i64::from(services.config.reports.idempotency_hours);
    let keep = i64::from(services.config.live.keep_hours);
    let is_first = services
        .db
        .write(move |conn| {
            if login::hit(conn, SWEEP, SWEEP_EVERY, now)?.0 > 1 {
                return Ok(false);
            }
            idempotency::sweep(conn, now.plus_seconds(-hours * 3600))?;
            login::sweep_throttles(conn, now.plus_seconds(-24 * 3600))?;
            live::sweep(conn, now.plus_seconds(-keep * 3600))?;
            lockouts::sweep(conn, now.plus_seconds(-48 * 3600))?;
            // Access tokens of a session are over long before it is forgotten that it was ended.
            sessions::sweep(conn, now.plus_seconds(-8 * 24 * 3600), SESSIONS)?;
            Ok::<_, Fail>(true)
        })
        .await?;
    if is_first {
        uploads::sweep(services).await?;
        resumable::sweep(services).await?;
        orphans::sweep(services).await?;
        services.store.sweep(UNFINISHED).await?;
        privacy::enqueue_when_due(services).await?;
    }
    Ok(is_first)
}
