//! Tiles of vectors, in the format of Mapbox (MVT): layers `grid`, `tickets` and `clusters`.

use std::collections::HashSet;

use mvt::{GeomEncoder, GeomType, Layer, Tile};
use suishoupai_core::flow::Role;
use suishoupai_core::geo::{Datum, LonLat};
use suishoupai_core::model::{District, UnitId};
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::counts::{self, Cell, Spot, Window};
use suishoupai_storage::db::{Conn, DbError, lists};

use super::clusters::point;
use super::mercator::{EXTENT, bounds, clip, project, whole};
use super::points::{Points, Value};
use super::{Bounds, Eyes, Wanted, in_datum, level, to_wgs84};
use crate::fail::Fail;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::services::Services;

/// From this zoom on the mesh is drawn.
const GRID_FROM: u8 = 10;
/// From this zoom on tickets are shown one by one.
const TICKETS_FROM: u8 = 14;
/// Tickets in a tile at the most.
const MOST: i64 = 10_000;
/// What a tile holds beyond its border, so that lines there are not seen, in its units.
const MARGIN: f64 = 64.0;
/// A converted box is an estimate; degrees by which it is widened.
const WIDER: f64 = 0.0005;

/// A tile of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileId {
    /// Zoom, up to 22.
    pub z: u8,
    /// Column.
    pub x: u32,
    /// Row.
    pub y: u32,
}

impl TileId {
    fn project(self, at: (f64, f64)) -> (f64, f64) {
        project(self.z, self.x, self.y, at)
    }

    /// Whether a point of the tile's units lies in it.
    fn holds((x, y): (f64, f64)) -> bool {
        (0.0..EXTENT).contains(&x) && (0.0..EXTENT).contains(&y)
    }

    /// Its box in the datum of the database.
    fn bounds(self, datum: Datum) -> Bounds {
        let (west, south, east, north) = to_wgs84(bounds(self.z, self.x, self.y), datum);
        let wider = if datum == Datum::Wgs84 { 0.0 } else { WIDER };
        (west - wider, south - wider, east + wider, north + wider)
    }
}

/// The tile as bytes; without an account that of everybody, in which there are no tickets.
///
/// # Errors
/// 404 for a category or district that is not there; the database's.
pub async fn tile(
    services: &Services,
    district: District,
    account: Option<&Account>,
    wanted: &Wanted,
    (id, datum): (TileId, Datum),
) -> Result<Vec<u8>, Fail> {
    let registry = services.registry();
    let now = services.now();
    let eyes = account.map_or(Eyes::Public, |account| Eyes::of(&registry, account, now));
    let narrow = wanted.narrow(&registry, district, eyes)?;
    let bounds = id.bounds(datum);
    let level = level(id.z, narrow.finest());
    let sight = account.filter(|_| id.z >= TICKETS_FROM).map(|account| Sight::of(&registry, account, now));
    let (stage, category) = (wanted.stage, wanted.category.clone());
    let (cells, spots) = services
        .db
        .read(move |conn| {
            let cells = counts::cells(conn, district, Window::around(level, bounds), &narrow)?;
            let spots = match &sight {
                Some(sight) => sight.spots(conn, district, bounds, stage, category.as_deref())?,
                None => Vec::new(),
            };
            Ok::<_, DbError>((cells, spots))
        })
        .await?;
    // Projecting and cutting the mesh takes a while at low zooms.
    let drawn = tokio::task::spawn_blocking(move || {
        draw(&registry, district, (id, datum), (&cells, level, eyes), &spots)
    });
    Ok(drawn.await.map_err(|error| Fail::internal(&error))?.map_err(|error| Problem::internal(&error))?)
}

/// Which tickets an account sees one by one.
struct Sight {
    /// Grids that lie in units of posts, and whether sensitive ones are seen there.
    grids: HashSet<UnitId>,
    sensitive_grids: HashSet<UnitId>,
    /// Departments with their squads.
    units: Vec<UnitId>,
}

impl Sight {
    fn of(registry: &Registry, account: &Account, now: suishoupai_core::time::Moment) -> Self {
        let named = registry.sensitive_roles(account.district, now);
        let mut sight = Self { grids: HashSet::new(), sensitive_grids: HashSet::new(), units: Vec::new() };
        for post in &account.posts {
            match post.role {
                Role::Resident => {}
                Role::DepartmentOfficer => sight.units.extend(registry.subtree(post.unit)),
                role => {
                    let below = registry.subtree(post.unit);
                    if named.contains(&role) {
                        sight.sensitive_grids.extend(&below);
                    }
                    sight.grids.extend(below);
                }
            }
        }
        sight
    }

    fn spots(
        &self,
        conn: &mut Conn,
        district: District,
        bounds: Bounds,
        stage: Option<i16>,
        category: Option<&str>,
    ) -> Result<Vec<Spot>, DbError> {
        let mut spots = counts::spots(conn, district, bounds, (stage, category), MOST)?;
        let lies_in = |spot: &Spot| {
            let grids = if spot.sensitive { &self.sensitive_grids } else { &self.grids };
            grids.contains(&spot.grid_id)
        };
        let ordered = if self.units.is_empty() {
            HashSet::new()
        } else {
            let others = spots.iter().filter(|spot| !lies_in(spot)).map(|spot| spot.id).collect();
            lists::with_orders(conn, others, &self.units)?
        };
        spots.retain(|spot| lies_in(spot) || ordered.contains(&spot.id));
        Ok(spots)
    }
}

fn draw(
    registry: &Registry,
    district: District,
    (id, datum): (TileId, Datum),
    (cells, level, eyes): (&[Cell], u8, Eyes),
    spots: &[Spot],
) -> Result<Vec<u8>, mvt::Error> {
    let mut tickets = Points::new("tickets", &["state", "urgent", "category"]);
    for spot in spots {
        let at = id.project(in_datum(LonLat { lon: spot.lon, lat: spot.lat }, datum));
        if TileId::holds(at) {
            let category = spot.category.as_deref().map(Value::Word);
            let values = [Some(Value::Word(spot.state.as_str())), Some(Value::Bool(spot.urgent)), category];
            tickets.add(spot.id.unsigned_abs(), at, values);
        }
    }
    let mut tile = Tile::new(EXTENT as u32);
    if id.z >= GRID_FROM {
        let layer = grid(registry, district, (id, datum), tile.create_layer("grid"))?;
        add(&mut tile, layer)?;
    }
    let mut layer = tile.create_layer("clusters");
    for cell in cells {
        let at = id.project(in_datum(point(cell, level, eyes), datum));
        if !TileId::holds(at) {
            continue;
        }
        let point = GeomEncoder::new(GeomType::Point).point(at.0, at.1)?.encode()?;
        let mut feature = layer.into_feature(point);
        feature.add_tag_int("count", cell.n);
        feature.add_tag_int("open", cell.open);
        layer = feature.into_layer();
    }
    add(&mut tile, layer)?;
    // A tile is its layers, one after the other.
    let mut whole = tile.to_bytes()?;
    whole.append(&mut tickets.into_bytes());
    Ok(whole)
}

/// A layer without anything in it is none.
fn add(tile: &mut Tile, layer: Layer) -> Result<(), mvt::Error> {
    if layer.num_features() > 0 { tile.add_layer(layer) } else { Ok(()) }
}

/// The cells of the mesh that reach into the tile.
fn grid(
    registry: &Registry,
    district: District,
    (id, datum): (TileId, Datum),
    mut layer: Layer,
) -> Result<Layer, mvt::Error> {
    let (west, south, east, north) = id.bounds(datum);
    let (wide, high) = ((east - west) * MARGIN / EXTENT, (north - south) * MARGIN / EXTENT);
    let (west, south, east, north) = (west - wide, south - high, east + wide, north + high);
    for cell in registry.mesh.cells() {
        let Some(unit) = registry.tree.get(cell.unit).filter(|unit| unit.district == district) else {
            continue;
        };
        let mut encoder = GeomEncoder::new(GeomType::Polygon);
        let mut is_there = false;
        for polygon in &cell.area {
            let outside = |at: &(f64, f64)| (at.0 < west, at.0 > east, at.1 < south, at.1 > north);
            let ring = |line: &[(f64, f64)], outer| {
                let points = line
                    .iter()
                    .skip(1)
                    .map(|at| id.project(in_datum(LonLat { lon: at.0, lat: at.1 }, datum)));
                whole(&clip(points.collect(), -MARGIN, EXTENT + MARGIN), outer)
            };
            let line: Vec<(f64, f64)> = polygon.exterior().0.iter().map(|at| (at.x, at.y)).collect();
            let sides = line.iter().map(outside);
            let all = sides.fold((true, true, true, true), |all, one| {
                (all.0 && one.0, all.1 && one.1, all.2 && one.2, all.3 && one.3)
            });
            if all.0 || all.1 || all.2 || all.3 {
                continue;
            }
            let Some(outer) = ring(&line, true) else { continue };
            write(&mut encoder, &outer)?;
            for hole in polygon.interiors() {
                let line: Vec<(f64, f64)> = hole.0.iter().map(|at| (at.x, at.y)).collect();
                if let Some(hole) = ring(&line, false) {
                    write(&mut encoder, &hole)?;
                }
            }
            is_there = true;
        }
        if is_there {
            let mut feature = layer.into_feature(encoder.encode()?);
            feature.set_id(cell.unit.unsigned_abs());
            feature.add_tag_string("code", &cell.code);
            feature.add_tag_string("name", &unit.name);
            layer = feature.into_layer();
        }
    }
    Ok(layer)
}

/// Writes a ring; it begins at a corner where the last one did not end, which the encoder would take for its own.
fn write(encoder: &mut GeomEncoder<i32>, ring: &[(i32, i32)]) -> Result<(), mvt::Error> {
    for (x, y) in ring {
        encoder.add_point(*x, *y)?;
    }
    encoder.complete_geom()
}
