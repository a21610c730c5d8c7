//! A point in WGS-84, and a point as somebody sent it.

use serde::{Deserialize, Serialize};

use super::datum::{Datum, convert};

/// The earth's mean radius (IUGG), metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A point in WGS-84 degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LonLat {
    /// Longitude, degrees east.
    pub lon: f64,
    /// Latitude, degrees north.
    pub lat: f64,
}

impl LonLat {
    /// This point in another datum.
    pub fn in_datum(self, datum: Datum) -> Coordinate {
        let (lon, lat) = convert(self.lon, self.lat, Datum::Wgs84, datum);
        Coordinate { lon, lat, datum }
    }
}

/// A point in degrees of a stated datum, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "Unchecked")]
pub struct Coordinate {
    /// Longitude, degrees east.
    pub lon: f64,
    /// Latitude, degrees north.
    pub lat: f64,
    /// The datum of both.
    pub datum: Datum,
}

impl Coordinate {
    /// The coordinate, if it is one.
    ///
    /// # Errors
    /// Values that are not finite, a longitude beyond 180 degrees, a latitude beyond 90 degrees, and a pair that
    /// is in range only as a place in the Arctic but would lie in China with the axes exchanged.
    pub fn new(lon: f64, lat: f64, datum: Datum) -> Result<Self, CoordinateError> {
        if !lon.is_finite() || !lat.is_finite() {
            return Err(CoordinateError::NotFinite);
        }
        // Kashgar exchanged is 39.5 E 76.0 N, which is in range: nothing else would catch it.
        if (3.0..=54.0).contains(&lon) && (73.0..=136.0).contains(&lat) {
            return Err(CoordinateError::AxesSwapped { lon, lat });
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(CoordinateError::Longitude { lon });
        }
        if !(-90.0..=90.0).contains(&lat) {
            return Err(CoordinateError::Latitude { lat });
        }
        Ok(Self { lon, lat, datum })
    }

    /// This point in WGS-84.
    pub fn to_wgs84(&self) -> LonLat {
        let (lon, lat) = convert(self.lon, self.lat, self.datum, Datum::Wgs84);
        LonLat { lon, lat }
    }
}

/// Why a pair of numbers is not a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CoordinateError {
    /// Infinite or not a number.
    #[error("longitude and latitude must be finite numbers")]
    NotFinite,
    /// Latitude first.
    #[error(
        "the axes look swapped: longitude {lon}, latitude {lat}; send the longitude as lon and the latitude as lat"
    )]
    AxesSwapped {
        /// What was sent as the longitude, degrees.
        lon: f64,
        /// What was sent as the latitude, degrees.
        lat: f64,
    },
    /// Longitude out of range.
    #[error("the longitude {lon} is not between -180 and 180 degrees")]
    Longitude {
        /// What was sent, degrees.
        lon: f64,
    },
    /// Latitude out of range.
    #[error("the latitude {lat} is not between -90 and 90 degrees")]
    Latitude {
        /// What was sent, degrees.
        lat: f64,
    },
}

/// A coordinate before its check, for reading.
#[derive(Deserialize)]
struct Unchecked {
    lon: f64,
    lat: f64,
    datum: Datum,
}

impl TryFrom<Unchecked> for Coordinate {
    type Error = CoordinateError;

    fn try_from(raw: Unchecked) -> Result<Self, CoordinateError> {
        Coordinate::new(raw.lon, raw.lat, raw.datum)
    }
}

/// Distance over a sphere of mean radius, metres (haversine; within 0.6 % of the ellipsoid). It means nothing for
/// coordinates that are not finite.
pub fn distance_m(a: LonLat, b: LonLat) -> f64 {
    let sin_lat = ((b.lat - a.lat).to_radians() / 2.0).sin();
    let sin_lon = ((b.lon - a.lon).to_radians() / 2.0).sin();
    let h = sin_lat * sin_lat + a.lat.to_radians().cos() * b.lat.to_radians().cos() * sin_lon * sin_lon;
    2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
}

/// Metres in a degree of latitude, on the same sphere as [`distance_m`].
pub(super) const METRES_PER_DEGREE: f64 = EARTH_RADIUS_M * std::f64::consts::PI / 180.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bad_pairs_are_refused_with_what_to_mend() {
        let new = |lon, lat| Coordinate::new(lon, lat, Datum::Gcj02);
        assert_eq!(new(f64::NAN, 24.0), Err(CoordinateError::NotFinite));
        assert_eq!(new(118.0, f64::INFINITY), Err(CoordinateError::NotFinite));
        assert_eq!(new(181.0, 24.0), Err(CoordinateError::Longitude { lon: 181.0 }));
        assert_eq!(new(118.0, -90.5), Err(CoordinateError::Latitude { lat: -90.5 }));
        let swapped = new(24.45, 118.08).unwrap_err();
        assert_eq!(swapped, CoordinateError::AxesSwapped { lon: 24.45, lat: 118.08 });
        assert!(swapped.to_string().contains("swapped"));
        assert!(new(39.47, 75.99).is_err(), "Kashgar with its axes exchanged");
        for (lon, lat) in [(118.08, 24.45), (180.0, 90.0), (-180.0, -90.0), (54.5, 80.0), (0.0, 0.0)] {
            assert_eq!(new(lon, lat), Ok(Coordinate { lon, lat, datum: Datum::Gcj02 }));
        }
    }

    #[test]
    fn reading_checks_too() {
        let read = serde_json::from_str::<Coordinate>;
        assert!(read(r#"{"lon":118.08,"lat":24.45,"datum":"bd09"}"#).is_ok());
        assert!(
            read(r#"{"lon":24.45,"lat":118.08,"datum":"bd09"}"#).unwrap_err().to_string().contains("swapped")
        );
        assert!(read(r#"{"lon":118.08,"lat":24.45}"#).is_err(), "a coordinate without a datum");
    }

    #[test]
    fn distances_are_known() {
        let at = |lon, lat| LonLat { lon, lat };
        assert_eq!(distance_m(at(118.0, 24.0), at(118.0, 24.0)), 0.0);
        assert!((distance_m(at(118.0, 24.0), at(118.0, 25.0)) - 111_195.08).abs() < 0.1);
        // Half way round, where rounding could leave the domain of the arc sine.
        assert!((distance_m(at(0.0, 0.0), at(180.0, 0.0)) - 20_015_114.0).abs() < 1.0);
    }

    proptest! {
        #[test]
        fn a_point_survives_any_datum(lon in 73.5..135.1_f64, lat in 18.0..53.6_f64) {
            let here = LonLat { lon, lat };
            for datum in Datum::ALL {
                let sent = here.in_datum(datum);
                prop_assert_eq!(sent.datum, datum);
                prop_assert!(distance_m(sent.to_wgs84(), here) < 0.01);
            }
        }

        #[test]
        fn distance_is_symmetric(a in -180.0..180.0_f64, b in -90.0..90.0_f64, c in -180.0..180.0_f64, d in -90.0..90.0_f64) {
            let (p, q) = (LonLat { lon: a, lat: b }, LonLat { lon: c, lat: d });
            prop_assert!((distance_m(p, q) - distance_m(q, p)).abs() < 1e-6);
        }
    }
}
