//! Decoded pixels: 8 bits, grey or RGB; made smaller, and turned upright.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};

use super::error::PictureError;

/// Side of the squares in which a picture is turned, in pixels: two of them fit into the first-level cache.
const TILE: usize = 32;

/// Rows from top to bottom without padding, `channels` bytes per pixel.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 1 for grey, 3 for RGB.
    pub(super) channels: usize,
    pub(super) data: Vec<u8>,
}

/// An allocation of `len` zeros that answers with an error instead of ending the process.
pub(super) fn buffer(len: usize) -> Result<Vec<u8>, PictureError> {
    let mut data = Vec::new();
    data.try_reserve_exact(len)
        .map_err(|_| PictureError::Damaged { what: "there is not enough memory for this picture" })?;
    data.resize(len, 0);
    Ok(data)
}

/// Lays pixels with alpha (2 or 4 channels) over white, in place, leaving 1 or 3 channels.
pub(super) fn flatten(mut data: Vec<u8>, channels: usize) -> Vec<u8> {
    let colours = channels - 1;
    let pixels = data.len() / channels;
    for i in 0..pixels {
        let alpha = u32::from(data[i * channels + colours]);
        for c in 0..colours {
            let value = u32::from(data[i * channels + c]);
            // Rounded division by 255. What is written never lies ahead of what is still to be read.
            data[i * colours + c] = ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    data.truncate(pixels * colours);
    data
}

/// The size with the longer side at most `side`, in proportion, never enlarged, never 0.
pub(super) fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height));
    if longest <= u64::from(side) {
        return (width, height);
    }
    let scale = |length: u32| {
        let rounded = (u64::from(length) * u64::from(side) + longest / 2) / longest;
        u32::try_from(rounded).unwrap_or(side).max(1)
    };
    (scale(width), scale(height))
}

impl Pixels {
    /// A smaller copy with the longer side at most `side`; `None` where the picture is small enough already.
    pub(super) fn shrink(&self, side: u32) -> Result<Option<Self>, PictureError> {
        let (width, height) = fit(self.width, self.height, side);
        if (width, height) == (self.width, self.height) {
            return Ok(None);
        }
        let failed = |_| PictureError::Damaged { what: "the picture could not be made smaller" };
        let kind = if self.channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
        let from =
            ImageRef::new(self.width, self.height, &self.data, kind).map_err(|e| failed(e.to_string()))?;
        let mut to = Image::new(width, height, kind);
        // The default of this crate is a Lanczos3 convolution, the sharpest of the measured kernels.
        Resizer::new().resize(&from, &mut to, None).map_err(|e| failed(e.to_string()))?;
        Ok(Some(Self { width, height, channels: self.channels, data: to.into_vec() }))
    }

    /// The picture turned and mirrored so that EXIF `orientation` becomes 1.
    pub(super) fn upright(self, orientation: u8) -> Result<Self, PictureError> {
        if orientation <= 1 {
            return Ok(self);
        }
        if self.channels == 1 { self.turned::<1>(orientation) } else { self.turned::<3>(orientation) }
    }

    fn turned<const N: usize>(self, orientation: u8) -> Result<Self, PictureError> {
        let (width, height) = (self.width as usize, self.height as usize);
        let (source, _) = self.data.as_chunks::<N>();
        let turn = Turn::of(orientation);
        let (to_width, to_height) = if turn.transpose { (height, width) } else { (width, height) };
        let mut data = buffer(self.data.len())?;
        let (target, _) = data.as_chunks_mut::<N>();
        for top in (0..to_height).step_by(TILE) {
            for left in (0..to_width).step_by(TILE) {
                for y in top..to_height.min(top + TILE) {
                    for x in left..to_width.min(left + TILE) {
                        target[y * to_width + x] = source[turn.source_index(x, y, width, height)];
                    }
                }
            }
        }
        let (width, height) =
            if turn.transpose { (self.height, self.width) } else { (self.width, self.height) };
        Ok(Self { width, height, channels: N, data })
    }
}

/// Where a pixel of the upright picture comes from: swap the axes, then mirror.
#[derive(Clone, Copy)]
struct Turn {
    transpose: bool,
    mirror_x: bool,
    mirror_y: bool,
}

impl Turn {
    /// EXIF 2.32, 4.6.4, tag 0x0112: which sides the first row and the first column are.
    const fn of(orientation: u8) -> Self {
        let (transpose, mirror_x, mirror_y) = match orientation {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => (false, false, false),
        };
        Self { transpose, mirror_x, mirror_y }
    }

    /// The index in a source of `width` x `height` of the upright pixel (`x`, `y`).
    const fn source_index(self, x: usize, y: usize, width: usize, height: usize) -> usize {
        let (x, y) = if self.transpose { (y, x) } else { (x, y) };
        let x = if self.mirror_x { width - 1 - x } else { x };
        let y = if self.mirror_y { height - 1 - y } else { y };
        y * width + x
    }
}
