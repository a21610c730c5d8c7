//! What lists and scores read of the course of a ticket, as rows of their own. The course is the truth; these rows
//! are written with it in the same transaction.

use diesel::prelude::*;
use suishoupai_core::flow::{CalledBack, Event, Request, Ticket, Whistle};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{call_backs, notices, requests, summons};

#[derive(Queryable, Insertable, AsChangeset, Debug, PartialEq)]
#[diesel(table_name = requests, treat_none_as_null = true)]
struct RequestRow {
    ticket_id: i64,
    seq: i32,
    district: i32,
    kind: String,
    state: String,
    unit_id: i64,
    asked_by: i64,
    asked_at: i64,
    decided_by: Option<i64>,
    decided_at: Option<i64>,
}

#[derive(Queryable, Insertable, AsChangeset, Debug, PartialEq)]
#[diesel(table_name = summons, treat_none_as_null = true)]
struct SummonsRow {
    ticket_id: i64,
    seq: i32,
    unit_id: i64,
    district: i32,
    by_unit_id: i64,
    meet_at: i64,
    answered_at: Option<i64>,
    signed_in_at: Option<i64>,
    ended_at: Option<i64>,
}

#[derive(Queryable, Insertable, AsChangeset, Debug, PartialEq)]
#[diesel(table_name = call_backs, treat_none_as_null = true)]
struct CallBackRow {
    ticket_id: i64,
    round: i32,
    district: i32,
    called_by: i64,
    called_at: i64,
    solved: String,
    result: String,
    process: String,
    counted: bool,
    counted_reason: Option<String>,
    counted_by: Option<i64>,
}

/// Writes the rows that the step changed; most steps change none.
pub(super) fn course(conn: &mut Conn, before: &Ticket, after: &Ticket) -> Result<(), DbError> {
    for request in &after.course.requests {
        if before.course.requests.contains(request) {
            continue;
        }
        let row = request_row(after, request);
        if diesel::update(requests::table.find((after.id, request.seq))).set(&row).execute(conn)? == 0 {
            diesel::insert_into(requests::table).values(&row).execute(conn)?;
        }
    }
    for whistle in &after.course.whistles {
        if before.course.whistles.contains(whistle) {
            continue;
        }
        for row in summons_rows(after, whistle) {
            let target = summons::table.find((row.ticket_id, row.seq, row.unit_id));
            if diesel::update(target).set(&row).execute(conn)? == 0 {
                diesel::insert_into(summons::table).values(&row).execute(conn)?;
            }
        }
    }
    for call in &after.course.call_backs {
        if before.course.call_backs.contains(call) {
            continue;
        }
        let row = call_back_row(after, call);
        let target = call_backs::table.find((after.id, call.round));
        if diesel::update(target).set(&row).execute(conn)? == 0 {
            diesel::insert_into(call_backs::table).values(&row).execute(conn)?;
        }
    }
    Ok(())
}

/// The tables whose rows of a ticket are not those that its course calls for; none where all is well.
///
/// # Errors
/// The database's.
pub fn disagreeing(conn: &mut Conn, ticket: &Ticket) -> Result<Vec<&'static str>, DbError> {
    let mut wrong = Vec::new();
    let rows: Vec<RequestRow> =
        requests::table.filter(requests::ticket_id.eq(ticket.id)).order(requests::seq).load(conn)?;
    if !rows.into_iter().eq(ticket.course.requests.iter().map(|request| request_row(ticket, request))) {
        wrong.push("requests");
    }
    let rows: Vec<SummonsRow> = summons::table
        .filter(summons::ticket_id.eq(ticket.id))
        .order((summons::seq, summons::unit_id))
        .load(conn)?;
    let mut called: Vec<SummonsRow> =
        ticket.course.whistles.iter().flat_map(|whistle| summons_rows(ticket, whistle)).collect();
    called.sort_by_key(|row| (row.seq, row.unit_id));
    if rows != called {
        wrong.push("summons");
    }
    let rows: Vec<CallBackRow> =
        call_backs::table.filter(call_backs::ticket_id.eq(ticket.id)).order(call_backs::round).load(conn)?;
    if !rows.into_iter().eq(ticket.course.call_backs.iter().map(|call| call_back_row(ticket, call))) {
        wrong.push("call_backs");
    }
    Ok(wrong)
}

fn request_row(ticket: &Ticket, request: &Request) -> RequestRow {
    RequestRow {
        ticket_id: ticket.id,
        seq: request.seq,
        district: ticket.district,
        kind: request.kind.as_str().to_owned(),
        state: request.state.as_str().to_owned(),
        unit_id: request.unit,
        asked_by: request.asked_by,
        asked_at: request.asked_at.millis(),
        decided_by: request.decided_by,
        decided_at: request.decided_at.map(Moment::millis),
    }
}

fn summons_rows(ticket: &Ticket, whistle: &Whistle) -> impl Iterator<Item = SummonsRow> {
    whistle.units.iter().map(|unit| SummonsRow {
        ticket_id: ticket.id,
        seq: whistle.seq,
        unit_id: unit.unit,
        district: ticket.district,
        by_unit_id: whistle.by,
        meet_at: whistle.meet_at.millis(),
        answered_at: unit.answered_at.map(Moment::millis),
        signed_in_at: unit.signed_in_at.map(Moment::millis),
        ended_at: whistle.ended_at.map(Moment::millis),
    })
}

fn call_back_row(ticket: &Ticket, call: &CalledBack) -> CallBackRow {
    CallBackRow {
        ticket_id: ticket.id,
        round: call.round,
        district: ticket.district,
        called_by: call.by,
        called_at: call.at.millis(),
        solved: call.solved.as_str().to_owned(),
        result: call.result.as_str().to_owned(),
        process: call.process.as_str().to_owned(),
        counted: call.counted,
        counted_reason: call.counted_reason.clone(),
        counted_by: call.counted_by,
    }
}

/// Writes a notice for each unit that is to be told.
pub(super) fn notices(conn: &mut Conn, district: i32, event: &Event, told: &[UnitId]) -> Result<(), DbError> {
    for unit in told {
        diesel::insert_into(notices::table)
            .values((
                notices::district.eq(district),
                notices::unit_id.eq(unit),
                notices::ticket_id.eq(event.ticket),
                notices::event_seq.eq(event.seq),
                notices::verb.eq(event.verb.as_str()),
                notices::at.eq(event.at),
            ))
            .execute(conn)?;
    }
    Ok(())
}
