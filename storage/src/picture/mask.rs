//! Areas made unreadable: each becomes one flat colour, the mean of what was there, so that nothing else is left of it.

use suishoupai_core::flow::masking::Area;

/// Fills the areas of a picture of rows without padding, `channels` bytes a pixel. What is outside stays as it is.
///
/// It works on pixels before they are encoded: a codec that saw the hidden part would smear some of it into the
/// blocks around.
pub(super) fn blot(data: &mut [u8], (width, height): (u32, u32), channels: usize, areas: &[Area]) {
    for area in areas {
        let (left, right, top, bottom) = area.pixels(width, height);
        let (from, to) = (left as usize * channels, right as usize * channels);
        let stride = width as usize * channels;
        let rows = || (top as usize..bottom as usize).map(|y| y * stride + from..y * stride + to);
        let colour = mean(rows().filter_map(|row| data.get(row)), channels);
        for row in rows() {
            let Some(row) = data.get_mut(row) else { continue };
            for pixel in row.chunks_exact_mut(channels) {
                pixel.copy_from_slice(&colour[..channels]);
            }
        }
    }
}

/// The mean of each channel, rounded down to a multiple of 8: a hidden letter more or less does not show.
fn mean<'a>(rows: impl Iterator<Item = &'a [u8]>, channels: usize) -> [u8; 4] {
    let mut sums = [0u64; 4];
    let mut pixels = 0;
    for row in rows {
        for pixel in row.chunks_exact(channels) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
            pixels += 1;
        }
    }
    // A mean of bytes is a byte.
    sums.map(|sum| (sum / pixels.max(1)) as u8 & !7)
}
