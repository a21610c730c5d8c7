//! The boxes of a HEIC (ISO/IEC 23008-12), read by the library that decodes it.

use std::panic::catch_unwind;

use heifer_isobmff::HeifFile;
use heifer_isobmff::boxes::Property;

use super::super::Limits;
use super::super::error::PictureError;
use super::super::metadata::{self, Claims};
use super::super::source::Source;
use super::{Outline, Profile};

const BROKEN: PictureError = PictureError::Damaged { what: "its container cannot be read" };

/// The outline of the primary picture, upright, and what its EXIF claims. The whole file is in memory meanwhile.
pub(in super::super) fn walk(
    source: &mut impl Source,
    limits: &Limits,
) -> Result<(Outline, Claims), PictureError> {
    let bytes = source.read(0, source.length()).ok_or(PictureError::Truncated)?;
    let read = catch_unwind(|| size_and_claims(&bytes, limits)).unwrap_or(Err(BROKEN));
    let ((width, height), claims) = read?;
    limits.check_size(width, height)?;
    let pixels = u64::from(width) * u64::from(height);
    // Frames, tiles, RGBA, and RGBA turned.
    let memory = 14 * pixels + (16 << 20);
    Ok((Outline { width, height, exif: None, profile: Profile::default(), memory }, claims))
}

fn size_and_claims(bytes: &[u8], limits: &Limits) -> Result<((u32, u32), Claims), PictureError> {
    let file = HeifFile::parse(bytes).map_err(|_| BROKEN)?;
    let item = file.primary_id;
    let (mut width, mut height) = file.image_size(item).ok().flatten().ok_or(BROKEN)?;
    for property in file.item_properties(item).map_err(|_| BROKEN)? {
        match property {
            Property::CleanAperture { width: across, height: down, .. } => {
                (width, height) = (width.min(rounded(*across)), height.min(rounded(*down)));
            }
            Property::Rotation(quarters) if quarters % 2 == 1 => (width, height) = (height, width),
            _ => {}
        }
    }
    let exif = file.exif(item).ok().flatten().filter(|exif| exif.len() <= limits.exif_bytes);
    // What turns the picture stands in its container; cameras repeat it in EXIF.
    let claims = exif.as_deref().map(metadata::read).unwrap_or_default();
    Ok(((width, height), Claims { orientation: 1, ..claims }))
}

/// A side of a clean aperture, which is a fraction.
fn rounded((numerator, denominator): (u32, u32)) -> u32 {
    (f64::from(numerator) / f64::from(denominator.max(1))).round() as u32
}
