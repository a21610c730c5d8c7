//! How many there are of what, for whoever watches an installation. Tickets are counted through the index over district
//! and state, without their rows.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::conn::Conn;
use super::error::DbError;
use super::schema::{jobs, tickets};

/// The tickets of a district in one state.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct TicketCount {
    /// Its six-digit code.
    pub district: i32,
    /// The state as stored.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// The jobs of one kind in one state.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct JobCount {
    /// What they do.
    pub kind: String,
    /// `waiting` or `dead`.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// Counts tickets by district and state.
///
/// # Errors
/// The database's.
pub fn tickets(conn: &mut Conn) -> Result<Vec<TicketCount>, DbError> {
    let by = (tickets::district, tickets::state);
    let query = tickets::table.group_by(by).select((tickets::district, tickets::state, count_star()));
    Ok(query.order(by).load(conn)?)
}

/// Counts jobs by kind and state.
///
/// # Errors
/// The database's.
pub fn jobs(conn: &mut Conn) -> Result<Vec<JobCount>, DbError> {
    let by = (jobs::kind, jobs::state);
    let query = jobs::table.group_by(by).select((jobs::kind, jobs::state, count_star()));
    Ok(query.order(by).load(conn)?)
}
