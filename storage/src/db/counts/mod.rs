//! How many there are of what: kept with every step, never counted through the tickets.
//!
//! A number that every step of a district changes would be a row that all writers wait for. So triggers (and for a new
//! ticket on SQLite the statement after it) leave each change as a row of its own, with the step and in its transaction;
//! now and then those are added up into the numbers that are kept. Whoever asks is told the sum of both, by one statement,
//! so what is told is exact at every instant.

mod cells;
mod check;
mod fold;
mod portion;
mod sums;
#[cfg(test)]
mod testing;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use suishoupai_core::flow::{OrderState, State};
use suishoupai_core::model::{District, Level, UnitId};

use super::conn::Conn;
use super::error::DbError;
use super::schema::jobs;
use super::word::Word;

#[cfg(test)]
pub(in crate::db) use cells::spots_sql;
pub use cells::{COARSEST, Cell, FINEST, FINEST_NARROWED, Narrow, Spot, Window, cells, side, spots};
pub use check::differences;
pub use fold::{Walk, count_anew, fold, waiting};

/// The tickets of a district in one state.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct TicketCount {
    /// Its six-digit code.
    #[diesel(sql_type = Integer)]
    pub district: i32,
    /// The state as stored.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
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
    let sql = "SELECT district, state, CAST(SUM(n) AS BIGINT) AS count FROM (\
         SELECT district, state, n FROM ticket_counts WHERE unit_id = 0 \
         UNION ALL SELECT district, state, n FROM ticket_deltas) whole \
         GROUP BY district, state HAVING SUM(n) <> 0 ORDER BY district, state";
    Ok(diesel::sql_query(sql).load(conn)?)
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

#[derive(QueryableByName)]
struct InState {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many tickets lie in a unit of the territory (or in the whole district), by state; states without any are left out.
///
/// # Errors
/// The database's.
pub fn in_territory(
    conn: &mut Conn,
    district: District,
    level: Level,
    unit: UnitId,
    sensitive: bool,
) -> Result<Vec<(State, i64)>, DbError> {
    let hidden = if sensitive { "" } else { " AND NOT sensitive" };
    let (unit, lies_in) = match level {
        Level::Street => (unit, format!(" AND street_id = {unit}")),
        Level::Community => (unit, format!(" AND community_id = {unit}")),
        Level::Grid => (unit, format!(" AND grid_id = {unit}")),
        Level::District | Level::Department => (0, String::new()),
    };
    let sql = format!(
        "SELECT state, CAST(SUM(n) AS BIGINT) AS count FROM (\
         SELECT state, n FROM ticket_counts WHERE district = {district} AND unit_id = {unit}{hidden} \
         UNION ALL SELECT state, n FROM ticket_deltas WHERE district = {district}{lies_in}{hidden}) whole \
         GROUP BY state HAVING SUM(n) <> 0"
    );
    let rows: Vec<InState> = diesel::sql_query(sql).load(conn)?;
    rows.into_iter().map(|row| Ok((State::stored(&row.state)?, row.count))).collect()
}

/// How many work orders some units have or had together, by state; states without any are left out.
///
/// # Errors
/// The database's.
pub fn of_orders(
    conn: &mut Conn,
    district: District,
    units: &[UnitId],
) -> Result<Vec<(OrderState, i64)>, DbError> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let units: Vec<String> = units.iter().map(UnitId::to_string).collect();
    let these = format!("district = {district} AND unit_id IN ({})", units.join(", "));
    let sql = format!(
        "SELECT state, CAST(SUM(n) AS BIGINT) AS count FROM (\
         SELECT state, n FROM order_counts WHERE {these} UNION ALL SELECT state, n FROM order_deltas WHERE {these}) whole \
         GROUP BY state HAVING SUM(n) <> 0"
    );
    let rows: Vec<InState> = diesel::sql_query(sql).load(conn)?;
    rows.into_iter().map(|row| Ok((OrderState::stored(&row.state)?, row.count))).collect()
}
