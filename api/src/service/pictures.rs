//! Near pictures: the hashes of all photos in memory, fed from the database, and evidence compared with what was sent
//! before.

mod around;
mod before;
mod remembered;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use suishoupai_core::likeness::{Hit, NearIndex, Print, Use, seen_before};
use suishoupai_storage::db::evidence::{self, Seen, Waiting};
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::uses::{self, Uses};
use suishoupai_storage::db::{Conn, hashes, jobs};
use suishoupai_storage::picture;
use suishoupai_storage::store::{ObjectKey, StoreError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::fail::Fail;
use crate::service::photos::original_key;
use crate::services::Services;

use self::remembered::Remembered;

pub use around::look_around;
pub use before::{Before, Lookups, before, lookups};

/// The kind of the job that looks at photos from before hashes were kept; its subject is the key after which it goes on.
pub const HASH: &str = "hash_photos";

/// Hashes are read in pages of this size.
const PAGE: i64 = 50_000;
/// So many are put into the index at once.
const PORTION: usize = 1 << 20;
/// A row may become visible some time after the instant that it bears: its transaction was slow, or the clock of
/// another server is behind. So far back is read again, in milliseconds.
const OVERLAP: i64 = 120_000;
/// Of one picture, so many near ones are looked at.
pub(super) const MOST_NEAR: usize = 200;
/// Pieces of evidence that are compared together: so few that nobody waits long for a processor.
const TOGETHER: i64 = 40;
/// While more reports than these come during one portion, the next one waits for so many times its own time: what nobody
/// waits for gets a fifteenth of the time of such a storm, and the rest when it is over.
const FEW_REPORTS: u64 = 4;
const BUSY: u32 = 15;
/// Whoever waits for an answer reads no more of what was read than this, in milliseconds.
const SHORT_OVERLAP: i64 = 5_000;
/// Old photos that are looked at in one job.
const OLD: i64 = 100;

/// The hashes of all photos of the installation that have one, or of the last so many.
#[derive(Debug)]
pub struct Pictures {
    index: ArcSwap<NearIndex>,
    remembered: Remembered,
    /// Whoever feeds it holds this.
    feed: Arc<Mutex<Feed>>,
    is_loading: AtomicBool,
    is_loaded: AtomicBool,
}

#[derive(Debug)]
struct Feed {
    /// The latest instant that was read.
    upto: i64,
    /// What bears an instant within the overlap, with that.
    recent: HashMap<i64, i64>,
}

impl Pictures {
    /// An empty one, which keeps about the last `most`.
    pub fn new(most: usize) -> Self {
        Self {
            index: ArcSwap::from_pointee(NearIndex::new(most)),
            remembered: Remembered::default(),
            feed: Arc::new(Mutex::new(Feed { upto: i64::MIN, recent: HashMap::new() })),
            is_loading: AtomicBool::new(false),
            is_loaded: AtomicBool::new(false),
        }
    }

    /// Whether everything has been read once.
    pub fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Acquire)
    }
}

/// Begins to read everything, unless that has been done or is being done. Nobody waits for it: until it is loaded, the
/// evidence waits to be compared, and what is similar is looked for by place alone.
pub fn load(services: &Services) {
    let pictures = &services.pictures;
    if pictures.is_loaded() || pictures.is_loading.swap(true, Ordering::AcqRel) {
        return;
    }
    let services = services.clone();
    tokio::spawn(async move {
        let outcome = catch_up(&services).await;
        services.pictures.is_loading.store(false, Ordering::Release);
        match outcome {
            Ok(()) => {
                let index = services.pictures.index.load();
                tracing::info!(pictures = index.len(), mib = index.bytes() >> 20, "near pictures are known");
            }
            // The next turn of the jobs begins anew where this one has ended.
            Err(fail) => {
                let problem = crate::problem::Problem::from(fail);
                tracing::warn!(%problem, "the hashes of the photos cannot be read");
            }
        }
    });
}

/// Reads what has been recorded since, by this server and by others.
///
/// # Errors
/// The database's.
pub async fn catch_up(services: &Services) -> Result<(), Fail> {
    read_since(services, OVERLAP).await
}

/// As [`catch_up`], for an answer that somebody waits for: what a slow transaction leaves out is read by the next
/// [`catch_up`].
///
/// # Errors
/// The database's.
pub async fn catch_up_soon(services: &Services) -> Result<(), Fail> {
    read_since(services, SHORT_OVERLAP).await
}

async fn read_since(services: &Services, overlap: i64) -> Result<(), Fail> {
    let mut feed = feed_of(services).await;
    let own = services.clone();
    services.db.read(move |conn| read_from(conn, &own.pictures, &mut feed, overlap)).await
}

/// Waits for whoever feeds the index, before a connection is taken.
async fn feed_of(services: &Services) -> OwnedMutexGuard<Feed> {
    Arc::clone(&services.pictures.feed).lock_owned().await
}

fn read_from(conn: &mut Conn, pictures: &Pictures, feed: &mut Feed, overlap: i64) -> Result<(), Fail> {
    let again_from = feed.upto.saturating_sub(overlap);
    let mut cursor = (again_from, i64::MIN);
    let mut fresh = Vec::new();
    loop {
        let page = hashes::after(conn, cursor, PAGE)?;
        let is_last = (page.len() as i64) < PAGE;
        for (at, print) in page {
            cursor = (at, print.id);
            if !feed.recent.contains_key(&print.id) {
                fresh.push((at, print));
            }
        }
        if fresh.len() >= PORTION || is_last {
            let taken = std::mem::take(&mut fresh);
            if !taken.is_empty() {
                let prints: Vec<Print> = taken.iter().map(|(_, print)| *print).collect();
                pictures.index.store(Arc::new(pictures.index.load().with(&prints)));
            }
            feed.upto = feed.upto.max(cursor.0);
            let keep = feed.upto.saturating_sub(OVERLAP);
            feed.recent.retain(|_, at| *at >= keep);
            let recent = taken.iter().filter(|(at, _)| *at >= keep);
            feed.recent.extend(recent.map(|(at, print)| (print.id, *at)));
        }
        if is_last {
            pictures.is_loaded.store(true, Ordering::Release);
            return Ok(());
        }
    }
}

/// The near pictures of each hash, the nearest first and at most `most`, as far as the index has been read.
///
/// # Errors
/// When the server is being stopped.
pub async fn near(services: &Services, hashes: Vec<u64>, most: usize) -> Result<Vec<Vec<Hit>>, Fail> {
    let services = services.clone();
    let look = move || {
        let pictures = &services.pictures;
        let index = pictures.index.load_full();
        hashes.into_iter().map(|hash| pictures.remembered.near(&index, hash, most)).collect()
    };
    tokio::task::spawn_blocking(look).await.map_err(|error| Fail::internal(&error))
}

/// Compares the evidence that waits for it with everything that was sent before; how many pieces.
///
/// A piece waits from when it was attached until its photo has been rendered, or the other way round. Of a pair, the
/// one that is compared last sees both, and what is found is written down for the one that was attached later; so it
/// does not matter in which order that happens. Where another server is about it, it is left to that one; and one that is
/// leaving does what is in hand, and leaves the rest.
///
/// # Errors
/// The database's.
pub async fn compare(services: &Services) -> Result<usize, Fail> {
    let is_some_of_before = services.db.is_shared()
        && services.db.read(|conn| evidence::is_some_of_before(conn).map_err(Fail::from)).await?;
    if is_some_of_before {
        services.db.write(|conn| evidence::take_over(conn).map_err(Fail::from)).await?;
    }
    in_portions(services, TOGETHER, || compare_some(services)).await
}

/// Does one portion after the other of work for which nobody waits, until one is not full or the server leaves; how much
/// that came to. After each it rests for as long as that took, and longer where reports came in meanwhile: those who report
/// would wait for the database and for a processor.
async fn in_portions<F: Future<Output = Result<usize, Fail>>>(
    services: &Services,
    full: i64,
    mut portion: impl FnMut() -> F,
) -> Result<usize, Fail> {
    let mut all = 0;
    loop {
        let (begun, reports) = (Instant::now(), services.intake.asked());
        let done = portion().await?;
        all += done;
        if (done as i64) < full || services.leaving.has_begun() {
            return Ok(all);
        }
        let is_busy = services.intake.asked() > reports + FEW_REPORTS;
        tokio::time::sleep(if is_busy { BUSY } else { 1 } * begun.elapsed()).await;
    }
}

/// Compares the next pieces; how many.
async fn compare_some(services: &Services) -> Result<usize, Fail> {
    let feed = feed_of(services).await;
    let (own, now) = (services.clone(), services.now());
    if services.db.is_shared() {
        let mut feed = Some(feed);
        let compare = move |conn: &mut Conn| {
            // A second try after a conflict has no feed any more: what waits goes on waiting for the next look.
            let Some(feed) = feed.take() else { return Ok::<_, Fail>(0) };
            if !turn::take(conn, Turn::Compares)? {
                return Ok(0);
            }
            let (compared, seen) = look(conn, &own.pictures, feed)?;
            evidence::save(conn, &seen, &compared, now)?;
            Ok(compared.len())
        };
        return services.db.write(compare).await;
    }
    // The one writer of SQLite is only troubled with the result.
    let (compared, seen) = services.db.read(move |conn| look(conn, &own.pictures, feed)).await?;
    let count = compared.len();
    if count > 0 {
        let save = move |conn: &mut Conn| evidence::save(conn, &seen, &compared, now).map_err(Fail::from);
        services.db.write(save).await?;
    }
    Ok(count)
}

/// The next pieces that wait, and what was seen before. The feed is held no longer than it is read: residents who are about
/// to report wait for it.
fn look(
    conn: &mut Conn,
    pictures: &Pictures,
    mut feed: OwnedMutexGuard<Feed>,
) -> Result<(Vec<Use>, Vec<Seen>), Fail> {
    let waiting = evidence::uncompared(conn, TOGETHER)?;
    if waiting.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    // After the evidence was read, so that whatever was there before it is in the index.
    read_from(conn, pictures, &mut feed, OVERLAP)?;
    drop(feed);
    let photos: Vec<i64> = waiting.iter().map(|one| one.used.photo).collect();
    let index = pictures.index.load();
    let mut found: Near = HashMap::new();
    for (photo, hash) in hashes::of(conn, &photos)? {
        let hits = pictures.remembered.near(&index, hash, MOST_NEAR);
        found.entry(photo).or_default().extend(hits.into_iter().map(|hit| (hit.id, hit.bits)));
    }
    let compared = waiting.iter().map(|one| one.used).collect();
    Ok((compared, seen(conn, waiting, found)?))
}

/// For each photo, the near ones and in how many bits they differ.
type Near = HashMap<i64, HashMap<i64, u32>>;

/// What was seen before of the pieces that wait, and what of others was seen before as one of them.
fn seen(conn: &mut Conn, waiting: Vec<Waiting>, mut found: Near) -> Result<Vec<Seen>, Fail> {
    let originals = waiting.iter().map(|one| one.sha256.clone()).collect();
    let same = uses::same_bytes(conn, originals)?;
    for one in &waiting {
        let near = found.entry(one.used.photo).or_default();
        for photo in same.get(&one.sha256).into_iter().flatten() {
            near.insert(*photo, 0);
        }
    }
    let photos: HashSet<i64> = found.values().flat_map(HashMap::keys).copied().collect();
    let uses = uses::uses_of(conn, photos.into_iter().collect(), Uses::First)?;
    let mut all = Vec::new();
    for one in waiting {
        let Some(near) = found.get(&one.used.photo) else { continue };
        for (district, _, other) in &uses {
            let Some(bits) = near.get(&other.photo).filter(|_| *district == one.district) else { continue };
            if let Some((later, earlier, kind)) = seen_before(&one.used, other) {
                all.push(Seen { kind, later, earlier, bits: *bits, district: one.district });
            }
        }
    }
    // What is nearest is written down; of several, the first one that was sent.
    all.sort_by_key(|seen| (seen.bits, seen.earlier.at, seen.earlier.ticket));
    Ok(all)
}

/// Looks at photos whose renditions were made before hashes were kept, and leaves a job for the next ones.
///
/// # Errors
/// The store's or the database's.
pub async fn hash_old(services: &Services, after: i64) -> Result<(), Fail> {
    let old = services.db.read(move |conn| hashes::missing(conn, after, OLD).map_err(Fail::from)).await?;
    let Some(last) = old.last().map(|photo| photo.id) else { return Ok(()) };
    let mut hashed = Vec::with_capacity(old.len());
    for photo in old {
        // A thumbnail is small; but where something is masked, it shows something else than was sent.
        let key = if photo.is_masked {
            original_key(&photo.sha256, &photo.extension)?
        } else {
            ObjectKey::thumbnail(&photo.sha256)
        };
        hashed.push((photo.id, hash_of(services, &key).await?));
    }
    let (now, [job]) = (services.now(), services.db.ids().await?);
    services
        .db
        .write(move |conn| {
            for (photo, hash) in &hashed {
                hashes::save_late(conn, *photo, *hash, now)?;
            }
            Ok(jobs::enqueue(conn, job, HASH, last, now)?)
        })
        .await
}

/// The hash of a picture in the store; none where it is gone or cannot be read.
async fn hash_of(services: &Services, key: &ObjectKey) -> Result<Option<u64>, Fail> {
    let bytes = match services.store.get_once(key, Vec::new()).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let made =
        services.renderer.render(bytes.len() as u64, None, Vec::new(), async |_| Ok::<_, Infallible>(bytes));
    let luma = made.await.ok().map(|made| made.thumbnail_luma);
    tokio::task::spawn_blocking(move || luma.and_then(|luma| picture::perceptual_hash(&luma)))
        .await
        .map_err(|error| Fail::internal(&error))
}
