//! The two renditions that people see instead of the original.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use suishoupai_core::flow::masking::Area;

use super::decode::decode;
use super::error::PictureError;
use super::mask::blot;
use super::pixels::Pixels;
use super::{Inspected, Limits};

/// Longest side of the display rendition, in pixels.
pub const DISPLAY_SIDE: u32 = 2048;
/// Longest side of the thumbnail, in pixels.
pub const THUMBNAIL_SIDE: u32 = 320;

const DISPLAY_QUALITY: u8 = 80;
const THUMBNAIL_QUALITY: u8 = 75;

/// Two JPEGs of one picture: upright, without any metadata, transparency laid over white.
#[derive(Clone, Debug)]
pub struct Renditions {
    /// JPEG of quality 80, the longer side at most [`DISPLAY_SIDE`], never enlarged.
    pub display: Vec<u8>,
    /// Width and height of `display` in pixels.
    pub display_size: (u32, u32),
    /// JPEG of quality 75, the longer side at most [`THUMBNAIL_SIDE`], never enlarged.
    pub thumbnail: Vec<u8>,
    /// Width and height of `thumbnail` in pixels.
    pub thumbnail_size: (u32, u32),
    /// The brightness of the thumbnail's pixels before masking and encoding: what near pictures are found by. It is
    /// shown to nobody.
    pub thumbnail_luma: Luma,
    /// The image data have faults; parts of the renditions may be grey or smeared.
    pub damaged: bool,
}

/// The brightness of a picture: rows from top to bottom without padding, one byte a pixel, 0 black, 255 white
/// (Y of ITU-R BT.601 in full range).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Luma {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height` bytes.
    pub data: Vec<u8>,
}

/// Decodes `bytes`, which [`inspect`](super::inspect) described as `inspected` under the same `limits`, and
/// makes the renditions. Takes tens to hundreds of milliseconds of one core: call it off the async threads.
///
/// Memory is bounded by the pixels: 3 or 4 bytes for each, and for a progressive JPEG 6 more at most. Never
/// panics in a build that unwinds: a panic of a decoder becomes [`PictureError::Damaged`].
///
/// # Errors
/// [`PictureError`] where the image data cannot be decoded.
pub fn render(bytes: &[u8], inspected: &Inspected, limits: &Limits) -> Result<Renditions, PictureError> {
    render_masked(bytes, inspected, limits, &[])
}

/// As [`render`], with the areas unreadable in both.
///
/// # Errors
/// As [`render`].
pub fn render_masked(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    areas: &[Area],
) -> Result<Renditions, PictureError> {
    catch_unwind(AssertUnwindSafe(|| render_unguarded(bytes, inspected, limits, areas)))
        .unwrap_or(Err(PictureError::Damaged { what: "its image data cannot be decoded" }))
}

fn render_unguarded(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    areas: &[Area],
) -> Result<Renditions, PictureError> {
    let (decoded, damaged) = decode(bytes, inspected, limits)?;
    let small = decoded.shrink(DISPLAY_SIDE)?;
    // Turned after shrinking, when there are a quarter of the pixels or less; the full ones are freed by then.
    let mut display = small.unwrap_or(decoded).upright(inspected.orientation)?;
    // Near pictures are found by what was sent, whatever is masked since.
    let unmasked = (!areas.is_empty()).then(|| small_luma(&display)).transpose()?;
    // Before anything is made from it: neither the thumbnail nor an encoder may see what is masked.
    blot(&mut display.data, (display.width, display.height), display.channels, areas);
    let small = display.shrink(THUMBNAIL_SIDE)?;
    let thumbnail = small.as_ref().unwrap_or(&display);
    Ok(Renditions {
        display: encode(&display, DISPLAY_QUALITY)?,
        display_size: (display.width, display.height),
        thumbnail: encode(thumbnail, THUMBNAIL_QUALITY)?,
        thumbnail_size: (thumbnail.width, thumbnail.height),
        thumbnail_luma: unmasked.unwrap_or_else(|| luma(thumbnail)),
        damaged,
    })
}

fn small_luma(display: &Pixels) -> Result<Luma, PictureError> {
    Ok(luma(display.shrink(THUMBNAIL_SIDE)?.as_ref().unwrap_or(display)))
}

fn luma(pixels: &Pixels) -> Luma {
    // Weights of BT.601 in 16 bits; they sum to 65536.
    let weigh = |p: &[u8; 3]| {
        (19_595 * u32::from(p[0]) + 38_470 * u32::from(p[1]) + 7_471 * u32::from(p[2]) + 32_768) >> 16
    };
    let data = match pixels.channels {
        1 => pixels.data.clone(),
        _ => pixels.data.as_chunks::<3>().0.iter().map(|pixel| weigh(pixel) as u8).collect(),
    };
    Luma { width: pixels.width, height: pixels.height, data }
}

fn encode(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, PictureError> {
    let failed = PictureError::Damaged { what: "the picture could not be encoded" };
    let (Ok(width), Ok(height)) = (u16::try_from(pixels.width), u16::try_from(pixels.height)) else {
        return Err(failed);
    };
    let mut out = Vec::with_capacity(pixels.data.len() / 8);
    let mut encoder = Encoder::new(&mut out, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let colour = if pixels.channels == 1 { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(&pixels.data, width, height, colour).map_err(|_| failed)?;
    Ok(out)
}
