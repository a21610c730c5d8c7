//! Uploads that clients send straight to the photo store: announced, and later completed into photos.

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::uploads;

/// An announced upload.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The key.
    pub id: i64,
    /// The district of its account.
    pub district: District,
    /// Who announced it.
    pub account: AccountId,
    /// The random name of its object.
    pub name: [u8; 32],
    /// The type that was announced.
    pub media_type: String,
    /// The digest that was announced.
    pub sha256: [u8; 32],
    /// The length that was announced, bytes.
    pub bytes: i64,
    /// Until when it may be sent and completed.
    pub expires_at: Moment,
    /// The photo that it has become.
    pub photo: Option<i64>,
    /// When it was announced.
    pub created_at: Moment,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = uploads)]
struct Record {
    id: i64,
    district: i32,
    account_id: i64,
    name: Vec<u8>,
    media_type: String,
    sha256: Vec<u8>,
    bytes: i64,
    expires_at: i64,
    photo_id: Option<i64>,
    created_at: i64,
}

impl Record {
    fn read(self) -> Result<Upload, DbError> {
        Ok(Upload {
            id: self.id,
            district: self.district,
            account: self.account_id,
            name: self.name.try_into().map_err(|_| DbError::corrupt("name of upload", self.id))?,
            media_type: self.media_type,
            sha256: self.sha256.try_into().map_err(|_| DbError::corrupt("hash of upload", self.id))?,
            bytes: self.bytes,
            expires_at: Moment::from_millis(self.expires_at),
            photo: self.photo_id,
            created_at: Moment::from_millis(self.created_at),
        })
    }
}

/// Records an announced upload.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, upload: &Upload) -> Result<(), DbError> {
    let record = Record {
        id: upload.id,
        district: upload.district,
        account_id: upload.account,
        name: upload.name.to_vec(),
        media_type: upload.media_type.clone(),
        sha256: upload.sha256.to_vec(),
        bytes: upload.bytes,
        expires_at: upload.expires_at.millis(),
        photo_id: upload.photo,
        created_at: upload.created_at.millis(),
    };
    diesel::insert_into(uploads::table).values(&record).execute(conn)?;
    Ok(())
}

/// The upload with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<Upload>, DbError> {
    uploads::table.find(id).first::<Record>(conn).optional()?.map(Record::read).transpose()
}

/// How many uploads of an account are announced, not completed, and not expired at `now`.
///
/// # Errors
/// The database's.
pub fn open_of(conn: &mut Conn, account: AccountId, now: Moment) -> Result<i64, DbError> {
    Ok(uploads::table
        .filter(uploads::account_id.eq(account).and(uploads::expires_at.gt(now.millis())))
        .filter(uploads::photo_id.is_null())
        .count()
        .get_result(conn)?)
}

/// Records the photo that an upload has become.
///
/// # Errors
/// The database's.
pub fn complete(conn: &mut Conn, id: i64, photo: i64) -> Result<(), DbError> {
    diesel::update(uploads::table.find(id)).set(uploads::photo_id.eq(photo)).execute(conn)?;
    Ok(())
}

/// Uploads that expired before `open`, and completed ones that expired before `completed`; at most `limit`.
///
/// # Errors
/// The database's.
pub fn expired(conn: &mut Conn, open: Moment, completed: Moment, limit: i64) -> Result<Vec<Upload>, DbError> {
    let of_age = uploads::photo_id.is_null().or(uploads::expires_at.lt(completed.millis()));
    let rows: Vec<Record> = uploads::table
        .filter(uploads::expires_at.lt(open.millis()).and(of_age))
        .order(uploads::expires_at)
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// Forgets an upload.
///
/// # Errors
/// The database's.
pub fn delete(conn: &mut Conn, id: i64) -> Result<(), DbError> {
    diesel::delete(uploads::table.find(id)).execute(conn)?;
    Ok(())
}
