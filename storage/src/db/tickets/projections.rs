//! What lists and scores read of the course of a ticket, as rows of their own. The course is the truth; these rows
//! are written with it in the same transaction.

use diesel::prelude::*;
use suishoupai_core::flow::{CalledBack, Request, Ticket, TicketId, Whistle};
use suishoupai_core::time::Moment;

use super::Loaded;
use crate::db::conn::{Conn, pour_rows};
use crate::db::error::DbError;
use crate::db::schema::{call_backs, requests, summons};

#[derive(Queryable, Insertable, AsChangeset, Debug, PartialEq)]
#[diesel(table_name = requests, treat_none_as_null = true, treat_none_as_default_value = false)]
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
#[diesel(table_name = summons, treat_none_as_null = true, treat_none_as_default_value = false)]
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
#[diesel(table_name = call_backs, treat_none_as_null = true, treat_none_as_default_value = false)]
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
        if before.course.requests.iter().any(|known| known.seq == request.seq) {
            diesel::update(requests::table.find((after.id, request.seq))).set(row).execute(conn)?;
        } else {
            diesel::insert_into(requests::table).values(row).execute(conn)?;
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

/// All rows of the courses of some tickets.
#[derive(Default)]
pub(super) struct Courses {
    requests: Vec<RequestRow>,
    summons: Vec<SummonsRow>,
    call_backs: Vec<CallBackRow>,
}

impl Courses {
    /// Adds the rows of a ticket.
    pub(super) fn add(&mut self, ticket: &Ticket) {
        let course = &ticket.course;
        self.requests.extend(course.requests.iter().map(|request| request_row(ticket, request)));
        self.summons.extend(course.whistles.iter().flat_map(|whistle| summons_rows(ticket, whistle)));
        self.call_backs.extend(course.call_backs.iter().map(|call| call_back_row(ticket, call)));
    }

    /// Writes them, where none of their tickets has rows yet.
    pub(super) fn write(self, conn: &mut Conn) -> Result<(), DbError> {
        pour_rows!(conn, requests::table, self.requests);
        pour_rows!(conn, summons::table, self.summons);
        pour_rows!(conn, call_backs::table, self.call_backs);
        Ok(())
    }
}

/// The tickets, all those with keys from the first to the last of a page, and the tables whose rows are not those
/// that their courses call for; none where all is well.
///
/// # Errors
/// The database's.
pub fn disagreeing(conn: &mut Conn, page: &[Loaded]) -> Result<Vec<(TicketId, &'static str)>, DbError> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(Vec::new()) };
    let (first, last) = (first.ticket.id, last.ticket.id);
    let rows: Vec<RequestRow> = requests::table
        .filter(requests::ticket_id.between(first, last))
        .order((requests::ticket_id, requests::seq))
        .load(conn)?;
    let mut wrong = unlike(
        page,
        "requests",
        rows,
        |row| row.ticket_id,
        |ticket| ticket.course.requests.iter().map(|request| request_row(ticket, request)).collect(),
    );
    let rows: Vec<SummonsRow> = summons::table
        .filter(summons::ticket_id.between(first, last))
        .order((summons::ticket_id, summons::seq, summons::unit_id))
        .load(conn)?;
    wrong.extend(unlike(
        page,
        "summons",
        rows,
        |row| row.ticket_id,
        |ticket| {
            let whistles = ticket.course.whistles.iter();
            let mut called: Vec<_> = whistles.flat_map(|whistle| summons_rows(ticket, whistle)).collect();
            called.sort_by_key(|row| (row.seq, row.unit_id));
            called
        },
    ));
    let rows: Vec<CallBackRow> = call_backs::table
        .filter(call_backs::ticket_id.between(first, last))
        .order((call_backs::ticket_id, call_backs::round))
        .load(conn)?;
    wrong.extend(unlike(
        page,
        "call_backs",
        rows,
        |row| row.ticket_id,
        |ticket| ticket.course.call_backs.iter().map(|call| call_back_row(ticket, call)).collect(),
    ));
    Ok(wrong)
}

/// The tickets of a page whose rows of `table`, given in the order of keys, are not the expected ones.
fn unlike<R: PartialEq>(
    page: &[Loaded],
    table: &'static str,
    rows: Vec<R>,
    key: impl Fn(&R) -> TicketId,
    expected: impl Fn(&Ticket) -> Vec<R>,
) -> Vec<(TicketId, &'static str)> {
    let mut rest = rows.as_slice();
    let mut wrong = Vec::new();
    for Loaded { ticket, .. } in page {
        let (own, others) = rest.split_at(rest.partition_point(|row| key(row) <= ticket.id));
        rest = others;
        if own != expected(ticket) {
            wrong.push((ticket.id, table));
        }
    }
    wrong
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
