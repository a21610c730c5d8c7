//! The two renditions that people see instead of the original.

use std::panic::{AssertUnwindSafe, catch_unwind};

use suishoupai_core::flow::masking::Area;

use super::decode::{Raster, Stop, decode};
use super::encode::encode;
use super::error::PictureError;
use super::mask::blot;
use super::raster::{Planes, Shrinker, from_rgb, to_srgb};
use super::{Inspected, Limits};

/// Longest side of the display rendition, in pixels.
pub const DISPLAY_SIDE: u32 = 2048;
/// Longest side of the thumbnail, in pixels.
pub const THUMBNAIL_SIDE: u32 = 320;

const DISPLAY_QUALITY: u8 = 80;
/// The transform leaves a little less than a good filter does; a little more quality makes up for it.
const SNAPPED_QUALITY: u8 = 82;
const THUMBNAIL_QUALITY: u8 = 75;

/// Two JPEGs of one picture: upright, without any metadata, transparency laid over white.
#[derive(Clone, Debug)]
pub struct Renditions {
    /// JPEG of quality 80 or 82, the longer side at most [`DISPLAY_SIDE`], never enlarged.
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
/// Memory is bounded by [`Inspected::memory`]. Never panics in a build that unwinds: a panic of a decoder becomes
/// [`PictureError::Damaged`].
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
    render_until(bytes, inspected, limits, areas, &Stop::default())
}

/// As [`render_masked`], and ends soon with an error when it is told to `stop`.
///
/// # Errors
/// As [`render`].
pub fn render_until(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    areas: &[Area],
    stop: &Stop,
) -> Result<Renditions, PictureError> {
    catch_unwind(AssertUnwindSafe(|| render_unguarded(bytes, inspected, limits, areas, stop)))
        .unwrap_or(Err(PictureError::Damaged { what: "its image data cannot be decoded" }))
}

fn render_unguarded(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    areas: &[Area],
    stop: &Stop,
) -> Result<Renditions, PictureError> {
    let decoded = decode(bytes, inspected, limits, stop)?;
    let mut shrinker = Shrinker::default();
    let small = match decoded.raster {
        Raster::Planes(planes) => planes.shrunk(DISPLAY_SIDE, &mut shrinker)?,
        Raster::Pixels(pixels) => from_rgb(&pixels.shrunk(DISPLAY_SIDE, &mut shrinker)?)?,
    };
    let small = match &decoded.profile {
        Some(profile) => to_srgb(small, profile)?,
        None => small,
    };
    // Turned after shrinking, when there are a quarter of the samples or less; the full ones are freed by then.
    let mut display = small.upright(inspected.orientation)?;
    // Near pictures are found by what was sent, whatever is masked since.
    let unmasked = (!areas.is_empty()).then(|| small_luma(&mut display, &mut shrinker)).transpose()?;
    // Before anything is made from it: neither the thumbnail nor an encoder may see what is masked.
    blot(&mut display, areas);
    let quality = if decoded.snapped { SNAPPED_QUALITY } else { DISPLAY_QUALITY };
    let encoded = encode(&display, quality)?;
    let display_size = (display.luma.width as u32, display.luma.height as u32);
    let thumbnail = display.reduced(THUMBNAIL_SIDE, &mut shrinker)?.unwrap_or(display);
    Ok(Renditions {
        display: encoded,
        display_size,
        thumbnail: encode(&thumbnail, THUMBNAIL_QUALITY)?,
        thumbnail_size: (thumbnail.luma.width as u32, thumbnail.luma.height as u32),
        thumbnail_luma: unmasked.unwrap_or_else(|| thumbnail.brightness()),
        damaged: decoded.damaged,
    })
}

fn small_luma(display: &mut Planes, shrinker: &mut Shrinker) -> Result<Luma, PictureError> {
    Ok(display.reduced(THUMBNAIL_SIDE, shrinker)?.as_ref().unwrap_or(display).brightness())
}
