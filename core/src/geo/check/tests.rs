use geo::{LineString, Polygon};
use proptest::prelude::*;

use super::*;

/// A rectangle in hundred-metre-like steps of 0.001 degrees from 118.1, 24.4.
fn block(west: f64, south: f64, east: f64, north: f64) -> MultiPolygon<f64> {
    let at = |x: f64, y: f64| (118.1 + x * 0.001, 24.4 + y * 0.001);
    let ring = vec![at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)];
    MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])])
}

fn lattice(n: u32) -> Vec<(String, MultiPolygon<f64>)> {
    (0..n * n)
        .map(|k| {
            let (x, y) = (f64::from(k % n), f64::from(k / n));
            (format!("{k:04}"), block(x, y, x + 1.0, y + 1.0))
        })
        .collect()
}

fn kinds(findings: &[MeshFinding]) -> Vec<(FindingKind, Vec<&str>)> {
    findings.iter().map(|f| (f.kind, f.codes.iter().map(String::as_str).collect())).collect()
}

const BLOCK_M2: f64 = 111.195 * 111.195 * 0.910_7;

#[test]
fn a_lattice_is_clean_and_an_empty_mesh_too() {
    assert_eq!(check_mesh(&lattice(12), 0.5), vec![]);
    assert_eq!(check_mesh(&[], 0.5), vec![]);
    assert_eq!(check_mesh(&lattice(12), f64::NAN), vec![]);
}

#[test]
fn a_missing_cell_is_a_gap_and_one_on_the_rim_is_not() {
    let mut cells = lattice(5);
    cells.remove(12);
    cells.remove(0);
    let found = check_mesh(&cells, 1.0);
    let around = ["0006", "0007", "0008", "0011", "0013", "0016", "0017", "0018"];
    assert_eq!(kinds(&found), vec![(FindingKind::Gap, around.to_vec())]);
    assert!((found[0].area_m2 - BLOCK_M2).abs() < 10.0, "{}", found[0].area_m2);
    let at = found[0].at.unwrap();
    assert!((at.lon - 118.1025).abs() < 1e-6 && (at.lat - 24.4025).abs() < 1e-6);
    assert_eq!(check_mesh(&cells, 20_000.0), vec![]);
}

#[test]
fn overlaps_and_repeated_codes() {
    let mut cells = lattice(3);
    cells[4].1 = block(1.0, 1.0, 2.25, 2.0);
    cells[8].0 = "0007".into();
    let found = check_mesh(&cells, 1.0);
    assert_eq!(
        kinds(&found),
        vec![(FindingKind::DuplicateCode, vec!["0007"]), (FindingKind::Overlap, vec!["0004", "0005"])]
    );
    assert!((found[1].area_m2 - BLOCK_M2 / 4.0).abs() < 5.0);
    cells.reverse();
    assert_eq!(check_mesh(&cells, 1.0), found, "the order of the cells changes nothing");
}

#[test]
fn broken_cells_are_named_and_do_not_stop_the_rest() {
    let mut cells = lattice(3);
    let raw = |points: Vec<(f64, f64)>| MultiPolygon(vec![Polygon::new(points.into(), vec![])]);
    cells[0].1 = MultiPolygon(vec![]);
    cells[1].1 = raw(vec![(f64::NAN, 0.0), (1.0, 0.0), (1.0, 1.0)]);
    cells[2].1 = raw(vec![(118.1, 24.4), (118.2, 24.5), (118.2, 24.4), (118.1, 24.5)]);
    cells[3].1 = raw((0..=20_000).map(|i| (118.1 + f64::from(i % 7) * 1e-3, 24.4)).collect());
    cells.push(("0009".into(), block(2.0, 2.0, 3.0, 3.0)));
    assert_eq!(
        kinds(&check_mesh(&cells, 1.0)),
        vec![
            (FindingKind::NoArea, vec!["0000"]),
            (FindingKind::NotFinite, vec!["0001"]),
            (FindingKind::SelfIntersection, vec!["0002"]),
            (FindingKind::TooManyPoints, vec!["0003"]),
            (FindingKind::Overlap, vec!["0008", "0009"]),
        ]
    );
}

#[test]
fn sizes_are_bounded() {
    let one = block(0.0, 0.0, 1.0, 1.0);
    let many: Vec<_> = (0..=MAX_CELLS).map(|k| (k.to_string(), MultiPolygon(vec![]))).collect();
    assert_eq!(check_mesh(&many, 1.0)[0].kind, FindingKind::MeshTooLarge);
    let same: Vec<_> = (0..200).map(|k| (format!("{k:03}"), one.clone())).collect();
    let found = check_mesh(&same, 1.0);
    assert_eq!(found.len(), MAX_FINDINGS + 1);
    assert_eq!(found[MAX_FINDINGS].kind, FindingKind::MoreFindings);
}

/// A comb of n teeth that run east, or north if turned.
fn comb(n: u32, turned: bool) -> MultiPolygon<f64> {
    let teeth = (0..n).flat_map(|i| {
        let y = f64::from(i);
        [(0.0, y), (f64::from(n), y), (f64::from(n), y + 0.5), (0.0, y + 0.5)]
    });
    let mut ring: Vec<(f64, f64)> = teeth.collect();
    ring.extend([(-1.0, f64::from(n)), (-1.0, 0.0)]);
    let place = |(x, y): (f64, f64)| {
        if turned { (118.1 + y * 1e-5, 24.4 + x * 1e-5) } else { (118.1 + x * 1e-5, 24.4 + y * 1e-5) }
    };
    let ring: LineString<f64> = ring.into_iter().map(place).collect();
    MultiPolygon(vec![Polygon::new(ring, vec![])])
}

#[test]
fn crossed_combs_are_counted_before_they_are_overlaid() {
    let cells = [("1".to_owned(), comb(40, false)), ("2".to_owned(), comb(40, true))];
    let mut findings = Vec::new();
    let sound = sound_cells(&cells, &mut findings);
    assert_eq!((sound.len(), findings.len()), (2, 0), "each comb by itself is sound");
    let common = common_box(sound[0].bounds, sound[1].bounds);
    assert!(entanglement(&sound[0], &sound[1], common, u64::MAX) >= 80 * 80, "each side of each tooth");
    let broken_off = entanglement(&sound[0], &sound[1], common, 500);
    assert!((501..1_500).contains(&broken_off), "{broken_off}");
    let found = check_mesh(&cells, 1.0);
    assert_eq!(found[0].kind, FindingKind::Overlap);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_rings_never_panic(
        cells in prop::collection::vec(prop::collection::vec((0..9_u8, 0..9_u8), 0..9), 0..7),
        far in prop::sample::select(vec![1.0, 1e-9, 10.0, 1e300, f64::NAN])
    ) {
        let cells: Vec<_> = cells.iter().enumerate().map(|(k, points)| {
            let ring: Vec<(f64, f64)> =
                points.iter().map(|&(x, y)| (f64::from(x) * far, f64::from(y))).collect();
            (k.to_string(), MultiPolygon(vec![Polygon::new(ring.into(), vec![])]))
        }).collect();
        for found in check_mesh(&cells, 0.0) {
            prop_assert!(found.area_m2 >= 0.0);
        }
    }

    #[test]
    fn pushing_one_corner_is_found(k in 0..9_usize, dx in 0.1..0.4_f64, dy in 0.1..0.4_f64) {
        // Only one of the four cells at the corner follows: an overlap, and no gap larger than it.
        let mut cells = lattice(4);
        let cell = k / 3 * 4 + k % 3;
        let (x, y) = ((cell % 4) as f64, (cell / 4) as f64);
        let at = |x: f64, y: f64| (118.1 + x * 0.001, 24.4 + y * 0.001);
        let ring = vec![at(x, y), at(x + 1.0, y), at(x + 1.0 + dx, y + 1.0 + dy), at(x, y + 1.0)];
        cells[cell].1 = MultiPolygon(vec![Polygon::new(ring.into(), vec![])]);
        let found = check_mesh(&cells, 1.0);
        prop_assert!(!found.is_empty());
        let code = format!("{cell:04}");
        let only_it = found.iter().all(|f| f.kind == FindingKind::Overlap && f.codes.contains(&code));
        prop_assert!(only_it, "{:?}", found);
        let land: f64 = found.iter().map(|f| f.area_m2).sum();
        prop_assert!((land - BLOCK_M2 * (dx + dy) / 2.0).abs() < 20.0, "{}", land);
    }
}
