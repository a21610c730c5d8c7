//! Brightness and colour differences in planes of their own, as JPEG and WebP store them: half the samples of RGB.

use super::super::error::PictureError;
use super::super::render::Luma;
use super::resize::{Shrinker, fit};
use super::turn::turned;

/// One plane. Rows begin `stride` bytes after each other; of each, `width` bytes are samples.
#[derive(Debug)]
pub(in super::super) struct Plane {
    pub(in super::super) width: usize,
    pub(in super::super) height: usize,
    pub(in super::super) stride: usize,
    pub(in super::super) data: Vec<u8>,
}

impl Plane {
    /// Row `y`.
    pub(in super::super) fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.stride..y * self.stride + self.width]
    }

    fn is_whole(&self) -> bool {
        let last = self.height.checked_sub(1).and_then(|rows| rows.checked_mul(self.stride));
        let end = last.and_then(|last| last.checked_add(self.width));
        self.width > 0 && self.width <= self.stride && end.is_some_and(|end| end <= self.data.len())
    }

    /// Moves the rows together.
    fn pack(&mut self) {
        if self.stride != self.width {
            for y in 1..self.height {
                self.data.copy_within(y * self.stride..y * self.stride + self.width, y * self.width);
            }
            self.stride = self.width;
        }
        self.data.truncate(self.width * self.height);
    }

    fn shrunk(
        &mut self,
        covered: (f64, f64),
        (width, height): (usize, usize),
        shrinker: &mut Shrinker,
    ) -> Result<Self, PictureError> {
        self.pack();
        // A last sample that the picture covers in part is needed whole by some decoders' rounding.
        let covered = (covered.0.min(self.width as f64), covered.1.min(self.height as f64));
        let size = (self.width as u32, self.height as u32);
        let data = shrinker.shrink(&self.data, size, 1, covered, (width as u32, height as u32))?;
        Ok(Self { width, height, stride: width, data })
    }

    fn spread(&mut self, table: &[u8; 256]) {
        self.data.iter_mut().for_each(|sample| *sample = table[usize::from(*sample)]);
    }
}

/// A picture in planes, in full levels (ITU-T T.871) unless `video_levels` says otherwise.
#[derive(Debug)]
pub(in super::super) struct Planes {
    pub(in super::super) luma: Plane,
    /// Blue and red differences, of one size; none in a grey picture.
    pub(in super::super) chroma: Option<[Plane; 2]>,
    /// How many samples of brightness there are for one of colour, across and down.
    ratio: (usize, usize),
    video_levels: bool,
}

impl Planes {
    /// Planes, if there is in them what their sizes say.
    pub(in super::super) fn new(
        luma: Plane,
        chroma: Option<[Plane; 2]>,
        ratio: (usize, usize),
    ) -> Option<Self> {
        let wanted = (luma.width.div_ceil(ratio.0.max(1)), luma.height.div_ceil(ratio.1.max(1)));
        let fits = |plane: &Plane| plane.is_whole() && (plane.width, plane.height) == wanted;
        let fits = luma.is_whole() && chroma.iter().flatten().all(fits);
        fits.then_some(Self { luma, chroma, ratio, video_levels: false })
    }

    /// Its brightness reaches from 16 to 235 and its colours from 16 to 240.
    pub(in super::super) fn with_video_levels(self) -> Self {
        Self { video_levels: true, ..self }
    }

    /// How many samples of brightness there are for one of colour, across and down; neither is 0.
    pub(in super::super) fn ratio(&self) -> (usize, usize) {
        (self.ratio.0.max(1), self.ratio.1.max(1))
    }

    /// Width and height in pixels.
    pub(in super::super) fn size(&self) -> (usize, usize) {
        (self.luma.width, self.luma.height)
    }

    /// Drops a last row and column that have no partner.
    pub(in super::super) fn make_even(&mut self) {
        let (width, height) = (self.luma.width & !1, self.luma.height & !1);
        (self.luma.width, self.luma.height) = (width, height);
        for plane in self.chroma.iter_mut().flatten() {
            (plane.width, plane.height) = (width.div_ceil(self.ratio.0), height.div_ceil(self.ratio.1));
        }
    }

    /// The picture with its longer side at most `side`, in full levels, and with a quarter as many samples for each
    /// colour as for brightness, as JPEG mostly has it.
    pub(in super::super) fn shrunk(
        mut self,
        side: u32,
        shrinker: &mut Shrinker,
    ) -> Result<Self, PictureError> {
        let mut small = self.reduced(side, shrinker)?.unwrap_or(self);
        if small.video_levels {
            small.luma.spread(&levels(16, 219, 0));
            for plane in small.chroma.iter_mut().flatten() {
                plane.spread(&levels(128, 224, 128));
            }
            small.video_levels = false;
        }
        Ok(small)
    }

    /// The picture with its longer side at most `side`; `None` where it is so already.
    pub(in super::super) fn reduced(
        &mut self,
        side: u32,
        shrinker: &mut Shrinker,
    ) -> Result<Option<Self>, PictureError> {
        let (width, height) = fit(self.luma.width as u32, self.luma.height as u32, side);
        let (width, height) = (width as usize, height as usize);
        let keeps_size = (width, height) == self.size();
        if keeps_size && (self.chroma.is_none() || self.ratio == (2, 2)) {
            return Ok(None);
        }
        let covered = (self.luma.width as f64, self.luma.height as f64);
        let chroma_covered = (covered.0 / self.ratio.0 as f64, covered.1 / self.ratio.1 as f64);
        let size = (width.div_ceil(2), height.div_ceil(2));
        let chroma = match &mut self.chroma {
            Some([blue, red]) => Some([
                blue.shrunk(chroma_covered, size, shrinker)?,
                red.shrunk(chroma_covered, size, shrinker)?,
            ]),
            None => None,
        };
        // A picture that keeps its size is consumed by its caller, so its brightness is taken, not copied.
        let luma = match keeps_size {
            true => {
                std::mem::replace(&mut self.luma, Plane { width: 0, height: 0, stride: 0, data: Vec::new() })
            }
            false => self.luma.shrunk(covered, (width, height), shrinker)?,
        };
        Ok(Some(Self { luma, chroma, ratio: (2, 2), video_levels: self.video_levels }))
    }

    /// The picture turned and mirrored so that EXIF `orientation` becomes 1.
    pub(in super::super) fn upright(self, orientation: u8) -> Result<Self, PictureError> {
        if orientation <= 1 {
            return Ok(self);
        }
        let chroma = match self.chroma {
            Some([blue, red]) => Some([turned(blue, orientation)?, turned(red, orientation)?]),
            None => None,
        };
        let ratio = if orientation >= 5 { (self.ratio.1, self.ratio.0) } else { self.ratio };
        Ok(Self { luma: turned(self.luma, orientation)?, chroma, ratio, ..self })
    }

    /// The brightness, in rows without padding.
    pub(in super::super) fn brightness(&self) -> Luma {
        let data = (0..self.luma.height).flat_map(|y| self.luma.row(y)).copied().collect();
        Luma { width: self.luma.width as u32, height: self.luma.height as u32, data }
    }
}

/// Maps `from` to `to`, and a span of `span` steps to 255.
fn levels(from: i32, span: i32, to: i32) -> [u8; 256] {
    std::array::from_fn(|value| {
        let scaled = (value as i32 - from) * 510 / span;
        (to + (scaled + scaled.signum()) / 2).clamp(0, 255) as u8
    })
}
