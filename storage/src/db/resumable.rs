//! Uploads that may be interrupted: how far each has come, and the objects that hold what came.

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::{accounts, resumable_parts, resumable_uploads};

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// Bytes are awaited.
    Receiving,
    /// All bytes are kept; what they are is being looked at.
    Verifying,
    /// It has become a photo.
    Done,
    /// All bytes came, and they are no photo.
    Refused,
    /// The client has ended it.
    Terminated,
}

impl UploadState {
    const ALL: [Self; 5] = [Self::Receiving, Self::Verifying, Self::Done, Self::Refused, Self::Terminated];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Verifying => "verifying",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Terminated => "terminated",
        }
    }
}

/// An upload.
#[derive(Clone, Debug)]
pub struct Resumable {
    /// The key.
    pub id: i64,
    /// The district of its account.
    pub district: District,
    /// Whose it is.
    pub account: AccountId,
    /// Bytes that it will have.
    pub length: i64,
    /// Bytes that are kept.
    pub received: i64,
    /// The metadata as the client wrote them.
    pub metadata: Option<String>,
    /// The digest that the client claims.
    pub sha256: Option<[u8; 32]>,
    /// How far it is.
    pub state: UploadState,
    /// The photo that it has become.
    pub photo: Option<i64>,
    /// Why it became none.
    pub failure: Option<String>,
    /// Until when bytes are taken; once it has ended, until when its end is remembered.
    pub expires_at: Moment,
    /// When it was created.
    pub created_at: Moment,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = resumable_uploads, treat_none_as_default_value = false)]
struct Record {
    id: i64,
    district: i32,
    account_id: i64,
    length: i64,
    received: i64,
    metadata: Option<String>,
    sha256: Option<Vec<u8>>,
    state: String,
    photo_id: Option<i64>,
    failure: Option<String>,
    expires_at: i64,
    created_at: i64,
}

impl Record {
    fn read(self) -> Result<Resumable, DbError> {
        let state = UploadState::ALL.into_iter().find(|state| state.as_str() == self.state);
        let sha256 = self.sha256.map(TryInto::try_into).transpose();
        Ok(Resumable {
            id: self.id,
            district: self.district,
            account: self.account_id,
            length: self.length,
            received: self.received,
            metadata: self.metadata,
            sha256: sha256.map_err(|_| DbError::corrupt("hash of resumable upload", self.id))?,
            state: state.ok_or_else(|| DbError::corrupt("state of resumable upload", &self.state))?,
            photo: self.photo_id,
            failure: self.failure,
            expires_at: Moment::from_millis(self.expires_at),
            created_at: Moment::from_millis(self.created_at),
        })
    }
}

/// A part of an upload: one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The random name of its object.
    pub name: [u8; 32],
    /// Whose part it is.
    pub upload: i64,
    /// Where in the upload it begins, bytes.
    pub start: i64,
    /// Its length, bytes.
    pub bytes: i64,
}

/// Lets one creation after the other look at what an account has open, so that together they keep its bounds. SQLite has one
/// writer anyway.
///
/// # Errors
/// The database's.
pub fn lock_account(conn: &mut Conn, account: AccountId) -> Result<(), DbError> {
    if let Conn::Pg(conn) = conn {
        let row = accounts::table.find(account).select(accounts::id);
        row.for_no_key_update().first::<i64>(conn).optional()?;
    }
    Ok(())
}

/// Records an upload.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, upload: &Resumable) -> Result<(), DbError> {
    let record = Record {
        id: upload.id,
        district: upload.district,
        account_id: upload.account,
        length: upload.length,
        received: upload.received,
        metadata: upload.metadata.clone(),
        sha256: upload.sha256.map(|digest| digest.to_vec()),
        state: upload.state.as_str().to_owned(),
        photo_id: upload.photo,
        failure: upload.failure.clone(),
        expires_at: upload.expires_at.millis(),
        created_at: upload.created_at.millis(),
    };
    diesel::insert_into(resumable_uploads::table).values(&record).execute(conn)?;
    Ok(())
}

/// The upload with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<Resumable>, DbError> {
    resumable_uploads::table.find(id).first::<Record>(conn).optional()?.map(Record::read).transpose()
}

/// How many uploads of an account wait for bytes or for being looked at, and how many bytes they will have together.
///
/// # Errors
/// The database's.
pub fn open_of(conn: &mut Conn, account: AccountId, now: Moment) -> Result<(i64, i64), DbError> {
    let open = [UploadState::Receiving.as_str(), UploadState::Verifying.as_str()];
    let lengths: Vec<i64> = resumable_uploads::table
        .filter(resumable_uploads::account_id.eq(account))
        .filter(resumable_uploads::expires_at.gt(now.millis()))
        .filter(resumable_uploads::state.eq_any(open))
        .select(resumable_uploads::length)
        .load(conn)?;
    Ok((lengths.len() as i64, lengths.iter().sum()))
}

/// An upload of an account that claims this digest and length, and that still takes bytes, is being looked at, or is done.
///
/// # Errors
/// The database's.
pub fn find_same(
    conn: &mut Conn,
    account: AccountId,
    sha256: &[u8; 32],
    length: i64,
    now: Moment,
) -> Result<Option<Resumable>, DbError> {
    let alive = [UploadState::Receiving, UploadState::Verifying, UploadState::Done].map(UploadState::as_str);
    resumable_uploads::table
        .filter(resumable_uploads::account_id.eq(account))
        .filter(resumable_uploads::expires_at.gt(now.millis()))
        .filter(resumable_uploads::state.eq_any(alive))
        .filter(resumable_uploads::sha256.eq(sha256.to_vec()).and(resumable_uploads::length.eq(length)))
        .order(resumable_uploads::id.desc())
        .first::<Record>(conn)
        .optional()?
        .map(Record::read)
        .transpose()
}

/// Takes note of an object that is about to be written; `false` where the upload has `most` parts already.
///
/// # Errors
/// [`DbError::Constraint`] where the upload is gone; the database's.
pub fn announce_part(conn: &mut Conn, part: &Part, most: i64) -> Result<bool, DbError> {
    let parts = resumable_parts::table.filter(resumable_parts::upload_id.eq(part.upload));
    if parts.count().get_result::<i64>(conn)? >= most {
        return Ok(false);
    }
    diesel::insert_into(resumable_parts::table)
        .values((
            resumable_parts::name.eq(part.name.to_vec()),
            resumable_parts::upload_id.eq(part.upload),
            resumable_parts::start.eq(part.start),
            resumable_parts::bytes.eq(part.bytes),
            resumable_parts::kept.eq(false),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Counts a part whose object is durable, if it begins where the upload has come to; `false` where another one came first or
/// the upload takes no more. The upload waits for being looked at once it is whole.
///
/// # Errors
/// The database's.
pub fn take_part(conn: &mut Conn, part: &Part) -> Result<bool, DbError> {
    let here = resumable_uploads::table
        .find(part.upload)
        .filter(resumable_uploads::received.eq(part.start))
        .filter(resumable_uploads::state.eq(UploadState::Receiving.as_str()));
    let end = part.start + part.bytes;
    let moved = diesel::update(here).set(resumable_uploads::received.eq(end)).execute(conn)?;
    if moved == 0 {
        return Ok(false);
    }
    let whole = resumable_uploads::table.find(part.upload).filter(resumable_uploads::length.eq(end));
    diesel::update(whole).set(resumable_uploads::state.eq(UploadState::Verifying.as_str())).execute(conn)?;
    let row = resumable_parts::table.find(part.name.to_vec());
    let kept = diesel::update(row).set(resumable_parts::kept.eq(true)).execute(conn)?;
    if kept == 1 { Ok(true) } else { Err(DbError::Conflict) }
}

/// The parts of an upload in their order; with `only_kept`, those that count.
///
/// # Errors
/// The database's.
pub fn parts_of(conn: &mut Conn, upload: i64, only_kept: bool) -> Result<Vec<Part>, DbError> {
    let rows: Vec<(Vec<u8>, i64, i64)> = resumable_parts::table
        .filter(resumable_parts::upload_id.eq(upload))
        .filter(resumable_parts::kept.eq(true).or(resumable_parts::kept.eq(only_kept)))
        .select((resumable_parts::name, resumable_parts::start, resumable_parts::bytes))
        .order(resumable_parts::start)
        .load(conn)?;
    rows.into_iter()
        .map(|(name, start, bytes)| {
            let name = name.try_into().map_err(|_| DbError::corrupt("name of a part of", upload))?;
            Ok(Part { name, upload, start, bytes })
        })
        .collect()
}

/// Forgets a part whose object is gone.
///
/// # Errors
/// The database's.
pub fn forget_part(conn: &mut Conn, name: &[u8; 32]) -> Result<(), DbError> {
    diesel::delete(resumable_parts::table.find(name.to_vec())).execute(conn)?;
    Ok(())
}

/// How an upload ends.
#[derive(Clone, Debug)]
pub enum End {
    /// As this photo.
    Photo(i64),
    /// As none, for this reason.
    Refused(String),
    /// By its client.
    Terminated,
}

/// Ends an upload and remembers it until then. One that is being looked at becomes a photo or is refused; one that the client
/// may end has not been refused or ended before. `false` where it has ended otherwise.
///
/// # Errors
/// The database's.
pub fn end(conn: &mut Conn, id: i64, end: &End, remembered_until: Moment) -> Result<bool, DbError> {
    let (state, photo, failure) = match end {
        End::Photo(photo) => (UploadState::Done, Some(*photo), None),
        End::Refused(why) => (UploadState::Refused, None, Some(why.as_str())),
        End::Terminated => (UploadState::Terminated, None, None),
    };
    let from = match end {
        End::Photo(_) | End::Refused(_) => vec![UploadState::Verifying.as_str()],
        End::Terminated => {
            UploadState::ALL.iter().filter(|from| **from != state).map(|from| from.as_str()).collect()
        }
    };
    let there = resumable_uploads::table.find(id).filter(resumable_uploads::state.eq_any(from));
    let changed = diesel::update(there)
        .set((
            resumable_uploads::state.eq(state.as_str()),
            resumable_uploads::photo_id.eq(photo),
            resumable_uploads::failure.eq(failure),
            resumable_uploads::expires_at.eq(remembered_until.millis()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Up to `limit` uploads to be forgotten: expired before `over`, or, if they are still being looked at, before `given_up`.
///
/// # Errors
/// The database's.
pub fn expired(conn: &mut Conn, over: Moment, given_up: Moment, limit: i64) -> Result<Vec<i64>, DbError> {
    let is_over = resumable_uploads::state
        .ne(UploadState::Verifying.as_str())
        .or(resumable_uploads::expires_at.lt(given_up.millis()));
    Ok(resumable_uploads::table
        .filter(resumable_uploads::expires_at.lt(over.millis()).and(is_over))
        .select(resumable_uploads::id)
        .order(resumable_uploads::expires_at)
        .limit(limit)
        .load(conn)?)
}

/// Forgets an upload whose objects are gone, unless a part has come since; then the next sweep finds it.
///
/// # Errors
/// The database's.
pub fn delete(conn: &mut Conn, id: i64, gone: &[Part]) -> Result<(), DbError> {
    for part in gone {
        forget_part(conn, &part.name)?;
    }
    let left = resumable_parts::table.filter(resumable_parts::upload_id.eq(id));
    if left.count().get_result::<i64>(conn)? == 0 {
        diesel::delete(resumable_uploads::table.find(id)).execute(conn)?;
    }
    Ok(())
}
