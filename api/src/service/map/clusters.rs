//! Tickets by squares, as GeoJSON.

use suishoupai_core::geo::{Datum, LonLat};
use suishoupai_core::model::District;
use suishoupai_storage::db::counts::{self, Cell, Window, side};

use super::{Bounds, Eyes, Wanted, in_datum, level, to_wgs84};
use crate::fail::Fail;
use crate::services::Services;
use crate::view::{Cluster, Clusters};

/// So many squares are answered at the most; a wider view gets larger ones.
const MOST: i64 = 16_384;

/// Where the tickets of a square are shown: in their midst, or where nobody can tell them apart.
pub(super) fn point(cell: &Cell, level: u8, eyes: Eyes) -> LonLat {
    let side = side(level);
    match eyes {
        Eyes::Whole { .. } => {
            let mean = |sum: i64, from: f64| sum as f64 / cell.n as f64 / 1e6 - from;
            LonLat { lon: mean(cell.lon_sum, 180.0), lat: mean(cell.lat_sum, 90.0) }
        }
        Eyes::Public => {
            LonLat { lon: (cell.x as f64 + 0.5) * side - 180.0, lat: (cell.y as f64 + 0.5) * side - 90.0 }
        }
    }
}

/// The squares of a view of the map that have tickets.
///
/// # Errors
/// 404 for a category or district that is not there; the database's.
pub async fn clusters(
    services: &Services,
    district: District,
    eyes: Eyes,
    wanted: &Wanted,
    (bounds, zoom, datum): (Bounds, u8, Datum),
) -> Result<Clusters, Fail> {
    let narrow = wanted.narrow(&services.registry(), district, eyes)?;
    let bounds = to_wgs84(bounds, datum);
    let mut window = Window::around(level(zoom, narrow.finest()), bounds);
    while window.squares() > MOST && window.level > counts::COARSEST {
        window = Window::around(window.level - 2, bounds);
    }
    let level = window.level;
    let cells = services.db.read(move |conn| counts::cells(conn, district, window, &narrow)).await?;
    let fullest = cells.iter().map(|cell| cell.n).max().unwrap_or(1);
    let side = side(level);
    let corner = |x: i64, y: i64| {
        in_datum(LonLat { lon: x as f64 * side - 180.0, lat: y as f64 * side - 90.0 }, datum)
    };
    let feature = |cell: &Cell| {
        let (lon, lat) = in_datum(point(cell, level, eyes), datum);
        let ((west, south), (east, north)) = (corner(cell.x, cell.y), corner(cell.x + 1, cell.y + 1));
        Cluster::new(
            [lon, lat],
            [west, south, east, north],
            (cell.n, cell.open),
            cell.n as f64 / fullest as f64,
        )
    };
    Ok(Clusters::new(level, datum.as_str(), cells.iter().map(feature).collect()))
}
