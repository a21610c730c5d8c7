//! The mesh in the database.

use diesel::prelude::*;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::bump;
use super::units::load_units;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::{grid_cells, meshes};

/// One current cell of the mesh.
#[derive(Clone, Debug)]
pub struct CellRow {
    /// The key of the cell.
    pub id: i64,
    /// The grid unit that it is the area of.
    pub unit: UnitId,
    /// 14 or 15 digits.
    pub code: String,
    /// A GeoJSON geometry in WGS-84.
    pub area: String,
}

pub(super) fn load_cells(conn: &mut Conn) -> Result<Vec<CellRow>, DbError> {
    let rows: Vec<(i64, i64, String, String)> = grid_cells::table
        .filter(grid_cells::valid_to.is_null())
        .select((grid_cells::id, grid_cells::unit_id, grid_cells::code, grid_cells::area))
        .order(grid_cells::id)
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, unit, code, area)| CellRow { id, unit, code, area }).collect())
}

/// The current cells of one district as (code, GeoJSON geometry).
///
/// # Errors
/// The database's.
pub fn load_areas(conn: &mut Conn, district: District) -> Result<Vec<(String, String)>, DbError> {
    Ok(grid_cells::table
        .filter(grid_cells::valid_to.is_null().and(grid_cells::district.eq(district)))
        .select((grid_cells::code, grid_cells::area))
        .order(grid_cells::code)
        .load(conn)?)
}

/// A mesh to put in the place of the present one.
#[derive(Clone, Debug)]
pub struct NewMesh {
    /// Where it came from, in words.
    pub source: String,
    /// Whether it is made up.
    pub is_synthetic: bool,
    /// Code and GeoJSON geometry (WGS-84) of each cell; the grid units exist.
    pub cells: Vec<(String, String)>,
}

/// Ends the present cells of the district and puts the new mesh in their place. `ids` gives a key for the mesh and
/// one for each cell.
///
/// # Errors
/// The database's; [`DbError::Corrupt`] for a cell without a unit, which the import's check rules out.
pub fn save_mesh(
    conn: &mut Conn,
    district: District,
    mesh: &NewMesh,
    mut ids: impl Iterator<Item = i64>,
    now: Moment,
) -> Result<(), DbError> {
    let mut next = || ids.next().ok_or_else(|| DbError::corrupt("keys", "too few"));
    let by_code: std::collections::HashMap<String, i64> =
        load_units(conn, Some(district))?.into_iter().map(|unit| (unit.code.to_string(), unit.id)).collect();
    let present = grid_cells::district.eq(district).and(grid_cells::valid_to.is_null());
    diesel::update(grid_cells::table.filter(present))
        .set(grid_cells::valid_to.eq(now.millis()))
        .execute(conn)?;
    let mesh_id = next()?;
    diesel::insert_into(meshes::table)
        .values((
            meshes::id.eq(mesh_id),
            meshes::district.eq(district),
            meshes::source.eq(&mesh.source),
            meshes::is_synthetic.eq(mesh.is_synthetic),
            meshes::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    for (code, area) in &mesh.cells {
        let unit = *by_code.get(code).ok_or_else(|| DbError::corrupt("grid unit", code))?;
        diesel::insert_into(grid_cells::table)
            .values((
                grid_cells::id.eq(next()?),
                grid_cells::mesh_id.eq(mesh_id),
                grid_cells::district.eq(district),
                grid_cells::unit_id.eq(unit),
                grid_cells::code.eq(code),
                grid_cells::area.eq(area),
                grid_cells::valid_from.eq(now.millis()),
            ))
            .execute(conn)?;
    }
    bump(conn)
}
