//! Devices that are signed in, and the refresh tokens by which they stay so.

use std::collections::HashSet;

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;

use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::kept::among;
use crate::db::schema::{refresh_tokens, sessions};

/// Devices of one account that are signed in at once; with one more, the one that was not used for longest is signed out.
pub const MOST_DEVICES: i64 = 50;
/// So often is a refresh token exchanged within the grace; more often it is no client that lost an answer.
const MOST_USES: i32 = 8;

/// A sign-in to be remembered.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The key.
    pub id: i64,
    /// Whose.
    pub account: AccountId,
    /// How: a word.
    pub means: &'static str,
    /// What the client calls itself.
    pub device: String,
    /// Until when it may be refreshed.
    pub expires: Moment,
}

/// A device that is signed in.
#[derive(Clone, Debug, Queryable)]
pub struct Device {
    /// The key.
    pub id: i64,
    /// How it signed in: a word.
    pub means: String,
    /// What the client calls itself.
    pub device: String,
    /// When it signed in, milliseconds.
    pub created_at: i64,
    /// When it last asked for an access token, milliseconds.
    pub last_at: i64,
    /// When it has to sign in again, milliseconds.
    pub expires_at: i64,
}

/// What came of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// There is no such token.
    Unknown,
    /// Its session is over.
    Over,
    /// It had been used: whoever shows it is not who was given its successor, so the session has been ended.
    Reused {
        /// Whose it was.
        account: AccountId,
        /// Which.
        session: i64,
    },
    /// It was exchanged.
    Rotated {
        /// Whose it is.
        account: AccountId,
        /// Which.
        session: i64,
        /// When it began, milliseconds.
        created_at: i64,
        /// Until when it may be refreshed, milliseconds.
        expires_at: i64,
    },
}

/// Remembers a sign-in with its first refresh token.
///
/// # Errors
/// The database's.
pub fn open(conn: &mut Conn, new: &NewSession, refresh: &[u8], now: Moment) -> Result<(), DbError> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(new.id),
            sessions::account_id.eq(new.account),
            sessions::means.eq(new.means),
            sessions::device.eq(&new.device),
            sessions::created_at.eq(now.millis()),
            sessions::last_at.eq(now.millis()),
            sessions::expires_at.eq(new.expires.millis()),
        ))
        .execute(conn)?;
    add_token(conn, new.id, refresh)?;
    let surplus: Vec<i64> = sessions::table
        .filter(sessions::account_id.eq(new.account))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::id.ne(new.id))
        .select(sessions::id)
        .order(sessions::last_at.desc())
        .offset(MOST_DEVICES - 1)
        .limit(MOST_DEVICES)
        .load(conn)?;
    if !surplus.is_empty() {
        diesel::update(sessions::table.filter(sessions::id.eq_any(surplus)))
            .set(sessions::ended_at.eq(now.millis()))
            .execute(conn)?;
    }
    Ok(())
}

fn add_token(conn: &mut Conn, session: i64, hash: &[u8]) -> Result<(), DbError> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(hash.to_vec()),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::uses.eq(0),
        ))
        .execute(conn)?;
    Ok(())
}

#[derive(Queryable)]
struct Row {
    account: i64,
    created_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
}

/// Exchanges a refresh token for the next one. The token of before may be exchanged again for `grace` milliseconds, by a
/// client that lost the answer; later it ends the session.
///
/// # Errors
/// The database's.
pub fn rotate(
    conn: &mut Conn,
    (old, new): (&[u8], &[u8]),
    grace: i64,
    now: Moment,
) -> Result<Refreshed, DbError> {
    let token = || refresh_tokens::table.find(old.to_vec());
    let session: Option<i64> = token().select(refresh_tokens::session_id).first(conn).optional()?;
    let Some(session) = session else { return Ok(Refreshed::Unknown) };
    let columns = (sessions::account_id, sessions::created_at, sessions::expires_at, sessions::ended_at);
    let row = sessions::table.find(session).select(columns);
    // Locked first, so that of two at once the second sees what the first one did.
    let row: Row = match &mut *conn {
        Conn::Sqlite(conn) => row.first(conn)?,
        Conn::Pg(conn) => row.for_update().first(conn)?,
    };
    let now = now.millis();
    if row.ended_at.is_some() || row.expires_at <= now {
        return Ok(Refreshed::Over);
    }
    let (used_at, uses): (Option<i64>, i32) =
        token().select((refresh_tokens::used_at, refresh_tokens::uses)).first(conn)?;
    let account = row.account;
    if used_at.is_some_and(|used| used.saturating_add(grace) < now) || uses >= MOST_USES {
        diesel::update(sessions::table.find(session)).set(sessions::ended_at.eq(now)).execute(conn)?;
        return Ok(Refreshed::Reused { account, session });
    }
    diesel::update(token())
        .set((refresh_tokens::used_at.eq(used_at.unwrap_or(now)), refresh_tokens::uses.eq(uses + 1)))
        .execute(conn)?;
    add_token(conn, session, new)?;
    diesel::update(sessions::table.find(session)).set(sessions::last_at.eq(now)).execute(conn)?;
    Ok(Refreshed::Rotated { account, session, created_at: row.created_at, expires_at: row.expires_at })
}

/// Which of these sessions have been ended.
///
/// # Errors
/// The database's.
pub fn ended(conn: &mut Conn, ids: &[i64]) -> Result<HashSet<i64>, DbError> {
    let mut found = HashSet::new();
    let Conn::Pg(pg) = conn else {
        for id in ids {
            let ended: Option<Option<i64>> =
                sessions::table.find(*id).select(sessions::ended_at).first(conn).optional()?;
            found.extend(ended.flatten().map(|_| *id));
        }
        return Ok(found);
    };
    let rows: Vec<i64> = sessions::table
        .filter(among(sessions::id, ids))
        .filter(sessions::ended_at.is_not_null())
        .select(sessions::id)
        .load(pg)?;
    found.extend(rows);
    Ok(found)
}

/// The devices on which an account is signed in, the one used last first.
///
/// # Errors
/// The database's.
pub fn devices(conn: &mut Conn, account: AccountId, now: Moment) -> Result<Vec<Device>, DbError> {
    Ok(sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.millis()))
        .select((
            sessions::id,
            sessions::means,
            sessions::device,
            sessions::created_at,
            sessions::last_at,
            sessions::expires_at,
        ))
        .order((sessions::last_at.desc(), sessions::id.desc()))
        .limit(MOST_DEVICES)
        .load(conn)?)
}

/// Signs one device of an account out; false where it has none such that is signed in.
///
/// # Errors
/// The database's.
pub fn end(conn: &mut Conn, account: AccountId, id: i64, now: Moment) -> Result<bool, DbError> {
    let open = sessions::table
        .find(id)
        .filter(sessions::account_id.eq(account))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.millis()));
    Ok(diesel::update(open).set(sessions::ended_at.eq(now.millis())).execute(conn)? == 1)
}

/// Signs all devices of an account out, save one; how many.
///
/// # Errors
/// The database's.
pub fn end_all(
    conn: &mut Conn,
    account: AccountId,
    save: Option<i64>,
    now: Moment,
) -> Result<usize, DbError> {
    let open = sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::id.ne(save.unwrap_or(0)));
    Ok(diesel::update(open).set(sessions::ended_at.eq(now.millis())).execute(conn)?)
}

/// Forgets sessions that could no longer be refreshed at an instant, `most` at once; how many.
///
/// # Errors
/// The database's.
pub fn sweep(conn: &mut Conn, before: Moment, most: i64) -> Result<usize, DbError> {
    let over: Vec<i64> = sessions::table
        .filter(sessions::expires_at.lt(before.millis()))
        .select(sessions::id)
        .order(sessions::expires_at)
        .limit(most)
        .load(conn)?;
    each_backend!(&mut *conn, conn => {
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(over.clone())))
            .execute(conn)?;
        diesel::delete(sessions::table.filter(sessions::id.eq_any(over.clone()))).execute(conn)?;
    });
    Ok(over.len())
}

/// Forgets all devices of an account; access tokens that are still good must be refused by the account itself.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut Conn, account: AccountId) -> Result<(), DbError> {
    let of = sessions::table.filter(sessions::account_id.eq(account));
    let ids: Vec<i64> = of.select(sessions::id).load(conn)?;
    each_backend!(&mut *conn, conn => {
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(ids.clone())))
            .execute(conn)?;
        diesel::delete(sessions::table.filter(sessions::id.eq_any(ids.clone()))).execute(conn)?;
    });
    Ok(())
}
