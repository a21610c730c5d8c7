//! Where the bytes of photos are kept, by keys that name their content.
//!
//! An `Ok` from a write means that the object outlives a loss of power. Objects are never altered: the key of an
//! original is its digest, and a rendition is a function of its original. So writing is idempotent, a retry does
//! no harm, and two people who upload the same picture share one object.

mod error;
mod key;
mod local;
mod memory;
mod reading;
mod s3;
#[cfg(test)]
mod s3_server;
mod spool;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::meter::StoreMeter;

pub use self::s3::{Attached, Form, S3Files, S3Settings, S3Store};
pub use error::StoreError;
pub use key::{BadKey, ObjectKey};
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use reading::{Portions, Reading};
pub use spool::{Incoming, Spool, Spooled, TooLong};

/// The most entries that [`PhotoStore::list`] gives at once; the page size of S3.
pub const MAX_LIST: usize = 1000;

/// A place for objects. Clones share the place.
#[derive(Clone, Debug)]
pub enum PhotoStore {
    /// A folder of this machine.
    Local(LocalStore),
    /// Memory of this process, for tests and demonstrations.
    Memory(MemoryStore),
    /// A bucket.
    S3(S3Store),
}

impl PhotoStore {
    /// Stores `data` under `key` and returns when it is durable. An object of the same length is left alone; one
    /// of another length, such as a rendition of an older version, is replaced in one step.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] where the place is full, [`StoreError::Unavailable`] where it does not answer,
    /// [`StoreError::Io`] otherwise. Nothing is left behind under `key` then that was not there before.
    pub async fn put(&self, key: &ObjectKey, data: Bytes) -> Result<(), StoreError> {
        let request = async {
            match self {
                Self::Local(store) => store.put(key, data).await,
                Self::Memory(store) => store.put(key, data),
                Self::S3(store) => store.put(key, data).await,
            }
        };
        self.meter().watch("put", request).await
    }

    /// As [`put`](Self::put), from a file, with a bounded part of it in memory. The file may be gone afterwards.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub async fn put_file(&self, key: &ObjectKey, spooled: &Spooled) -> Result<(), StoreError> {
        let request = async {
            match self {
                Self::Local(store) => store.put_file(key, spooled).await,
                Self::Memory(store) => store.put_file(key, spooled),
                Self::S3(store) => store.put_file(key, spooled).await,
            }
        };
        self.meter().watch("put", request).await
    }

    /// The object under `key`, whole.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none, else as [`put`](Self::put).
    pub async fn get(&self, key: &ObjectKey) -> Result<Bytes, StoreError> {
        self.read(key, None).await?.whole().await
    }

    /// As [`get`](Self::get), into an empty buffer, of an object that will hardly be read again soon: where it lies in a
    /// folder, the system need not keep it in memory.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_once(&self, key: &ObjectKey, buffer: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Self::Local(store) = self else { return self.read(key, None).await?.whole_into(buffer).await };
        self.meter().watch("read", store.whole_once(key, buffer)).await
    }

    /// The bytes `range` of the object under `key`.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`StoreError::Io`] where the range reaches beyond the end.
    pub async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.read(key, Some(range)).await?.whole().await
    }

    /// The object under `key`, or a range of its bytes, in portions as they are asked for.
    ///
    /// # Errors
    /// As [`get_range`](Self::get_range).
    pub async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        let request = async {
            match self {
                Self::Local(store) => store.read(key, range).await,
                Self::Memory(store) => store.read(key, range),
                Self::S3(store) => store.read(key, range).await,
            }
        };
        self.meter().watch("read", request).await
    }

    /// What it counts of itself.
    pub fn meter(&self) -> &StoreMeter {
        match self {
            Self::Local(store) => store.meter(),
            Self::Memory(store) => store.meter(),
            Self::S3(store) => store.meter(),
        }
    }

    /// Where uploads wait that are not yet objects.
    pub fn spool(&self) -> &Spool {
        match self {
            Self::Local(store) => store.spool(),
            Self::Memory(store) => store.spool(),
            Self::S3(store) => store.spool(),
        }
    }

    /// An address at which a client can read the object from the store itself for `seconds`; `None` where the
    /// store has none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be signed.
    pub async fn sign_read(
        &self,
        key: &ObjectKey,
        attached: Attached<'_>,
        seconds: u32,
    ) -> Result<Option<String>, StoreError> {
        match self {
            Self::Local(_) | Self::Memory(_) => Ok(None),
            Self::S3(store) => store.sign_read(key, attached, seconds).await.map(Some),
        }
    }

    /// A form by which a client can store one object under `key` for `seconds`, of exactly this type and of 1 to
    /// `bytes` bytes; `None` where the store takes none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be signed.
    pub async fn sign_upload(
        &self,
        key: &ObjectKey,
        media_type: &str,
        bytes: u32,
        seconds: u32,
    ) -> Result<Option<Form>, StoreError> {
        match self {
            Self::Local(_) | Self::Memory(_) => Ok(None),
            Self::S3(store) => store.sign_upload(key, media_type, bytes, seconds).await.map(Some),
        }
    }

    /// The length of the object under `key` in bytes, `None` where there is no object.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the place cannot be asked.
    pub async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        let request = async {
            match self {
                Self::Local(store) => store.head(key).await,
                Self::Memory(store) => Ok(store.head(key)),
                Self::S3(store) => store.head(key).await,
            }
        };
        self.meter().watch("head", request).await
    }

    /// Removes the object under `key` for good; it is no error where there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it may still be there.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let request = async {
            match self {
                Self::Local(store) => store.delete(key).await,
                Self::Memory(store) => {
                    store.delete(key);
                    Ok(())
                }
                Self::S3(store) => store.delete(key).await,
            }
        };
        self.meter().watch("delete", request).await
    }

    /// Keys that start with `prefix` and come after `after`, in byte order, with lengths in bytes: at most
    /// `limit` and at most [`MAX_LIST`]. The last key of a page is the `after` of the next one.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the place cannot be read.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let limit = limit.min(MAX_LIST);
        let request = async {
            match self {
                Self::Local(store) => store.list(prefix, after, limit).await,
                Self::Memory(store) => Ok(store.list(prefix, after, limit)),
                Self::S3(store) if limit > 0 => store.list(prefix, after, limit).await,
                Self::S3(_) => Ok(Vec::new()),
            }
        };
        self.meter().watch("list", request).await
    }

    /// Removes what interrupted writes older than `older_than` left behind, and says how many. Call it at start
    /// and now and then; the age spares the writes that are still under way.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the place cannot be read.
    pub async fn sweep(&self, older_than: Duration) -> Result<usize, StoreError> {
        let request = async {
            match self {
                Self::Local(store) => store.sweep(older_than).await,
                Self::Memory(_) => Ok(0),
                Self::S3(store) => store.sweep(older_than).await,
            }
        };
        self.meter().watch("sweep", request).await
    }
}
