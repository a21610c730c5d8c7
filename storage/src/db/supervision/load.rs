//! A supervision order read for the rules, and its history.

use diesel::prelude::*;
use suishoupai_core::flow::TicketId;
use suishoupai_core::flow::supervision::{
    SupervisionEvent, SupervisionId, SupervisionOrder, SupervisionState,
};
use suishoupai_core::time::Moment;

use super::Loaded;
use super::save::Record;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{supervision_events, supervision_orders, supervision_photos, supervision_tickets};
use crate::db::word::Word;

/// Loads an order to read it.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find(conn: &mut Conn, id: SupervisionId) -> Result<Option<Loaded>, DbError> {
    let record = supervision_orders::table.find(id).first::<Record>(conn).optional()?;
    record.map(|record| complete(conn, record)).transpose()
}

/// Loads an order inside a write, so that nobody else changes it before the transaction ends.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find_for_update(conn: &mut Conn, id: SupervisionId) -> Result<Option<Loaded>, DbError> {
    let target = supervision_orders::table.find(id);
    // SQLite has one writer, which holds the lock already; PostgreSQL locks the row.
    let record = match conn {
        Conn::Sqlite(conn) => target.first::<Record>(conn).optional()?,
        Conn::Pg(conn) => target.for_update().first::<Record>(conn).optional()?,
    };
    record.map(|record| complete(conn, record)).transpose()
}

fn complete(conn: &mut Conn, record: Record) -> Result<Loaded, DbError> {
    let tickets = supervision_tickets::table
        .filter(supervision_tickets::order_id.eq(record.id))
        .select(supervision_tickets::ticket_id)
        .order(supervision_tickets::ticket_id)
        .load(conn)?;
    loaded(record, tickets)
}

/// The order of a row and of the tickets that it is about, by key.
pub(super) fn loaded(record: Record, tickets: Vec<TicketId>) -> Result<Loaded, DbError> {
    let last_hash =
        record.last_hash.try_into().map_err(|_| DbError::corrupt("hash of supervision order", record.id))?;
    let order = SupervisionOrder {
        id: record.id,
        district: record.district,
        recipient: record.unit_id,
        text: record.text,
        tickets,
        state: SupervisionState::stored(&record.state)?,
        version: record.version,
        due_at: Moment::from_millis(record.due_at),
        soon_at: Moment::from_millis(record.soon_at),
        issued_by: record.issued_by,
        issued_at: Moment::from_millis(record.issued_at),
        replied_by: record.replied_by,
        replied_at: record.replied_at.map(Moment::from_millis),
        accepted_at: record.accepted_at.map(Moment::from_millis),
        rounds: record.rounds,
        updated_at: Moment::from_millis(record.updated_at),
    };
    Ok(Loaded { order, number: record.number, last_hash })
}

/// The history of an order with its hashes, oldest first; at most 1,000 lines.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read.
pub fn history(conn: &mut Conn, id: SupervisionId) -> Result<Vec<(SupervisionEvent, String)>, DbError> {
    let rows: Vec<(String, Vec<u8>)> = supervision_events::table
        .filter(supervision_events::order_id.eq(id))
        .select((supervision_events::content, supervision_events::hash))
        .order(supervision_events::seq)
        .limit(1000)
        .load(conn)?;
    rows.into_iter()
        .map(|(content, hash)| {
            let line = SupervisionEvent::parse(&content)
                .map_err(|error| DbError::corrupt("line of supervision", error))?;
            Ok((line, hex::encode(hash)))
        })
        .collect()
}

/// The orders in whose replies a photo is named, at most 20.
///
/// # Errors
/// The database's.
pub fn of_photo(conn: &mut Conn, photo: i64) -> Result<Vec<SupervisionId>, DbError> {
    Ok(supervision_photos::table
        .filter(supervision_photos::photo_id.eq(photo))
        .select(supervision_photos::order_id)
        .distinct()
        .order(supervision_photos::order_id.desc())
        .limit(20)
        .load(conn)?)
}
