//! JPEG: reduced in the transform where the display rendition is much smaller, and left in planes; what the fast
//! decoder refuses is tried by another one, first strictly.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::error::PictureError;
use super::super::raster::{Pixels, Planes, buffer};
use super::super::render::DISPLAY_SIDE;
use super::super::walk::jpeg::{self, Jpeg};
use super::super::{Inspected, Limits};
use super::{Decoded, Raster, Stop, UNDECODABLE, profile_bytes};

/// From this side on, a picture of half or a quarter of the size is shown as it comes out of the transform.
const SNAP_FROM: u32 = 1900;

/// Strict first, because the tolerant mode hands out grey for missing data without a word. What only the
/// tolerant mode can read is shown all the same, for a damaged photo of a hole is better than none.
pub(super) fn decode(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    stop: &Stop,
) -> Result<Decoded, PictureError> {
    let walked = jpeg::walk(&mut { bytes }, limits)?;
    let profile = profile_bytes(bytes, &walked.outline.profile);
    let size = (inspected.width, inspected.height);
    if (walked.outline.width, walked.outline.height) != size {
        return Err(UNDECODABLE);
    }
    let reduction = Reduction::of(size);
    let mut is_faulty = false;
    if walked.is_planar() {
        match planes(bytes, &walked, reduction.divisor, stop) {
            Ok(mut planes) => {
                if reduction.snaps {
                    planes.make_even();
                }
                let snapped = reduction.snaps;
                return Ok(Decoded { raster: Raster::Planes(planes), damaged: false, snapped, profile });
            }
            Err(declined) => is_faulty = declined == Declined::Faulty,
        }
    }
    // At EOI this decoder makes up data that are missing, at the end of input it reports them, where there is one
    // scan. It never looks further ahead than half of these zeros. Of several scans the fast decoder is the judge.
    let end: &[u8] = if walked.sequential { &[0; 16] } else { &[0xff, 0xd9] };
    let bare = walked.bare(bytes, end);
    let attempt = |strict| match stop.is_stopped() {
        true => Err(UNDECODABLE),
        false => decode_bare(&bare, &walked, size, strict),
    };
    let (pixels, damaged) = match attempt(true) {
        Ok(pixels) => (pixels, is_faulty && !walked.sequential),
        Err(_) => (attempt(false)?, true),
    };
    Ok(Decoded { raster: Raster::Pixels(pixels), damaged, snapped: false, profile })
}

/// The planes as the fastest decoder gives them that knows their layout.
fn planes(bytes: &[u8], walked: &Jpeg, divisor: u32, stop: &Stop) -> Result<Planes, Declined> {
    #[cfg(feature = "turbo")]
    match super::turbo::decode(bytes, walked, divisor, stop) {
        Err(Declined::Unknown) => {}
        decided => return decided,
    }
    super::pure::decode(bytes, walked, divisor, stop)
}

/// Why a fast decoder gives no planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declined {
    /// The data have a fault.
    Faulty,
    /// Their layout is one that it does not know.
    Unknown,
}

/// How much smaller a JPEG is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Reduction {
    /// 1, 2 or 4.
    pub(in super::super) divisor: u32,
    /// The reduced picture is the display rendition.
    pub(in super::super) snaps: bool,
}

impl Reduction {
    /// Where half or a quarter of the size is nearly that of the rendition, it is taken as it is; else a reduced size
    /// serves that is at least one and a half times the rendition's, so that a good filter makes the last step.
    pub(in super::super) fn of((width, height): (u32, u32)) -> Self {
        let side = width.max(height);
        let is_wide = width.min(height) >= 16;
        let fits = |divisor: &u32| is_wide && (SNAP_FROM..=DISPLAY_SIDE).contains(&side.div_ceil(*divisor));
        if let Some(divisor) = [2, 4].into_iter().find(fits) {
            return Self { divisor, snaps: true };
        }
        let enough = |divisor: &u32| is_wide && side / divisor * 2 >= DISPLAY_SIDE * 3;
        Self { divisor: [4, 2].into_iter().find(enough).unwrap_or(1), snaps: false }
    }
}

/// Planes as a decoder gives them, if they are of the size that was asked for.
pub(super) fn checked(planes: Planes, walked: &Jpeg, divisor: u32) -> Option<Planes> {
    let wanted = [walked.outline.width, walked.outline.height].map(|side| side.div_ceil(divisor) as usize);
    (planes.size() == (wanted[0], wanted[1])).then_some(planes)
}

fn decode_bare(
    bare: &[u8],
    walked: &Jpeg,
    (width, height): (u32, u32),
    strict: bool,
) -> Result<Pixels, PictureError> {
    // The decoder takes all CMYK for Adobe's inverted one, so the other kind is converted here.
    let (space, stored) = match walked.frame.components {
        1 => (ColorSpace::Luma, 1),
        4 if walked.adobe.is_none() => (ColorSpace::CMYK, 4),
        _ => (ColorSpace::RGB, 3),
    };
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .jpeg_set_out_colorspace(space);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bare), options);
    decoder.decode_headers().map_err(|_| UNDECODABLE)?;
    let len = width as usize * height as usize * stored;
    if decoder.output_buffer_size() != Some(len) {
        return Err(UNDECODABLE);
    }
    let mut data = buffer(len)?;
    decoder.decode_into(&mut data).map_err(|_| UNDECODABLE)?;
    if stored == 4 {
        data = cmyk_to_rgb(data);
    }
    Ok(Pixels { width, height, channels: stored.min(3), data })
}

/// Ink to light, in place: each colour is what its own ink and black leave of white.
fn cmyk_to_rgb(mut data: Vec<u8>) -> Vec<u8> {
    let pixels = data.len() / 4;
    for i in 0..pixels {
        let left = 255 - u32::from(data[i * 4 + 3]);
        for c in 0..3 {
            let light = 255 - u32::from(data[i * 4 + c]);
            data[i * 3 + c] = ((light * left + 127) / 255) as u8;
        }
    }
    data.truncate(pixels * 3);
    data
}
