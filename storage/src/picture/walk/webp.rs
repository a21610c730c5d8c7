//! The chunks of a WebP (RFC 9649).

use super::super::Limits;
use super::super::error::PictureError;
use super::{Outline, slice, take, without_prefix};

/// Walks the RIFF chunks. The size of the file must cover what RIFF declares.
pub(super) fn walk<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Outline<'a>, PictureError> {
    let declared = u32::from_le_bytes(take(bytes, 4)?) as usize;
    let riff = slice(bytes, 8, declared)?;
    let (mut canvas, mut image, mut exif, mut at) = (None, None, None, 4usize);
    // An odd byte may be left over where a writer forgot to pad the last chunk.
    while at + 8 <= riff.len() {
        let (name, body, next) = chunk(riff, at)?;
        match &name {
            b"VP8X" => canvas = canvas.or(Some(canvas_size(body)?)),
            b"VP8 " | b"VP8L" if image.is_none() => image = Some(image_size(&name, body)?),
            b"ANMF" if image.is_none() => image = Some(frame_size(body)?),
            b"EXIF" => exif = exif.or(Some(without_prefix(body))),
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
    Ok(Outline { width, height, exif })
}

/// Name, payload, and where the next chunk starts (payloads are padded to even length).
fn chunk(riff: &[u8], at: usize) -> Result<([u8; 4], &[u8], usize), PictureError> {
    let name = take(riff, at)?;
    let length = u32::from_le_bytes(take(riff, at + 4)?) as usize;
    let body = slice(riff, at + 8, length)?;
    Ok((name, body, at + 8 + length + (length & 1)))
}

fn canvas_size(body: &[u8]) -> Result<(u32, u32), PictureError> {
    Ok((u24(body, 4)? + 1, u24(body, 7)? + 1))
}

/// The size in the bitstream of a still picture.
fn image_size(name: &[u8; 4], body: &[u8]) -> Result<(u32, u32), PictureError> {
    if name == b"VP8L" {
        let [signature, b0, b1, b2, b3] = take::<5>(body, 0)?;
        if signature != 0x2f {
            return Err(PictureError::Damaged { what: "the WebP lossless signature is wrong" });
        }
        let packed = u32::from_le_bytes([b0, b1, b2, b3]);
        return Ok(((packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1));
    }
    let [t0, _, _, s0, s1, s2, w0, w1, h0, h1] = take::<10>(body, 0)?;
    if t0 & 1 != 0 || [s0, s1, s2] != [0x9d, 0x01, 0x2a] {
        return Err(PictureError::Damaged { what: "the WebP does not start with a key frame" });
    }
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok((side(w0, w1), side(h0, h1)))
}

/// The size of the first frame of an animation; its bitstream must agree with its header.
fn frame_size(body: &[u8]) -> Result<(u32, u32), PictureError> {
    let declared = (u24(body, 6)? + 1, u24(body, 9)? + 1);
    let mut at = 16;
    while at + 8 <= body.len() {
        let (name, inner, next) = chunk(body, at)?;
        if matches!(&name, b"VP8 " | b"VP8L") {
            if image_size(&name, inner)? != declared {
                return Err(PictureError::Damaged { what: "a WebP frame contradicts its header" });
            }
            return Ok(declared);
        }
        at = next;
    }
    Err(PictureError::Damaged { what: "a WebP frame has no image data" })
}

fn u24(bytes: &[u8], at: usize) -> Result<u32, PictureError> {
    let [a, b, c] = take::<3>(bytes, at)?;
    Ok(u32::from_le_bytes([a, b, c, 0]))
}
