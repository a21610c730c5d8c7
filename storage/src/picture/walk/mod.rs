//! Bounded walks over the structure of the three formats: sizes, limits, the end, and where EXIF lies.

pub(super) mod jpeg;
mod png;
mod webp;

use super::Limits;
use super::error::PictureError;
use super::sniff::PictureKind;

/// What the structure tells.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The TIFF structure of the first EXIF block, without any container prefix.
    pub(super) exif: Option<&'a [u8]>,
}

/// Walks `bytes` as `kind`, from the first byte to the end of the picture; what follows is not looked at.
/// The size is within `limits` when this answers Ok.
pub(super) fn walk<'a>(
    kind: PictureKind,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Outline<'a>, PictureError> {
    match kind {
        PictureKind::Jpeg => jpeg::walk(bytes, limits).map(|jpeg| jpeg.outline),
        PictureKind::Png => png::walk(bytes, limits),
        PictureKind::Webp => webp::walk(bytes, limits),
    }
}

/// `N` bytes at `at`, or `Truncated`.
fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], PictureError> {
    at.checked_add(N)
        .and_then(|end| bytes.get(at..end))
        .and_then(|slice| slice.try_into().ok())
        .ok_or(PictureError::Truncated)
}

/// `len` bytes at `at`, or `Truncated`.
fn slice(bytes: &[u8], at: usize, len: usize) -> Result<&[u8], PictureError> {
    at.checked_add(len).and_then(|end| bytes.get(at..end)).ok_or(PictureError::Truncated)
}

/// Some writers put the JPEG prefix of EXIF into the other containers too.
fn without_prefix(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)
}
