//! The map as GeoJSON (RFC 7946).

use serde::Serialize;
use utoipa::ToSchema;

/// Tickets by squares.
#[derive(Debug, Serialize, ToSchema)]
pub struct Clusters {
    /// Always `FeatureCollection`.
    #[schema(example = "FeatureCollection")]
    r#type: &'static str,
    /// The level of the squares: the earth has 2 to the power of it columns.
    level: u8,
    /// The datum of all positions.
    datum: &'static str,
    /// The squares that have tickets.
    features: Vec<Cluster>,
}

impl Clusters {
    /// A collection.
    pub fn new(level: u8, datum: &'static str, features: Vec<Cluster>) -> Self {
        Self { r#type: "FeatureCollection", level, datum, features }
    }
}

/// The tickets of a square.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cluster {
    /// Always `Feature`.
    #[schema(example = "Feature")]
    r#type: &'static str,
    /// Where they are shown.
    geometry: ClusterPoint,
    /// How many they are.
    properties: ClusterNumbers,
}

/// A point.
#[derive(Debug, Serialize, ToSchema)]
struct ClusterPoint {
    /// Always `Point`.
    #[schema(example = "Point")]
    r#type: &'static str,
    /// Longitude and latitude.
    coordinates: [f64; 2],
}

/// Numbers of a square.
#[derive(Debug, Serialize, ToSchema)]
struct ClusterNumbers {
    /// How many tickets.
    count: i64,
    /// How many of them are open.
    open: i64,
    /// The count as a part of that of the fullest square, for colours of heat.
    share: f64,
    /// The square: west, south, east, north.
    square: [f64; 4],
}

impl Cluster {
    /// A square with (all, open) tickets.
    pub fn new(coordinates: [f64; 2], square: [f64; 4], (count, open): (i64, i64), share: f64) -> Self {
        Self {
            r#type: "Feature",
            geometry: ClusterPoint { r#type: "Point", coordinates },
            properties: ClusterNumbers { count, open, share, square },
        }
    }
}
