//! Originals of the photo store that no photo names. An object is written before its row, so an upload that is cut off
//! between the two leaves one behind.
//!
//! An object goes in three steps, each a transaction of its own: it is noted, doomed a day later if there is still no
//! row, and deleted. An upload takes the object off the list before it relies on it, so the same bytes may come
//! again at any time; only in the instant in which an object is doomed and not yet deleted it has to wait.

use std::collections::HashSet;

use diesel::prelude::*;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{orphans, photos};

/// An object and the digest in its key.
pub type Object = (String, [u8; 32]);

/// More of them on one page, and more than a tenth of the page, are not what uploads that were cut off leave behind.
const MANY: usize = 50;

/// Notes which of these objects no photo names, and forgets those that a photo names by now; says how many are new.
///
/// # Errors
/// The database's.
pub fn note(conn: &mut Conn, objects: &[Object], now: Moment) -> Result<usize, DbError> {
    let digests: Vec<Vec<u8>> = objects.iter().map(|(_, sha256)| sha256.to_vec()).collect();
    let named: HashSet<Vec<u8>> = photos::table
        .filter(photos::sha256.eq_any(digests))
        .select(photos::sha256)
        .distinct()
        .load(conn)?
        .into_iter()
        .collect();
    let unnamed: Vec<&Object> =
        objects.iter().filter(|(_, sha256)| !named.contains(sha256.as_slice())).collect();
    if unnamed.len() > MANY && unnamed.len() * 10 > objects.len() {
        tracing::error!(
            unnamed = unnamed.len(),
            of = objects.len(),
            "too many originals without a photo: does another installation use the same photo store? None is removed"
        );
        return Ok(0);
    }
    let mut noted = 0;
    for (key, sha256) in unnamed {
        let row = (
            orphans::object_key.eq(key),
            orphans::sha256.eq(sha256.to_vec()),
            orphans::found_at.eq(now.millis()),
            orphans::doomed.eq(false),
        );
        noted += each_backend!(&mut *conn, conn => diesel::insert_into(orphans::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(noted)
}

/// Dooms what was noted before `before` and still has no photo, and answers the keys of all that are doomed, of an
/// earlier sweep that was cut off too; at most `limit`.
///
/// # Errors
/// The database's.
pub fn doom(conn: &mut Conn, before: Moment, limit: i64) -> Result<Vec<String>, DbError> {
    let old: Vec<(String, Vec<u8>)> = orphans::table
        .filter(orphans::found_at.lt(before.millis()).and(orphans::doomed.eq(false)))
        .order(orphans::found_at)
        .select((orphans::object_key, orphans::sha256))
        .limit(limit)
        .load(conn)?;
    for (key, sha256) in old {
        let named: Option<i64> =
            photos::table.filter(photos::sha256.eq(sha256)).select(photos::id).first(conn).optional()?;
        let row = orphans::table.find(key);
        if named.is_some() {
            diesel::delete(row).execute(conn)?;
        } else {
            // Whoever has taken it off the list meanwhile holds the row, which is gone then.
            diesel::update(row).set(orphans::doomed.eq(true)).execute(conn)?;
        }
    }
    Ok(orphans::table.filter(orphans::doomed.eq(true)).select(orphans::object_key).limit(limit).load(conn)?)
}

/// Forgets objects that have been deleted.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut Conn, keys: &[String]) -> Result<(), DbError> {
    diesel::delete(orphans::table.filter(orphans::object_key.eq_any(keys.to_vec()))).execute(conn)?;
    Ok(())
}

/// Whether an object is on the list, which an upload of the same bytes then has to change.
///
/// # Errors
/// The database's.
pub fn is_noted(conn: &mut Conn, key: &str) -> Result<bool, DbError> {
    let found: Option<bool> = orphans::table.find(key).select(orphans::doomed).first(conn).optional()?;
    Ok(found.is_some())
}

/// Takes an object off the list, for an upload of the same bytes; false where it is being deleted.
///
/// # Errors
/// The database's.
pub fn rescue(conn: &mut Conn, key: &str) -> Result<bool, DbError> {
    let waiting = orphans::table.find(key).filter(orphans::doomed.eq(false));
    Ok(diesel::delete(waiting).execute(conn)? > 0 || !is_noted(conn, key)?)
}
