//! The reference data of a district: tree, mesh, catalogue, duties, calendar. It is read whole at the start and
//! whenever its revision has grown, and kept in memory by the server.

mod catalogue;
mod duty;
mod mesh;
mod policy;
mod units;

use diesel::prelude::*;
use suishoupai_core::model::{CalendarDay, Category, District, Duty, Unit, WeeklyHours};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::news::{self, News};
use super::schema::{districts, registry_revision};

pub use catalogue::{load_categories, save_categories};
pub use duty::{delete_day, load_days, load_duties, save_days, save_duties};
pub use mesh::{CellRow, NewMesh, load_areas, save_mesh};
pub use policy::{PolicyRow, load_policies, save_hours, save_policy};
pub use units::{load_units, save_units};

/// A district as stored.
#[derive(Clone, Debug)]
pub struct DistrictRow {
    /// Six digits.
    pub code: District,
    /// 名称
    pub name: String,
    /// Weekly hours.
    pub hours: WeeklyHours,
    /// Whether it is the demonstration.
    pub is_demo: bool,
}

/// All reference data.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Its revision.
    pub revision: i64,
    /// The districts.
    pub districts: Vec<DistrictRow>,
    /// The units of all districts.
    pub units: Vec<Unit>,
    /// The catalogues.
    pub categories: Vec<(District, Category)>,
    /// The duty lists.
    pub duties: Vec<(District, Duty)>,
    /// The days that depart from the week.
    pub days: Vec<(District, CalendarDay)>,
    /// The current cells.
    pub cells: Vec<CellRow>,
    /// The versions of the rules.
    pub policies: Vec<PolicyRow>,
}

/// The present revision.
///
/// # Errors
/// The database's.
pub fn revision(conn: &mut Conn) -> Result<i64, DbError> {
    Ok(registry_revision::table.find(1).select(registry_revision::value).first(conn)?)
}

/// Counts a change, and tells the other processes of it.
fn bump(conn: &mut Conn) -> Result<(), DbError> {
    diesel::update(registry_revision::table.find(1))
        .set(registry_revision::value.eq(registry_revision::value + 1))
        .execute(conn)?;
    news::tell(conn, News::Reference)
}

/// Reads everything.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a value that cannot be read.
pub fn load(conn: &mut Conn) -> Result<Reference, DbError> {
    // The revision first: a change that comes in between is then read twice rather than missed.
    let revision = revision(conn)?;
    Ok(Reference {
        revision,
        districts: load_districts(conn)?,
        units: load_units(conn, None)?,
        categories: load_categories(conn, None)?,
        duties: load_duties(conn, None)?,
        days: load_days(conn, None)?,
        cells: mesh::load_cells(conn)?,
        policies: load_policies(conn)?,
    })
}

fn load_districts(conn: &mut Conn) -> Result<Vec<DistrictRow>, DbError> {
    let rows: Vec<(i32, String, String, bool)> = districts::table
        .select((districts::code, districts::name, districts::hours, districts::is_demo))
        .order(districts::code)
        .load(conn)?;
    rows.into_iter()
        .map(|(code, name, hours, is_demo)| {
            let hours = serde_json::from_str(&hours).map_err(|error| DbError::corrupt("hours", error))?;
            Ok(DistrictRow { code, name, hours, is_demo })
        })
        .collect()
}

/// Makes the district's row if it is not there, or renames it.
///
/// # Errors
/// The database's.
pub fn save_district(
    conn: &mut Conn,
    district: District,
    name: &str,
    is_demo: bool,
    now: Moment,
) -> Result<(), DbError> {
    let renamed =
        diesel::update(districts::table.find(district)).set(districts::name.eq(name)).execute(conn)?;
    if renamed == 0 {
        let hours =
            serde_json::to_string(&WeeklyHours::default()).map_err(|e| DbError::corrupt("hours", e))?;
        diesel::insert_into(districts::table)
            .values((
                districts::code.eq(district),
                districts::name.eq(name),
                districts::hours.eq(hours),
                districts::is_demo.eq(is_demo),
                districts::created_at.eq(now.millis()),
            ))
            .execute(conn)?;
    }
    bump(conn)
}
