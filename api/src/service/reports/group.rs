//! Reports that come in at the same time are written together: one transaction, and one way to the disk, for all that
//! wait while the group before is being committed. Each is answered after the commit, and each fails alone.

use std::collections::HashSet;
use std::sync::Arc;

use suishoupai_storage::db::intake::{self, ReportRows};
use suishoupai_storage::db::{Conn, Db, idempotency, photos};
use suishoupai_storage::seal::Sealer;

use super::Receipt;
use super::incoming::Incoming;
use crate::config::Config;
use crate::fail::Fail;
use crate::problem::Code;
use crate::registry::Registry;
use crate::service::photos::record;
use crate::services::Services;
use crate::together::{Gathering, Tell, Together, Turns};

type Answer = Result<Receipt, Fail>;

/// The reports that wait to be written.
pub type Group = Together<Ready, Answer>;

/// A report that waits to be written.
#[derive(Debug)]
pub struct Ready {
    incoming: Incoming,
    /// Its rows and its answer, made before the turn of the database comes. None where that failed: why, is found out by
    /// trying it alone, unless it turns out to have been answered before.
    rows: Option<(ReportRows, Receipt)>,
}

impl Ready {
    fn of(incoming: Incoming, registry: &Registry, sealer: &Sealer) -> Self {
        let rows = || {
            let new = incoming.prepare(registry, incoming.before.named(), &[])?;
            let receipt = incoming.receipt_of(&new);
            let answer = incoming.answer(&receipt, sealer)?;
            Ok::<_, Fail>((new.into_rows(answer)?, receipt))
        };
        let rows = rows().ok();
        Self { incoming, rows }
    }
}

/// The reports that wait, at first none.
pub fn group(config: &Config, db: &Db, turns: &Turns) -> Group {
    Together::new(turns, config.reports.groups_at_once, most(config, db.is_shared()))
}

/// How many reports share a transaction at the most. SQLite writes each page that a transaction changed to its log once, so
/// that among more reports each has fewer pages to pay for. PostgreSQL logs rows, not pages: there larger groups only let those
/// wait longer who come meanwhile. Measured with `load intake`.
fn most(config: &Config, is_postgres: bool) -> usize {
    let wanted = match (config.reports.group_max, is_postgres) {
        (0, true) => 16,
        (0, false) => 24,
        (most, _) => most,
    };
    // Where changes share no commits, reports do not either.
    wanted.min(config.data.group_commit_max)
}

/// Writes a report with those that wait at the same time, and answers after the commit.
pub(super) async fn together(services: &Services, registry: &Registry, incoming: Incoming) -> Answer {
    let own = services.clone();
    let ready = Ready::of(incoming, registry, &services.sealer);
    let written = services.intake.ask(ready, move |group| {
        let own = own.clone();
        async move { write(&own, group).await }
    });
    written.await.unwrap_or_else(|| Err(Code::Unavailable.into()))
}

async fn write(services: &Services, group: Gathering<Ready, Answer>) {
    let (ready, tell): (Vec<Ready>, Vec<_>) = group.take().into_iter().unzip();
    let ready = Arc::new(ready);
    // Where the database is away or full, nobody is tried again: each would wait for it in turn, and a report whose
    // commit was not answered may have been written.
    let mut outage = None;
    let mut answers = Vec::new();
    match try_together(services, Arc::clone(&ready)).await {
        Ok(together) => answers = together,
        Err(fail) => outage = fail.outage(),
    }
    answers.resize_with(ready.len(), || None);
    let (mut told, mut rest) = (Vec::with_capacity(ready.len()), Vec::new());
    for (nth, (answer, tell)) in answers.into_iter().zip(tell).enumerate() {
        match answer {
            Some(answer) => told.push((tell, answer)),
            None => rest.push((nth, tell)),
        }
    }
    if rest.is_empty() {
        // Nobody needs any more what they were made of.
        let made = Arc::into_inner(ready).unwrap_or_default();
        let made = made.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        return Tell::give_back(
            told.into_iter().zip(made).map(|((tell, answer), made)| (tell, answer, made)),
        );
    }
    Tell::answer_all(told);
    // What could not be written so is tried alone, from its beginning; so one bad row fails alone.
    for (nth, tell) in rest {
        let answer = match outage.as_ref().and_then(Fail::outage) {
            Some(fail) => Err(fail),
            None => try_alone(services, Arc::clone(&ready), nth).await,
        };
        if outage.is_none() {
            outage = answer.as_ref().err().and_then(Fail::outage);
        }
        tell.answer(answer);
    }
}

async fn try_alone(services: &Services, ready: Arc<Vec<Ready>>, nth: usize) -> Answer {
    in_own_write(services, move |conn, registry, sealer| {
        let one = ready.get(nth).ok_or(Code::Internal)?;
        write_one(conn, &one.incoming, registry, sealer)
    })
    .await
}

/// Writes many reports in one transaction. The answer to one is `None` where it has to be tried alone, or to wait for another
/// of them.
async fn try_together(services: &Services, ready: Arc<Vec<Ready>>) -> Result<Vec<Option<Answer>>, Fail> {
    let sealer = services.sealer.clone();
    services.db.write(move |conn| write_all(conn, &ready, &sealer)).await
}

/// The photos that the reports name were there a moment ago. If one is not any more, the key of its photo leads to nothing,
/// and all are tried alone.
fn write_all(conn: &mut Conn, ready: &[Ready], sealer: &Sealer) -> Result<Vec<Option<Answer>>, Fail> {
    let keys: Vec<(i64, &str)> = ready.iter().filter_map(|one| one.incoming.key()).collect();
    let kept = idempotency::find(conn, &keys)?;
    let mut seen = HashSet::new();
    let mut answers = Vec::with_capacity(ready.len());
    let mut fresh = Vec::with_capacity(ready.len());
    for Ready { incoming, rows } in ready {
        if let Some((account, key)) = incoming.key() {
            if let Some(kept) = kept.get(&(account, key.to_owned())) {
                answers.push(Some(incoming.first_answer(kept, sealer)));
                continue;
            }
            if !seen.insert((account, key)) {
                // The same report twice in one group: the second gets the answer of the first, once that is kept.
                answers.push(None);
                continue;
            }
        }
        answers.push(rows.as_ref().map(|(_, receipt)| Ok(receipt.clone())));
        fresh.extend(rows.as_ref().map(|(rows, _)| rows));
    }
    intake::insert(conn, &fresh)?;
    Ok(answers)
}

/// Writes one report, with the photos that came along.
pub(super) async fn alone(services: &Services, incoming: Incoming) -> Answer {
    in_own_write(services, move |conn, registry, sealer| write_one(conn, &incoming, registry, sealer)).await
}

async fn in_own_write(
    services: &Services,
    mut write: impl FnMut(&mut Conn, &Registry, &Sealer) -> Answer + Send + 'static,
) -> Answer {
    let registry = services.registry();
    let sealer = services.sealer.clone();
    services.db.write(move |conn| write(conn, &registry, &sealer)).await
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
    let new = incoming.prepare(registry, &named, &fresh)?;
    let receipt = incoming.receipt_of(&new);
    let answer = incoming.answer(&receipt, sealer)?;
    intake::insert(conn, &[&new.into_rows(answer)?])?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_as_the_settings_say_or_as_suits_the_database() {
        for (group_max, group_commit_max, on_sqlite, on_postgres) in
            [(0, 64, 24, 16), (40, 64, 40, 40), (0, 1, 1, 1), (40, 8, 8, 8), (0, 20, 20, 16)]
        {
            let mut config = Config::default();
            config.reports.group_max = group_max;
            config.data.group_commit_max = group_commit_max;
            let got = [false, true].map(|is_postgres| most(&config, is_postgres));
            assert_eq!(got, [on_sqlite, on_postgres], "{group_max} and {group_commit_max}");
        }
    }
}
