//! Photos from one store to another, each held to the digest that names it.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use suishoupai_storage::db::backup::PhotoRow;
use suishoupai_storage::files::create_private;
use suishoupai_storage::store::{LocalStore, MAX_LIST, ObjectKey, PhotoStore, StoreError};
use tokio::task::JoinSet;

use super::BackupError;
use super::manifest::{PhotoMode, Photos};
use crate::config::{Config, StoreKind};
use crate::photo_store;

/// Photos that are under way at once: each waits for the disk most of the time, and each is in memory whole.
const AT_ONCE: usize = 4;
/// How many missing photos are named.
const MOST_NAMED: usize = 100;

/// The photo store of an installation.
pub(super) async fn store_of(config: &Config) -> Result<PhotoStore, BackupError> {
    Ok(photo_store::open(config).await?)
}

/// The photo store in a place of the command line: a folder, or `s3://BUCKET` with the server, the region and the keys of
/// the settings' section `store`.
///
/// # Errors
/// For any other scheme, and where the place cannot be used.
pub async fn store_at(text: &str, config: &Config) -> Result<PhotoStore, BackupError> {
    match text.split_once("://") {
        None if text.is_empty() => {
            Err(BackupError::words("name the folder for the photos, or s3:// and a bucket"))
        }
        None => Ok(PhotoStore::Local(LocalStore::open(text)?)),
        Some(("s3", bucket)) if !bucket.is_empty() && !bucket.contains('/') => {
            let mut config = config.clone();
            config.store.kind = StoreKind::S3;
            config.store.bucket = Some(bucket.to_owned());
            Ok(photo_store::open(&config).await?)
        }
        Some(_) => Err(BackupError::words(format!(
            "photos cannot be kept in {text}; name a folder, or s3:// and the name of a bucket"
        ))),
    }
}

/// Writes rows of photos as lines: digest and extension of an original, or `-` and the digest of masked renditions.
pub(super) fn write_row(list: &mut impl Write, row: &PhotoRow) -> std::io::Result<()> {
    if !row.is_again {
        writeln!(list, "{}\t{}", hex::encode(&row.sha256), row.extension)?;
    }
    match &row.rendition {
        Some(digest) => writeln!(list, "-\t{}", hex::encode(digest)),
        None => Ok(()),
    }
}

/// An object that was looked at.
enum Seen {
    /// It is there: its length and digest, if its bytes were read.
    Good(u64, Option<String>),
    Absent,
    /// Its bytes are not those that its key names.
    Damaged,
}

/// Walks the photos of the database that `rows` lists; copies them with their renditions to `to`, or without `to` only
/// looks for them; and writes `list`.
pub(super) async fn walk(
    rows: &Path,
    from: &PhotoStore,
    to: Option<&PhotoStore>,
    list: &Path,
) -> Result<Photos, BackupError> {
    let mode = if to.is_some() { PhotoMode::Copied } else { PhotoMode::Referenced };
    let mut photos = Photos { mode, objects: 0, bytes: 0, missing: 0, first_missing: Vec::new() };
    let mut out = BufWriter::new(create_private(list).map_err(BackupError::file("make", list))?);
    let mut lines = BufReader::new(File::open(rows).map_err(BackupError::file("read", rows))?).lines();
    loop {
        let mut keys = Vec::new();
        for line in lines.by_ref().take(AT_ONCE) {
            keys.extend(keys_of(&line.map_err(BackupError::file("read", rows))?)?);
        }
        if keys.is_empty() {
            break;
        }
        for (key, seen) in carry_all(keys, from, to).await? {
            match seen {
                Seen::Good(bytes, sha256) => {
                    photos.objects += 1;
                    photos.bytes += bytes;
                    let sha256 = sha256.as_deref().unwrap_or("-");
                    writeln!(out, "{key}\t{bytes}\t{sha256}").map_err(BackupError::file("write", list))?;
                }
                // A rendition that is not there yet is made from its original, or was given up.
                Seen::Absent if named_digest(&key).is_none() => {}
                Seen::Absent | Seen::Damaged => {
                    photos.missing += u64::from(named_digest(&key).is_some());
                    if photos.first_missing.len() < MOST_NAMED {
                        photos.first_missing.push(key.to_string());
                    }
                }
            }
        }
    }
    let file = out.into_inner().map_err(|error| BackupError::file("write", list)(error.into_error()))?;
    file.sync_all().map_err(BackupError::file("write", list))?;
    Ok(photos)
}

/// The original of a line and the renditions that may be there, or masked ones alone.
fn keys_of(line: &str) -> Result<Vec<ObjectKey>, BackupError> {
    let strange =
        || BackupError::words(format!("the database names a photo that no store can hold: {line:?}"));
    let (digest, extension) = line.split_once('\t').ok_or_else(strange)?;
    let mut sha256 = [0; 32];
    if digest == "-" {
        hex::decode_to_slice(extension, &mut sha256).map_err(|_| strange())?;
        return Ok(vec![ObjectKey::display(&sha256), ObjectKey::thumbnail(&sha256)]);
    }
    hex::decode_to_slice(digest, &mut sha256).map_err(|_| strange())?;
    let original = ObjectKey::original(&sha256, extension).map_err(|_| strange())?;
    let mut keys = vec![original, ObjectKey::display(&sha256), ObjectKey::thumbnail(&sha256)];
    if matches!(extension, "mp4" | "mov") {
        keys.push(ObjectKey::playback(&sha256, extension).map_err(|_| strange())?);
    }
    Ok(keys)
}

/// The digest that an original's bytes must have; none for a rendition, which bears the digest of its original.
pub(super) fn named_digest(key: &ObjectKey) -> Option<&str> {
    let name = key.as_str().strip_prefix("original/")?;
    name.rsplit('/').next()?.split('.').next()
}

async fn carry_all(
    keys: Vec<ObjectKey>,
    from: &PhotoStore,
    to: Option<&PhotoStore>,
) -> Result<Vec<(ObjectKey, Seen)>, BackupError> {
    let mut tasks = JoinSet::new();
    for (at, key) in keys.into_iter().enumerate() {
        let (from, to) = (from.clone(), to.cloned());
        tasks.spawn(async move {
            let seen = carry(&key, &from, to.as_ref()).await;
            (at, key, seen)
        });
    }
    let mut done = Vec::new();
    while let Some(task) = tasks.join_next().await {
        let (at, key, seen) =
            task.map_err(|error| BackupError::words(format!("a photo was broken off: {error}")))?;
        done.push((at, key, seen?));
    }
    done.sort_unstable_by_key(|(at, ..)| *at);
    Ok(done.into_iter().map(|(_, key, seen)| (key, seen)).collect())
}

async fn carry(key: &ObjectKey, from: &PhotoStore, to: Option<&PhotoStore>) -> Result<Seen, StoreError> {
    let Some(to) = to else {
        let found = from.head(key).await?;
        return Ok(
            found.map_or(Seen::Absent, |bytes| Seen::Good(bytes, named_digest(key).map(str::to_owned)))
        );
    };
    let data = match from.get(key).await {
        Err(StoreError::NotFound { .. }) => return Ok(Seen::Absent),
        data => data?,
    };
    let (data, sha256) = digest(data).await?;
    if named_digest(key).is_some_and(|named| named != sha256) {
        return Ok(Seen::Damaged);
    }
    let bytes = data.len() as u64;
    to.put(key, data).await?;
    Ok(Seen::Good(bytes, Some(sha256)))
}

/// The digest of an object; a large one takes a while, so it is not computed on an async thread.
pub(super) async fn digest(data: Bytes) -> Result<(Bytes, String), StoreError> {
    let done = tokio::task::spawn_blocking(move || {
        let sha256 = hex::encode(Sha256::digest(&data));
        (data, sha256)
    });
    done.await.map_err(|stopped| StoreError::Io {
        action: "hash an object",
        source: std::io::Error::other(stopped),
    })
}

/// What a move of photos has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhotosMoved {
    /// Objects that the new store has now.
    pub objects: u64,
    /// How many of them were copied by this run.
    pub copied: u64,
    /// Their length altogether.
    pub bytes: u64,
}

/// Copies every object of an installation's photo store that another one does not have. Run again, it goes on.
///
/// # Errors
/// The stores', or an original whose bytes are not those that its key names.
pub async fn move_photos(config: &Config, to: &PhotoStore) -> Result<PhotosMoved, BackupError> {
    let from = store_of(config).await?;
    let mut moved = PhotosMoved::default();
    let mut after: Option<String> = None;
    loop {
        let page = from.list("", after.as_deref(), MAX_LIST).await?;
        let Some((last, _)) = page.last() else { return Ok(moved) };
        after = Some(last.clone());
        let mut wanted = Vec::new();
        // What is being uploaded is no photo yet.
        for (name, bytes) in page.into_iter().filter(|(name, _)| !name.starts_with("upload/")) {
            let key: ObjectKey =
                name.parse().map_err(|error| BackupError::words(format!("{name}: {error}")))?;
            moved.objects += 1;
            moved.bytes += bytes;
            if to.head(&key).await? != Some(bytes) {
                wanted.push(key);
            }
        }
        for keys in wanted.chunks(AT_ONCE) {
            for (key, seen) in carry_all(keys.to_vec(), &from, Some(to)).await? {
                match seen {
                    Seen::Good(..) => moved.copied += 1,
                    Seen::Absent => moved.objects -= 1,
                    Seen::Damaged => {
                        return Err(BackupError::words(format!(
                            "the bytes of {key} are not those that were sent; restore it from a backup, or remove it, \
                             and start again"
                        )));
                    }
                }
            }
        }
    }
}
