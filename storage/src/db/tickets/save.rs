//! A step written down.

use diesel::prelude::*;
use suishoupai_core::flow::{Event, GENESIS, Step, Ticket, TicketId, link};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use super::records::{Change, OrderRecord, Record};
use super::{Loaded, Place, projections};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::{events, evidence, tickets, work_orders};

/// Writes a newly opened ticket with its first event; `told` are the units that get a notice.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, step: &Step, place: Place, told: &[UnitId]) -> Result<(), DbError> {
    let t = &step.ticket;
    let content = content(&step.event)?;
    let hash = link(&GENESIS, &content);
    let record = Record {
        id: t.id,
        district: t.district,
        number: place.number,
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
        handler_account: None,
        handler_unit: None,
        returns: 0,
        reworks: 0,
        reopens: 0,
        rated_round: None,
        title: place.title,
        lon: place.lon,
        lat: place.lat,
        created_at: t.created_at.millis(),
        updated_at: t.updated_at.millis(),
        filed_at: None,
        due_at: None,
        closed_at: None,
        last_hash: hash.to_vec(),
        sensitive: t.sensitive,
        parent_id: t.parent,
        stage_due_at: t.stage_due_at.map(Moment::millis),
        soon_at: t.soon_at.map(Moment::millis),
        alarm_at: t.alarm_at.map(Moment::millis),
        course: json("course", &t.course)?,
    };
    diesel::insert_into(tickets::table).values(&record).execute(conn)?;
    append(conn, t.district, &step.event, content, hash)?;
    projections::notices(conn, t.district, &step.event, told)
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
    let change = Change {
        state: t.state.as_str(),
        version: t.version,
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
        updated_at: t.updated_at.millis(),
        filed_at: t.filed_at.map(Moment::millis),
        due_at: t.due_at.map(Moment::millis),
        closed_at: t.closed_at.map(Moment::millis),
        last_hash: hash.to_vec(),
        sensitive: t.sensitive,
        stage_due_at: t.stage_due_at.map(Moment::millis),
        soon_at: t.soon_at.map(Moment::millis),
        alarm_at: t.alarm_at.map(Moment::millis),
        course: json("course", &t.course)?,
    };
    let target = tickets::table.filter(tickets::id.eq(t.id).and(tickets::version.eq(before.version)));
    if diesel::update(target).set(&change).execute(conn)? == 0 {
        return Err(DbError::Conflict);
    }
    save_orders(conn, before, t)?;
    append(conn, t.district, &step.event, content, hash)?;
    projections::course(conn, before, t)?;
    projections::notices(conn, t.district, &step.event, told)?;
    loaded.ticket = step.ticket;
    loaded.last_hash = hash;
    Ok(())
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

fn save_orders(conn: &mut Conn, before: &Ticket, after: &Ticket) -> Result<(), DbError> {
    for order in &after.orders {
        let known = before.orders.iter().find(|known| known.seq == order.seq);
        if known == Some(order) {
            continue;
        }
        let record = OrderRecord {
            ticket_id: after.id,
            seq: order.seq,
            district: after.district,
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
        };
        if known.is_some() {
            diesel::update(work_orders::table.find((after.id, order.seq))).set(&record).execute(conn)?;
        } else {
            diesel::insert_into(work_orders::table).values(&record).execute(conn)?;
        }
    }
    Ok(())
}

fn json(what: &'static str, value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::corrupt(what, error))
}

fn content(event: &Event) -> Result<String, DbError> {
    event.content().map_err(|error| DbError::corrupt("event", error))
}

fn append(
    conn: &mut Conn,
    district: i32,
    event: &Event,
    content: String,
    hash: [u8; 32],
) -> Result<(), DbError> {
    diesel::insert_into(events::table)
        .values((
            events::ticket_id.eq(event.ticket),
            events::seq.eq(event.seq),
            events::district.eq(district),
            events::at.eq(event.at),
            events::verb.eq(event.verb.as_str()),
            events::public.eq(event.public),
            events::content.eq(content),
            events::hash.eq(hash.to_vec()),
        ))
        .execute(conn)?;
    for photo in &event.photos {
        let row = (
            evidence::ticket_id.eq(event.ticket),
            evidence::photo_id.eq(photo.id),
            evidence::stage.eq(photo.stage.as_str()),
            evidence::district.eq(district),
            evidence::event_seq.eq(event.seq),
            evidence::created_at.eq(event.at),
        );
        // The same photo may be named again at the same stage; the first naming counts.
        each_backend!(conn, conn => diesel::insert_into(evidence::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}
