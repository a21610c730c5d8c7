//! Photos: taken in, looked at without decoding, stored, recorded; rendered later by a job.

mod bound;
mod looked_at;
mod rendering;

use suishoupai_core::flow::may_see;
use suishoupai_core::flow::supervision::may_see_order;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::photos::{self as rows, MediaKind, Photo, PhotoState};
use suishoupai_storage::db::{Conn, DbError, jobs, supervision, tickets};
use suishoupai_storage::picture::{Inspected, PictureError};
use suishoupai_storage::store::{ObjectKey, Spooled};
use suishoupai_storage::video::Video;

use super::{orphans, videos};
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

pub use bound::Bound;
pub use looked_at::LookedAt;
use rendering::RENDER;
pub use rendering::{is_rendering, mask_job, render};

/// A picture or a video that has been looked at.
#[derive(Debug)]
pub struct Prepared {
    spooled: Spooled,
    content: Content,
}

/// What it has been found to be.
#[derive(Debug)]
enum Content {
    Photo(Inspected),
    Video(Box<Video>),
}

impl Prepared {
    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        self.spooled.sha256()
    }

    /// Its true type.
    pub fn media_type(&self) -> &'static str {
        match &self.content {
            Content::Photo(inspected) => inspected.kind.media_type(),
            Content::Video(video) => video.kind.media_type(),
        }
    }

    fn extension(&self) -> &'static str {
        match &self.content {
            Content::Photo(inspected) => inspected.kind.extension(),
            Content::Video(video) => video.kind.extension(),
        }
    }
}

/// Looks at a picture or video in its file, off the async threads and without decoding it.
///
/// # Errors
/// The problem that says what is wrong with it.
pub async fn prepare(services: &Services, mut spooled: Spooled) -> Result<Prepared, Fail> {
    let (limits, video_limits) = (services.photo_limits(), services.video_limits());
    let looked: Result<Result<_, (&'static str, Problem)>, Fail> = tokio::task::spawn_blocking(move || {
        let content = match spooled.inspect_video(&video_limits)? {
            Some(Ok(video)) => Ok(Content::Video(Box::new(video))),
            Some(Err(error)) => Err((error.code(), videos::refused(&error))),
            None => {
                let inspected = spooled.inspect(&limits)?.map(Content::Photo);
                inspected.map_err(|error| (error.code(), refused(&error)))
            }
        };
        Ok(content.map(|content| Prepared { spooled, content }))
    })
    .await
    .map_err(|error| Fail::internal(&error))?;
    looked?.map_err(|(code, problem)| {
        services.metrics.photo_refused(code);
        Fail::Problem(problem)
    })
}

/// The problem for a refused picture.
pub fn refused(error: &PictureError) -> Problem {
    let code = match error.code() {
        "photo_empty" => Code::PhotoEmpty,
        "photo_type_unsupported" => Code::PhotoTypeUnsupported,
        "photo_convert_to_jpeg" => Code::PhotoConvertToJpeg,
        "photo_truncated" => Code::PhotoTruncated,
        "photo_too_large" => Code::PhotoTooLarge,
        "photo_too_many_pixels" => Code::PhotoTooManyPixels,
        "photo_too_many_scans" => Code::PhotoTooManyScans,
        _ => Code::PhotoDamaged,
    };
    let zh = match code {
        Code::PhotoTypeUnsupported => "请改用 JPEG、PNG 或 WebP 格式。",
        Code::PhotoConvertToJpeg => "本服务器不能读取这种格式的照片，请转换为 JPEG 后重新上传。",
        Code::PhotoTruncated => "文件不完整，请重新上传。",
        Code::PhotoTooManyPixels => "请降低拍照分辨率后重试。",
        Code::PhotoTooLarge => "请压缩后重试。",
        _ => "请重新拍摄或另选一张。",
    };
    Problem::new(code).detail(Text::new(zh, error.to_string()))
}

/// Puts a picture into the store, durably; the same bytes are stored once.
///
/// # Errors
/// 503 when the store does not take it.
pub async fn store(services: &Services, prepared: &Prepared) -> Result<(), Fail> {
    let key = original_key(prepared.sha256(), prepared.extension())?;
    orphans::rely_on(services, &key).await?;
    services.store.put_file(&key, &prepared.spooled).await?;
    services.metrics.photo_stored(prepared.spooled.length());
    Ok(())
}

pub(super) fn original_key(sha256: &[u8; 32], extension: &str) -> Result<ObjectKey, Fail> {
    ObjectKey::original(sha256, extension).map_err(|error| Fail::internal(&error))
}

/// Records a stored picture and its rendering job inside a write; the one recorded before for the same account
/// and bytes serves, so that a phone which repeats an upload gets the same photo.
///
/// # Errors
/// The database's.
pub fn record(
    conn: &mut Conn,
    account: &Account,
    district: District,
    prepared: &Prepared,
    [photo_id, job_id]: [i64; 2],
    now: Moment,
) -> Result<(Photo, bool), DbError> {
    if let Some(known) = rows::find_same(conn, account.id, prepared.sha256())? {
        return Ok((known, false));
    }
    let pixels = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    let mut photo = Photo {
        id: photo_id,
        district,
        account: account.id,
        sha256: *prepared.sha256(),
        media_type: prepared.media_type().to_owned(),
        extension: prepared.extension().to_owned(),
        bytes: i64::try_from(prepared.spooled.length()).unwrap_or(i64::MAX),
        width: 0,
        height: 0,
        orientation: 1,
        taken_at: None,
        gps: None,
        camera: None,
        state: PhotoState::Received,
        failure: None,
        display: None,
        created_at: now,
        kind: MediaKind::Photo,
        duration_ms: None,
        mask_version: 0,
        mask_hash: None,
        rendition: None,
    };
    match &prepared.content {
        Content::Photo(seen) => {
            (photo.width, photo.height) = (pixels(seen.width), pixels(seen.height));
            photo.orientation = i32::from(seen.orientation);
            (photo.taken_at, photo.gps, photo.camera) = (seen.taken_at, seen.gps, seen.camera.clone());
        }
        Content::Video(seen) => {
            (photo.width, photo.height) = (pixels(seen.width), pixels(seen.height));
            photo.orientation = i32::from(seen.orientation);
            (photo.taken_at, photo.gps, photo.camera) = (seen.taken_at, seen.gps, seen.camera.clone());
            (photo.kind, photo.duration_ms) = (MediaKind::Video, i64::try_from(seen.millis).ok());
        }
    }
    // A concurrent upload of the same bytes by the same account is a conflict: doing it again finds the photo.
    rows::insert(conn, &photo).map_err(|error| match error {
        DbError::Constraint(_) => DbError::Conflict,
        other => other,
    })?;
    jobs::enqueue(conn, job_id, RENDER, photo_id, now)?;
    Ok((photo, true))
}

/// Takes in one photo: looked at, stored, recorded. The flag says whether it is new.
///
/// # Errors
/// A problem for a refused picture, 503 when the store or database does not take it.
pub async fn upload(services: &Services, account: Account, sent: Spooled) -> Result<(Photo, bool), Fail> {
    let prepared = prepare(services, sent).await?;
    store(services, &prepared).await?;
    let ids = services.db.ids::<2>().await?;
    let now = services.now();
    if let Content::Photo(inspected) = &prepared.content {
        services.looked_at.note(*prepared.sha256(), inspected.clone());
    }
    let recorded = services
        .db
        .write(move |conn| record(conn, &account, account.district, &prepared, ids, now).map_err(Fail::from))
        .await?;
    services.jobs_waiting.notify_one();
    Ok(recorded)
}

/// A photo that the account may see: an own one, evidence in a ticket that it may see, or one of a reply to a
/// supervision order that it may see.
///
/// # Errors
/// 404 for any other.
pub async fn visible(services: &Services, account: Account, id: i64) -> Result<Photo, Fail> {
    let (registry, now) = (services.registry(), services.now());
    services
        .db
        .read(move |conn| {
            let photo = rows::find(conn, id)?.ok_or(Code::PhotoNotFound)?;
            if photo.account == account.id {
                return Ok(photo);
            }
            let caller = actor(&account);
            for ticket in rows::tickets_of(conn, id)? {
                let found = tickets::find(conn, ticket)?;
                if found.is_some_and(|loaded| {
                    let roles = registry.sensitive_roles(loaded.ticket.district, now);
                    may_see(&loaded.ticket, &caller, &registry.tree, roles)
                }) {
                    return Ok(photo);
                }
            }
            for order in supervision::of_photo(conn, id)? {
                let found = supervision::find(conn, order)?;
                if found.is_some_and(|loaded| may_see_order(&loaded.order, &caller, &registry.tree)) {
                    return Ok(photo);
                }
            }
            Err(Fail::from(Code::PhotoNotFound))
        })
        .await
}

/// A photo of which the caller may have the original with its metadata: the uploader's own, or, for officials,
/// evidence in a ticket that they may see. A reporter sees of the handlers' photos only what is published.
///
/// # Errors
/// 404 for any other.
pub async fn with_metadata(services: &Services, account: Account, id: i64) -> Result<Photo, Fail> {
    let (owner, is_official) = (account.id, account.is_official);
    let photo = visible(services, account, id).await?;
    if is_official || photo.account == owner { Ok(photo) } else { Err(Code::PhotoNotFound.into()) }
}

/// A photo by key, for a caller with a signed link; `None` when there is none.
///
/// # Errors
/// The database's.
pub async fn by_key(services: &Services, id: i64) -> Result<Option<Photo>, Fail> {
    services.db.read(move |conn| rows::find(conn, id).map_err(Fail::from)).await
}

/// Which bytes of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendition {
    /// As uploaded.
    Original,
    /// Longest side 2048.
    Display,
    /// Longest side 320.
    Thumbnail,
    /// The public copy of a video.
    Playback,
}

impl Rendition {
    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Rendition::Original => "original",
            Rendition::Display => "display",
            Rendition::Thumbnail => "thumbnail",
            Rendition::Playback => "playback",
        }
    }
}

/// Where the bytes of a rendition are.
///
/// # Errors
/// 404 while it has not been made.
pub fn key_of(photo: &Photo, rendition: Rendition) -> Result<ObjectKey, Fail> {
    match rendition {
        Rendition::Original => original_key(&photo.sha256, &photo.extension),
        _ if photo.state != PhotoState::Ready => Err(Code::PhotoNotFound.into()),
        Rendition::Display => Ok(ObjectKey::display(photo.rendition_digest())),
        Rendition::Thumbnail => Ok(ObjectKey::thumbnail(photo.rendition_digest())),
        Rendition::Playback if photo.kind != MediaKind::Video => Err(Code::PhotoNotFound.into()),
        Rendition::Playback => videos::playback_key(photo),
    }
}
