//! The chains of hashes walked from end to end: every line hangs on the one before, and all of it on the report that
//! was sent.

use std::collections::HashMap;

use diesel::prelude::*;
use sha2::{Digest, Sha256};
use suishoupai_core::flow::{Event, GENESIS, TicketId, link};

use crate::db::chain::Chains;
use crate::db::error::DbError;
use crate::db::reports::{self, Report};
use crate::db::schema::{events, evidence, photos, tickets};
use crate::db::supervision::{self, VerifiedOrders};
use crate::db::{Conn, Db, audit, exposures, masks, privacy};

/// Tickets verified with one connection before others get their turn.
const PAGE: i64 = 500;
/// How many broken chains are listed.
pub const MOST_BREAKS: usize = 100;

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
    /// The first break in each broken chain, by key of ticket; at most [`MOST_BREAKS`].
    pub breaks: Vec<Break>,
    /// The same of supervision orders, which have chains of their own.
    pub supervision: VerifiedOrders,
    /// The same of the masks of photos.
    pub masks: Chains,
    /// The same of the exposure board.
    pub exposures: Chains,
    /// The same of the audit trail, which is one chain.
    pub audit: Chains,
    /// The last line of the trail and its hash, in hex.
    pub audit_head: Option<(i64, String)>,
}

/// Verifies a page of chains of one kind.
type Page = fn(&mut Conn, i64, &mut Chains) -> Result<Option<i64>, DbError>;

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
    ticket: i64,
    seq: i64,
    at: i64,
    verb: String,
    public: bool,
    content: String,
    hash: Vec<u8>,
}

/// Verifies all chains, one after the other; others get the connection between pages.
///
/// # Errors
/// The database's.
pub async fn verify(db: &Db) -> Result<Verified, DbError> {
    let mut seen = Verified::default();
    let mut after = Some(TicketId::MIN);
    while let Some(last) = after {
        (after, seen) = db
            .read(move |conn| {
                let mut seen = seen;
                let next = page(conn, last, &mut seen)?;
                Ok::<_, DbError>((next, seen))
            })
            .await?;
    }
    seen.supervision = supervision::verify(db).await?;
    seen.masks = chains(db, masks::verify_page).await?;
    seen.exposures = chains(db, exposures::verify_page).await?;
    seen.audit = chains(db, audit::verify_page).await?;
    seen.audit_head = db.read(audit::head).await?;
    Ok(seen)
}

async fn chains(db: &Db, page: Page) -> Result<Chains, DbError> {
    let mut seen = Chains::default();
    let mut after = Some(i64::MIN);
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

/// Verifies the chains of the next tickets with keys above `after`, and answers the last key, or `None` when there
/// are no more.
fn page(conn: &mut Conn, after: TicketId, seen: &mut Verified) -> Result<Option<TicketId>, DbError> {
    let heads: Vec<Head> = tickets::table
        .filter(tickets::id.gt(after))
        .select((tickets::id, tickets::number, tickets::version, tickets::state, tickets::last_hash))
        .order(tickets::id)
        .limit(PAGE)
        .load(conn)?;
    let (Some(first), Some(last)) = (heads.first(), heads.last()) else { return Ok(None) };
    let (first, last) = (first.id, last.id);
    let lines: Vec<Line> = events::table
        .filter(events::ticket_id.between(first, last))
        .select((
            events::ticket_id,
            events::seq,
            events::at,
            events::verb,
            events::public,
            events::content,
            events::hash,
        ))
        .order((events::ticket_id, events::seq))
        .load(conn)?;
    let sent = reports::of_tickets(conn, first..=last)?;
    let sent: HashMap<&str, &Report> = sent.iter().map(|report| (report.receipt.as_str(), report)).collect();
    let digests: HashMap<i64, Vec<u8>> = evidence::table
        .inner_join(photos::table)
        .filter(evidence::ticket_id.between(first, last))
        .select((photos::id, photos::sha256))
        .load::<(i64, Vec<u8>)>(conn)?
        .into_iter()
        .collect();
    let attested = privacy::attested(conn, (first, last))?;
    let nothing = privacy::Attested::new();
    let mut rest = lines.as_slice();
    for head in heads {
        let (own, others) = rest.split_at(rest.partition_point(|line| line.ticket <= head.id));
        rest = others;
        seen.tickets += 1;
        seen.events += own.len() as u64;
        let said = attested.get(&head.id).unwrap_or(&nothing);
        let broken = first_break(&head, own, &digests, said)
            .or_else(|| altered_report(&sent, head.id, own.first()?, said));
        if let Some((seq, what)) = broken
            && seen.breaks.len() < MOST_BREAKS
        {
            seen.breaks.push(Break { number: head.number, ticket: head.id, seq, what });
        }
    }
    Ok(Some(last))
}

/// Verifies all chains with one connection: where nobody else needs it.
///
/// # Errors
/// The database's.
pub fn verify_all(conn: &mut Conn) -> Result<Verified, DbError> {
    let mut seen = Verified::default();
    let mut after = Some(TicketId::MIN);
    while let Some(last) = after {
        after = page(conn, last, &mut seen)?;
    }
    seen.supervision = supervision::verify_all(conn)?;
    seen.audit_head = audit::head(conn)?;
    let kinds: [(Page, &mut Chains); 3] = [
        (masks::verify_page, &mut seen.masks),
        (exposures::verify_page, &mut seen.exposures),
        (audit::verify_page, &mut seen.audit),
    ];
    for (page, seen) in kinds {
        let mut after = Some(i64::MIN);
        while let Some(last) = after {
            after = page(conn, last, seen)?;
        }
    }
    Ok(seen)
}

/// Whether the report that opened a ticket is no longer the one that its first line was written for. `sent` are the
/// reports of the tickets around it, `said` what the audit trail says of an anonymised one.
fn altered_report(
    sent: &HashMap<&str, &Report>,
    ticket: TicketId,
    opening: &Line,
    said: &privacy::Attested,
) -> Option<(i64, String)> {
    let event = Event::parse(&opening.content).ok()?;
    let receipt = event.facts.get("receipt")?;
    let expected = event.facts.get("report_sha256")?;
    // An anonymised report is as the audit trail says.
    let expected = said.get(&format!("report:{receipt}")).unwrap_or(expected);
    let what = match sent.get(receipt.as_str()) {
        Some(report) if report.ticket == ticket => {
            let digest = Sha256::digest(reports::fingerprint(report).as_bytes());
            if hex::encode(digest) == *expected {
                return None;
            }
            format!("the report {receipt} is not as it was sent")
        }
        _ => format!("the report {receipt} is gone, or has been given to another ticket"),
    };
    Some((1, what))
}

/// The hash of the line `seq` of a chain, which hangs on the line before; `found` is the stored line: its number, its
/// content and its hash.
///
/// # Errors
/// What is wrong with it.
pub(in crate::db) fn next_link(
    previous: &[u8; 32],
    seq: i64,
    found: (i64, &str, &[u8]),
) -> Result<[u8; 32], String> {
    let (number, content, stored) = found;
    if number != seq {
        return Err(format!("line {seq} is missing"));
    }
    let hash = link(previous, content);
    if stored != hash {
        return Err("the hash does not agree with the content and the line before".to_owned());
    }
    Ok(hash)
}

/// The hash of an anonymised line, on which the next one hangs: that of its first text, which is gone, while the text in its
/// place is the one whose digest the audit trail has.
fn attested_link(seq: i64, line: &Line, digest: &str) -> Result<[u8; 32], String> {
    if line.seq != seq {
        return Err(format!("line {seq} is missing"));
    }
    if hex::encode(Sha256::digest(line.content.as_bytes())) != digest {
        return Err("the anonymised content is not the one that the audit trail names".to_owned());
    }
    line.hash.clone().try_into().map_err(|_| "the hash has a wrong length".to_owned())
}

fn first_break(
    head: &Head,
    lines: &[Line],
    digests: &HashMap<i64, Vec<u8>>,
    said: &privacy::Attested,
) -> Option<(i64, String)> {
    let mut previous = GENESIS;
    let mut state = None;
    for (line, seq) in lines.iter().zip(1..) {
        let link = match said.get(&format!("line:{}", line.seq)) {
            None => next_link(&previous, seq, (line.seq, &line.content, &line.hash)),
            Some(digest) => attested_link(seq, line, digest),
        };
        let hash = match link {
            Ok(hash) => hash,
            Err(what) => return Some((seq, what)),
        };
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
        // The row of a photo leads to its bytes; if it were altered, they would be verified against the wrong digest.
        let altered = event
            .photos
            .iter()
            .find(|photo| digests.get(&photo.id).is_none_or(|digest| hex::encode(digest) != photo.sha256));
        if let Some(photo) = altered {
            return Some((seq, format!("photo {} is not the one that the line names", photo.id)));
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
