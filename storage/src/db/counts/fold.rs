//! What steps have left behind is added up: from rows of their own into the numbers that are kept.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use suishoupai_core::flow::State;

use super::portion;
use crate::db::Db;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::pieces::Pieces;
use crate::db::turn::{self, Turn};

/// Rows that are added up in one transaction: so few that nobody waits long for the writer, nor for a processor.
pub(super) const PORTION: i64 = 200;

/// The levels of squares that are kept of all tickets, and by category or month or both.
pub(super) const WHOLE: [u8; 4] = [12, 14, 16, 18];
pub(super) const NARROWED: [u8; 3] = [12, 14, 16];
/// Those: whether by category, and whether by month.
pub(super) const NARROWINGS: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

/// Which of the numbers that are kept by squares are added up by one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Those of all tickets. Of a whole district they are counted apart, as there are few squares when they are not told
    /// apart by anything else.
    Whole,
    /// Those by category or month or both.
    Narrowed,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How many steps wait to be added up, counted up to `most`.
///
/// # Errors
/// The database's.
pub fn waiting(conn: &mut Conn, most: i64) -> Result<i64, DbError> {
    let sql = format!(
        "SELECT count(*) AS number FROM (SELECT 1 FROM ticket_deltas LIMIT {most}) a, (SELECT 1) b \
         UNION ALL SELECT count(*) FROM (SELECT 1 FROM order_deltas LIMIT {most}) a, (SELECT 1) b"
    );
    let both: Vec<Number> = diesel::sql_query(sql).load(conn)?;
    Ok(both.into_iter().map(|one| one.number).sum())
}

/// Adds up a portion of what waits; says whether there may be more. Where another process is about it, it is left to that
/// one.
///
/// # Errors
/// The database's.
pub async fn fold(db: &Db) -> Result<bool, DbError> {
    if db.is_shared() {
        return db.write(|conn| Ok(turn::take(conn, Turn::Counts)? && fold_on_postgres(conn)?)).await;
    }
    // The one writer of SQLite is only troubled with the sums.
    match db.read(portion::sums).await? {
        Some(sums) => db.write(move |conn| portion::add(conn, &sums)).await,
        None => Ok(false),
    }
}

fn fold_on_postgres(conn: &mut Conn) -> Result<bool, DbError> {
    let some = |table: &str| format!("id IN (SELECT id FROM {table} ORDER BY id LIMIT {PORTION})");
    let (tickets, orders) = (some("ticket_deltas"), some("order_deltas"));
    Ok(fold_where(conn, &tickets, &orders)? >= PORTION)
}

/// Counts everything anew, for those who have filled the tables without the steps.
///
/// # Errors
/// The database's.
pub fn count_anew(conn: &mut Conn) -> Result<(), DbError> {
    let clear = match Dialect::of(conn) {
        Dialect::Sqlite => "DELETE FROM ticket_deltas; DELETE FROM order_deltas",
        // Nobody adds to them until this transaction ends.
        Dialect::Pg => "TRUNCATE ticket_deltas, order_deltas",
    };
    conn.batch_execute(&format!(
        "{clear}; DELETE FROM ticket_counts; DELETE FROM map_cells; DELETE FROM order_counts; \
         INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, \
         created_at, lon, lat, n) SELECT district, grid_id, community_id, street_id, state, category, sensitive, \
         created_at, lon, lat, 1 FROM tickets; \
         INSERT INTO order_deltas (district, unit_id, state, n) SELECT district, unit_id, state, 1 FROM work_orders"
    ))?;
    fold_where(conn, "id > 0", "id > 0")?;
    // PostgreSQL would go through the places of all these rows for every number that is asked for.
    Ok(conn.batch_execute(clear)?)
}

/// Adds up those rows for which the conditions hold; answers how many those of tickets or of orders were.
pub(super) fn fold_where(conn: &mut Conn, tickets: &str, orders: &str) -> Result<i64, DbError> {
    let dialect = Dialect::of(conn);
    if dialect == Dialect::Sqlite {
        // Whoever writes is alone, so the same rows are read some times and then removed.
        let source = |table: &str, which: &str| format!("(SELECT * FROM {table} WHERE {which}) taken");
        let places = "district, street_id, community_id, grid_id, state, sensitive";
        let counts = format!(
            "WITH placed AS MATERIALIZED (SELECT {places}, SUM(n) AS n FROM ticket_deltas WHERE {tickets} \
             GROUP BY {places}) {}",
            into_counts("placed"),
        );
        Pieces::execute(counts, conn)?;
        let squares = squares(dialect, &source("ticket_deltas", tickets));
        for kept in [Kept::Whole, Kept::Narrowed] {
            Pieces::execute(into_cells(&squares, kept), conn)?;
        }
        let removed = Pieces::execute(format!("DELETE FROM ticket_deltas WHERE {tickets}"), conn)?;
        Pieces::execute(into_orders(&source("order_deltas", orders)), conn)?;
        let others = Pieces::execute(format!("DELETE FROM order_deltas WHERE {orders}"), conn)?;
        return Ok(i64::try_from(removed.max(others)).unwrap_or(i64::MAX));
    }
    // What is removed is what is added up, whatever others commit meanwhile.
    let squares = squares(dialect, "taken");
    let of_tickets = format!(
        "WITH taken AS (DELETE FROM ticket_deltas WHERE {tickets} RETURNING *), \
         counted AS ({} RETURNING 1), placed AS ({} RETURNING 1), narrowed AS ({} RETURNING 1) \
         SELECT count(*) FROM taken",
        into_counts("taken"),
        into_cells(&squares, Kept::Whole),
        into_cells(&squares, Kept::Narrowed),
    );
    let of_orders = format!(
        "WITH taken AS (DELETE FROM order_deltas WHERE {orders} RETURNING *), \
         counted AS ({} RETURNING 1) SELECT count(*) FROM taken",
        into_orders("taken"),
    );
    let mut most = 0;
    for text in [of_tickets, of_orders] {
        let mut statement = Pieces::<BigInt>::new();
        statement.sql(text);
        let taken: Vec<i64> = statement.load(conn)?;
        most = taken.into_iter().fold(most, i64::max);
    }
    Ok(most)
}

pub(super) const INTO_COUNTS: &str = "INSERT INTO ticket_counts (district, unit_id, state, sensitive, n)";
pub(super) const ADDED_TO_COUNTS: &str =
    "ON CONFLICT (district, unit_id, state, sensitive) DO UPDATE SET n = ticket_counts.n + excluded.n";

fn into_counts(source: &str) -> String {
    let of = |unit: &str| format!("SELECT district, {unit} AS unit_id, state, sensitive, n FROM {source}");
    let all = ["0", "street_id", "community_id", "grid_id"].map(of).join(" UNION ALL ");
    format!(
        "{INTO_COUNTS} SELECT district, unit_id, state, sensitive, CAST(SUM(n) AS BIGINT) FROM ({all}) whole \
         GROUP BY district, unit_id, state, sensitive HAVING SUM(n) <> 0 {ADDED_TO_COUNTS}"
    )
}

pub(super) const INTO_ORDERS: &str = "INSERT INTO order_counts (district, unit_id, state, n)";
pub(super) const ADDED_TO_ORDERS: &str =
    "ON CONFLICT (district, unit_id, state) DO UPDATE SET n = order_counts.n + excluded.n";

fn into_orders(source: &str) -> String {
    format!(
        "{INTO_ORDERS} SELECT district, unit_id, state, CAST(SUM(n) AS BIGINT) FROM {source} \
         GROUP BY district, unit_id, state HAVING SUM(n) <> 0 {ADDED_TO_ORDERS}"
    )
}

/// The two ways of writing the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Pg,
}

impl Dialect {
    pub(super) fn of(conn: &Conn) -> Self {
        match conn {
            Conn::Sqlite(_) => Self::Sqlite,
            Conn::Pg(_) => Self::Pg,
        }
    }
}

/// The squares of the finest level in which rows of steps lie, with their months and stages.
pub(super) fn squares(dialect: Dialect, source: &str) -> String {
    // Coordinates are of the earth, so nothing is negative and cutting off is rounding down.
    let (floor, close) = match dialect {
        Dialect::Sqlite => ("CAST(", " AS INTEGER)"),
        Dialect::Pg => ("floor(", ")::bigint"),
    };
    let month = match dialect {
        Dialect::Sqlite => {
            "CAST(strftime('%Y', (created_at + 28800000) / 1000, 'unixepoch') AS INTEGER) * 12 \
             + CAST(strftime('%m', (created_at + 28800000) / 1000, 'unixepoch') AS INTEGER) - 1"
        }
        Dialect::Pg => {
            "(extract(year FROM to_timestamp((created_at + 28800000) / 1000) AT TIME ZONE 'UTC') * 12 \
             + extract(month FROM to_timestamp((created_at + 28800000) / 1000) AT TIME ZONE 'UTC') - 1)::integer"
        }
    };
    let undone = State::UNDONE.map(State::as_str).join("', '");
    format!(
        "SELECT district, COALESCE(category, '') AS category, {month} AS month, \
         {floor}(lat + 90.0) / 360.0 * 262144{close} AS y, {floor}(lon + 180.0) / 360.0 * 262144{close} AS x, \
         CASE WHEN state = 'closed' THEN 1 WHEN state IN ('{undone}') THEN 2 ELSE 0 END AS stage, sensitive, n, \
         n * {floor}(lon + 180.0) * 1000000{close} AS lon_sum, \
         n * {floor}(lat + 90.0) * 1000000{close} AS lat_sum FROM {source}"
    )
}

pub(super) const INTO_CELLS: &str =
    "INSERT INTO map_cells (district, level, category, month, y, x, stage, sensitive, n, lon_sum, lat_sum)";
pub(super) const ADDED_TO_CELLS: &str = "ON CONFLICT (district, level, month, y, x, category, stage, sensitive) DO UPDATE \
     SET n = map_cells.n + excluded.n, lon_sum = map_cells.lon_sum + excluded.lon_sum, \
     lat_sum = map_cells.lat_sum + excluded.lat_sum";

fn into_cells(squares: &str, which: Kept) -> String {
    let one = |level: &u8, category: bool, month: bool| {
        format!(
            "SELECT {level} AS level, {} AS by_category, {} AS by_month",
            i32::from(category),
            i32::from(month)
        )
    };
    // First the finest squares that are needed, of which there are fewer than rows.
    let (kept, finest, of, kind, time): (Vec<String>, _, _, _, _) = match which {
        Kept::Whole => (WHOLE.iter().map(|level| one(level, false, false)).collect(), 18, "", "'*'", "0"),
        Kept::Narrowed => (
            NARROWED.iter().flat_map(|level| NARROWINGS.map(|(by, of)| one(level, by, of))).collect(),
            16,
            "category, month,",
            "CASE WHEN by_category = 1 THEN category ELSE '*' END",
            "CASE WHEN by_month = 1 THEN month ELSE 0 END",
        ),
    };
    format!(
        "{INTO_CELLS} SELECT district, level, {kind} AS kind, {time} AS time, \
         row_y >> ({finest} - level) AS upper_y, column_x >> ({finest} - level) AS upper_x, stage, sensitive, \
         CAST(SUM(n) AS BIGINT), CAST(SUM(lon_sum) AS BIGINT), CAST(SUM(lat_sum) AS BIGINT) \
         FROM (SELECT district, {of} y >> {} AS row_y, x >> {} AS column_x, stage, sensitive, \
         CAST(SUM(n) AS BIGINT) AS n, CAST(SUM(lon_sum) AS BIGINT) AS lon_sum, \
         CAST(SUM(lat_sum) AS BIGINT) AS lat_sum FROM ({squares}) fine \
         GROUP BY district, {of} row_y, column_x, stage, sensitive) grouped, ({}) kept \
         GROUP BY district, level, kind, time, upper_y, upper_x, stage, sensitive \
         HAVING SUM(n) <> 0 OR SUM(lon_sum) <> 0 OR SUM(lat_sum) <> 0 {ADDED_TO_CELLS}",
        18 - finest,
        18 - finest,
        kept.join(" UNION ALL "),
    )
}
