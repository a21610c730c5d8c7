//! The originals of photos: put into a package, and read again to see whether they are as they were sent.

use std::collections::BTreeSet;
use std::io::Write as _;

use futures_util::StreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use suishoupai_storage::db::{Db, DbError, originals};
use suishoupai_storage::store::{ObjectKey, StoreError};
use tokio::task::JoinSet;

use super::package::Package;
use super::{EvidenceError, PhotoStore, TicketId, json, masks, photo_rows};

/// Originals that are read at once; of each a portion is in memory.
const AT_ONCE: usize = 4;
/// Rows of photos that are in memory at once.
const PAGE: i64 = 500;
/// How many faults are named.
const MOST_FAULTS: usize = 100;
/// After how many originals it is said how far it has come.
const SAY_EVERY: u64 = 1000;

/// What came of the photos of a package.
pub(super) struct Exported {
    /// What is missing, or not as it was sent.
    pub(super) problems: Vec<String>,
}

#[derive(Serialize)]
struct About {
    photo: i64,
    file: String,
    stage: &'static str,
    line: i64,
    sha256: String,
    media_type: String,
    bytes: i64,
    uploaded_at: String,
    camera_time: Option<String>,
    camera_lon: Option<f64>,
    camera_lat: Option<f64>,
    camera: Option<String>,
    mask_version: i64,
}

/// Puts the originals of a ticket's photos into the package, each once, with what is known of them and their masks.
pub(super) async fn export(
    package: &mut Package,
    db: &Db,
    store: &PhotoStore,
    ticket: TicketId,
) -> Result<Exported, EvidenceError> {
    let evidence = db.read(move |conn| photo_rows::evidence_of(conn, ticket)).await?;
    let (mut problems, mut about, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (stage, line, photo) in &evidence {
        let file = format!("photos/{}.{}", photo.id, photo.extension);
        about.push(About {
            photo: photo.id,
            file: file.clone(),
            stage: stage.as_str(),
            line: *line,
            sha256: hex::encode(photo.sha256),
            media_type: photo.media_type.clone(),
            bytes: photo.bytes,
            uploaded_at: photo.created_at.to_string(),
            camera_time: photo.taken_at.map(|at| at.to_string()),
            camera_lon: photo.gps.map(|at| at.lon),
            camera_lat: photo.gps.map(|at| at.lat),
            camera: photo.camera.clone(),
            mask_version: photo.mask_version,
        });
        if !seen.insert(photo.id) {
            continue;
        }
        let key = ObjectKey::original(&photo.sha256, &photo.extension)
            .map_err(|error| EvidenceError::words(format!("photo {}: {error}", photo.id)))?;
        match store.read(&key, None).await {
            Err(StoreError::NotFound { .. }) => {
                problems.push(format!("photo {}: missing in the store", photo.id))
            }
            reading => {
                let entry = package.stream(&file, reading?.portions).await??;
                if entry.sha256 != hex::encode(photo.sha256) {
                    problems.push(format!("photo {}: not as it was sent", photo.id));
                }
            }
        }
        if photo.mask_version > 0 {
            write_mask(package, db, photo.id).await?;
        }
    }
    package.add("photos.json", json(&about)?).await?;
    Ok(Exported { problems })
}

async fn write_mask(package: &mut Package, db: &Db, photo: i64) -> Result<(), EvidenceError> {
    let lines = db.read(move |conn| masks::stored(conn, photo)).await?;
    let (texts, hashes): (Vec<String>, Vec<String>) = lines.into_iter().unzip();
    package.add(&format!("masks/{photo}.jsonl"), texts.join("\n") + "\n").await?;
    package.add(&format!("masks/{photo}.hashes"), hashes.join("\n") + "\n").await
}

/// What reading all originals again has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhotosVerified {
    /// Originals that the database names.
    pub originals: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is missing or altered, in words; at most 100.
    pub faults: Vec<String>,
    /// How many there are.
    pub faulty: u64,
}

/// Reads every original in the store and compares it with its digest; tells `say` how far it has come.
///
/// # Errors
/// The database's, or the store's where it does not answer.
pub async fn verify_photos(
    db: &Db,
    store: &PhotoStore,
    mut say: impl FnMut(&PhotosVerified),
) -> Result<PhotosVerified, EvidenceError> {
    let mut seen = PhotosVerified::default();
    let mut after: Option<[u8; 32]> = None;
    loop {
        let page = db.read(move |conn| originals::originals_after(conn, after, PAGE)).await?;
        let Some((last, _)) = page.last() else { return Ok(seen) };
        after = Some(*last);
        for some in page.chunks(AT_ONCE) {
            for (key, sha256, found) in read_again(some, store).await? {
                seen.originals += 1;
                let fault = match found {
                    Some((bytes, digest)) => {
                        seen.bytes += bytes;
                        (digest != sha256).then_some("not as it was sent")
                    }
                    None => Some("missing"),
                };
                if let Some(fault) = fault {
                    seen.faulty += 1;
                    if seen.faults.len() < MOST_FAULTS {
                        let tickets = db.read(move |conn| originals::numbers_with(conn, &sha256)).await?;
                        seen.faults.push(told(&key, fault, &tickets));
                    }
                }
                if seen.originals.is_multiple_of(SAY_EVERY) {
                    say(&seen);
                }
            }
        }
    }
}

fn told(key: &ObjectKey, fault: &str, tickets: &[String]) -> String {
    match tickets {
        [] => format!("photo {key}: {fault}"),
        tickets => format!("photo {key} of ticket {}: {fault}", tickets.join(", ")),
    }
}

/// An original's key, the digest that it must have, and its length and digest if it is there.
type Again = (ObjectKey, [u8; 32], Option<(u64, [u8; 32])>);

async fn read_again(some: &[([u8; 32], String)], store: &PhotoStore) -> Result<Vec<Again>, EvidenceError> {
    let mut tasks = JoinSet::new();
    for (at, (sha256, extension)) in some.iter().enumerate() {
        let key = ObjectKey::original(sha256, extension).map_err(|error| {
            EvidenceError::Db(DbError::Refused(format!("{}: {error}", hex::encode(sha256))))
        })?;
        let (store, sha256) = (store.clone(), *sha256);
        tasks.spawn(async move {
            let found = digest(&store, &key).await;
            (at, key, sha256, found)
        });
    }
    let mut done = Vec::with_capacity(some.len());
    while let Some(task) = tasks.join_next().await {
        let task = task.map_err(|error| EvidenceError::words(format!("a photo was broken off: {error}")))?;
        done.push(task);
    }
    done.sort_unstable_by_key(|(at, ..)| *at);
    done.into_iter().map(|(_, key, sha256, found)| Ok((key, sha256, found?))).collect()
}

async fn digest(store: &PhotoStore, key: &ObjectKey) -> Result<Option<(u64, [u8; 32])>, StoreError> {
    let mut reading = match store.read(key, None).await {
        Err(StoreError::NotFound { .. }) => return Ok(None),
        reading => reading?,
    };
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    while let Some(portion) = reading.portions.next().await {
        let portion = portion?;
        bytes += portion.len() as u64;
        hash.update(&portion);
    }
    Ok(Some((bytes, hash.finalize().into())))
}

/// Says on standard error how far a verification has come.
pub(crate) fn say_on_stderr(seen: &PhotosVerified) {
    let mebibytes = seen.bytes >> 20;
    drop(writeln!(std::io::stderr(), "{} originals read, {mebibytes} MiB", seen.originals));
}
