//! Where a walk reads from: bytes in memory, or a file of which only a window is in memory at a time.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::error::PictureError;
use super::markers::Markers;

/// How much of a file is in memory while it is walked; little in tests, so that everything crosses its edges.
const WINDOW: usize = if cfg!(test) { 61 } else { 64 << 10 };

/// Bytes that a walk may ask for by position.
pub(super) trait Source {
    /// How many there are.
    fn length(&self) -> usize;

    /// `length` bytes at `at`; `None` beyond the end, or where they cannot be read.
    fn read(&mut self, at: usize, length: usize) -> Option<Cow<'_, [u8]>>;

    /// Where the next marker of a JPEG starts at or after `at`: 0xff before a byte that is neither a stuffed zero nor 0xff.
    fn find_marker(&mut self, at: usize) -> Option<usize>;

    /// `N` bytes at `at`, or `Truncated`.
    fn take<const N: usize>(&mut self, at: usize) -> Result<[u8; N], PictureError> {
        self.read(at, N).and_then(|found| found.as_ref().try_into().ok()).ok_or(PictureError::Truncated)
    }

    /// That there are `length` bytes at `at`, or `Truncated`.
    fn reaches(&self, at: usize, length: usize) -> Result<(), PictureError> {
        let end = at.checked_add(length).filter(|end| *end <= self.length());
        end.map(|_| ()).ok_or(PictureError::Truncated)
    }
}

/// Where the first marker starts in `bytes`. The data of a scan are full of stuffed zeros, so one search goes on over them.
pub(super) fn marker_in(bytes: &[u8]) -> Option<usize> {
    let is_marker = |at: &usize| bytes.get(at + 1).is_some_and(|next| !matches!(next, 0x00 | 0xff));
    memchr::memchr_iter(0xff, bytes).find(is_marker)
}

impl Source for &[u8] {
    fn length(&self) -> usize {
        self.len()
    }

    fn read(&mut self, at: usize, length: usize) -> Option<Cow<'_, [u8]>> {
        self.get(at..at.checked_add(length)?).map(Cow::Borrowed)
    }

    fn find_marker(&mut self, at: usize) -> Option<usize> {
        Some(at + marker_in(self.get(at..)?)?)
    }
}

/// A file that is walked through a window.
#[derive(Debug)]
pub(super) struct Windowed {
    file: File,
    length: usize,
    start: usize,
    window: Vec<u8>,
    failure: Option<io::Error>,
    markers: Markers,
}

impl Windowed {
    /// Reads `file` from its first byte on. Some of its markers may have been noted.
    pub(super) fn new(file: File, markers: Markers) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Ok(Self { file, length, start: 0, window: Vec::new(), failure: None, markers })
    }

    /// Why bytes could not be read, if that is what ended a walk.
    pub(super) fn failure(self) -> Option<io::Error> {
        self.failure
    }

    /// Moves the window so that it begins at `at`, and says whether there is anything in it.
    fn slide(&mut self, at: usize) -> bool {
        self.window.clear();
        self.start = at;
        let mut load = || {
            self.file.seek(SeekFrom::Start(at as u64))?;
            self.file.by_ref().take(WINDOW as u64).read_to_end(&mut self.window)
        };
        match load() {
            Ok(read) => read > 0,
            Err(error) => {
                self.window.clear();
                self.failure = Some(error);
                false
            }
        }
    }

    /// What of the window lies at or after `at`.
    fn held(&self, at: usize) -> &[u8] {
        at.checked_sub(self.start).and_then(|skip| self.window.get(skip..)).unwrap_or_default()
    }
}

impl Source for Windowed {
    fn length(&self) -> usize {
        self.length
    }

    fn read(&mut self, at: usize, length: usize) -> Option<Cow<'_, [u8]>> {
        self.reaches(at, length).ok()?;
        if length <= WINDOW {
            if self.held(at).len() < length {
                self.slide(at);
            }
            return self.held(at).get(..length).map(Cow::Borrowed);
        }
        let mut all = Vec::with_capacity(length);
        while all.len() < length {
            if !self.slide(at + all.len()) {
                return None;
            }
            all.extend(self.window.iter().take(length - all.len()));
        }
        Some(Cow::Owned(all))
    }

    fn find_marker(&mut self, mut at: usize) -> Option<usize> {
        if let Some(noted) = self.markers.first_from(at, self.length) {
            return noted;
        }
        // A marker has two bytes: where one of them is all that is held, it begins the next window.
        while at + 1 < self.length {
            if self.held(at).len() < 2 && !self.slide(at) {
                return None;
            }
            let held = self.held(at);
            if let Some(place) = marker_in(held) {
                return Some(at + place);
            }
            at += held.len().checked_sub(1).filter(|step| *step > 0)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn first_marker(bytes: &[u8], at: usize) -> Option<usize> {
        (at..bytes.len().saturating_sub(1))
            .find(|at| bytes[*at] == 0xff && !matches!(bytes[at + 1], 0 | 0xff))
    }

    proptest! {
        #[test]
        fn a_marker_is_found_wherever_it_stands(
            bytes in prop::collection::vec(prop_oneof![4 => Just(0xff), 4 => Just(0), 1 => any::<u8>()], 0..400),
            from in 0_usize..401,
        ) {
            let expected = first_marker(&bytes, from);
            prop_assert_eq!((&bytes[..]).find_marker(from), expected);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut windowed = Windowed::new(file, Markers::default()).unwrap();
            prop_assert_eq!(windowed.find_marker(from), expected);
            prop_assert_eq!(windowed.find_marker(0), first_marker(&bytes, 0));
        }
    }
}
