//! Turning and mirroring planes.

use super::super::error::PictureError;
use super::pixels::buffer;
use super::planes::Plane;

/// Side of the squares in which a plane is turned, in samples: what two of them touch fits into the first-level cache.
const TILE: usize = 64;
/// Side of the squares that are turned in registers.
const BLOCK: usize = 8;

/// Where a sample of the upright plane comes from: swap the axes, then mirror.
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
}

/// The plane turned and mirrored so that EXIF `orientation` becomes 1.
pub(in super::super) fn turned(plane: Plane, orientation: u8) -> Result<Plane, PictureError> {
    let turn = Turn::of(orientation);
    let mut data = buffer(plane.width * plane.height)?;
    if turn.transpose {
        transpose(&plane, turn, &mut data);
        return Ok(Plane { width: plane.height, height: plane.width, stride: plane.height, data });
    }
    for (y, row) in data.chunks_exact_mut(plane.width).enumerate() {
        row.copy_from_slice(plane.row(if turn.mirror_y { plane.height - 1 - y } else { y }));
        if turn.mirror_x {
            row.reverse();
        }
    }
    Ok(Plane { width: plane.width, height: plane.height, stride: plane.width, data })
}

/// Writes the sample of column `x` and row `y`, after these have been mirrored, to row `x` and column `y`. A mirrored
/// `y` means that rows are read from the last one on, a mirrored `x` that rows are written from the last one on.
fn transpose(plane: &Plane, turn: Turn, into: &mut [u8]) {
    let (width, height) = (plane.width, plane.height);
    let source = |y: usize| if turn.mirror_y { height - 1 - y } else { y };
    let target = |x: usize| if turn.mirror_x { width - 1 - x } else { x };
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            let (bottom, right) = (height.min(top + TILE), width.min(left + TILE));
            for y in (top..bottom).step_by(BLOCK) {
                for x in (left..right).step_by(BLOCK) {
                    let (rows, columns) = (BLOCK.min(bottom - y), BLOCK.min(right - x));
                    let mut block = [0u64; BLOCK];
                    for (i, line) in block.iter_mut().enumerate().take(rows) {
                        *line = load(&plane.row(source(y + i))[x..x + columns]);
                    }
                    for (i, line) in swapped(block).iter().enumerate().take(columns) {
                        let at = target(x + i) * height + y;
                        into[at..at + rows].copy_from_slice(&line.to_le_bytes()[..rows]);
                    }
                }
            }
        }
    }
}

/// Up to eight bytes, the first in the lowest place.
fn load(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    bytes.iter().rev().fold(0, |line, &byte| line << 8 | u64::from(byte))
}

/// Rows for columns of a square of 8 x 8 bytes: halves are exchanged between single bytes, pairs and fours.
fn swapped(mut lines: [u64; BLOCK]) -> [u64; BLOCK] {
    for (step, mask) in
        [(1, 0x00ff_00ff_00ff_00ff_u64), (2, 0x0000_ffff_0000_ffff), (4, 0x0000_0000_ffff_ffff)]
    {
        for first in (0..BLOCK).filter(|line| line & step == 0) {
            let changed = (lines[first] >> (8 * step) ^ lines[first + step]) & mask;
            lines[first + step] ^= changed;
            lines[first] ^= changed << (8 * step);
        }
    }
    lines
}
