//! The accounts of callers. Nearly every request asks for one; those that come at the same time are read together, each
//! with a statement that begins after its request came, so that a removal holds from the next request on.

use std::collections::HashMap;

use suishoupai_core::flow::AccountId;
use suishoupai_storage::db::accounts::{self, Account};

use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::together::{Asked, Together};

/// How many accounts are read with one statement at the most, and how many such statements there are at once: few, so
/// that other reading finds connections.
const MOST: usize = 64;
const AT_ONCE: u32 = 2;

type Answer = Result<Option<Account>, Problem>;

/// Those whose accounts are being read.
#[derive(Debug)]
pub struct Callers(Together<AccountId, Answer>);

impl Default for Callers {
    fn default() -> Self {
        Self(Together::new(AT_ONCE, MOST))
    }
}

/// The account with this key as it may act now.
///
/// # Errors
/// The database's.
pub async fn find(services: &Services, id: AccountId) -> Result<Option<Account>, Problem> {
    let read = services.callers.0.ask(id, |group| {
        let services = services.clone();
        async move { read(&services, group).await }
    });
    read.await.unwrap_or_else(|| Err(Code::Unavailable.into()))
}

async fn read(services: &Services, group: Vec<Asked<AccountId, Answer>>) {
    let mut ids: Vec<AccountId> = group.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let now = services.now();
    let found: Result<HashMap<_, _>, Fail> =
        services.db.read(move |conn| accounts::find_acting(conn, &ids, now).map_err(Fail::from)).await;
    let found = found.map_err(Problem::from);
    for (id, tell) in group {
        // A client that has gone away needs no answer.
        drop(tell.send(found.as_ref().map(|found| found.get(&id).cloned()).map_err(Problem::clone)));
    }
}
