//! Pages of tickets of a territory or a department, and the pool.
//!
//! Neither engine always finds the index that costs the least: without statistics SQLite counts columns, and PostgreSQL
//! likes an index in the order of the list, even where it has to go through the whole history to fill a page. So what
//! must not be used for the search is written so that no index has it: `+id`, `state || ''`.

use std::cmp::Reverse;

use suishoupai_core::flow::{Pressure, State, TicketId};
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::summary::{Columns, SELECT};
use super::{Filter, Scope, Summary, of_each};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::pieces::Pieces;

const NOT_SENSITIVE: &str = " AND tickets.sensitive = FALSE";
const NOT_HELD: &str = " AND tickets.held = FALSE";
const STATE: &str = " AND tickets.state = ";
const STATE_UNINDEXED: &str = " AND tickets.state || '' = ";
const CATEGORY: &str = " AND tickets.category = ";
const CATEGORY_UNINDEXED: &str = " AND tickets.category || '' = ";

type Page = Pieces<diesel::dsl::SqlTypeOf<Columns>>;

/// What is waiting in a pool, in the words of its index, which serves no condition with a parameter.
const IN_POOL: &str = " AND tickets.state IN ('received', 'claimed')";

/// Goes through the tickets of a scope in a district, newest or most urgent first, as they are read.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut Conn,
    district: District,
    scope: &Scope,
    filter: &Filter,
    mut each: impl FnMut(&Summary),
) -> Result<(), DbError> {
    if let Scope::Orders(units) = scope
        && !is_of_open(filter)
    {
        let key = |row: &Summary| Reverse(row.id);
        let mut rows =
            of_each(conn, units, i64::MAX, key, |conn, unit| ordered(conn, district, unit, filter))?;
        rows.dedup_by_key(|row| row.id);
        rows.iter().take(usize::try_from(filter.limit).unwrap_or_default()).for_each(each);
        return Ok(());
    }
    let mut query = Page::new();
    query.sql(SELECT).sql(" FROM tickets WHERE ");
    within(&mut query, district, scope);
    if !filter.sensitive && !matches!(scope, Scope::Orders(_)) {
        query.sql(NOT_SENSITIVE);
    }
    if !matches!(scope, Scope::District(_)) {
        // What waits for the centre's look is shown to no territory.
        query.sql(NOT_HELD);
    }
    narrow(&mut query, district, filter);
    if let Some((due, id)) = filter.urgency {
        query.sql(" AND tickets.stage_due_at IS NOT NULL");
        if due > i64::MIN {
            // As a pair, which both engines find in the index; two conditions with OR between them they do not.
            query.sql(" AND (tickets.stage_due_at, tickets.id) > ").values([due, id]);
        }
        query.sql(" ORDER BY tickets.stage_due_at, tickets.id");
    } else if filter.pressure.is_some() {
        // Those with a running clock are few; they are sorted.
        query.sql(" ORDER BY +tickets.id DESC");
    } else {
        query.sql(" ORDER BY tickets.id DESC");
    }
    query.limit(filter.limit);
    Ok(query.each(conn, &mut each)?)
}

/// Begins the condition with where the tickets lie.
fn within(query: &mut Page, district: District, scope: &Scope) {
    match scope {
        Scope::District(code) => query.sql("tickets.district = ").value(*code),
        Scope::Street(unit) => query.sql("tickets.street_id = ").value(*unit),
        Scope::Community(unit) => query.sql("tickets.community_id = ").value(*unit),
        Scope::Grid(unit) => query.sql("tickets.grid_id = ").value(*unit),
        // With an offset PostgreSQL asks for each ticket, instead of reading all orders that the units ever had.
        Scope::Orders(units) => query
            .sql("tickets.district = ")
            .value(district)
            .sql(" AND EXISTS (SELECT work_orders.seq FROM work_orders WHERE work_orders.ticket_id = tickets.id")
            .sql(" AND work_orders.unit_id IN ")
            .values(units.iter().copied())
            .sql(" LIMIT 1 OFFSET 0)"),
    };
}

/// Whether a list is of tickets that are not over, of which there never are many.
fn is_of_open(filter: &Filter) -> bool {
    let open = filter.state.is_some_and(|state| !state.is_final());
    open || filter.urgency.is_some() || filter.pressure.is_some() || filter.seen_before.is_some()
}

/// Adds the conditions of the filter.
fn narrow(query: &mut Page, district: District, filter: &Filter) {
    let by_clock = filter.pressure.is_some() || filter.urgency.is_some();
    // Most tickets are closed; those of any other state are fewer than those of a category.
    let by_category = !by_clock && filter.state.is_none_or(|state| state == State::Closed);
    if let Some(state) = filter.state {
        let unindexed = by_clock || by_category && filter.category.is_some();
        query.sql(if unindexed { STATE_UNINDEXED } else { STATE }).value(state.as_str());
    }
    if let Some(category) = &filter.category {
        query.sql(if by_category { CATEGORY } else { CATEGORY_UNINDEXED }).value(category.as_str());
    }
    if let Some(before) = filter.before {
        query.sql(" AND tickets.id < ").value(before);
    }
    if let Some(kind) = filter.seen_before {
        query
            .sql(" AND tickets.id IN (SELECT seen.ticket_id FROM evidence_seen_before AS seen WHERE seen.district = ")
            .value(district)
            .sql(" AND seen.kind = ")
            .value(kind.as_str())
            .sql(")");
    }
    if let Some((pressure, now)) = filter.pressure {
        let now = now.millis();
        query.sql(" AND tickets.stage_due_at IS NOT NULL");
        match pressure {
            Pressure::Overdue => query.sql(" AND tickets.stage_due_at <= ").value(now),
            Pressure::DueSoon => query
                .sql(" AND tickets.stage_due_at > ")
                .value(now)
                .sql(" AND tickets.soon_at <= ")
                .value(now),
            Pressure::Normal => query.sql(" AND tickets.soon_at > ").value(now),
        };
    }
}

/// The tickets for which one unit has or had an order, newest first: through its orders, of which a ticket may have
/// several.
fn ordered(
    conn: &mut Conn,
    district: District,
    unit: UnitId,
    filter: &Filter,
) -> Result<Vec<Summary>, DbError> {
    let wanted = usize::try_from(filter.limit).unwrap_or_default();
    let mut found: Vec<Summary> = Vec::new();
    let mut before = filter.before;
    loop {
        let rows = through_orders(conn, district, unit, filter, before)?;
        let is_last = rows.len() < wanted;
        before = rows.last().map(|row| row.id);
        found.extend(rows);
        found.dedup_by_key(|row| row.id);
        if is_last || found.len() >= wanted || before.is_none() {
            found.truncate(wanted);
            return Ok(found);
        }
    }
}

fn through_orders(
    conn: &mut Conn,
    district: District,
    unit: UnitId,
    filter: &Filter,
    before: Option<TicketId>,
) -> Result<Vec<Summary>, DbError> {
    // PostgreSQL knows how many tickets fulfil a condition, as long as it is about the column itself.
    let knows = matches!(conn, Conn::Pg(_));
    let mut query = Page::new();
    query.sql(SELECT);
    query.sql(" FROM work_orders INNER JOIN tickets ON work_orders.ticket_id = tickets.id WHERE work_orders.unit_id = ");
    query.value(unit);
    if knows {
        query.sql(" AND tickets.district = ").value(district);
    }
    if let Some(state) = filter.state {
        query.sql(if knows { STATE } else { STATE_UNINDEXED }).value(state.as_str());
    }
    if let Some(category) = &filter.category {
        query.sql(if knows { CATEGORY } else { CATEGORY_UNINDEXED }).value(category.as_str());
    }
    if let Some(before) = before {
        query.sql(" AND work_orders.ticket_id < ").value(before);
    }
    query.sql(" ORDER BY work_orders.ticket_id DESC").limit(filter.limit);
    Ok(query.load(conn)?)
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
    if matches!(scope, Scope::Orders(_)) {
        return Ok(Vec::new());
    }
    let mut query = Page::new();
    query.sql(SELECT).sql(" FROM tickets WHERE ");
    // A scope of orders, the only one that needs the district, has no pool.
    within(&mut query, 0, scope);
    query.sql(IN_POOL).sql(" AND (tickets.state = ").value(State::Received.as_str());
    query.sql(" OR tickets.holder_until <= ").value(now.millis()).sql(")").sql(NOT_HELD);
    if !sensitive {
        query.sql(NOT_SENSITIVE);
    }
    query.sql(" ORDER BY tickets.urgent DESC, tickets.id").limit(limit);
    Ok(query.load(conn)?)
}
