//! What there may be of a ticket in other tables, asked for at once: of most tickets there is none of it.

use diesel::sql_types::{BigInt, Bool};
use suishoupai_core::flow::TicketId;

use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::pieces::Pieces;

/// What there is of a ticket besides its reports, evidence and history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Besides {
    /// How many follow it, or one that was merged into it.
    pub followers: i64,
    /// Whether some of its evidence was seen before.
    pub is_seen_before: bool,
    /// Whether there is a 督办单 about it.
    pub is_supervised: bool,
    /// Whether it was rated.
    pub is_rated: bool,
}

/// What there is of a ticket besides.
///
/// # Errors
/// The database's.
pub fn besides(conn: &mut Conn, ticket: TicketId) -> Result<Besides, DbError> {
    let mut query = Pieces::<(BigInt, Bool, Bool, Bool)>::new();
    query
        .sql("SELECT (SELECT count(*) FROM followers WHERE followers.ticket_id = ")
        .value(ticket)
        .sql(" OR followers.ticket_id IN (SELECT tickets.id FROM tickets WHERE tickets.merged_into_id = ")
        .value(ticket)
        .sql(")), EXISTS (SELECT 1 FROM evidence_seen_before WHERE evidence_seen_before.ticket_id = ")
        .value(ticket)
        .sql("), EXISTS (SELECT 1 FROM supervision_tickets WHERE supervision_tickets.ticket_id = ")
        .value(ticket)
        .sql("), EXISTS (SELECT 1 FROM ratings WHERE ratings.ticket_id = ")
        .value(ticket)
        .sql(")");
    let rows: Vec<(i64, bool, bool, bool)> = query.load(conn)?;
    let of = |(followers, is_seen_before, is_supervised, is_rated)| Besides {
        followers,
        is_seen_before,
        is_supervised,
        is_rated,
    };
    Ok(rows.into_iter().next().map(of).unwrap_or_default())
}
