//! What has changed of all tickets, in an order in which whoever reads on from a place misses nothing.
//!
//! On PostgreSQL a row that was numbered earlier may be committed later. So rows are read in the order of their
//! transactions, and only those of transactions below the oldest one that still runs: nothing can appear before them.

use std::fmt;
use std::str::FromStr;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use suishoupai_core::flow::{TicketId, Verb};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::{events, ticket_changes};
use super::word::Word;

/// What is whole: nothing can appear before it any more.
const WHOLE: &str = "ticket_changes.turn < pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
/// Rows of transactions that are still to come: of another cluster, from which this one was restored.
const FOREIGN: &str =
    "DELETE FROM ticket_changes WHERE turn >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// A place in the order of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    turn: i64,
    id: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.turn, self.id)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            let is_short = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if is_short { text.parse::<i64>().ok() } else { None }
        };
        text.split_once('.')
            .and_then(|(turn, id)| Some(Self { turn: number(turn)?, id: number(id)? }))
            .ok_or("must be the id of an earlier event of the stream")
    }
}

/// One line of one history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place.
    pub cursor: Cursor,
    /// The ticket.
    pub ticket: TicketId,
    /// The number of the line, which is the version that the ticket had after it.
    pub seq: i64,
    /// What happened.
    pub verb: Verb,
    /// Whether reporters read the line.
    pub public: bool,
    /// When it happened.
    pub at: Moment,
}

/// The place of the newest change: where whoever wants nothing of before begins.
///
/// # Errors
/// The database's.
pub fn newest(conn: &mut Conn) -> Result<Cursor, DbError> {
    let mut query = ticket_changes::table.select((ticket_changes::turn, ticket_changes::id)).into_boxed();
    if matches!(conn, Conn::Pg(_)) {
        query = query.filter(sql::<Bool>(WHOLE));
    }
    let order = (ticket_changes::turn.desc(), ticket_changes::id.desc());
    let found: Option<(i64, i64)> = query.order(order).first(conn).optional()?;
    Ok(found.map(|(turn, id)| Cursor { turn, id }).unwrap_or_default())
}

/// Whether nothing can have been swept between this place and now, so that reading on from it misses nothing.
///
/// # Errors
/// The database's.
pub fn is_known(conn: &mut Conn, cursor: Cursor) -> Result<bool, DbError> {
    let oldest: Option<(i64, i64)> = ticket_changes::table
        .select((ticket_changes::turn, ticket_changes::id))
        .order((ticket_changes::turn, ticket_changes::id))
        .first(conn)
        .optional()?;
    let Some((turn, id)) = oldest else { return Ok(cursor == Cursor::default()) };
    Ok(Cursor { turn, id } <= cursor && cursor <= newest(conn)?)
}

/// The changes after a place, in their order, at most `limit`.
///
/// # Errors
/// The database's.
pub fn after(conn: &mut Conn, from: Cursor, limit: i64) -> Result<Vec<Change>, DbError> {
    type Row = (i64, i64, i64, i64, String, bool, i64);
    let line = events::ticket_id.eq(ticket_changes::ticket_id).and(events::seq.eq(ticket_changes::seq));
    let later = ticket_changes::turn.gt(from.turn).or(ticket_changes::id.gt(from.id));
    let mut query = ticket_changes::table
        .inner_join(events::table.on(line))
        .filter(ticket_changes::turn.ge(from.turn).and(later))
        .select((
            ticket_changes::turn,
            ticket_changes::id,
            ticket_changes::ticket_id,
            ticket_changes::seq,
            events::verb,
            events::public,
            events::at,
        ))
        .into_boxed();
    match conn {
        Conn::Pg(_) => query = query.filter(sql::<Bool>(WHOLE)),
        // All rows have the same turn, so the number alone says where to begin.
        Conn::Sqlite(_) => query = query.filter(ticket_changes::id.gt(from.id)),
    }
    let rows: Vec<Row> = query.order((ticket_changes::turn, ticket_changes::id)).limit(limit).load(conn)?;
    rows.into_iter()
        .map(|(turn, id, ticket, seq, verb, public, at)| {
            let (cursor, verb) = (Cursor { turn, id }, Verb::stored(&verb)?);
            Ok(Change { cursor, ticket, seq, verb, public, at: Moment::from_millis(at) })
        })
        .collect()
}

/// Whether there are changes after a place that are not whole yet: they will be, when what runs beside them has ended.
///
/// # Errors
/// The database's.
pub fn has_more(conn: &mut Conn, from: Cursor) -> Result<bool, DbError> {
    let later = ticket_changes::turn.gt(from.turn).or(ticket_changes::id.gt(from.id));
    let some = ticket_changes::table.filter(ticket_changes::turn.ge(from.turn).and(later));
    let found: Option<i64> = some.select(ticket_changes::id).limit(1).first(conn).optional()?;
    Ok(found.is_some())
}

/// Forgets changes that happened before an instant, save the newest one, by which it is known what was forgotten.
///
/// # Errors
/// The database's.
pub fn sweep(conn: &mut Conn, before: Moment) -> Result<usize, DbError> {
    let newest = newest(conn)?;
    let old = ticket_changes::at.lt(before.millis()).and(ticket_changes::id.ne(newest.id));
    Ok(diesel::delete(ticket_changes::table.filter(old)).execute(conn)?)
}

/// Forgets what a restored database brought along from another cluster, whose transactions had other numbers.
///
/// # Errors
/// The database's.
pub fn forget_foreign(conn: &mut Conn) -> Result<(), DbError> {
    if let Conn::Pg(conn) = conn {
        diesel::sql_query(FOREIGN).execute(conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let cursor = Cursor { turn: 12, id: 345 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1", "1.", ".1", "-1.2", "1.2.3", "+1.2", "1234567890123456789.1", "a.b"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
