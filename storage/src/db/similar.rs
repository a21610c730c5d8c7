//! Tickets that may be about the same thing: around a place, or with a picture.

use std::collections::{HashMap, HashSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use suishoupai_core::flow::{AccountId, Stage, State, TicketId};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::lists::{COLUMNS, Summary};
use super::photos::PhotoState;
use super::schema::{evidence, followers, photos, reports, tickets};

/// The number of the square of a ticket's place. The index `tickets_near` is over this expression, so neither may be
/// changed alone; `suishoupai_core::likeness::tiles_around` has the same numbers.
pub(super) const TILE: &str = "CAST(round(lat * 500) AS BIGINT) * 1000000 + CAST(round(lon * 500) AS BIGINT)";
/// Of one place, so many tickets are looked at, the newest first.
const MOST_NEAR: i64 = 200;
const MOST_ROWS: i64 = 5000;

/// The tickets of a district in some squares that were opened since an instant, the newest first, at most 200.
///
/// # Errors
/// The database's.
pub fn near(
    conn: &mut Conn,
    district: District,
    tiles: Vec<i64>,
    since: Moment,
    sensitive: bool,
) -> Result<Vec<Summary>, DbError> {
    // With a sign before them these columns are no way into another index, by which all of the district would be read.
    let mut query = tickets::table
        .filter(sql::<BigInt>(TILE).eq_any(tiles))
        .filter(tickets::created_at.ge(since.millis()))
        .filter(sql::<Integer>("+tickets.district").eq(district))
        .filter(tickets::state.ne_all(State::UNDONE.map(State::as_str)))
        .select(COLUMNS)
        .into_boxed();
    if !sensitive {
        query = query.filter(tickets::sensitive.eq(false));
    }
    Ok(query.order((tickets::created_at.desc(), tickets::id.desc())).limit(MOST_NEAR).load(conn)?)
}

/// Those of the tickets that are of the district and stand for something.
///
/// # Errors
/// The database's.
pub fn these(
    conn: &mut Conn,
    district: District,
    ids: Vec<TicketId>,
    sensitive: bool,
) -> Result<Vec<Summary>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = tickets::table
        .filter(tickets::id.eq_any(ids))
        .filter(tickets::district.eq(district))
        .filter(tickets::state.ne_all(State::UNDONE.map(State::as_str)))
        .select(COLUMNS)
        .into_boxed();
    if !sensitive {
        query = query.filter(tickets::sensitive.eq(false));
    }
    Ok(query.order((tickets::created_at.desc(), tickets::id.desc())).limit(MOST_NEAR).load(conn)?)
}

/// A photo that came with a report.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// The ticket.
    pub ticket: TicketId,
    /// The key of the photo.
    pub photo: i64,
    /// How many lines the chain of its mask has.
    pub mask_version: i64,
    /// Whether its renditions are there.
    pub is_ready: bool,
}

/// The photos of the tickets that show what was reported, the first ones first.
///
/// # Errors
/// The database's.
pub fn pictures(conn: &mut Conn, tickets: Vec<TicketId>) -> Result<Vec<Picture>, DbError> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, i64, i64, String)> = evidence::table
        .inner_join(photos::table)
        .filter(evidence::ticket_id.eq_any(tickets))
        .filter(evidence::stage.eq(Stage::Before.as_str()))
        .select((evidence::ticket_id, evidence::photo_id, photos::mask_version, photos::state))
        .order((evidence::ticket_id, evidence::event_seq, evidence::photo_id))
        .limit(MOST_ROWS)
        .load(conn)?;
    let read = |(ticket, photo, mask_version, state): (i64, i64, i64, String)| Picture {
        ticket,
        photo,
        mask_version,
        is_ready: state == PhotoState::Ready.as_str(),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Who reported or follows each of the tickets, those of what was merged into it and of what it was split off from
/// included.
///
/// # Errors
/// The database's.
pub fn people(conn: &mut Conn, ids: &[TicketId]) -> Result<HashMap<TicketId, HashSet<AccountId>>, DbError> {
    let mut people: HashMap<TicketId, HashSet<AccountId>> = HashMap::new();
    if ids.is_empty() {
        return Ok(people);
    }
    let these = tickets::id.eq_any(ids.to_vec()).or(tickets::merged_into_id.eq_any(ids.to_vec()));
    let rows: Vec<(TicketId, Option<TicketId>, Option<TicketId>)> = tickets::table
        .filter(these)
        .select((tickets::id, tickets::parent_id, tickets::merged_into_id))
        .limit(MOST_ROWS)
        .load(conn)?;
    // Under which tickets each source counts.
    let mut counts: HashMap<TicketId, Vec<TicketId>> = HashMap::new();
    for (id, parent, merged_into) in rows {
        let main = merged_into.filter(|into| ids.contains(into)).unwrap_or(id);
        for source in [Some(id), parent].into_iter().flatten() {
            counts.entry(source).or_default().push(main);
        }
    }
    let sources: Vec<TicketId> = counts.keys().copied().collect();
    let mut rows: Vec<(TicketId, AccountId)> = reports::table
        .filter(reports::ticket_id.eq_any(sources.clone()))
        .select((reports::ticket_id, reports::account_id))
        .limit(MOST_ROWS)
        .load(conn)?;
    rows.extend(
        followers::table
            .filter(followers::ticket_id.eq_any(sources))
            .select((followers::ticket_id, followers::account_id))
            .limit(MOST_ROWS)
            .load::<(TicketId, AccountId)>(conn)?,
    );
    for (source, account) in rows {
        for main in counts.get(&source).into_iter().flatten() {
            people.entry(*main).or_default().insert(account);
        }
    }
    Ok(people)
}
