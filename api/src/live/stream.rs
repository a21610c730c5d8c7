//! One stream: what one client follows, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use serde::Serialize;
use suishoupai_core::flow::{AccountId, State, TicketId, Verb, may_see};
use suishoupai_core::model::{Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::live::{self as rows, Cursor};
use suishoupai_storage::meter::Held;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Batch, Item, PORTION, read};
use crate::auth::{actor, caller};
use crate::fail::Fail;
use crate::http::rate::{self, Counted, Policy};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// All that the caller sees, or of it what lies in or has orders for a unit or those below it.
    Tickets(Option<UnitId>),
    /// What the reporter is told of an own report.
    Report {
        /// The report.
        id: i64,
        /// The ticket that it opened.
        ticket: TicketId,
    },
}

impl Of {
    /// Method and pattern of the route by which it is asked for.
    fn called(self) -> (&'static str, &'static str) {
        match self {
            Self::Tickets(_) => ("GET", "/api/v1/events"),
            Self::Report { .. } => ("GET", "/api/v1/reports/{id}/events"),
        }
    }
}

/// A change, as officials are told.
#[derive(Serialize)]
struct TicketChange<'a> {
    ticket: TicketId,
    number: &'a str,
    seq: i64,
    verb: Verb,
    at: Moment,
    /// As it stands by now, which may be later than the change.
    version: i64,
    state: State,
}

/// A change, as the reporter is told.
#[derive(Serialize)]
struct ReportChange {
    report: i64,
    verb: Verb,
    at: Moment,
    version: i64,
    state: State,
}

/// A place among the streams, given back when it is dropped.
struct Seat {
    services: Services,
    account: AccountId,
    _counted: Held,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.services.live.leave(self.account);
    }
}

struct Follower {
    services: Services,
    token: String,
    account: Account,
    of: Of,
    /// Up to here everything has been told.
    cursor: Cursor,
    /// Whether there may be more in the database than comes by itself.
    is_behind: bool,
    batches: Receiver<Arc<Batch>>,
    ending: watch::Receiver<bool>,
    beat: Instant,
    every: Duration,
    /// What is said first.
    greeting: Option<&'static str>,
    _seat: Seat,
}

/// Begins a stream: after the place `last`, or with what happens from now on.
///
/// # Errors
/// 429 where the account or the server has too many; 503 while the server is leaving.
pub async fn follow(
    services: &Services,
    (token, account): (String, Account),
    of: Of,
    last: Option<Cursor>,
) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + use<>, Problem> {
    let live = &services.live;
    if services.leaving.has_begun() {
        return Err(Problem::new(Code::Unavailable).retry_after(1));
    }
    let bounds = &services.config.live;
    let quota = bounds.per_account as u64;
    let policy = Policy { name: "streams", counted: Counted::Concurrent, quota, window: None };
    let Some(left) = live.sit(account.id, bounds.connections, bounds.per_account) else {
        return Err(policy.exceeded(10_000).detail(Text::new(
            format!("打开的实时更新连接过多，每个账号最多 {} 个；请先关闭其他连接。", bounds.per_account),
            format!(
                "Too many open streams, of which an account has {} at most; close others.",
                bounds.per_account
            ),
        )));
    };
    rate::tell(policy.left(left as u64, None));
    let counted = services.metrics.streaming();
    let seat = Seat { services: services.clone(), account: account.id, _counted: counted };
    // Before the place is looked up, so that what happens in between is in one of the two.
    let batches = live.batches.subscribe();
    let place = move |conn: &mut _| match last {
        Some(last) if rows::is_known(conn, last)? => Ok::<_, Fail>((last, "ready")),
        Some(_) => Ok((rows::newest(conn)?, "reset")),
        None => Ok((rows::newest(conn)?, "ready")),
    };
    let (cursor, greeting) = services.db.read(place).await.map_err(Problem::from)?;
    live.look();
    let every = Duration::from_secs(bounds.heartbeat_seconds);
    let follower = Follower {
        services: services.clone(),
        token,
        account,
        of,
        cursor,
        is_behind: true,
        batches,
        ending: live.ending.subscribe(),
        beat: Instant::now() + every,
        every,
        greeting: Some(greeting),
        _seat: seat,
    };
    Ok(unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok(Bytes::from(text)), follower))
    }))
}

impl Follower {
    /// What is to be sent next; none at the end.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(format!("retry: 3000\nevent: {greeting}\nid: {}\ndata: {{}}\n\n", self.cursor));
        }
        loop {
            if *self.ending.borrow() {
                return None;
            }
            if self.is_behind {
                match self.catch_up().await {
                    Ok(Some(text)) => return Some(text),
                    Ok(None) => continue,
                    Err(fail) => {
                        tracing::error!(problem = %Problem::from(fail), "a stream ends, as it cannot read on");
                        return None;
                    }
                }
            }
            tokio::select! {
                batch = self.batches.recv() => match batch {
                    Ok(batch) => {
                        if let Some(text) = self.take(&batch) {
                            return Some(text);
                        }
                    }
                    Err(RecvError::Lagged(_)) => self.is_behind = true,
                    Err(RecvError::Closed) => return None,
                },
                _ = self.ending.changed() => return None,
                () = tokio::time::sleep_until(self.beat) => {
                    self.beat = Instant::now() + self.every;
                    // A removal, another post or the end of the token ends or changes what is told.
                    self.account = caller(&self.services, &self.token, self.of.called()).await.ok()?.0;
                    // The place without any data: nothing happens in the client but that it remembers it.
                    return Some(format!(": \nid: {}\n\n", self.cursor));
                }
            }
        }
    }

    /// What there is to tell of a batch that came by itself.
    fn take(&mut self, batch: &Batch) -> Option<String> {
        if batch.after > self.cursor {
            self.is_behind = true;
            return None;
        }
        let text = self.told(&batch.items);
        self.cursor = self.cursor.max(batch.until);
        text
    }

    /// Reads on from the database; nothing to tell may mean that there is more to read.
    async fn catch_up(&mut self) -> Result<Option<String>, Fail> {
        let services = self.services.clone();
        let _turn = services.live.readers.acquire().await.map_err(|error| Fail::internal(&error))?;
        let from = self.cursor;
        let items = services.db.read(move |conn| read(conn, from)).await?;
        self.is_behind = items.len() as i64 >= PORTION;
        let text = self.told(&items);
        if let Some(last) = items.last() {
            self.cursor = self.cursor.max(last.change.cursor);
        }
        Ok(text)
    }

    /// The events of those changes that the caller follows and may see.
    fn told(&self, items: &[Item]) -> Option<String> {
        let registry = self.services.registry();
        let now = self.services.now();
        let mut text = String::new();
        for item in items.iter().filter(|item| item.change.cursor > self.cursor) {
            let data = match self.of {
                Of::Tickets(unit) => self.ticket_change(&registry, unit, item, now),
                Of::Report { id, ticket } => report_change(id, ticket, self.account.id, item),
            };
            if let Some(data) = data {
                text.push_str(&format!("event: change\nid: {}\ndata: {data}\n\n", item.change.cursor));
            }
        }
        (!text.is_empty()).then_some(text)
    }

    fn ticket_change(
        &self,
        registry: &Registry,
        unit: Option<UnitId>,
        item: &Item,
        now: Moment,
    ) -> Option<String> {
        let ticket = &item.ticket.ticket;
        let is_in = |unit: UnitId| match registry.tree.get(unit).map(|unit| unit.level) {
            Some(Level::Department) => {
                ticket.orders.iter().any(|order| registry.tree.is_within(order.unit, unit))
            }
            _ => registry.tree.is_within(ticket.grid, unit),
        };
        let roles = registry.sensitive_roles(ticket.district, now);
        if !unit.is_none_or(is_in) || !may_see(ticket, &actor(&self.account), &registry.tree, roles) {
            return None;
        }
        let change = TicketChange {
            ticket: ticket.id,
            number: &item.ticket.number,
            seq: item.change.seq,
            verb: item.change.verb,
            at: item.change.at,
            version: ticket.version,
            state: ticket.state,
        };
        serde_json::to_string(&change).ok()
    }
}

fn report_change(report: i64, opened: TicketId, reporter: AccountId, item: &Item) -> Option<String> {
    let ticket = &item.ticket.ticket;
    let goes_on = ticket.id == opened || ticket.course.merged.contains(&opened);
    if !goes_on || !item.change.public || !ticket.reporters.contains(&reporter) {
        return None;
    }
    let change = ReportChange {
        report,
        verb: item.change.verb,
        at: item.change.at,
        version: ticket.version,
        state: ticket.state,
    };
    serde_json::to_string(&change).ok()
}
