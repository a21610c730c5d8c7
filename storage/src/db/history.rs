//! The history of tickets: read, and verified link by link.

use diesel::prelude::*;
use sha2::{Digest, Sha256};
use suishoupai_core::flow::{Event, GENESIS, TicketId, link};

use super::conn::Conn;
use super::error::DbError;
use super::reports;
use super::schema::{events, tickets};

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

/// Where a chain is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// 案卷号
    pub number: String,
    /// The key of the ticket.
    pub ticket: TicketId,
    /// The line of the history.
    pub seq: i64,
    /// What does not agree.
    pub what: String,
}

/// What a verification saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Tickets looked at.
    pub tickets: u64,
    /// Lines looked at.
    pub events: u64,
    /// The first break in each broken chain, by key of ticket; at most 100.
    pub breaks: Vec<Break>,
}

#[derive(Queryable)]
struct Head {
    id: i64,
    number: String,
    version: i64,
    state: String,
    last_hash: Vec<u8>,
}

#[derive(Queryable)]
struct Line {
    seq: i64,
    at: i64,
    verb: String,
    public: bool,
    content: String,
    hash: Vec<u8>,
}

/// Verifies the chains of up to `limit` tickets with keys above `after`; answers what it saw and the last key, or
/// `None` when there are no more.
///
/// # Errors
/// The database's.
pub fn verify_some(
    conn: &mut Conn,
    after: TicketId,
    limit: i64,
    seen: &mut Verified,
) -> Result<Option<TicketId>, DbError> {
    let heads: Vec<Head> = tickets::table
        .filter(tickets::id.gt(after))
        .select((tickets::id, tickets::number, tickets::version, tickets::state, tickets::last_hash))
        .order(tickets::id)
        .limit(limit)
        .load(conn)?;
    let last = heads.last().map(|head| head.id);
    for head in heads {
        let lines: Vec<Line> = events::table
            .filter(events::ticket_id.eq(head.id))
            .select((events::seq, events::at, events::verb, events::public, events::content, events::hash))
            .order(events::seq)
            .load(conn)?;
        seen.tickets += 1;
        seen.events += lines.len() as u64;
        let broken = match first_break(&head, &lines) {
            None => altered_report(conn, head.id, lines.first())?,
            found => found,
        };
        if let Some((seq, what)) = broken
            && seen.breaks.len() < 100
        {
            seen.breaks.push(Break { number: head.number, ticket: head.id, seq, what });
        }
    }
    Ok(last)
}

/// Verifies all chains with one connection: where nobody else needs it.
///
/// # Errors
/// The database's.
pub fn verify_all(conn: &mut Conn) -> Result<Verified, DbError> {
    let mut seen = Verified::default();
    let mut after = Some(i64::MIN);
    while let Some(last) = after {
        after = verify_some(conn, last, 500, &mut seen)?;
    }
    Ok(seen)
}

/// Whether the report that opened a ticket is no longer the one that its first line was written for.
fn altered_report(
    conn: &mut Conn,
    ticket: TicketId,
    opening: Option<&Line>,
) -> Result<Option<(i64, String)>, DbError> {
    let Some(event) = opening.and_then(|line| Event::parse(&line.content).ok()) else { return Ok(None) };
    let (Some(receipt), Some(expected)) = (event.facts.get("receipt"), event.facts.get("report_sha256"))
    else {
        return Ok(None);
    };
    let what = match reports::find_by_receipt(conn, receipt)? {
        None => format!("the report {receipt} is gone"),
        Some(report) if report.ticket != ticket => {
            format!("the report {receipt} has been given to another ticket")
        }
        Some(report) => {
            let digest = Sha256::digest(reports::fingerprint(&report).as_bytes());
            if hex::encode(digest) == *expected {
                return Ok(None);
            }
            format!("the report {receipt} is not as it was sent")
        }
    };
    Ok(Some((1, what)))
}

fn first_break(head: &Head, lines: &[Line]) -> Option<(i64, String)> {
    let mut previous = GENESIS;
    let mut state = None;
    for (line, seq) in lines.iter().zip(1..) {
        if line.seq != seq {
            return Some((seq, format!("line {seq} is missing")));
        }
        let hash = link(&previous, &line.content);
        if line.hash != hash {
            return Some((seq, "the hash does not agree with the content and the line before".to_owned()));
        }
        let event = match Event::parse(&line.content) {
            Ok(event) => event,
            Err(error) => return Some((seq, format!("the content cannot be read: {error}"))),
        };
        let columns_agree = event.ticket == head.id
            && event.seq == seq
            && event.at == line.at
            && event.verb.as_str() == line.verb
            && event.public == line.public;
        if !columns_agree {
            return Some((seq, "the columns do not agree with the hashed content".to_owned()));
        }
        if event.from != state {
            return Some((seq, "it does not begin in the state in which the line before ended".to_owned()));
        }
        state = Some(event.to);
        previous = hash;
    }
    let next = lines.len() as i64 + 1;
    if head.version != lines.len() as i64 {
        return Some((next, format!("the ticket says {} lines, there are {}", head.version, lines.len())));
    }
    if head.last_hash != previous {
        return Some((next, "the ticket's last hash is not that of the last line".to_owned()));
    }
    if state.is_none_or(|state| state.as_str() != head.state) {
        return Some((next, "the ticket's state is not that of the last line".to_owned()));
    }
    None
}
