//! Where the bytes of photos are kept, by keys that name their content.
//!
//! An `Ok` from a write means that the object outlives a loss of power. Objects are never altered: the key of an
//! original is its digest, and a rendition is a function of its original. So writing is idempotent, a retry does
//! no harm, and two people who upload the same picture share one object.

mod error;
mod key;
mod local;
mod memory;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use error::StoreError;
pub use key::{BadKey, ObjectKey};
pub use local::LocalStore;
pub use memory::MemoryStore;

/// The most entries that [`PhotoStore::list`] gives at once; the page size of S3.
pub const MAX_LIST: usize = 1000;

/// A place for objects. Clones share the place.
#[derive(Clone, Debug)]
pub enum PhotoStore {
    /// A folder of this machine.
    Local(LocalStore),
    /// Memory of this process, for tests and demonstrations.
    Memory(MemoryStore),
}

impl PhotoStore {
    /// Stores `data` under `key` and returns when it is durable. An object of the same length is left alone; one
    /// of another length, such as a rendition of an older version, is replaced in one step.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] where the place is full, [`StoreError::Io`] otherwise. Nothing is left behind
    /// under `key` then that was not there before.
    pub async fn put(&self, key: &ObjectKey, data: Bytes) -> Result<(), StoreError> {
        match self {
            Self::Local(store) => store.put(key, data).await,
            Self::Memory(store) => store.put(key, data),
        }
    }

    /// The object under `key`, whole.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none, [`StoreError::Io`] otherwise.
    pub async fn get(&self, key: &ObjectKey) -> Result<Bytes, StoreError> {
        match self {
            Self::Local(store) => store.get(key).await,
            Self::Memory(store) => store.get(key),
        }
    }

    /// The length of the object under `key` in bytes, `None` where there is no object.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the place cannot be asked.
    pub async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        match self {
            Self::Local(store) => store.head(key).await,
            Self::Memory(store) => Ok(store.head(key)),
        }
    }

    /// Removes the object under `key` for good; it is no error where there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it may still be there.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        match self {
            Self::Local(store) => store.delete(key).await,
            Self::Memory(store) => {
                store.delete(key);
                Ok(())
            }
        }
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
        match self {
            Self::Local(store) => store.list(prefix, after, limit).await,
            Self::Memory(store) => Ok(store.list(prefix, after, limit)),
        }
    }

    /// Removes what interrupted writes older than `older_than` left behind, and says how many. Call it at start
    /// and now and then; the age spares the writes that are still under way.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the place cannot be read.
    pub async fn sweep(&self, older_than: Duration) -> Result<usize, StoreError> {
        match self {
            Self::Local(store) => store.sweep(older_than).await,
            Self::Memory(_) => Ok(0),
        }
    }
}
