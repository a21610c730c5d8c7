//! How many points a second are given to their cells, and converted between datums.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use geo::{LineString, MultiPolygon, Polygon};
use suishoupai_core::geo::{Datum, LonLat, Mesh, MeshCell, REACH_M, check_mesh, convert};

const SIDE: u32 = 100;
const POINTS: usize = 4096;

/// 10,000 cells of about 100 m over Siming. Corners are displaced from the lattice, and every border has two
/// points between its corners, so that boxes overlap and cells have 12 edges, as drawn ones do.
fn cells() -> Vec<MeshCell> {
    let corner = |x: u32, y: u32| {
        let (u, v) = (f64::from(x), f64::from(y));
        let (dx, dy) = ((u * 12.9 + v * 78.2).sin() * 0.2, (u * 39.3 + v * 11.1).sin() * 0.2);
        (118.08 + (u + dx) * 0.001, 24.40 + (v + dy) * 0.001)
    };
    let border = |a: (f64, f64), b: (f64, f64)| {
        // The bend depends on the two ends alone, whichever comes first.
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let bent = |t: f64| {
            let bend = 0.1 * (t * 6.0).sin();
            (low.0 + t * (high.0 - low.0) + bend * (high.1 - low.1), low.1 + t * (high.1 - low.1))
        };
        let (first, second) = (bent(1.0 / 3.0), bent(2.0 / 3.0));
        if a <= b { [a, first, second] } else { [a, second, first] }
    };
    (0..SIDE * SIDE)
        .map(|k| {
            let (x, y) = (k % SIDE, k / SIDE);
            let corners = [corner(x, y), corner(x + 1, y), corner(x + 1, y + 1), corner(x, y + 1)];
            let ring: LineString<f64> =
                (0..4).flat_map(|i| border(corners[i], corners[(i + 1) % 4])).collect();
            MeshCell {
                code: format!("350203{k:08}"),
                unit: i64::from(k),
                area: MultiPolygon(vec![Polygon::new(ring, vec![])]),
            }
        })
        .collect()
}

/// Mixed points: a splitmix generator, so that every run has the same ones.
fn points(lon: f64, lat: f64, wide: f64, high: f64) -> Vec<LonLat> {
    let mut state = 20_261_122_u64;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..POINTS).map(|_| LonLat { lon: lon + wide * next(), lat: lat + high * next() }).collect()
}

fn locate(c: &mut Criterion) {
    let mesh = Mesh::build(cells());
    let inside = points(118.081, 24.401, 0.098, 0.098);
    let beside = points(118.078, 24.401, 0.0017, 0.098);
    let mut group = c.benchmark_group("locate in 10,000 cells");
    group.throughput(Throughput::Elements(POINTS as u64));
    for (name, points) in [("inside", &inside), ("near the rim", &beside)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                points.iter().filter(|&&p| black_box(mesh.locate(p, REACH_M)).cell().is_some()).count()
            });
        });
    }
    group.finish();
}

fn datum(c: &mut Criterion) {
    let points = points(118.05, 24.41, 0.15, 0.09);
    let mut group = c.benchmark_group("datum");
    group.throughput(Throughput::Elements(POINTS as u64));
    for (name, from, to) in [
        ("wgs84 to gcj02", Datum::Wgs84, Datum::Gcj02),
        ("gcj02 to wgs84", Datum::Gcj02, Datum::Wgs84),
        ("bd09 to wgs84", Datum::Bd09, Datum::Wgs84),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| points.iter().map(|p| convert(black_box(p.lon), p.lat, from, to).0).sum::<f64>());
        });
    }
    group.finish();
}

fn check(c: &mut Criterion) {
    let cells: Vec<_> = cells().into_iter().map(|cell| (cell.code, cell.area)).collect();
    let mut group = c.benchmark_group("check_mesh");
    group.sample_size(10);
    group.throughput(Throughput::Elements(cells.len() as u64));
    group.bench_function("10,000 cells of 12 edges", |b| b.iter(|| check_mesh(black_box(&cells), 1.0).len()));
    group.finish();
}

criterion_group!(benches, locate, datum, check);
criterion_main!(benches);
