//! Lists of tickets: the pool, a territory, a unit's work orders. Keyset pages, each with an index that serves its
//! filter and its order.

use diesel::prelude::*;
use suishoupai_core::flow::{OrderKind, OrderState, Pressure, State, TicketId};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::{evidence_seen_before, tickets, work_orders};
use super::word::Word;

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

#[derive(Queryable)]
pub(super) struct Record {
    id: i64,
    number: String,
    state: String,
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
    pub(super) fn read(self) -> Result<Summary, DbError> {
        Ok(Summary {
            id: self.id,
            number: self.number,
            state: State::stored(&self.state)?,
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
        })
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

/// The tickets of a scope, newest first.
///
/// # Errors
/// The database's.
pub fn page(conn: &mut Conn, scope: &Scope, filter: &Filter) -> Result<Vec<Summary>, DbError> {
    let mut query = tickets::table.select(COLUMNS).into_boxed();
    query = match scope {
        Scope::District(code) => query.filter(tickets::district.eq(*code)),
        Scope::Street(unit) => query.filter(tickets::street_id.eq(*unit)),
        Scope::Community(unit) => query.filter(tickets::community_id.eq(*unit)),
        Scope::Grid(unit) => query.filter(tickets::grid_id.eq(*unit)),
        Scope::Orders(units) => query.filter(
            tickets::id.eq_any(
                work_orders::table
                    .filter(work_orders::unit_id.eq_any(units.clone()))
                    .select(work_orders::ticket_id),
            ),
        ),
    };
    if let Some(state) = filter.state {
        query = query.filter(tickets::state.eq(state.as_str()));
    }
    if let Some(category) = &filter.category {
        query = query.filter(tickets::category.eq(category.clone()));
    }
    if let Some(before) = filter.before {
        query = query.filter(tickets::id.lt(before));
    }
    if let Some(kind) = filter.seen_before {
        let found = evidence_seen_before::table
            .filter(evidence_seen_before::kind.eq(kind.as_str()))
            .select(evidence_seen_before::ticket_id);
        query = query.filter(tickets::id.eq_any(found));
    }
    if !filter.sensitive && !matches!(scope, Scope::Orders(_)) {
        query = query.filter(tickets::sensitive.eq(false));
    }
    if let Some((pressure, now)) = filter.pressure {
        let due = tickets::stage_due_at;
        query = query.filter(due.is_not_null());
        query = match pressure {
            Pressure::Overdue => query.filter(due.le(now.millis())),
            Pressure::DueSoon => query.filter(due.gt(now.millis()).and(tickets::soon_at.le(now.millis()))),
            Pressure::Normal => query.filter(tickets::soon_at.gt(now.millis())),
        };
    }
    if let Some((due, id)) = filter.urgency {
        let after = tickets::stage_due_at.gt(due).or(tickets::stage_due_at.eq(due).and(tickets::id.gt(id)));
        query = query
            .filter(tickets::stage_due_at.is_not_null().and(after))
            .order((tickets::stage_due_at.asc(), tickets::id.asc()));
    } else {
        query = query.order(tickets::id.desc());
    }
    let rows: Vec<Record> = query.limit(filter.limit).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// What waits in the pool of some territories, urgent and old first, at most `limit` of it.
///
/// A claim whose lease is over at `now` counts as back in the pool though nobody has written that down yet.
///
/// # Errors
/// The database's.
pub fn pool(
    conn: &mut Conn,
    scope: &Scope,
    now: Moment,
    sensitive: bool,
    limit: i64,
) -> Result<Vec<Summary>, DbError> {
    let waiting = tickets::state.eq(State::Received.as_str()).or(tickets::state
        .eq(State::Claimed.as_str())
        .and(tickets::holder_until.le(now.millis()).assume_not_null()));
    let mut query = tickets::table.select(COLUMNS).filter(waiting).into_boxed();
    query = match scope {
        Scope::District(code) => query.filter(tickets::district.eq(*code)),
        Scope::Street(unit) => query.filter(tickets::street_id.eq(*unit)),
        Scope::Community(unit) => query.filter(tickets::community_id.eq(*unit)),
        Scope::Grid(unit) => query.filter(tickets::grid_id.eq(*unit)),
        Scope::Orders(_) => return Ok(Vec::new()),
    };
    if !sensitive {
        query = query.filter(tickets::sensitive.eq(false));
    }
    let rows: Vec<Record> =
        query.order((tickets::urgent.desc(), tickets::id.asc())).limit(limit).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// One line of a unit's work orders.
#[derive(Clone, Debug)]
pub struct OrderLine {
    /// Number of the order within its ticket.
    pub seq: i32,
    /// Whose it is.
    pub unit: UnitId,
    /// 主办 or 协办.
    pub kind: OrderKind,
    /// Where it stands.
    pub state: OrderState,
    /// When it must be done.
    pub due_at: Moment,
    /// The ticket.
    pub ticket: Summary,
}

/// The orders of some units in one state, by deadline.
///
/// # Errors
/// The database's.
pub fn orders(
    conn: &mut Conn,
    units: &[UnitId],
    state: OrderState,
    after: Option<(i64, TicketId)>,
    limit: i64,
) -> Result<Vec<OrderLine>, DbError> {
    let mut query = work_orders::table
        .inner_join(tickets::table)
        .filter(work_orders::unit_id.eq_any(units.to_vec()))
        .filter(work_orders::state.eq(state.as_str()))
        .select(((work_orders::seq, work_orders::unit_id, work_orders::kind, work_orders::due_at), COLUMNS))
        .into_boxed();
    if let Some((due, ticket)) = after {
        query = query.filter(
            work_orders::due_at
                .gt(due)
                .or(work_orders::due_at.eq(due).and(work_orders::ticket_id.gt(ticket))),
        );
    }
    type Line = ((i32, i64, String, i64), Record);
    let rows: Vec<Line> =
        query.order((work_orders::due_at, work_orders::ticket_id)).limit(limit).load(conn)?;
    rows.into_iter()
        .map(|((seq, unit, kind, due_at), record)| {
            Ok(OrderLine {
                seq,
                unit,
                kind: OrderKind::stored(&kind)?,
                state,
                due_at: Moment::from_millis(due_at),
                ticket: record.read()?,
            })
        })
        .collect()
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
