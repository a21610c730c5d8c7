//! Which grid cell a point belongs to.

use geo::MultiPolygon;

use super::coordinate::{LonLat, METRES_PER_DEGREE};
use super::packed::PackedTree;
use super::shape::{Place, Shape, border_distance_m, place};
use crate::model::UnitId;

/// How far outside every cell a point may lie and still be given to the nearest one, metres. A phone between
/// high houses is easily a hundred metres off, and piers and new land lie outside most meshes.
pub const REACH_M: f64 = 200.0;

/// Distances that differ by less than this, metres, are rounding of one and the same distance.
const TIE_M: f64 = 1e-6;

/// Half the earth's circumference, metres: no reach needs more.
const HALF_ROUND_M: f64 = 180.0 * METRES_PER_DEGREE;

/// The area of a grid unit.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshCell {
    /// 14 or 15 digits.
    pub code: String,
    /// The grid unit.
    pub unit: UnitId,
    /// The cell's land in WGS-84 degrees, (x, y) = (lon, lat).
    pub area: MultiPolygon<f64>,
}

/// Where a point lies in a mesh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Located<'a> {
    /// In this cell or on its border.
    Inside(&'a MeshCell),
    /// In no cell, but within reach of this one.
    Near {
        /// The nearest cell.
        cell: &'a MeshCell,
        /// To its border, metres.
        distance_m: f64,
    },
    /// In no cell and out of reach.
    Outside {
        /// Metres to the nearest cell's border; none if the mesh is empty or the point is not finite. Far away
        /// (beyond some 100 km) it is only an estimate.
        nearest_m: Option<f64>,
    },
}

impl<'a> Located<'a> {
    /// The cell that the point is given to.
    pub fn cell(&self) -> Option<&'a MeshCell> {
        match *self {
            Located::Inside(cell) | Located::Near { cell, .. } => Some(cell),
            Located::Outside { .. } => None,
        }
    }
}

/// The cells of a district, ready for locating. It does not wrap round the antimeridian.
#[derive(Debug)]
pub struct Mesh {
    /// Sorted by code, so that the smaller index is the smaller code.
    cells: Vec<MeshCell>,
    /// The points of all cells in that order, in one array: a cell at hand takes three or four cache lines.
    points: Vec<[f64; 2]>,
    /// Where each cell's points end.
    ends: Vec<usize>,
    tree: PackedTree,
}

impl Mesh {
    /// A mesh of any cells. Broken areas are taken as far as they go; see [`super::check_mesh`].
    pub fn build(mut cells: Vec<MeshCell>) -> Self {
        cells.sort_by(|a, b| a.code.cmp(&b.code).then(a.unit.cmp(&b.unit)));
        let (mut points, mut ends, mut boxes) = (Vec::new(), Vec::new(), Vec::new());
        for (index, cell) in cells.iter().enumerate() {
            let shape = Shape::of(&cell.area);
            points.extend_from_slice(shape.points());
            ends.push(points.len());
            boxes.extend(shape.bounds().map(|bounds| (bounds, index)));
        }
        Self { cells, points, ends, tree: PackedTree::new(boxes) }
    }

    /// The cells, ordered by code.
    pub fn cells(&self) -> &[MeshCell] {
        &self.cells
    }

    /// The cell of a point.
    ///
    /// A point on a border belongs to the touching cell with the smallest code. A point in no cell goes to the
    /// nearest one within `reach_m` metres (negative and not-a-number count as 0), the smallest code among
    /// equals. The order in which the mesh was built makes no difference.
    pub fn locate(&self, p: LonLat, reach_m: f64) -> Located<'_> {
        if !p.lon.is_finite() || !p.lat.is_finite() {
            return Located::Outside { nearest_m: None };
        }
        if let Some(index) = self.covering(p) {
            return Located::Inside(&self.cells[index]);
        }
        let reach_m = if reach_m.is_nan() { 0.0 } else { reach_m.clamp(0.0, HALF_ROUND_M) };
        // Widening rings find the nearest cell at any distance without measuring every cell.
        let mut radius_m = reach_m.max(REACH_M);
        loop {
            match self.nearest(p, radius_m) {
                Some((index, distance_m)) if distance_m <= reach_m => {
                    return Located::Near { cell: &self.cells[index], distance_m };
                }
                Some((_, distance_m)) => return Located::Outside { nearest_m: Some(distance_m) },
                None if radius_m > 4.0 * HALF_ROUND_M => return Located::Outside { nearest_m: None },
                None => radius_m *= 8.0,
            }
        }
    }

    fn points_of(&self, index: usize) -> &[[f64; 2]] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.points[start..self.ends[index]]
    }

    /// The smallest index among the cells that hold the point or touch it.
    fn covering(&self, p: LonLat) -> Option<usize> {
        let mut found: Option<usize> = None;
        self.tree.touching(&[p.lon, p.lat, p.lon, p.lat], &mut |index| {
            if found.is_none_or(|best| index < best)
                && place(self.points_of(index), p.lon, p.lat) != Place::Outside
            {
                found = Some(index);
            }
        });
        found
    }

    /// The nearest cell within `radius_m` and its distance in metres.
    fn nearest(&self, p: LonLat, radius_m: f64) -> Option<(usize, f64)> {
        // A little wider than needed, so that rounding in the box never loses a cell.
        let high = radius_m / METRES_PER_DEGREE * 1.001;
        let wide = high / p.lat.to_radians().cos().abs().max(1e-9);
        let around = [p.lon - wide, p.lat - high, p.lon + wide, p.lat + high];
        let mut best_m = radius_m;
        let mut near: Vec<(usize, f64)> = Vec::new();
        self.tree.touching(&around, &mut |index| {
            let distance_m = border_distance_m(self.points_of(index), p.lon, p.lat);
            if distance_m <= best_m + TIE_M {
                best_m = best_m.min(distance_m);
                near.push((index, distance_m));
            }
        });
        near.into_iter()
            .filter(|&(_, distance_m)| distance_m <= best_m + TIE_M)
            .min_by_key(|&(index, _)| index)
    }
}

#[cfg(test)]
mod tests;
