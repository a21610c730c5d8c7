//! The audit trail, as services write into it: from where a request comes travels with its task, as its id does.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self, Entry};
use suishoupai_storage::origin;

use crate::fail::Fail;
use crate::problem::Code;
use crate::services::Services;
use crate::together::{Asked, Together};

tokio::task_local! {
    static FROM: Option<IpAddr>;
}

/// How many lines share a transaction at the most.
const MOST: usize = 64;

/// Lines that wait to be written, where they are not part of another write.
pub type Trail = Together<Entry, ()>;

/// The lines that wait, at first none. One group at a time: the trail is one chain, so a second would only wait.
pub fn trail() -> Trail {
    Together::new(1, MOST)
}

/// The address of the caller: of the proxy's header where the operator says that it is to be believed, else of the
/// connection.
pub fn address(request: &ServiceRequest, trust_forwarded_for: bool) -> Option<IpAddr> {
    let forwarded = || {
        let header = request.headers().get("x-forwarded-for")?.to_str().ok()?;
        header.split(',').next()?.trim().parse().ok()
    };
    let peer = || request.peer_addr().map(|peer| peer.ip());
    if trust_forwarded_for { forwarded().or_else(peer) } else { peer() }
}

/// Does `work` as asked for from an address.
pub async fn of<F: Future>(from: Option<IpAddr>, work: F) -> F::Output {
    FROM.scope(from, work).await
}

/// A line to be written, of the request that is being worked on.
pub fn entry(kind: AuditKind, district: District, at: Moment) -> Entry {
    Entry {
        district,
        kind,
        account: None,
        subject: None,
        facts: BTreeMap::new(),
        from: FROM.try_with(|from| *from).ok().flatten().map(|address| address.to_string()),
        why: None,
        request_id: origin::current().map(|id| id.to_string()),
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
    let written = services.trail.ask(entry, |group| {
        let services = services.clone();
        async move { write(&services, group).await }
    });
    written.await.ok_or_else(|| Code::Unavailable.into())
}

async fn write(services: &Services, group: Vec<Asked<Entry, ()>>) {
    let (entries, tell): (Vec<Entry>, Vec<_>) = group.into_iter().unzip();
    let written = services.db.write(move |conn| audit::append(conn, &entries)).await;
    match written {
        // A client that has gone away needs no answer.
        Ok(_) => tell.into_iter().for_each(|tell| _ = tell.send(())),
        Err(error) => tracing::error!(%error, "the audit trail could not be written"),
    }
}

/// The subject of a sign-in: who was named, as a keyed digest, because names and numbers are personal data.
pub fn named(services: &Services, kind: &str, name: &str) -> String {
    let index = services.sealer.index(kind, name);
    format!("{kind}:{}", hex::encode(index.get(..8).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_header_of_a_proxy_counts_only_where_it_is_to_be_believed() {
        let request = || {
            let peer = "10.0.0.9:1000".parse().unwrap();
            TestRequest::get().peer_addr(peer).insert_header(("x-forwarded-for", "192.0.2.7, 10.0.0.1"))
        };
        let seen =
            |request: TestRequest, trust| address(&request.to_srv_request(), trust).unwrap().to_string();
        assert_eq!(seen(request(), true), "192.0.2.7");
        assert_eq!(seen(request(), false), "10.0.0.9");
        let hostile = TestRequest::get()
            .peer_addr("10.0.0.9:1000".parse().unwrap())
            .insert_header(("x-forwarded-for", "<script>, 10.0.0.1"));
        assert_eq!(seen(hostile, true), "10.0.0.9");
    }
}
