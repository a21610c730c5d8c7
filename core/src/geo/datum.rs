//! Datums in use on Chinese phones and maps, and the conversions between them.
//!
//! GCJ-02 is WGS-84 with a smooth offset of some hundred metres, BD-09 adds a second one. Neither has an
//! official description; the formulas are the publicly known ones, which agree with the map services within
//! their own noise. The offset is applied by a bounding box and not by an outline of the country: an outline
//! puts a cliff of 580 m wherever it cuts through islets and sea inside a coastal district.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The reference frame that a pair of degrees is given in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Datum {
    /// Satellite receivers, EXIF, HTML5. CGCS2000 (天地图, government surveys) lies within decimetres of it and
    /// counts as the same.
    #[serde(alias = "cgcs2000")]
    Wgs84,
    /// 高德, 腾讯, WeChat's map.
    Gcj02,
    /// 百度.
    Bd09,
}

impl Datum {
    /// All datums.
    pub const ALL: [Datum; 3] = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09];

    /// The word used in files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Datum::Wgs84 => "wgs84",
            Datum::Gcj02 => "gcj02",
            Datum::Bd09 => "bd09",
        }
    }

    /// The datum with this word; `cgcs2000` is read as [`Datum::Wgs84`].
    pub fn parse(word: &str) -> Option<Datum> {
        match word {
            "cgcs2000" => Some(Datum::Wgs84),
            _ => Datum::ALL.into_iter().find(|datum| datum.as_str() == word),
        }
    }
}

/// Degrees (lon, lat) of one datum in another. Outside the box of [`in_china`] all datums are the same.
///
/// The inverse directions are iterated to far below 1 cm; the cost is a few evaluations of the forward formula.
pub fn convert(lon: f64, lat: f64, from: Datum, to: Datum) -> (f64, f64) {
    if from == to || !in_china(lon, lat) {
        return (lon, lat);
    }
    let (lon, lat) = match from {
        Datum::Wgs84 => wgs84_to_gcj02(lon, lat),
        Datum::Gcj02 => (lon, lat),
        Datum::Bd09 => inverse(gcj02_to_bd09, lon, lat),
    };
    match to {
        Datum::Wgs84 => inverse(wgs84_to_gcj02, lon, lat),
        Datum::Gcj02 => (lon, lat),
        Datum::Bd09 => gcj02_to_bd09(lon, lat),
    }
}

/// The box in which map services shift: it holds the whole country and some of its neighbours.
pub fn in_china(lon: f64, lat: f64) -> bool {
    (72.004..=137.8347).contains(&lon) && (0.8293..=55.8271).contains(&lat)
}

/// Semi-major axis of the Krasovsky 1940 ellipsoid, metres.
const AXIS: f64 = 6_378_245.0;
/// Its first eccentricity squared.
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;
const BAIDU_PI: f64 = PI * 3000.0 / 180.0;

fn wgs84_to_gcj02(lon: f64, lat: f64) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let both = wave(20.0, x, 1.0 / 6.0) + wave(20.0, x, 0.5);
    let slow_x = wave(20.0, x, 1.0) + wave(40.0, x, 3.0) + wave(150.0, x, 12.0) + wave(300.0, x, 30.0);
    let slow_y = wave(20.0, y, 1.0) + wave(40.0, y, 3.0) + wave(160.0, y, 12.0) + wave(320.0, y, 30.0);
    let bow = x.abs().sqrt();
    let east = 300.0 + x + 2.0 * y + 0.1 * (x * x + x * y + bow) + (both + slow_x) * 2.0 / 3.0;
    let north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * (y * y + bow) + 0.1 * x * y + (both + slow_y) * 2.0 / 3.0;

    // Metres to degrees by the ellipsoid's two radii of curvature at this latitude.
    let (sin, cos) = lat.to_radians().sin_cos();
    let bend = 1.0 - ECCENTRICITY * sin * sin;
    let meridian = AXIS * (1.0 - ECCENTRICITY) / (bend * bend.sqrt());
    let parallel = AXIS / bend.sqrt() * cos;
    (lon + (east / parallel).to_degrees(), lat + (north / meridian).to_degrees())
}

/// A sine of the offset; its sign changes every `half_period` degrees.
fn wave(amplitude: f64, v: f64, half_period: f64) -> f64 {
    amplitude * (v * PI / half_period).sin()
}

fn gcj02_to_bd09(lon: f64, lat: f64) -> (f64, f64) {
    let radius = lon.hypot(lat) + 0.000_02 * (lat * BAIDU_PI).sin();
    let angle = lat.atan2(lon) + 0.000_003 * (lon * BAIDU_PI).cos();
    (radius * angle.cos() + 0.0065, radius * angle.sin() + 0.006)
}

/// The point that `forward` maps onto (lon, lat). The offsets change by under 3 % of a step, so that each round
/// gains at least a digit and a half; 1e-10 degrees are 0.01 mm.
fn inverse(forward: fn(f64, f64) -> (f64, f64), lon: f64, lat: f64) -> (f64, f64) {
    let (mut x, mut y) = (lon, lat);
    for _ in 0..20 {
        let (to_x, to_y) = forward(x, y);
        let (dx, dy) = (lon - to_x, lat - to_y);
        x += dx;
        y += dy;
        if dx.abs() < 1e-10 && dy.abs() < 1e-10 {
            break;
        }
    }
    (x, y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::{LonLat, distance_m};

    fn apart(a: (f64, f64), b: (f64, f64)) -> f64 {
        distance_m(LonLat { lon: a.0, lat: a.1 }, LonLat { lon: b.0, lat: b.1 })
    }

    fn siming() -> impl Iterator<Item = (f64, f64)> {
        (0..=40).flat_map(|i| {
            (0..=40).map(move |j| (118.05 + 0.15 * f64::from(i) / 40.0, 24.41 + 0.09 * f64::from(j) / 40.0))
        })
    }

    #[test]
    fn words() {
        for datum in Datum::ALL {
            assert_eq!(Datum::parse(datum.as_str()), Some(datum));
            assert_eq!(serde_json::to_value(datum).unwrap(), datum.as_str());
            assert_eq!(serde_json::from_value::<Datum>(datum.as_str().into()).unwrap(), datum);
        }
        assert_eq!(Datum::parse("cgcs2000"), Some(Datum::Wgs84));
        assert_eq!(serde_json::from_str::<Datum>("\"cgcs2000\"").unwrap(), Datum::Wgs84);
        assert_eq!(Datum::parse("WGS84"), None);
        assert_eq!(Datum::parse(""), None);
    }

    #[test]
    fn agrees_with_another_implementation_over_siming() {
        for (lon, lat) in siming() {
            let (their_lat, their_lon) = undrift_gps::wgs_to_gcj(lat, lon);
            let gcj = convert(lon, lat, Datum::Wgs84, Datum::Gcj02);
            assert!(apart(gcj, (their_lon, their_lat)) < 1e-4);

            let (their_lat, their_lon) = undrift_gps::gcj_to_bd(lat, lon);
            let bd = convert(lon, lat, Datum::Gcj02, Datum::Bd09);
            assert!(apart(bd, (their_lon, their_lat)) < 1e-4);

            // Their inverse stops at 1e-7 degrees.
            let (their_lat, their_lon) = undrift_gps::gcj_to_wgs(lat, lon);
            let wgs = convert(lon, lat, Datum::Gcj02, Datum::Wgs84);
            assert!(apart(wgs, (their_lon, their_lat)) < 0.02);

            let (their_lat, their_lon) = undrift_gps::wgs_to_bd(lat, lon);
            let bd = convert(lon, lat, Datum::Wgs84, Datum::Bd09);
            assert!(apart(bd, (their_lon, their_lat)) < 1e-4);
        }
    }

    #[test]
    fn siming_is_shifted_by_583_metres() {
        let shift = |(lon, lat)| apart((lon, lat), convert(lon, lat, Datum::Wgs84, Datum::Gcj02));
        // The district's centre point; over the whole box the shift falls off to the east by ten metres.
        assert!((shift((118.082, 24.4457)) - 583.0).abs() < 0.5);
        for point in siming() {
            assert!((572.0..584.0).contains(&shift(point)), "{} m at {point:?}", shift(point));
        }
    }

    #[test]
    fn the_rest_of_the_world_is_not_shifted() {
        for (lon, lat) in [(2.35, 48.86), (-70.0, -33.0), (0.0, 0.0), (f64::NAN, 24.0)] {
            for from in Datum::ALL {
                for to in Datum::ALL {
                    let (x, y) = convert(lon, lat, from, to);
                    assert!(x.to_bits() == lon.to_bits() && y.to_bits() == lat.to_bits());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn every_round_trip_in_china_returns(lon in 73.5..135.1_f64, lat in 3.8..53.6_f64) {
            for from in Datum::ALL {
                for to in Datum::ALL {
                    let (x, y) = convert(lon, lat, from, to);
                    prop_assert!(apart((lon, lat), (x, y)) < 2500.0);
                    prop_assert!(apart((lon, lat), convert(x, y, to, from)) < 0.001);
                }
            }
        }
    }
}
