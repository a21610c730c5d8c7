//! The history of tickets: read, and verified link by link.

mod verify;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use diesel::prelude::*;
use suishoupai_core::flow::{Event, TicketId};

use super::conn::Conn;
use super::error::DbError;
use super::schema::events;

pub(super) use verify::next_link;
pub use verify::{Break, MOST_BREAKS, Verified, verify, verify_all};

/// The history of a ticket, oldest first; at most 1,000 lines.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read.
pub fn of_ticket(conn: &mut Conn, ticket: TicketId) -> Result<Vec<(Event, String)>, DbError> {
    let rows: Vec<(String, Vec<u8>)> = events::table
        .filter(events::ticket_id.eq(ticket))
        .select((events::content, events::hash))
        .order(events::seq)
        .limit(1000)
        .load(conn)?;
    rows.into_iter()
        .map(|(content, hash)| {
            let event = Event::parse(&content).map_err(|error| DbError::corrupt("event", error))?;
            Ok((event, hex::encode(hash)))
        })
        .collect()
}

/// Lines of a ticket as stored (number, text, hash in hexadecimal), oldest first: up to `limit` of those after `after` and
/// up to `last`.
///
/// # Errors
/// The database's.
pub fn stored(
    conn: &mut Conn,
    ticket: TicketId,
    after: i64,
    last: i64,
    limit: i64,
) -> Result<Vec<(i64, String, String)>, DbError> {
    let rows: Vec<(i64, String, Vec<u8>)> = events::table
        .filter(events::ticket_id.eq(ticket).and(events::seq.gt(after)).and(events::seq.le(last)))
        .select((events::seq, events::content, events::hash))
        .order(events::seq)
        .limit(limit)
        .load(conn)?;
    Ok(rows.into_iter().map(|(seq, content, hash)| (seq, content, hex::encode(hash))).collect())
}

/// The histories of all tickets with keys in a range, by key, each oldest first.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read.
pub fn of_tickets(
    conn: &mut Conn,
    keys: RangeInclusive<TicketId>,
) -> Result<HashMap<TicketId, Vec<Event>>, DbError> {
    let rows: Vec<(TicketId, String)> = events::table
        .filter(events::ticket_id.between(*keys.start(), *keys.end()))
        .select((events::ticket_id, events::content))
        .order((events::ticket_id, events::seq))
        .load(conn)?;
    let mut found: HashMap<TicketId, Vec<Event>> = HashMap::new();
    for (ticket, content) in rows {
        let event = Event::parse(&content).map_err(|error| DbError::corrupt("event", error))?;
        found.entry(ticket).or_default().push(event);
    }
    Ok(found)
}
