use geo::{LineString, Polygon};
use proptest::prelude::*;

use super::*;
use crate::geo::distance_m;

fn cell(code: &str, ring: &[(f64, f64)]) -> MeshCell {
    let polygon = Polygon::new(ring.iter().copied().collect::<LineString<f64>>(), vec![]);
    MeshCell { code: code.to_owned(), unit: 1, area: MultiPolygon(vec![polygon]) }
}

/// An n by n lattice of slightly slanted cells of 0.001 degrees from 118.1, 24.4; codes run along the rows.
fn lattice(n: u32) -> Vec<MeshCell> {
    (0..n * n)
        .map(|k| {
            let (x, y) = (k % n, k / n);
            let ring = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)].map(|(x, y)| corner(x, y));
            cell(&format!("{k:04}"), &ring)
        })
        .collect()
}

fn corner(x: u32, y: u32) -> (f64, f64) {
    let (x, y) = (f64::from(x), f64::from(y));
    (118.1 + x * 0.001 + y * 1e-4, 24.4 + y * 0.001 - x * 1e-4)
}

fn code<'a>(located: &Located<'a>) -> Option<&'a str> {
    located.cell().map(|cell| cell.code.as_str())
}

fn at((lon, lat): (f64, f64)) -> LonLat {
    LonLat { lon, lat }
}

/// The nearest cells by measuring every edge, metres; an independent formula along the edges.
fn brute_force(cells: &[MeshCell], p: LonLat) -> Vec<(f64, &str)> {
    let squeeze = p.lat.to_radians().cos();
    let local = |c: geo::Coord<f64>| geo::Point::new((c.x - p.lon) * squeeze, c.y - p.lat);
    let mut all: Vec<(f64, &str)> = cells
        .iter()
        .map(|cell| {
            let distances = cell.area.iter().flat_map(|polygon| polygon.exterior().lines()).map(|line| {
                use geo::{Distance, Euclidean};
                let line = geo::Line::new(local(line.start), local(line.end));
                Euclidean.distance(&geo::Point::new(0.0, 0.0), &line) * METRES_PER_DEGREE
            });
            (distances.fold(f64::INFINITY, f64::min), cell.code.as_str())
        })
        .collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

#[test]
fn borders_and_corners_go_to_the_smallest_code() {
    let mesh = Mesh::build(lattice(4));
    for (x, y, expected) in [(0, 0, "0000"), (1, 0, "0000"), (1, 1, "0000"), (2, 2, "0005"), (4, 4, "0015")] {
        assert_eq!(code(&mesh.locate(at(corner(x, y)), 0.0)), Some(expected), "{x} {y}");
    }
    // An axis-parallel border, where points lie on it exactly.
    let west = cell("9", &[(118.0, 24.0), (118.5, 24.0), (118.5, 24.5), (118.0, 24.5)]);
    let east = cell("1", &[(118.5, 24.0), (119.0, 24.0), (119.0, 24.5), (118.5, 24.5)]);
    for cells in [vec![west.clone(), east.clone()], vec![east, west]] {
        let mesh = Mesh::build(cells);
        assert_eq!(code(&mesh.locate(at((118.5, 24.3)), 0.0)), Some("1"));
        assert_eq!(code(&mesh.locate(at((118.499_999_999, 24.3)), 0.0)), Some("9"));
        assert!(matches!(mesh.locate(at((118.5, 24.0)), 0.0), Located::Inside(_)));
    }
}

#[test]
fn holes_and_outside() {
    let outer = vec![(118.0, 24.0), (118.1, 24.0), (118.1, 24.1), (118.0, 24.1)];
    let hole = vec![(118.04, 24.04), (118.06, 24.04), (118.06, 24.06), (118.04, 24.06)];
    let area = MultiPolygon(vec![Polygon::new(outer.into(), vec![hole.into()])]);
    let mesh = Mesh::build(vec![MeshCell { code: "1".into(), unit: 7, area }]);
    assert!(matches!(mesh.locate(at((118.02, 24.05)), REACH_M), Located::Inside(cell) if cell.unit == 7));
    let Located::Outside { nearest_m: Some(metres) } = mesh.locate(at((118.05, 24.05)), REACH_M) else {
        panic!("the middle of the hole lies outside");
    };
    assert!((metres - 1015.5).abs() < 1.0, "{metres}");
    let Located::Near { distance_m: metres, .. } = mesh.locate(at((118.05, 24.041)), REACH_M) else {
        panic!("within reach of the hole's rim");
    };
    assert!((metres - 111.2).abs() < 0.1, "{metres}");
    let Located::Outside { nearest_m: Some(far) } = mesh.locate(at((2.35, 48.86)), f64::NAN) else {
        panic!("Paris is outside");
    };
    assert!(far > 5e6 && far.is_finite());
    assert!(matches!(mesh.locate(at((2.35, 48.86)), f64::INFINITY), Located::Near { .. }));
    for p in [(f64::NAN, 24.0), (118.0, f64::INFINITY)] {
        assert_eq!(mesh.locate(at(p), REACH_M), Located::Outside { nearest_m: None });
    }
    assert_eq!(Mesh::build(vec![]).locate(at((118.0, 24.0)), 1e9), Located::Outside { nearest_m: None });
}

#[test]
fn equal_distances_go_to_the_smallest_code() {
    // The nearest point is a corner that two cells share, reached over different edges.
    let mut cells = lattice(2);
    cells[1].code = "0000".into();
    cells[0].code = "0001".into();
    let (x, y) = corner(1, 0);
    let p = at((x + 1e-5, y - 4e-4));
    for _ in 0..cells.len() {
        cells.rotate_left(1);
        assert_eq!(code(&Mesh::build(cells.clone()).locate(p, REACH_M)), Some("0000"));
    }
}

#[test]
fn broken_areas_do_no_harm() {
    let cells = vec![
        cell("1", &[]),
        cell("2", &[(f64::NAN, 1.0), (1.0, f64::NAN), (2.0, 2.0)]),
        cell("3", &[(1e300, 1e300), (-1e300, 1e300), (0.0, -1e300)]),
        cell("4", &[(1.0, 1.0)]),
    ];
    let mesh = Mesh::build(cells);
    assert_eq!(mesh.cells().len(), 4);
    for p in [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (1e300, -1e300), (0.0, 90.0)] {
        let _ = mesh.locate(at(p), f64::INFINITY);
    }
    assert_eq!(
        code(&mesh.locate(at((1.0, 1.0)), 0.0)),
        Some("3"),
        "a point of the degenerate cell 4 as well"
    );
}

proptest! {
    #[test]
    fn every_inner_point_locates_to_its_cell(k in 0..36_u32, u in 0.001..0.999_f64, v in 0.001..0.999_f64) {
        let ((x, y), (right, down), (left, up)) =
            (corner(k % 6, k / 6), corner(k % 6 + 1, k / 6), corner(k % 6, k / 6 + 1));
        let p = at((x + u * (right - x) + v * (left - x), y + u * (down - y) + v * (up - y)));
        let mesh = Mesh::build(lattice(6));
        let expected = format!("{k:04}");
        prop_assert!(matches!(mesh.locate(p, 0.0), Located::Inside(cell) if cell.code == expected));
    }

    #[test]
    fn no_point_of_the_hull_falls_between_cells(u in 0.0..1.0_f64, v in 0.0..1.0_f64, edge in any::<bool>()) {
        // Half of the points are put as near to a border as numbers get.
        let v = if edge { (v * 6.0).round() / 6.0 } else { v };
        let (x, y) = (u * 6.0, v * 6.0);
        let p = at((118.1 + x * 0.001 + y * 1e-4, 24.4 + y * 0.001 - x * 1e-4));
        let cells = lattice(6);
        let holding = cells.iter().map(|cell| Shape::of(&cell.area).place(p.lon, p.lat));
        let (mut inside, mut border) = (0, 0);
        for place in holding {
            inside += u32::from(place == Place::Inside);
            border += u32::from(place == Place::Border);
        }
        let rim = !(0.001..5.999).contains(&x) || !(0.001..5.999).contains(&y);
        prop_assert!(inside == 1 && border == 0 || inside == 0 && (border >= 2 || rim), "{} {}", inside, border);
        prop_assert!(Mesh::build(cells).locate(p, 0.01).cell().is_some());
    }

    #[test]
    fn the_order_of_cells_makes_no_difference(
        order in Just(lattice(4)).prop_shuffle(), x in 0..10_u32, y in 0..10_u32, east in -1e-3..1e-3_f64
    ) {
        let (lon, lat) = corner(x, y);
        let (straight, shuffled) = (Mesh::build(lattice(4)), Mesh::build(order));
        for p in [at((lon, lat)), at((lon + east, lat))] {
            prop_assert_eq!(straight.locate(p, 300.0), shuffled.locate(p, 300.0));
        }
    }

    #[test]
    fn near_equals_brute_force(lon in 118.08..118.12_f64, lat in 24.38..24.42_f64, reach in 0.0..3000.0_f64) {
        let cells = lattice(5);
        let mesh = Mesh::build(cells.clone());
        let p = at((lon, lat));
        let measured = brute_force(&cells, p);
        match mesh.locate(p, reach) {
            Located::Inside(cell) => {
                prop_assert_eq!(cells.iter().filter(|c| Shape::of(&c.area).place(lon, lat) != Place::Outside).map(|c| &c.code).min(), Some(&cell.code));
            }
            Located::Near { cell, distance_m } => {
                prop_assert!((distance_m - measured[0].0).abs() < 1e-5 && distance_m <= reach);
                let first = measured.iter().take_while(|m| m.0 < measured[0].0 + 1e-7).map(|m| m.1).min();
                prop_assert_eq!(first, Some(cell.code.as_str()));
            }
            Located::Outside { nearest_m } => {
                let nearest_m = nearest_m.unwrap();
                prop_assert!((nearest_m - measured[0].0).abs() < 1e-5 && nearest_m > reach);
            }
        }
    }
}

#[test]
fn metres_agree_with_the_sphere() {
    let mesh = Mesh::build(lattice(3));
    let (lon, lat) = corner(0, 0);
    let p = at((lon - 5e-4, lat - 5e-4));
    let Located::Near { distance_m: metres, .. } = mesh.locate(p, REACH_M) else { panic!("within reach") };
    assert!((metres - distance_m(p, at((lon, lat)))).abs() < 0.01, "{metres}");
}
