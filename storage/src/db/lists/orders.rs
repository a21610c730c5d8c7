//! Work orders of units.

use std::collections::HashSet;

use diesel::prelude::*;
use suishoupai_core::flow::{OrderKind, OrderState, TicketId};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use super::{COLUMNS, Summary, of_each};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{tickets, work_orders};
use crate::db::word::Word;

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

/// Those of the tickets for which one of the units has or had an order.
///
/// # Errors
/// The database's.
pub fn with_orders(
    conn: &mut Conn,
    ids: Vec<TicketId>,
    units: &[UnitId],
) -> Result<HashSet<TicketId>, DbError> {
    let found: Vec<TicketId> = work_orders::table
        .filter(work_orders::ticket_id.eq_any(ids))
        .filter(work_orders::unit_id.eq_any(units.to_vec()))
        .select(work_orders::ticket_id)
        .load(conn)?;
    Ok(found.into_iter().collect())
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
    let key = |line: &OrderLine| (line.due_at, line.ticket.id);
    of_each(conn, units, limit, key, |conn, unit| of_unit(conn, unit, state, after, limit))
}

fn of_unit(
    conn: &mut Conn,
    unit: UnitId,
    state: OrderState,
    after: Option<(i64, TicketId)>,
    limit: i64,
) -> Result<Vec<OrderLine>, DbError> {
    let mut query = work_orders::table
        .inner_join(tickets::table)
        .filter(work_orders::unit_id.eq(unit))
        .filter(work_orders::state.eq(state.as_str()))
        .select(((work_orders::seq, work_orders::unit_id, work_orders::kind, work_orders::due_at), COLUMNS))
        .into_boxed();
    if let Some((due, ticket)) = after {
        let later = work_orders::due_at
            .gt(due)
            .or(work_orders::due_at.eq(due).and(work_orders::ticket_id.gt(ticket)));
        // The first condition says nothing new, but lets SQLite begin in the middle of the index.
        query = query.filter(work_orders::due_at.ge(due)).filter(later);
    }
    type Line = ((i32, i64, String, i64), Summary);
    let rows: Vec<Line> =
        query.order((work_orders::due_at, work_orders::ticket_id)).limit(limit).load(conn)?;
    rows.into_iter()
        .map(|((seq, unit, kind, due_at), ticket)| {
            Ok(OrderLine {
                seq,
                unit,
                kind: OrderKind::stored(&kind)?,
                state,
                due_at: Moment::from_millis(due_at),
                ticket,
            })
        })
        .collect()
}
