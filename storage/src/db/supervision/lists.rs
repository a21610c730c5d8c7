//! Lists of supervision orders: keyset pages, each with an index that serves its filter and its order.

use diesel::prelude::*;
use suishoupai_core::flow::supervision::{SupervisionId, SupervisionState, pressure};
use suishoupai_core::flow::{Pressure, TicketId};
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{supervision_orders, supervision_tickets};
use crate::db::word::Word;

/// One line of a list.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The key.
    pub id: SupervisionId,
    /// 督办单号
    pub number: String,
    /// Who must reply.
    pub recipient: UnitId,
    /// What is to be done, in words.
    pub text: Option<String>,
    /// Where it stands.
    pub state: SupervisionState,
    /// The version.
    pub version: i64,
    /// When the reply must be there, or had to be.
    pub due_at: Moment,
    /// From when that is due soon.
    pub soon_at: Moment,
    /// The deadline while it presses.
    pub pressing_at: Option<Moment>,
    /// When it was issued.
    pub issued_at: Moment,
    /// When the unit replied in this round.
    pub replied_at: Option<Moment>,
    /// When the reply was accepted.
    pub accepted_at: Option<Moment>,
    /// How many replies have been demanded.
    pub rounds: i32,
}

impl Summary {
    /// Whether time presses at `now`.
    pub fn pressure(&self, now: Moment) -> Pressure {
        pressure(self.pressing_at, self.soon_at, now)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = supervision_orders)]
struct Record {
    id: i64,
    number: String,
    unit_id: i64,
    text: Option<String>,
    state: String,
    version: i64,
    due_at: i64,
    soon_at: i64,
    pressing_at: Option<i64>,
    issued_at: i64,
    replied_at: Option<i64>,
    accepted_at: Option<i64>,
    rounds: i32,
}

impl Record {
    fn read(self) -> Result<Summary, DbError> {
        Ok(Summary {
            id: self.id,
            number: self.number,
            recipient: self.unit_id,
            text: self.text,
            state: SupervisionState::stored(&self.state)?,
            version: self.version,
            due_at: Moment::from_millis(self.due_at),
            soon_at: Moment::from_millis(self.soon_at),
            pressing_at: self.pressing_at.map(Moment::from_millis),
            issued_at: Moment::from_millis(self.issued_at),
            replied_at: self.replied_at.map(Moment::from_millis),
            accepted_at: self.accepted_at.map(Moment::from_millis),
            rounds: self.rounds,
        })
    }
}

/// Whose orders a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of a whole district.
    District(District),
    /// Those for one of these units.
    Units(Vec<UnitId>),
}

/// What narrows a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<SupervisionState>,
    /// Only what presses so at this instant.
    pub pressure: Option<(Pressure, Moment)>,
    /// Only with a smaller key: the cursor of the order by age.
    pub before: Option<SupervisionId>,
    /// By urgency, from after this deadline and key; only orders whose deadline presses. None: by age.
    pub urgency: Option<(i64, SupervisionId)>,
    /// At most so many lines.
    pub limit: i64,
}

/// The orders of a scope, newest or most urgent first.
///
/// # Errors
/// The database's.
pub fn page(conn: &mut Conn, scope: &Scope, filter: &Filter) -> Result<Vec<Summary>, DbError> {
    use supervision_orders as orders;
    let mut query = orders::table.select(Record::as_select()).into_boxed();
    query = match scope {
        Scope::District(code) => query.filter(orders::district.eq(*code)),
        // One unit keeps the order of the index; several are sorted.
        Scope::Units(units) => match units.as_slice() {
            [unit] => query.filter(orders::unit_id.eq(*unit)),
            units => query.filter(orders::unit_id.eq_any(units.to_vec())),
        },
    };
    if let Some(state) = filter.state {
        query = query.filter(orders::state.eq(state.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(orders::id.lt(before));
    }
    if let Some((pressure, now)) = filter.pressure {
        let (due, soon, now) = (orders::pressing_at, orders::soon_at, now.millis());
        query = query.filter(due.is_not_null());
        query = match pressure {
            Pressure::Overdue => query.filter(due.le(now)),
            Pressure::DueSoon => query.filter(due.gt(now)).filter(soon.le(now)),
            Pressure::Normal => query.filter(due.gt(now)).filter(soon.gt(now)),
        };
    }
    if let Some((due, id)) = filter.urgency {
        let later = orders::pressing_at.gt(due).or(orders::pressing_at.eq(due).and(orders::id.gt(id)));
        query = query
            .filter(orders::pressing_at.is_not_null().and(later))
            .order((orders::pressing_at.asc(), orders::id.asc()));
    } else {
        query = query.order(orders::id.desc());
    }
    let rows: Vec<Record> = query.limit(filter.limit).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// An order, named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The key.
    pub id: SupervisionId,
    /// 督办单号
    pub number: String,
    /// Where it stands.
    pub state: SupervisionState,
}

/// The orders that are about a ticket, the oldest first; at most 100.
///
/// # Errors
/// The database's.
pub fn of_ticket(conn: &mut Conn, ticket: TicketId) -> Result<Vec<Numbered>, DbError> {
    let rows: Vec<(i64, String, String)> = supervision_tickets::table
        .inner_join(supervision_orders::table)
        .filter(supervision_tickets::ticket_id.eq(ticket))
        .select((supervision_orders::id, supervision_orders::number, supervision_orders::state))
        .order(supervision_tickets::order_id)
        .limit(100)
        .load(conn)?;
    rows.into_iter()
        .map(|(id, number, state)| Ok(Numbered { id, number, state: SupervisionState::stored(&state)? }))
        .collect()
}
