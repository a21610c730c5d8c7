//! New tickets are counted.

use super::records::Record;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::unnest::{Rows, insert_rows};

/// What is left behind of a new ticket for the numbers that are kept; see [`crate::db::counts`].
#[derive(Debug)]
pub(super) struct Delta {
    district: i32,
    grid_id: i64,
    community_id: i64,
    street_id: i64,
    state: String,
    category: Option<String>,
    sensitive: bool,
    created_at: i64,
    lon: f64,
    lat: f64,
    n: i64,
}

impl Delta {
    pub(super) fn of(new: &Record) -> Self {
        Self {
            district: new.district,
            grid_id: new.grid_id,
            community_id: new.community_id,
            street_id: new.street_id,
            state: new.state.clone(),
            category: new.category.clone(),
            sensitive: new.sensitive,
            created_at: new.created_at,
            lon: new.lon,
            lat: new.lat,
            n: 1,
        }
    }
}

/// Counts new tickets on SQLite; on PostgreSQL a trigger does.
pub(super) fn put<'r>(rows: &mut Rows<'_>, deltas: impl Iterator<Item = &'r Delta>) -> Result<(), DbError> {
    if matches!(rows.conn, Conn::Pg(_)) {
        return Ok(());
    }
    insert_rows!(
        rows,
        ticket_deltas,
        deltas,
        Delta {
            district,
            grid_id,
            community_id,
            street_id,
            state,
            category,
            sensitive,
            created_at,
            lon,
            lat,
            n,
        }
    );
    Ok(())
}
