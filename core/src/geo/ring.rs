//! Whether the rings of one cell make a valid area.

use std::ops::ControlFlow;

use geo::algorithm::kernels::Orientation;
use geo::{Coord, MultiPolygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::coordinate::{LonLat, METRES_PER_DEGREE};
use super::finding::FindingKind;
use super::shape::{Place, Shape, side};

/// Rings that enclose less than this, square metres, enclose nothing: seven decimals are a centimetre.
const NOTHING_M2: f64 = 0.01;

/// Pairs of edges that one check may compare. Honest outlines need a few per point; without a bound, outlines
/// drawn like two crossed combs would keep a server busy for hours.
pub(super) const PAIR_BUDGET: u64 = 200_000_000;

/// Up to this many edges are compared each with each, which beats building a tree.
const FEW_EDGES: usize = 16;

/// What is wrong with an area, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) kind: FindingKind,
    pub(super) at: Option<LonLat>,
}

impl Fault {
    fn at(kind: FindingKind, x: f64, y: f64) -> Self {
        Self { kind, at: Some(LonLat { lon: x, lat: y }) }
    }
}

/// The polygons of an area as rings: the outer one first, then its holes.
pub(super) type Rings<'a> = Vec<Vec<&'a [Coord<f64>]>>;

/// The rings of an area.
pub(super) fn rings_of(area: &MultiPolygon<f64>) -> Rings<'_> {
    area.iter()
        .map(|polygon| {
            std::iter::once(polygon.exterior())
                .chain(polygon.interiors())
                .map(|ring| ring.0.as_slice())
                .collect()
        })
        .collect()
}

/// The first thing that is wrong with an area; `budget` counts down the pairs of edges compared.
pub(super) fn area_fault(polygons: &Rings<'_>, budget: &mut u64) -> Option<Fault> {
    if polygons.is_empty() || polygons.iter().any(Vec::is_empty) {
        return Some(Fault { kind: FindingKind::NoArea, at: None });
    }
    polygons
        .iter()
        .flatten()
        .find_map(|ring| ring_fault(ring))
        .or_else(|| crossing(polygons, budget))
        .or_else(|| polygons.iter().find_map(|rings| stray_hole(rings)))
}

fn ring_fault(ring: &[Coord<f64>]) -> Option<Fault> {
    if ring.iter().any(|c| !c.x.is_finite() || !c.y.is_finite()) {
        return Some(Fault { kind: FindingKind::NotFinite, at: None });
    }
    if let Some(c) = ring.iter().find(|c| c.x.abs() > 180.0 || c.y.abs() > 90.0) {
        return Some(Fault::at(FindingKind::OutOfRange, c.x, c.y));
    }
    let (Some(first), Some(last)) = (ring.first(), ring.last()) else {
        return Some(Fault { kind: FindingKind::TooFewPoints, at: None });
    };
    if ring.len() > 2 && first != last {
        return Some(Fault::at(FindingKind::NotClosed, last.x, last.y));
    }
    if ring.len() < 4 {
        return Some(Fault::at(FindingKind::TooFewPoints, first.x, first.y));
    }
    // Relative to the first point, where the products keep their digits.
    let doubled: f64 = ring
        .windows(2)
        .map(|w| (w[0].x - first.x) * (w[1].y - first.y) - (w[1].x - first.x) * (w[0].y - first.y))
        .sum();
    let area_m2 = doubled.abs() / 2.0 * METRES_PER_DEGREE * METRES_PER_DEGREE * first.y.to_radians().cos();
    // A ring like an 8 may enclose nothing in sum; it is reported as what it is.
    (area_m2 < NOTHING_M2 && flat(ring)).then(|| Fault::at(FindingKind::ZeroArea, first.x, first.y))
}

/// Whether all points lie on one line, or nearly so.
fn flat(ring: &[Coord<f64>]) -> bool {
    let Some(&first) = ring.first() else { return true };
    let reach = |c: &&Coord<f64>| (c.x - first.x).hypot(c.y - first.y);
    let Some(&far) = ring.iter().max_by(|a, b| reach(a).total_cmp(&reach(b))) else { return true };
    let (dx, dy) = (far.x - first.x, far.y - first.y);
    let limit = NOTHING_M2 / (METRES_PER_DEGREE * METRES_PER_DEGREE);
    ring.iter().all(|c| ((c.x - first.x) * dy - (c.y - first.y) * dx).abs() <= limit)
}

/// An edge with the ring it belongs to and its place in it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    a: Coord<f64>,
    b: Coord<f64>,
    ring: usize,
    index: usize,
    /// How many edges the ring has.
    of: usize,
}

fn edges(polygons: &Rings<'_>) -> Vec<Edge> {
    let mut all = Vec::new();
    for (ring, points) in polygons.iter().flatten().enumerate() {
        let start = all.len();
        let steps = points.windows(2).filter(|w| w[0] != w[1]);
        all.extend(steps.enumerate().map(|(index, w)| Edge { a: w[0], b: w[1], ring, index, of: 0 }));
        let of = all.len() - start;
        all[start..].iter_mut().for_each(|edge| edge.of = of);
    }
    all
}

fn crossing(polygons: &Rings<'_>, budget: &mut u64) -> Option<Fault> {
    let edges = edges(polygons);
    let mut compare = |a: &Edge, b: &Edge| {
        if *budget == 0 {
            return Some(Fault::at(FindingKind::TooIntricate, a.a.x, a.a.y));
        }
        *budget -= 1;
        edge_fault(a, b)
    };
    if edges.len() <= FEW_EDGES {
        return edges.iter().enumerate().find_map(|(i, a)| edges[i + 1..].iter().find_map(|b| compare(a, b)));
    }
    let boxes = edges.iter().enumerate().map(|(i, e)| GeomWithData::new(edge_box(e), i));
    let tree = RTree::bulk_load(boxes.collect());
    edges.iter().enumerate().find_map(|(i, a)| {
        let around = AABB::from_corners([a.a.x, a.a.y], [a.b.x, a.b.y]);
        let found = tree.locate_in_envelope_intersecting_int(around, |other| {
            // Half of the visits are skipped, yet each has cost a comparison of boxes.
            match (other.data > i).then(|| compare(a, &edges[other.data])).flatten() {
                Some(fault) => ControlFlow::Break(fault),
                None => ControlFlow::Continue(()),
            }
        });
        match found {
            ControlFlow::Break(fault) => Some(fault),
            ControlFlow::Continue(()) => None,
        }
    })
}

fn edge_box(edge: &Edge) -> Rectangle<[f64; 2]> {
    Rectangle::from_corners([edge.a.x, edge.a.y], [edge.b.x, edge.b.y])
}

fn edge_fault(a: &Edge, b: &Edge) -> Option<Fault> {
    let meeting = meet(a, b);
    if a.ring != b.ring {
        // Rings of one cell may touch at a point.
        return (meeting == Meeting::Cross).then(|| Fault::at(FindingKind::RingsCross, b.a.x, b.a.y));
    }
    // Neighbours touch at their common corner; anything more is a spike that runs back on itself.
    let apart = a.index.abs_diff(b.index);
    let neighbours = apart == 1 || apart + 1 == a.of;
    let fault = if neighbours { meeting == Meeting::Cross } else { meeting != Meeting::Apart };
    fault.then(|| Fault::at(FindingKind::SelfIntersection, b.a.x, b.a.y))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Meeting {
    Apart,
    /// One common point, an end of at least one of the two.
    Touch,
    /// A crossing, or a common stretch.
    Cross,
}

fn meet(e: &Edge, f: &Edge) -> Meeting {
    let of = |line: &Edge, c: Coord<f64>| side(line.a.x, line.a.y, line.b.x, line.b.y, c.x, c.y);
    let (fa, fb, ea, eb) = (of(e, f.a), of(e, f.b), of(f, e.a), of(f, e.b));
    if fa == Orientation::Collinear && fb == Orientation::Collinear {
        return meet_on_a_line(e, f);
    }
    if fa == fb || ea == eb {
        return Meeting::Apart;
    }
    let ends = [fa, fb, ea, eb].contains(&Orientation::Collinear);
    let touches = (fa == Orientation::Collinear && within(e, f.a))
        || (fb == Orientation::Collinear && within(e, f.b))
        || (ea == Orientation::Collinear && within(f, e.a))
        || (eb == Orientation::Collinear && within(f, e.b));
    match (ends, touches) {
        (false, _) => Meeting::Cross,
        (true, true) => Meeting::Touch,
        (true, false) => Meeting::Apart,
    }
}

fn meet_on_a_line(e: &Edge, f: &Edge) -> Meeting {
    // Along the longer axis of e, which is not a point.
    let along = |c: Coord<f64>| if (e.b.x - e.a.x).abs() >= (e.b.y - e.a.y).abs() { c.x } else { c.y };
    let from = along(e.a).min(along(e.b)).max(along(f.a).min(along(f.b)));
    let to = along(e.a).max(along(e.b)).min(along(f.a).max(along(f.b)));
    if from < to {
        Meeting::Cross
    } else if from == to {
        Meeting::Touch
    } else {
        Meeting::Apart
    }
}

fn within(e: &Edge, c: Coord<f64>) -> bool {
    (e.a.x.min(e.b.x)..=e.a.x.max(e.b.x)).contains(&c.x)
        && (e.a.y.min(e.b.y)..=e.a.y.max(e.b.y)).contains(&c.y)
}

/// A hole outside its outer ring. The rings are known not to cross, so one point decides that is not on it.
fn stray_hole(rings: &[&[Coord<f64>]]) -> Option<Fault> {
    let (outer, holes) = rings.split_first()?;
    if holes.is_empty() {
        return None;
    }
    let shape = Shape::of_rings(std::iter::once(*outer));
    holes.iter().find_map(|hole| {
        let off_border =
            hole.iter().map(|c| (c, shape.place(c.x, c.y))).find(|(_, place)| *place != Place::Border);
        match off_border {
            Some((c, Place::Outside)) => Some(Fault::at(FindingKind::HoleOutside, c.x, c.y)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(points: &[(f64, f64)]) -> Vec<Coord<f64>> {
        points.iter().map(|&(x, y)| Coord { x, y }).collect()
    }

    type Points = &'static [(f64, f64)];

    fn fault_of(rings: &[&[(f64, f64)]]) -> Option<FindingKind> {
        let rings: Vec<Vec<Coord<f64>>> = rings.iter().map(|points| ring(points)).collect();
        let polygons = vec![rings.iter().map(Vec::as_slice).collect()];
        area_fault(&polygons, &mut { PAIR_BUDGET }).map(|fault| fault.kind)
    }

    const SQUARE: Points = &[(0., 0.), (9., 0.), (9., 9.), (0., 9.), (0., 0.)];

    #[test]
    fn faults_of_one_ring() {
        use FindingKind::*;
        let cases: [(Points, Option<FindingKind>); 15] = [
            (SQUARE, None),
            (&[(0., 0.), (0., 0.), (9., 0.), (9., 9.), (9., 9.), (0., 0.)], None),
            (&[], Some(TooFewPoints)),
            (&[(0., 0.), (1., 1.)], Some(TooFewPoints)),
            (&[(0., 0.), (1., 1.), (0., 0.)], Some(TooFewPoints)),
            (&[(0., 0.), (9., 0.), (9., 9.), (0., 9.)], Some(NotClosed)),
            (&[(0., 0.), (f64::NAN, 0.), (9., 9.), (0., 0.)], Some(NotFinite)),
            (&[(0., 0.), (f64::INFINITY, 0.), (9., 9.), (0., 0.)], Some(NotFinite)),
            (&[(0., 0.), (9., 95.), (9., 9.), (0., 0.)], Some(OutOfRange)),
            (&[(0., 0.), (181., 5.), (9., 9.), (0., 0.)], Some(OutOfRange)),
            (&[(0., 0.), (1., 1.), (2., 2.), (0., 0.)], Some(ZeroArea)),
            (&[(1., 1.), (1., 1.), (1., 1.), (1., 1.)], Some(ZeroArea)),
            (&[(0., 0.), (9., 9.), (9., 0.), (0., 9.), (0., 0.)], Some(SelfIntersection)),
            (&[(0., 0.), (4., 0.), (9., 0.), (4., 0.), (4., 9.), (0., 0.)], Some(SelfIntersection)),
            (&[(0., 0.), (8., 0.), (8., 4.), (4., 0.), (0., 4.), (0., 0.)], Some(SelfIntersection)),
        ];
        for (points, expected) in cases {
            assert_eq!(fault_of(&[points]), expected, "{points:?}");
        }
    }

    #[test]
    fn faults_between_rings() {
        use FindingKind::*;
        assert_eq!(fault_of(&[]), Some(NoArea));
        assert_eq!(area_fault(&vec![], &mut 9).unwrap().kind, NoArea);
        assert_eq!(fault_of(&[SQUARE, &[(1., 1.), (2., 1.), (2., 2.), (1., 1.)]]), None);
        assert_eq!(
            fault_of(&[SQUARE, &[(0., 1.), (2., 1.), (2., 2.), (0., 1.)]]),
            None,
            "a touch is allowed"
        );
        assert_eq!(fault_of(&[SQUARE, &[(1., 1.), (12., 1.), (2., 2.), (1., 1.)]]), Some(RingsCross));
        assert_eq!(fault_of(&[SQUARE, &[(0., 1.), (2., 1.), (0., 2.), (0., 1.)]]), Some(RingsCross));
        assert_eq!(fault_of(&[SQUARE, &[(11., 1.), (12., 1.), (12., 2.), (11., 1.)]]), Some(HoleOutside));
    }

    #[test]
    fn a_slanted_comb_runs_into_the_budget() {
        // The boxes of all its teeth overlap, though no two edges cross.
        let tooth = |i: u32| {
            let x = f64::from(i) * 1e-4;
            [(x, 0.0), (x + 40.0, 40.0), (x + 40.0 + 4e-5, 40.0), (x + 4e-5, 0.0)]
        };
        let mut comb: Vec<(f64, f64)> = (0..200).flat_map(tooth).collect();
        comb.extend([(0.06, -1.0), (0.0, -1.0), (0.0, 0.0)]);
        let points = ring(&comb);
        let fault = |mut budget| area_fault(&vec![vec![&points]], &mut budget).map(|fault| fault.kind);
        assert_eq!(fault(10_000), Some(FindingKind::TooIntricate));
        assert_eq!(fault(PAIR_BUDGET), None);
    }

    proptest! {
        // A star-shaped ring is simple; with two of its distant points exchanged it is not.
        #[test]
        fn simple_and_not(radii in prop::collection::vec(1.0..5.0_f64, 5..60), pick in any::<prop::sample::Index>()) {
            let n = radii.len();
            let mut points: Vec<(f64, f64)> = radii
                .iter()
                .enumerate()
                .map(|(i, r)| {
                    let turn = std::f64::consts::TAU * i as f64 / n as f64;
                    (r * turn.cos(), r * turn.sin())
                })
                .collect();
            points.push(points[0]);
            prop_assert_eq!(fault_of(&[&points]), None);
            let i = 1 + pick.index(n - 3);
            points.swap(i, i + 2);
            let geo_says = {
                use geo::Validation;
                geo::Polygon::new(points.clone().into(), vec![]).is_valid()
            };
            prop_assert_eq!(fault_of(&[&points]).is_none(), geo_says);
        }
    }
}
