//! Decoded pixels: 8 bits, grey or RGB.

use super::super::error::PictureError;
use super::resize::{Shrinker, fit};

/// Rows from top to bottom without padding, `channels` bytes per pixel.
#[derive(Debug)]
pub(in super::super) struct Pixels {
    pub(in super::super) width: u32,
    pub(in super::super) height: u32,
    /// 1 for grey, 3 for RGB.
    pub(in super::super) channels: usize,
    pub(in super::super) data: Vec<u8>,
}

/// An allocation of `len` zeros that answers with an error instead of ending the process.
pub(in super::super) fn buffer(len: usize) -> Result<Vec<u8>, PictureError> {
    let mut data = Vec::new();
    data.try_reserve_exact(len)
        .map_err(|_| PictureError::Damaged { what: "there is not enough memory for this picture" })?;
    data.resize(len, 0);
    Ok(data)
}

/// Pixels of 1 to 4 channels, those with alpha laid over white.
pub(in super::super) fn opaque(width: u32, height: u32, channels: usize, data: Vec<u8>) -> Pixels {
    match channels {
        2 | 4 => Pixels { width, height, channels: channels - 1, data: flatten(data, channels) },
        _ => Pixels { width, height, channels, data },
    }
}

/// Lays pixels with alpha (2 or 4 channels) over white, in place, leaving 1 or 3 channels.
fn flatten(mut data: Vec<u8>, channels: usize) -> Vec<u8> {
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

impl Pixels {
    /// The picture with its longer side at most `side`.
    pub(in super::super) fn shrunk(self, side: u32, shrinker: &mut Shrinker) -> Result<Self, PictureError> {
        let (width, height) = fit(self.width, self.height, side);
        if (width, height) == (self.width, self.height) {
            return Ok(self);
        }
        let covered = (f64::from(self.width), f64::from(self.height));
        let size = (self.width, self.height);
        let data = shrinker.shrink(&self.data, size, self.channels, covered, (width, height))?;
        Ok(Self { width, height, channels: self.channels, data })
    }
}
