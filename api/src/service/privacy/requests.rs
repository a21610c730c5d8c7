//! What residents ask for: the own data as a file, or that they are erased.

use suishoupai_core::audit::AuditKind;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::privacy::{self, Run, RunKind, RunState};

use super::{MOST, PAGE, asked, done, enqueue};
use crate::audit;
use crate::callers;
use crate::fail::Fail;
use crate::problem::Code;
use crate::services::Services;

/// The name of an account whose holder is not known any more.
const NOBODY: &str = "已注销用户";

/// Puts what a resident asks for in the queue; while the same is waiting, that is what was asked for.
///
/// # Errors
/// The database's.
pub async fn ask(services: &Services, account: &Account, kind: RunKind) -> Result<Run, Fail> {
    let now = services.now();
    let keys = services.db.ids::<2>().await?;
    let run = Run { id: keys[0], ..asked(kind, account.district, Some(account.id), now) };
    let what = if kind == RunKind::Export { AuditKind::Export } else { AuditKind::Erasure };
    let line = audit::with(audit::by(account, what, now), "asked", true);
    let line = Entry { subject: Some(format!("account:{}", account.id)), ..line };
    let owner = account.id;
    let written = services
        .db
        .write(move |conn| {
            let waiting = privacy::mine(conn, owner, MOST)?;
            let same = waiting.into_iter().find(|run| run.kind == kind && run.state == RunState::Waiting);
            if let Some(same) = same {
                return Ok(same);
            }
            enqueue(conn, keys, run.clone())?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(run.clone())
        })
        .await?;
    services.jobs_waiting.notify_one();
    Ok(written)
}

/// What the caller asked for, the newest first.
///
/// # Errors
/// The database's.
pub async fn mine(services: &Services, account: &Account) -> Result<Vec<Run>, Fail> {
    let owner = account.id;
    services.db.read(move |conn| privacy::mine(conn, owner, MOST).map_err(Fail::from)).await
}

/// The file of an export of the caller, JSON.
///
/// # Errors
/// 404 where there is none, or none any more.
pub async fn data(services: &Services, account: &Account, id: i64) -> Result<String, Fail> {
    let (owner, now) = (account.id, services.now());
    let run = services.db.read(move |conn| privacy::find(conn, id).map_err(Fail::from)).await?;
    let own = run.filter(|run| run.account == Some(owner) && run.expires_at.is_some_and(|end| end > now));
    let sealed = own.and_then(|run| run.data_sealed).ok_or(Code::NotFound)?;
    services.sealer.open("export", &sealed).map_err(|error| Fail::internal(&error))
}

/// Erases an account: its ended tickets are anonymised at once; while others are under way, who reported stays known to
/// those who work on them, and the rest follows when they have ended.
pub(super) async fn erase(services: &Services, run: Run) -> Result<(), Fail> {
    let now = services.now();
    let owner = run.account.ok_or(Code::AccountNotFound)?;
    let (mut anonymised, mut open, mut after) = (0, 0, 0);
    loop {
        let page = services
            .db
            .read(move |conn| privacy::of_account(conn, owner, after, PAGE).map_err(Fail::from))
            .await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (ticket, was_done) in page {
            if was_done {
                anonymised += 1;
                continue;
            }
            let entry =
                audit::with(audit::entry(AuditKind::Anonymise, run.district, now), "cause", "request");
            let written = services
                .db
                .write(move |conn| privacy::anonymise(conn, ticket, None, &entry).map_err(Fail::from));
            match written.await? {
                Some(_) => anonymised += 1,
                None => open += 1,
            }
        }
    }
    let report = [("tickets_anonymised", anonymised), ("tickets_under_way", open)];
    if open > 0 {
        let waiting = Run { state: RunState::Waiting, ..done(run, now, &report) };
        let waiting = Run { finished_at: None, ..waiting };
        return services.db.write(move |conn| privacy::finish(conn, &waiting).map_err(Fail::from)).await;
    }
    sign_off(services, run, owner, now, &report).await
}

async fn sign_off(
    services: &Services,
    run: Run,
    owner: i64,
    now: Moment,
    report: &[(&str, u64)],
) -> Result<(), Fail> {
    let mut line = audit::entry(AuditKind::Erasure, run.district, now);
    line.subject = Some(format!("account:{owner}"));
    for (name, count) in report {
        line = audit::with(line, name, count);
    }
    let finished = done(run, now, report);
    services
        .db
        .write(move |conn| {
            privacy::sign_off(conn, owner, NOBODY, now)?;
            privacy::finish(conn, &finished)?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(())
        })
        .await?;
    callers::changed(services).await;
    Ok(())
}
