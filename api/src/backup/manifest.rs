//! What a backup says of itself, and the digests by which it is held to it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use suishoupai_storage::db::Target;
use suishoupai_storage::db::backup::Summary;
use suishoupai_storage::files::digest;

use super::BackupError;

/// The name of the file that is written last.
pub(super) const NAME: &str = "manifest.json";
/// The layout of backups that this program writes and reads.
pub(super) const FORMAT: u32 = 1;
/// A longer file is no manifest.
const MAX_BYTES: u64 = 16 << 20;

/// Which engine a backup is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// `database.sqlite`
    Sqlite,
    /// `database.dump`
    Postgres,
}

impl Engine {
    /// The engine of a database.
    pub fn of(target: &Target) -> Self {
        match target {
            Target::Sqlite(_) => Self::Sqlite,
            Target::Postgres(_) => Self::Postgres,
        }
    }

    /// The engine in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The name of the database's file in a backup.
    pub fn file(self) -> &'static str {
        match self {
            Self::Sqlite => "database.sqlite",
            Self::Postgres => "database.dump",
        }
    }
}

/// Whether a backup holds the photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhotoMode {
    /// They are in it.
    Copied,
    /// It only names them: they are backed up in another way.
    Referenced,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path in the backup, with `/`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl FileEntry {
    /// Reads a file from end to end.
    pub(super) fn of(name: &str, path: &Path) -> Result<Self, BackupError> {
        let (sha256, bytes) = digest(path).map_err(BackupError::file("read", path))?;
        Ok(Self { name: name.to_owned(), bytes, sha256 })
    }
}

/// The photos of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photos {
    /// Whether they are in it.
    pub mode: PhotoMode,
    /// How many objects `photos.tsv` names: originals, and the renditions that were there.
    pub objects: u64,
    /// Their length altogether.
    pub bytes: u64,
    /// How many originals the database names that the photo store does not have, or not as they were sent.
    pub missing: u64,
    /// The first of these, by key.
    pub first_missing: Vec<String>,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout, now 1.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// Of which engine the database is.
    pub engine: Engine,
    /// What is in the database.
    pub contents: Summary,
    /// The photos.
    pub photos: Photos,
    /// Whether the key files are in it.
    pub keys: bool,
    /// What to know about the keys.
    pub keys_note: String,
    /// All files but this one and those under `photos/`, which `photos.tsv` lists.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`BackupError::Words`] where there is none, or it cannot be understood.
    pub(super) fn read(path: &Path, place: &str) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => BackupError::words(format!(
                "there is no {NAME} in {place}: it is no backup, or one that was not finished"
            )),
            _ => BackupError::file("read", path)(error),
        })?;
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).map_err(BackupError::file("read", path))?;
        let strange =
            |why: String| BackupError::words(format!("{} cannot be understood: {why}", path.display()));
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| strange(error.to_string()))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => {
                return Err(strange(format!("it is of format {format}, and this program knows {FORMAT}")));
            }
            None => return Err(strange("it names no format".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| strange(error.to_string()))
    }

    /// The newest migration of its database.
    pub fn schema(&self) -> &str {
        self.contents.migrations.last().map_or("none", String::as_str)
    }

    /// Rows of a table.
    pub fn rows(&self, table: &str) -> u64 {
        self.contents.tables.get(table).copied().unwrap_or_default()
    }
}
