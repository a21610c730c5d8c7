//! Areas made unreadable: each becomes one flat colour, the mean of what was there, so that nothing else is left of it.

use suishoupai_core::flow::masking::Area;

use super::raster::{Plane, Planes};

/// Fills the areas of an upright picture, in its brightness and in its colours. What is outside stays as it is.
///
/// It works on samples before they are encoded: a codec that saw the hidden part would smear some of it into the
/// blocks around.
pub(super) fn blot(planes: &mut Planes, areas: &[Area]) {
    let (width, height) = (planes.luma.width as u32, planes.luma.height as u32);
    let (across, down) = planes.ratio();
    for area in areas {
        let (left, right, top, bottom) = area.pixels(width, height);
        let (left, right, top, bottom) = (left as usize, right as usize, top as usize, bottom as usize);
        fill(&mut planes.luma, left..right, top..bottom);
        // In a mirrored picture of odd sides a sample of colour begins one pixel earlier, hence one more at the end.
        for plane in planes.chroma.iter_mut().flatten() {
            fill(plane, left / across..right / across + 1, top / down..bottom / down + 1);
        }
    }
}

/// Gives a rectangle of the plane, or what of it lies within, the mean of its samples.
fn fill(plane: &mut Plane, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) {
    let (from, to) = (columns.start.min(plane.width), columns.end.min(plane.width));
    let rows = rows.start.min(plane.height)..rows.end.min(plane.height);
    let lines = rows.map(|y| y * plane.stride + from..y * plane.stride + to);
    let mean = mean(lines.clone().filter_map(|line| plane.data.get(line)));
    for line in lines {
        if let Some(line) = plane.data.get_mut(line) {
            line.fill(mean);
        }
    }
}

/// The mean of all samples, rounded down to a multiple of 8: a hidden letter more or less does not show.
fn mean<'a>(lines: impl Iterator<Item = &'a [u8]>) -> u8 {
    let (mut sum, mut samples) = (0u64, 0u64);
    for line in lines {
        sum += line.iter().map(|&sample| u64::from(sample)).sum::<u64>();
        samples += line.len() as u64;
    }
    // A mean of bytes is a byte.
    (sum / samples.max(1)) as u8 & !7
}
