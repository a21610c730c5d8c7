//! On SQLite a reader adds up what steps have left, so that the one writer, for whom everybody waits, only adds the sums to the
//! numbers that are kept.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::fold::{
    ADDED_TO_CELLS, ADDED_TO_COUNTS, ADDED_TO_ORDERS, INTO_CELLS, INTO_COUNTS, INTO_ORDERS, PORTION,
    sums_of_portion,
};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::pieces::{Pieces, Value};

/// The sums of the next rows that steps have left.
#[derive(Debug)]
pub(super) struct Sums {
    tickets: Taken,
    orders: Taken,
    by_unit: Vec<OfUnit>,
    by_square: Vec<OfSquare>,
    of_orders: Vec<OfOrders>,
}

/// Which rows of a table are added up: all up to a key.
#[derive(Debug, Default, Queryable)]
struct Taken {
    upto: i64,
    rows: i64,
}

#[derive(Debug, Queryable)]
struct OfUnit {
    district: i32,
    unit_id: i64,
    state: String,
    sensitive: i32,
    n: i64,
}

type Squares = (Integer, Integer, Text, Integer, BigInt, BigInt, Integer, Integer, BigInt, BigInt, BigInt);

#[derive(Debug, Queryable)]
struct OfSquare {
    district: i32,
    level: i32,
    kind: String,
    time: i32,
    upper_y: i64,
    upper_x: i64,
    stage: i32,
    sensitive: i32,
    n: i64,
    lon_sum: i64,
    lat_sum: i64,
}

#[derive(Debug, Queryable)]
struct OfOrders {
    district: i32,
    unit_id: i64,
    state: String,
    n: i64,
}

fn taken(conn: &mut Conn, table: &str) -> Result<Taken, DbError> {
    let sql = format!(
        "SELECT COALESCE(MAX(id), 0) AS upto, COUNT(*) AS rows FROM \
         (SELECT id FROM {table} ORDER BY id LIMIT {PORTION}) first"
    );
    let found: Vec<Taken> = kept::<(BigInt, BigInt)>(sql).load(conn)?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// A reading whose text is the same each time.
fn kept<ST>(text: String) -> Pieces<ST> {
    let mut statement = Pieces::new();
    statement.sql(text);
    statement
}

/// Adds up the next rows, inside one read transaction; none where there are none.
pub(super) fn sums(conn: &mut Conn) -> Result<Option<Sums>, DbError> {
    let (tickets, orders) = (taken(conn, "ticket_deltas")?, taken(conn, "order_deltas")?);
    if tickets.rows == 0 && orders.rows == 0 {
        return Ok(None);
    }
    let [by_unit, by_square, of_orders] = sums_of_portion();
    Ok(Some(Sums {
        tickets,
        orders,
        by_unit: kept::<(Integer, BigInt, Text, Integer, BigInt)>(by_unit).load(conn)?,
        by_square: kept::<Squares>(by_square).load(conn)?,
        of_orders: kept::<(Integer, BigInt, Text, BigInt)>(of_orders).load(conn)?,
    }))
}

/// Adds the sums to the numbers, and removes what they are sums of; says whether there may be more.
///
/// # Errors
/// [`DbError::Conflict`] where somebody else has added that up meanwhile; the database's.
pub(super) fn add(conn: &mut Conn, sums: &Sums) -> Result<bool, DbError> {
    remove(conn, "DELETE FROM ticket_deltas WHERE id <= ", &sums.tickets)?;
    remove(conn, "DELETE FROM order_deltas WHERE id <= ", &sums.orders)?;
    for OfUnit { district, unit_id, state, sensitive, n } in &sums.by_unit {
        let values = [
            Value::from(*district),
            (*unit_id).into(),
            state.as_str().into(),
            (*sensitive).into(),
            (*n).into(),
        ];
        put(conn, INTO_COUNTS, values, ADDED_TO_COUNTS)?;
    }
    for one in &sums.by_square {
        put(conn, INTO_CELLS, one.values(), ADDED_TO_CELLS)?;
    }
    for OfOrders { district, unit_id, state, n } in &sums.of_orders {
        let values = [Value::from(*district), (*unit_id).into(), state.as_str().into(), (*n).into()];
        put(conn, INTO_ORDERS, values, ADDED_TO_ORDERS)?;
    }
    Ok(sums.tickets.rows.max(sums.orders.rows) >= PORTION)
}

impl OfSquare {
    fn values(&self) -> [Value; 11] {
        [
            self.district.into(),
            self.level.into(),
            self.kind.as_str().into(),
            self.time.into(),
            self.upper_y.into(),
            self.upper_x.into(),
            self.stage.into(),
            self.sensitive.into(),
            self.n.into(),
            self.lon_sum.into(),
            self.lat_sum.into(),
        ]
    }
}

fn remove(conn: &mut Conn, delete: &'static str, taken: &Taken) -> Result<(), DbError> {
    if taken.rows == 0 {
        return Ok(());
    }
    let mut statement = Pieces::<()>::new();
    statement.sql(delete).value(taken.upto);
    let removed = statement.run(conn)?;
    // Else some would be counted twice. Keys are never used again.
    if i64::try_from(removed) == Ok(taken.rows) { Ok(()) } else { Err(DbError::Conflict) }
}

fn put<const N: usize>(
    conn: &mut Conn,
    into: &'static str,
    values: [Value; N],
    added: &'static str,
) -> Result<(), DbError> {
    let mut statement = Pieces::<()>::new();
    statement.sql(into).sql(" VALUES ").values(values).sql(" ").sql(added);
    statement.run(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::db::counts;
    use crate::db::tests::engine::Engine;

    #[derive(Debug, PartialEq, Eq, QueryableByName)]
    struct Whole {
        #[diesel(sql_type = BigInt)]
        tickets: i64,
        #[diesel(sql_type = BigInt)]
        cells: i64,
        #[diesel(sql_type = BigInt)]
        orders: i64,
    }

    fn whole(conn: &mut Conn) -> Result<Whole, DbError> {
        let sql = "SELECT (SELECT COALESCE(SUM(n), 0) FROM ticket_counts WHERE unit_id = 0) AS tickets, \
             (SELECT COALESCE(SUM(n), 0) FROM map_cells WHERE level = 18) AS cells, \
             (SELECT COALESCE(SUM(n), 0) FROM order_counts) AS orders";
        Ok(diesel::sql_query(sql).get_result(conn)?)
    }

    /// As many steps as there are numbers.
    fn leave(count: i64) -> String {
        format!(
            "WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {count}) \
             INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, \
             created_at, lon, lat, n) SELECT 350203, 4, 3, 2, 'received', NULL, 0, i * 86400000, 118.0 + i * 0.001, \
             24.4, 1 FROM number; \
             INSERT INTO order_deltas (district, unit_id, state, n) VALUES (350203, 9, 'open', 1)"
        )
    }

    #[tokio::test]
    async fn what_somebody_else_has_added_up_is_not_added_again() {
        let engine = Engine::sqlite();
        let db = engine.db();
        db.write(|conn| Ok::<_, DbError>(conn.batch_execute(&leave(PORTION + 50))?)).await.unwrap();
        let early = db.read(sums).await.unwrap().unwrap();
        assert!(counts::fold(&db).await.unwrap(), "there is more than a portion");
        let added = db.write(move |conn| add(conn, &early)).await;
        assert!(matches!(added, Err(DbError::Conflict)), "{added:?}");
        assert!(!counts::fold(&db).await.unwrap());
        assert!(!counts::fold(&db).await.unwrap(), "nothing is left");
        let all = Whole { tickets: PORTION + 50, cells: PORTION + 50, orders: 1 };
        assert_eq!(db.read(whole).await.unwrap(), all);

        // Keys are not used again, though the table is empty.
        db.write(|conn| Ok::<_, DbError>(conn.batch_execute(&leave(3))?)).await.unwrap();
        let early = db.read(sums).await.unwrap().unwrap();
        counts::fold(&db).await.unwrap();
        db.write(|conn| Ok::<_, DbError>(conn.batch_execute(&leave(3))?)).await.unwrap();
        assert!(matches!(db.write(move |conn| add(conn, &early)).await, Err(DbError::Conflict)));
        counts::fold(&db).await.unwrap();
        let all = Whole { tickets: PORTION + 56, cells: PORTION + 56, orders: 3 };
        assert_eq!(db.read(whole).await.unwrap(), all);
    }
}
