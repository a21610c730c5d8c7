//! A polygon laid out for answering "where is this point" fast and exactly.

use geo::algorithm::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, LineString, MultiPolygon};

use super::coordinate::METRES_PER_DEGREE;

/// Where a point lies relative to an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Inside,
    Border,
    Outside,
}

/// The edges of an area in one flat array, polygon after polygon.
///
/// Rings need no marks: by the even-odd rule a hole's edges undo those of the ring around it. Coordinates that
/// are not finite are left out together with their edges.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    edges: Vec<[f64; 4]>,
    /// Where each polygon's edges end.
    ends: Vec<usize>,
    /// West, south, east, north.
    bounds: Option<[f64; 4]>,
}

impl Shape {
    pub(super) fn of(area: &MultiPolygon<f64>) -> Self {
        Self::of_polygons(
            area.iter().map(|polygon| {
                std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(ring_points)
            }),
        )
    }

    /// From polygons given as rings given as closed lists of (x, y).
    pub(super) fn of_polygons<R, P>(polygons: impl Iterator<Item = R>) -> Self
    where
        R: Iterator<Item = P>,
        P: AsRef<[Coord<f64>]>,
    {
        let mut shape = Shape { edges: Vec::new(), ends: Vec::new(), bounds: None };
        for rings in polygons {
            for ring in rings {
                shape.add_ring(ring.as_ref());
            }
            shape.ends.push(shape.edges.len());
        }
        shape
    }

    fn add_ring(&mut self, ring: &[Coord<f64>]) {
        let edges = ring.windows(2).map(|pair| [pair[0].x, pair[0].y, pair[1].x, pair[1].y]);
        for edge in edges.filter(|edge| edge.iter().all(|v| v.is_finite())) {
            let [x1, y1, x2, y2] = edge;
            let [west, south, east, north] = self.bounds.unwrap_or([x1, y1, x1, y1]);
            self.bounds = Some([
                west.min(x1).min(x2),
                south.min(y1).min(y2),
                east.max(x1).max(x2),
                north.max(y1).max(y2),
            ]);
            self.edges.push(edge);
        }
    }

    /// West, south, east, north; none without edges.
    pub(super) fn bounds(&self) -> Option<[f64; 4]> {
        self.bounds
    }

    /// Square degrees enclosed, for one simple ring.
    pub(super) fn area(&self) -> f64 {
        let Some([west, south, ..]) = self.bounds else { return 0.0 };
        let doubled =
            self.edges.iter().map(|[x1, y1, x2, y2]| (x1 - west) * (y2 - south) - (x2 - west) * (y1 - south));
        doubled.sum::<f64>().abs() / 2.0
    }

    /// The edges whose boxes touch a box of west, south, east, north.
    pub(super) fn edges_in(&self, [west, south, east, north]: [f64; 4]) -> Vec<[f64; 4]> {
        let meets = |&&[x1, y1, x2, y2]: &&[f64; 4]| {
            x1.min(x2) <= east && x1.max(x2) >= west && y1.min(y2) <= north && y1.max(y2) >= south
        };
        self.edges.iter().filter(meets).copied().collect()
    }

    /// Exact for the given coordinates: orientation is decided by robust predicates, so that the two cells of
    /// a common edge never both claim a point beside it and never both disown it.
    pub(super) fn place(&self, x: f64, y: f64) -> Place {
        let mut start = 0;
        for &end in &self.ends {
            match place_in(&self.edges[start..end], x, y) {
                Place::Outside => start = end,
                found => return found,
            }
        }
        Place::Outside
    }

    /// Metres from (x, y) to the nearest edge, in the plane that touches the earth at (x, y).
    pub(super) fn border_distance_m(&self, x: f64, y: f64) -> f64 {
        let squeeze = y.to_radians().cos();
        let nearest = self.edges.iter().map(|&[x1, y1, x2, y2]| {
            let (ax, ay) = ((x1 - x) * squeeze, y1 - y);
            let (bx, by) = ((x2 - x1) * squeeze, y2 - y1);
            let length2 = bx * bx + by * by;
            let along = if length2 > 0.0 { (-(ax * bx + ay * by) / length2).clamp(0.0, 1.0) } else { 0.0 };
            let (dx, dy) = (ax + along * bx, ay + along * by);
            dx * dx + dy * dy
        });
        nearest.fold(f64::INFINITY, f64::min).sqrt() * METRES_PER_DEGREE
    }
}

fn ring_points(ring: &LineString<f64>) -> &[Coord<f64>] {
    &ring.0
}

fn place_in(edges: &[[f64; 4]], x: f64, y: f64) -> Place {
    let mut inside = false;
    for &[x1, y1, x2, y2] in edges {
        // A ray to the east: most edges are settled by comparisons alone.
        if (y < y1 && y < y2) || (y > y1 && y > y2) || (x > x1 && x > x2) {
            continue;
        }
        // An edge counts with its lower end and without its upper one, so that a vertex counts once.
        let crosses = (y1 <= y) != (y2 <= y);
        if x < x1 && x < x2 {
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
