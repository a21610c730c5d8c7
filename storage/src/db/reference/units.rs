//! Units in the database.

use diesel::prelude::*;
use suishoupai_core::geo::LonLat;
use suishoupai_core::import::UnitRow;
use suishoupai_core::model::{District, Level, Unit};

use super::bump;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::schema::units;
use crate::db::word::Word;

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = units, treat_none_as_null = true, treat_none_as_default_value = false)]
struct UnitRecord {
    id: i64,
    district: i32,
    code: String,
    name: String,
    level: String,
    parent_id: Option<i64>,
    phone: Option<String>,
    lon: Option<f64>,
    lat: Option<f64>,
}

/// The units of one district, or of all.
///
/// # Errors
/// The database's.
pub fn load_units(conn: &mut Conn, district: Option<District>) -> Result<Vec<Unit>, DbError> {
    let mut query = units::table.into_boxed();
    if let Some(district) = district {
        query = query.filter(units::district.eq(district));
    }
    let rows: Vec<UnitRecord> = query.order(units::id).load(conn)?;
    rows.into_iter()
        .map(|row| {
            Ok(Unit {
                id: row.id,
                district: row.district,
                code: row.code.into(),
                name: row.name.into(),
                level: Level::stored(&row.level)?,
                parent: row.parent_id,
                phone: row.phone,
                center: row.lon.zip(row.lat).map(|(lon, lat)| LonLat { lon, lat }),
            })
        })
        .collect()
}

/// Writes new and changed units, parents before children. New ones take their keys from `ids`.
///
/// # Errors
/// The database's; [`DbError::Corrupt`] where a parent is missing, which the import's check rules out.
pub fn save_units(
    conn: &mut Conn,
    district: District,
    rows: &[UnitRow],
    mut ids: impl Iterator<Item = i64>,
) -> Result<(), DbError> {
    let mut known: std::collections::HashMap<String, i64> =
        load_units(conn, Some(district))?.into_iter().map(|unit| (unit.code.to_string(), unit.id)).collect();
    for row in rows {
        let parent_id = match &row.parent_code {
            Some(code) => Some(*known.get(code).ok_or_else(|| DbError::corrupt("parent", code))?),
            None => None,
        };
        let existing = known.get(&row.code).copied();
        let id = existing.or_else(|| ids.next()).ok_or_else(|| DbError::corrupt("keys", "too few"))?;
        let record = UnitRecord {
            id,
            district,
            code: row.code.clone(),
            name: row.name.clone(),
            level: row.level.as_str().to_owned(),
            parent_id,
            phone: row.phone.clone(),
            lon: row.center.map(|center| center.lon),
            lat: row.center.map(|center| center.lat),
        };
        if existing.is_some() {
            diesel::update(units::table.find(id)).set(&record).execute(conn)?;
        } else {
            diesel::insert_into(units::table).values(&record).execute(conn)?;
            known.insert(row.code.clone(), id);
        }
    }
    bump(conn)
}
