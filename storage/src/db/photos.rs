//! Photos: what is known of a picture; its bytes are in the photo store.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::flow::supervision::SupervisionId;
use suishoupai_core::flow::{AccountId, Stage, TicketId};
use suishoupai_core::geo::LonLat;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::kept::among;
use super::schema::{evidence, photos, supervision_photos};

/// What is known of a photo.
#[derive(Clone, Debug)]
pub struct Photo {
    /// The key.
    pub id: i64,
    /// The district of its uploader.
    pub district: District,
    /// Who uploaded it.
    pub account: AccountId,
    /// SHA-256 of the original's bytes.
    pub sha256: [u8; 32],
    /// True type, sniffed.
    pub media_type: String,
    /// Extension that goes with it.
    pub extension: String,
    /// Size of the original, bytes.
    pub bytes: i64,
    /// Width as stored, pixels.
    pub width: i32,
    /// Height as stored, pixels.
    pub height: i32,
    /// EXIF orientation, 1 to 8.
    pub orientation: i32,
    /// Camera time.
    pub taken_at: Option<Moment>,
    /// Camera place, WGS-84: a hint, never published.
    pub gps: Option<LonLat>,
    /// Camera make and model.
    pub camera: Option<String>,
    /// How far its renditions are.
    pub state: PhotoState,
    /// Why the renditions could not be made.
    pub failure: Option<String>,
    /// Size of the display rendition, pixels.
    pub display: Option<(i32, i32)>,
    /// When it was uploaded.
    pub created_at: Moment,
    /// Whether it stands or moves.
    pub kind: MediaKind,
    /// How long a video lasts, milliseconds.
    pub duration_ms: Option<i64>,
    /// How many lines the chain of its mask has.
    pub mask_version: i64,
    /// The hash of the last of them.
    pub mask_hash: Option<[u8; 32]>,
    /// The digest under which its renditions are kept, where it is masked.
    pub rendition: Option<[u8; 32]>,
}

impl Photo {
    /// The digest under which its renditions are kept.
    pub fn rendition_digest(&self) -> &[u8; 32] {
        self.rendition.as_ref().unwrap_or(&self.sha256)
    }

    /// Whether something in its renditions is masked.
    pub fn is_masked(&self) -> bool {
        self.rendition.is_some()
    }
}

/// Whether evidence stands or moves. A video has the same columns, keys and renditions as a photo, and a copy to be played
/// besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Photo,
    /// A video.
    Video,
}

impl MediaKind {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Video => "video",
        }
    }
}

/// How far the renditions of a photo are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoState {
    /// The original is stored; the renditions are being made.
    Received,
    /// Renditions are there.
    Ready,
    /// The picture cannot be rendered; the original stays as evidence.
    Failed,
}

impl PhotoState {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            PhotoState::Received => "received",
            PhotoState::Ready => "ready",
            PhotoState::Failed => "failed",
        }
    }
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = photos, treat_none_as_default_value = false)]
struct Record {
    id: i64,
    district: i32,
    account_id: i64,
    sha256: Vec<u8>,
    media_type: String,
    extension: String,
    bytes: i64,
    width: i32,
    height: i32,
    orientation: i32,
    taken_at: Option<i64>,
    gps_lon: Option<f64>,
    gps_lat: Option<f64>,
    camera: Option<String>,
    state: String,
    failure: Option<String>,
    display_width: Option<i32>,
    display_height: Option<i32>,
    created_at: i64,
    kind: String,
    duration_ms: Option<i64>,
    mask_version: i64,
    mask_hash: Option<Vec<u8>>,
    rendition: Option<Vec<u8>>,
}

impl Record {
    fn read(self) -> Result<Photo, DbError> {
        let state = [PhotoState::Received, PhotoState::Ready, PhotoState::Failed]
            .into_iter()
            .find(|state| state.as_str() == self.state)
            .ok_or_else(|| DbError::corrupt("state of photo", &self.state))?;
        let kind = [MediaKind::Photo, MediaKind::Video].into_iter().find(|kind| kind.as_str() == self.kind);
        Ok(Photo {
            id: self.id,
            district: self.district,
            account: self.account_id,
            sha256: self.sha256.try_into().map_err(|_| DbError::corrupt("hash of photo", self.id))?,
            media_type: self.media_type,
            extension: self.extension,
            bytes: self.bytes,
            width: self.width,
            height: self.height,
            orientation: self.orientation,
            taken_at: self.taken_at.map(Moment::from_millis),
            gps: self.gps_lon.zip(self.gps_lat).map(|(lon, lat)| LonLat { lon, lat }),
            camera: self.camera,
            state,
            failure: self.failure,
            display: self.display_width.zip(self.display_height),
            created_at: Moment::from_millis(self.created_at),
            kind: kind.ok_or_else(|| DbError::corrupt("kind of photo", &self.kind))?,
            duration_ms: self.duration_ms,
            mask_version: self.mask_version,
            mask_hash: digest(self.id, self.mask_hash)?,
            rendition: digest(self.id, self.rendition)?,
        })
    }
}

fn digest(photo: i64, bytes: Option<Vec<u8>>) -> Result<Option<[u8; 32]>, DbError> {
    bytes.map(|bytes| bytes.try_into().map_err(|_| DbError::corrupt("digest of photo", photo))).transpose()
}

/// Records an uploaded photo.
///
/// # Errors
/// [`DbError::Constraint`] when the account has uploaded the same bytes before; the database's.
pub fn insert(conn: &mut Conn, photo: &Photo) -> Result<(), DbError> {
    let record = Record {
        id: photo.id,
        district: photo.district,
        account_id: photo.account,
        sha256: photo.sha256.to_vec(),
        media_type: photo.media_type.clone(),
        extension: photo.extension.clone(),
        bytes: photo.bytes,
        width: photo.width,
        height: photo.height,
        orientation: photo.orientation,
        taken_at: photo.taken_at.map(Moment::millis),
        gps_lon: photo.gps.map(|gps| gps.lon),
        gps_lat: photo.gps.map(|gps| gps.lat),
        camera: photo.camera.clone(),
        state: photo.state.as_str().to_owned(),
        failure: photo.failure.clone(),
        display_width: photo.display.map(|(width, _)| width),
        display_height: photo.display.map(|(_, height)| height),
        created_at: photo.created_at.millis(),
        kind: photo.kind.as_str().to_owned(),
        duration_ms: photo.duration_ms,
        mask_version: photo.mask_version,
        mask_hash: photo.mask_hash.map(|hash| hash.to_vec()),
        rendition: photo.rendition.map(|digest| digest.to_vec()),
    };
    diesel::insert_into(photos::table).values(&record).execute(conn)?;
    Ok(())
}

/// The photo with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<Photo>, DbError> {
    photos::table.find(id).first::<Record>(conn).optional()?.map(Record::read).transpose()
}

/// The photo with this key inside a write, so that nobody else changes it before the transaction ends.
///
/// # Errors
/// The database's.
pub fn find_for_update(conn: &mut Conn, id: i64) -> Result<Option<Photo>, DbError> {
    // SQLite has one writer, which holds the lock already; PostgreSQL locks the row.
    let record = match conn {
        Conn::Sqlite(conn) => photos::table.find(id).first::<Record>(conn).optional()?,
        Conn::Pg(conn) => photos::table.find(id).for_update().first::<Record>(conn).optional()?,
    };
    record.map(Record::read).transpose()
}

/// The photo that an account has uploaded with these bytes.
///
/// # Errors
/// The database's.
pub fn find_same(conn: &mut Conn, account: AccountId, sha256: &[u8; 32]) -> Result<Option<Photo>, DbError> {
    photos::table
        .filter(photos::account_id.eq(account).and(photos::sha256.eq(sha256.to_vec())))
        .first::<Record>(conn)
        .optional()?
        .map(Record::read)
        .transpose()
}

/// What binds a photo into a history, with what its camera claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Named {
    /// The key.
    pub id: i64,
    /// Who uploaded it.
    pub account: AccountId,
    /// SHA-256 of the original's bytes.
    pub sha256: [u8; 32],
    /// Camera time.
    pub taken_at: Option<Moment>,
    /// Camera place, WGS-84.
    pub gps: Option<LonLat>,
}

impl From<&Photo> for Named {
    fn from(photo: &Photo) -> Self {
        Self {
            id: photo.id,
            account: photo.account,
            sha256: photo.sha256,
            taken_at: photo.taken_at,
            gps: photo.gps,
        }
    }
}

/// The columns of [`Named`].
pub(super) const NAMED: NamedColumns =
    (photos::id, photos::account_id, photos::sha256, photos::taken_at, photos::gps_lon, photos::gps_lat);

type NamedColumns =
    (photos::id, photos::account_id, photos::sha256, photos::taken_at, photos::gps_lon, photos::gps_lat);

/// The values of those.
pub(super) type NamedRow = (i64, AccountId, Vec<u8>, Option<i64>, Option<f64>, Option<f64>);

impl Named {
    pub(super) fn read((id, account, sha256, taken_at, lon, lat): NamedRow) -> Result<Self, DbError> {
        let sha256 = sha256.try_into().map_err(|_| DbError::corrupt("hash of photo", id))?;
        let taken_at = taken_at.map(Moment::from_millis);
        let gps = lon.zip(lat).map(|(lon, lat)| LonLat { lon, lat });
        Ok(Self { id, account, sha256, taken_at, gps })
    }
}

/// Those of the photos `ids` that there are, by key.
///
/// # Errors
/// The database's.
pub fn named(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, Named>, DbError> {
    let rows: Vec<NamedRow> = match ids {
        [] => Vec::new(),
        _ => {
            let these = photos::table.select(NAMED).filter(among(photos::id, ids));
            each_backend!(conn, conn => these.load(conn))?
        }
    };
    let read = rows.into_iter().map(Named::read);
    read.map(|named| named.map(|named| (named.id, named))).collect()
}

/// Records the outcome of rendering the photo with the mask of a version; `false`, and nothing is done, where it has been
/// masked anew since.
///
/// # Errors
/// The database's.
pub fn rendered(
    conn: &mut Conn,
    id: i64,
    mask_version: i64,
    outcome: Result<(i32, i32), String>,
) -> Result<bool, DbError> {
    let (state, failure, display) = match outcome {
        Ok(size) => (PhotoState::Ready, None, Some(size)),
        Err(why) => (PhotoState::Failed, Some(why), None),
    };
    let updated =
        diesel::update(photos::table.filter(photos::id.eq(id).and(photos::mask_version.eq(mask_version))))
            .set((
                photos::state.eq(state.as_str()),
                photos::failure.eq(failure),
                photos::display_width.eq(display.map(|(width, _)| width)),
                photos::display_height.eq(display.map(|(_, height)| height)),
            ))
            .execute(conn)?;
    Ok(updated > 0)
}

/// The evidence of a ticket, in the order in which it came.
///
/// # Errors
/// The database's.
pub fn evidence_of(conn: &mut Conn, ticket: TicketId) -> Result<Vec<(Stage, i64, Photo)>, DbError> {
    let rows: Vec<((String, i64), Record)> = evidence::table
        .inner_join(photos::table)
        .filter(evidence::ticket_id.eq(ticket))
        .select(((evidence::stage, evidence::event_seq), photos::all_columns))
        .order((evidence::event_seq, evidence::photo_id))
        .load(conn)?;
    rows.into_iter()
        .map(|((stage, seq), record)| {
            let stage = Stage::parse(&stage).ok_or_else(|| DbError::corrupt("stage", &stage))?;
            Ok((stage, seq, record.read()?))
        })
        .collect()
}

/// The photos that came with the replies to a supervision order, each with its line, in the order in which they came.
///
/// # Errors
/// The database's.
pub fn of_supervision(conn: &mut Conn, order: SupervisionId) -> Result<Vec<(i64, Photo)>, DbError> {
    let rows: Vec<(i64, Record)> = supervision_photos::table
        .inner_join(photos::table)
        .filter(supervision_photos::order_id.eq(order))
        .select((supervision_photos::event_seq, photos::all_columns))
        .order((supervision_photos::event_seq, supervision_photos::photo_id))
        .load(conn)?;
    rows.into_iter().map(|(seq, record)| Ok((seq, record.read()?))).collect()
}

/// The tickets for which a photo is evidence.
///
/// # Errors
/// The database's.
pub fn tickets_of(conn: &mut Conn, photo: i64) -> Result<Vec<TicketId>, DbError> {
    Ok(evidence::table
        .filter(evidence::photo_id.eq(photo))
        .select(evidence::ticket_id)
        .distinct()
        .order(evidence::ticket_id.desc())
        .limit(20)
        .load(conn)?)
}
