//! Rendering off the async threads: a few pictures at once, within a budget of memory, each for a limited time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use suishoupai_core::flow::masking::Area;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::decode::Stop;
use super::error::PictureError;
use super::render::{Renditions, render_until};
use super::{Limits, inspect};

/// What one permit of a budget stands for, in bytes.
const UNIT: u64 = 64 << 10;

/// The bounds of a [`Pool`].
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Pictures that are rendered at once, each in one thread; at least 1.
    pub workers: usize,
    /// Bytes that all pictures together may take, originals included.
    pub memory: u64,
    /// How long one picture may take.
    pub time_limit: Duration,
    /// What is accepted as a picture.
    pub limits: Limits,
}

/// Renders pictures. Clones share the workers and the memory.
///
/// Before anything is loaded or decoded, the memory that it takes at most is reserved; who finds too little waits, in
/// turn. A quarter of the budget is for originals and the rest for decoding, so that nobody who holds an original
/// keeps those from ending who decode. A picture that takes more than the whole of it is rendered alone.
///
/// Who takes longer than the limit is given up, but keeps its worker and memory until its thread has ended: a
/// decoder cannot be interrupted, only told to stop and bounded by the limits.
#[derive(Clone, Debug)]
pub struct Pool {
    workers: Arc<Semaphore>,
    originals: Budget,
    decoding: Budget,
    time_limit: Duration,
    limits: Limits,
}

/// Why a picture was not rendered.
#[derive(Debug)]
pub enum RenderError<E> {
    /// The picture cannot be.
    Picture(PictureError),
    /// Its bytes could not be loaded.
    Load(E),
}

impl Pool {
    /// A pool with nothing to do.
    pub fn new(settings: PoolSettings) -> Self {
        let originals = settings.memory / 4;
        Self {
            workers: Arc::new(Semaphore::new(settings.workers.max(1))),
            originals: Budget::new(originals),
            decoding: Budget::new(settings.memory.saturating_sub(originals)),
            time_limit: settings.time_limit,
            limits: settings.limits,
        }
    }

    /// Renders the picture of `length` bytes that `load` gives, with `areas` unreadable, once there are a worker and
    /// memory for it.
    ///
    /// # Errors
    /// [`RenderError`].
    pub async fn render<E, B>(
        &self,
        length: u64,
        areas: Vec<Area>,
        load: impl Future<Output = Result<B, E>>,
    ) -> Result<Renditions, RenderError<E>>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let worker = self.worker().await;
        let original = self.originals.reserve(length).await;
        let bytes = Arc::new(load.await.map_err(RenderError::Load)?);
        let (looked_at, limits) = (Arc::clone(&bytes), self.limits);
        let inspected = spawned(move || inspect((*looked_at).as_ref(), &limits)).await;
        let inspected = inspected.map_err(RenderError::Picture)?;
        let memory = self.decoding.reserve(inspected.memory).await;
        let work = move |stop: &Stop| {
            let _held = (worker, original, memory);
            render_until((*bytes).as_ref(), &inspected, &limits, &areas, stop)
        };
        self.within_time(work).await.map_err(RenderError::Picture)
    }

    /// A worker for other work that keeps a core busy, until it is dropped; `None` is never answered, for the workers
    /// are not closed.
    pub async fn worker(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.workers).acquire_owned().await.ok()
    }

    async fn within_time<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Stop) -> Result<T, PictureError> + Send + 'static,
    ) -> Result<T, PictureError> {
        let stop = Stop::default();
        let told = stop.clone();
        match tokio::time::timeout(self.time_limit, spawned(move || work(&told))).await {
            Ok(outcome) => outcome,
            Err(_) => {
                stop.stop();
                Err(PictureError::TooSlow { seconds: self.time_limit.as_secs() })
            }
        }
    }
}

/// Runs `work` off the async threads. A panic, which none of it should have let through, is a picture's fault.
async fn spawned<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
) -> Result<T, PictureError> {
    let panicked = PictureError::Damaged { what: "its image data cannot be decoded" };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(panicked))
}

/// Memory that is reserved before it is taken.
#[derive(Clone, Debug)]
struct Budget {
    free: Arc<Semaphore>,
    units: u32,
}

impl Budget {
    fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        let units = units.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// Waits, in turn, until `bytes` are free, or all where they are more. The semaphore is never closed, so this
    /// always gives a permit.
    async fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        Arc::clone(&self.free).acquire_many_owned(units).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::sync::mpsc;

    use tokio::task::JoinSet;

    use super::super::tests::make;
    use super::*;

    fn pool(workers: usize, memory: u64, time_limit: Duration) -> Pool {
        Pool::new(PoolSettings { workers, memory, time_limit, limits: Limits::default() })
    }

    async fn loaded(bytes: Vec<u8>) -> Result<Vec<u8>, ()> {
        Ok(bytes)
    }

    #[tokio::test]
    async fn a_hundred_pictures_at_once_stay_within_the_budget() {
        let pool = pool(8, 16 << 20, Duration::from_secs(600));
        let (reserved, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut running = JoinSet::new();
        for n in 0..100u64 {
            let (pool, reserved, most) = (pool.clone(), Arc::clone(&reserved), Arc::clone(&most));
            running.spawn(async move {
                let bytes = (1 + n % 7) << 20;
                let held = pool.decoding.reserve(bytes).await;
                let now = reserved.fetch_add(bytes, Ordering::SeqCst) + bytes;
                most.fetch_max(now, Ordering::SeqCst);
                tokio::task::yield_now().await;
                reserved.fetch_sub(bytes, Ordering::SeqCst);
                drop(held);
            });
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
        let most = most.load(Ordering::SeqCst);
        assert!(most <= 12 << 20, "{most}");
        assert!(most > 7 << 20, "several at once: {most}");
    }

    #[tokio::test]
    async fn many_pictures_are_rendered_by_few_workers() {
        let pool = pool(2, 1 << 20, Duration::from_secs(600));
        let (loading, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let bytes = make::jpeg(400, 300);
        let mut running = JoinSet::new();
        for _ in 0..20 {
            let (pool, bytes) = (pool.clone(), bytes.clone());
            let (loading, most) = (Arc::clone(&loading), Arc::clone(&most));
            running.spawn(async move {
                let load = async {
                    most.fetch_max(loading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    loading.fetch_sub(1, Ordering::SeqCst);
                    loaded(bytes.clone()).await
                };
                pool.render(bytes.len() as u64, Vec::new(), load).await.map(|made| made.display_size)
            });
        }
        while let Some(done) = running.join_next().await {
            // Each takes more than the whole budget, and is rendered all the same, alone.
            assert_eq!(done.unwrap().unwrap(), (400, 300));
        }
        assert!(most.load(Ordering::SeqCst) <= 2, "no original is loaded before there is a worker");
    }

    #[tokio::test]
    async fn a_refused_picture_and_a_failed_load_give_everything_back() {
        let pool = pool(1, 1 << 20, Duration::from_secs(600));
        let refused = pool.render(3, Vec::new(), loaded(b"GIF89a".to_vec())).await.unwrap_err();
        assert!(matches!(refused, RenderError::Picture(PictureError::UnsupportedType { found: "GIF" })));
        let failed = pool.render(3, Vec::new(), async { Err::<Vec<u8>, _>("away") }).await.unwrap_err();
        assert!(matches!(failed, RenderError::Load("away")));
        assert_eq!(pool.workers.available_permits(), 1);
        assert_eq!(pool.originals.free.available_permits(), pool.originals.units as usize);
        assert_eq!(pool.decoding.free.available_permits(), pool.decoding.units as usize);
    }

    #[tokio::test]
    async fn who_takes_too_long_is_told_to_stop_and_keeps_its_worker_until_then() {
        let pool = pool(1, 1 << 20, Duration::from_millis(1));
        let (go, gone) = mpsc::channel::<()>();
        let worker = Arc::clone(&pool.workers).acquire_owned().await.unwrap();
        let (told, was_told) = mpsc::channel();
        let work = move |stop: &Stop| {
            let _held = worker;
            gone.recv().unwrap();
            told.send(stop.is_stopped()).unwrap();
            Ok(())
        };
        assert_eq!(pool.within_time(work).await, Err(PictureError::TooSlow { seconds: 0 }));
        assert_eq!(pool.workers.available_permits(), 0, "its thread has not ended");
        go.send(()).unwrap();
        drop(pool.workers.acquire().await.unwrap());
        assert!(was_told.recv().unwrap());
    }

    #[tokio::test]
    async fn a_crash_is_a_refusal() {
        let pool = pool(1, 1 << 20, Duration::from_secs(600));
        let outcome = pool.within_time::<()>(|_| panic!("a decoder that crashes")).await;
        assert_eq!(outcome.unwrap_err().code(), "photo_damaged");
    }

    #[test]
    fn a_stopped_rendering_ends() {
        let stop = Stop::default();
        stop.stop();
        let limits = Limits::default();
        for bytes in
            [make::jpeg(400, 300), make::progressive_jpeg(40, 30), make::png(40, 30), make::webp(40, 30)]
        {
            let inspected = inspect(&bytes, &limits).unwrap();
            assert!(render_until(&bytes, &inspected, &limits, &[], &stop).is_err(), "{:?}", inspected.kind);
        }
    }
}
