//! The chains of supervision orders walked from end to end: every line hangs on the one before, and the row says
//! what the lines say.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::flow::supervision::{SupervisionEvent, SupervisionId, SupervisionOrder};
use suishoupai_core::flow::{GENESIS, TicketId};
use suishoupai_core::time::Moment;

use super::load::loaded;
use super::save::Record;
use crate::db::history::{MOST_BREAKS, next_link};
use crate::db::schema::{supervision_events, supervision_orders, supervision_tickets};
use crate::db::{Conn, Db, DbError};

/// Orders verified with one connection before others get their turn.
const PAGE: i64 = 200;

/// Where a chain is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBreak {
    /// 督办单号
    pub number: String,
    /// The key of the order.
    pub order: SupervisionId,
    /// The line of the history.
    pub seq: i64,
    /// What does not agree.
    pub what: String,
}

/// What a verification saw of supervision orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedOrders {
    /// Orders looked at.
    pub orders: u64,
    /// Lines looked at.
    pub events: u64,
    /// The first break in each broken chain, by key of order; at most [`MOST_BREAKS`].
    pub breaks: Vec<OrderBreak>,
}

#[derive(Queryable)]
struct Line {
    order: i64,
    seq: i64,
    district: i32,
    at: i64,
    verb: String,
    content: String,
    hash: Vec<u8>,
}

/// Verifies all chains, one after the other; others get the connection between pages.
///
/// # Errors
/// The database's.
pub async fn verify(db: &Db) -> Result<VerifiedOrders, DbError> {
    let mut seen = VerifiedOrders::default();
    let mut after = Some(SupervisionId::MIN);
    while let Some(last) = after {
        (after, seen) = db
            .read(move |conn| {
                let mut seen = seen;
                let next = page(conn, last, &mut seen)?;
                Ok::<_, DbError>((next, seen))
            })
            .await?;
    }
    Ok(seen)
}

/// Verifies all chains with one connection: where nobody else needs it.
///
/// # Errors
/// The database's.
pub fn verify_all(conn: &mut Conn) -> Result<VerifiedOrders, DbError> {
    let mut seen = VerifiedOrders::default();
    let mut after = Some(SupervisionId::MIN);
    while let Some(last) = after {
        after = page(conn, last, &mut seen)?;
    }
    Ok(seen)
}

/// Verifies the next orders with keys above `after`, and answers the last key, or `None` when there are no more.
fn page(
    conn: &mut Conn,
    after: SupervisionId,
    seen: &mut VerifiedOrders,
) -> Result<Option<SupervisionId>, DbError> {
    let heads: Vec<Record> = supervision_orders::table
        .filter(supervision_orders::id.gt(after))
        .order(supervision_orders::id)
        .limit(PAGE)
        .load(conn)?;
    let (Some(first), Some(last)) = (heads.first(), heads.last()) else { return Ok(None) };
    let (first, last) = (first.id, last.id);
    let lines: Vec<Line> = supervision_events::table
        .filter(supervision_events::order_id.between(first, last))
        .order((supervision_events::order_id, supervision_events::seq))
        .load(conn)?;
    let rows: Vec<(SupervisionId, TicketId)> = supervision_tickets::table
        .filter(supervision_tickets::order_id.between(first, last))
        .order((supervision_tickets::order_id, supervision_tickets::ticket_id))
        .load(conn)?;
    let mut tickets: HashMap<SupervisionId, Vec<TicketId>> = HashMap::new();
    for (order, ticket) in rows {
        tickets.entry(order).or_default().push(ticket);
    }
    let mut rest = lines.as_slice();
    for head in heads {
        let (own, others) = rest.split_at(rest.partition_point(|line| line.order <= head.id));
        rest = others;
        seen.orders += 1;
        seen.events += own.len() as u64;
        let (order, number) = (head.id, head.number.clone());
        let about = tickets.remove(&order).unwrap_or_default();
        if let Some((seq, what)) = first_break(head, about, own)
            && seen.breaks.len() < MOST_BREAKS
        {
            seen.breaks.push(OrderBreak { number, order, seq, what });
        }
    }
    Ok(Some(last))
}

fn first_break(head: Record, tickets: Vec<TicketId>, lines: &[Line]) -> Option<(i64, String)> {
    let mut previous = GENESIS;
    let mut said = None;
    for (line, seq) in lines.iter().zip(1..) {
        let hash = match next_link(&previous, seq, (line.seq, &line.content, &line.hash)) {
            Ok(hash) => hash,
            Err(what) => return Some((seq, what)),
        };
        let event = match SupervisionEvent::parse(&line.content) {
            Ok(event) => event,
            Err(error) => return Some((seq, format!("the content cannot be read: {error}"))),
        };
        let columns_agree = event.order == line.order
            && event.seq == seq
            && event.at == line.at
            && event.verb.as_str() == line.verb
            && head.district == line.district;
        if !columns_agree {
            return Some((seq, "the columns do not agree with the hashed content".to_owned()));
        }
        said = match SupervisionOrder::after(said, &event) {
            Ok(order) => Some(order),
            Err(why) => return Some((seq, why.to_owned())),
        };
        previous = hash;
    }
    let next = lines.len() as i64 + 1;
    if head.last_hash != previous {
        return Some((next, "the order's last hash is not that of the last line".to_owned()));
    }
    let pressing_at = head.pressing_at;
    let row = match loaded(head, tickets) {
        Ok(row) => row.order,
        Err(error) => return Some((next, format!("the order cannot be read: {error}"))),
    };
    let presses = row.pressing_at().map(Moment::millis);
    if said.as_ref() != Some(&row) || presses != pressing_at {
        return Some((next, "the order is not what its lines say".to_owned()));
    }
    None
}
