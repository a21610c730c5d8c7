//! The public copy: what is overwritten, and the copying.

use std::io::{self, Read, Write};
use std::ops::Range;

use super::Video;

/// What of a file is overwritten, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Bytes that become zeros.
    zeros: Vec<Range<u64>>,
    /// Where the four letters of a box's kind become `free`.
    free: Vec<u64>,
}

impl Plan {
    /// Overwrites bytes with zeros.
    pub(super) fn zero(&mut self, range: Range<u64>) {
        if !range.is_empty() {
            self.zeros.push(range);
        }
    }

    /// Makes of a box one that says nothing: of the kind `free`, filled with zeros.
    pub(super) fn forget(&mut self, found: &super::boxes::Found) {
        self.free.push(found.at + 4);
        self.zero(found.body.clone());
    }

    /// Keeps of each of the ranges `of` only the parts that `kept` names, which are sorted and do not overlap.
    pub(super) fn keep_only(&mut self, of: &[Range<u64>], kept: &[Range<u64>]) {
        for whole in of {
            let mut at = whole.start;
            let first = kept.partition_point(|part| part.end <= whole.start);
            for part in kept.iter().skip(first).take_while(|part| part.start < whole.end) {
                self.zero(at..part.start.max(at));
                at = part.end;
            }
            self.zero(at..whole.end.max(at));
        }
    }

    /// Takes over what another plan says.
    pub(super) fn absorb(&mut self, other: Self) {
        self.zeros.extend(other.zeros);
        self.free.extend(other.free);
    }

    /// The plan in the order of the file, nothing in it twice.
    pub(super) fn in_order(mut self) -> Self {
        self.free.sort_unstable();
        self.free.dedup();
        Self { zeros: merged(self.zeros), free: self.free }
    }

    /// Overwrites what of `bytes`, which begin at `at`, is to be overwritten.
    fn apply(&self, at: u64, bytes: &mut [u8]) {
        let end = at + bytes.len() as u64;
        let mut overwrite = |range: &Range<u64>, with: &[u8; 4]| {
            for place in range.start.max(at)..range.end.min(end) {
                if let Some(target) = bytes.get_mut((place - at) as usize) {
                    *target = with[(place - range.start) as usize % 4];
                }
            }
        };
        let first = self.zeros.partition_point(|range| range.end <= at);
        for range in self.zeros.iter().skip(first).take_while(|range| range.start < end) {
            overwrite(range, &[0; 4]);
        }
        let first = self.free.partition_point(|place| place + 4 <= at);
        for place in self.free.iter().skip(first).take_while(|place| **place < end) {
            overwrite(&(*place..place + 4), b"free");
        }
    }
}

/// Ranges in order, those that touch or overlap made one.
pub(super) fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut all: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// Copies the file that [`inspect`](super::inspect) described as `video`, without what the public is not to see. Every byte
/// that is left stands where it stood.
///
/// # Errors
/// Where the file cannot be read or the copy cannot be written.
pub fn write_public(video: &Video, mut file: impl Read, mut copy: impl Write) -> io::Result<()> {
    let mut portion = vec![0; 64 << 10];
    let mut at = 0;
    loop {
        let read = match file.read(&mut portion) {
            Ok(0) => return copy.flush(),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(bytes) = portion.get_mut(..read) else { return Err(io::ErrorKind::InvalidData.into()) };
        video.plan.apply(at, bytes);
        copy.write_all(bytes)?;
        at += read as u64;
    }
}
