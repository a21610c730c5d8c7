//! Changes of tickets as they happen, told to those who follow them.
//!
//! One task of each process reads what is new, once for all followers, and hands it on. A follower that cannot keep up,
//! or that comes back after a while, reads the database by itself from where it was, so nothing is missed and nothing
//! is kept for it meanwhile.

mod stream;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use suishoupai_core::flow::{AccountId, TicketId};
use suishoupai_storage::db::live::{self as rows, Change, Cursor};
use suishoupai_storage::db::news::{self, News};
use suishoupai_storage::db::tickets::{self, Loaded};
use suishoupai_storage::db::{Conn, DbError};
use tokio::sync::{Notify, Semaphore, broadcast, watch};

use crate::fail::Fail;
use crate::problem::Problem;
use crate::services::Services;

pub use stream::{Of, follow};

/// Changes that are read, and handed on, together.
const PORTION: i64 = 100;
/// Portions that are kept for followers who have not looked yet.
const KEPT: usize = 32;
/// Followers that read by themselves at the same time; the others wait for their turn.
const READERS: usize = 2;
/// Between two looks passes at least so much time.
const LOOK: Duration = Duration::from_millis(50);

/// A change together with its ticket, as it stood when it was read.
#[derive(Debug)]
struct Item {
    change: Change,
    ticket: Arc<Loaded>,
}

/// All changes after one place up to another one.
#[derive(Debug)]
struct Batch {
    after: Cursor,
    until: Cursor,
    items: Vec<Item>,
}

/// Who follows, and how they are told.
#[derive(Debug)]
pub struct Live {
    batches: broadcast::Sender<Arc<Batch>>,
    wake: Notify,
    ending: watch::Sender<bool>,
    readers: Semaphore,
    seats: Mutex<HashMap<AccountId, usize>>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            batches: broadcast::channel(KEPT).0,
            wake: Notify::new(),
            ending: watch::channel(false).0,
            readers: Semaphore::new(READERS),
            seats: Mutex::default(),
        }
    }
}

impl Live {
    /// Looks for changes soon.
    pub fn look(&self) {
        self.wake.notify_one();
    }

    /// Ends all streams, so that their clients turn to another server.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Takes a place for one more stream of an account, if there is one; how many more it may have.
    fn sit(&self, account: AccountId, most: usize, of_account: usize) -> Option<usize> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let own = seats.get(&account).copied().unwrap_or_default();
        let all: usize = if own >= of_account { most } else { seats.values().sum() };
        if all >= most {
            return None;
        }
        seats.insert(account, own + 1);
        Some(of_account.saturating_sub(own + 1))
    }

    fn leave(&self, account: AccountId) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = seats.get_mut(&account) {
            *own -= 1;
            if *own == 0 {
                seats.remove(&account);
            }
        }
    }
}

/// Reads what is new for as long as the server runs.
pub async fn run(services: &Services, stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    let poll = Duration::from_millis(services.config.live.poll_milliseconds);
    let live = &services.live;
    let cleared = services.db.write(rows::forget_foreign).await;
    log(cleared.map_err(Fail::from));
    let mut position = None;
    while !*stop.borrow() {
        tokio::select! {
            () = live.wake.notified() => {}
            () = services.db.written().notified() => tell_others(services).await,
            () = tokio::time::sleep(poll) => {}
            _ = stop.changed() => return,
        }
        if live.batches.receiver_count() == 0 {
            position = None;
        } else {
            log(look(services, &mut position).await);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => return,
        }
    }
}

fn log(outcome: Result<(), Fail>) {
    if let Err(fail) = outcome {
        tracing::error!(problem = %Problem::from(fail), "looking for changes failed");
    }
}

/// Tells other processes to look. Not in the transaction of the change: whoever notifies commits one after the other,
/// and every command would wait for every other one.
async fn tell_others(services: &Services) {
    if services.db.is_shared() {
        let told = services.db.read(|conn| news::tell(conn, News::Changes)).await;
        log(told.map_err(Fail::from));
    }
}

async fn look(services: &Services, position: &mut Option<Cursor>) -> Result<(), Fail> {
    let send = |batch: Batch| {
        // Nobody may be left to hear it.
        drop(services.live.batches.send(Arc::new(batch)));
    };
    let mut from = match *position {
        Some(from) => from,
        None => {
            let newest = services.db.read(rows::newest).await?;
            // Whoever began before this place is told so, and reads up to it.
            send(Batch { after: newest, until: newest, items: Vec::new() });
            newest
        }
    };
    *position = Some(from);
    loop {
        let items = services.db.read(move |conn| read(conn, from)).await?;
        let Some(last) = items.last() else { break };
        let (until, is_last) = (last.change.cursor, (items.len() as i64) < PORTION);
        send(Batch { after: from, until, items });
        from = until;
        *position = Some(from);
        if is_last {
            break;
        }
    }
    if services.db.is_shared() && services.db.read(move |conn| rows::has_more(conn, from)).await? {
        services.live.look();
    }
    Ok(())
}

/// The next changes after a place, with their tickets.
fn read(conn: &mut Conn, from: Cursor) -> Result<Vec<Item>, DbError> {
    let changes = rows::after(conn, from, PORTION)?;
    let mut ids: Vec<TicketId> = changes.iter().map(|change| change.ticket).collect();
    ids.sort_unstable();
    ids.dedup();
    let loaded = if ids.is_empty() { Vec::new() } else { tickets::find_all(conn, ids)? };
    let tickets: HashMap<TicketId, Arc<Loaded>> =
        loaded.into_iter().map(|loaded| (loaded.ticket.id, Arc::new(loaded))).collect();
    let with_ticket = |change: Change| {
        let ticket = Arc::clone(tickets.get(&change.ticket)?);
        Some(Item { change, ticket })
    };
    Ok(changes.into_iter().filter_map(with_ticket).collect())
}
