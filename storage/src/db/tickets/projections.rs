//! What lists and scores read of the course of a ticket, as rows of their own. The course is the truth; these rows
//! are written with it in the same transaction.

use diesel::prelude::*;
use suishoupai_core::flow::{Event, Request, Ticket};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{call_backs, notices, requests, summons};

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = requests, treat_none_as_null = true)]
struct RequestRow {
    ticket_id: i64,
    seq: i32,
    district: i32,
    kind: &'static str,
    state: &'static str,
    unit_id: i64,
    asked_by: i64,
    asked_at: i64,
    decided_by: Option<i64>,
    decided_at: Option<i64>,
}

#[derive(Insertable, AsChangeset)]
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

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = call_backs, treat_none_as_null = true)]
struct CallBackRow {
    ticket_id: i64,
    round: i32,
    district: i32,
    called_by: i64,
    called_at: i64,
    solved: &'static str,
    result: &'static str,
    process: &'static str,
    counted: bool,
    counted_reason: Option<String>,
    counted_by: Option<i64>,
}

/// Writes the rows that the step changed; most steps change none.
pub(super) fn course(conn: &mut Conn, before: &Ticket, after: &Ticket) -> Result<(), DbError> {
    for request in &after.course.requests {
        if !before.course.requests.contains(request) {
            save_request(conn, after, request)?;
        }
    }
    for whistle in &after.course.whistles {
        if before.course.whistles.contains(whistle) {
            continue;
        }
        for unit in &whistle.units {
            let row = SummonsRow {
                ticket_id: after.id,
                seq: whistle.seq,
                unit_id: unit.unit,
                district: after.district,
                by_unit_id: whistle.by,
                meet_at: whistle.meet_at.millis(),
                answered_at: unit.answered_at.map(Moment::millis),
                signed_in_at: unit.signed_in_at.map(Moment::millis),
                ended_at: whistle.ended_at.map(Moment::millis),
            };
            let target = summons::table.find((after.id, whistle.seq, unit.unit));
            if diesel::update(target).set(&row).execute(conn)? == 0 {
                diesel::insert_into(summons::table).values(&row).execute(conn)?;
            }
        }
    }
    for call in &after.course.call_backs {
        if before.course.call_backs.contains(call) {
            continue;
        }
        let row = CallBackRow {
            ticket_id: after.id,
            round: call.round,
            district: after.district,
            called_by: call.by,
            called_at: call.at.millis(),
            solved: call.solved.as_str(),
            result: call.result.as_str(),
            process: call.process.as_str(),
            counted: call.counted,
            counted_reason: call.counted_reason.clone(),
            counted_by: call.counted_by,
        };
        let target = call_backs::table.find((after.id, call.round));
        if diesel::update(target).set(&row).execute(conn)? == 0 {
            diesel::insert_into(call_backs::table).values(&row).execute(conn)?;
        }
    }
    Ok(())
}

fn save_request(conn: &mut Conn, ticket: &Ticket, request: &Request) -> Result<(), DbError> {
    let row = RequestRow {
        ticket_id: ticket.id,
        seq: request.seq,
        district: ticket.district,
        kind: request.kind.as_str(),
        state: request.state.as_str(),
        unit_id: request.unit,
        asked_by: request.asked_by,
        asked_at: request.asked_at.millis(),
        decided_by: request.decided_by,
        decided_at: request.decided_at.map(Moment::millis),
    };
    if diesel::update(requests::table.find((ticket.id, request.seq))).set(&row).execute(conn)? == 0 {
        diesel::insert_into(requests::table).values(&row).execute(conn)?;
    }
    Ok(())
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
