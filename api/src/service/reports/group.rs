//! Reports that come in at the same time are written together: one transaction, and one way to the disk, for all that
//! wait while the group before is being committed. Each is answered after the commit, and each fails alone.

use std::collections::HashSet;
use std::sync::Arc;

use suishoupai_storage::db::{Conn, idempotency, photos};
use suishoupai_storage::seal::Sealer;

use super::Receipt;
use super::incoming::{Incoming, New, save};
use crate::config::Config;
use crate::fail::Fail;
use crate::problem::Code;
use crate::registry::Registry;
use crate::service::photos::record;
use crate::services::Services;
use crate::together::{Asked, Together, Turns};

type Answer = Result<Receipt, Fail>;

/// The reports that wait to be written.
pub type Group = Together<Incoming, Answer>;

/// The reports that wait, at first none.
pub fn group(config: &Config, turns: &Turns) -> Group {
    // Where changes share no commits, reports do not either.
    let most = config.reports.group_max.min(config.data.group_commit_max);
    Together::new(turns, config.reports.groups_at_once, most)
}

/// Writes a report with those that wait at the same time, and answers after the commit.
pub(super) async fn together(services: &Services, incoming: Incoming) -> Answer {
    let own = services.clone();
    let written = services.intake.ask(incoming, move |group| {
        let own = own.clone();
        async move { write(&own, group).await }
    });
    written.await.unwrap_or_else(|| Err(Code::Unavailable.into()))
}

async fn write(services: &Services, group: Vec<Asked<Incoming, Answer>>) {
    let (incoming, tell): (Vec<Arc<Incoming>>, Vec<_>) =
        group.into_iter().map(|(incoming, tell)| (Arc::new(incoming), tell)).unzip();
    // Where the database is away or full, nobody is tried again: each would wait for it in turn, and a report whose
    // commit was not answered may have been written.
    let mut outage = None;
    let mut answers = Vec::new();
    if incoming.len() > 1 {
        match try_together(services, incoming.clone()).await {
            Ok(together) => answers = together,
            Err(fail) => outage = fail.outage(),
        }
    }
    // What could not be written with the others is tried alone; so one bad row fails alone.
    answers.resize_with(incoming.len(), || None);
    for ((incoming, answer), tell) in incoming.into_iter().zip(answers).zip(tell) {
        let answer = match (answer, outage.as_ref().and_then(Fail::outage)) {
            (Some(answer), _) => answer,
            (None, Some(fail)) => Err(fail),
            (None, None) => alone(services, incoming).await,
        };
        if outage.is_none() {
            outage = answer.as_ref().err().and_then(Fail::outage);
        }
        // A client that has gone away needs no answer.
        drop(tell.send(answer));
    }
}

/// Writes many reports in one transaction. The answer to one is `None` where it has to wait for another of them.
async fn try_together(
    services: &Services,
    incoming: Vec<Arc<Incoming>>,
) -> Result<Vec<Option<Answer>>, Fail> {
    let registry = services.registry();
    let sealer = services.sealer.clone();
    services.db.write(move |conn| write_all(conn, &incoming, &registry, &sealer)).await
}

fn write_all(
    conn: &mut Conn,
    incoming: &[Arc<Incoming>],
    registry: &Registry,
    sealer: &Sealer,
) -> Result<Vec<Option<Answer>>, Fail> {
    let keys: Vec<(i64, &str)> = incoming.iter().filter_map(|one| one.key()).collect();
    let kept = idempotency::find(conn, &keys)?;
    let ids: Vec<i64> = incoming.iter().flat_map(|one| one.draft.photo_ids.iter().copied()).collect();
    let named = photos::named(conn, &ids)?;
    let mut seen = HashSet::new();
    let mut answers = Vec::with_capacity(incoming.len());
    let (mut news, mut keep) = (Vec::new(), Vec::new());
    for one in incoming {
        if let Some((account, key)) = one.key() {
            if let Some(kept) = kept.get(&(account, key.to_owned())) {
                answers.push(Some(one.first_answer(kept, sealer)));
                continue;
            }
            if !seen.insert((account, key)) {
                // The same report twice in one group: the second gets the answer of the first, once that is kept.
                answers.push(None);
                continue;
            }
        }
        match one.prepare(registry, &named, &[]) {
            Ok(new) => {
                let receipt = one.receipt_of(&new);
                news.push(new);
                keep.extend(one.answer(&receipt, sealer)?);
                answers.push(Some(Ok(receipt)));
            }
            Err(fail) => answers.push(Some(Err(fail))),
        }
    }
    save(conn, news, keep)?;
    Ok(answers)
}

/// Writes one report, with the photos that came along.
pub(super) async fn alone(services: &Services, incoming: Arc<Incoming>) -> Answer {
    let registry = services.registry();
    let sealer = services.sealer.clone();
    services.db.write(move |conn| write_one(conn, &incoming, &registry, &sealer)).await
}

fn write_one(conn: &mut Conn, incoming: &Incoming, registry: &Registry, sealer: &Sealer) -> Answer {
    if let Some((account, key)) = incoming.key() {
        let kept = idempotency::find(conn, &[(account, key)])?;
        if let Some(kept) = kept.values().next() {
            return incoming.first_answer(kept, sealer);
        }
    }
    let named = photos::named(conn, &incoming.draft.photo_ids)?;
    let fresh = record_fresh(conn, incoming)?;
    let new: New = incoming.prepare(registry, &named, &fresh)?;
    let receipt = incoming.receipt_of(&new);
    save(conn, vec![new], incoming.answer(&receipt, sealer)?.into_iter().collect())?;
    Ok(receipt)
}

/// Records the photos that came along.
fn record_fresh(conn: &mut Conn, incoming: &Incoming) -> Result<Vec<photos::Named>, Fail> {
    let Incoming { account, fresh, ids, now, .. } = incoming;
    let mut ids = ids.clone();
    let mut named = Vec::with_capacity(fresh.len());
    for prepared in fresh {
        let (Some(photo), Some(job)) = (ids.next(), ids.next()) else {
            return Err(Code::Internal.into());
        };
        let (photo, _) = record(conn, account, account.district, prepared, [photo, job], *now)?;
        named.push(photos::Named::from(&photo));
    }
    Ok(named)
}
