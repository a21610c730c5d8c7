//! A file as a decoder may see it: as long as somebody waits for it, and of a JPEG nothing but the parts that the
//! walk has kept.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::super::walk::jpeg::Jpeg;
use super::Stop;

/// How much a decoder gets before it is asked again whether anybody waits for it.
const PORTION: usize = 32 << 10;

/// At EOI a decoder takes zeros for bits that are missing, without a word. So every scan is followed by some zeros,
/// more than a decoder looks ahead, and by a pair of bytes that is an error inside of a scan and nothing outside.
const AFTER_SCAN: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x00];

/// The kept parts of a JPEG, one after the other.
pub(super) struct Parts<'a> {
    parts: std::vec::IntoIter<&'a [u8]>,
    part: &'a [u8],
    stop: &'a Stop,
}

impl<'a> Parts<'a> {
    pub(super) fn new(bytes: &'a [u8], walked: &Jpeg, stop: &'a Stop) -> Self {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(2 * walked.kept.len() + 2);
        parts.push(&[0xff, 0xd8]);
        for part in &walked.kept {
            parts.push(bytes.get(part.bytes.clone()).unwrap_or_default());
            if part.is_scan {
                parts.push(AFTER_SCAN);
            }
        }
        parts.push(&[0xff, 0xd9]);
        Self { parts: parts.into_iter(), part: &[], stop }
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        still_waited_for(self.stop)?;
        while self.part.is_empty() {
            match self.parts.next() {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
        self.part.read(into)
    }
}

/// Bytes that end early when nobody waits for them any more.
pub(in super::super) struct Watched<'a> {
    bytes: &'a [u8],
    at: usize,
    stop: &'a Stop,
}

impl<'a> Watched<'a> {
    pub(super) fn new(bytes: &'a [u8], stop: &'a Stop) -> Self {
        Self { bytes, at: 0, stop }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        still_waited_for(self.stop)?;
        let end = self.at.saturating_add(PORTION).min(self.bytes.len());
        Ok(self.bytes.get(self.at..end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => (self.bytes.len() as u64).checked_add_signed(offset),
            SeekFrom::Current(offset) => (self.at as u64).checked_add_signed(offset),
        };
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        self.at = usize::try_from(target).map_err(io::Error::other)?;
        Ok(target)
    }
}

fn still_waited_for(stop: &Stop) -> io::Result<()> {
    if stop.is_stopped() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}
