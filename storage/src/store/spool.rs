//! Bytes on their way into the store, in a file: what is uploaded is never whole in memory.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use super::StoreError;
use crate::picture::{Inspected, Limits, Markers, PictureError, inspect_file};
use crate::video::{self, Video, VideoError, VideoLimits};

/// Bytes that are collected before a thread is troubled with writing them: each time costs a few changes of threads.
const PORTION: usize = 256 << 10;
const ACTION: &str = "keep an upload in a file";

/// A folder for uploads under way. Clones share it.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: Arc<PathBuf>,
}

impl Spool {
    /// Uses `folder`, which must be there.
    pub(super) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Arc::new(folder.into()) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins an upload of at most `limit` bytes.
    pub fn begin(&self, limit: u64) -> Incoming {
        let state = State { file: None, hash: Sha256::new(), markers: Markers::default() };
        Incoming { folder: Arc::clone(&self.folder), limit, length: 0, waiting: BytesMut::new(), state }
    }

    /// Writes a file of our own making, to be stored as an upload is. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] or [`StoreError::Io`] where it cannot be written, or what `work` says.
    pub fn write(&self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Spooled, StoreError> {
        let write = || {
            let mut file = NamedTempFile::new_in(self.folder.as_path())?;
            let mut hashed = Hashed { file: file.as_file_mut(), length: 0, hash: Sha256::new() };
            work(&mut hashed)?;
            let (length, sha256) = (hashed.length, hashed.hash.finalize().into());
            Ok(Spooled { path: file.into_temp_path(), length, sha256, markers: None })
        };
        write().map_err(StoreError::during(ACTION))
    }

    /// Removes files that no upload has touched for `older_than`, and says how many. Blocks.
    pub(super) fn sweep(&self, older_than: Duration) -> io::Result<usize> {
        let now = SystemTime::now();
        let mut swept = 0;
        for entry in fs::read_dir(self.folder.as_path())? {
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
pub(super) fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// A file that is hashed while it is written.
struct Hashed<'a> {
    file: &'a mut File,
    length: u64,
    hash: Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

struct State {
    file: Option<NamedTempFile>,
    hash: Sha256,
    markers: Markers,
}

/// An upload under way; its file is removed when this is dropped.
pub struct Incoming {
    folder: Arc<PathBuf>,
    limit: u64,
    length: u64,
    waiting: BytesMut,
    state: State,
}

/// There were more bytes than were allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Incoming {
    /// Takes the next bytes, and says at once if they are too many.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] or [`StoreError::Io`] where they cannot be written.
    pub async fn push(mut self, bytes: &[u8]) -> Result<Result<Self, TooLong>, StoreError> {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if self.length > self.limit {
            return Ok(Err(TooLong));
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < PORTION { Ok(Ok(self)) } else { self.write().await.map(Ok) }
    }

    /// How many bytes have come.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Ends the upload.
    ///
    /// # Errors
    /// As [`Incoming::push`].
    pub async fn finish(self) -> Result<Spooled, StoreError> {
        let Self { length, state, .. } = self.write().await?;
        let file = state.file.ok_or_else(|| StoreError::during(ACTION)(io::ErrorKind::NotFound.into()))?;
        let (path, sha256) = (file.into_temp_path(), state.hash.finalize().into());
        Ok(Spooled { path, length, sha256, markers: Some(state.markers) })
    }

    async fn write(self) -> Result<Self, StoreError> {
        let work = move || {
            let mut this = self;
            let file = match &mut this.state.file {
                Some(file) => file,
                none => none.insert(NamedTempFile::new_in(this.folder.as_path())?),
            };
            file.write_all(&this.waiting)?;
            this.state.hash.update(&this.waiting);
            this.state.markers.pass(&this.waiting);
            this.waiting.clear();
            Ok(this)
        };
        blocking(ACTION, work).await
    }
}

/// Runs file work off the async threads. It is carried through even where the caller goes away.
pub(super) async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(io::Error::other(stopped))).map_err(StoreError::during(action))
}

/// An upload that is complete, in a file that is removed when this is dropped.
#[derive(Debug)]
pub struct Spooled {
    path: TempPath,
    length: u64,
    sha256: [u8; 32],
    /// Noted when it came, until it is looked at.
    markers: Option<Markers>,
}

impl Spooled {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length, bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// SHA-256 of its bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// What video it is, or why it is refused; `None` where it is something else than a video. Blocks, with a bounded part of
    /// the file in memory.
    ///
    /// # Errors
    /// The outer error where the file cannot be read.
    pub fn inspect_video(
        &self,
        limits: &VideoLimits,
    ) -> Result<Option<Result<Video, VideoError>>, StoreError> {
        let inspect = || {
            let mut file = File::open(&self.path)?;
            let mut head = Vec::new();
            (&mut file).take(12).read_to_end(&mut head)?;
            if video::is_video(&head) { video::inspect(file, limits).map(Some) } else { Ok(None) }
        };
        inspect().map_err(StoreError::during(ACTION))
    }

    /// What picture it is, or why it is refused. Blocks, with a bounded part of the file in memory.
    ///
    /// # Errors
    /// The outer error where the file cannot be read.
    pub fn inspect(&mut self, limits: &Limits) -> Result<Result<Inspected, PictureError>, StoreError> {
        let markers = self.markers.take().unwrap_or_default();
        let inspect = || inspect_file(File::open(&self.path)?, markers, limits);
        inspect().map_err(StoreError::during(ACTION))
    }
}
