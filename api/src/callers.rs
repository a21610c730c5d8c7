//! The accounts of callers. Nearly every request asks for one; those that come at the same time are read together, and
//! what was read is kept for a moment, so that a client which asks for several things costs one reading.
//!
//! A removal, another post or a sign-out holds from the request on that follows its answer, at every process. The one
//! that makes the change forgets what it has kept; others may have kept an account too, but for [`KEPT`] at the most,
//! and so long the change waits after its commit before it is answered: see [`changed`]. Nobody has to be told, and
//! clocks need not agree, because each process only measures how long it has kept something.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::identity::sessions;

use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::together::{Gathering, Tell, Together, Turns};

/// So long an account is kept after the reading of it began.
pub const KEPT: Duration = Duration::from_millis(250);
/// So many accounts are kept at the most.
const MOST_KEPT: usize = 10_000;
/// How many accounts are read with one statement at the most, and how many such statements there are at once: few, so
/// that other reading finds connections.
const MOST: usize = 64;
const AT_ONCE: u32 = 2;

/// An account, and the session by which it asks.
type Asks = (AccountId, Option<i64>);
type Answer = Result<Option<Arc<Account>>, Problem>;

/// Those whose accounts are being read, or were a moment ago.
#[derive(Debug)]
pub struct Callers {
    reading: Together<Asks, Answer>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Grows with every change: what was being read meanwhile is not kept.
    changes: u64,
    accounts: HashMap<Asks, Entry>,
}

#[derive(Debug)]
struct Entry {
    account: Arc<Account>,
    /// When its reading was asked for, by this process' own clock and by the server's, on which leaves begin and end.
    asked: (Instant, Moment),
}

impl Entry {
    fn is_good(&self, now: Moment) -> bool {
        let passed = now.millis() - self.asked.1.millis();
        self.asked.0.elapsed() < KEPT && u128::try_from(passed).is_ok_and(|passed| passed < KEPT.as_millis())
    }
}

impl Callers {
    /// None yet.
    pub fn new(turns: &Turns) -> Self {
        Self { reading: Together::new(turns, AT_ONCE, MOST), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, asks: Asks, entry: Entry, now: Moment) {
        if self.accounts.len() >= MOST_KEPT {
            self.accounts.retain(|_, entry| entry.is_good(now));
        }
        if self.accounts.len() < MOST_KEPT {
            self.accounts.insert(asks, entry);
        }
    }
}

/// The account with this key as it may act now; none where the session by which it asks has been ended.
///
/// # Errors
/// The database's.
pub async fn find(
    services: &Services,
    id: AccountId,
    session: Option<i64>,
) -> Result<Option<Account>, Problem> {
    let (asks, now) = ((id, session), services.now());
    let changes = {
        let kept = services.callers.kept();
        if let Some(entry) = kept.accounts.get(&asks).filter(|entry| entry.is_good(now)) {
            return Ok(Some(Account::clone(&entry.account)));
        }
        kept.changes
    };
    let asked = (Instant::now(), now);
    let own = services.clone();
    let read = services.callers.reading.ask(asks, move |group| {
        let own = own.clone();
        async move { read(&own, group).await }
    });
    let found = read.await.unwrap_or_else(|| Err(Code::Unavailable.into()))?;
    let Some(account) = found else { return Ok(None) };
    let own = Account::clone(&account);
    let mut kept = services.callers.kept();
    if kept.changes == changes {
        kept.keep(asks, Entry { account, asked }, now);
    }
    Ok(Some(own))
}

/// To be awaited after the commit of whatever changes an account, its posts, who stands in for whom, or a session, and
/// before that is answered. When it is done no process knows any of them as it was before.
pub async fn changed(services: &Services) {
    {
        let mut kept = services.callers.kept();
        kept.changes += 1;
        kept.accounts.clear();
    }
    changed_outside().await;
}

/// As [`changed`], for a program that is no server: there may be some on the same database.
pub async fn changed_outside() {
    tokio::time::sleep(KEPT).await;
}

async fn read(services: &Services, group: Gathering<Asks, Answer>) {
    let group = group.take();
    let mut ids: Vec<AccountId> = group.iter().map(|((id, _), _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut by: Vec<i64> = group.iter().filter_map(|((_, session), _)| *session).collect();
    by.sort_unstable();
    by.dedup();
    let now = services.now();
    let read = move |conn: &mut Conn| {
        let ended = if by.is_empty() { HashSet::new() } else { sessions::ended(conn, &by)? };
        Ok((accounts::find_acting(conn, &ids, now)?, ended))
    };
    let found: Result<(HashMap<_, _>, HashSet<i64>), Fail> = services.db.read(read).await;
    let found = found.map_err(Problem::from).map(|(found, ended)| {
        let shared: HashMap<_, _> = found.into_iter().map(|(id, account)| (id, Arc::new(account))).collect();
        (shared, ended)
    });
    let answers = group.into_iter().map(|((id, session), tell)| {
        let answer = found.as_ref().map(|(found, ended)| {
            let goes_on = session.is_none_or(|session| !ended.contains(&session));
            found.get(&id).filter(|_| goes_on).cloned()
        });
        (tell, answer.map_err(Problem::clone))
    });
    Tell::answer_all(answers);
}
