//! What lies on a desk besides tickets: notices, requests that wait for a decision, summonses; and what the clocks
//! call the server for.

use std::cmp::Reverse;

use diesel::prelude::*;
use suishoupai_core::flow::{Course, Held, RequestKind, RequestState, State, TicketId, Verb};
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::lists::of_each;
use super::schema::{notices, requests, summons, tickets};
use super::word::Word;

/// What a unit is told about a ticket.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whom it is for.
    pub unit: UnitId,
    /// Which ticket.
    pub ticket: TicketId,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Which line of its history.
    pub event_seq: i64,
    /// What happened.
    pub verb: Verb,
    /// When.
    pub at: Moment,
}

/// The notices of some units, the newest first; `before` is the last one of the page before (instant, ticket, line).
///
/// # Errors
/// The database's.
pub fn notices_of(
    conn: &mut Conn,
    units: &[UnitId],
    before: Option<(i64, TicketId, i64)>,
    limit: i64,
) -> Result<Vec<Notice>, DbError> {
    let key = |notice: &Notice| Reverse((notice.at, notice.ticket, notice.event_seq));
    of_each(conn, units, limit, key, |conn, unit| notices_of_unit(conn, unit, before, limit))
}

fn notices_of_unit(
    conn: &mut Conn,
    unit: UnitId,
    before: Option<(i64, TicketId, i64)>,
    limit: i64,
) -> Result<Vec<Notice>, DbError> {
    let mut query = notices::table
        .inner_join(tickets::table)
        .filter(notices::unit_id.eq(unit))
        .select((
            notices::unit_id,
            notices::ticket_id,
            tickets::number,
            tickets::title,
            notices::event_seq,
            notices::verb,
            notices::at,
        ))
        .into_boxed();
    if let Some((at, ticket, seq)) = before {
        let of_ticket = notices::ticket_id.eq(ticket).and(notices::event_seq.lt(seq));
        let of_instant = notices::at.eq(at).and(notices::ticket_id.lt(ticket).or(of_ticket));
        // The first condition says nothing new, but lets SQLite begin in the middle of the index.
        query = query.filter(notices::at.le(at)).filter(notices::at.lt(at).or(of_instant));
    }
    type Record = (i64, i64, String, String, i64, String, i64);
    let rows: Vec<Record> = query
        .order((notices::at.desc(), notices::ticket_id.desc(), notices::event_seq.desc()))
        .limit(limit)
        .load(conn)?;
    rows.into_iter()
        .map(|(unit, ticket, number, title, event_seq, verb, at)| {
            let verb = Verb::stored(&verb)?;
            Ok(Notice { unit, ticket, number, title, event_seq, verb, at: Moment::from_millis(at) })
        })
        .collect()
}

/// A ticket that waits for the centre's look.
#[derive(Clone, Debug)]
pub struct HeldLine {
    /// Which ticket.
    pub ticket: TicketId,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// In which grid.
    pub grid: UnitId,
    /// Its version.
    pub version: i64,
    /// Why, and since when.
    pub held: Held,
}

/// The tickets of a district that wait for the centre's look, the oldest first; `after` is the last one of the page before.
///
/// # Errors
/// The database's.
pub fn held_of(
    conn: &mut Conn,
    district: District,
    after: Option<TicketId>,
    limit: i64,
) -> Result<Vec<HeldLine>, DbError> {
    type Record = (i64, String, String, i64, i64, String);
    let rows: Vec<Record> = tickets::table
        .filter(tickets::district.eq(district))
        .filter(tickets::held)
        .filter(tickets::id.gt(after.unwrap_or_default()))
        .select((
            tickets::id,
            tickets::number,
            tickets::title,
            tickets::grid_id,
            tickets::version,
            tickets::course,
        ))
        .order(tickets::id)
        .limit(limit)
        .load(conn)?;
    let read = |(ticket, number, title, grid, version, course): Record| {
        let course: Course =
            serde_json::from_str(&course).map_err(|error| DbError::corrupt("course", error))?;
        Ok(course.held.map(|held| HeldLine { ticket, number, title, grid, version, held }))
    };
    rows.into_iter().filter_map(|row| read(row).transpose()).collect()
}

/// A request in a list.
#[derive(Clone, Debug)]
pub struct RequestLine {
    /// Which ticket.
    pub ticket: TicketId,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Number of the request within its ticket.
    pub seq: i32,
    /// What was asked for.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// In which unit's name.
    pub unit: UnitId,
    /// When.
    pub asked_at: Moment,
}

/// The requests of a district in one state, the oldest ticket first; `after` is the last one of the page before.
///
/// # Errors
/// The database's.
pub fn requests_of(
    conn: &mut Conn,
    district: District,
    state: RequestState,
    after: Option<TicketId>,
    limit: i64,
) -> Result<Vec<RequestLine>, DbError> {
    let mut query = requests::table
        .inner_join(tickets::table)
        .filter(requests::district.eq(district).and(requests::state.eq(state.as_str())))
        .select((
            requests::ticket_id,
            tickets::number,
            tickets::title,
            requests::seq,
            requests::kind,
            requests::unit_id,
            requests::asked_at,
        ))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(requests::ticket_id.gt(after));
    }
    type Record = (i64, String, String, i32, String, i64, i64);
    let rows: Vec<Record> = query.order((requests::ticket_id, requests::seq)).limit(limit).load(conn)?;
    rows.into_iter()
        .map(|(ticket, number, title, seq, kind, unit, asked_at)| {
            let kind = RequestKind::stored(&kind)?;
            let asked_at = Moment::from_millis(asked_at);
            Ok(RequestLine { ticket, number, title, seq, kind, state, unit, asked_at })
        })
        .collect()
}

/// A summons in a list.
#[derive(Clone, Debug)]
pub struct SummonsLine {
    /// Which ticket.
    pub ticket: TicketId,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Who is summoned.
    pub unit: UnitId,
    /// Who summons.
    pub by: UnitId,
    /// When to meet.
    pub meet_at: Moment,
    /// When the unit said that it comes.
    pub answered_at: Option<Moment>,
    /// When it signed in.
    pub signed_in_at: Option<Moment>,
}

/// The open summonses of some units, the next meeting first, at most `limit`.
///
/// # Errors
/// The database's.
pub fn summonses_of(conn: &mut Conn, units: &[UnitId], limit: i64) -> Result<Vec<SummonsLine>, DbError> {
    let key = |line: &SummonsLine| (line.meet_at, line.ticket);
    of_each(conn, units, limit, key, |conn, unit| summonses_of_unit(conn, unit, limit))
}

fn summonses_of_unit(conn: &mut Conn, unit: UnitId, limit: i64) -> Result<Vec<SummonsLine>, DbError> {
    type Record = (i64, String, String, i64, i64, i64, Option<i64>, Option<i64>);
    let rows: Vec<Record> = summons::table
        .inner_join(tickets::table)
        .filter(summons::unit_id.eq(unit).and(summons::ended_at.is_null()))
        .select((
            summons::ticket_id,
            tickets::number,
            tickets::title,
            summons::unit_id,
            summons::by_unit_id,
            summons::meet_at,
            summons::answered_at,
            summons::signed_in_at,
        ))
        .order((summons::meet_at, summons::ticket_id))
        .limit(limit)
        .load(conn)?;
    let read = |(ticket, number, title, unit, by, meet_at, answered, signed_in): Record| SummonsLine {
        ticket,
        number,
        title,
        unit,
        by,
        meet_at: Moment::from_millis(meet_at),
        answered_at: answered.map(Moment::from_millis),
        signed_in_at: signed_in.map(Moment::from_millis),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Tickets of which a clock calls at or before `now`, the earliest first, at most `limit`.
///
/// # Errors
/// The database's.
pub fn alarmed(conn: &mut Conn, now: Moment, limit: i64) -> Result<Vec<TicketId>, DbError> {
    Ok(tickets::table
        .filter(tickets::alarm_at.le(now.millis()))
        .select(tickets::id)
        .order(tickets::alarm_at)
        .limit(limit)
        .load(conn)?)
}

/// When the earliest clock of all calls.
///
/// # Errors
/// The database's.
pub fn next_alarm(conn: &mut Conn) -> Result<Option<Moment>, DbError> {
    let first: Option<Option<i64>> = tickets::table
        .filter(tickets::alarm_at.is_not_null())
        .select(tickets::alarm_at)
        .order(tickets::alarm_at)
        .first(conn)
        .optional()?;
    Ok(first.flatten().map(Moment::from_millis))
}

/// The tickets of a district on which something is still expected, by key above `after`, at most `limit`: those
/// whose deadlines a change of the calendar can move.
///
/// # Errors
/// The database's.
pub fn running(
    conn: &mut Conn,
    district: District,
    after: TicketId,
    limit: i64,
) -> Result<Vec<TicketId>, DbError> {
    Ok(tickets::table
        .filter(tickets::district.eq(district).and(tickets::id.gt(after)))
        .filter(tickets::alarm_at.is_not_null().or(tickets::stage_due_at.is_not_null()))
        .filter(tickets::state.ne_all(State::UNDONE.map(State::as_str)))
        .select(tickets::id)
        .order(tickets::id)
        .limit(limit)
        .load(conn)?)
}
