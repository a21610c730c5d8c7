//! Lists of tickets: the pool, a territory, a unit's work orders. Keyset pages, each with an index that serves its
//! filter and its order, so that a page costs the same whatever the history (a test reads the plans).

mod orders;
mod page;

use diesel::prelude::*;
use suishoupai_core::flow::{Pressure, State, TicketId};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::tickets;
use super::word::Stored;

pub use orders::{OrderLine, orders, with_orders};
pub use page::{page, pool};

/// One line of a list.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The key.
    pub id: TicketId,
    /// 案卷号
    pub number: String,
    /// Where it stands.
    pub state: State,
    /// The version.
    pub version: i64,
    /// The grid.
    pub grid: UnitId,
    /// The category, once there is one.
    pub category: Option<String>,
    /// Urgent or not.
    pub urgent: bool,
    /// The one unit that answers for it.
    pub responsible: UnitId,
    /// Who holds the claim.
    pub holder: Option<i64>,
    /// The beginning of the report.
    pub title: String,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
    /// When it was opened.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When the lead must be done.
    pub due_at: Option<Moment>,
    /// When it ended.
    pub closed_at: Option<Moment>,
    /// When the present phase must be over.
    pub stage_due_at: Option<Moment>,
    /// From when the present phase is due soon.
    pub soon_at: Option<Moment>,
}

impl Summary {
    /// Whether time presses at `now`.
    pub fn pressure(&self, now: Moment) -> Pressure {
        match (self.stage_due_at, self.soon_at) {
            (Some(due), _) if due <= now => Pressure::Overdue,
            (Some(_), Some(soon)) if soon <= now => Pressure::DueSoon,
            _ => Pressure::Normal,
        }
    }
}

pub(super) type Columns = (
    tickets::id,
    tickets::number,
    tickets::state,
    tickets::version,
    tickets::grid_id,
    tickets::category,
    tickets::urgent,
    tickets::responsible_id,
    tickets::holder_account,
    tickets::title,
    tickets::lon,
    tickets::lat,
    tickets::created_at,
    tickets::updated_at,
    tickets::due_at,
    tickets::closed_at,
    tickets::stage_due_at,
    tickets::soon_at,
);

pub(super) const COLUMNS: Columns = (
    tickets::id,
    tickets::number,
    tickets::state,
    tickets::version,
    tickets::grid_id,
    tickets::category,
    tickets::urgent,
    tickets::responsible_id,
    tickets::holder_account,
    tickets::title,
    tickets::lon,
    tickets::lat,
    tickets::created_at,
    tickets::updated_at,
    tickets::due_at,
    tickets::closed_at,
    tickets::stage_due_at,
    tickets::soon_at,
);

/// The same columns in words.
pub(super) const SELECT: &str = "SELECT tickets.id, tickets.number, tickets.state, tickets.version, tickets.grid_id, \
    tickets.category, tickets.urgent, tickets.responsible_id, tickets.holder_account, tickets.title, tickets.lon, \
    tickets.lat, tickets.created_at, tickets.updated_at, tickets.due_at, tickets.closed_at, tickets.stage_due_at, \
    tickets.soon_at";

#[derive(Queryable)]
pub(super) struct Record {
    id: i64,
    number: String,
    state: Stored<State>,
    version: i64,
    grid_id: i64,
    category: Option<String>,
    urgent: bool,
    responsible_id: i64,
    holder_account: Option<i64>,
    title: String,
    lon: f64,
    lat: f64,
    created_at: i64,
    updated_at: i64,
    due_at: Option<i64>,
    closed_at: Option<i64>,
    stage_due_at: Option<i64>,
    soon_at: Option<i64>,
}

impl Record {
    pub(super) fn read(self) -> Summary {
        Summary {
            id: self.id,
            number: self.number,
            state: self.state.0,
            version: self.version,
            grid: self.grid_id,
            category: self.category,
            urgent: self.urgent,
            responsible: self.responsible_id,
            holder: self.holder_account,
            title: self.title,
            lon: self.lon,
            lat: self.lat,
            created_at: Moment::from_millis(self.created_at),
            updated_at: Moment::from_millis(self.updated_at),
            due_at: self.due_at.map(Moment::from_millis),
            closed_at: self.closed_at.map(Moment::from_millis),
            stage_due_at: self.stage_due_at.map(Moment::from_millis),
            soon_at: self.soon_at.map(Moment::from_millis),
        }
    }
}

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
    let rows: Vec<Record> = query.load(conn)?;
    Ok(rows.into_iter().map(Record::read).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_same_in_words() {
        let query =
            diesel::debug_query::<diesel::sqlite::Sqlite, _>(&tickets::table.select(COLUMNS)).to_string();
        let quoted = format!("{SELECT} FROM tickets");
        assert_eq!(query.split(" --").next().unwrap().replace('`', ""), quoted);
    }
}
