//! Places by squares, so that what lies around a point is found by an index.

use crate::geo::LonLat;

/// Squares of a degree: at 25° north one is 222 m high and 202 m wide. The index of the tickets has the same number.
const SQUARES: f64 = 500.0;
const ROW: i64 = 1_000_000;
/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_195.0;

/// The numbers of the squares that a circle around a place may touch; for 150 m at most nine up to 48° north, and
/// twelve up to 60°.
pub fn tiles_around(at: LonLat, radius_m: f64) -> Vec<i64> {
    let high = radius_m / DEGREE_M;
    // At the pole a degree of longitude is nothing; no district lies there.
    let wide = high / at.lat.to_radians().cos().max(0.1);
    let span = |middle: f64, reach: f64| square(middle - reach)..=square(middle + reach);
    span(at.lat, high).flat_map(|row| span(at.lon, wide).map(move |column| row * ROW + column)).collect()
}

fn square(degrees: f64) -> i64 {
    (degrees * SQUARES).round() as i64
}

/// A place to be shown to everybody: to about ten metres.
pub fn rounded(at: LonLat) -> LonLat {
    let round = |degrees: f64| (degrees * 10_000.0).round() / 10_000.0;
    LonLat { lon: round(at.lon), lat: round(at.lat) }
}
