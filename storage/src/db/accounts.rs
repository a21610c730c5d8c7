//! Accounts and their posts.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, Post, Role};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::kept::among;
use super::schema::{accounts, posts};
use super::word::Word;

/// An account with its posts.
#[derive(Clone, Debug)]
pub struct Account {
    /// The key.
    pub id: AccountId,
    /// The district that it belongs to.
    pub district: District,
    /// Whether it is an official's.
    pub is_official: bool,
    /// The sign-in name of an official.
    pub login: Option<String>,
    /// What others see: the official's name, or a resident's masked number.
    pub display_name: String,
    /// Argon2 hash of an official's password.
    pub password_hash: Option<String>,
    /// The phone, sealed.
    pub phone_sealed: Option<Vec<u8>>,
    /// Whether it may sign in.
    pub is_active: bool,
    /// Tokens issued before this instant are no longer good.
    pub tokens_from: Moment,
    /// Until when its reports are looked at by the centre first, because too many were refused as false.
    pub distrusted_until: Option<Moment>,
    /// Until when no report of it is taken.
    pub restricted_until: Option<Moment>,
    /// 岗位, with those of colleagues on leave for whom the account stands in.
    pub posts: Vec<Post>,
    /// The colleagues on leave for whom it stands in.
    pub stands_for: Vec<AccountId>,
}

/// What a new account is made of.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The key.
    pub id: AccountId,
    /// The district.
    pub district: District,
    /// Sign-in name and password hash of an official; none for a resident.
    pub login: Option<(String, String)>,
    /// What others see.
    pub display_name: String,
    /// Blind index and sealed phone of a resident.
    pub phone: Option<(Vec<u8>, Vec<u8>)>,
    /// 岗位
    pub posts: Vec<Post>,
}

#[derive(Queryable)]
struct Record {
    id: i64,
    district: i32,
    kind: String,
    login: Option<String>,
    display_name: String,
    password_hash: Option<String>,
    phone_sealed: Option<Vec<u8>>,
    is_active: bool,
    tokens_from: i64,
    distrusted_until: Option<i64>,
    restricted_until: Option<i64>,
}

type Columns = (
    accounts::id,
    accounts::district,
    accounts::kind,
    accounts::login,
    accounts::display_name,
    accounts::password_hash,
    accounts::phone_sealed,
    accounts::is_active,
    accounts::tokens_from,
    accounts::distrusted_until,
    accounts::restricted_until,
);

const COLUMNS: Columns = (
    accounts::id,
    accounts::district,
    accounts::kind,
    accounts::login,
    accounts::display_name,
    accounts::password_hash,
    accounts::phone_sealed,
    accounts::is_active,
    accounts::tokens_from,
    accounts::distrusted_until,
    accounts::restricted_until,
);

const OFFICIAL: &str = "official";
const RESIDENT: &str = "resident";

fn complete(conn: &mut Conn, record: Record) -> Result<Account, DbError> {
    let rows: Vec<(String, i64)> = posts::table
        .filter(posts::account_id.eq(record.id))
        .select((posts::role, posts::unit_id))
        .order((posts::role, posts::unit_id))
        .load(conn)?;
    with_posts(record, rows)
}

fn with_posts(record: Record, rows: Vec<(String, i64)>) -> Result<Account, DbError> {
    let mut posts = rows
        .into_iter()
        .map(|(role, unit)| Ok(Post { role: Role::stored(&role)?, unit }))
        .collect::<Result<Vec<_>, DbError>>()?;
    let is_official = record.kind == OFFICIAL;
    if !is_official {
        posts.push(Post { role: Role::Resident, unit: 0 });
    }
    Ok(Account {
        id: record.id,
        district: record.district,
        is_official,
        login: record.login,
        display_name: record.display_name,
        password_hash: record.password_hash,
        phone_sealed: record.phone_sealed,
        is_active: record.is_active,
        tokens_from: Moment::from_millis(record.tokens_from),
        distrusted_until: record.distrusted_until.map(Moment::from_millis),
        restricted_until: record.restricted_until.map(Moment::from_millis),
        posts,
        stands_for: Vec::new(),
    })
}

/// Those of the accounts `ids` that there are, as they may act at `now`: with the posts of colleagues on leave for whom
/// they stand in, save those of administrators and auditors. The statements are as many for one account as for many.
///
/// # Errors
/// The database's.
pub fn find_acting(
    conn: &mut Conn,
    ids: &[AccountId],
    now: Moment,
) -> Result<HashMap<AccountId, Account>, DbError> {
    let mut found = find_any(conn, ids)?;
    let officials: Vec<AccountId> =
        found.values().filter(|account| account.is_official).map(|account| account.id).collect();
    if officials.is_empty() {
        return Ok(found);
    }
    let pairs = super::roster::standing_in(conn, &officials, now)?;
    if pairs.is_empty() {
        return Ok(found);
    }
    let absent: Vec<AccountId> = pairs.iter().map(|(_, absent)| *absent).collect();
    let colleagues = find_any(conn, &absent)?;
    for (substitute, absent) in pairs {
        let colleague = colleagues.get(&absent).filter(|colleague| colleague.is_active);
        let (Some(account), Some(colleague)) = (found.get_mut(&substitute), colleague) else { continue };
        for post in &colleague.posts {
            let lent = !matches!(post.role, Role::Administrator | Role::Auditor);
            if lent && !account.posts.contains(post) {
                account.posts.push(*post);
            }
        }
        account.stands_for.push(absent);
    }
    Ok(found)
}

/// Those of the accounts `ids` that there are: with one statement on PostgreSQL, where each costs a way to the server
/// and back; with kept ones on SQLite, where a call costs nothing.
fn find_any(conn: &mut Conn, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>, DbError> {
    let mut found = HashMap::with_capacity(ids.len());
    let Conn::Pg(pg) = conn else {
        for id in ids {
            found.extend(find(conn, *id)?.map(|account| (*id, account)));
        }
        return Ok(found);
    };
    let rows: Vec<(Record, Option<(String, i64)>)> = accounts::table
        .left_join(posts::table)
        .filter(among(accounts::id, ids))
        .select((COLUMNS, (posts::role, posts::unit_id).nullable()))
        .order((accounts::id, posts::role, posts::unit_id))
        .load(pg)?;
    let mut rows = rows.into_iter().peekable();
    while let Some((record, post)) = rows.next() {
        let id = record.id;
        let mut posts: Vec<(String, i64)> = post.into_iter().collect();
        while let Some((_, post)) = rows.next_if(|(next, _)| next.id == id) {
            posts.extend(post);
        }
        found.insert(id, with_posts(record, posts)?);
    }
    Ok(found)
}

/// The account with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: AccountId) -> Result<Option<Account>, DbError> {
    let record = accounts::table.find(id).select(COLUMNS).first::<Record>(conn).optional()?;
    record.map(|record| complete(conn, record)).transpose()
}

/// The district of an account.
///
/// # Errors
/// The database's.
pub fn district(conn: &mut Conn, id: AccountId) -> Result<Option<District>, DbError> {
    Ok(accounts::table.find(id).select(accounts::district).first(conn).optional()?)
}

/// The official with this sign-in name.
///
/// # Errors
/// The database's.
pub fn find_by_login(conn: &mut Conn, login: &str) -> Result<Option<Account>, DbError> {
    let record =
        accounts::table.filter(accounts::login.eq(login)).select(COLUMNS).first::<Record>(conn).optional()?;
    record.map(|record| complete(conn, record)).transpose()
}

/// The resident with this phone, by its blind index.
///
/// # Errors
/// The database's.
pub fn find_by_phone(conn: &mut Conn, index: &[u8]) -> Result<Option<Account>, DbError> {
    let record = accounts::table
        .filter(accounts::phone_index.eq(index.to_vec()))
        .select(COLUMNS)
        .first::<Record>(conn)
        .optional()?;
    record.map(|record| complete(conn, record)).transpose()
}

/// The display names of some accounts.
///
/// # Errors
/// The database's.
pub fn names(conn: &mut Conn, ids: &[AccountId]) -> Result<Vec<(AccountId, String, bool)>, DbError> {
    let rows: Vec<(i64, String, String)> = accounts::table
        .filter(accounts::id.eq_any(ids.to_vec()))
        .select((accounts::id, accounts::display_name, accounts::kind))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, name, kind)| (id, name, kind == OFFICIAL)).collect())
}

/// Makes an account.
///
/// # Errors
/// [`DbError::Constraint`] when the name or phone is taken; the database's.
pub fn insert(conn: &mut Conn, new: &NewAccount, now: Moment) -> Result<(), DbError> {
    let (login, password_hash) = new.login.clone().unzip();
    let (phone_index, phone_sealed) = new.phone.clone().unzip();
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(new.id),
            accounts::district.eq(new.district),
            accounts::kind.eq(if new.login.is_some() { OFFICIAL } else { RESIDENT }),
            accounts::login.eq(login),
            accounts::display_name.eq(&new.display_name),
            accounts::password_hash.eq(password_hash),
            accounts::phone_index.eq(phone_index),
            accounts::phone_sealed.eq(phone_sealed),
            accounts::is_active.eq(true),
            accounts::tokens_from.eq(0),
            accounts::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    for post in &new.posts {
        diesel::insert_into(posts::table)
            .values((
                posts::account_id.eq(new.id),
                posts::role.eq(post.role.as_str()),
                posts::unit_id.eq(post.unit),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The sign-in names of a district's officials, with their posts, by name; at most `limit`.
///
/// # Errors
/// The database's.
pub fn officials(
    conn: &mut Conn,
    district: District,
    limit: i64,
) -> Result<Vec<(String, Role, i64)>, DbError> {
    let rows: Vec<(Option<String>, String, i64)> = accounts::table
        .inner_join(posts::table)
        .filter(accounts::district.eq(district))
        .filter(accounts::kind.eq(OFFICIAL))
        .select((accounts::login, posts::role, posts::unit_id))
        .order((accounts::login, posts::role, posts::unit_id))
        .limit(limit)
        .load(conn)?;
    rows.into_iter()
        .filter_map(|(login, role, unit)| login.map(|login| (login, role, unit)))
        .map(|(login, role, unit)| Ok((login, Role::stored(&role)?, unit)))
        .collect()
}

/// Sets the password of an official; tokens issued before `now` are no longer good.
///
/// # Errors
/// The database's.
pub fn set_password(conn: &mut Conn, login: &str, hash: &str, now: Moment) -> Result<bool, DbError> {
    let changed = diesel::update(accounts::table.filter(accounts::login.eq(login)))
        .set((accounts::password_hash.eq(hash), accounts::tokens_from.eq(now.millis())))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The officials of a district by key, after `after`; at most `limit`.
///
/// # Errors
/// The database's.
pub fn officials_page(
    conn: &mut Conn,
    district: District,
    after: AccountId,
    limit: i64,
) -> Result<Vec<Account>, DbError> {
    let ids: Vec<i64> = accounts::table
        .filter(accounts::district.eq(district))
        .filter(accounts::kind.eq(OFFICIAL))
        .filter(accounts::id.gt(after))
        .select(accounts::id)
        .order(accounts::id)
        .limit(limit)
        .load(conn)?;
    let mut found = find_any(conn, &ids)?;
    Ok(ids.into_iter().filter_map(|id| found.remove(&id)).collect())
}

/// Sets the password of the account with this key; tokens issued before `now` are no longer good.
///
/// # Errors
/// The database's.
pub fn set_password_of(conn: &mut Conn, id: AccountId, hash: &str, now: Moment) -> Result<(), DbError> {
    diesel::update(accounts::table.find(id))
        .set((accounts::password_hash.eq(hash), accounts::tokens_from.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// Whether the account may sign in; tokens issued before `now` are no longer good.
///
/// # Errors
/// The database's.
pub fn set_active(conn: &mut Conn, id: AccountId, is_active: bool, now: Moment) -> Result<(), DbError> {
    diesel::update(accounts::table.find(id))
        .set((accounts::is_active.eq(is_active), accounts::tokens_from.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// Gives the account these posts and no others.
///
/// # Errors
/// The database's.
pub fn set_posts(conn: &mut Conn, id: AccountId, new: &[Post]) -> Result<(), DbError> {
    diesel::delete(posts::table.filter(posts::account_id.eq(id))).execute(conn)?;
    for post in new {
        diesel::insert_into(posts::table)
            .values((
                posts::account_id.eq(id),
                posts::role.eq(post.role.as_str()),
                posts::unit_id.eq(post.unit),
            ))
            .execute(conn)?;
    }
    Ok(())
}
