//! The segments of a JPEG (ITU-T T.81, annex B).

use std::ops::Range;

use super::super::Limits;
use super::super::error::PictureError;
use super::super::source::Source;
use super::{Outline, Profile};

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
/// Bytes of a segment that are looked at.
const OPENING: usize = 18;
/// How a segment with a part of a colour profile begins; the number of the part and their count follow.
const ICC: &[u8] = b"ICC_PROFILE\0";

/// A walked JPEG.
#[derive(Debug)]
pub(in super::super) struct Jpeg {
    pub(in super::super) outline: Outline,
    pub(in super::super) frame: Frame,
    /// The colour transform that an Adobe segment names; where there is one, CMYK is stored inverted.
    pub(in super::super) adobe: Option<u8>,
    jfif: bool,
    /// One scan holds it all, as cameras write it.
    pub(in super::super) sequential: bool,
    /// The parts that a decoder needs, in order: tables, frame, scans. Neither metadata nor stray bytes.
    pub(in super::super) kept: Vec<Part>,
}

/// A part of a JPEG that a decoder needs.
#[derive(Clone, Debug)]
pub(in super::super) struct Part {
    pub(in super::super) bytes: Range<usize>,
    /// Whether it ends with the data of a scan.
    pub(in super::super) is_scan: bool,
}

impl Jpeg {
    /// The picture rewritten with nothing but what a decoder needs, so that no decoder reads the file in
    /// another way than this walk did, and none unpacks metadata. It ends in `end`.
    pub(in super::super) fn bare(&self, bytes: &[u8], end: &[u8]) -> Vec<u8> {
        let length = self.kept.iter().map(|part| part.bytes.len()).sum::<usize>();
        let mut out = Vec::with_capacity(2 + end.len() + length);
        out.extend_from_slice(&[0xff, SOI]);
        for part in &self.kept {
            out.extend_from_slice(bytes.get(part.bytes.clone()).unwrap_or_default());
        }
        out.extend_from_slice(end);
        out
    }

    /// Whether the samples are brightness alone, or brightness and two colour differences (ITU-T T.871).
    pub(in super::super) fn is_planar(&self) -> bool {
        match (self.frame.components, self.adobe) {
            (1, _) => true,
            (3, Some(transform)) => transform == 1,
            (3, None) => self.jfif || self.frame.ids != *b"RGB",
            _ => false,
        }
    }
}

/// A frame header: SOF0, SOF1 or SOF2.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Frame {
    width: u32,
    height: u32,
    /// 1 for grey, 3 for colour, 4 for CMYK or YCCK.
    pub(in super::super) components: u8,
    /// The names of the first three components, 0 where there are fewer.
    ids: [u8; 3],
    /// Samples of all components in 16ths of a sample per pixel.
    pub(in super::super) sixteenths: u32,
    pub(in super::super) progressive: bool,
}

/// Walks from SOI to EOI. What follows EOI is tolerated: MPO keeps further pictures there.
pub(in super::super) fn walk(source: &mut impl Source, limits: &Limits) -> Result<Jpeg, PictureError> {
    let mut frame: Option<Frame> = None;
    let (mut exif, mut adobe, mut jfif, mut kept) = (None, None, false, Vec::new());
    let mut profile = Profile::default();
    let (mut scans, mut scan_bytes, mut at) = (0u32, 0usize, 2usize);
    loop {
        let start = source.find_marker(at).ok_or(PictureError::Truncated)?;
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
        let mut is_scan = false;
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
                is_scan = true;
            }
            0xe1 if opening.starts_with(b"Exif\0\0") => exif = exif.or(Some(start + 4..at)),
            0xe0 => jfif |= opening.starts_with(b"JFIF\0"),
            0xe2 if opening.starts_with(ICC) && length > 16 => profile.add(start + 18..at),
            0xee if opening.starts_with(b"Adobe") => adobe = adobe.or(opening.get(11).copied()),
            _ => {}
        }
        // Kept besides the coding: APP0, which tells MJPEG frames, and APP14, which tells the colours.
        if !matches!(marker, 0xe1..=0xed | 0xef | 0xfe) {
            kept.push(Part { bytes: start..at, is_scan });
        }
    }
    let frame = frame.ok_or(PictureError::Damaged { what: "the JPEG has no frame header" })?;
    check_plausible(frame, scan_bytes)?;
    let memory = frame.memory(kept.iter().map(|part| part.bytes.len() as u64).sum());
    let outline = Outline { width: frame.width, height: frame.height, exif, profile, memory };
    let sequential = scans == 1 && !frame.progressive;
    Ok(Jpeg { outline, frame, adobe, jfif, sequential, kept })
}

/// A block of 8 x 8 samples takes at least one bit, because no Huffman code is shorter. So a few hundred bytes
/// that declare a poster are recognised before memory is given to them.
fn check_plausible(frame: Frame, scan_bytes: usize) -> Result<(), PictureError> {
    let blocks = u64::from(frame.width.div_ceil(8)) * u64::from(frame.height.div_ceil(8));
    if (scan_bytes as u64).saturating_mul(8) < blocks { Err(PictureError::Truncated) } else { Ok(()) }
}

/// Where the scan that starts at `at` ends: at a marker that may follow a scan. Other bytes after 0xff are
/// damage inside of the scan, for the decoder to judge.
fn scan_end(source: &mut impl Source, mut at: usize) -> Option<usize> {
    loop {
        at = source.find_marker(at)?;
        match *source.read(at + 1, 1)?.first()? {
            0xc4 | 0xcc | EOI | SOS | 0xdb..=0xdd | 0xe0..=0xef | 0xfe => return Some(at),
            _ => at += 2,
        }
    }
}

impl Frame {
    /// Bytes that the decoders take at most at one time, where `bytes` of the file go into them: a copy of
    /// these, RGB or CMYK of every pixel for the decoder that reads what the fast one refuses, and for a
    /// progressive picture the coefficients, two bytes each.
    fn memory(&self, bytes: u64) -> u64 {
        // Planes are whole blocks, and these whole units of up to 4 x 4 blocks.
        let padded = u64::from(self.width.next_multiple_of(32)) * u64::from(self.height.next_multiple_of(32));
        let samples = padded * u64::from(self.sixteenths) / 16;
        let coefficients = if self.progressive { 2 * samples } else { 0 };
        bytes + coefficients + samples.max(padded * u64::from(self.components.max(3)))
    }
}

fn parse_frame(marker: u8, payload: &[u8]) -> Result<Frame, PictureError> {
    let Some((&[precision, h1, h0, w1, w0, components], specs)) = payload.split_first_chunk::<6>() else {
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
    let specs = specs.as_chunks::<3>().0.get(..usize::from(components));
    let specs = specs.ok_or(PictureError::Damaged { what: "the JPEG frame header is too short" })?;
    let mut ids = [0; 3];
    ids.iter_mut().zip(specs).for_each(|(id, spec)| *id = spec[0]);
    Ok(Frame {
        width: u32::from(u16::from_be_bytes([w1, w0])),
        height: u32::from(u16::from_be_bytes([h1, h0])),
        components,
        ids,
        sixteenths: sixteenths(specs)?,
        progressive: marker == 0xc2,
    })
}

/// Samples per pixel, in 16ths, by the sampling factors of the components.
fn sixteenths(specs: &[[u8; 3]]) -> Result<u32, PictureError> {
    let factors = || specs.iter().map(|[_, factors, _]| (u32::from(factors >> 4), u32::from(factors & 15)));
    if factors().any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
        return Err(PictureError::Damaged { what: "a JPEG component has an impossible sampling factor" });
    }
    let widest = factors().map(|(h, _)| h).max().unwrap_or(1);
    let highest = factors().map(|(_, v)| v).max().unwrap_or(1);
    Ok(factors().map(|(h, v)| (16 * h * v).div_ceil(widest * highest)).sum())
}
