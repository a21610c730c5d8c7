//! The audit trail, as services write into it: with the request and the address from which it was asked for.

use std::collections::BTreeMap;

use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self, Entry};
use suishoupai_storage::origin::{self, Origin};

use crate::fail::Fail;
use crate::problem::Code;
use crate::services::Services;
use crate::together::{Gathering, Tell, Together, Turns};

/// How many lines share a transaction at the most.
const MOST: usize = 64;

/// Lines that wait to be written, where they are not part of another write.
pub type Trail = Together<Entry, ()>;

/// The lines that wait, at first none. One group at a time: the trail is one chain, so a second would only wait.
pub fn trail(turns: &Turns) -> Trail {
    Together::new(turns, 1, MOST)
}

/// A line to be written, of the request that is being worked on.
pub fn entry(kind: AuditKind, district: District, at: Moment) -> Entry {
    let Origin { request, address } = origin::current();
    Entry {
        district,
        kind,
        account: None,
        subject: None,
        facts: BTreeMap::new(),
        from: address.map(|address| address.to_string()),
        why: None,
        request_id: request.map(|id| id.to_string()),
        at,
    }
}

/// A line of what an account does.
pub fn by(account: &Account, kind: AuditKind, at: Moment) -> Entry {
    Entry { account: Some(account.id), ..entry(kind, account.district, at) }
}

/// A line of what an account does, of which only the key is known.
pub fn by_id(account: AccountId, district: District, kind: AuditKind, at: Moment) -> Entry {
    Entry { account: Some(account), ..entry(kind, district, at) }
}

/// The line with one more fact.
pub fn with(mut entry: Entry, name: &str, value: impl ToString) -> Entry {
    entry.facts.insert(name.to_owned(), value.to_string());
    entry
}

/// Writes a line that is part of no other write, with those that wait at the same time; it is durable afterwards.
///
/// # Errors
/// 503 where it could not be written.
pub async fn note(services: &Services, entry: Entry) -> Result<(), Fail> {
    let own = services.clone();
    let written = services.trail.ask(entry, move |group| {
        let own = own.clone();
        async move { write(&own, group).await }
    });
    written.await.ok_or_else(|| Code::Unavailable.into())
}

async fn write(services: &Services, group: Gathering<Entry, ()>) {
    let (entries, tell): (Vec<Entry>, Vec<_>) = group.take().into_iter().unzip();
    let written = services.db.write(move |conn| audit::append(conn, &entries)).await;
    match written {
        Ok(_) => Tell::answer_all(tell.into_iter().map(|tell| (tell, ()))),
        Err(error) => tracing::error!(%error, "the audit trail could not be written"),
    }
}

/// The subject of a sign-in: who was named, as a keyed digest, because names and numbers are personal data.
pub fn named(services: &Services, kind: &str, name: &str) -> String {
    let index = services.sealer.index(kind, name);
    format!("{kind}:{}", hex::encode(index.get(..8).unwrap_or_default()))
}
