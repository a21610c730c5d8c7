//! 附议: residents who follow a ticket that somebody else reported. It is no report: nothing was sent, and the history
//! of the ticket does not grow by it.

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, TicketId};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{followers, tickets};

/// That somebody follows a ticket.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Follower {
    /// The key.
    pub id: i64,
    /// The ticket.
    pub ticket: TicketId,
    /// Since when.
    pub since: i64,
}

/// Lets an account follow a ticket; once is enough.
///
/// # Errors
/// The database's.
pub fn add(
    conn: &mut Conn,
    id: i64,
    (ticket, account): (TicketId, AccountId),
    district: District,
    now: Moment,
) -> Result<(), DbError> {
    let values = (
        followers::id.eq(id),
        followers::ticket_id.eq(ticket),
        followers::account_id.eq(account),
        followers::district.eq(district),
        followers::created_at.eq(now.millis()),
    );
    each_backend!(conn, conn => diesel::insert_into(followers::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// Ends it, also where it began with a ticket that was merged into this one.
///
/// # Errors
/// The database's.
pub fn remove(conn: &mut Conn, ticket: TicketId, account: AccountId) -> Result<(), DbError> {
    let merged = tickets::table.filter(tickets::merged_into_id.eq(ticket)).select(tickets::id);
    let own = followers::ticket_id.eq(ticket).or(followers::ticket_id.eq_any(merged));
    diesel::delete(followers::table.filter(followers::account_id.eq(account).and(own))).execute(conn)?;
    Ok(())
}

/// How an account follows a ticket, or one that was merged into it; the first one counts.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, ticket: TicketId, account: AccountId) -> Result<Option<Follower>, DbError> {
    let merged = tickets::table.filter(tickets::merged_into_id.eq(ticket)).select(tickets::id);
    let own = followers::ticket_id.eq(ticket).or(followers::ticket_id.eq_any(merged));
    Ok(followers::table
        .filter(followers::account_id.eq(account).and(own))
        .select((followers::id, followers::ticket_id, followers::created_at))
        .order(followers::id)
        .first(conn)
        .optional()?)
}

/// A followed ticket in a list.
#[derive(Clone, Debug, Queryable)]
pub struct Line {
    /// The key of the following.
    pub id: i64,
    /// The ticket as it was followed.
    pub ticket: TicketId,
    /// Since when.
    pub since: i64,
    /// The beginning of the report.
    pub title: String,
    /// State, as its word.
    pub state: String,
    /// When it last changed.
    pub updated_at: i64,
    /// Whether it has become one that only some may see.
    pub sensitive: bool,
    /// The ticket that goes on for it, of which all of these then are.
    pub merged_into: Option<TicketId>,
}

/// What an account follows, the last one first.
///
/// # Errors
/// The database's.
pub fn of_account(
    conn: &mut Conn,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>, DbError> {
    let mut query = followers::table
        .inner_join(tickets::table)
        .filter(followers::account_id.eq(account))
        .select((
            followers::id,
            followers::ticket_id,
            followers::created_at,
            tickets::title,
            tickets::state,
            tickets::updated_at,
            tickets::sensitive,
            tickets::merged_into_id,
        ))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(followers::id.lt(before));
    }
    let mut lines: Vec<Line> = query.order(followers::id.desc()).limit(limit).load(conn)?;
    let merged: Vec<TicketId> = lines.iter().filter_map(|line| line.merged_into).collect();
    if merged.is_empty() {
        return Ok(lines);
    }
    let others: Vec<(TicketId, String, String, i64, bool)> = tickets::table
        .filter(tickets::id.eq_any(merged))
        .select((tickets::id, tickets::title, tickets::state, tickets::updated_at, tickets::sensitive))
        .load(conn)?;
    for line in &mut lines {
        let main = others.iter().find(|(id, ..)| Some(*id) == line.merged_into);
        if let Some((id, title, state, updated_at, sensitive)) = main {
            (line.ticket, line.title, line.state) = (*id, title.clone(), state.clone());
            (line.updated_at, line.sensitive) = (*updated_at, line.sensitive || *sensitive);
        }
    }
    Ok(lines)
}
