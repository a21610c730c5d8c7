//! Lists of tickets: the pool, a territory, a unit's work orders. Keyset pages, each with an index that serves its
//! filter and its order, so that a page costs the same whatever the history (a test reads the plans).

mod orders;
mod page;
mod summary;

use diesel::prelude::*;
use suishoupai_core::flow::{Pressure, State, TicketId};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::tickets;

pub use orders::{OrderLine, orders, with_orders};
pub use page::{page, pool};
pub(super) use summary::COLUMNS;
pub use summary::Summary;

/// Whose tickets a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of a whole district.
    District(District),
    /// Lying in a street.
    Street(UnitId),
    /// Lying in a community.
    Community(UnitId),
    /// Lying in a grid.
    Grid(UnitId),
    /// For which one of these units (a department and its squads) has or had an order.
    Orders(Vec<UnitId>),
}

/// What narrows a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this category.
    pub category: Option<String>,
    /// Only with a smaller key: the cursor of the order by age.
    pub before: Option<TicketId>,
    /// Only what presses so at this instant.
    pub pressure: Option<(Pressure, Moment)>,
    /// By urgency, from after this deadline and key; only tickets with a running clock. None: by age.
    pub urgency: Option<(i64, TicketId)>,
    /// Whether tickets of sensitive kinds are shown.
    pub sensitive: bool,
    /// Only with evidence that was seen before in this way.
    pub seen_before: Option<SeenBefore>,
    /// At most so many lines.
    pub limit: i64,
}

/// The tickets with these keys, the newest first.
///
/// # Errors
/// The database's.
pub(super) fn these(conn: &mut Conn, ids: Vec<TicketId>) -> Result<Vec<Summary>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = tickets::table.select(COLUMNS).filter(tickets::id.eq_any(ids)).order(tickets::id.desc());
    Ok(query.load(conn)?)
}

/// What is loaded for each of some units, put together in the order of `key`, at most `limit` of it.
///
/// One statement for all units would sort all that they ever had; for each of them an index has the order. A caller has
/// few units: those of the posts, or a department and its squads.
pub(super) fn of_each<T, K: Ord>(
    conn: &mut Conn,
    units: &[UnitId],
    limit: i64,
    key: impl Fn(&T) -> K,
    mut load: impl FnMut(&mut Conn, UnitId) -> Result<Vec<T>, DbError>,
) -> Result<Vec<T>, DbError> {
    let mut all = Vec::new();
    for unit in units {
        all.extend(load(conn, *unit)?);
    }
    if units.len() > 1 {
        all.sort_by_key(key);
        all.truncate(usize::try_from(limit).unwrap_or_default());
    }
    Ok(all)
}

/// Tickets whose claim had run out by `now`, oldest first, at most `limit`.
///
/// # Errors
/// The database's.
pub fn lapsed(conn: &mut Conn, now: Moment, limit: i64) -> Result<Vec<TicketId>, DbError> {
    Ok(tickets::table
        .filter(tickets::holder_until.le(now.millis()))
        .select(tickets::id)
        .order(tickets::holder_until)
        .limit(limit)
        .load(conn)?)
}
