//! From bytes to samples. Every decoder sees only what the walk has measured, and answers in its own error type;
//! here they all become a [`PictureError`].

mod bare;
#[cfg(feature = "heic")]
mod heic;
mod jpeg;
mod png;
mod pure;
#[cfg(feature = "turbo")]
mod turbo;
mod webp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(test)]
pub(super) use self::jpeg::Reduction;
#[cfg(test)]
pub(super) use self::png::reader as png_reader;
use super::error::PictureError;
use super::raster::{Pixels, Planes};
use super::sniff::PictureKind;
use super::walk::Profile;
use super::{Inspected, Limits};

const UNDECODABLE: PictureError = PictureError::Damaged { what: "its image data cannot be decoded" };

/// Tells a rendering to end because nobody waits for it any more. Clones share it.
///
/// Decoders that read their bytes through this project's own code stop within some KiB of input; the others are
/// not started any more. The limits bound what is left.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on, stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has been told to.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Samples as a decoder gives them.
#[derive(Debug)]
pub(super) enum Raster {
    /// Brightness and colour differences in planes of their own, as JPEG and WebP store them.
    Planes(Planes),
    /// Grey or RGB.
    Pixels(Pixels),
}

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Decoded {
    /// As stored: not turned yet.
    pub(super) raster: Raster,
    /// It is what a broken file left.
    pub(super) damaged: bool,
    /// It was decoded at half the size, which is that of the display rendition.
    pub(super) snapped: bool,
    /// The colour profile, as its bytes.
    pub(super) profile: Option<Vec<u8>>,
}

impl Decoded {
    fn whole(pixels: Pixels, profile: Option<Vec<u8>>) -> Self {
        Self { raster: Raster::Pixels(pixels), damaged: false, snapped: false, profile }
    }
}

/// The samples as stored, full or reduced as far as the display rendition allows.
pub(super) fn decode(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    stop: &Stop,
) -> Result<Decoded, PictureError> {
    limits.check_size(inspected.width, inspected.height)?;
    match inspected.kind {
        PictureKind::Jpeg => jpeg::decode(bytes, inspected, limits, stop),
        PictureKind::Png => png::decode(bytes, inspected, limits, stop),
        PictureKind::Webp => webp::decode(bytes, inspected, limits, stop),
        #[cfg(feature = "heic")]
        PictureKind::Heic => heic::decode(bytes, inspected, limits),
    }
}

/// The bytes of a profile that is not packed.
fn profile_bytes(bytes: &[u8], profile: &Profile) -> Option<Vec<u8>> {
    let read = !profile.is_too_big && !profile.parts.is_empty();
    read.then(|| profile.parts.iter().filter_map(|part| bytes.get(part.clone())).collect::<Vec<_>>().concat())
}
