//! The chains of the exposure board walked from end to end: every line hangs on the one before, and the row says what the
//! lines say.

use diesel::prelude::*;
use suishoupai_core::flow::exposure::{Exposure, ExposureEvent, ExposureId};

use super::Record;
use crate::db::chain::{self, Chains};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{exposure_events, exposures};

/// Entries verified with one connection before others get their turn.
const PAGE: i64 = 500;

#[derive(Queryable)]
struct Line {
    exposure: i64,
    seq: i64,
    district: i32,
    at: i64,
    verb: String,
    content: String,
    hash: Vec<u8>,
}

/// Verifies the chains of the next entries with keys above `after`, and answers the last key, or `None` when there are no
/// more.
///
/// # Errors
/// The database's.
pub fn verify_page(
    conn: &mut Conn,
    after: ExposureId,
    seen: &mut Chains,
) -> Result<Option<ExposureId>, DbError> {
    let heads: Vec<Record> =
        exposures::table.filter(exposures::id.gt(after)).order(exposures::id).limit(PAGE).load(conn)?;
    let (Some(first), Some(last)) = (heads.first(), heads.last()) else { return Ok(None) };
    let (first, last) = (first.id, last.id);
    let lines: Vec<Line> = exposure_events::table
        .filter(exposure_events::exposure_id.between(first, last))
        .order((exposure_events::exposure_id, exposure_events::seq))
        .load(conn)?;
    let mut rest = lines.as_slice();
    for head in heads {
        let (own, others) = rest.split_at(rest.partition_point(|line| line.exposure <= head.id));
        rest = others;
        let id = head.id;
        seen.saw(&format!("entry {id} of the exposure board"), id, own.len(), first_break(head, own));
    }
    Ok(Some(last))
}

fn first_break(head: Record, lines: &[Line]) -> Option<(i64, String)> {
    let links = lines.iter().map(|line| (line.seq, line.content.as_str(), line.hash.as_slice()));
    if let Some(found) = chain::first_break(links, &head.last_hash) {
        return Some(found);
    }
    let mut entry: Option<Exposure> = None;
    for line in lines {
        let event = match ExposureEvent::parse(&line.content) {
            Ok(event) => event,
            Err(error) => return Some((line.seq, format!("the content cannot be read: {error}"))),
        };
        let columns_agree = event.exposure == line.exposure
            && event.at == line.at
            && event.verb.as_str() == line.verb
            && line.district == head.district;
        if !columns_agree {
            return Some((line.seq, "the columns do not agree with the hashed content".to_owned()));
        }
        entry = match Exposure::after(entry, &event) {
            Ok(after) => Some(after),
            Err(why) => return Some((line.seq, why.to_owned())),
        };
    }
    let next = lines.len() as i64 + 1;
    match head.read() {
        Ok(row) if entry.as_ref() == Some(&row.entry) => None,
        Ok(_) => Some((next, "the entry is not what its lines say".to_owned())),
        Err(error) => Some((next, format!("the entry cannot be read: {error}"))),
    }
}
