//! First answers to requests that carried an `Idempotency-Key`, kept in the same transaction as what they created.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::idempotency;
use super::unnest::{Rows, insert_rows, together};

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

/// The answers kept under keys of accounts, as far as there are.
///
/// # Errors
/// The database's.
pub fn find(
    conn: &mut Conn,
    keys: &[(AccountId, &str)],
) -> Result<HashMap<(AccountId, String), Kept>, DbError> {
    type Row = ((AccountId, String), Kept);
    let columns = idempotency::table.select((
        (idempotency::account_id, idempotency::key),
        (idempotency::request_hash, idempotency::status, idempotency::body),
    ));
    let mut found = Vec::new();
    match conn {
        Conn::Pg(conn) if keys.len() > 1 => {
            let (accounts, words): (Vec<AccountId>, Vec<&str>) = keys.iter().copied().unzip();
            let any = idempotency::account_id.eq_any(accounts).and(idempotency::key.eq_any(words));
            // It finds too much where two accounts use the same words; nobody asks for that.
            found = columns.filter(any).load::<Row>(conn)?;
        }
        conn => {
            for (account, key) in keys {
                let one = columns.filter(idempotency::account_id.eq(account).and(idempotency::key.eq(key)));
                found.extend(each_backend!(&mut *conn, conn => one.first::<Row>(conn)).optional()?);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// An answer to be kept.
#[derive(Debug)]
pub struct Answer {
    /// Who asked.
    pub account_id: AccountId,
    /// `Idempotency-Key`
    pub key: String,
    /// SHA-256 of the request.
    pub request_hash: Vec<u8>,
    /// The status of the answer.
    pub status: i32,
    /// Its body.
    pub body: String,
    /// When, milliseconds since the epoch.
    pub created_at: i64,
}

/// Keeps an answer.
///
/// # Errors
/// [`DbError::Conflict`] when a concurrent request with the same key came first: doing the work again finds its
/// answer.
pub fn keep(conn: &mut Conn, answer: Answer) -> Result<(), DbError> {
    together(conn, |rows| put(rows, vec![&answer]))
}

/// Puts answers to what is written together, in the order of their keys, so that two processes which keep the same wait
/// for each other one way. Where a concurrent request with the same key came first, that is a conflict.
pub(super) fn put(rows: &mut Rows<'_>, mut answers: Vec<&Answer>) -> Result<(), DbError> {
    answers.sort_unstable_by_key(|answer| (answer.account_id, answer.key.as_str()));
    rows.race_for("idempotency");
    match put_answers(rows, answers) {
        Err(DbError::Constraint(_)) => Err(DbError::Conflict),
        outcome => outcome,
    }
}

fn put_answers(rows: &mut Rows<'_>, answers: Vec<&Answer>) -> Result<(), DbError> {
    insert_rows!(
        rows,
        idempotency,
        answers,
        Answer { account_id, key, request_hash, status, body, created_at }
    );
    Ok(())
}

/// Forgets answers older than `before`.
///
/// # Errors
/// The database's.
pub fn sweep(conn: &mut Conn, before: Moment) -> Result<usize, DbError> {
    Ok(diesel::delete(idempotency::table.filter(idempotency::created_at.lt(before.millis())))
        .execute(conn)?)
}
