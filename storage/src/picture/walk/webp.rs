//! The chunks of a WebP (RFC 9649).

use std::ops::Range;

use super::super::Limits;
use super::super::error::PictureError;
use super::super::render::DISPLAY_SIDE;
use super::super::source::Source;
use super::{Outline, Profile};

/// A walked WebP.
#[derive(Debug)]
pub(in super::super) struct Webp {
    pub(in super::super) outline: Outline,
    /// The payload of the one chunk `VP8 ` of a picture that has neither transparency nor movement.
    pub(in super::super) lossy: Option<Range<usize>>,
}

/// Walks the RIFF chunks. The size of the file must cover what RIFF declares.
pub(in super::super) fn walk(source: &mut impl Source, limits: &Limits) -> Result<Webp, PictureError> {
    let declared = u32::from_le_bytes(source.take(4)?) as usize;
    source.reaches(8, declared)?;
    let riff = 8..declared.saturating_add(8);
    let (mut canvas, mut image, mut exif, mut at) = (None, None, None, riff.start + 4);
    let (mut lossy, mut is_plain, mut profile) = (None, true, Profile::default());
    // An odd byte may be left over where a writer forgot to pad the last chunk.
    while at + 8 <= riff.end {
        let (name, body, next) = chunk(source, at, riff.end)?;
        match &name {
            b"VP8X" => canvas = canvas.or(Some(canvas_size(source, &body)?)),
            b"VP8 " | b"VP8L" if image.is_none() => {
                image = Some(image_size(source, &name, &body)?);
                lossy = Some(body).filter(|_| &name == b"VP8 ");
            }
            b"ANMF" if image.is_none() => image = Some(frame_size(source, &body)?),
            b"ALPH" | b"ANIM" => is_plain = false,
            b"EXIF" => exif = exif.or(Some(body)),
            b"ICCP" => profile.add(body),
            _ => {}
        }
        at = next;
    }
    let image = image.ok_or(PictureError::Damaged { what: "the WebP has no image data" })?;
    // A frame of an animation may be smaller than the canvas, never bigger.
    let (width, height) = canvas.unwrap_or(image);
    if image.0 > width || image.1 > height {
        return Err(PictureError::Damaged { what: "the WebP picture is bigger than its canvas" });
    }
    limits.check_size(width, height)?;
    let lossy = lossy.filter(|_| is_plain && image == (width, height));
    let (pixels, bytes) = (u64::from(width) * u64::from(height), riff.len() as u64);
    // RGB as large as the display rendition, or planes, and a copy of them; else ARGB while it is decoded, up to four
    // channels, and what is in between.
    let display = u64::from(DISPLAY_SIDE) * u64::from(DISPLAY_SIDE);
    let memory =
        if lossy.is_some() { bytes + 6 * pixels.min(display) } else { bytes + 13 * pixels } + (4 << 20);
    Ok(Webp { outline: Outline { width, height, exif, profile, memory }, lossy })
}

/// Name, where the payload lies, and where the next chunk starts (payloads are padded to even length). All of it
/// lies before `end`.
fn chunk(
    source: &mut impl Source,
    at: usize,
    end: usize,
) -> Result<([u8; 4], Range<usize>, usize), PictureError> {
    let name = source.take(at)?;
    let length = u32::from_le_bytes(source.take(at + 4)?) as usize;
    let body =
        at + 8..(at + 8).checked_add(length).filter(|last| *last <= end).ok_or(PictureError::Truncated)?;
    let next = body.end + (length & 1);
    Ok((name, body, next))
}

/// `N` bytes at `skip` of a payload.
fn take<const N: usize>(
    source: &mut impl Source,
    body: &Range<usize>,
    skip: usize,
) -> Result<[u8; N], PictureError> {
    if skip + N > body.len() {
        return Err(PictureError::Truncated);
    }
    source.take(body.start + skip)
}

fn canvas_size(source: &mut impl Source, body: &Range<usize>) -> Result<(u32, u32), PictureError> {
    Ok((u24(source, body, 4)? + 1, u24(source, body, 7)? + 1))
}

/// The size in the bitstream of a still picture.
fn image_size(
    source: &mut impl Source,
    name: &[u8; 4],
    body: &Range<usize>,
) -> Result<(u32, u32), PictureError> {
    if name == b"VP8L" {
        let [signature, b0, b1, b2, b3] = take::<5>(source, body, 0)?;
        if signature != 0x2f {
            return Err(PictureError::Damaged { what: "the WebP lossless signature is wrong" });
        }
        let packed = u32::from_le_bytes([b0, b1, b2, b3]);
        return Ok(((packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1));
    }
    let [t0, _, _, s0, s1, s2, w0, w1, h0, h1] = take::<10>(source, body, 0)?;
    if t0 & 1 != 0 || [s0, s1, s2] != [0x9d, 0x01, 0x2a] {
        return Err(PictureError::Damaged { what: "the WebP does not start with a key frame" });
    }
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok((side(w0, w1), side(h0, h1)))
}

/// The size of the first frame of an animation; its bitstream must agree with its header.
fn frame_size(source: &mut impl Source, body: &Range<usize>) -> Result<(u32, u32), PictureError> {
    let declared = (u24(source, body, 6)? + 1, u24(source, body, 9)? + 1);
    let mut at = body.start + 16;
    while at + 8 <= body.end {
        let (name, inner, next) = chunk(source, at, body.end)?;
        if matches!(&name, b"VP8 " | b"VP8L") {
            if image_size(source, &name, &inner)? != declared {
                return Err(PictureError::Damaged { what: "a WebP frame contradicts its header" });
            }
            return Ok(declared);
        }
        at = next;
    }
    Err(PictureError::Damaged { what: "a WebP frame has no image data" })
}

fn u24(source: &mut impl Source, body: &Range<usize>, at: usize) -> Result<u32, PictureError> {
    let [a, b, c] = take::<3>(source, body, at)?;
    Ok(u32::from_le_bytes([a, b, c, 0]))
}
