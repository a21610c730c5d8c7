//! Sign-in codes, and counters that bound attempts.

use std::collections::HashMap;

use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{login_codes, throttles};
use super::unnest::{insert_rows, together};

/// The last code sent to a phone.
#[derive(Clone, Debug, Queryable)]
pub struct LoginCode {
    /// Keyed hash of the code.
    pub code_hash: Vec<u8>,
    /// Good until then.
    pub expires_at: i64,
    /// Wrong tries so far.
    pub tries: i32,
    /// When it was sent.
    pub sent_at: i64,
}

/// Remembers a code, in place of one that was sent before `before`, or after `now` by a clock that was set back since. Gives when the last one was sent where that is not
/// as long ago; nothing is changed then. Of several at once one is remembered.
///
/// # Errors
/// The database's.
pub fn save_code(
    conn: &mut Conn,
    phone: &[u8],
    code_hash: &[u8],
    expires_at: Moment,
    (now, before): (Moment, Moment),
) -> Result<Option<i64>, DbError> {
    let row = (
        login_codes::phone_index.eq(phone.to_vec()),
        login_codes::code_hash.eq(code_hash.to_vec()),
        login_codes::expires_at.eq(expires_at.millis()),
        login_codes::tries.eq(0),
        login_codes::sent_at.eq(now.millis()),
    );
    let replaced = (
        login_codes::code_hash.eq(excluded(login_codes::code_hash)),
        login_codes::expires_at.eq(excluded(login_codes::expires_at)),
        login_codes::tries.eq(excluded(login_codes::tries)),
        login_codes::sent_at.eq(excluded(login_codes::sent_at)),
    );
    let save = diesel::insert_into(login_codes::table)
        .values(row)
        .on_conflict(login_codes::phone_index)
        .do_update()
        .set(replaced);
    let waited = login_codes::sent_at.le(before.millis()).or(login_codes::sent_at.gt(now.millis()));
    let save = diesel::query_dsl::methods::FilterDsl::filter(save, waited);
    let saved = each_backend!(&mut *conn, conn => save.execute(conn))?;
    if saved > 0 {
        return Ok(None);
    }
    Ok(Some(login_codes::table.find(phone.to_vec()).select(login_codes::sent_at).first(conn)?))
}

/// The code of a phone, inside a write: the row is locked, so that two tries at once both count.
///
/// # Errors
/// The database's.
pub fn code_for_update(conn: &mut Conn, phone: &[u8]) -> Result<Option<LoginCode>, DbError> {
    let columns = (login_codes::code_hash, login_codes::expires_at, login_codes::tries, login_codes::sent_at);
    let target = login_codes::table.find(phone.to_vec()).select(columns);
    Ok(match conn {
        Conn::Sqlite(conn) => target.first(conn).optional()?,
        Conn::Pg(conn) => target.for_update().first(conn).optional()?,
    })
}

/// Counts a wrong try.
///
/// # Errors
/// The database's.
pub fn count_try(conn: &mut Conn, phone: &[u8]) -> Result<(), DbError> {
    diesel::update(login_codes::table.find(phone.to_vec()))
        .set(login_codes::tries.eq(login_codes::tries + 1))
        .execute(conn)?;
    Ok(())
}

/// Forgets a code that has been used.
///
/// # Errors
/// The database's.
pub fn drop_code(conn: &mut Conn, phone: &[u8]) -> Result<(), DbError> {
    diesel::delete(login_codes::table.find(phone.to_vec())).execute(conn)?;
    Ok(())
}

/// Counts a hit under `key` in a fixed window of `window_millis`, and tells how many there are now and when the
/// window ends. The counter is locked until the transaction ends, so hits of several processes at once all count.
///
/// # Errors
/// The database's.
pub fn hit(conn: &mut Conn, key: &str, window_millis: i64, now: Moment) -> Result<(i32, Moment), DbError> {
    let start = now.millis() - now.millis().rem_euclid(window_millis);
    let row = (throttles::key.eq(key), throttles::window_start.eq(start), throttles::hits.eq(1));
    let same_window = throttles::window_start.eq(excluded(throttles::window_start));
    each_backend!(&mut *conn, conn => diesel::insert_into(throttles::table)
        .values(row)
        .on_conflict(throttles::key)
        .do_update()
        .set((
            throttles::hits.eq(case_when(same_window, throttles::hits + 1).otherwise(1)),
            throttles::window_start.eq(excluded(throttles::window_start)),
        ))
        .execute(conn))?;
    let hits = throttles::table.find(key).select(throttles::hits).first(conn)?;
    Ok((hits, Moment::from_millis(start + window_millis)))
}

struct More {
    key: String,
    window_start: i64,
    hits: i32,
}

/// Adds hits that were counted elsewhere, under keys in their order; the sums by key.
///
/// # Errors
/// The database's.
pub fn add(
    conn: &mut Conn,
    more: &[(String, i32)],
    window_millis: i64,
    now: Moment,
) -> Result<HashMap<String, i32>, DbError> {
    let window_start = now.millis() - now.millis().rem_euclid(window_millis);
    let keys: Vec<&str> = more.iter().map(|(key, _)| key.as_str()).collect();
    let fresh: Vec<More> =
        keys.iter().map(|key| More { key: (*key).to_owned(), window_start, hits: 0 }).collect();
    together(conn, |rows| {
        insert_rows!(rows, throttles, &fresh, More { key, window_start, hits }, " ON CONFLICT DO NOTHING");
        Ok(())
    })?;
    // Those of a window before begin anew; the rest is one statement for each count, of which there are few.
    let old = throttles::table.filter(throttles::key.eq_any(keys.clone()));
    diesel::update(old.filter(throttles::window_start.ne(window_start)))
        .set((throttles::window_start.eq(window_start), throttles::hits.eq(0)))
        .execute(conn)?;
    let mut by_count: HashMap<i32, Vec<&str>> = HashMap::new();
    for (key, hits) in more {
        by_count.entry(*hits).or_default().push(key);
    }
    for (hits, keys) in by_count {
        diesel::update(throttles::table.filter(throttles::key.eq_any(keys)))
            .set(throttles::hits.eq(throttles::hits + hits))
            .execute(conn)?;
    }
    let sums = throttles::table.filter(throttles::key.eq_any(keys));
    Ok(sums.select((throttles::key, throttles::hits)).load(conn)?.into_iter().collect())
}

/// Takes a hit of the present window back.
///
/// # Errors
/// The database's.
pub fn take_back(conn: &mut Conn, key: &str, window_millis: i64, now: Moment) -> Result<(), DbError> {
    let start = now.millis() - now.millis().rem_euclid(window_millis);
    let counted = throttles::table.find(key).filter(throttles::window_start.eq(start));
    let counted = counted.filter(throttles::hits.gt(0));
    diesel::update(counted).set(throttles::hits.eq(throttles::hits - 1)).execute(conn)?;
    Ok(())
}

/// The hits under `key` in the present window.
///
/// # Errors
/// The database's.
pub fn hits(conn: &mut Conn, key: &str, window_millis: i64, now: Moment) -> Result<(i32, Moment), DbError> {
    let start = now.millis() - now.millis().rem_euclid(window_millis);
    let found = throttles::table
        .find(key)
        .filter(throttles::window_start.eq(start))
        .select(throttles::hits)
        .first(conn)
        .optional()?;
    Ok((found.unwrap_or(0), Moment::from_millis(start + window_millis)))
}

/// Removes counters whose window began before `before`.
///
/// # Errors
/// The database's.
pub fn sweep_throttles(conn: &mut Conn, before: Moment) -> Result<usize, DbError> {
    Ok(diesel::delete(throttles::table.filter(throttles::window_start.lt(before.millis()))).execute(conn)?)
}
