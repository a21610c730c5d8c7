//! Locating a point in the mesh.

use suishoupai_core::geo::{Coordinate, Located, LonLat};
use suishoupai_core::model::{District, UnitId};

use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;

/// A place in the mesh.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// WGS-84.
    pub at: LonLat,
    /// The grid unit.
    pub grid: UnitId,
    /// Its cell.
    pub cell: i64,
    /// Metres to the cell; 0 inside.
    pub distance_m: f64,
    /// The district of the grid.
    pub district: District,
}

/// Finds the grid of a place: the cell that it lies in, or the nearest one within reach.
///
/// # Errors
/// `outside_district`, with the distance to the nearest cell.
pub fn locate(registry: &Registry, place: &Coordinate, reach_m: f64) -> Result<Spot, Problem> {
    let at = place.to_wgs84();
    let (grid, distance_m) = match registry.mesh.locate(at, reach_m) {
        Located::Inside(cell) => (cell.unit, 0.0),
        Located::Near { cell, distance_m } => (cell.unit, distance_m),
        Located::Outside { nearest_m } => return Err(outside(nearest_m)),
    };
    let unit = registry.tree.get(grid).ok_or(Code::OutsideDistrict)?;
    let cell = registry.cell_of.get(&grid).copied().ok_or(Code::OutsideDistrict)?;
    Ok(Spot { at, grid, cell, distance_m, district: unit.district })
}

fn outside(nearest_m: Option<f64>) -> Problem {
    let problem = Problem::new(Code::OutsideDistrict);
    match nearest_m {
        Some(metres) => problem
            .detail(Text::new(
                format!("该位置距最近的网格约 {metres:.0} 米，不在本区范围内。请检查定位或坐标系。"),
                format!("The place is about {metres:.0} m from the nearest grid cell. Check the position and the datum."),
            ))
            .with("nearest_m", metres.round()),
        None => problem.detail(Text::new("本区还没有网格。", "The district has no grid yet.")),
    }
}
