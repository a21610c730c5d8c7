//! Where a backup lies: a folder, or below a prefix of a bucket. Files go to a bucket by way of a folder of this machine,
//! in which the database is written by its own tools; photos go straight to where they belong.

use std::fs::{DirBuilder, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use suishoupai_storage::files::{create_private, sync_folder};
use suishoupai_storage::store::{LocalStore, ObjectKey, PhotoStore, S3Files, StoreError};
use tempfile::TempDir;

use super::{BackupError, blocking};
use crate::config::Config;
use crate::photo_store;

/// Where photos lie in a backup.
const PHOTOS: &str = "photos";
/// The longest prefix; S3 takes keys of 1,024 bytes, and names of files come after it.
const MAX_PREFIX: usize = 512;

/// A place for one backup.
#[derive(Clone, Debug)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A part of a bucket.
    Bucket(InBucket),
}

/// A part of a bucket, and the folder through which files go there.
#[derive(Clone, Debug)]
pub struct InBucket {
    /// As it was named.
    url: String,
    files: S3Files,
    /// Removed with the last clone.
    scratch: Arc<TempDir>,
}

impl Place {
    /// Opens what stands on the command line: a folder, or `s3://BUCKET/PREFIX` with the server, the region and the keys of
    /// the settings' section `store`. `scratch` is the folder for files on their way; the system's one for temporary files
    /// without it.
    ///
    /// # Errors
    /// [`BackupError::Words`] for another scheme or a prefix that is none; the store's where there are no credentials.
    pub async fn open(text: &str, config: &Config, scratch: Option<&Path>) -> Result<Self, BackupError> {
        match text.split_once("://") {
            None if text.is_empty() => {
                Err(BackupError::words("name the folder of the backup, or s3://BUCKET/PREFIX"))
            }
            None => Ok(Self::Folder(PathBuf::from(text))),
            Some(("s3", address)) => {
                let (bucket, prefix) = bucket_and_prefix(address).ok_or_else(|| {
                    BackupError::words(format!(
                        "{text} names no part of a bucket; write s3://BUCKET/PREFIX, the prefix of letters, digits and \
                         - _ . between its /"
                    ))
                })?;
                let scratch = scratch_folder(scratch)?;
                let mut settings = photo_store::settings(config);
                bucket.clone_into(&mut settings.bucket);
                settings.spool = scratch.path().join("spool");
                let prefix = prefix.to_owned();
                let files = blocking(move || Ok(S3Files::open(settings, &prefix)?)).await?;
                Ok(Self::Bucket(InBucket { url: text.to_owned(), files, scratch: Arc::new(scratch) }))
            }
            Some((scheme, _)) => Err(BackupError::words(format!(
                "{scheme}:// is no place for a backup; name a folder, or s3://BUCKET/PREFIX"
            ))),
        }
    }

    /// The place in words.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Bucket(bucket) => bucket.url.clone(),
        }
    }

    /// Makes the place, which must be absent or empty: a backup is never mixed with another.
    pub(super) async fn begin(&self) -> Result<(), BackupError> {
        let is_empty = match self {
            Self::Folder(folder) => {
                make_folder(folder).map_err(BackupError::file("make the folder", folder))?;
                let inside = std::fs::read_dir(folder).map_err(BackupError::file("read", folder))?;
                inside.count() == 0
            }
            Self::Bucket(bucket) => bucket.files.is_empty().await?,
        };
        if is_empty {
            return Ok(());
        }
        Err(BackupError::words(format!(
            "the place {} is not empty; name a new one for each backup",
            self.name()
        )))
    }

    /// The folder of this machine that its files are in, or go through.
    fn here(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Bucket(bucket) => bucket.scratch.path(),
        }
    }

    /// Where on this machine a file of the backup is written before it is kept.
    pub(super) fn draft(&self, name: &str) -> Result<PathBuf, BackupError> {
        let path = self.inside(name)?;
        if let Some(above) = path.parent() {
            make_folder(above).map_err(BackupError::file("make the folder", above))?;
        }
        Ok(path)
    }

    /// Keeps a file whose draft is complete; it is durable when this answers.
    pub(super) async fn keep(&self, name: &str) -> Result<(), BackupError> {
        let path = self.draft(name)?;
        let top = match self {
            Self::Bucket(bucket) => return Ok(bucket.files.put(name, &path).await?),
            Self::Folder(top) => top,
        };
        File::open(&path).and_then(|file| file.sync_all()).map_err(BackupError::file("write", &path))?;
        let mut folder = path.parent();
        while let Some(above) = folder {
            sync_folder(above).map_err(BackupError::file("write", above))?;
            // The place itself is a new entry of the folder above it.
            folder = if above.starts_with(top) { above.parent() } else { None };
        }
        Ok(())
    }

    /// Writes a small file at once: under its name there is all of it or nothing.
    pub(super) async fn write(&self, name: &str, text: &str) -> Result<(), BackupError> {
        let path = self.draft(name)?;
        let draft = path.with_extension("draft");
        let written = create_private(&draft).and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)
        });
        written.map_err(BackupError::file("write", &path))?;
        self.keep(name).await
    }

    /// Where on this machine a file of the backup can be read; one of a bucket is fetched first, once.
    ///
    /// What is read is what was fetched, so that a file which was held to its digest does not change afterwards.
    pub(super) async fn fetch(&self, name: &str) -> Result<PathBuf, BackupError> {
        let Self::Bucket(bucket) = self else { return self.inside(name) };
        let path = self.draft(name)?;
        if !path.exists() && !bucket.files.get(name, &path).await? {
            // Whoever opens it finds that it is not there, as with a folder.
            tracing::debug!(name, "the backup has no such file");
        }
        Ok(path)
    }

    fn inside(&self, name: &str) -> Result<PathBuf, BackupError> {
        let inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if inside && !name.is_empty() {
            Ok(self.here().join(name))
        } else {
            Err(BackupError::words(format!("{name:?} is no file of a backup")))
        }
    }

    /// A photo of the backup; none where it is not there. Nothing is written, so the place may be one that only reads.
    pub(super) async fn photo(&self, key: &ObjectKey) -> Result<Option<Bytes>, BackupError> {
        let path = match self {
            Self::Bucket(bucket) => {
                return match bucket.files.photos(PHOTOS).get(key).await {
                    Err(StoreError::NotFound { .. }) => Ok(None),
                    data => Ok(Some(data?)),
                };
            }
            Self::Folder(_) => self.inside(&format!("{PHOTOS}/{key}"))?,
        };
        match tokio::fs::read(&path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            data => Ok(Some(data.map_err(BackupError::file("read", &path))?.into())),
        }
    }

    /// Where the photos of the backup are written, under the keys of the photo store.
    pub(super) fn photos(&self) -> Result<PhotoStore, BackupError> {
        match self {
            Self::Folder(folder) => Ok(PhotoStore::Local(LocalStore::open(folder.join(PHOTOS))?)),
            Self::Bucket(bucket) => Ok(bucket.files.photos(PHOTOS)),
        }
    }
}

/// Bucket and prefix of an address; none where one of them is missing or could lead elsewhere.
fn bucket_and_prefix(address: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = address.split_once('/')?;
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
    };
    let sound = is_part(bucket) && prefix.len() <= MAX_PREFIX && prefix.split('/').all(is_part);
    sound.then_some((bucket, prefix))
}

/// A folder for its owner alone in which files of a bucket lie on their way.
fn scratch_folder(above: Option<&Path>) -> Result<TempDir, BackupError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("suishoupai-backup-");
    let made = match above {
        Some(above) => builder.tempdir_in(above),
        None => builder.tempdir(),
    };
    let above = above.map_or_else(std::env::temp_dir, Path::to_path_buf);
    made.map_err(BackupError::file("make a folder in", &above))
}

/// Makes a folder for its owner alone, with those above it.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_with_a_prefix_that_leads_nowhere_else() {
        for (address, found) in
            [("backups/2026-11-22", ("backups", "2026-11-22")), ("backups/a/b.c/", ("backups", "a/b.c"))]
        {
            assert_eq!(bucket_and_prefix(address), Some(found), "{address}");
        }
        let long = format!("b/{}", "a".repeat(MAX_PREFIX + 1));
        for address in
            ["", "b", "b/", "/p", "b//p", "b/p//", "b/../p", "b/./p", "b/p q", "b/图", "b/p?x", &long]
        {
            assert_eq!(bucket_and_prefix(address), None, "{address}");
        }
    }
}
