//! The projection of web maps.

use std::f64::consts::PI;

/// Units on a side of a tile.
pub(super) const EXTENT: f64 = 4096.0;

/// The box of a tile in degrees: west, south, east, north.
pub(super) fn bounds(z: u8, x: u32, y: u32) -> (f64, f64, f64, f64) {
    let tiles = f64::from(1_u32 << z.min(30));
    let lon = |column: f64| column / tiles * 360.0 - 180.0;
    let lat = |row: f64| (PI * (1.0 - 2.0 * row / tiles)).sinh().atan().to_degrees();
    let (column, row) = (f64::from(x), f64::from(y));
    (lon(column), lat(row + 1.0), lon(column + 1.0), lat(row))
}

/// A point in the units of a tile, to the right and downwards from its upper left corner.
pub(super) fn project(z: u8, x: u32, y: u32, (lon, lat): (f64, f64)) -> (f64, f64) {
    let tiles = f64::from(1_u32 << z.min(30));
    let sine = lat.to_radians().sin().clamp(-0.999_999, 0.999_999);
    let column = (lon + 180.0) / 360.0 * tiles;
    let row = (0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * PI)) * tiles;
    ((column - f64::from(x)) * EXTENT, (row - f64::from(y)) * EXTENT)
}

/// What of a ring lies in a square from `low` to `high` on both axes; the ring is not closed by its first point.
pub(super) fn clip(ring: Vec<(f64, f64)>, low: f64, high: f64) -> Vec<(f64, f64)> {
    let edges: [(usize, f64, bool); 4] = [(0, low, true), (0, high, false), (1, low, true), (1, high, false)];
    edges.into_iter().fold(ring, |ring, (axis, bound, above)| clip_edge(&ring, axis, bound, above))
}

fn clip_edge(ring: &[(f64, f64)], axis: usize, bound: f64, above: bool) -> Vec<(f64, f64)> {
    let value = |point: &(f64, f64)| if axis == 0 { point.0 } else { point.1 };
    let is_in = |point: &(f64, f64)| if above { value(point) >= bound } else { value(point) <= bound };
    let mut kept = Vec::with_capacity(ring.len() + 4);
    let Some(mut before) = ring.last().copied() else { return kept };
    for point in ring {
        if is_in(point) != is_in(&before) {
            let part = (bound - value(&before)) / (value(point) - value(&before));
            kept.push((before.0 + part * (point.0 - before.0), before.1 + part * (point.1 - before.1)));
        }
        if is_in(point) {
            kept.push(*point);
        }
        before = *point;
    }
    kept
}

/// A ring in whole units, without points that fall together, in the direction of the standard: outer rings have a
/// positive area where the second axis points downwards, holes a negative one. None where nothing is left of it.
pub(super) fn whole(ring: &[(f64, f64)], outer: bool) -> Option<Vec<(i32, i32)>> {
    let mut points: Vec<(i32, i32)> =
        ring.iter().map(|(x, y)| (x.round() as i32, y.round() as i32)).collect();
    points.dedup();
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let twice: i64 = (0..points.len())
        .filter_map(|at| {
            let (a, b) = (points.get(at)?, points.get((at + 1) % points.len())?);
            Some(i64::from(a.0) * i64::from(b.1) - i64::from(b.0) * i64::from(a.1))
        })
        .sum();
    if points.len() < 3 || twice == 0 {
        return None;
    }
    if (twice > 0) != outer {
        points.reverse();
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_and_its_corners_agree() {
        let (west, south, east, north) = bounds(14, 13_567, 7_031);
        let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 1e-3 && (a.1 - b.1).abs() < 1e-3;
        assert!(near(project(14, 13_567, 7_031, (west, north)), (0.0, 0.0)));
        assert!(near(project(14, 13_567, 7_031, (east, south)), (EXTENT, EXTENT)));
        let world = bounds(0, 0, 0);
        assert!((world.3 - 85.051_128_78).abs() < 1e-6 && (world.1 + 85.051_128_78).abs() < 1e-6);
    }

    #[test]
    fn a_ring_is_cut_at_the_border_and_turned_as_the_standard_wants() {
        let ring = vec![(-10.0, -10.0), (-10.0, 20.0), (20.0, 20.0), (20.0, -10.0)];
        let cut = clip(ring, 0.0, 10.0);
        let outer = whole(&cut, true).unwrap();
        assert_eq!(outer.len(), 4);
        assert!(
            [(0, 0), (10, 0), (10, 10), (0, 10)].iter().all(|corner| outer.contains(corner)),
            "{outer:?}"
        );
        let mut turned = whole(&cut, false).unwrap();
        turned.reverse();
        assert_eq!(turned, outer);
        assert_eq!(whole(&clip(vec![(20.0, 20.0), (30.0, 20.0), (30.0, 30.0)], 0.0, 10.0), true), None);
        assert_eq!(whole(&[(0.0, 0.0), (0.2, 0.0), (0.2, 0.2)], true), None);
    }
}
