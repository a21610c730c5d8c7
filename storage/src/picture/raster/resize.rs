//! Making smaller, with the sharpest of the measured kernels.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};

use super::super::error::PictureError;

const FAILED: PictureError = PictureError::Damaged { what: "the picture could not be made smaller" };

/// The size with the longer side at most `side`, in proportion, never enlarged, never 0. Sides that change become
/// even, so that the planes of colour cover exactly what that of brightness does.
pub(in super::super) fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height));
    if longest <= u64::from(side) {
        return (width, height);
    }
    let scale = |length: u32| {
        let pairs = (u64::from(length) * u64::from(side) + longest) / (2 * longest);
        u32::try_from(2 * pairs).unwrap_or(side).max(1)
    };
    (scale(width), scale(height))
}

/// A resizer that keeps its tables and buffers from one picture to the next.
#[derive(Default)]
pub(in super::super) struct Shrinker {
    resizer: Resizer,
}

impl Shrinker {
    /// Lanczos3 of the part at the top left that is `covered` wide and high, from rows without padding.
    pub(super) fn shrink(
        &mut self,
        data: &[u8],
        (width, height): (u32, u32),
        channels: usize,
        covered: (f64, f64),
        (to_width, to_height): (u32, u32),
    ) -> Result<Vec<u8>, PictureError> {
        let kind = if channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
        let from = ImageRef::new(width, height, data, kind).map_err(|_| FAILED)?;
        let mut to = Image::new(to_width, to_height, kind);
        // The default of this crate is a Lanczos3 convolution.
        let options = ResizeOptions::new().crop(0.0, 0.0, covered.0, covered.1);
        self.resizer.resize(&from, &mut to, Some(&options)).map_err(|_| FAILED)?;
        Ok(to.into_vec())
    }
}
