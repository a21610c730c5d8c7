//! Who an account is to somebody else who signs people in.

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;

use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::subjects;

/// The account of a subject.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, provider: &str, subject: &[u8]) -> Result<Option<AccountId>, DbError> {
    Ok(subjects::table
        .find((provider, subject.to_vec()))
        .select(subjects::account_id)
        .first(conn)
        .optional()?)
}

/// Remembers whose account a subject has.
///
/// # Errors
/// [`DbError::Constraint`] where the subject has one already; the database's.
pub fn insert(
    conn: &mut Conn,
    (provider, subject): (&str, &[u8]),
    account: AccountId,
    now: Moment,
) -> Result<(), DbError> {
    diesel::insert_into(subjects::table)
        .values((
            subjects::provider.eq(provider),
            subjects::subject.eq(subject.to_vec()),
            subjects::account_id.eq(account),
            subjects::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets by which subjects an account is known.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut Conn, account: AccountId) -> Result<(), DbError> {
    diesel::delete(subjects::table.filter(subjects::account_id.eq(account))).execute(conn)?;
    Ok(())
}

/// Whether an account is known to a provider.
///
/// # Errors
/// The database's.
pub fn has_one(conn: &mut Conn, provider: &str, account: AccountId) -> Result<bool, DbError> {
    let of = subjects::table.filter(subjects::account_id.eq(account)).filter(subjects::provider.eq(provider));
    let found: Option<i64> = of.select(subjects::account_id).first(conn).optional()?;
    Ok(found.is_some())
}
