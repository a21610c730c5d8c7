//! Keys by which other systems call the API.

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::service_keys;

/// A key, without the key itself.
#[derive(Clone, Debug, Queryable)]
pub struct ServiceKey {
    /// The key of the row.
    pub id: i64,
    /// The account that it acts as.
    pub account: AccountId,
    /// Which system has it.
    pub name: String,
    /// For what it is good: words, separated by commas.
    pub scopes: String,
    /// When it was made, milliseconds.
    pub created_at: i64,
    /// From when on it is refused, milliseconds.
    pub expires_at: i64,
    /// When it was taken back, milliseconds.
    pub revoked_at: Option<i64>,
}

type Columns = (
    service_keys::id,
    service_keys::account_id,
    service_keys::name,
    service_keys::scopes,
    service_keys::created_at,
    service_keys::expires_at,
    service_keys::revoked_at,
);

const COLUMNS: Columns = (
    service_keys::id,
    service_keys::account_id,
    service_keys::name,
    service_keys::scopes,
    service_keys::created_at,
    service_keys::expires_at,
    service_keys::revoked_at,
);

/// Remembers a key by its digest.
///
/// # Errors
/// The database's.
pub fn insert(
    conn: &mut Conn,
    key: &ServiceKey,
    hash: &[u8],
    (district, by): (District, AccountId),
) -> Result<(), DbError> {
    diesel::insert_into(service_keys::table)
        .values((
            service_keys::id.eq(key.id),
            service_keys::district.eq(district),
            service_keys::account_id.eq(key.account),
            service_keys::name.eq(&key.name),
            service_keys::scopes.eq(&key.scopes),
            service_keys::hash.eq(hash.to_vec()),
            service_keys::created_by.eq(by),
            service_keys::created_at.eq(key.created_at),
            service_keys::expires_at.eq(key.expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The key with this digest.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<ServiceKey>, DbError> {
    Ok(service_keys::table
        .filter(service_keys::hash.eq(hash.to_vec()))
        .select(COLUMNS)
        .first(conn)
        .optional()?)
}

/// The keys of a district after one of them; at most `limit`.
///
/// # Errors
/// The database's.
pub fn page(conn: &mut Conn, district: District, after: i64, limit: i64) -> Result<Vec<ServiceKey>, DbError> {
    Ok(service_keys::table
        .filter(service_keys::district.eq(district))
        .filter(service_keys::id.gt(after))
        .select(COLUMNS)
        .order(service_keys::id)
        .limit(limit)
        .load(conn)?)
}

/// Takes a key of the district back; gives its account, if there is such a key that has not been.
///
/// # Errors
/// The database's.
pub fn revoke(
    conn: &mut Conn,
    district: District,
    id: i64,
    now: Moment,
) -> Result<Option<AccountId>, DbError> {
    let open = || {
        service_keys::table
            .find(id)
            .filter(service_keys::district.eq(district))
            .filter(service_keys::revoked_at.is_null())
    };
    let account: Option<AccountId> = open().select(service_keys::account_id).first(conn).optional()?;
    diesel::update(open()).set(service_keys::revoked_at.eq(now.millis())).execute(conn)?;
    Ok(account)
}
