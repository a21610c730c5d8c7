//! Originals that no photo names, swept out of the photo store in portions.

use suishoupai_storage::db::orphans::{self as rows, Object};
use suishoupai_storage::store::{MAX_LIST, ObjectKey};
use tokio::sync::Mutex;

use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// How long an object stays without a photo, in seconds.
const KEPT_SECONDS: i64 = 24 * 3600;
/// Pages of the store that one sweep looks through.
const PAGES: usize = 10;
/// Objects that one sweep deletes.
const SWEPT: i64 = 500;
const ORIGINALS: &str = "original/";

/// How far the walk through the store has come: the last key, empty for the beginning. Held by whoever sweeps.
#[derive(Debug)]
pub struct Walk(Mutex<String>);

impl Default for Walk {
    /// Begins anywhere, so that all of the store is seen in the end, however often the server starts anew.
    fn default() -> Self {
        Self(Mutex::new(format!("{ORIGINALS}{:02x}/", rand::random::<u8>())))
    }
}

/// Notes orphans in the next pages of the store and deletes those that have been orphans for a day; says how many it
/// deleted.
///
/// # Errors
/// The store's or the database's; the next sweep goes on.
pub async fn sweep(services: &Services) -> Result<usize, Fail> {
    let mut last = services.orphans.0.lock().await;
    let mut wrapped = false;
    for _ in 0..PAGES {
        let page = services.store.list(ORIGINALS, Some(&last), MAX_LIST).await?;
        let Some((end, _)) = page.last() else {
            // Once round is enough, however small the store is.
            if wrapped || last.is_empty() {
                break;
            }
            wrapped = true;
            last.clear();
            continue;
        };
        last.clone_from(end);
        let objects: Vec<Object> = page.into_iter().filter_map(|(key, _)| object(key)).collect();
        let now = services.now();
        services.db.write(move |conn| rows::note(conn, &objects, now).map_err(Fail::from)).await?;
    }
    delete(services).await
}

/// The object with the digest in its key.
fn object(key: String) -> Option<Object> {
    let name = key.rsplit_once('/')?.1.split_once('.')?.0;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(name, &mut sha256).ok()?;
    Some((key, sha256))
}

async fn delete(services: &Services) -> Result<usize, Fail> {
    let before = services.now().plus_seconds(-KEPT_SECONDS);
    let doomed = services.db.write(move |conn| rows::doom(conn, before, SWEPT).map_err(Fail::from)).await?;
    for key in &doomed {
        let key: ObjectKey = key.parse().map_err(|error| Fail::internal(&error))?;
        services.store.delete(&key).await?;
    }
    let deleted = doomed.len();
    if deleted > 0 {
        services.db.write(move |conn| rows::forget(conn, &doomed).map_err(Fail::from)).await?;
        tracing::info!(deleted, "originals without a photo were removed from the photo store");
    }
    Ok(deleted)
}

/// Makes sure that an object which is about to be relied on is not swept: to be called before it is put.
///
/// # Errors
/// 503 in the instant in which it is being deleted; the database's.
pub async fn rely_on(services: &Services, key: &ObjectKey) -> Result<(), Fail> {
    let key = key.to_string();
    let noted = {
        let key = key.clone();
        services.db.read(move |conn| rows::is_noted(conn, &key).map_err(Fail::from)).await?
    };
    if noted && !services.db.write(move |conn| rows::rescue(conn, &key).map_err(Fail::from)).await? {
        return Err(Problem::new(Code::Unavailable).retry_after(5).into());
    }
    Ok(())
}
