//! Objects in memory.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::reading::{Reading, within};
use super::{ObjectKey, Spool, Spooled, StoreError};
use crate::meter::StoreMeter;

/// A store that ends with the process. Clones share the objects.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    capacity: usize,
    spool: Spool,
    meter: StoreMeter,
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(usize::MAX)
    }
}

impl MemoryStore {
    /// A store that is full at `capacity` bytes, to see what a full disk does.
    pub fn with_capacity(capacity: usize) -> Self {
        let spool = Spool::new(std::env::temp_dir());
        Self { capacity, spool, meter: StoreMeter::default(), objects: Arc::default() }
    }

    /// A panic elsewhere cannot leave the map half changed: every change is one call.
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, key: &ObjectKey, data: Bytes) -> Result<(), StoreError> {
        let mut objects = self.objects();
        if objects.get(key.as_str()).is_some_and(|old| old.len() == data.len()) {
            return Ok(());
        }
        let used: usize =
            objects.iter().filter(|(other, _)| *other != key.as_str()).map(|(_, data)| data.len()).sum();
        if used.saturating_add(data.len()) > self.capacity {
            return Err(StoreError::NoSpace);
        }
        objects.insert(key.as_str().to_owned(), data);
        Ok(())
    }

    pub(super) fn put_file(&self, key: &ObjectKey, spooled: &Spooled) -> Result<(), StoreError> {
        let data = std::fs::read(spooled.path()).map_err(StoreError::during("read an upload"))?;
        self.put(key, data.into())
    }

    pub(super) fn meter(&self) -> &StoreMeter {
        &self.meter
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        let found = self.objects().get(key.as_str()).cloned().ok_or_else(|| StoreError::absent(key))?;
        let length = found.len() as u64;
        let range = range.unwrap_or(0..length);
        within(&range, length, key)?;
        Ok(Reading::of_bytes(found.slice(range.start as usize..range.end as usize)))
    }

    pub(super) fn head(&self, key: &ObjectKey) -> Option<u64> {
        self.objects().get(key.as_str()).map(|data| data.len() as u64)
    }

    pub(super) fn delete(&self, key: &ObjectKey) {
        self.objects().remove(key.as_str());
    }

    pub(super) fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<(String, u64)> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        self.objects()
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, data)| (key.clone(), data.len() as u64))
            .collect()
    }
}
