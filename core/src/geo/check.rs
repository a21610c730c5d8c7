//! Whether cells make a mesh: sound rings, codes used once, no overlaps, no gaps.

use std::collections::BTreeMap;

use geo::orient::Direction;
use geo::{Area, BooleanOps, BoundingRect, Coord, MultiPolygon, Orient, unary_union};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::coordinate::{LonLat, METRES_PER_DEGREE};
use super::finding::{FindingKind, MeshFinding};
use super::packed::Bounds;
use super::ring::{PAIR_BUDGET, area_fault, rings_of};
use super::shape::Shape;

/// The most cells of a mesh; a district has some hundreds to ten thousand.
pub(super) const MAX_CELLS: usize = 100_000;
/// The most points of one cell.
pub(super) const MAX_CELL_POINTS: usize = 20_000;
/// The most points of a mesh.
pub(super) const MAX_POINTS: usize = 5_000_000;

/// After this many findings the check is broken off: nobody reads on.
const MAX_FINDINGS: usize = 1_000;

/// Places where edges of two cells may cross, over all pairs. It bounds time and memory of the overlays; honest
/// meshes need a few per point.
const CROSSING_BUDGET: u64 = 20_000_000;

/// Cells this near to a gap border on it, metres.
const BESIDE_M: f64 = 0.05;

type Tree = RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>;

/// A sound cell.
struct Sound<'a> {
    code: &'a str,
    area: &'a MultiPolygon<f64>,
    shape: Shape,
    bounds: Bounds,
}

/// Everything that is wrong with a mesh of (code, WGS-84 area), ordered by kind of check and then by code.
///
/// Overlaps of two cells, and gaps enclosed by the union of all cells, are reported from `tolerance_m2` square
/// metres (0 reports them all; negative and not-a-number count as 0). A cell with broken rings is left out of
/// the later checks. A mesh of over 100,000 cells or 5,000,000 points is not checked, nor is a cell of over
/// 20,000 points; at most 1,000 findings are listed.
pub fn check_mesh(cells: &[(String, MultiPolygon<f64>)], tolerance_m2: f64) -> Vec<MeshFinding> {
    let points: usize = cells.iter().map(|(_, area)| points_of(area)).sum();
    if cells.len() > MAX_CELLS || points > MAX_POINTS {
        return vec![finding(FindingKind::MeshTooLarge, vec![], 0.0, None)];
    }
    let tolerance_m2 = tolerance_m2.max(0.0);
    let mut findings = Vec::new();
    let sound = sound_cells(cells, &mut findings);
    add_duplicates(cells, &mut findings);

    let boxes = sound.iter().enumerate().map(|(index, cell)| {
        let [west, south, east, north] = cell.bounds;
        GeomWithData::new(Rectangle::from_corners([west, south], [east, north]), index)
    });
    let tree = RTree::bulk_load(boxes.collect());
    let whole = add_overlaps(&sound, &tree, tolerance_m2, &mut findings);
    if whole {
        add_gaps(&sound, &tree, tolerance_m2, &mut findings);
    }
    if findings.len() > MAX_FINDINGS {
        findings.truncate(MAX_FINDINGS);
        findings.push(finding(FindingKind::MoreFindings, vec![], 0.0, None));
    }
    findings
}

fn finding(kind: FindingKind, mut codes: Vec<String>, area_m2: f64, at: Option<LonLat>) -> MeshFinding {
    codes.sort_unstable();
    MeshFinding { kind, codes, area_m2, at }
}

fn points_of(area: &MultiPolygon<f64>) -> usize {
    area.iter()
        .map(|polygon| {
            polygon.exterior().0.len() + polygon.interiors().iter().map(|hole| hole.0.len()).sum::<usize>()
        })
        .sum()
}

/// The cells with sound rings, ordered by code; the others become findings.
fn sound_cells<'a>(
    cells: &'a [(String, MultiPolygon<f64>)],
    findings: &mut Vec<MeshFinding>,
) -> Vec<Sound<'a>> {
    let mut order: Vec<&(String, MultiPolygon<f64>)> = cells.iter().collect();
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let mut budget = PAIR_BUDGET;
    let mut sound = Vec::with_capacity(order.len());
    for (code, area) in order {
        if points_of(area) > MAX_CELL_POINTS {
            findings.push(finding(FindingKind::TooManyPoints, vec![code.clone()], 0.0, None));
        } else if let Some(fault) = area_fault(&rings_of(area), &mut budget) {
            findings.push(finding(fault.kind, vec![code.clone()], 0.0, fault.at));
        } else {
            let shape = Shape::of(area);
            if let Some(bounds) = shape.bounds() {
                sound.push(Sound { code, area, shape, bounds });
            }
        }
    }
    sound
}

fn add_duplicates(cells: &[(String, MultiPolygon<f64>)], findings: &mut Vec<MeshFinding>) {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for (code, _) in cells {
        *uses.entry(code).or_default() += 1;
    }
    let repeated = uses.into_iter().filter(|&(_, count)| count > 1);
    findings.extend(
        repeated.map(|(code, _)| finding(FindingKind::DuplicateCode, vec![code.to_owned()], 0.0, None)),
    );
}

/// Adds the overlaps; false if the check was broken off and the cells must not be united.
fn add_overlaps(
    cells: &[Sound<'_>],
    tree: &Tree,
    tolerance_m2: f64,
    findings: &mut Vec<MeshFinding>,
) -> bool {
    let mut budget = CROSSING_BUDGET;
    for (i, a) in cells.iter().enumerate() {
        let [west, south, east, north] = a.bounds;
        let mut partners: Vec<usize> = tree
            .locate_in_envelope_intersecting(AABB::from_corners([west, south], [east, north]))
            .map(|found| found.data)
            .filter(|&j| j > i)
            .collect();
        partners.sort_unstable();
        for b in partners.into_iter().map(|j| &cells[j]) {
            let codes = || vec![a.code.to_owned(), b.code.to_owned()];
            let common = common_box(a.bounds, b.bounds);
            let spent = 1 + entanglement(a, b, common, budget);
            if spent > budget {
                findings.push(finding(FindingKind::TooIntricate, codes(), 0.0, None));
                return false;
            }
            budget -= spent;
            // Most neighbours of a lattice share no more than a line.
            if box_area_m2(common) <= tolerance_m2 {
                continue;
            }
            let overlap = a.area.intersection(b.area);
            let area_m2 = area_m2(&overlap);
            if area_m2 > tolerance_m2 {
                findings.push(finding(FindingKind::Overlap, codes(), area_m2, middle(&overlap)));
            }
            if findings.len() > MAX_FINDINGS {
                return false;
            }
        }
    }
    true
}

/// How many edges of the two cells may cross within their common box; counting stops soon after `limit`.
fn entanglement(a: &Sound<'_>, b: &Sound<'_>, common: Bounds, limit: u64) -> u64 {
    let (a, b) = (a.shape.edges_in(common), b.shape.edges_in(common));
    let pairs = (a.len() as u64) * (b.len() as u64);
    if pairs <= 1024 {
        return pairs / 8;
    }
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let tree = RTree::bulk_load(
        many.iter().map(|e| Rectangle::from_corners([e[0], e[1]], [e[2], e[3]])).collect::<Vec<_>>(),
    );
    let mut count = 0;
    for e in few {
        count += tree.locate_in_envelope_intersecting(AABB::from_corners([e[0], e[1]], [e[2], e[3]])).count()
            as u64;
        if count > limit {
            break;
        }
    }
    count
}

/// Adds the holes in the union of all cells.
fn add_gaps(cells: &[Sound<'_>], tree: &Tree, tolerance_m2: f64, findings: &mut Vec<MeshFinding>) {
    // The union wants every outer ring to turn one way and every hole the other.
    let oriented: Vec<MultiPolygon<f64>> =
        cells.iter().map(|cell| cell.area.orient(Direction::Default)).collect();
    let union = unary_union(&oriented);
    let mut gaps: Vec<MeshFinding> = Vec::new();
    for hole in union.iter().flat_map(|polygon| polygon.interiors()) {
        let gap = MultiPolygon(vec![geo::Polygon::new(hole.clone(), vec![])]);
        let area_m2 = area_m2(&gap);
        if area_m2 > tolerance_m2 {
            gaps.push(finding(FindingKind::Gap, neighbours(&hole.0, cells, tree), area_m2, middle(&gap)));
        }
        if findings.len() + gaps.len() > MAX_FINDINGS {
            break;
        }
    }
    gaps.sort_by(|a, b| a.codes.cmp(&b.codes).then(a.area_m2.total_cmp(&b.area_m2)));
    findings.append(&mut gaps);
}

/// The codes of the first ten cells that touch a gap, found at no more than 200 of its corners.
fn neighbours(hole: &[Coord<f64>], cells: &[Sound<'_>], tree: &Tree) -> Vec<String> {
    let corners: Vec<&Coord<f64>> = hole.iter().step_by(hole.len() / 200 + 1).collect();
    let margin = 2.0 * BESIDE_M / METRES_PER_DEGREE;
    let mut found: Vec<usize> = corners
        .iter()
        .flat_map(|c| {
            let around = AABB::from_corners([c.x - margin, c.y - margin], [c.x + margin, c.y + margin]);
            tree.locate_in_envelope_intersecting(around)
                .map(|candidate| candidate.data)
                .filter(|&index| cells[index].shape.border_distance_m(c.x, c.y) <= BESIDE_M)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(10).map(|index| cells[index].code.to_owned()).collect()
}

fn common_box(a: Bounds, b: Bounds) -> Bounds {
    [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]
}

fn box_area_m2([west, south, east, north]: Bounds) -> f64 {
    square_metres((east - west) * (north - south), (south + north) / 2.0)
}

fn area_m2(area: &MultiPolygon<f64>) -> f64 {
    middle(area).map_or(0.0, |middle| square_metres(area.unsigned_area(), middle.lat))
}

/// Square degrees at a latitude in square metres.
fn square_metres(square_degrees: f64, lat: f64) -> f64 {
    square_degrees * METRES_PER_DEGREE * METRES_PER_DEGREE * lat.to_radians().cos()
}

/// The middle of an area's box, or none of nothing.
fn middle(area: &MultiPolygon<f64>) -> Option<LonLat> {
    area.bounding_rect().map(|rect| LonLat { lon: rect.center().x, lat: rect.center().y })
}

#[cfg(test)]
mod tests;
