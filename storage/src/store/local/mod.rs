//! Objects in a folder.
//!
//! ```text
//! root/original/ab/cd/abcd….jpg    objects, files 0600 in folders 0700
//! root/tmp/                        writes under way
//! ```

mod durable;
mod listing;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use self::durable::Folders;
use self::listing::Listing;
use super::{ObjectKey, StoreError};

const TEMPORARY: &str = "tmp";

/// A store in a folder of this machine. Clones share it; several processes may use one folder.
#[derive(Clone, Debug)]
pub struct LocalStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    folders: Folders,
}

impl LocalStore {
    /// Opens the store in `root`, making the folder where it is missing. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`] where `root` is no folder or cannot be written to.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        let action = "open its folder";
        durable::make_all(&root).map_err(StoreError::during(action))?;
        let folders = Folders::default();
        folders.ensure(&root, TEMPORARY).map_err(StoreError::during(action))?;
        let inner = Inner { root, folders };
        // Better now than with the first photo.
        inner.temporary(b"").map_err(StoreError::during("write into its folder"))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(super) async fn put(&self, key: &ObjectKey, data: Bytes) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking("write an object", move |inner| inner.put(&key, &data)).await
    }

    pub(super) async fn get(&self, key: &ObjectKey) -> Result<Bytes, StoreError> {
        let wanted = key.clone();
        let found =
            self.blocking("read an object", move |inner| absent(fs::read(inner.path(&wanted)))).await?;
        found.map(Bytes::from).ok_or_else(|| StoreError::NotFound { key: key.to_string() })
    }

    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        let key = key.clone();
        self.blocking("look for an object", move |inner| inner.length(&key)).await
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking("delete an object", move |inner| inner.delete(&key)).await
    }

    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut listing = Listing::new(prefix, after, limit);
        self.blocking("list objects", move |inner| {
            listing.read(&inner.root)?;
            Ok(listing.found)
        })
        .await
    }

    pub(super) async fn sweep(&self, older_than: Duration) -> Result<usize, StoreError> {
        self.blocking("sweep leftovers", move |inner| inner.sweep(older_than)).await
    }

    /// Runs file work off the async threads. It is carried through even where the caller goes away.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|stopped| Err(io::Error::other(stopped))).map_err(StoreError::during(action))
    }
}

impl Inner {
    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// A file of `data` in the folder for writes under way, already on the disk; removed when dropped. Mode 0600.
    fn temporary(&self, data: &[u8]) -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::NamedTempFile::new_in(self.root.join(TEMPORARY))?;
        file.write_all(data)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    fn put(&self, key: &ObjectKey, data: &[u8]) -> io::Result<()> {
        let path = self.path(key);
        let folder = key.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        self.folders.ensure(&self.root, folder)?;
        if self.length(key)? != Some(data.len() as u64) {
            self.temporary(data)?.persist(&path).map_err(|failed| failed.error)?;
        }
        // Also where the object was there: the one who wrote it may not have come this far yet.
        durable::sync_folder(&self.root.join(folder))
    }

    fn length(&self, key: &ObjectKey) -> io::Result<Option<u64>> {
        absent(fs::metadata(self.path(key))).map(|found| found.map(|file| file.len()))
    }

    fn delete(&self, key: &ObjectKey) -> io::Result<()> {
        let path = self.path(key);
        match (absent(fs::remove_file(&path))?, path.parent()) {
            (Some(()), Some(folder)) => durable::sync_folder(folder),
            _ => Ok(()),
        }
    }

    fn sweep(&self, older_than: Duration) -> io::Result<usize> {
        let now = SystemTime::now();
        let mut swept = 0;
        for entry in fs::read_dir(self.root.join(TEMPORARY))? {
            let entry = entry?;
            // Gone meanwhile: the write that it belonged to has ended.
            let Some(file) = absent(entry.metadata())? else { continue };
            let age = now.duration_since(file.modified()?).unwrap_or_default();
            if file.is_file() && age >= older_than && absent(fs::remove_file(entry.path()))?.is_some() {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

/// "No such file" as `None`.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether `path` names a folder, without failing.
fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}
