//! 限制上报: reporters whose reports are not taken for a while. Until when stands beside the account too, which is read with
//! every request.

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, TicketId};
use suishoupai_core::model::District;
use suishoupai_core::restriction::{Decision, Restricted};
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{accounts, restrictions, service_keys};
use super::word::Word;

/// A restriction.
#[derive(Clone, Debug)]
pub struct Restriction {
    /// The key.
    pub id: i64,
    /// The district whose administrator ordered it.
    pub district: District,
    /// Whose reports are not taken.
    pub account: AccountId,
    /// The ticket by whose report the reporter was found.
    pub ticket: TicketId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: Moment,
    /// The words of the appeal.
    pub appeal: Option<String>,
    /// When there was one.
    pub appealed_at: Option<Moment>,
    /// The words of the decision.
    pub decision_words: Option<String>,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<Moment>,
    /// How it stands, for the rules.
    pub standing: Restricted,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = restrictions, treat_none_as_default_value = false)]
struct Record {
    id: i64,
    district: i32,
    account_id: i64,
    ticket_id: i64,
    reason: String,
    restricted_by: i64,
    created_at: i64,
    until: i64,
    appeal: Option<String>,
    appealed_at: Option<i64>,
    decision: Option<String>,
    decision_words: Option<String>,
    decided_by: Option<i64>,
    decided_at: Option<i64>,
}

impl Record {
    fn read(self) -> Result<Restriction, DbError> {
        let decision = self.decision.as_deref().map(Decision::stored).transpose()?;
        Ok(Restriction {
            id: self.id,
            district: self.district,
            account: self.account_id,
            ticket: self.ticket_id,
            reason: self.reason,
            created_at: Moment::from_millis(self.created_at),
            appealed_at: self.appealed_at.map(Moment::from_millis),
            decision_words: self.decision_words,
            decided_by: self.decided_by,
            decided_at: self.decided_at.map(Moment::from_millis),
            standing: Restricted {
                by: self.restricted_by,
                until: Moment::from_millis(self.until),
                appealed: self.appealed_at.is_some(),
                decision,
            },
            appeal: self.appeal,
        })
    }
}

/// Writes a new restriction down; no report of the account is taken from now on.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, new: &Restriction) -> Result<(), DbError> {
    let record = Record {
        id: new.id,
        district: new.district,
        account_id: new.account,
        ticket_id: new.ticket,
        reason: new.reason.clone(),
        restricted_by: new.standing.by,
        created_at: new.created_at.millis(),
        until: new.standing.until.millis(),
        appeal: None,
        appealed_at: None,
        decision: None,
        decision_words: None,
        decided_by: None,
        decided_at: None,
    };
    let insert = diesel::insert_into(restrictions::table).values(record);
    each_backend!(&mut *conn, conn => insert.execute(conn))?;
    let until = Some(new.standing.until.millis());
    diesel::update(accounts::table.find(new.account))
        .set(accounts::restricted_until.eq(until))
        .execute(conn)?;
    Ok(())
}

/// Locks the account, so that of several changes at once each sees what the one before has written; whether it is one that
/// acts for another system.
///
/// # Errors
/// The database's.
pub fn lock(conn: &mut Conn, account: AccountId) -> Result<bool, DbError> {
    // SQLite has one writer.
    if let Conn::Pg(conn) = conn {
        accounts::table.find(account).select(accounts::id).for_update().first::<i64>(conn).optional()?;
    }
    let keys = service_keys::table.filter(service_keys::account_id.eq(account)).select(service_keys::id);
    Ok(keys.first::<i64>(conn).optional()?.is_some())
}

/// The restriction with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<Restriction>, DbError> {
    let found: Option<Record> = restrictions::table.find(id).first(conn).optional()?;
    found.map(Record::read).transpose()
}

/// The last restriction of an account.
///
/// # Errors
/// The database's.
pub fn last_of(conn: &mut Conn, account: AccountId) -> Result<Option<Restriction>, DbError> {
    let own = restrictions::table.filter(restrictions::account_id.eq(account));
    let found: Option<Record> = own.order(restrictions::id.desc()).first(conn).optional()?;
    found.map(Record::read).transpose()
}

/// The restrictions of a district, the newest first; `before` is the last one of the page before.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut Conn,
    district: District,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Restriction>, DbError> {
    let rows: Vec<Record> = restrictions::table
        .filter(restrictions::district.eq(district))
        .filter(restrictions::id.lt(before.unwrap_or(i64::MAX)))
        .order(restrictions::id.desc())
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// Writes an appeal down.
///
/// # Errors
/// The database's.
pub fn appeal(conn: &mut Conn, id: i64, words: &str, now: Moment) -> Result<(), DbError> {
    diesel::update(restrictions::table.find(id))
        .set((restrictions::appeal.eq(words), restrictions::appealed_at.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// Writes a decision down; one that lifts lets reports be taken from now on.
///
/// # Errors
/// The database's.
pub fn decide(
    conn: &mut Conn,
    restriction: &Restriction,
    (decision, words): (Decision, &str),
    by: AccountId,
    now: Moment,
) -> Result<(), DbError> {
    diesel::update(restrictions::table.find(restriction.id))
        .set((
            restrictions::decision.eq(decision.as_str()),
            restrictions::decision_words.eq(words),
            restrictions::decided_by.eq(by),
            restrictions::decided_at.eq(now.millis()),
        ))
        .execute(conn)?;
    if decision == Decision::Lifted {
        diesel::update(accounts::table.find(restriction.account))
            .set(accounts::restricted_until.eq(None::<i64>))
            .execute(conn)?;
    }
    Ok(())
}

/// Forgets what an account has said in appeals.
///
/// # Errors
/// The database's.
pub(super) fn forget_appeals(conn: &mut Conn, account: AccountId) -> Result<(), DbError> {
    diesel::update(restrictions::table.filter(restrictions::account_id.eq(account)))
        .set(restrictions::appeal.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}
