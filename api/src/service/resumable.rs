//! Uploads that may be interrupted, by the protocol tus: created, continued from where they are, and looked at as any other
//! upload once they are whole.
//!
//! What came is kept in parts, each an object of the store under a random name. A part counts when its object is durable
//! and the row of the upload has been moved on by compare-and-set on its offset; so several processes may serve one upload,
//! and of two who send the same bytes at once one is told where the upload is.

mod append;
mod finish;

use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::photos;
use suishoupai_storage::db::resumable::{self as rows, End, Resumable, UploadState};
use suishoupai_storage::store::ObjectKey;

pub use append::{Sending, append, begin};
pub use finish::{FINISH, finish};

use super::photos::Bound;
use crate::fail::Fail;
use crate::http::rate::{self, Counted, Policy};
use crate::http::tus::Metadata;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// How long the end of an upload is remembered, so that a client that was not answered learns of it.
const REMEMBERED_SECONDS: i64 = 24 * 3600;
/// How long after its end an upload is swept: for requests that had begun.
const GRACE_SECONDS: i64 = 3600;
/// How long an upload that is whole, and that could not be looked at for want of the store, is kept.
const WHOLE_SECONDS: i64 = 7 * 24 * 3600;
/// When to try again whoever has too much open, which only the client itself can change.
const AGAIN_SECONDS: u32 = 60;
/// Ended uploads are swept in portions of this size.
const SWEPT: i64 = 100;

/// The longest upload, bytes: the longest file that is accepted.
pub fn max_size(services: &Services) -> u64 {
    services.upload_limit()
}

/// An upload that shall be created.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its length, bytes.
    pub length: u64,
    /// `Upload-Metadata` as written, and as read.
    pub metadata: Option<(String, Metadata)>,
}

/// Creates an upload. Where the client claims a digest, what is there already of the same bytes is used: a photo of this
/// account, with which the upload is complete at once, or an upload under way, which goes on.
///
/// # Errors
/// 413 when it is too long, 422 when it is empty, 429 when the account has too much open.
pub async fn create(services: &Services, account: &Account, wanted: Wanted) -> Result<Resumable, Fail> {
    let filetype = wanted.metadata.as_ref().and_then(|(_, read)| read.filetype.as_deref());
    let bound = Bound::of_type(services, filetype);
    if wanted.length > bound.bytes {
        return Err(bound.exceeded().into());
    }
    if wanted.length == 0 {
        return Err(Code::PhotoEmpty.into());
    }
    let now = services.now();
    let [id] = services.db.ids::<1>().await?;
    let settings = &services.config.uploads;
    let (most_open, most_bytes) = (i64::from(settings.max_open), settings.max_open_bytes);
    let window = settings.keep_hours * 3600;
    let uploads = Policy::within("open-uploads", settings.max_open, window);
    let content = Policy {
        name: "open-upload-bytes",
        counted: Counted::Bytes,
        quota: most_bytes,
        window: Some(window),
    };
    let new = Resumable {
        id,
        district: account.district,
        account: account.id,
        length: i64::try_from(wanted.length).unwrap_or(i64::MAX),
        received: 0,
        sha256: wanted.metadata.as_ref().and_then(|(_, read)| read.sha256),
        metadata: wanted.metadata.map(|(text, _)| text),
        state: UploadState::Receiving,
        photo: None,
        failure: None,
        expires_at: now.plus_seconds(i64::from(settings.keep_hours) * 3600),
        created_at: now,
    };
    let created = services.db.write(move |conn| {
        let mut new = new.clone();
        rows::lock_account(conn, new.account)?;
        if let Some(sha256) = &new.sha256 {
            if let Some(same) = rows::find_same(conn, new.account, sha256, new.length, now)? {
                return Ok((same, None));
            }
            let known = photos::find_same(conn, new.account, sha256)?;
            if let Some(photo) = known.filter(|photo| photo.bytes == new.length) {
                (new.state, new.photo, new.received) = (UploadState::Done, Some(photo.id), new.length);
                new.expires_at = now.plus_seconds(REMEMBERED_SECONDS);
                rows::insert(conn, &new)?;
                return Ok((new, None));
            }
        }
        let (open, bytes) = rows::open_of(conn, new.account, now)?;
        let too_much = bytes.saturating_add(new.length).unsigned_abs() > most_bytes;
        if open >= most_open || too_much {
            let exceeded = if open >= most_open { uploads } else { content };
            let refused = too_much_open(most_open, most_bytes).limited(exceeded.left(0, Some(AGAIN_SECONDS)));
            return Err(Fail::from(refused));
        }
        rows::insert(conn, &new)?;
        let (open, bytes) = (open + 1, bytes.saturating_add(new.length));
        Ok((new, Some((open.unsigned_abs(), bytes.unsigned_abs()))))
    });
    let (created, open) = created.await?;
    // What was there already takes no more room than before.
    let (left, room) = open.map_or((None, None), |(open, bytes)| {
        (Some(uploads.quota.saturating_sub(open)), Some(most_bytes.saturating_sub(bytes)))
    });
    for (policy, left) in [(uploads, left), (content, room)] {
        rate::tell(left.map_or(policy.unsaid(), |left| policy.left(left, None)));
    }
    Ok(created)
}

fn too_much_open(uploads: i64, bytes: u64) -> Problem {
    let text = Text::new(
        format!("未完成的上传最多 {uploads} 个、共 {} MiB，请先完成或取消其中一些。", bytes >> 20),
        format!(
            "At most {uploads} uploads of together {} MiB may be unfinished; finish or end some.",
            bytes >> 20
        ),
    );
    Problem::new(Code::TooManyRequests).detail(text).retry_after(AGAIN_SECONDS)
}

/// An own upload as it stands. One that is whole and has not been looked at yet, because the store did not answer or the
/// server was stopped, is looked at now.
///
/// # Errors
/// 404 for another account's or an ended one, 410 for an expired one, and the problem for which it was refused.
pub async fn state(services: &Services, account: &Account, id: i64) -> Result<Resumable, Fail> {
    let upload = own(services, account, id).await?;
    if upload.state != UploadState::Verifying {
        return alive(upload, services.now());
    }
    match finish(services, id).await {
        Ok(()) => {}
        Err(fail) => {
            tracing::warn!(problem = %Problem::from(fail), upload = id, "an upload waits to be looked at")
        }
    }
    alive(own(services, account, id).await?, services.now())
}

async fn own(services: &Services, account: &Account, id: i64) -> Result<Resumable, Fail> {
    let found = services.db.read(move |conn| rows::find(conn, id).map_err(Fail::from)).await?;
    let is_own = |upload: &Resumable| upload.account == account.id && upload.state != UploadState::Terminated;
    found.filter(is_own).ok_or_else(|| Code::UploadNotFound.into())
}

/// The upload, unless it has been refused or has expired.
fn alive(upload: Resumable, now: Moment) -> Result<Resumable, Fail> {
    match (&upload.state, &upload.failure) {
        (UploadState::Refused, failure) => Err(finish::told(failure.as_deref()).into()),
        (UploadState::Receiving, _) if now > upload.expires_at => Err(Code::UploadExpired.into()),
        _ => Ok(upload),
    }
}

/// Ends an own upload; what came is forgotten, a photo that it has become stays.
///
/// # Errors
/// 404 for another account's or one that has been ended before.
pub async fn terminate(services: &Services, account: &Account, id: i64) -> Result<(), Fail> {
    own(services, account, id).await?;
    let now = services.now();
    let ended =
        services.db.write(move |conn| rows::end(conn, id, &End::Terminated, now).map_err(Fail::from)).await?;
    if !ended {
        return Err(Code::UploadNotFound.into());
    }
    drop_objects(services, id).await;
    Ok(())
}

/// Removes the objects of an ended upload. What is left over is found by the sweep.
async fn drop_objects(services: &Services, id: i64) {
    if let Err(fail) = try_drop_objects(services, id).await {
        tracing::warn!(problem = %Problem::from(fail), upload = id, "parts of an upload are left to the sweep");
    }
}

async fn try_drop_objects(services: &Services, id: i64) -> Result<(), Fail> {
    let parts = services.db.read(move |conn| rows::parts_of(conn, id, false).map_err(Fail::from)).await?;
    for part in &parts {
        services.store.delete(&ObjectKey::upload(&part.name)).await?;
    }
    let forget = move |conn: &mut _| parts.iter().try_for_each(|part| rows::forget_part(conn, &part.name));
    services.db.write(move |conn| forget(conn).map_err(Fail::from)).await
}

/// Forgets uploads that have ended or whose time is over, with what came of them; how many.
///
/// # Errors
/// The store's or the database's; the rest is found by the next sweep.
pub async fn sweep(services: &Services) -> Result<usize, Fail> {
    let mut swept = 0;
    loop {
        let now = services.now();
        let (over, given_up) = (now.plus_seconds(-GRACE_SECONDS), now.plus_seconds(-WHOLE_SECONDS));
        let ids = services
            .db
            .read(move |conn| rows::expired(conn, over, given_up, SWEPT).map_err(Fail::from))
            .await?;
        for id in &ids {
            forget(services, *id).await?;
        }
        swept += ids.len();
        if (ids.len() as i64) < SWEPT {
            return Ok(swept);
        }
    }
}

async fn forget(services: &Services, id: i64) -> Result<(), Fail> {
    let parts = services.db.read(move |conn| rows::parts_of(conn, id, false).map_err(Fail::from)).await?;
    for part in &parts {
        services.store.delete(&ObjectKey::upload(&part.name)).await?;
    }
    services.db.write(move |conn| rows::delete(conn, id, &parts).map_err(Fail::from)).await
}
