//! First answers to requests that carried an `Idempotency-Key`, kept in the same transaction as what they created.

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::idempotency;

/// A kept answer.
#[derive(Clone, Debug, Queryable)]
pub struct Kept {
    /// SHA-256 of the request.
    pub request_hash: Vec<u8>,
    /// The status of the answer.
    pub status: i32,
    /// Its body.
    pub body: String,
}

/// The answer kept under this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, account: AccountId, key: &str) -> Result<Option<Kept>, DbError> {
    Ok(idempotency::table
        .find((account, key))
        .select((idempotency::request_hash, idempotency::status, idempotency::body))
        .first(conn)
        .optional()?)
}

/// Keeps an answer.
///
/// # Errors
/// [`DbError::Conflict`] when a concurrent request with the same key came first: doing the work again finds its
/// answer.
pub fn keep(conn: &mut Conn, account: AccountId, key: &str, kept: &Kept, now: Moment) -> Result<(), DbError> {
    let row = (
        idempotency::account_id.eq(account),
        idempotency::key.eq(key),
        idempotency::request_hash.eq(&kept.request_hash),
        idempotency::status.eq(kept.status),
        idempotency::body.eq(&kept.body),
        idempotency::created_at.eq(now.millis()),
    );
    match diesel::insert_into(idempotency::table).values(row).execute(conn).map_err(DbError::from) {
        Ok(_) => Ok(()),
        Err(DbError::Constraint(_)) => Err(DbError::Conflict),
        Err(error) => Err(error),
    }
}

/// Forgets answers older than `before`.
///
/// # Errors
/// The database's.
pub fn sweep(conn: &mut Conn, before: Moment) -> Result<usize, DbError> {
    Ok(diesel::delete(idempotency::table.filter(idempotency::created_at.lt(before.millis())))
        .execute(conn)?)
}
