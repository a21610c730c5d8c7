//! A made-up mesh of square cells over a real outline, for demonstrations and trials.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use geo::Coord;

use super::coordinate::{LonLat, METRES_PER_DEGREE};
use super::packed::join;
use super::shape::{Place, Shape};

/// Two sequence digits number the cells of a community from 01 to 99.
const MOST_PER_COMMUNITY: usize = 99;

/// The most squares in the box around the outline, a bound on memory. A district of slivers far apart has more.
const MOST_PLACES: f64 = 2e7;

/// A community and a point in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    /// 12 digits.
    pub community_code: String,
    /// Its centre, WGS-84.
    pub at: LonLat,
}

/// A square cell.
#[derive(Clone, Debug, PartialEq)]
pub struct SynthCell {
    /// The community's code and two sequence digits.
    pub code: String,
    /// 12 digits.
    pub community_code: String,
    /// Closed, counter-clockwise, WGS-84, 7 decimals.
    pub ring: Vec<LonLat>,
}

/// Column from the west and row from the south.
type Square = (i64, i64);

/// Squares over an outline of one or more closed parts, shared out among communities.
///
/// There are at least `target_cells` squares, and as many as there are seeds, but never more than 99 for each
/// seed. A square lies in the outline if its centre does; a part too small for that gets one square; enclosed
/// holes are filled, so that neighbours share corners exactly and the mesh has neither gaps nor overlaps. Each
/// square goes to the nearest seed that has room, nearer squares first, and every seed gets at least one. Within
/// a community the squares are numbered as one reads: from west to east, row after row from north to south.
///
/// The same input gives the same mesh, in any order of seeds. Seeds of a repeated code or with coordinates that
/// are not finite are left out; without a seed or an outline the mesh is empty,
/// as it is for an outline of slivers so far apart that the box around it has 20,000,000 squares.
pub fn synthesize(outline: &[Vec<LonLat>], seeds: &[Seed], target_cells: usize) -> Vec<SynthCell> {
    let seeds = distinct(seeds);
    let parts: Vec<Shape> = outline.iter().map(|part| shape_of(part)).collect();
    let most = seeds.len() * MOST_PER_COMMUNITY;
    let Some((lattice, squares)) = cover(&parts, target_cells.clamp(seeds.len().min(most), most)) else {
        return Vec::new();
    };
    // Cutting off from the south-east end opens no hole.
    let mut squares: Vec<Square> = squares.into_iter().collect();
    squares.sort_by_key(|&(x, y)| (-y, x));
    squares.truncate(most);
    let owners = share_out(&lattice, &squares, &seeds);
    let mut counts = vec![0_usize; seeds.len()];
    squares
        .iter()
        .zip(owners)
        .map(|(&square, owner)| {
            counts[owner] += 1;
            let community_code = seeds[owner].community_code.clone();
            let code = format!("{community_code}{:02}", counts[owner]);
            SynthCell { code, community_code, ring: lattice.ring(square) }
        })
        .collect()
}

fn distinct(seeds: &[Seed]) -> Vec<&Seed> {
    let mut by_code: BTreeMap<&str, &Seed> = BTreeMap::new();
    for seed in seeds.iter().filter(|seed| seed.at.lon.is_finite() && seed.at.lat.is_finite()) {
        let kept = by_code.entry(&seed.community_code).or_insert(seed);
        if (seed.at.lon, seed.at.lat) < (kept.at.lon, kept.at.lat) {
            *kept = seed;
        }
    }
    by_code.into_values().collect()
}

fn shape_of(part: &[LonLat]) -> Shape {
    let mut ring: Vec<Coord<f64>> = part.iter().map(|p| Coord { x: p.lon, y: p.lat }).collect();
    ring.extend(ring.first().copied());
    Shape::of_rings(std::iter::once(ring))
}

/// Squares counted in whole 1e-7 degrees, so that a corner is the same number in every square around it.
struct Lattice {
    west: i64,
    south: i64,
    wide: i64,
    high: i64,
    /// Cosine of the middle latitude.
    squeeze: f64,
}

impl Lattice {
    fn corner(&self, x: i64, y: i64) -> LonLat {
        LonLat {
            lon: (self.west + x * self.wide) as f64 / 1e7,
            lat: (self.south + y * self.high) as f64 / 1e7,
        }
    }

    fn centre(&self, (x, y): Square) -> LonLat {
        let (a, b) = (self.corner(x, y), self.corner(x + 1, y + 1));
        LonLat { lon: (a.lon + b.lon) / 2.0, lat: (a.lat + b.lat) / 2.0 }
    }

    fn ring(&self, (x, y): Square) -> Vec<LonLat> {
        [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)].map(|(x, y)| self.corner(x, y)).to_vec()
    }

    fn square_at(&self, lon: f64, lat: f64) -> Square {
        let steps = |degrees: f64, from: i64, step: i64| ((degrees * 1e7) as i64 - from).div_euclid(step);
        (steps(lon, self.west, self.wide), steps(lat, self.south, self.high))
    }

    /// Square of the distance from a square's centre to a point, in square degrees of latitude.
    fn distance2(&self, square: Square, to: LonLat) -> f64 {
        let centre = self.centre(square);
        let (dx, dy) = ((centre.lon - to.lon) * self.squeeze, centre.lat - to.lat);
        dx * dx + dy * dy
    }
}

/// At least `target` squares over the parts; none if the parts have no land or no square is wanted.
fn cover(parts: &[Shape], target: usize) -> Option<(Lattice, BTreeSet<Square>)> {
    let bounds = parts.iter().filter_map(Shape::bounds).reduce(join)?;
    let land: f64 = parts.iter().map(Shape::area).sum();
    let in_range = bounds[0] >= -180.0 && bounds[1] >= -89.0 && bounds[2] <= 180.0 && bounds[3] <= 89.0;
    if target == 0 || land <= 0.0 || !in_range {
        return None;
    }
    let squeeze = ((bounds[1] + bounds[3]) / 2.0).to_radians().cos();
    let mut side = (land * squeeze / target as f64).sqrt();
    let box_area = (bounds[2] - bounds[0]) * squeeze * (bounds[3] - bounds[1]);
    // Squares shrink by 1 % until there are enough; a centimetre is the end of the lattice.
    while side * METRES_PER_DEGREE > 0.01 && box_area / (side * side) < MOST_PLACES {
        let lattice = Lattice {
            west: (bounds[0] * 1e7).floor() as i64,
            south: (bounds[1] * 1e7).floor() as i64,
            wide: ((side / squeeze * 1e7).round() as i64).max(1),
            high: ((side * 1e7).round() as i64).max(1),
            squeeze,
        };
        let mut squares = BTreeSet::new();
        for part in parts {
            add_part(&lattice, part, &mut squares);
        }
        fill_holes(&mut squares);
        if squares.len() >= target {
            return Some((lattice, squares));
        }
        side *= 0.99;
    }
    None
}

fn add_part(lattice: &Lattice, part: &Shape, squares: &mut BTreeSet<Square>) {
    let Some([west, south, east, north]) = part.bounds() else { return };
    let (first, last) = (lattice.square_at(west, south), lattice.square_at(east, north));
    let all = (first.0..=last.0).flat_map(|x| (first.1..=last.1).map(move |y| (x, y)));
    let before = squares.len();
    squares.extend(all.filter(|&square| {
        let centre = lattice.centre(square);
        part.place(centre.lon, centre.lat) != Place::Outside
    }));
    if squares.len() == before {
        squares.insert(lattice.square_at((west + east) / 2.0, (south + north) / 2.0));
    }
}

/// Adds every square that is walled in on all sides, walking from the outside over edges, not corners.
fn fill_holes(squares: &mut BTreeSet<Square>) {
    let Some(&(mut west, mut south)) = squares.first() else { return };
    let (mut east, mut north) = (west, south);
    for &(x, y) in squares.iter() {
        (west, south, east, north) = (west.min(x), south.min(y), east.max(x), north.max(y));
    }
    let (wide, high) = ((east - west + 3) as usize, (north - south + 3) as usize);
    let place = |x: i64, y: i64| (y - south + 1) as usize * wide + (x - west + 1) as usize;
    let mut known = vec![false; wide * high];
    squares.iter().for_each(|&(x, y)| known[place(x, y)] = true);
    let mut walk = VecDeque::from([(west - 1, south - 1)]);
    known[0] = true;
    while let Some((x, y)) = walk.pop_front() {
        for (x, y) in [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)] {
            let within = (west - 1..=east + 1).contains(&x) && (south - 1..=north + 1).contains(&y);
            if within && !known[place(x, y)] {
                known[place(x, y)] = true;
                walk.push_back((x, y));
            }
        }
    }
    squares.extend(
        (west..=east)
            .flat_map(|x| (south..=north).map(move |y| (x, y)))
            .filter(|&(x, y)| !known[place(x, y)]),
    );
}

/// A square that a seed holds; the farthest one is the greatest.
#[derive(PartialEq)]
struct Held(f64, usize);

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

/// The owner of each square, as an index into `seeds`; there are at least as many squares as seeds.
///
/// First every seed takes the nearest free square. Then each further square asks the nearest seed; a full seed
/// keeps the nearer squares and sends the farthest on to its next seed. This ends in the one sharing-out in which
/// no square and seed would both rather have each other.
fn share_out(lattice: &Lattice, squares: &[Square], seeds: &[&Seed]) -> Vec<usize> {
    let mut owners: Vec<Option<usize>> = vec![None; squares.len()];
    for (s, seed) in seeds.iter().enumerate() {
        let free = (0..squares.len()).filter(|&q| owners[q].is_none());
        let nearest = free.map(|q| Held(lattice.distance2(squares[q], seed.at), q)).min();
        if let Some(Held(_, q)) = nearest {
            owners[q] = Some(s);
        }
    }
    let mut held: Vec<BinaryHeap<Held>> = seeds.iter().map(|_| BinaryHeap::new()).collect();
    let mut asking: Vec<(usize, Option<Held>)> =
        (0..squares.len()).filter(|&q| owners[q].is_none()).map(|q| (q, None)).collect();
    while let Some((q, refused_by)) = asking.pop() {
        let ranked =
            seeds.iter().enumerate().map(|(s, seed)| Held(lattice.distance2(squares[q], seed.at), s));
        let Some(Held(far, s)) = ranked.filter(|seed| refused_by.as_ref().is_none_or(|r| seed > r)).min()
        else {
            continue;
        };
        held[s].push(Held(far, q));
        if held[s].len() >= MOST_PER_COMMUNITY
            && let Some(Held(far, q)) = held[s].pop()
        {
            asking.push((q, Some(Held(far, s))));
        }
    }
    for (s, squares) in held.into_iter().enumerate() {
        squares.into_iter().for_each(|Held(_, q)| owners[q] = Some(s));
    }
    // There is room for every square, so none is left without an owner.
    owners.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use geo::{LineString, MultiPolygon, Polygon};
    use proptest::prelude::*;

    use super::*;
    use crate::geo::check_mesh;

    fn at(lon: f64, lat: f64) -> LonLat {
        LonLat { lon, lat }
    }

    /// A horseshoe, whose arms nearly meet, and an islet.
    fn outline() -> Vec<Vec<LonLat>> {
        let main = [
            (118.05, 24.42),
            (118.15, 24.42),
            (118.17, 24.50),
            (118.1105, 24.50),
            (118.1105, 24.46),
            (118.12, 24.45),
            (118.10, 24.45),
            (118.1095, 24.46),
            (118.1095, 24.50),
            (118.06, 24.49),
        ];
        let islet = [(118.185, 24.45), (118.1851, 24.45), (118.1851, 24.4501)];
        vec![main.map(|(x, y)| at(x, y)).to_vec(), islet.map(|(x, y)| at(x, y)).to_vec()]
    }

    fn seeds(n: usize) -> Vec<Seed> {
        (0..n)
            .map(|k| Seed {
                community_code: format!("350203{k:06}"),
                at: at(118.05 + 0.12 * (k as f64 * 0.618).fract(), 24.42 + 0.08 * (k as f64 * 0.377).fract()),
            })
            .collect()
    }

    fn check(cells: &[SynthCell], seeds: usize, target: usize) {
        assert!(cells.len() >= target, "{} cells of {target}", cells.len());
        let mut counts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for cell in cells {
            assert_eq!(cell.code[..12], cell.community_code);
            counts.entry(&cell.community_code).or_default().push(&cell.code[12..]);
            assert_eq!(cell.ring.first(), cell.ring.last());
        }
        assert_eq!(counts.len(), seeds);
        for numbers in counts.values() {
            let expected: Vec<String> = (1..=numbers.len()).map(|k| format!("{k:02}")).collect();
            assert_eq!(*numbers, expected, "01 to 99 at most");
        }
        let areas: Vec<_> = cells
            .iter()
            .map(|cell| {
                let ring: LineString<f64> = cell.ring.iter().map(|p| (p.lon, p.lat)).collect();
                (cell.code.clone(), MultiPolygon(vec![Polygon::new(ring, vec![])]))
            })
            .collect();
        assert_eq!(check_mesh(&areas, 0.5), vec![]);
    }

    #[test]
    fn a_demonstration_mesh_is_clean() {
        let cells = synthesize(&outline(), &seeds(98), 1_000);
        check(&cells, 98, 1_000);
        assert!(cells.len() < 1_100, "{}", cells.len());
        let islet = cells.iter().filter(|cell| cell.ring[0].lon > 118.18).count();
        assert_eq!(islet, 1);
        let mut shuffled = seeds(98);
        shuffled.reverse();
        assert_eq!(synthesize(&outline(), &shuffled, 1_000), cells);
    }

    #[test]
    fn numbers_run_as_one_reads() {
        let square = vec![vec![at(118.0, 24.0), at(118.01, 24.0), at(118.01, 24.01), at(118.0, 24.01)]];
        let cells = synthesize(&square, &seeds(1), 9);
        let corners: Vec<(f64, f64)> =
            cells.iter().map(|cell| (-cell.ring[0].lat, cell.ring[0].lon)).collect();
        assert!(corners.is_sorted(), "{corners:?}");
        assert_eq!(cells[0].code, "35020300000001");
        let expected = cells[0].ring[0].lat;
        assert!(cells.iter().all(|cell| cell.ring[0].lat <= expected));
    }

    #[test]
    fn capacity_bounds_the_mesh_and_crowded_seeds_share() {
        // All seeds in one corner: nearest alone would give nearly everything to one of them.
        let mut crowd = seeds(5);
        for (k, seed) in crowd.iter_mut().enumerate() {
            seed.at = at(118.05 + k as f64 * 1e-5, 24.42);
        }
        check(&synthesize(&outline(), &crowd, 400), 5, 400);
        let full = synthesize(&outline(), &crowd, 10_000);
        check(&full, 5, 495);
        assert_eq!(full.len(), 495);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(synthesize(&[], &seeds(3), 100), vec![]);
        assert_eq!(synthesize(&outline(), &[], 100), vec![]);
        assert_eq!(synthesize(&[vec![at(f64::NAN, 1.0), at(1.0, f64::INFINITY)]], &seeds(3), 100), vec![]);
        assert_eq!(synthesize(&[vec![at(1.0, 1.0), at(2.0, 2.0)]], &seeds(3), 100), vec![]);
        let sliver = vec![vec![at(110.0, 20.0), at(120.0, 30.0), at(120.0, 30.000_001)]];
        assert_eq!(synthesize(&sliver, &seeds(3), 100), vec![]);
        let lost = Seed { community_code: "350203000000".into(), at: at(f64::NAN, 24.0) };
        assert_eq!(synthesize(&outline(), &[lost], 100), vec![]);
        check(&synthesize(&outline(), &seeds(7), 0), 7, 7);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn any_mesh_is_clean(n in 1..20_usize, target in 1..300_usize) {
            check(&synthesize(&outline(), &seeds(n), target), n, target.min(n * 99));
        }
    }
}
