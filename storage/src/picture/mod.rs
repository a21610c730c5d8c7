//! Bytes that somebody uploaded as a picture: what they are, what they tell, and the two renditions of them.
//!
//! Everything here is a pure function over bytes and never panics. [`inspect`] decodes no pixel and allocates
//! next to nothing, so it can refuse hostile input before it costs memory; [`render`] decodes, and needs a
//! picture that `inspect` has accepted.

mod decode;
mod encode;
mod error;
mod hash;
mod markers;
mod mask;
mod metadata;
mod pool;
mod raster;
mod render;
mod sniff;
mod source;
#[cfg(test)]
mod tests;
mod walk;

use std::fs::File;
use std::io;

use suishoupai_core::geo::LonLat;
use suishoupai_core::time::Moment;

pub use decode::Stop;
pub use error::PictureError;
pub use hash::perceptual_hash;
pub(crate) use markers::Markers;
pub use pool::{Pool, PoolSettings, RenderError, let_freed_memory_stay};
pub use render::{DISPLAY_SIDE, Luma, Renditions, THUMBNAIL_SIDE, render, render_masked, render_until};
pub use sniff::PictureKind;
use source::{Source, Windowed};

const JPEG_PREFIX: &[u8] = b"Exif\0\0";

/// How much of a picture is accepted. What lies above is refused before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Width times height.
    pub pixels: u64,
    /// The longer side, in pixels.
    pub side: u32,
    /// Scans of a JPEG: each is another pass over all pixels, and a few bytes are enough to ask for one.
    pub scans: u32,
    /// Bytes of the EXIF block; a bigger one is not read, the picture stays acceptable.
    pub exif_bytes: usize,
}

impl Default for Limits {
    /// 32 MiB, 64 megapixels, 16,384 pixels a side, 100 scans, 64 KiB of EXIF.
    fn default() -> Self {
        Self { bytes: 32 << 20, pixels: 64_000_000, side: 16_384, scans: 100, exif_bytes: 64 << 10 }
    }
}

impl Limits {
    /// Checks a width and height as declared by a file.
    fn check_size(&self, width: u32, height: u32) -> Result<(), PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Damaged { what: "the picture has no width or no height" });
        }
        if width.max(height) > self.side {
            return Err(PictureError::SideTooLong { side: width.max(height), limit: self.side });
        }
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(PictureError::TooManyPixels { width, height, limit: self.pixels });
        }
        Ok(())
    }
}

/// What a picture says about itself without its pixels being decoded.
///
/// The metadata are claims of the sender's device. Browsers on iOS and Android strip the position, and anybody
/// can write what he likes: a hint, never a proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspected {
    /// The format, by content and not by name.
    pub kind: PictureKind,
    /// Width in pixels as stored, before `orientation` is applied.
    pub width: u32,
    /// Height in pixels as stored, before `orientation` is applied.
    pub height: u32,
    /// EXIF orientation, 1..=8; 1 where the file has none or an impossible one.
    pub orientation: u8,
    /// When the shutter was released. A local time without offset is taken as that of China.
    pub taken_at: Option<Moment>,
    /// Whether `taken_at` came with its offset from UTC, rather than with the one assumed.
    pub taken_at_has_offset: bool,
    /// Where the camera was, WGS-84 as EXIF defines it.
    pub gps: Option<LonLat>,
    /// Maker and model, printable characters only, at most 64.
    pub camera: Option<String>,
    /// Bytes that rendering takes at most at one time, besides those of the file.
    pub memory: u64,
}

/// Says what `bytes` are, or why they are refused. Decodes no pixel, never panics.
///
/// # Errors
/// A file that is empty, of another type, cut short, malformed, or above a limit.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Inspected, PictureError> {
    inspect_source(&mut { bytes }, limits)
}

/// As [`inspect`], with a window of the file in memory at a time, of a file whose markers may have been noted while it was
/// written. Blocks.
///
/// # Errors
/// The outer error where the file cannot be read, the inner one where the picture is refused.
pub(crate) fn inspect_file(
    file: File,
    markers: Markers,
    limits: &Limits,
) -> io::Result<Result<Inspected, PictureError>> {
    let mut source = Windowed::new(file, markers)?;
    let inspected = inspect_source(&mut source, limits);
    source.failure().map_or(Ok(inspected), Err)
}

fn inspect_source(source: &mut impl Source, limits: &Limits) -> Result<Inspected, PictureError> {
    let length = source.length();
    if length == 0 {
        return Err(PictureError::Empty);
    }
    if length > limits.bytes {
        return Err(PictureError::TooManyBytes { bytes: length, limit: limits.bytes });
    }
    let kind = sniff::sniff(&source.read(0, length.min(sniff::HEAD)).ok_or(PictureError::Truncated)?)?;
    #[cfg(feature = "heic")]
    if kind == PictureKind::Heic {
        let (outline, claims) = walk::heic::walk(source, limits)?;
        return Ok(described(kind, &outline, claims));
    }
    let outline = walk::walk(kind, source, limits)?;
    let exif = outline.exif.clone().filter(|exif| exif.len() <= limits.exif_bytes + JPEG_PREFIX.len());
    let exif = exif.and_then(|exif| source.read(exif.start, exif.len()));
    // Some writers put the JPEG prefix of EXIF into the other containers too.
    let exif = exif.as_deref().map(|exif| exif.strip_prefix(JPEG_PREFIX).unwrap_or(exif));
    let claims = exif.filter(|exif| exif.len() <= limits.exif_bytes).map(metadata::read).unwrap_or_default();
    Ok(described(kind, &outline, claims))
}

fn described(kind: PictureKind, outline: &walk::Outline, claims: metadata::Claims) -> Inspected {
    Inspected {
        kind,
        width: outline.width,
        height: outline.height,
        orientation: claims.orientation,
        taken_at: claims.taken_at,
        taken_at_has_offset: claims.taken_at_has_offset,
        gps: claims.gps,
        camera: claims.camera,
        memory: outline.memory + shrinking_memory(outline.width, outline.height),
    }
}

/// Bytes that making smaller, turning and encoding take: the rows of the first pass of the filter, which are already
/// as narrow as the rendition, and the renditions in all their forms.
fn shrinking_memory(width: u32, height: u32) -> u64 {
    const RENDITIONS: u64 = 36 << 20;
    let side = u64::from(DISPLAY_SIDE);
    RENDITIONS.min(12 * u64::from(width) * u64::from(height) + (1 << 20))
        + 3 * side * u64::from(width.min(height)).min(16_384)
}
