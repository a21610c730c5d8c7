//! A whole installation in one place, and back again.
//!
//! ```text
//! manifest.json      written last: without it the backup was not finished
//! database.sqlite    or database.dump, the custom format of pg_dump
//! photos.tsv         one line for each object: key, bytes, SHA-256
//! photos/            the objects, unless they are only referenced
//! keys/              only where it was asked for
//! ```
//!
//! The database is taken first and the photos that it names after it. They are never changed once written, and are
//! written before the rows that name them, so every one of them is there.

mod manifest;
mod photos;
mod place;
mod restore;
mod take;

use suishoupai_storage::db::DbError;
use suishoupai_storage::store::StoreError;

use crate::app::StartError;

pub use manifest::{Engine, FileEntry, Manifest, PhotoMode, Photos};
pub use photos::{PhotosMoved, move_photos, store_at};
pub use place::Place;
pub use restore::{Restored, restore};
pub use take::{Request, take};

/// Why a backup cannot be taken or put back, in words for an operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// What was asked cannot be done; says what to mend.
    #[error("{0}")]
    Words(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A photo store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings, or a key file.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl BackupError {
    fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// For `map_err`: names what was tried with which file.
    fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::Words(format!("cannot {action} {path}: {error}"))
    }
}

/// Runs work that blocks off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(BackupError::words(format!("the work was broken off: {stopped}"))))
}
