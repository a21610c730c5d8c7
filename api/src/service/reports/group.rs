//! Reports that come in at the same time are written together: one transaction, and one way to the disk, for all that
//! wait while the group before is being committed. Each is answered after the commit, and each fails alone.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use suishoupai_storage::db::{Conn, DbError, idempotency, photos};
use suishoupai_storage::seal::Sealer;
use tokio::sync::oneshot;

use super::Receipt;
use super::incoming::{Incoming, New, save};
use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::service::photos::record;
use crate::services::Services;

/// How many reports share a transaction at the most.
const MOST: usize = 64;

type Answer = Result<Receipt, Fail>;

/// The reports that wait to be written.
#[derive(Debug, Default)]
pub struct Group {
    waiting: Mutex<VecDeque<(Incoming, oneshot::Sender<Answer>)>>,
    /// Held by whoever writes; the others wait for it in the order of coming.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Group {
    /// Keeps everybody from writing until the answer is dropped, so that a group can be seen to gather. Not for the
    /// async threads: it blocks.
    pub fn hold(&self) -> impl Sized + use<> {
        Arc::clone(&self.turn).blocking_lock_owned()
    }

    /// How many reports wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn put(&self, incoming: Incoming) -> oneshot::Receiver<Answer> {
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back((incoming, tell));
        told
    }

    fn take(&self) -> Vec<(Incoming, oneshot::Sender<Answer>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(MOST);
        waiting.drain(..count).collect()
    }
}

/// Writes a report with those that wait at the same time, and answers after the commit.
pub(super) async fn together(services: &Services, incoming: Incoming) -> Answer {
    let mut told = services.intake.put(incoming);
    loop {
        let turn = Arc::clone(&services.intake.turn);
        let turn = tokio::select! {
            answer = &mut told => return answer.unwrap_or_else(|_| Err(Code::Unavailable.into())),
            turn = turn.lock_owned() => turn,
        };
        let group = services.intake.take();
        if group.is_empty() {
            drop(turn);
            // Whoever took this report has written it, and is about to say so.
            return told.await.unwrap_or_else(|_| Err(Code::Unavailable.into()));
        }
        let services = services.clone();
        // A task of its own: the one whose turn it is may lose its client, the others must not lose their answers.
        tokio::spawn(async move {
            let _turn = turn;
            write(&services, group).await;
        });
    }
}

async fn write(services: &Services, group: Vec<(Incoming, oneshot::Sender<Answer>)>) {
    let (incoming, tell): (Vec<Arc<Incoming>>, Vec<_>) =
        group.into_iter().map(|(incoming, tell)| (Arc::new(incoming), tell)).unzip();
    let mut answers = match incoming.len() {
        1 => Vec::new(),
        _ => match try_together(services, incoming.clone()).await {
            Ok(answers) => answers,
            // Whoever waits for a database that does not serve is told so at once, and not one after the other.
            Err(Fail::Db(error @ (DbError::Unavailable(_) | DbError::Full))) => {
                tracing::error!(%error, "the database did not take reports");
                let refused = || Some(Err(Problem::new(Code::Unavailable).retry_after(5).into()));
                incoming.iter().map(|_| refused()).collect()
            }
            Err(_) => Vec::new(),
        },
    };
    // What could not be written with the others is tried alone; so one bad row fails alone.
    answers.resize_with(incoming.len(), || None);
    for ((incoming, answer), tell) in incoming.into_iter().zip(answers).zip(tell) {
        let answer = match answer {
            Some(answer) => answer,
            None => alone(services, incoming).await,
        };
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
                news.push(new);
                keep.extend(one.answer(sealer)?);
                answers.push(Some(Ok(one.receipt.clone())));
            }
            Err(fail) => answers.push(Some(Err(fail))),
        }
    }
    save(conn, news)?;
    idempotency::keep(conn, keep)?;
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
    save(conn, vec![new])?;
    idempotency::keep(conn, incoming.answer(sealer)?.into_iter().collect())?;
    Ok(incoming.receipt.clone())
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
        named.push(photos::Named { id: photo.id, account: photo.account, sha256: photo.sha256 });
    }
    Ok(named)
}
