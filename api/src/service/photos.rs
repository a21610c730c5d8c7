//! Photos: taken in, looked at without decoding, stored, recorded; rendered later by a job.

use std::time::Instant;

use suishoupai_core::flow::masking::Area;
use suishoupai_core::flow::may_see;
use suishoupai_core::flow::supervision::may_see_order;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::photos::{self as rows, MediaKind, Photo, PhotoState};
use suishoupai_storage::db::{Conn, DbError, hashes, jobs, masks, supervision, tickets};
use suishoupai_storage::picture::{self, Inspected, PictureError, RenderError, Renditions};
use suishoupai_storage::store::{ObjectKey, Spooled};
use suishoupai_storage::video::{Video, is_video};

use super::{orphans, videos};
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// The kind of the job that makes the renditions of a photo.
pub const RENDER: &str = "render_photo";
/// The beginning of the kinds of jobs that make them with a mask; the version of the mask follows, because the job of an
/// earlier one may be under way.
const MASK: &str = "mask_photo:";

/// The kind of the job that makes the renditions with the mask of a version.
pub fn mask_job(version: i64) -> String {
    format!("{MASK}{version}")
}

/// Whether jobs of this kind make renditions.
pub fn is_rendering(kind: &str) -> bool {
    kind == RENDER || kind.starts_with(MASK)
}

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

/// How many bytes a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The most bytes.
    pub bytes: u64,
    kind: MediaKind,
}

impl Bound {
    fn of_kind(services: &Services, kind: MediaKind) -> Self {
        let bytes = match kind {
            MediaKind::Photo => services.config.photos.max_bytes,
            MediaKind::Video => services.config.videos.max_bytes,
        };
        Self { bytes, kind }
    }

    /// The larger of the bounds, for a file of which nothing is known.
    pub fn of_any(services: &Services) -> Self {
        let [photo, video] = [MediaKind::Photo, MediaKind::Video].map(|kind| Self::of_kind(services, kind));
        if video.bytes > photo.bytes { video } else { photo }
    }

    /// By the media type that is claimed.
    pub fn of_type(services: &Services, media_type: Option<&str>) -> Self {
        match media_type.and_then(|text| text.split('/').next()) {
            Some("image") => Self::of_kind(services, MediaKind::Photo),
            Some("video") => Self::of_kind(services, MediaKind::Video),
            _ => Self::of_any(services),
        }
    }

    /// By the first bytes.
    pub fn of_head(services: &Services, head: &[u8]) -> Self {
        match head.len() {
            0..12 => Self::of_any(services),
            _ if is_video(head) => Self::of_kind(services, MediaKind::Video),
            _ => Self::of_kind(services, MediaKind::Photo),
        }
    }

    /// The problem of more bytes.
    pub fn exceeded(self) -> Problem {
        let most = self.bytes >> 20;
        match self.kind {
            MediaKind::Photo => Problem::new(Code::PhotoTooLarge).detail(Text::new(
                format!("照片最大 {most} MiB，请压缩后重试。"),
                format!("A photo may have at most {most} MiB."),
            )),
            MediaKind::Video => Problem::new(Code::VideoTooLarge).detail(Text::new(
                format!("视频最大 {most} MiB，请缩短或压缩后重试。"),
                format!("A video may have at most {most} MiB."),
            )),
        }
    }
}

/// Looks at a picture or video in its file, off the async threads and without decoding it.
///
/// # Errors
/// The problem that says what is wrong with it.
pub async fn prepare(services: &Services, spooled: Spooled) -> Result<Prepared, Fail> {
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

/// Makes the renditions of a photo with the mask that it now has: the job. A picture that cannot be rendered is recorded
/// as such and not tried again; failures of store and database are.
///
/// # Errors
/// The store's or the database's.
pub async fn render(services: &Services, id: i64) -> Result<(), Fail> {
    let Some(masked) = services.db.read(move |conn| masks::find(conn, id).map_err(Fail::from)).await? else {
        return Ok(());
    };
    let begun = Instant::now();
    let photo = masked.photo;
    if photo.mask_version > 0 {
        // What shows more than it should goes first.
        remove_unused(services, &photo).await?;
    }
    let made = match photo.kind {
        MediaKind::Photo => {
            pictures_of(services, &photo, masked.mask.areas).await?.map_err(|error| error.to_string())
        }
        MediaKind::Video => videos::render(services, &photo).await?,
    };
    let digest = photo.rendition_digest();
    let outcome = match made {
        Ok(renditions) => {
            let (width, height) = renditions.display_size;
            // A poster says little of a video, and a placeholder nothing: videos are compared by their bytes.
            let is_photo = photo.kind == MediaKind::Photo;
            let hash = is_photo.then(|| picture::perceptual_hash(&renditions.thumbnail_luma)).flatten();
            services.store.put(&ObjectKey::display(digest), renditions.display.into()).await?;
            services.store.put(&ObjectKey::thumbnail(digest), renditions.thumbnail.into()).await?;
            let pixels = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
            Ok(((pixels(width), pixels(height)), hash))
        }
        Err(why) => Err(why),
    };
    services.metrics.photo_rendered(outcome.is_ok(), begun);
    let (version, now) = (photo.mask_version, services.now());
    let counted = services
        .db
        .write(move |conn| {
            if let Ok((_, hash)) = &outcome {
                hashes::save(conn, id, *hash, now)?;
            }
            Ok::<_, Fail>(rows::rendered(conn, id, version, outcome.clone().map(|(size, _)| size))?)
        })
        .await?;
    // Masked anew meanwhile: what was just made shows too much, and another job makes the right ones.
    if counted { Ok(()) } else { remove_unused(services, &photo).await }
}

/// Removes renditions of a photo with earlier masks, or without one, that no photo uses.
async fn remove_unused(services: &Services, photo: &Photo) -> Result<(), Fail> {
    let id = photo.id;
    let unused = services.db.read(move |conn| masks::unused_renditions(conn, id).map_err(Fail::from)).await?;
    for digest in &unused {
        services.store.delete(&ObjectKey::display(digest)).await?;
        services.store.delete(&ObjectKey::thumbnail(digest)).await?;
    }
    if unused.is_empty() {
        return Ok(());
    }
    // Somebody may have sent the same picture just now, and its renditions may have been among what was removed.
    let first = services.db.reserve(100 * unused.len() as i64).await?.start;
    let now = services.now();
    services
        .db
        .write(move |conn| {
            let mut job = first;
            for digest in &unused {
                for photo in masks::users(conn, digest)? {
                    jobs::enqueue(conn, job, RENDER, photo, now)?;
                    job += 1;
                }
            }
            Ok(())
        })
        .await
}

/// The two pictures of a photo, or why they cannot be made.
async fn pictures_of(
    services: &Services,
    photo: &Photo,
    areas: Vec<Area>,
) -> Result<Result<Renditions, PictureError>, Fail> {
    let key = original_key(&photo.sha256, &photo.extension)?;
    let length = u64::try_from(photo.bytes).unwrap_or(0);
    match services.renderer.render(length, areas, services.store.get(&key)).await {
        Ok(renditions) => Ok(Ok(renditions)),
        Err(RenderError::Picture(error)) => Ok(Err(error)),
        Err(RenderError::Load(error)) => Err(error.into()),
    }
}
