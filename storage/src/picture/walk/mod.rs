//! Bounded walks over the structure of the formats: sizes, limits, the end, and where EXIF lies.

#[cfg(feature = "heic")]
pub(super) mod heic;
pub(super) mod jpeg;
pub(super) mod png;
pub(super) mod webp;

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
    /// Where the colour profile lies.
    pub(super) profile: Profile,
    /// Bytes that decoding takes at most at one time, besides those of the file.
    pub(super) memory: u64,
}

/// Where a colour profile lies in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// Its parts, in the order in which they stand.
    pub(super) parts: Vec<Range<usize>>,
    /// It is packed by DEFLATE, as in a PNG.
    pub(super) is_packed: bool,
    /// There is more of it than is read.
    pub(super) is_too_big: bool,
}

impl Profile {
    /// Profiles of cameras have 500 bytes to a few KiB, scanners' with tables up to some hundred KiB.
    pub(super) const MAX_BYTES: usize = 256 << 10;
    const MAX_PARTS: usize = 16;

    fn add(&mut self, part: Range<usize>) {
        let bytes = self.parts.iter().map(Range::len).sum::<usize>() + part.len();
        if self.parts.len() < Self::MAX_PARTS && bytes <= Self::MAX_BYTES {
            self.parts.push(part);
        } else {
            self.is_too_big = true;
        }
    }
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
        PictureKind::Webp => webp::walk(source, limits).map(|webp| webp.outline),
        #[cfg(feature = "heic")]
        PictureKind::Heic => heic::walk(source, limits).map(|(outline, _)| outline),
    }
}
