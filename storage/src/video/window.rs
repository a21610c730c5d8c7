//! A file that is read here and there, with a window of it in memory.

use std::io::{self, Read, Seek, SeekFrom};

use super::error::VideoError;

/// How much of a file is in memory while it is walked; little in tests, so that everything crosses its edges.
const WINDOW: usize = if cfg!(test) { 61 } else { 64 << 10 };

/// A file, or bytes in memory, by position.
#[derive(Debug)]
pub(super) struct Window<R> {
    inner: R,
    length: u64,
    start: u64,
    held: Vec<u8>,
    failure: Option<io::Error>,
}

impl<R: Read + Seek> Window<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, length, start: 0, held: Vec::new(), failure: None })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Why bytes could not be read, if that is what ended a walk.
    pub(super) fn failure(self) -> Option<io::Error> {
        self.failure
    }

    /// `length` bytes at `at`, which the caller has bounded.
    pub(super) fn bytes(&mut self, at: u64, length: usize) -> Result<Vec<u8>, VideoError> {
        let end = at.checked_add(length as u64).filter(|end| *end <= self.length);
        end.ok_or(VideoError::Truncated)?;
        if let Some(found) = self.found(at, length) {
            return Ok(found.to_vec());
        }
        self.slide(at, length.max(WINDOW))?;
        let found = self.found(at, length).map(<[u8]>::to_vec).ok_or(VideoError::Truncated);
        // A long piece is not kept for the sake of a few bytes beside it.
        if self.held.len() > WINDOW {
            self.held = Vec::new();
        }
        found
    }

    fn found(&self, at: u64, length: usize) -> Option<&[u8]> {
        let skip = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.held.get(skip..skip.checked_add(length)?)
    }

    fn slide(&mut self, at: u64, length: usize) -> Result<(), VideoError> {
        self.held.clear();
        self.start = at;
        let mut load = || {
            self.inner.seek(SeekFrom::Start(at))?;
            self.inner.by_ref().take(length as u64).read_to_end(&mut self.held)
        };
        if let Err(error) = load() {
            self.held.clear();
            self.failure = Some(error);
            return Err(VideoError::Truncated);
        }
        Ok(())
    }

    /// `N` bytes at `at`.
    pub(super) fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], VideoError> {
        self.bytes(at, N)?.try_into().map_err(|_| VideoError::Truncated)
    }

    pub(super) fn u16(&mut self, at: u64) -> Result<u16, VideoError> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, at: u64) -> Result<u32, VideoError> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self, at: u64) -> Result<u64, VideoError> {
        self.array(at).map(u64::from_be_bytes)
    }
}
