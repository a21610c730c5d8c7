//! A polygon laid out for answering "where is this point" fast and exactly.

use geo::algorithm::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, LineString, MultiPolygon};

use super::coordinate::METRES_PER_DEGREE;
use super::packed::{Bounds, join};

/// Where a point lies relative to an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Inside,
    Border,
    Outside,
}

/// The points of an area in one flat array, ring after ring, each ring closed and followed by [`BREAK`].
///
/// Rings need no other marks: by the even-odd rule a hole's edges undo those of the ring around it. Points that
/// are not finite become breaks, which leaves out the edges at them.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    points: Vec<[f64; 2]>,
    bounds: Option<Bounds>,
}

/// No comparison with it holds, so that an edge from or to it meets nothing.
const BREAK: [f64; 2] = [f64::NAN, f64::NAN];

impl Shape {
    pub(super) fn of(area: &MultiPolygon<f64>) -> Self {
        let polygons = area.iter();
        Self::of_rings(
            polygons.flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())).map(ring_points),
        )
    }

    /// From rings given as closed lists of (x, y).
    pub(super) fn of_rings<R: AsRef<[Coord<f64>]>>(rings: impl Iterator<Item = R>) -> Self {
        let mut points = Vec::new();
        for ring in rings {
            points.extend(
                ring.as_ref().iter().map(
                    |c| {
                        if c.x.is_finite() && c.y.is_finite() { [c.x, c.y] } else { BREAK }
                    },
                ),
            );
            points.push(BREAK);
        }
        let boxes = edges(&points).map(|e| [e[0].min(e[2]), e[1].min(e[3]), e[0].max(e[2]), e[1].max(e[3])]);
        let bounds = boxes.reduce(join);
        Self { points, bounds }
    }

    /// West, south, east, north; none without edges.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    /// For the functions of this module that take points.
    pub(super) fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// See [`place`].
    pub(super) fn place(&self, x: f64, y: f64) -> Place {
        place(&self.points, x, y)
    }

    /// See [`border_distance_m`].
    pub(super) fn border_distance_m(&self, x: f64, y: f64) -> f64 {
        border_distance_m(&self.points, x, y)
    }

    /// Square degrees enclosed, for one simple ring.
    pub(super) fn area(&self) -> f64 {
        let Some([west, south, ..]) = self.bounds else { return 0.0 };
        let doubled = edges(&self.points)
            .map(|[x1, y1, x2, y2]| (x1 - west) * (y2 - south) - (x2 - west) * (y1 - south));
        doubled.sum::<f64>().abs() / 2.0
    }

    /// The edges whose boxes touch a box.
    pub(super) fn edges_in(&self, [west, south, east, north]: Bounds) -> Vec<[f64; 4]> {
        let meets = |&[x1, y1, x2, y2]: &[f64; 4]| {
            x1.min(x2) <= east && x1.max(x2) >= west && y1.min(y2) <= north && y1.max(y2) >= south
        };
        edges(&self.points).filter(meets).collect()
    }
}

fn edges(points: &[[f64; 2]]) -> impl Iterator<Item = [f64; 4]> + '_ {
    let edges = points.windows(2).map(|w| [w[0][0], w[0][1], w[1][0], w[1][1]]);
    edges.filter(|edge| !edge[0].is_nan() && !edge[2].is_nan())
}

/// Metres from (x, y) to the nearest edge, in the plane that touches the earth at (x, y).
pub(super) fn border_distance_m(points: &[[f64; 2]], x: f64, y: f64) -> f64 {
    let squeeze = y.to_radians().cos();
    let nearest = edges(points).map(|[x1, y1, x2, y2]| {
        let (ax, ay) = ((x1 - x) * squeeze, y1 - y);
        let (bx, by) = ((x2 - x1) * squeeze, y2 - y1);
        let length2 = bx * bx + by * by;
        let along = if length2 > 0.0 { (-(ax * bx + ay * by) / length2).clamp(0.0, 1.0) } else { 0.0 };
        let (dx, dy) = (ax + along * bx, ay + along * by);
        dx * dx + dy * dy
    });
    nearest.fold(f64::INFINITY, f64::min).sqrt() * METRES_PER_DEGREE
}

fn ring_points(ring: &LineString<f64>) -> &[Coord<f64>] {
    &ring.0
}

/// Where (x, y) lies in the area of these points.
///
/// Exact for the given coordinates: orientation is decided by robust predicates, so that the two cells of a
/// common edge never both claim a point beside it and never both disown it.
pub(super) fn place(points: &[[f64; 2]], x: f64, y: f64) -> Place {
    let mut inside = false;
    for pair in points.windows(2) {
        let ([x1, y1], [x2, y2]) = (pair[0], pair[1]);
        // A ray to the east: most edges are settled by comparisons alone. They are joined without a short cut,
        // because six branches that nobody can predict cost more than six comparisons.
        let level = ((y1 <= y) & (y <= y2)) | ((y2 <= y) & (y <= y1));
        if !(level & ((x <= x1) | (x <= x2))) {
            continue;
        }
        // An edge counts with its lower end and without its upper one, so that a vertex counts once.
        let crosses = (y1 <= y) != (y2 <= y);
        if (x < x1) & (x < x2) {
            inside ^= crosses;
            continue;
        }
        match side(x1, y1, x2, y2, x, y) {
            Orientation::Collinear => return Place::Border,
            Orientation::CounterClockwise => inside ^= crosses && y1 < y2,
            Orientation::Clockwise => inside ^= crosses && y1 > y2,
        }
    }
    if inside { Place::Inside } else { Place::Outside }
}

/// On which side of the line from 1 to 2 the point lies, exactly.
pub(super) fn side(x1: f64, y1: f64, x2: f64, y2: f64, x: f64, y: f64) -> Orientation {
    RobustKernel::orient2d(Coord { x: x1, y: y1 }, Coord { x: x2, y: y2 }, Coord { x, y })
}

#[cfg(test)]
mod tests {
    use geo::{Contains, Intersects, Point, polygon};
    use proptest::prelude::*;

    use super::*;

    fn with_hole() -> MultiPolygon<f64> {
        let ring = polygon!(
            exterior: [(x: 0., y: 0.), (x: 10., y: 1.), (x: 9., y: 10.), (x: 4., y: 6.), (x: -1., y: 9.)],
            interiors: [[(x: 3., y: 2.), (x: 5., y: 2.), (x: 5., y: 4.), (x: 3., y: 4.)]],
        );
        let apart = polygon!((x: 20., y: 0.), (x: 21., y: 0.), (x: 20., y: 1.));
        MultiPolygon(vec![ring, apart])
    }

    #[test]
    fn places() {
        let shape = Shape::of(&with_hole());
        assert_eq!(shape.bounds(), Some([-1.0, 0.0, 21.0, 10.0]));
        for (x, y, place) in [
            (1.0, 1.0, Place::Inside),
            (4.0, 3.0, Place::Outside),
            (3.0, 3.0, Place::Border),
            (5.0, 4.0, Place::Border),
            (0.0, 0.0, Place::Border),
            (20.25, 0.25, Place::Inside),
            (20.5, 0.5, Place::Border),
            (4.0, 8.0, Place::Outside),
            (15.0, 0.0, Place::Outside),
            (-5.0, 2.0, Place::Outside),
        ] {
            assert_eq!(shape.place(x, y), place, "{x} {y}");
        }
    }

    #[test]
    fn hostile_numbers_are_left_out() {
        let ring = vec![(0.0, 0.0), (f64::NAN, 1.0), (2.0, f64::INFINITY), (0.0, 0.0)];
        let shape = Shape::of(&MultiPolygon(vec![geo::Polygon::new(ring.into(), vec![])]));
        assert_eq!(shape.bounds(), None);
        assert_eq!(shape.place(0.0, 0.0), Place::Outside);
        assert_eq!(shape.border_distance_m(0.0, 0.0), f64::INFINITY);
    }

    proptest! {
        // Whole and half numbers hit vertices and edges often.
        #[test]
        fn agrees_with_geo(x in -4..44_i32, y in -4..24_i32) {
            let (x, y) = (f64::from(x) / 2.0, f64::from(y) / 2.0);
            let area = with_hole();
            let point = Point::new(x, y);
            let expected = match (area.contains(&point), area.intersects(&point)) {
                (true, _) => Place::Inside,
                (false, true) => Place::Border,
                (false, false) => Place::Outside,
            };
            prop_assert_eq!(Shape::of(&area).place(x, y), expected);
        }

        #[test]
        fn two_sides_of_an_edge_share_the_plane(
            a in (118.0..118.2_f64, 24.4..24.5_f64), b in (118.0..118.2_f64, 24.4..24.5_f64), t in 0.0..1.0_f64
        ) {
            // Two triangles on a common edge, and points as near to it as numbers get.
            prop_assume!(a.1 != b.1);
            let triangle = |far: f64| {
                let ring = vec![a, b, (far, (a.1 + b.1) / 2.0), a];
                Shape::of(&MultiPolygon(vec![geo::Polygon::new(ring.into(), vec![])]))
            };
            let (x, y) = (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
            let (west, east) = (triangle(117.0).place(x, y), triangle(119.0).place(x, y));
            let fair = matches!(
                (west, east),
                (Place::Inside, Place::Outside) | (Place::Outside, Place::Inside) | (Place::Border, Place::Border)
            );
            prop_assert!(fair, "{:?} {:?}", west, east);
        }
    }
}
