//! A step of a supervision order written down.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use suishoupai_core::flow::supervision::{SupervisionEvent, SupervisionOrder, SupervisionStep};
use suishoupai_core::flow::{GENESIS, link};
use suishoupai_core::time::Moment;

use super::Loaded;
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::supervision_orders;
use crate::db::unnest::{Rows, insert_rows, together};
use crate::db::update::update_kept;

/// Names the text that saves the row of an order.
#[derive(QueryId)]
struct OrderChange;

#[derive(Queryable, Insertable)]
#[diesel(table_name = supervision_orders, treat_none_as_default_value = false)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) district: i32,
    pub(super) number: String,
    pub(super) unit_id: i64,
    pub(super) text: Option<String>,
    pub(super) state: String,
    pub(super) version: i64,
    pub(super) due_at: i64,
    pub(super) soon_at: i64,
    pub(super) pressing_at: Option<i64>,
    pub(super) issued_by: i64,
    pub(super) issued_at: i64,
    pub(super) replied_by: Option<i64>,
    pub(super) replied_at: Option<i64>,
    pub(super) accepted_at: Option<i64>,
    pub(super) rounds: i32,
    pub(super) last_hash: Vec<u8>,
    pub(super) updated_at: i64,
}

/// What a step may change in the row.
#[derive(AsChangeset)]
#[diesel(table_name = supervision_orders, treat_none_as_null = true)]
struct Change {
    state: &'static str,
    version: i64,
    due_at: i64,
    soon_at: i64,
    pressing_at: Option<i64>,
    replied_by: Option<i64>,
    replied_at: Option<i64>,
    accepted_at: Option<i64>,
    rounds: i32,
    last_hash: Vec<u8>,
    updated_at: i64,
}

struct TicketRecord {
    order_id: i64,
    ticket_id: i64,
}

struct PhotoRecord {
    order_id: i64,
    event_seq: i64,
    photo_id: i64,
}

struct EventRecord {
    order_id: i64,
    seq: i64,
    district: i32,
    at: i64,
    verb: &'static str,
    content: String,
    hash: Vec<u8>,
}

/// Writes a newly issued order with its first line.
///
/// # Errors
/// [`DbError::Constraint`] for a number that is there already; the database's.
pub fn insert(conn: &mut Conn, step: &SupervisionStep, number: &str) -> Result<(), DbError> {
    let order = &step.order;
    let content = content(&step.event)?;
    let hash = link(&GENESIS, &content);
    let record = Record {
        id: order.id,
        district: order.district,
        number: number.to_owned(),
        unit_id: order.recipient,
        text: order.text.clone(),
        state: order.state.as_str().to_owned(),
        version: order.version,
        due_at: order.due_at.millis(),
        soon_at: order.soon_at.millis(),
        pressing_at: order.pressing_at().map(Moment::millis),
        issued_by: order.issued_by,
        issued_at: order.issued_at.millis(),
        replied_by: None,
        replied_at: None,
        accepted_at: None,
        rounds: order.rounds,
        last_hash: hash.to_vec(),
        updated_at: order.updated_at.millis(),
    };
    let inserted = diesel::insert_into(supervision_orders::table).values(record);
    each_backend!(&mut *conn, conn => inserted.execute(conn))?;
    let tickets: Vec<_> =
        order.tickets.iter().map(|ticket| TicketRecord { order_id: order.id, ticket_id: *ticket }).collect();
    together(conn, |rows| {
        insert_rows!(rows, supervision_tickets, &tickets, TicketRecord { order_id, ticket_id });
        put_line(rows, order, &step.event, content, hash)
    })
}

/// Writes a step: the order's row by compare-and-set on its version, the line with its hash, its photos. `loaded`
/// becomes the state after it.
///
/// # Errors
/// [`DbError::Conflict`] when the version has moved; the database's.
pub fn save(conn: &mut Conn, loaded: &mut Loaded, step: SupervisionStep) -> Result<(), DbError> {
    let order = &step.order;
    let content = content(&step.event)?;
    let hash = link(&loaded.last_hash, &content);
    let change = Change {
        state: order.state.as_str(),
        version: order.version,
        due_at: order.due_at.millis(),
        soon_at: order.soon_at.millis(),
        pressing_at: order.pressing_at().map(Moment::millis),
        replied_by: order.replied_by,
        replied_at: order.replied_at.map(Moment::millis),
        accepted_at: order.accepted_at.map(Moment::millis),
        rounds: order.rounds,
        last_hash: hash.to_vec(),
        updated_at: order.updated_at.millis(),
    };
    let unmoved =
        supervision_orders::id.eq(order.id).and(supervision_orders::version.eq(loaded.order.version));
    let saved = update_kept::<OrderChange, _, _, _>(supervision_orders::table, change, unmoved);
    if each_backend!(&mut *conn, conn => saved.execute(conn))? == 0 {
        return Err(DbError::Conflict);
    }
    together(conn, |rows| put_line(rows, order, &step.event, content, hash))?;
    loaded.order = step.order;
    loaded.last_hash = hash;
    Ok(())
}

fn put_line(
    rows: &mut Rows<'_>,
    order: &SupervisionOrder,
    event: &SupervisionEvent,
    content: String,
    hash: [u8; 32],
) -> Result<(), DbError> {
    let line = EventRecord {
        order_id: order.id,
        seq: event.seq,
        district: order.district,
        at: event.at,
        verb: event.verb.as_str(),
        content,
        hash: hash.to_vec(),
    };
    insert_rows!(
        rows,
        supervision_events,
        [&line],
        EventRecord { order_id, seq, district, at, verb, content, hash }
    );
    let photos: Vec<_> = event
        .photos
        .iter()
        .map(|photo| PhotoRecord { order_id: order.id, event_seq: event.seq, photo_id: photo.id })
        .collect();
    insert_rows!(rows, supervision_photos, &photos, PhotoRecord { order_id, event_seq, photo_id });
    Ok(())
}

fn content(event: &SupervisionEvent) -> Result<String, DbError> {
    event.content().map_err(|error| DbError::corrupt("line of supervision", error))
}
