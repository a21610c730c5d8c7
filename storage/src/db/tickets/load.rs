//! A ticket read for the rules.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::flow::{
    Course, Holder, OrderKind, OrderState, State, Ticket, TicketId, Timer, WorkOrder,
};
use suishoupai_core::time::Moment;

use super::Loaded;
use super::records::{OrderRecord, Record};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::{reports, tickets, work_orders};
use crate::db::word::Word;

/// Loads a ticket to read it.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find(conn: &mut Conn, id: TicketId) -> Result<Option<Loaded>, DbError> {
    let found = tickets::table.find(id);
    let record = each_backend!(conn, conn => found.first::<Record>(conn)).optional()?;
    record.map(|record| complete(conn, record)).transpose()
}

/// Loads a ticket inside a write, so that nobody else changes it before the transaction ends.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find_for_update(conn: &mut Conn, id: TicketId) -> Result<Option<Loaded>, DbError> {
    // SQLite has one writer, which holds the lock already; PostgreSQL locks the row.
    let record = match conn {
        Conn::Sqlite(conn) => tickets::table.find(id).first::<Record>(conn).optional()?,
        Conn::Pg(conn) => tickets::table.find(id).for_update().first::<Record>(conn).optional()?,
    };
    record.map(|record| complete(conn, record)).transpose()
}

/// The key of the ticket with this number.
///
/// # Errors
/// The database's.
pub fn find_by_number(conn: &mut Conn, number: &str) -> Result<Option<TicketId>, DbError> {
    Ok(tickets::table.filter(tickets::number.eq(number)).select(tickets::id).first(conn).optional()?)
}

/// Up to `limit` tickets with keys above `after`, in their order.
///
/// # Errors
/// The database's.
pub fn some_after(conn: &mut Conn, after: TicketId, limit: i64) -> Result<Vec<Loaded>, DbError> {
    let records: Vec<Record> =
        tickets::table.filter(tickets::id.gt(after)).order(tickets::id).limit(limit).load(conn)?;
    complete_all(conn, records)
}

/// The tickets with these keys, in their order.
///
/// # Errors
/// The database's.
pub fn find_all(conn: &mut Conn, ids: Vec<TicketId>) -> Result<Vec<Loaded>, DbError> {
    let records: Vec<Record> =
        tickets::table.filter(tickets::id.eq_any(ids)).order(tickets::id).load(conn)?;
    complete_all(conn, records)
}

fn complete_all(conn: &mut Conn, records: Vec<Record>) -> Result<Vec<Loaded>, DbError> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<TicketId> = records.iter().map(|record| record.id).collect();
    let rows: Vec<OrderRecord> = work_orders::table
        .filter(work_orders::ticket_id.eq_any(ids.clone()))
        .order((work_orders::ticket_id, work_orders::seq))
        .load(conn)?;
    let mut orders: HashMap<TicketId, Vec<WorkOrder>> = HashMap::new();
    for row in rows {
        orders.entry(row.ticket_id).or_default().push(read_order(row)?);
    }
    let courses = records.iter().map(course).collect::<Result<Vec<_>, _>>()?;
    let mut of = ids;
    of.extend(records.iter().filter_map(|record| record.parent_id));
    of.extend(courses.iter().flat_map(|course| &course.merged));
    let rows: Vec<(TicketId, i64)> = reports::table
        .filter(reports::ticket_id.eq_any(of))
        .select((reports::ticket_id, reports::account_id))
        .order(reports::id)
        .load(conn)?;
    let mut reporters: HashMap<TicketId, Vec<i64>> = HashMap::new();
    for (ticket, account) in rows {
        reporters.entry(ticket).or_default().push(account);
    }
    let loaded = records.into_iter().zip(courses).map(|(record, course)| {
        let of = std::iter::once(reported(&record)).chain(course.merged.iter().copied());
        let who = of.filter_map(|ticket| reporters.get(&ticket)).flatten().copied().collect();
        let orders = orders.remove(&record.id).unwrap_or_default();
        from_record(record, course, orders, who)
    });
    loaded.collect()
}

/// The ticket that goes on for this one, where it is merged; else itself.
///
/// # Errors
/// The database's.
pub fn goes_on_as(conn: &mut Conn, ticket: TicketId) -> Result<TicketId, DbError> {
    let found = tickets::table.find(ticket).select(tickets::merged_into_id);
    let into: Option<Option<TicketId>> = each_backend!(conn, conn => found.first(conn)).optional()?;
    Ok(into.flatten().unwrap_or(ticket))
}

/// The ticket to which the reports were made: what was split off goes back to those of the ticket it came from.
fn reported(record: &Record) -> TicketId {
    record.parent_id.unwrap_or(record.id)
}

fn complete(conn: &mut Conn, record: Record) -> Result<Loaded, DbError> {
    let orders = load_orders(conn, record.id)?;
    let course = course(&record)?;
    let accounts = reports::table.select(reports::account_id).order(reports::id);
    let reporters = if course.merged.is_empty() {
        let own = accounts.filter(reports::ticket_id.eq(reported(&record)));
        each_backend!(conn, conn => own.load(conn))?
    } else {
        let mut of = course.merged.clone();
        of.push(reported(&record));
        accounts.filter(reports::ticket_id.eq_any(of)).load(conn)?
    };
    from_record(record, course, orders, reporters)
}

fn course(record: &Record) -> Result<Course, DbError> {
    serde_json::from_str(&record.course).map_err(|error| DbError::corrupt("course", error))
}

fn from_record(
    r: Record,
    course: Course,
    orders: Vec<WorkOrder>,
    reporters: Vec<i64>,
) -> Result<Loaded, DbError> {
    let holder = match (r.holder_account, r.holder_unit, r.holder_until) {
        (Some(account), Some(unit), Some(until)) => {
            Some(Holder { account, unit, until: Moment::from_millis(until) })
        }
        _ => None,
    };
    let last_hash = r.last_hash.try_into().map_err(|_| DbError::corrupt("hash of ticket", r.id))?;
    let ticket = Ticket {
        id: r.id,
        district: r.district,
        state: State::stored(&r.state)?,
        version: r.version,
        grid: r.grid_id,
        category: r.category,
        urgent: r.urgent,
        responsible: r.responsible_id,
        holder,
        handler: r.handler_account,
        handler_unit: r.handler_unit,
        reporters,
        orders,
        returns: r.returns,
        reworks: r.reworks,
        reopens: r.reopens,
        rated_round: r.rated_round,
        created_at: Moment::from_millis(r.created_at),
        updated_at: Moment::from_millis(r.updated_at),
        filed_at: r.filed_at.map(Moment::from_millis),
        due_at: r.due_at.map(Moment::from_millis),
        closed_at: r.closed_at.map(Moment::from_millis),
        sensitive: r.sensitive,
        parent: r.parent_id,
        merged_into: r.merged_into_id,
        stage_due_at: r.stage_due_at.map(Moment::from_millis),
        soon_at: r.soon_at.map(Moment::from_millis),
        alarm_at: r.alarm_at.map(Moment::from_millis),
        course,
    };
    Ok(Loaded { ticket, number: r.number, title: r.title, lon: r.lon, lat: r.lat, last_hash })
}

fn load_orders(conn: &mut Conn, ticket: TicketId) -> Result<Vec<WorkOrder>, DbError> {
    let orders = work_orders::table.filter(work_orders::ticket_id.eq(ticket)).order(work_orders::seq);
    let rows: Vec<OrderRecord> = each_backend!(conn, conn => orders.load(conn))?;
    rows.into_iter().map(read_order).collect()
}

fn read_order(row: OrderRecord) -> Result<WorkOrder, DbError> {
    let state = OrderState::stored(&row.state)?;
    let timer = match row.timer {
        Some(text) => Some(serde_json::from_str(&text).map_err(|e| DbError::corrupt("timer", e))?),
        // Given before clocks were kept: only its beginning and its end are known.
        None => state
            .is_open()
            .then(|| Timer::until(Moment::from_millis(row.created_at), Moment::from_millis(row.due_at))),
    };
    Ok(WorkOrder {
        seq: row.seq,
        unit: row.unit_id,
        kind: OrderKind::stored(&row.kind)?,
        state,
        created_at: Moment::from_millis(row.created_at),
        due_at: Moment::from_millis(row.due_at),
        accepted_at: row.accepted_at.map(Moment::from_millis),
        ended_at: row.ended_at.map(Moment::from_millis),
        result: row.result,
        timer,
        handed_by: row.handed_by,
    })
}
