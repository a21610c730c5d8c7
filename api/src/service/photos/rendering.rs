//! The renditions of photos: made by a job, with the mask that a photo has by then.

use std::time::Instant;

use suishoupai_core::flow::masking::Area;
use suishoupai_storage::db::photos::{self as rows, MediaKind, Photo};
use suishoupai_storage::db::{hashes, jobs, masks};
use suishoupai_storage::picture::{self, PictureError, RenderError, Renditions};
use suishoupai_storage::store::ObjectKey;

use super::super::videos;
use super::original_key;
use crate::fail::Fail;
use crate::services::Services;

/// The kind of the job that makes the renditions of a photo.
pub(super) const RENDER: &str = "render_photo";
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

/// Makes the renditions of a photo with the mask that it now has: the job. A picture that cannot be rendered is recorded
/// as such and not tried again; failures of store and database are. One that took too long is tried again unless this is
/// the last try: it may be the machine that had too much to do.
///
/// # Errors
/// The store's or the database's; that it took too long.
pub async fn render(services: &Services, id: i64, is_last_try: bool) -> Result<(), Fail> {
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
        MediaKind::Photo => match pictures_of(services, &photo, masked.mask.areas).await? {
            Err(slow @ PictureError::TooSlow { .. }) if !is_last_try => return Err(Fail::internal(&slow)),
            made => made.map_err(|error| error.to_string()),
        },
        MediaKind::Video => videos::render(services, &photo).await?,
    };
    let digest = photo.rendition_digest();
    let outcome = match made {
        Ok(renditions) => {
            let (width, height) = renditions.display_size;
            // A poster says little of a video, and a placeholder nothing: videos are compared by their bytes.
            let is_photo = photo.kind == MediaKind::Photo;
            let hash = is_photo.then(|| picture::perceptual_hash(&renditions.thumbnail_luma)).flatten();
            let (display, thumbnail) = (ObjectKey::display(digest), ObjectKey::thumbnail(digest));
            tokio::try_join!(
                services.store.put(&display, renditions.display.into()),
                services.store.put(&thumbnail, renditions.thumbnail.into()),
            )?;
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
    let load = |buffer| services.store.get_once(&key, buffer);
    let known = services.looked_at.take(&photo.sha256);
    match services.renderer.render(length, known, areas, load).await {
        Ok(renditions) => Ok(Ok(renditions)),
        Err(RenderError::Picture(error)) => Ok(Err(error)),
        Err(RenderError::Load(error)) => Err(error.into()),
    }
}
