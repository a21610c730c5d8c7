//! What officials sign in with besides their password: codes of a second factor, and recovery codes.

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;

use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::{credentials, recovery_codes};

/// What is asked of an account besides its password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Queryable)]
pub struct Credentials {
    /// The password was set by somebody else and has to be changed.
    pub must_change: bool,
    /// The sealed secret of the second factor, confirmed or not.
    pub factor_sealed: Option<Vec<u8>>,
    /// Since when the second factor is asked for; none until it has been confirmed.
    pub factor_since: Option<i64>,
}

impl Credentials {
    /// The sealed secret of a second factor that is asked for.
    pub fn factor(&self) -> Option<&[u8]> {
        self.factor_since.and(self.factor_sealed.as_deref())
    }
}

/// What is asked of the account besides its password.
///
/// # Errors
/// The database's.
pub fn of(conn: &mut Conn, account: AccountId) -> Result<Credentials, DbError> {
    let columns = (credentials::must_change, credentials::factor_sealed, credentials::factor_since);
    Ok(credentials::table.find(account).select(columns).first(conn).optional()?.unwrap_or_default())
}

/// Whether the password has to be changed at the next sign-in.
///
/// # Errors
/// The database's.
pub fn set_must_change(conn: &mut Conn, account: AccountId, must_change: bool) -> Result<(), DbError> {
    let row = (
        credentials::account_id.eq(account),
        credentials::must_change.eq(must_change),
        credentials::factor_step.eq(0),
    );
    each_backend!(&mut *conn, conn => diesel::insert_into(credentials::table)
        .values(row)
        .on_conflict(credentials::account_id)
        .do_update()
        .set(credentials::must_change.eq(must_change))
        .execute(conn))?;
    Ok(())
}

/// Remembers the secret of a second factor that has yet to be confirmed, in place of one that has not been either.
/// False where there is a confirmed one; nothing is changed then.
///
/// # Errors
/// The database's.
pub fn begin(conn: &mut Conn, account: AccountId, sealed: &[u8]) -> Result<bool, DbError> {
    let must_change = of(conn, account)?.must_change;
    set_must_change(conn, account, must_change)?;
    let unconfirmed = credentials::table.find(account).filter(credentials::factor_since.is_null());
    let changed = diesel::update(unconfirmed)
        .set((credentials::factor_sealed.eq(sealed.to_vec()), credentials::factor_step.eq(0)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Confirms a second factor by its first code; false where it has been confirmed already.
///
/// # Errors
/// The database's.
pub fn confirm(conn: &mut Conn, account: AccountId, step: i64, now: Moment) -> Result<bool, DbError> {
    let unconfirmed = credentials::table.find(account).filter(credentials::factor_since.is_null());
    let changed = diesel::update(unconfirmed)
        .set((credentials::factor_since.eq(now.millis()), credentials::factor_step.eq(step)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Uses the code of a step of the clock; false where that or a later one has been used.
///
/// # Errors
/// The database's.
pub fn use_step(conn: &mut Conn, account: AccountId, step: i64) -> Result<bool, DbError> {
    let unused = credentials::table.find(account).filter(credentials::factor_step.lt(step));
    let changed = diesel::update(unused).set(credentials::factor_step.eq(step)).execute(conn)?;
    Ok(changed == 1)
}

/// Takes the second factor and its recovery codes away.
///
/// # Errors
/// The database's.
pub fn drop_factor(conn: &mut Conn, account: AccountId) -> Result<(), DbError> {
    diesel::update(credentials::table.find(account))
        .set((
            credentials::factor_sealed.eq(None::<Vec<u8>>),
            credentials::factor_since.eq(None::<i64>),
            credentials::factor_step.eq(0),
        ))
        .execute(conn)?;
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(conn)?;
    Ok(())
}

/// Puts new recovery codes, by their digests, in place of all of before.
///
/// # Errors
/// The database's.
pub fn put_recovery(conn: &mut Conn, account: AccountId, hashes: &[Vec<u8>]) -> Result<(), DbError> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(conn)?;
    for hash in hashes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::account_id.eq(account), recovery_codes::hash.eq(hash.clone())))
            .execute(conn)?;
    }
    Ok(())
}

/// Uses a recovery code; false where there is none such, or it has been used.
///
/// # Errors
/// The database's.
pub fn use_recovery(conn: &mut Conn, account: AccountId, hash: &[u8], now: Moment) -> Result<bool, DbError> {
    let unused =
        recovery_codes::table.find((account, hash.to_vec())).filter(recovery_codes::used_at.is_null());
    let changed = diesel::update(unused).set(recovery_codes::used_at.eq(now.millis())).execute(conn)?;
    Ok(changed == 1)
}

/// How many recovery codes have not been used.
///
/// # Errors
/// The database's.
pub fn recovery_left(conn: &mut Conn, account: AccountId) -> Result<i64, DbError> {
    Ok(recovery_codes::table
        .filter(recovery_codes::account_id.eq(account))
        .filter(recovery_codes::used_at.is_null())
        .count()
        .get_result(conn)?)
}

/// Which of the accounts have a confirmed second factor.
///
/// # Errors
/// The database's.
pub fn with_factor(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<AccountId>, DbError> {
    Ok(credentials::table
        .filter(credentials::account_id.eq_any(accounts.to_vec()))
        .filter(credentials::factor_since.is_not_null())
        .select(credentials::account_id)
        .load(conn)?)
}
