//! A step written down.

use diesel::prelude::*;
use suishoupai_core::flow::{Event, GENESIS, Step, Ticket, TicketId, link};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use super::records::{Change, EventRecord, EvidenceRecord, NoticeRecord, OrderRecord, Record};
use super::{Loaded, Opened, Place, projections};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::{events, evidence, notices, tickets, work_orders};
use crate::db::unnest::insert_rows;
use crate::db::update::update_kept;

/// Names the text that saves a ticket's row.
struct TicketChange;
/// Names the text that saves a work order.
struct OrderChange;

/// Writes newly opened tickets with their first events, and the notices of those.
///
/// # Errors
/// The database's; nothing is certain of any of them then.
pub fn insert(conn: &mut Conn, opened: &[Opened<'_>]) -> Result<(), DbError> {
    let mut rows = Vec::with_capacity(opened.len());
    let mut lines = Lines::default();
    for Opened { step, place, told } in opened {
        let content = content(&step.event)?;
        let hash = link(&GENESIS, &content);
        rows.push(opening(&step.ticket, place, hash)?);
        lines.add(step.ticket.district, &step.event, content, hash, told);
    }
    insert_tickets(conn, rows)?;
    lines.write(conn)
}

fn insert_tickets(conn: &mut Conn, rows: Vec<Record>) -> Result<(), DbError> {
    insert_rows!(
        conn,
        tickets,
        rows,
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
        }
    );
    Ok(())
}

/// The row of a ticket that has just been opened.
fn opening(t: &Ticket, place: &Place, hash: [u8; 32]) -> Result<Record, DbError> {
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
        handler_account: None,
        handler_unit: None,
        returns: 0,
        reworks: 0,
        reopens: 0,
        rated_round: None,
        title: place.title.clone(),
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
        merged_into_id: t.merged_into,
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
        merged_into_id: t.merged_into,
    };
    let unmoved = tickets::id.eq(t.id).and(tickets::version.eq(before.version));
    let saved = update_kept::<TicketChange, _, _, _>(tickets::table, change, unmoved);
    if each_backend!(conn, conn => saved.execute(conn))? == 0 {
        return Err(DbError::Conflict);
    }
    save_orders(conn, before, t)?;
    let mut lines = Lines::default();
    lines.add(t.district, &step.event, content, hash, told);
    lines.write(conn)?;
    projections::course(conn, before, t)?;
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
            let this = work_orders::ticket_id.eq(after.id).and(work_orders::seq.eq(order.seq));
            let saved = update_kept::<OrderChange, _, _, _>(work_orders::table, record, this);
            each_backend!(conn, conn => saved.execute(conn))?;
        } else {
            let added = diesel::insert_into(work_orders::table).values(record);
            each_backend!(conn, conn => added.execute(conn))?;
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

/// Lines of histories, with the photos that they name and the units that are told of them.
#[derive(Default)]
struct Lines {
    events: Vec<EventRecord>,
    evidence: Vec<EvidenceRecord>,
    notices: Vec<NoticeRecord>,
}

impl Lines {
    fn add(&mut self, district: i32, event: &Event, content: String, hash: [u8; 32], told: &[UnitId]) {
        let (ticket_id, verb) = (event.ticket, event.verb.as_str());
        self.events.push(EventRecord {
            ticket_id,
            seq: event.seq,
            district,
            at: event.at,
            verb,
            public: event.public,
            content,
            hash: hash.to_vec(),
        });
        self.evidence.extend(event.photos.iter().map(|photo| EvidenceRecord {
            ticket_id,
            photo_id: photo.id,
            stage: photo.stage.as_str(),
            district,
            event_seq: event.seq,
            created_at: event.at,
        }));
        self.notices.extend(told.iter().map(|unit| NoticeRecord {
            district,
            unit_id: *unit,
            ticket_id,
            event_seq: event.seq,
            verb,
            at: event.at,
        }));
    }

    fn write(self, conn: &mut Conn) -> Result<(), DbError> {
        insert_rows!(
            &mut *conn,
            events,
            self.events,
            EventRecord { ticket_id, seq, district, at, verb, public, content, hash }
        );
        // The same photo may be named again at the same stage; the first naming counts.
        insert_rows!(
            &mut *conn,
            evidence,
            self.evidence,
            EvidenceRecord { ticket_id, photo_id, stage, district, event_seq, created_at },
            on_conflict_do_nothing = " ON CONFLICT DO NOTHING"
        );
        insert_rows!(
            conn,
            notices,
            self.notices,
            NoticeRecord { district, unit_id, ticket_id, event_seq, verb, at }
        );
        Ok(())
    }
}
