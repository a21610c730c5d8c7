//! Objects in a folder.
//!
//! ```text
//! root/original/ab/cd/abcd….jpg    objects, files 0600 in folders 0700
//! root/tmp/                        writes under way
//! ```

mod durable;
mod listing;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::durable::Folders;
use self::listing::Listing;
use super::reading::{Reading, within};
use super::spool::{Spool, Spooled, absent};
use super::{ObjectKey, StoreError};
use crate::meter::StoreMeter;

pub(super) use durable::make_all;

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
    spool: Spool,
    meter: StoreMeter,
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
        let spool = Spool::new(root.join(TEMPORARY));
        let inner = Inner { root, folders, spool, meter: StoreMeter::default() };
        // Better now than with the first photo.
        inner.temporary(b"").map_err(StoreError::during("write into its folder"))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(super) async fn put(&self, key: &ObjectKey, data: Bytes) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking("write an object", move |inner| inner.put(&key, &data)).await
    }

    pub(super) async fn put_file(&self, key: &ObjectKey, spooled: &Spooled) -> Result<(), StoreError> {
        let (key, path, length) = (key.clone(), spooled.path().to_owned(), spooled.length());
        self.blocking("write an object", move |inner| inner.put_file(&key, &path, length)).await
    }

    pub(super) fn meter(&self) -> &StoreMeter {
        &self.inner.meter
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    pub(super) async fn read(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<Reading, StoreError> {
        let wanted = key.clone();
        let opened = self.blocking("read an object", move |inner| {
            let Some(file) = absent(File::open(inner.path(&wanted)))? else { return Ok(None) };
            let length = file.metadata()?.len();
            Ok(Some((file, length)))
        });
        let (mut file, length) = opened.await?.ok_or_else(|| StoreError::absent(key))?;
        let range = range.unwrap_or(0..length);
        within(&range, length, key)?;
        file.seek(SeekFrom::Start(range.start)).map_err(StoreError::during("read an object"))?;
        Ok(Reading::of_file(file, range.end - range.start))
    }

    /// The whole object into an empty buffer, which one thread fills in one go.
    ///
    /// Its pages leave the cache of the system with that. They would push those of the database out, and where a
    /// machine's own memory is handed out by a hypervisor, new pages for each upload cost more than writing it does.
    pub(super) async fn whole_once(
        &self,
        key: &ObjectKey,
        mut buffer: Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let wanted = key.clone();
        let read = self.blocking("read an object", move |inner| {
            let Some(mut file) = absent(File::open(inner.path(&wanted)))? else { return Ok(None) };
            let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
            buffer.reserve_exact(length);
            file.read_to_end(&mut buffer)?;
            // It is but advice: the object has been read, whatever comes of it.
            #[cfg(target_os = "linux")]
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).ok();
            Ok(Some(buffer))
        });
        read.await?.ok_or_else(|| StoreError::absent(key))
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
        self.blocking("sweep leftovers", move |inner| inner.spool.sweep(older_than)).await
    }

    /// Runs file work off the async threads. It is carried through even where the caller goes away.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        super::spool::blocking(action, move || work(&inner)).await
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
        self.place(key, data.len() as u64, |path| {
            self.temporary(data)?.persist(path).map(|_| ()).map_err(|failed| failed.error)
        })
    }

    /// Moves a file of `length` bytes to where `key` says.
    fn put_file(&self, key: &ObjectKey, from: &Path, length: u64) -> io::Result<()> {
        self.place(key, length, |path| {
            File::open(from)?.sync_all()?;
            fs::rename(from, path)
        })
    }

    /// Lets `write` make the file of `key` unless there is one of this length, and makes its entry durable.
    fn place(
        &self,
        key: &ObjectKey,
        length: u64,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let folder = key.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        self.folders.ensure(&self.root, folder)?;
        if self.length(key)? != Some(length) {
            write(&self.path(key))?;
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
}

/// Whether `path` names a folder, without failing.
fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}
