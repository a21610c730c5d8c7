//! 到期清理: once a day what has been kept for its term is anonymised or let go.

use suishoupai_core::audit::AuditKind;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::audit as audit_rows;
use suishoupai_storage::db::privacy::{self, Run, RunKind};
use suishoupai_storage::db::{Conn, jobs, login};

use super::{ALL, JOB, PAGE, asked, done, enqueue};
use crate::audit;
use crate::fail::Fail;
use crate::services::Services;

/// The counter by which one of all processes looks, once a day.
const MARK: &str = "retention";
/// Milliseconds between two looks.
const EVERY: i64 = 24 * 3600 * 1000;
/// Lines of the trail, and erasures that wait, in one go.
const PORTION: i64 = 1000;

/// Puts the daily run in the queue, where none was looked for within a day and there is something for it to do.
///
/// # Errors
/// The database's.
pub async fn enqueue_when_due(services: &Services) -> Result<(), Fail> {
    let (now, config) = (services.now(), &services.config.privacy);
    let looked = services.db.read(move |conn| Ok::<_, Fail>(login::hits(conn, MARK, EVERY, now)?.0));
    if looked.await? > 0 {
        return Ok(());
    }
    let before = config.terms().anonymise_before(now);
    let trail = trail_before(services, now);
    let keys = services.db.ids::<2>().await?;
    let queued = services.db.write(move |conn| {
        let is_first = login::hit(conn, MARK, EVERY, now)?.0 == 1;
        let is_due = is_first && has_work(conn, before, trail, now)?;
        if is_due {
            enqueue(conn, keys, asked(RunKind::Retention, ALL, None, now))?;
        }
        Ok::<_, Fail>(is_due)
    });
    if queued.await? {
        services.jobs_waiting.notify_one();
    }
    Ok(())
}

/// Puts a run in the queue now.
///
/// # Errors
/// The database's.
pub async fn start(services: &Services) -> Result<Run, Fail> {
    let keys = services.db.ids::<2>().await?;
    let run = Run { id: keys[0], ..asked(RunKind::Retention, ALL, None, services.now()) };
    let queued = run.clone();
    services.db.write(move |conn| enqueue(conn, keys, queued.clone()).map_err(Fail::from)).await?;
    services.jobs_waiting.notify_one();
    Ok(run)
}

fn has_work(conn: &mut Conn, before: Moment, trail: Moment, now: Moment) -> Result<bool, Fail> {
    Ok(!privacy::open_runs(conn, RunKind::Erasure, 1)?.is_empty()
        || privacy::any_expired(conn, now)?
        || audit_rows::any_to_let_go(conn, trail)?
        || !privacy::candidates(conn, before, 0, 1)?.is_empty())
}

fn trail_before(services: &Services, now: Moment) -> Moment {
    now.plus_seconds(-i64::from(services.config.privacy.audit_days) * 86_400)
}

pub(super) async fn carry_out(services: &Services, run: Run) -> Result<(), Fail> {
    let now = services.now();
    let before = services.config.privacy.terms().anonymise_before(now);
    let (mut tickets, mut reports, mut after) = (0, 0, 0);
    loop {
        let page = services
            .db
            .read(move |conn| privacy::candidates(conn, before, after, PAGE).map_err(Fail::from))
            .await?;
        let Some(last) = page.last() else { break };
        after = *last;
        for ticket in page {
            let entry = audit::with(audit::entry(AuditKind::Anonymise, ALL, now), "cause", "term");
            let written = services.db.write(move |conn| {
                privacy::anonymise(conn, ticket, Some(before), &entry).map_err(Fail::from)
            });
            if let Some(written) = written.await? {
                tickets += 1;
                reports += written.reports;
            }
        }
    }
    let let_go = let_go(services).await?;
    let expired = services.db.write(move |conn| privacy::expire(conn, now).map_err(Fail::from)).await? as u64;
    let waiting = look_again(services).await?;
    let report = [
        ("tickets_anonymised", tickets),
        ("reports_anonymised", reports),
        ("audit_lines_let_go", let_go),
        ("exports_expired", expired),
        ("erasures_waiting", waiting),
    ];
    tracing::info!(
        tickets,
        reports,
        let_go,
        expired,
        waiting,
        "personal data was kept no longer than its term"
    );
    let finished = done(run, now, &report);
    let mut line = audit::entry(AuditKind::Retention, super::super::trail::first_district(services), now);
    for (name, count) in report {
        line = audit::with(line, name, count);
    }
    services
        .db
        .write(move |conn| {
            privacy::finish(conn, &finished)?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(())
        })
        .await
}

/// Lets go addresses and reasons of the trail after their term.
async fn let_go(services: &Services) -> Result<u64, Fail> {
    let before = trail_before(services, services.now());
    let mut count = 0;
    loop {
        let gone = services
            .db
            .write(move |conn| audit_rows::let_go(conn, before, PORTION).map_err(Fail::from))
            .await?;
        count += gone as u64;
        if (gone as i64) < PORTION {
            return Ok(count);
        }
    }
}

/// Puts erasures that wait for tickets to end in the queue again; how many.
async fn look_again(services: &Services) -> Result<u64, Fail> {
    let now = services.now();
    let waiting = services
        .db
        .read(|conn| privacy::open_runs(conn, RunKind::Erasure, PORTION).map_err(Fail::from))
        .await?;
    let count = waiting.len();
    if count == 0 {
        return Ok(0);
    }
    let keys = services.db.reserve(count as i64).await?;
    services
        .db
        .write(move |conn| {
            for (run, job) in waiting.iter().zip(keys.clone()) {
                jobs::enqueue(conn, job, &format!("{JOB}{}", RunKind::Erasure.as_str()), *run, now)?;
            }
            Ok::<_, Fail>(())
        })
        .await?;
    Ok(count as u64)
}
