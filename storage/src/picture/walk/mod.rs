//! Bounded walks over the structure of the three formats: sizes, limits, the end, and where EXIF lies.

pub(super) mod jpeg;
mod png;
mod webp;

use std::ops::Range;

use super::Limits;
use super::error::PictureError;
use super::sniff::PictureKind;
use super::source::Source;

/// What the structure tells.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Where the first EXIF block lies, with or without the prefix that JPEG gives it.
    pub(super) exif: Option<Range<usize>>,
}

/// Walks `source` as `kind`, from the first byte to the end of the picture; what follows is not looked at.
/// The size is within `limits` when this answers Ok.
pub(super) fn walk(
    kind: PictureKind,
    source: &mut impl Source,
    limits: &Limits,
) -> Result<Outline, PictureError> {
    match kind {
        PictureKind::Jpeg => jpeg::walk(source, limits).map(|jpeg| jpeg.outline),
        PictureKind::Png => png::walk(source, limits),
        PictureKind::Webp => webp::walk(source, limits),
    }
}
