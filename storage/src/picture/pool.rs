//! Rendering off the async threads: a few pictures at once, within a budget of memory, each for a limited time.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};
use suishoupai_core::flow::masking::Area;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::decode::Stop;
use super::error::PictureError;
use super::render::{Renditions, render_until};
use super::{Inspected, Limits, inspect};

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
///
/// Each worker has a thread of its own and a buffer for the original. What they free they take again for the next
/// picture. In threads that come and go, an allocator keeps freed memory for each of them, and page faults for memory
/// that was handed back cost a tenth of the time of a picture.
#[derive(Clone, Debug)]
pub struct Pool {
    workers: Arc<Semaphore>,
    threads: Arc<ThreadPool>,
    buffers: Buffers,
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
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(settings: PoolSettings) -> io::Result<Self> {
        let_freed_memory_stay();
        let (originals, workers) = (settings.memory / 4, settings.workers.max(1));
        let threads = ThreadPoolBuilder::new().num_threads(workers).thread_name(|n| format!("render-{n}"));
        Ok(Self {
            workers: Arc::new(Semaphore::new(workers)),
            threads: Arc::new(threads.build().map_err(io::Error::other)?),
            buffers: Buffers { kept: Arc::default(), most: workers },
            originals: Budget::new(originals),
            decoding: Budget::new(settings.memory.saturating_sub(originals)),
            time_limit: settings.time_limit,
            limits: settings.limits,
        })
    }

    /// Renders the picture of `length` bytes that `load` puts into the empty buffer that it is given, with `areas`
    /// unreadable, once there are a worker and memory for it. What [`inspect`] said of the same bytes under the limits of
    /// the pool may be `known`; else they are looked at.
    ///
    /// # Errors
    /// [`RenderError`].
    pub async fn render<E, L>(
        &self,
        length: u64,
        known: Option<Inspected>,
        areas: Vec<Area>,
        load: impl FnOnce(Vec<u8>) -> L,
    ) -> Result<Renditions, RenderError<E>>
    where
        L: Future<Output = Result<Vec<u8>, E>>,
    {
        let worker = self.worker().await;
        let original = self.originals.reserve(length).await;
        let bytes = load(self.buffers.take()).await.map_err(RenderError::Load)?;
        let limits = self.limits;
        let look = move || {
            let inspected = known.map_or_else(|| inspect(&bytes, &limits), Ok);
            (bytes, inspected)
        };
        let (bytes, inspected) = self.run(look).await.ok_or(RenderError::Picture(CRASHED))?;
        let inspected = inspected.map_err(RenderError::Picture)?;
        let memory = self.decoding.reserve(inspected.memory).await;
        let buffers = self.buffers.clone();
        let work = move |stop: &Stop| {
            let _held = (worker, original, memory);
            let made = render_until(&bytes, &inspected, &limits, &areas, stop);
            buffers.keep(bytes);
            made
        };
        self.within_time(work).await.map_err(RenderError::Picture)
    }

    /// Does other work that keeps a core busy, in a thread of a worker; `None` where it panicked.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let worker = self.worker().await;
        let held = move || {
            let _held = worker;
            work()
        };
        self.run(held).await
    }

    /// `None` is never answered, for the workers are not closed.
    async fn worker(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.workers).acquire_owned().await.ok()
    }

    async fn within_time<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Stop) -> Result<T, PictureError> + Send + 'static,
    ) -> Result<T, PictureError> {
        let stop = Stop::default();
        let told = stop.clone();
        match tokio::time::timeout(self.time_limit, self.run(move || work(&told))).await {
            // A panic, which none of it should have let through, is a picture's fault.
            Ok(outcome) => outcome.unwrap_or(Err(CRASHED)),
            Err(_) => {
                stop.stop();
                Err(PictureError::TooSlow { seconds: self.time_limit.as_secs() })
            }
        }
    }

    /// Runs `work` in a thread of the workers; `None` where it panicked. Who holds a worker finds a thread idle.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.threads.spawn(move || {
            // Who waited may have given it up.
            drop(answer.send(catch_unwind(AssertUnwindSafe(work))));
        });
        answered.await.ok()?.ok()
    }
}

/// Lets memory that a picture has freed stay with its thread for the next one, where the malloc is that of glibc: it keeps in
/// hand twice as much as the largest piece that it has once mapped and unmapped, which is at most 32 MiB (mallopt(3),
/// M_MMAP_THRESHOLD and M_TRIM_THRESHOLD). So one such piece is shown to it, of which no page is ever touched.
///
/// Else each picture gives back a dozen MiB or two and takes them again, page by page, which is up to a tenth of its time.
pub fn let_freed_memory_stay() {
    const LARGEST: usize = 32 << 20;
    const HEADER: usize = 4096;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGEST - 2 * HEADER)));
}

const CRASHED: PictureError = PictureError::Damaged { what: "its image data cannot be decoded" };

/// Buffers for originals, as many as there are workers, each as large as the largest that it has held.
#[derive(Clone, Debug)]
struct Buffers {
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    most: usize,
}

impl Buffers {
    /// An empty one.
    fn take(&self) -> Vec<u8> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(buffer);
        }
    }
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
        Pool::new(PoolSettings { workers, memory, time_limit, limits: Limits::default() }).unwrap()
    }

    /// Fills the buffer as a store would.
    async fn loaded(mut into: Vec<u8>, bytes: &[u8]) -> Result<Vec<u8>, ()> {
        assert!(into.is_empty());
        into.extend_from_slice(bytes);
        Ok(into)
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
                let load = async |buffer| {
                    most.fetch_max(loading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    loading.fetch_sub(1, Ordering::SeqCst);
                    loaded(buffer, &bytes).await
                };
                pool.render(bytes.len() as u64, None, Vec::new(), load).await.map(|made| made.display_size)
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
        let refused = pool.render(3, None, Vec::new(), |buffer| loaded(buffer, b"GIF89a")).await.unwrap_err();
        assert!(matches!(refused, RenderError::Picture(PictureError::UnsupportedType { found: "GIF" })));
        let failed = pool.render(3, None, Vec::new(), async |_| Err("away")).await.unwrap_err();
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
