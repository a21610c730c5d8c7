//! The segments of a JPEG (ITU-T T.81, annex B).

use std::ops::Range;

use super::super::Limits;
use super::super::error::PictureError;
use super::super::source::Source;
use super::Outline;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
/// Bytes of a segment that are looked at.
const OPENING: usize = 16;

/// A walked JPEG.
#[derive(Debug)]
pub(in super::super) struct Jpeg {
    pub(in super::super) outline: Outline,
    /// 1 for grey, 3 for colour, 4 for CMYK or YCCK.
    pub(in super::super) components: u8,
    /// An Adobe segment was seen: CMYK is stored inverted then.
    pub(in super::super) adobe: bool,
    /// One scan holds it all, as cameras write it.
    sequential: bool,
    /// The parts that a decoder needs, in order: tables, frame, scans. Neither metadata nor stray bytes.
    kept: Vec<Range<usize>>,
}

impl Jpeg {
    /// The picture rewritten with nothing but what a decoder needs, so that no decoder reads the file in
    /// another way than this walk did, and none unpacks metadata.
    ///
    /// A picture of one scan ends in zeros instead of EOI: at EOI the decoder makes up data that are missing,
    /// at the end of input it reports them. It never looks further ahead than half of these zeros.
    pub(in super::super) fn bare(&self, bytes: &[u8]) -> Vec<u8> {
        let end: &[u8] = if self.sequential { &[0; 16] } else { &[0xff, EOI] };
        let mut out = Vec::with_capacity(2 + end.len() + self.kept.iter().map(Range::len).sum::<usize>());
        out.extend_from_slice(&[0xff, SOI]);
        for part in &self.kept {
            out.extend_from_slice(bytes.get(part.clone()).unwrap_or_default());
        }
        out.extend_from_slice(end);
        out
    }
}

/// A frame header: SOF0, SOF1 or SOF2.
#[derive(Clone, Copy)]
struct Frame {
    width: u32,
    height: u32,
    components: u8,
    progressive: bool,
}

/// Walks from SOI to EOI. What follows EOI is tolerated: MPO keeps further pictures there.
pub(in super::super) fn walk(source: &mut impl Source, limits: &Limits) -> Result<Jpeg, PictureError> {
    let mut frame: Option<Frame> = None;
    let (mut exif, mut adobe, mut kept) = (None, false, Vec::new());
    let (mut scans, mut scan_bytes, mut at) = (0u32, 0usize, 2usize);
    loop {
        let start = next_marker(source, at).ok_or(PictureError::Truncated)?;
        let [_, marker] = source.take(start)?;
        match marker {
            EOI => break,
            // Markers without a segment mean nothing outside of a scan.
            0x01 | 0xd0..=0xd7 | SOI => {
                at = start + 2;
                continue;
            }
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(source.take(start + 2)?));
        if length < 2 {
            return Err(PictureError::Damaged { what: "a JPEG segment has an impossible length" });
        }
        at = start + 2 + length;
        source.reaches(start + 4, length - 2)?;
        // No rule looks further into a segment than this.
        let opening = source.read(start + 4, (length - 2).min(OPENING)).ok_or(PictureError::Truncated)?;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let parsed = parse_frame(marker, &opening)?;
                // At once: a picture that is both too big and cut short is told that it is too big.
                limits.check_size(parsed.width, parsed.height)?;
                if frame.replace(parsed).is_some() {
                    return Err(PictureError::Damaged { what: "the JPEG has more than one frame header" });
                }
            }
            SOS => {
                if frame.is_none() {
                    return Err(PictureError::Damaged { what: "a JPEG scan comes before the frame header" });
                }
                scans += 1;
                if scans > limits.scans {
                    return Err(PictureError::TooManyScans { limit: limits.scans });
                }
                let end = scan_end(source, at).ok_or(PictureError::Truncated)?;
                scan_bytes += end - at;
                at = end;
            }
            0xe1 if opening.starts_with(b"Exif\0\0") => exif = exif.or(Some(start + 4..at)),
            0xee => adobe |= opening.starts_with(b"Adobe"),
            _ => {}
        }
        // Kept besides the coding: APP0, which tells MJPEG frames, and APP14, which tells the colours.
        if !matches!(marker, 0xe1..=0xed | 0xef | 0xfe) {
            kept.push(start..at);
        }
    }
    let frame = frame.ok_or(PictureError::Damaged { what: "the JPEG has no frame header" })?;
    check_plausible(frame, scan_bytes)?;
    let outline = Outline { width: frame.width, height: frame.height, exif };
    let sequential = scans == 1 && !frame.progressive;
    Ok(Jpeg { outline, components: frame.components, adobe, sequential, kept })
}

/// A block of 8 x 8 samples takes at least one bit, because no Huffman code is shorter. So a few hundred bytes
/// that declare a poster are recognised before memory is given to them.
fn check_plausible(frame: Frame, scan_bytes: usize) -> Result<(), PictureError> {
    let blocks = u64::from(frame.width.div_ceil(8)) * u64::from(frame.height.div_ceil(8));
    if (scan_bytes as u64).saturating_mul(8) < blocks { Err(PictureError::Truncated) } else { Ok(()) }
}

/// Where the next marker starts at or after `at`; stray bytes, stuffed zeros and fill bytes are skipped.
fn next_marker(source: &mut impl Source, mut at: usize) -> Option<usize> {
    loop {
        at = source.find(0xff, at)?;
        match *source.read(at + 1, 1)?.first()? {
            0x00 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

/// Where the scan that starts at `at` ends: at a marker that may follow a scan. Other bytes after 0xff are
/// damage inside of the scan, for the decoder to judge.
fn scan_end(source: &mut impl Source, mut at: usize) -> Option<usize> {
    loop {
        at = next_marker(source, at)?;
        match *source.read(at + 1, 1)?.first()? {
            0xc4 | 0xcc | EOI | SOS | 0xdb..=0xdd | 0xe0..=0xef | 0xfe => return Some(at),
            _ => at += 2,
        }
    }
}

fn parse_frame(marker: u8, payload: &[u8]) -> Result<Frame, PictureError> {
    let Some(&[precision, h1, h0, w1, w0, components]) = payload.first_chunk::<6>() else {
        return Err(PictureError::Damaged { what: "the JPEG frame header is too short" });
    };
    if !matches!(marker, 0xc0..=0xc2) {
        return Err(PictureError::UnsupportedType { found: "lossless or arithmetic-coded JPEG" });
    }
    if precision != 8 {
        return Err(PictureError::UnsupportedType { found: "JPEG with other than 8 bits per sample" });
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(PictureError::UnsupportedType { found: "JPEG with an unusual number of components" });
    }
    Ok(Frame {
        width: u32::from(u16::from_be_bytes([w1, w0])),
        height: u32::from(u16::from_be_bytes([h1, h0])),
        components,
        progressive: marker == 0xc2,
    })
}
