//! Tickets by squares of the map.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use suishoupai_core::flow::State;
use suishoupai_core::model::{District, UnitId};

use super::fold::{Dialect, squares};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::similar::TILE;
use crate::db::word::Stored;

/// Columns of the finest level that is kept, as a power of two.
pub const FINEST: u8 = 18;
/// The finest level that is kept by category or month.
pub const FINEST_NARROWED: u8 = 16;
/// The coarsest level.
pub const COARSEST: u8 = 12;

/// Squares in rows and columns, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The level.
    pub level: u8,
    /// Columns.
    pub x: (i64, i64),
    /// Rows.
    pub y: (i64, i64),
}

impl Window {
    /// The squares of a level that touch a box of degrees.
    pub fn around(level: u8, (west, south, east, north): (f64, f64, f64, f64)) -> Self {
        let column = |lon: f64| ((lon.clamp(-180.0, 180.0) + 180.0) / side(level)).floor() as i64;
        let row = |lat: f64| ((lat.clamp(-90.0, 90.0) + 90.0) / side(level)).floor() as i64;
        Self { level, x: (column(west), column(east)), y: (row(south), row(north)) }
    }

    /// How many squares there are in it.
    pub fn squares(&self) -> i64 {
        (self.x.1 - self.x.0 + 1).max(0).saturating_mul((self.y.1 - self.y.0 + 1).max(0))
    }
}

/// The side of a square of a level, in degrees.
pub fn side(level: u8) -> f64 {
    360.0 / f64::from(1_u32 << level.min(31))
}

/// What narrows the tickets of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// Only of these categories; none means all.
    pub categories: Option<Vec<String>>,
    /// All but these categories.
    pub without: Vec<String>,
    /// Only those opened in these months, both included, counted from the year 0.
    pub months: Option<(i32, i32)>,
    /// Only of these stages: 0 open, 1 closed, 2 ended without anything done; none means all.
    pub stages: Vec<i16>,
    /// Whether those that only some may see are counted.
    pub sensitive: bool,
}

impl Narrow {
    /// The finest level that can answer.
    pub fn finest(&self) -> u8 {
        let is_whole = self.categories.is_none() && self.without.is_empty() && self.months.is_none();
        if is_whole { FINEST } else { FINEST_NARROWED }
    }

    fn is_by_category(&self) -> bool {
        self.categories.is_some() || !self.without.is_empty()
    }

    fn conditions(&self) -> String {
        let quoted = |all: &[String]| {
            let all: Vec<String> = all.iter().map(|one| format!("'{}'", one.replace('\'', "''"))).collect();
            all.join(", ")
        };
        let mut text = String::new();
        if let Some(categories) = &self.categories {
            text += &format!(" AND category IN ({})", quoted(categories));
        }
        if !self.without.is_empty() {
            text += &format!(" AND category NOT IN ({})", quoted(&self.without));
        }
        if !self.stages.is_empty() {
            let stages: Vec<String> = self.stages.iter().map(i16::to_string).collect();
            text += &format!(" AND stage IN ({})", stages.join(", "));
        }
        if !self.sensitive {
            text += " AND NOT sensitive";
        }
        text
    }
}

/// The tickets in a square.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Cell {
    /// Row.
    #[diesel(sql_type = BigInt)]
    pub y: i64,
    /// Column.
    #[diesel(sql_type = BigInt)]
    pub x: i64,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub n: i64,
    /// How many of them are open.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    /// The sum of their longitudes, in millionths of a degree from -180 on.
    #[diesel(sql_type = BigInt)]
    pub lon_sum: i64,
    /// The sum of their latitudes, in millionths of a degree from -90 on.
    #[diesel(sql_type = BigInt)]
    pub lat_sum: i64,
}

/// How many tickets lie in the squares of a window, by rows and columns; squares without any are left out.
///
/// # Errors
/// The database's.
pub fn cells(
    conn: &mut Conn,
    district: District,
    window: Window,
    narrow: &Narrow,
) -> Result<Vec<Cell>, DbError> {
    let Window { level, x, y } = window;
    let place =
        format!("district = {district} AND y BETWEEN {} AND {} AND x BETWEEN {} AND {}", y.0, y.1, x.0, x.1);
    let conditions = narrow.conditions();
    let kind = if narrow.is_by_category() { "category <> '*'" } else { "category = '*'" };
    let (kept_time, time) = match narrow.months {
        Some((from, to)) => {
            let between = format!(" AND month BETWEEN {from} AND {to}");
            (between.clone(), between)
        }
        None => (" AND month = 0".to_owned(), String::new()),
    };
    let shift = FINEST - level;
    let squares = squares(Dialect::of(conn), "ticket_deltas");
    let sql = format!(
        "SELECT y, x, CAST(SUM(n) AS BIGINT) AS n, CAST(SUM(CASE WHEN stage = 0 THEN n ELSE 0 END) AS BIGINT) AS open, \
         CAST(SUM(lon_sum) AS BIGINT) AS lon_sum, CAST(SUM(lat_sum) AS BIGINT) AS lat_sum FROM (\
         SELECT y, x, stage, n, lon_sum, lat_sum FROM map_cells \
         WHERE level = {level} AND {kind} AND {place}{kept_time}{conditions} \
         UNION ALL SELECT y, x, stage, n, lon_sum, lat_sum FROM (\
         SELECT district, category, month, y >> {shift} AS y, x >> {shift} AS x, stage, sensitive, n, lon_sum, lat_sum \
         FROM ({squares}) fine) fresh WHERE {place}{time}{conditions}) whole \
         GROUP BY y, x HAVING SUM(n) > 0 ORDER BY y, x"
    );
    Ok(diesel::sql_query(sql).load(conn)?)
}

/// A ticket on a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// The key.
    pub id: i64,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
    /// Where it stands.
    pub state: State,
    /// Category.
    pub category: Option<String>,
    /// Urgent or not.
    pub urgent: bool,
    /// Whether only some may see it.
    pub sensitive: bool,
    /// The grid.
    pub grid_id: UnitId,
}

type SpotRow = (i64, f64, f64, Stored<State>, Option<String>, bool, bool, UnitId);
type SpotColumns = (BigInt, Double, Double, Text, Nullable<Text>, Bool, Bool, BigInt);

/// The tickets in a box of degrees (west, south, east, north), of a stage and category if those are given, at most `limit`, in
/// no particular order. A box has at most some hundred squares of a 500th of a degree.
///
/// # Errors
/// The database's.
pub fn spots(
    conn: &mut Conn,
    district: District,
    bounds: Bounds,
    (stage, category): (Option<i16>, Option<&str>),
    limit: i64,
) -> Result<Vec<Spot>, DbError> {
    let statement = sql::<SpotColumns>(&spots_sql(district, bounds, (stage, category), limit));
    let rows: Vec<SpotRow> = each_backend!(conn, conn => statement.load(conn))?;
    let read = |(id, lon, lat, state, category, urgent, sensitive, grid_id): SpotRow| Spot {
        id,
        lon,
        lat,
        state: state.0,
        category,
        urgent,
        sensitive,
        grid_id,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// West, south, east, north, in degrees.
type Bounds = (f64, f64, f64, f64);

/// Everything but what the centre has not let through yet stands in the index, so the tickets themselves are not read;
/// those few are taken out at the end.
pub(in crate::db) fn spots_sql(
    district: District,
    (west, south, east, north): Bounds,
    (stage, category): (Option<i16>, Option<&str>),
    limit: i64,
) -> String {
    let of_nothing = "'refused', 'withdrawn', 'voided', 'merged'";
    let mut narrow = match stage {
        // One by one, which SQLite compares; a longer list it would look up.
        Some(0) => {
            " AND state <> 'closed' AND state <> 'refused' AND state <> 'withdrawn' AND state <> 'voided' \
                     AND state <> 'merged'"
                .to_owned()
        }
        Some(1) => " AND state || '' = 'closed'".to_owned(),
        Some(_) => format!(" AND state || '' IN ({of_nothing})"),
        None => String::new(),
    };
    if let Some(category) = category {
        narrow += &format!(" AND category || '' = '{}'", category.replace('\'', "''"));
    }
    let square = |degrees: f64| (degrees * 500.0).round() as i64;
    let columns = square(west)..=square(east);
    let squares: Vec<String> = (square(south)..=square(north))
        .flat_map(|row| columns.clone().map(move |column| (row * 1_000_000 + column).to_string()))
        .collect();
    // With its sign the district is no way into another index, nor are state and category with nothing after them.
    format!(
        "SELECT id, lon, lat, state, category, urgent, sensitive, grid_id FROM tickets WHERE {TILE} IN ({}) \
         AND +district = {district} AND lon >= {west:?} AND lon < {east:?} AND lat >= {south:?} AND lat < {north:?}{narrow} \
         AND id NOT IN (SELECT id FROM tickets WHERE held AND district = {district}) LIMIT {limit}",
        squares.join(", ")
    )
}
