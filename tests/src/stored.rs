//! The photo store of a server, held against its rows.

use diesel::prelude::*;
use suishoupai_api::service::{digest, orphans};
use suishoupai_storage::db::schema::photos;
use suishoupai_storage::store::{MAX_LIST, ObjectKey};

use crate::server::{Server, block_on};

impl Server {
    /// Looks for originals without a photo, and removes those that have been so for long; how many.
    pub fn sweep_orphans(&self) -> usize {
        block_on(orphans::sweep(self.services())).unwrap()
    }

    /// Puts an original into the photo store that no row names, as an upload does that is cut off.
    ///
    /// # Panics
    /// When the store fails.
    pub fn leave_behind(&self, bytes: &[u8]) {
        let key = ObjectKey::original(&digest(bytes), "jpg").unwrap();
        block_on(self.services().store.put(&key, bytes.to_vec().into())).unwrap();
    }

    /// The digests of all photos that there are rows for.
    pub fn digests(&self) -> Vec<String> {
        let rows: Vec<Vec<u8>> =
            self.read(|conn| Ok(photos::table.select(photos::sha256).distinct().load(conn)?));
        rows.iter().map(hex::encode).collect()
    }

    /// The keys of all originals in the photo store.
    pub fn originals(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().map(String::as_str);
            let page = block_on(self.services().store.list("original/", after, MAX_LIST)).unwrap();
            if page.is_empty() {
                return keys;
            }
            keys.extend(page.into_iter().map(|(key, _)| key));
        }
    }
}
