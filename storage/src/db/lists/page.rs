//! Pages of tickets of a territory or a department, and the pool.
//!
//! Neither engine always finds the index that costs the least: without statistics SQLite counts columns, and PostgreSQL
//! likes an index in the order of the list, even where it has to go through the whole history to fill a page. So what
//! must not be used for the search is written so that no index has it: `+id`, `state || ''`.

use std::cmp::Reverse;

use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use suishoupai_core::flow::{Pressure, State, TicketId};
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::{COLUMNS, Columns, Filter, Record, Scope, Summary, of_each};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{evidence_seen_before, tickets, work_orders};

type Query<'a> = tickets::BoxedQuery<'a, <Conn as Connection>::Backend, diesel::dsl::SqlTypeOf<Columns>>;

/// What is waiting in a pool, in the words of its index, which serves no condition with a parameter.
const IN_POOL: &str = "tickets.state IN ('received', 'claimed')";

fn state_unindexed() -> SqlLiteral<Text> {
    sql::<Text>("tickets.state || ''")
}

fn category_unindexed() -> SqlLiteral<Nullable<Text>> {
    sql::<Nullable<Text>>("tickets.category || ''")
}

/// The tickets of a scope in a district, newest or most urgent first.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut Conn,
    district: District,
    scope: &Scope,
    filter: &Filter,
) -> Result<Vec<Summary>, DbError> {
    if let Scope::Orders(units) = scope
        && !is_of_open(filter)
    {
        let key = |row: &Summary| Reverse(row.id);
        let mut rows =
            of_each(conn, units, i64::MAX, key, |conn, unit| ordered(conn, district, unit, filter))?;
        rows.dedup_by_key(|row| row.id);
        rows.truncate(usize::try_from(filter.limit).unwrap_or_default());
        return Ok(rows);
    }
    let mut query: Query<'_> = tickets::table.select(COLUMNS).into_boxed();
    query = match scope {
        Scope::District(code) => query.filter(tickets::district.eq(*code)),
        Scope::Street(unit) => query.filter(tickets::street_id.eq(*unit)),
        Scope::Community(unit) => query.filter(tickets::community_id.eq(*unit)),
        Scope::Grid(unit) => query.filter(tickets::grid_id.eq(*unit)),
        // With an offset PostgreSQL asks for each ticket, instead of reading all orders that the units ever had.
        Scope::Orders(units) => query.filter(tickets::district.eq(district)).filter(exists(
            work_orders::table
                .filter(work_orders::ticket_id.eq(tickets::id))
                .filter(work_orders::unit_id.eq_any(units.clone()))
                .select(work_orders::seq)
                .limit(1)
                .offset(0),
        )),
    };
    if !filter.sensitive && !matches!(scope, Scope::Orders(_)) {
        query = query.filter(tickets::sensitive.eq(false));
    }
    if !matches!(scope, Scope::District(_)) {
        // What waits for the centre's look is shown to no territory.
        query = query.filter(tickets::held.eq(false));
    }
    query = narrowed(query, district, filter);
    query = if let Some((due, id)) = filter.urgency {
        let mut of_clock = query.filter(tickets::stage_due_at.is_not_null());
        if due > i64::MIN {
            // As a pair, which both engines find in the index; two conditions with OR between them they do not.
            let after = sql::<Bool>("(tickets.stage_due_at, tickets.id) > (").bind::<BigInt, _>(due);
            of_clock = of_clock.filter(after.sql(", ").bind::<BigInt, _>(id).sql(")"));
        }
        of_clock.order((tickets::stage_due_at.asc(), tickets::id.asc()))
    } else if filter.pressure.is_some() {
        // Those with a running clock are few; they are sorted.
        query.order(sql::<BigInt>("+tickets.id").desc())
    } else {
        query.order(tickets::id.desc())
    };
    let rows: Vec<Record> = query.limit(filter.limit).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// Whether a list is of tickets that are not over, of which there never are many.
fn is_of_open(filter: &Filter) -> bool {
    let open = filter.state.is_some_and(|state| !state.is_final());
    open || filter.urgency.is_some() || filter.pressure.is_some() || filter.seen_before.is_some()
}

fn narrowed<'a>(mut query: Query<'a>, district: District, filter: &Filter) -> Query<'a> {
    let by_clock = filter.pressure.is_some() || filter.urgency.is_some();
    // Most tickets are closed; those of any other state are fewer than those of a category.
    let by_category = !by_clock && filter.state.is_none_or(|state| state == State::Closed);
    if let Some(state) = filter.state {
        query = match by_clock || by_category && filter.category.is_some() {
            true => query.filter(state_unindexed().eq(state.as_str())),
            false => query.filter(tickets::state.eq(state.as_str())),
        };
    }
    if let Some(category) = &filter.category {
        query = match by_category {
            true => query.filter(tickets::category.eq(category.clone())),
            false => query.filter(category_unindexed().eq(category.clone())),
        };
    }
    if let Some(before) = filter.before {
        query = query.filter(tickets::id.lt(before));
    }
    if let Some(kind) = filter.seen_before {
        let found = evidence_seen_before::table
            .filter(evidence_seen_before::district.eq(district))
            .filter(evidence_seen_before::kind.eq(kind.as_str()))
            .select(evidence_seen_before::ticket_id);
        query = query.filter(tickets::id.eq_any(found));
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
    query
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
    let mut query = work_orders::table
        .inner_join(tickets::table)
        .filter(work_orders::unit_id.eq(unit))
        .select(COLUMNS)
        .into_boxed();
    // PostgreSQL knows how many tickets fulfil a condition, as long as it is about the column itself.
    let knows = matches!(conn, Conn::Pg(_));
    if knows {
        query = query.filter(tickets::district.eq(district));
    }
    if let Some(state) = filter.state {
        query = match knows {
            true => query.filter(tickets::state.eq(state.as_str())),
            false => query.filter(state_unindexed().eq(state.as_str())),
        };
    }
    if let Some(category) = &filter.category {
        query = match knows {
            true => query.filter(tickets::category.eq(category.clone())),
            false => query.filter(category_unindexed().eq(category.clone())),
        };
    }
    if let Some(before) = before {
        query = query.filter(work_orders::ticket_id.lt(before));
    }
    let rows: Vec<Record> = query.order(work_orders::ticket_id.desc()).limit(filter.limit).load(conn)?;
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
    let free = tickets::state
        .eq(State::Received.as_str())
        .or(tickets::holder_until.le(now.millis()).assume_not_null());
    let query = tickets::table.select(COLUMNS).filter(sql::<Bool>(IN_POOL)).filter(free);
    let mut query = query.filter(tickets::held.eq(false)).into_boxed();
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
