//! Boxes of the ISO base media file format (ISO/IEC 14496-12) and of QuickTime, one after the other.
//!
//! Nothing here calls itself: how deep boxes lie is how deep the reader of a movie looks. All boxes of a file together are
//! counted, so that a file of millions of empty ones is given up soon.

use std::io::{Read, Seek};
use std::ops::Range;

use super::error::{VideoError, damaged};
use super::window::Window;

/// Boxes of one file that are looked at.
const MAX_BOXES: u32 = 10_000;

/// A box: its kind, where it begins, and where its body lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: [u8; 4],
    pub(super) at: u64,
    pub(super) body: Range<u64>,
}

impl Found {
    /// Length of the body, bytes.
    pub(super) fn length(&self) -> u64 {
        self.body.end - self.body.start
    }

    /// Where the byte `offset` of the body is; an error where the body is too short for `length` bytes there.
    pub(super) fn field(&self, offset: u64, length: u64) -> Result<u64, VideoError> {
        let at = self.body.start.saturating_add(offset);
        if at.saturating_add(length) > self.body.end {
            return damaged("a box is too short");
        }
        Ok(at)
    }
}

/// Counts boxes while a file is walked.
#[derive(Debug, Default)]
pub(super) struct Count(u32);

impl Count {
    fn one(&mut self) -> Result<(), VideoError> {
        self.0 += 1;
        if self.0 > MAX_BOXES { damaged("it has too many boxes") } else { Ok(()) }
    }
}

/// The boxes at the top of a file.
pub(super) fn top<R: Read + Seek>(
    window: &mut Window<R>,
    count: &mut Count,
) -> Result<Vec<Found>, VideoError> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < window.length() {
        count.one()?;
        let one = header(window, at, window.length())?.ok_or(VideoError::Truncated)?;
        if one.body.end > window.length() {
            return Err(VideoError::Truncated);
        }
        at = one.body.end;
        found.push(one);
    }
    Ok(found)
}

/// The boxes within a range.
pub(super) fn within<R: Read + Seek>(
    window: &mut Window<R>,
    range: Range<u64>,
    count: &mut Count,
) -> Result<Vec<Found>, VideoError> {
    let mut found = Vec::new();
    let mut at = range.start;
    // QuickTime ends some lists with a zero of four bytes.
    while range.end - at >= 8 {
        count.one()?;
        let Some(one) = header(window, at, range.end)? else { break };
        if one.body.end > range.end {
            return damaged("a box is longer than the one around it");
        }
        at = one.body.end;
        found.push(one);
    }
    Ok(found)
}

/// The header at `at`; `None` where there is none: too few bytes, or a size of zero inside another box.
fn header<R: Read + Seek>(window: &mut Window<R>, at: u64, end: u64) -> Result<Option<Found>, VideoError> {
    if end - at < 8 {
        return Ok(None);
    }
    let size = window.u32(at)?;
    let kind = window.array(at + 4)?;
    let (head, size) = match size {
        // The last box of a file may say that it goes on to its end.
        0 if end == window.length() && kind != [0; 4] => (8, end - at),
        0 => return Ok(None),
        1 if end - at < 16 => return Ok(None),
        1 => (16, window.u64(at + 8)?),
        size => (8, u64::from(size)),
    };
    if size < head {
        return damaged("a box has an impossible size");
    }
    let Some(end) = at.checked_add(size) else { return damaged("a box has an impossible size") };
    Ok(Some(Found { kind, at, body: at + head..end }))
}
