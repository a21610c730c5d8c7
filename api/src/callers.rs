//! The accounts of callers. Nearly every request asks for one; those that come at the same time are read together, each
//! with a statement that begins after its request came, so that a removal holds from the next request on.

use std::collections::{HashMap, HashSet};

use suishoupai_core::flow::AccountId;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::identity::sessions;

use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::together::{Asked, Together};

/// How many accounts are read with one statement at the most, and how many such statements there are at once: few, so
/// that other reading finds connections.
const MOST: usize = 64;
const AT_ONCE: u32 = 2;

/// An account, and the session by which it asks.
type Asks = (AccountId, Option<i64>);
type Answer = Result<Option<Account>, Problem>;

/// Those whose accounts are being read.
#[derive(Debug)]
pub struct Callers(Together<Asks, Answer>);

impl Default for Callers {
    fn default() -> Self {
        Self(Together::new(AT_ONCE, MOST))
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
    let read = services.callers.0.ask((id, session), |group| {
        let services = services.clone();
        async move { read(&services, group).await }
    });
    read.await.unwrap_or_else(|| Err(Code::Unavailable.into()))
}

async fn read(services: &Services, group: Vec<Asked<Asks, Answer>>) {
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
    let found = found.map_err(Problem::from);
    for ((id, session), tell) in group {
        let answer = found.as_ref().map(|(found, ended)| {
            let goes_on = session.is_none_or(|session| !ended.contains(&session));
            found.get(&id).filter(|_| goes_on).cloned()
        });
        // A client that has gone away needs no answer.
        drop(tell.send(answer.map_err(Problem::clone)));
    }
}
