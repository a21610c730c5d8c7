//! Where a backup lies.

use std::fs::{DirBuilder, File};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use suishoupai_storage::files::{create_private, sync_folder};
use suishoupai_storage::store::{LocalStore, ObjectKey, PhotoStore};

use super::BackupError;

/// A place for one backup. Another kind of place is another variant.
#[derive(Clone, Debug)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
}

impl Place {
    /// Reads what stands on the command line: a folder.
    ///
    /// # Errors
    /// [`BackupError::Words`] for `s3://`, which this program does not know yet, and other schemes.
    pub fn parse(text: &str) -> Result<Self, BackupError> {
        match text.split_once("://") {
            None if text.is_empty() => Err(BackupError::words("name the folder of the backup")),
            None => Ok(Self::Folder(PathBuf::from(text))),
            Some(("s3", _)) => Err(BackupError::words(
                "backups in s3:// are not supported by this version; name a folder and copy it there",
            )),
            Some((scheme, _)) => {
                Err(BackupError::words(format!("{scheme}:// is no place for a backup; name a folder")))
            }
        }
    }

    /// The place in words.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
        }
    }

    /// Makes the place, which must be absent or empty: a backup is never mixed with another.
    pub(super) fn begin(&self) -> Result<(), BackupError> {
        let Self::Folder(folder) = self;
        make_folder(folder).map_err(BackupError::file("make the folder", folder))?;
        let mut inside = std::fs::read_dir(folder).map_err(BackupError::file("read", folder))?;
        if inside.next().is_some() {
            return Err(BackupError::words(format!(
                "the folder {} is not empty; name a new one for each backup",
                folder.display()
            )));
        }
        Ok(())
    }

    /// Where on this machine a file of the backup is written before it is kept.
    pub(super) fn draft(&self, name: &str) -> Result<PathBuf, BackupError> {
        let Self::Folder(folder) = self;
        let path = folder.join(name);
        if let Some(above) = path.parent() {
            make_folder(above).map_err(BackupError::file("make the folder", above))?;
        }
        Ok(path)
    }

    /// Keeps a file whose draft is complete; it is durable when this answers.
    pub(super) fn keep(&self, name: &str) -> Result<(), BackupError> {
        let path = self.draft(name)?;
        File::open(&path).and_then(|file| file.sync_all()).map_err(BackupError::file("write", &path))?;
        let mut folder = path.parent();
        let Self::Folder(top) = self;
        while let Some(above) = folder {
            sync_folder(above).map_err(BackupError::file("write", above))?;
            // The place itself is a new entry of the folder above it.
            folder = if above.starts_with(top) { above.parent() } else { None };
        }
        Ok(())
    }

    /// Writes a small file at once: under its name there is all of it or nothing.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), BackupError> {
        let path = self.draft(name)?;
        let draft = path.with_extension("draft");
        let written = create_private(&draft).and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)
        });
        written.map_err(BackupError::file("write", &path))?;
        self.keep(name)
    }

    /// Where on this machine a file of the backup can be read.
    pub(super) fn fetch(&self, name: &str) -> Result<PathBuf, BackupError> {
        let Self::Folder(folder) = self;
        let inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if inside {
            Ok(folder.join(name))
        } else {
            Err(BackupError::words(format!("{name:?} is no file of a backup")))
        }
    }

    /// A photo of the backup; none where it is not there. Nothing is written, so the place may be one that only reads.
    pub(super) async fn photo(&self, key: &ObjectKey) -> Result<Option<Bytes>, BackupError> {
        let path = self.fetch(&format!("photos/{key}"))?;
        match tokio::fs::read(&path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            data => Ok(Some(data.map_err(BackupError::file("read", &path))?.into())),
        }
    }

    /// Where the photos of the backup are written, under the keys of the photo store.
    pub(super) fn photos(&self) -> Result<PhotoStore, BackupError> {
        let Self::Folder(folder) = self;
        Ok(PhotoStore::Local(LocalStore::open(folder.join("photos"))?))
    }
}

/// Makes a folder for its owner alone, with those above it.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
