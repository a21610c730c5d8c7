//! Files under a prefix of a bucket, by names that a program gives them: backups. Photos have keys instead.

use std::io::{self, Write as _};
use std::path::Path;

use futures_util::StreamExt as _;

use super::super::reading::Reading;
use super::super::spool::blocking;
use super::super::{PhotoStore, StoreError};
use super::write::{To, Whole};
use super::{S3Settings, S3Store};
use crate::files::create_private;

const MEDIA_TYPE: &str = "application/octet-stream";

/// A place for files in a bucket. Clones share it.
#[derive(Clone, Debug)]
pub struct S3Files {
    store: S3Store,
    /// Empty, or with `/` at its end.
    prefix: String,
}

impl S3Files {
    /// Prepares the place; the server is not asked. Blocks while credentials are looked for.
    ///
    /// # Errors
    /// As [`S3Store::open`].
    pub fn open(settings: S3Settings, prefix: &str) -> Result<Self, StoreError> {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { store: S3Store::open(settings)?, prefix })
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A photo store below `name`.
    pub fn photos(&self, name: &str) -> PhotoStore {
        PhotoStore::S3(self.store.below(&format!("{}/", self.path(name))))
    }

    /// Whether there is nothing under the prefix.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let bucket = &self.store.bucket;
        let asked = || bucket.list_page(self.prefix.clone(), None, None, None, Some(1));
        let (page, _) = self.store.patience.until("list objects", asked).await?;
        Ok(page.contents.is_empty())
    }

    /// Sends a file, in parts where it is long; whole and durable under its name when this answers.
    ///
    /// # Errors
    /// The store's, or the file's.
    pub async fn put(&self, name: &str, file: &Path) -> Result<(), StoreError> {
        let found = tokio::fs::metadata(file).await.map_err(StoreError::during("read a file"))?;
        let path = self.path(name);
        let to = To { path: &path, media_type: MEDIA_TYPE };
        let put = self.store.put_whole(to, Whole { file, length: found.len() });
        self.store.meter.watch("put", put).await
    }

    /// Fetches a file to `to`, which must not be there, in portions; false where the place has none of this name.
    ///
    /// # Errors
    /// The store's, or the file's.
    pub async fn get(&self, name: &str, to: &Path) -> Result<bool, StoreError> {
        let path = self.path(name);
        let reading = match self.store.meter.watch("read", self.store.read_path(&path, None)).await {
            Err(StoreError::NotFound { .. }) => return Ok(false),
            reading => reading?,
        };
        write(reading, to).await.map(|()| true)
    }
}

async fn write(mut reading: Reading, to: &Path) -> Result<(), StoreError> {
    let action = "keep a fetched file";
    let (path, mut left) = (to.to_owned(), reading.length);
    let mut file = blocking(action, move || create_private(&path)).await?;
    while let Some(portion) = reading.portions.next().await {
        let portion = portion?;
        left = left.saturating_sub(portion.len() as u64);
        file = blocking(action, move || file.write_all(&portion).map(|()| file)).await?;
    }
    if left == 0 { Ok(()) } else { Err(StoreError::during(action)(io::ErrorKind::UnexpectedEof.into())) }
}
