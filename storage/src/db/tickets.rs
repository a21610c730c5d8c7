//! Tickets with their work orders: loaded for the rules, and saved as one step.

use diesel::prelude::*;
use suishoupai_core::flow::{
    Event, GENESIS, Holder, OrderKind, OrderState, State, Step, Ticket, TicketId, WorkOrder, link,
};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{events, evidence, reports, tickets, work_orders};
use super::word::Word;

/// A ticket as the rules see it, with what only the database needs.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// For the rules.
    pub ticket: Ticket,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
    /// The hash of the last event.
    pub last_hash: [u8; 32],
}

/// Where a new ticket lies.
#[derive(Clone, Debug)]
pub struct Place {
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// The community of the grid.
    pub community: UnitId,
    /// The street of the grid.
    pub street: UnitId,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
}

#[derive(Queryable, Insertable, Clone)]
#[diesel(table_name = tickets)]
struct Record {
    id: i64,
    district: i32,
    number: String,
    state: String,
    version: i64,
    grid_id: i64,
    community_id: i64,
    street_id: i64,
    category: Option<String>,
    urgent: bool,
    responsible_id: i64,
    holder_account: Option<i64>,
    holder_unit: Option<i64>,
    holder_until: Option<i64>,
    handler_account: Option<i64>,
    handler_unit: Option<i64>,
    returns: i32,
    reworks: i32,
    reopens: i32,
    rated_round: Option<i32>,
    title: String,
    lon: f64,
    lat: f64,
    created_at: i64,
    updated_at: i64,
    filed_at: Option<i64>,
    due_at: Option<i64>,
    closed_at: Option<i64>,
    last_hash: Vec<u8>,
}

/// What a step may change in the ticket's row.
#[derive(AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
struct Change {
    state: &'static str,
    version: i64,
    category: Option<String>,
    urgent: bool,
    responsible_id: i64,
    holder_account: Option<i64>,
    holder_unit: Option<i64>,
    holder_until: Option<i64>,
    handler_account: Option<i64>,
    handler_unit: Option<i64>,
    returns: i32,
    reworks: i32,
    reopens: i32,
    rated_round: Option<i32>,
    updated_at: i64,
    filed_at: Option<i64>,
    due_at: Option<i64>,
    closed_at: Option<i64>,
    last_hash: Vec<u8>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = work_orders, treat_none_as_null = true)]
struct OrderRecord {
    ticket_id: i64,
    seq: i32,
    district: i32,
    unit_id: i64,
    kind: String,
    state: String,
    created_at: i64,
    due_at: i64,
    accepted_at: Option<i64>,
    ended_at: Option<i64>,
    result: Option<String>,
}

/// Loads a ticket to read it.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find(conn: &mut Conn, id: TicketId) -> Result<Option<Loaded>, DbError> {
    let record = tickets::table.find(id).first::<Record>(conn).optional()?;
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

fn complete(conn: &mut Conn, record: Record) -> Result<Loaded, DbError> {
    let orders = load_orders(conn, record.id)?;
    let reporters = reports::table
        .filter(reports::ticket_id.eq(record.id))
        .select(reports::account_id)
        .order(reports::id)
        .load(conn)?;
    from_record(record, orders, reporters)
}

fn from_record(r: Record, orders: Vec<WorkOrder>, reporters: Vec<i64>) -> Result<Loaded, DbError> {
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
    };
    Ok(Loaded { ticket, number: r.number, title: r.title, lon: r.lon, lat: r.lat, last_hash })
}

fn load_orders(conn: &mut Conn, ticket: TicketId) -> Result<Vec<WorkOrder>, DbError> {
    let rows: Vec<OrderRecord> =
        work_orders::table.filter(work_orders::ticket_id.eq(ticket)).order(work_orders::seq).load(conn)?;
    rows.into_iter()
        .map(|row| {
            Ok(WorkOrder {
                seq: row.seq,
                unit: row.unit_id,
                kind: OrderKind::stored(&row.kind)?,
                state: OrderState::stored(&row.state)?,
                created_at: Moment::from_millis(row.created_at),
                due_at: Moment::from_millis(row.due_at),
                accepted_at: row.accepted_at.map(Moment::from_millis),
                ended_at: row.ended_at.map(Moment::from_millis),
                result: row.result,
            })
        })
        .collect()
}

/// Writes a newly opened ticket with its first event.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, step: &Step, place: Place) -> Result<(), DbError> {
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
    };
    diesel::insert_into(tickets::table).values(&record).execute(conn)?;
    append(conn, t.district, &step.event, content, hash)
}

/// Writes a step: the ticket's row by compare-and-set on its version, its orders, the event with its hash and the
/// evidence. `loaded` becomes the state after the step, so that a second one can follow in the same transaction.
///
/// # Errors
/// [`DbError::Conflict`] when the version has moved; the database's.
pub fn save(conn: &mut Conn, loaded: &mut Loaded, step: Step) -> Result<(), DbError> {
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
    };
    let target = tickets::table.filter(tickets::id.eq(t.id).and(tickets::version.eq(before.version)));
    if diesel::update(target).set(&change).execute(conn)? == 0 {
        return Err(DbError::Conflict);
    }
    save_orders(conn, before, t)?;
    append(conn, t.district, &step.event, content, hash)?;
    loaded.ticket = step.ticket;
    loaded.last_hash = hash;
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
        };
        if known.is_some() {
            diesel::update(work_orders::table.find((after.id, order.seq))).set(&record).execute(conn)?;
        } else {
            diesel::insert_into(work_orders::table).values(&record).execute(conn)?;
        }
    }
    Ok(())
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
