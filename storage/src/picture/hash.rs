//! What near pictures are found by: a perceptual hash, which stays nearly the same when a picture is encoded again,
//! made smaller, or brightened.

use std::f64::consts::PI;

use super::Luma;

/// The picture is made so many squares wide and high.
const SIDE: usize = 32;
/// So many frequencies are looked at in either direction.
const LOW: usize = 8;
/// A frequency of this strength or less is noise of the encoder.
const NOISE: f64 = 3.0;
/// So many frequencies must stand out from the noise, or the hash would say nothing of the picture: walls, nights,
/// lids over the lens would all be near each other.
const ENOUGH: usize = 24;

/// The perceptual hash: the brightness in 32 by 32 squares, its 8 by 8 lowest frequencies (discrete cosine transform),
/// of each whether it lies above their median. Two pictures are near when their hashes differ in few bits, see
/// `suishoupai_core::likeness::NEAR`. `None` for a picture with too little in it to be known again.
pub fn perceptual_hash(luma: &Luma) -> Option<u64> {
    let squares = squares(luma)?;
    let frequencies = lowest(&squares);
    let mut sorted = frequencies;
    sorted.sort_unstable_by(f64::total_cmp);
    let median = f64::midpoint(sorted[LOW * LOW / 2 - 1], sorted[LOW * LOW / 2]);
    if frequencies.iter().filter(|strength| (*strength - median).abs() > NOISE).count() < ENOUGH {
        return None;
    }
    Some(frequencies.iter().fold(0, |hash, strength| hash << 1 | u64::from(*strength > median)))
}

/// The mean brightness of each square; squares may begin and end within a pixel. `None` for a picture of no size.
fn squares(luma: &Luma) -> Option<[[f64; SIDE]; SIDE]> {
    let (width, height) = (luma.width as usize, luma.height as usize);
    if width == 0 || height == 0 || luma.data.len() < width * height {
        return None;
    }
    let rows: Vec<[f64; SIDE]> = luma
        .data
        .chunks_exact(width)
        .take(height)
        .map(|row| means(row.iter().copied().map(f64::from)))
        .collect();
    let mut squares = [[0.0; SIDE]; SIDE];
    for column in 0..SIDE {
        let mean = means(rows.iter().map(|row| row[column]));
        for (line, mean) in squares.iter_mut().zip(mean) {
            line[column] = mean;
        }
    }
    Some(squares)
}

/// The means of a line in `SIDE` equal parts.
fn means(line: impl ExactSizeIterator<Item = f64>) -> [f64; SIDE] {
    let part = line.len() as f64 / SIDE as f64;
    // Sums from the beginning of the line to each pixel; between pixels they grow evenly.
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(line.scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        }))
        .collect();
    let upto = |index: usize| {
        let at = index as f64 * part;
        let whole = (at as usize).min(sums.len() - 1);
        let next = (whole + 1).min(sums.len() - 1);
        (at - whole as f64).mul_add(sums[next] - sums[whole], sums[whole])
    };
    std::array::from_fn(|index| (upto(index + 1) - upto(index)) / part)
}

/// The lowest frequencies, rows first: the orthonormal DCT-II.
fn lowest(squares: &[[f64; SIDE]; SIDE]) -> [f64; LOW * LOW] {
    let waves: [[f64; SIDE]; LOW] = std::array::from_fn(|frequency| {
        let scale = if frequency == 0 { 1.0 } else { 2.0_f64 } / SIDE as f64;
        std::array::from_fn(|at| {
            scale.sqrt() * (PI * (2 * at + 1) as f64 * frequency as f64 / (2 * SIDE) as f64).cos()
        })
    });
    let along =
        |wave: &[f64; SIDE], line: &[f64; SIDE]| wave.iter().zip(line).map(|(a, b)| a * b).sum::<f64>();
    let lines: [[f64; SIDE]; LOW] =
        std::array::from_fn(|across| std::array::from_fn(|row| along(&waves[across], &squares[row])));
    std::array::from_fn(|index| along(&waves[index / LOW], &lines[index % LOW]))
}
