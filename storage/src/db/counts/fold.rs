//! What steps have left behind is added up: from rows of their own into the numbers that are kept.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use suishoupai_core::flow::State;

use super::portion;
use crate::db::Db;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::pieces::Pieces;
use crate::db::turn::{self, Turn};

/// Rows that are added up in one transaction on SQLite: so few that nobody waits long for the one writer.
pub(super) const PORTION: i64 = 200;
/// The same on PostgreSQL, where nobody waits for it. The more there are, the more of them fall on the same numbers.
const PORTION_ON_POSTGRES: i64 = 1000;
/// After so many portions a walk begins anew.
const ANEW_AFTER: u32 = 32;

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

/// How far whoever adds up portion after portion has come on PostgreSQL. SQLite needs none.
///
/// PostgreSQL keeps the places of removed rows in an index until it is vacuumed. Whoever began at the smallest key for every
/// portion would go through all of them each time. A row that was committed after rows with larger keys had been added up
/// is passed by; it waits, and counts as waiting, until the walk begins anew or the next one begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walk {
    /// The last key of a ticket's step, and that of a work order's.
    after: [i64; 2],
    portions: u32,
}

impl Walk {
    /// Where to begin the next portion, as it has come this far by this one.
    fn goes_on(self, last: [Option<i64>; 2]) -> Self {
        let portions = (self.portions + 1) % ANEW_AFTER;
        if portions == 0 {
            return Self::default();
        }
        let [tickets, orders] = self.after;
        Self { after: [last[0].unwrap_or(tickets), last[1].unwrap_or(orders)], portions }
    }
}

/// Adds up a portion of what waits; says whether there may be more. Where another process is about it, it is left to that
/// one.
///
/// # Errors
/// The database's.
pub async fn fold(db: &Db, walk: &mut Walk) -> Result<bool, DbError> {
    if db.is_shared() {
        let before = *walk;
        let (is_more, after) = db.write(move |conn| fold_on_postgres(conn, before)).await?;
        *walk = after;
        return Ok(is_more);
    }
    // The one writer of SQLite is only troubled with the sums.
    match db.read(portion::sums).await? {
        Some(sums) => db.write(move |conn| portion::add(conn, &sums)).await,
        None => Ok(false),
    }
}

fn fold_on_postgres(conn: &mut Conn, walk: Walk) -> Result<(bool, Walk), DbError> {
    if !turn::take(conn, Turn::Counts)? {
        return Ok((false, walk));
    }
    let taken = take_and_add(conn, walk.after)?;
    let is_more = taken.iter().any(|taken| taken.rows >= PORTION_ON_POSTGRES);
    Ok((is_more, walk.goes_on(taken.map(|taken| taken.last))))
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
    add_all(conn)?;
    // Were the rows only deleted, PostgreSQL would go through the places of all of them for every number that is asked for.
    Ok(conn.batch_execute(clear)?)
}

/// Adds up all that waits, and removes none of it: for whoever is alone with these tables.
pub(super) fn add_all(conn: &mut Conn) -> Result<(), DbError> {
    let places = "district, street_id, community_id, grid_id, state, sensitive";
    let counts = format!(
        "WITH placed AS MATERIALIZED (SELECT {places}, SUM(n) AS n FROM ticket_deltas GROUP BY {places}) {}",
        into_counts("placed"),
    );
    Pieces::execute(counts, conn)?;
    let squares = squares(Dialect::of(conn), "ticket_deltas");
    for kept in [Kept::Whole, Kept::Narrowed] {
        Pieces::execute(into_cells(&squares, kept), conn)?;
    }
    Pieces::execute(into_orders("order_deltas"), conn)?;
    Ok(())
}

/// What was added up of a table.
#[derive(Clone, Copy, Debug)]
struct Taken {
    rows: i64,
    last: Option<i64>,
}

/// Adds up a portion of tickets and one of orders behind these keys, on PostgreSQL. What is removed is what is added up,
/// whatever others commit meanwhile.
fn take_and_add(conn: &mut Conn, [of_tickets, of_orders]: [i64; 2]) -> Result<[Taken; 2], DbError> {
    let squares = squares(Dialect::Pg, "taken");
    let tickets =
        [into_counts("taken"), into_cells(&squares, Kept::Whole), into_cells(&squares, Kept::Narrowed)];
    Ok([
        take("ticket_deltas", of_tickets, &tickets, conn)?,
        take("order_deltas", of_orders, &[into_orders("taken")], conn)?,
    ])
}

/// Removes the next rows of a table, as `taken`, of which each statement of `into` makes others.
fn take(table: &str, after: i64, into: &[String], conn: &mut Conn) -> Result<Taken, DbError> {
    let mut statement = Pieces::<(BigInt, Nullable<BigInt>)>::new();
    statement.sql(format!("WITH taken AS (DELETE FROM {table} WHERE id > ")).value(after);
    statement
        .sql(format!(" AND id <= (SELECT max(id) FROM (SELECT id FROM {table} WHERE id > "))
        .value(after);
    statement.sql(format!(" ORDER BY id LIMIT {PORTION_ON_POSTGRES}) next) RETURNING *)"));
    for (nth, rows) in into.iter().enumerate() {
        statement.sql(format!(", added{nth} AS ({rows} RETURNING 1)"));
    }
    statement.sql(" SELECT count(*), max(id) FROM taken");
    let taken: Vec<(i64, Option<i64>)> = statement.load(conn)?;
    Ok(taken.first().map_or(Taken { rows: 0, last: None }, |(rows, last)| Taken { rows: *rows, last: *last }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::counts;
    use crate::db::counts::testing::{Whole, leave, whole};
    use crate::db::tests::engine::Engine;

    async fn execute(db: &Db, sql: String) {
        db.write(move |conn| Ok::<_, DbError>(conn.batch_execute(&sql)?)).await.unwrap();
    }

    async fn tickets(db: &Db) -> i64 {
        db.read(whole).await.unwrap().tickets
    }

    #[tokio::test]
    async fn a_walk_adds_up_everything_portion_after_portion() {
        let engine = Engine::postgres();
        let (db, mut walk) = (engine.db(), Walk::default());
        execute(&db, leave(2 * PORTION_ON_POSTGRES + 50)).await;
        for (is_more, added) in [
            (true, PORTION_ON_POSTGRES),
            (true, 2 * PORTION_ON_POSTGRES),
            (false, 2 * PORTION_ON_POSTGRES + 50),
            (false, 2 * PORTION_ON_POSTGRES + 50),
        ] {
            assert_eq!(fold(&db, &mut walk).await.unwrap(), is_more, "{added}");
            assert_eq!(db.read(whole).await.unwrap(), Whole { tickets: added, cells: added, orders: 1 });
        }
        assert_eq!(db.read(|conn| counts::waiting(conn, 10)).await.unwrap(), 0);

        // The same walk goes on with what comes after.
        execute(&db, leave(3)).await;
        assert!(!fold(&db, &mut walk).await.unwrap());
        let all = 2 * PORTION_ON_POSTGRES + 53;
        assert_eq!(db.read(whole).await.unwrap(), Whole { tickets: all, cells: all, orders: 2 });
    }

    /// A row of which the key is smaller than those that were added up, as the one of a slow transaction.
    async fn leave_late(db: &Db) {
        let sql = "INSERT INTO ticket_deltas (id, district, grid_id, community_id, street_id, state, category, sensitive, \
                   created_at, lon, lat, n) VALUES (5, 350203, 4, 3, 2, 'received', NULL, 1 = 0, 86400000, 118.0, 24.4, 1)";
        execute(db, sql.to_owned()).await;
    }

    #[tokio::test]
    async fn what_is_committed_late_is_added_up_by_another_walk_or_when_it_begins_anew() {
        let engine = Engine::postgres();
        let (db, mut walk) = (engine.db(), Walk::default());
        execute(&db, "ALTER TABLE ticket_deltas ALTER COLUMN id RESTART WITH 100".to_owned()).await;
        execute(&db, leave(3)).await;
        fold(&db, &mut walk).await.unwrap();
        leave_late(&db).await;
        fold(&db, &mut walk).await.unwrap();
        assert_eq!(tickets(&db).await, 3, "it is behind");
        fold(&db, &mut Walk::default()).await.unwrap();
        assert_eq!(tickets(&db).await, 4);

        leave_late(&db).await;
        for _ in 0..ANEW_AFTER {
            fold(&db, &mut walk).await.unwrap();
        }
        assert_eq!(tickets(&db).await, 5);
    }
}
