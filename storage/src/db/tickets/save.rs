//! A step written down.

use diesel::prelude::*;
use suishoupai_core::flow::{Event, GENESIS, Step, Ticket, TicketId, WorkOrder, link};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use super::delta::{self, Delta};
use super::lines::Lines;
use super::records::{Change, Claim, Instants, OrderChange, OrderRecord, Record};
use super::{Loaded, Opened, Place, projections};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::{tickets, work_orders};
use crate::db::unnest::{Rows, insert_rows, together};
use crate::db::update::{Several, update_kept};

/// Writes newly opened tickets with their first events, and the notices of those.
///
/// # Errors
/// The database's; nothing is certain of any of them then.
pub fn insert(conn: &mut Conn, opened: &[Opened<'_>]) -> Result<(), DbError> {
    let fresh = opened.iter().map(Fresh::of).collect::<Result<Vec<_>, _>>()?;
    together(conn, |rows| put(rows, fresh.iter()))
}

/// A newly opened ticket with its first line, as the rows that are to be written.
#[derive(Debug)]
pub(in crate::db) struct Fresh {
    ticket: Record,
    delta: Delta,
    lines: Lines,
}

impl Fresh {
    pub(in crate::db) fn of(Opened { step, place, told }: &Opened<'_>) -> Result<Self, DbError> {
        let content = content(&step.event)?;
        let hash = link(&GENESIS, &content);
        let ticket = record(&step.ticket, place, hash)?;
        let mut lines = Lines::default();
        lines.add(step.ticket.district, &step.event, content, hash, told);
        Ok(Self { delta: Delta::of(&ticket), ticket, lines })
    }
}

/// Puts newly opened tickets, with their first events and the notices of those, to what is written together.
pub(in crate::db) fn put<'f>(
    rows: &mut Rows<'_>,
    fresh: impl Iterator<Item = &'f Fresh> + Clone,
) -> Result<(), DbError> {
    put_tickets(rows, fresh.clone().map(|one| &one.ticket))?;
    delta::put(rows, fresh.clone().map(|one| &one.delta))?;
    Lines::put(fresh.map(|one| &one.lines), rows)
}

fn put_tickets<'r>(rows: &mut Rows<'_>, records: impl Iterator<Item = &'r Record>) -> Result<(), DbError> {
    insert_rows!(
        rows,
        tickets,
        records,
        Record {
            id,
            district,
            number,
            state,
            version,
            grid_id,
            community_id,
            street_id,
            category,
            urgent,
            responsible_id,
            holder_account,
            holder_unit,
            holder_until,
            handler_account,
            handler_unit,
            returns,
            reworks,
            reopens,
            rated_round,
            title,
            lon,
            lat,
            created_at,
            updated_at,
            filed_at,
            due_at,
            closed_at,
            last_hash,
            sensitive,
            parent_id,
            stage_due_at,
            soon_at,
            alarm_at,
            course,
            merged_into_id,
            held,
        }
    );
    Ok(())
}

/// The row of a ticket as it stands; `hash` is that of its last line.
pub(super) fn record(t: &Ticket, place: &Place, hash: [u8; 32]) -> Result<Record, DbError> {
    Ok(Record {
        id: t.id,
        district: t.district,
        number: place.number.clone(),
        state: t.state.as_str().to_owned(),
        version: t.version,
        grid_id: t.grid,
        community_id: place.community,
        street_id: place.street,
        category: t.category.clone(),
        urgent: t.urgent,
        responsible_id: t.responsible,
        holder_account: t.holder.map(|holder| holder.account),
        holder_unit: t.holder.map(|holder| holder.unit),
        holder_until: t.holder.map(|holder| holder.until.millis()),
        handler_account: t.handler,
        handler_unit: t.handler_unit,
        returns: t.returns,
        reworks: t.reworks,
        reopens: t.reopens,
        rated_round: t.rated_round,
        title: place.title.clone(),
        lon: place.lon,
        lat: place.lat,
        created_at: t.created_at.millis(),
        updated_at: t.updated_at.millis(),
        filed_at: t.filed_at.map(Moment::millis),
        due_at: t.due_at.map(Moment::millis),
        closed_at: t.closed_at.map(Moment::millis),
        last_hash: hash.to_vec(),
        sensitive: t.sensitive,
        parent_id: t.parent,
        stage_due_at: t.stage_due_at.map(Moment::millis),
        soon_at: t.soon_at.map(Moment::millis),
        alarm_at: t.alarm_at.map(Moment::millis),
        course: json("course", &t.course)?,
        merged_into_id: t.merged_into,
        held: t.course.held.is_some(),
    })
}

/// Writes a step: the ticket's row by compare-and-set on its version, its orders, the event with its hash and the
/// evidence; `told` are the units that get a notice. `loaded` becomes the state after the step, so that a second one can follow in the same transaction.
///
/// # Errors
/// [`DbError::Conflict`] when the version has moved; the database's.
pub fn save(conn: &mut Conn, loaded: &mut Loaded, step: Step, told: &[UnitId]) -> Result<(), DbError> {
    let before = &loaded.ticket;
    let t = &step.ticket;
    let content = content(&step.event)?;
    let hash = link(&loaded.last_hash, &content);
    if save_row(conn, before, t, hash)? == 0 {
        return Err(DbError::Conflict);
    }
    change_orders(conn, before, t)?;
    let mut lines = Lines::default();
    lines.add(t.district, &step.event, content, hash, told);
    together(conn, |rows| {
        put_orders(rows, before, t)?;
        Lines::put(std::iter::once(&lines), rows)
    })?;
    projections::course(conn, before, t)?;
    loaded.ticket = step.ticket;
    loaded.last_hash = hash;
    Ok(())
}

/// Writes a ticket's row, if its version is still the one before; answers how many rows that were.
fn save_row(conn: &mut Conn, before: &Ticket, t: &Ticket, hash: [u8; 32]) -> Result<usize, DbError> {
    // PostgreSQL itself looks which columns have other values, so there one text is enough.
    let whole = matches!(conn, Conn::Pg(_));
    let (claimed, claim) = (claim(before), claim(t));
    let (stood, instants) = (instants(before), instants(t));
    let course = if whole || before.course != t.course { Some(json("course", &t.course)?) } else { None };
    let always = Change {
        version: t.version,
        category: t.category.clone(),
        urgent: t.urgent,
        handler_account: t.handler,
        handler_unit: t.handler_unit,
        returns: t.returns,
        reworks: t.reworks,
        reopens: t.reopens,
        rated_round: t.rated_round,
        updated_at: t.updated_at.millis(),
        filed_at: t.filed_at.map(Moment::millis),
        due_at: t.due_at.map(Moment::millis),
        closed_at: t.closed_at.map(Moment::millis),
        last_hash: hash.to_vec(),
        sensitive: t.sensitive,
    };
    let change = (
        always,
        (whole || before.state != t.state).then(|| tickets::state.eq(t.state.as_str())),
        (whole || before.responsible != t.responsible).then(|| tickets::responsible_id.eq(t.responsible)),
        (whole || claimed != claim).then_some(claim),
        (whole || stood != instants).then_some(instants),
        (whole || before.alarm_at != t.alarm_at)
            .then(|| tickets::alarm_at.eq(t.alarm_at.map(Moment::millis))),
        (whole || before.course.held != t.course.held).then(|| tickets::held.eq(t.course.held.is_some())),
        (whole || before.merged_into != t.merged_into).then(|| tickets::merged_into_id.eq(t.merged_into)),
        course.map(|course| tickets::course.eq(course)),
    );
    let unmoved = tickets::id.eq(t.id).and(tickets::version.eq(before.version));
    let saved = update_kept::<Several, _, _, _>(tickets::table, change, unmoved);
    Ok(each_backend!(conn, conn => saved.execute(conn))?)
}

fn claim(ticket: &Ticket) -> Claim {
    Claim {
        holder_account: ticket.holder.map(|holder| holder.account),
        holder_unit: ticket.holder.map(|holder| holder.unit),
        holder_until: ticket.holder.map(|holder| holder.until.millis()),
    }
}

fn instants(ticket: &Ticket) -> Instants {
    Instants {
        stage_due_at: ticket.stage_due_at.map(Moment::millis),
        soon_at: ticket.soon_at.map(Moment::millis),
    }
}

/// Sets when the server next has to look at a ticket, where the row disagrees with the clocks; no step is written.
///
/// # Errors
/// The database's.
pub fn set_alarm(conn: &mut Conn, ticket: TicketId, at: Option<Moment>) -> Result<(), DbError> {
    let target = tickets::table.find(ticket);
    diesel::update(target).set(tickets::alarm_at.eq(at.map(Moment::millis))).execute(conn)?;
    Ok(())
}

/// The order as it was before, if there was one.
fn known<'t>(before: &'t Ticket, order: &WorkOrder) -> Option<&'t WorkOrder> {
    before.orders.iter().find(|known| known.seq == order.seq)
}

fn change_orders(conn: &mut Conn, before: &Ticket, after: &Ticket) -> Result<(), DbError> {
    for order in &after.orders {
        match known(before, order) {
            Some(known) if known != order => change_order(conn, after.id, known, order)?,
            _ => {}
        }
    }
    Ok(())
}

fn put_orders(rows: &mut Rows<'_>, before: &Ticket, after: &Ticket) -> Result<(), DbError> {
    let new = after.orders.iter().filter(|order| known(before, order).is_none());
    let records = new.map(|order| order_record(after, order)).collect::<Result<Vec<_>, _>>()?;
    insert_rows!(
        rows,
        work_orders,
        &records,
        OrderRecord {
            ticket_id,
            seq,
            district,
            unit_id,
            kind,
            state,
            created_at,
            due_at,
            accepted_at,
            ended_at,
            result,
            timer,
            handed_by,
        }
    );
    Ok(())
}

fn change_order(
    conn: &mut Conn,
    ticket: TicketId,
    before: &WorkOrder,
    after: &WorkOrder,
) -> Result<(), DbError> {
    let whole = matches!(conn, Conn::Pg(_));
    let always = OrderChange {
        kind: after.kind.as_str().to_owned(),
        accepted_at: after.accepted_at.map(Moment::millis),
        ended_at: after.ended_at.map(Moment::millis),
        result: after.result.clone(),
        timer: after.timer.as_ref().map(|timer| json("timer", timer)).transpose()?,
        handed_by: after.handed_by,
    };
    let given = (before.unit, before.created_at) != (after.unit, after.created_at);
    let stands = (before.state, before.due_at) != (after.state, after.due_at);
    let change = (
        always,
        (whole || given).then(|| {
            (work_orders::unit_id.eq(after.unit), work_orders::created_at.eq(after.created_at.millis()))
        }),
        (whole || stands).then(|| {
            (work_orders::state.eq(after.state.as_str()), work_orders::due_at.eq(after.due_at.millis()))
        }),
    );
    let this = work_orders::ticket_id.eq(ticket).and(work_orders::seq.eq(after.seq));
    let saved = update_kept::<Several, _, _, _>(work_orders::table, change, this);
    each_backend!(conn, conn => saved.execute(conn))?;
    Ok(())
}

pub(super) fn order_record(ticket: &Ticket, order: &WorkOrder) -> Result<OrderRecord, DbError> {
    Ok(OrderRecord {
        ticket_id: ticket.id,
        seq: order.seq,
        district: ticket.district,
        unit_id: order.unit,
        kind: order.kind.as_str().to_owned(),
        state: order.state.as_str().to_owned(),
        created_at: order.created_at.millis(),
        due_at: order.due_at.millis(),
        accepted_at: order.accepted_at.map(Moment::millis),
        ended_at: order.ended_at.map(Moment::millis),
        result: order.result.clone(),
        timer: order.timer.as_ref().map(|timer| json("timer", timer)).transpose()?,
        handed_by: order.handed_by,
    })
}

fn json(what: &'static str, value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::corrupt(what, error))
}

pub(super) fn content(event: &Event) -> Result<String, DbError> {
    event.content().map_err(|error| DbError::corrupt("event", error))
}
