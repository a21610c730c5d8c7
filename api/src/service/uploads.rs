//! Uploads that a client sends straight to the photo store: announced, sent by a signed form, verified, and only
//! then a photo.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::photos::Photo;
use suishoupai_storage::db::uploads::{self as rows, Upload};
use suishoupai_storage::store::{Form, ObjectKey, Spooled, StoreError};

use super::photos;
use crate::fail::Fail;
use crate::http::rate::{self, Policy};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// Uploads that an account may have announced at once.
const MAX_OPEN: u32 = 100;
/// How long after its end an upload is kept: for transfers that had begun, and for a repeated completion.
const KEPT_OPEN_SECONDS: i64 = 3600;
const KEPT_COMPLETED_SECONDS: i64 = 24 * 3600;
/// Expired uploads are swept in portions of this size.
const SWEPT: i64 = 100;

/// What a client says that it will send.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Its type.
    pub media_type: &'static str,
    /// Its length, bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// Where and until when it may be sent.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The key.
    pub id: i64,
    /// The form to post.
    pub form: Form,
    /// Until when it may be sent and completed.
    pub expires_at: Moment,
}

/// Takes note of an upload, and signs the form for it.
///
/// # Errors
/// 422 when it is too long, 429 when the account has announced too many, 503 when the store does not answer.
pub async fn announce(services: &Services, account: Account, announced: Announced) -> Result<Ticket, Fail> {
    let limit = photos::Bound::of_type(services, Some(announced.media_type)).bytes;
    let bytes = u32::try_from(announced.bytes).ok().filter(|bytes| u64::from(*bytes) <= limit);
    let bytes = bytes.ok_or_else(|| too_long(limit))?;
    let seconds = services.config.store.upload_minutes * 60;
    let now = services.now();
    let [id] = services.db.ids::<1>().await?;
    let upload = Upload {
        id,
        district: account.district,
        account: account.id,
        name: rand::random(),
        media_type: announced.media_type.to_owned(),
        sha256: announced.sha256,
        bytes: i64::from(bytes),
        expires_at: now.plus_seconds(i64::from(seconds)),
        photo: None,
        created_at: now,
    };
    let key = ObjectKey::upload(&upload.name);
    let signed = services.store.sign_upload(&key, announced.media_type, bytes, seconds).await?;
    let form = signed.unwrap_or_else(|| own_form(services, &upload));
    let expires_at = upload.expires_at;
    let policy = Policy::within("announced-uploads", MAX_OPEN, seconds);
    let open = services
        .db
        .write(move |conn| {
            let open = rows::open_of(conn, upload.account, now)?;
            if open >= i64::from(MAX_OPEN) {
                return Err(Fail::from(policy.exceeded(i64::from(seconds) * 1000)));
            }
            rows::insert(conn, &upload)?;
            Ok(open)
        })
        .await?;
    // Each that is completed makes room for another one.
    rate::tell(policy.left(u64::from(MAX_OPEN).saturating_sub(open.unsigned_abs() + 1), Some(seconds)));
    Ok(Ticket { id, form, expires_at })
}

/// The form by which this server itself takes the bytes, for a store that clients cannot reach.
fn own_form(services: &Services, upload: &Upload) -> Form {
    let expires = upload.expires_at.millis() / 1000;
    let signature = services.links.sign_upload(upload.id, expires);
    let base = services.config.http.public_url.as_deref().unwrap_or_default();
    let path = format!("/api/v1/photos/uploads/{}/content", upload.id);
    let url = format!("{base}{path}?expires={expires}&signature={signature}");
    Form { url, fields: BTreeMap::from([("Content-Type".to_owned(), upload.media_type.clone())]) }
}

/// The upload that a signed form is for.
///
/// # Errors
/// 401 for a signature that is wrong or has expired, 404 where the upload has been swept.
pub async fn signed(services: &Services, id: i64, expires: i64, signature: &str) -> Result<Upload, Fail> {
    if !services.links.verify_upload(id, expires, signature, services.now()) {
        return Err(Fail::from(Problem::new(Code::TokenExpired).detail(Text::new(
            "上传地址无效或已过期，请重新申请。",
            "The address is not valid or has expired; announce the upload again.",
        ))));
    }
    let found = services.db.read(move |conn| rows::find(conn, id).map_err(Fail::from)).await?;
    found.ok_or_else(|| Code::UploadNotFound.into())
}

/// Keeps the bytes of an upload until it is completed; sent again, the later ones count, as in a bucket.
///
/// # Errors
/// 422 for another type than announced or too many bytes, 503 when the store does not take them.
pub async fn receive(
    services: &Services,
    upload: &Upload,
    media_type: &str,
    sent: &Spooled,
) -> Result<(), Fail> {
    if media_type != upload.media_type {
        return Err(mismatch("/Content-Type", &upload.media_type, media_type).into());
    }
    if sent.length() == 0 || sent.length() > upload.bytes.unsigned_abs() {
        return Err(mismatch("/file", upload.bytes, sent.length()).into());
    }
    let key = ObjectKey::upload(&upload.name);
    services.store.delete(&key).await?;
    Ok(services.store.put_file(&key, sent).await?)
}

fn mismatch(part: &str, announced: impl std::fmt::Display, got: impl std::fmt::Display) -> Problem {
    let message = Text::new(
        format!("声明的是 {announced}，收到的是 {got}"),
        format!("{announced} was announced, {got} came"),
    );
    Problem::new(Code::UploadMismatch).field(part, "mismatch", message)
}

/// Makes a photo of what was sent, once its length, digest and true type are those that were announced. Completed
/// again, it answers the same photo; the flag says whether it is new.
///
/// # Errors
/// 404 for another account's upload, 410 for an expired one, 409 while nothing has been sent, 422 when something
/// else was sent.
pub async fn complete(services: &Services, account: Account, id: i64) -> Result<(Photo, bool), Fail> {
    let found = services.db.read(move |conn| rows::find(conn, id).map_err(Fail::from)).await?;
    let upload = found.filter(|upload| upload.account == account.id).ok_or(Code::UploadNotFound)?;
    if let Some(photo) = upload.photo {
        let photo = photos::by_key(services, photo).await?.ok_or(Code::PhotoNotFound)?;
        return Ok((photo, false));
    }
    if services.now() > upload.expires_at {
        return Err(Code::UploadExpired.into());
    }
    let key = ObjectKey::upload(&upload.name);
    // The bytes that were verified are stored, not the object: its form stays good, and it may change meanwhile.
    let prepared = photos::prepare(services, fetch(services, &upload, &key).await?).await?;
    if prepared.media_type() != upload.media_type {
        return Err(mismatch("/media_type", &upload.media_type, prepared.media_type()).into());
    }
    photos::store(services, &prepared).await?;
    let [photo_id, job_id, _] = services.db.ids::<3>().await?;
    let now = services.now();
    let recorded = services.db.write(move |conn| {
        let (photo, is_new) =
            photos::record(conn, &account, account.district, &prepared, [photo_id, job_id], now)?;
        rows::complete(conn, id, photo.id)?;
        Ok::<_, Fail>((photo, is_new))
    });
    let recorded = recorded.await?;
    services.jobs_waiting.notify_one();
    if let Err(error) = services.store.delete(&key).await {
        tracing::warn!(%error, upload = id, "a completed upload is left to the sweep");
    }
    Ok(recorded)
}

/// What was sent, verified by length and digest.
async fn fetch(services: &Services, upload: &Upload, key: &ObjectKey) -> Result<Spooled, Fail> {
    let mut reading = match services.store.read(key, None).await {
        Err(StoreError::NotFound { .. }) => return Err(Code::UploadMissing.into()),
        other => other?,
    };
    let bytes = upload.bytes.unsigned_abs();
    if reading.length != bytes {
        return Err(mismatch("/bytes", bytes, reading.length).into());
    }
    let mut incoming = services.store.spool().begin(bytes);
    while let Some(portion) = reading.portions.next().await {
        let pushed = incoming.push(&portion?).await?;
        incoming = pushed.map_err(|_| mismatch("/bytes", bytes, "more"))?;
    }
    let sent = incoming.finish().await?;
    if sent.sha256() != &upload.sha256 {
        let (announced, got) = (hex::encode(upload.sha256), hex::encode(sent.sha256()));
        return Err(mismatch("/sha256", announced, got).into());
    }
    Ok(sent)
}

/// Forgets uploads whose time is over, with what was sent of them; how many.
///
/// # Errors
/// The store's or the database's; the rest is found by the next sweep.
pub async fn sweep(services: &Services) -> Result<usize, Fail> {
    let mut swept = 0;
    loop {
        let now = services.now();
        let (open, done) = (now.plus_seconds(-KEPT_OPEN_SECONDS), now.plus_seconds(-KEPT_COMPLETED_SECONDS));
        let over =
            services.db.read(move |conn| rows::expired(conn, open, done, SWEPT).map_err(Fail::from)).await?;
        let found = over.len();
        for upload in &over {
            services.store.delete(&ObjectKey::upload(&upload.name)).await?;
        }
        services
            .db
            .write(move |conn| over.iter().try_for_each(|row| rows::delete(conn, row.id)).map_err(Fail::from))
            .await?;
        swept += found;
        if (found as i64) < SWEPT {
            return Ok(swept);
        }
    }
}

/// The announced length is above what this installation takes.
fn too_long(limit: u64) -> Problem {
    let message = Text::new(
        format!("文件最大 {limit} 字节，请压缩后重试"),
        format!("a file has at most {limit} bytes; compress it"),
    );
    Problem::new(Code::RefusedByRule).field("/bytes", "too_large", message)
}
