//! On SQLite a reader adds up what steps have left, so that the one writer, for whom everybody waits, only adds the sums to the
//! numbers that are kept.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::fold::{
    ADDED_TO_CELLS, ADDED_TO_COUNTS, ADDED_TO_ORDERS, INTO_CELLS, INTO_COUNTS, INTO_ORDERS, PORTION,
};
use super::sums::{InSquare, OfUnit, Square, Step, by_square, by_unit};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::pieces::{Pieces, Value};
use crate::db::schema::{order_deltas, ticket_deltas};

/// The sums of the next rows that steps have left.
#[derive(Debug)]
pub(super) struct Sums {
    tickets: Taken,
    orders: Taken,
    by_unit: BTreeMap<OfUnit, i64>,
    by_square: BTreeMap<Square, InSquare>,
    of_orders: BTreeMap<(i32, i64, String), i64>,
}

/// Which rows of a table are added up: all up to a key, and how many they are.
#[derive(Clone, Copy, Debug)]
struct Taken {
    upto: i64,
    rows: usize,
}

impl Taken {
    fn of(ids: impl Iterator<Item = i64>) -> Self {
        ids.fold(Self { upto: 0, rows: 0 }, |taken, id| Self { upto: id, rows: taken.rows + 1 })
    }
}

/// Adds up the next rows; none where there are none.
pub(super) fn sums(conn: &mut Conn) -> Result<Option<Sums>, DbError> {
    let steps: Vec<Step> = ticket_deltas::table
        .select((
            ticket_deltas::id,
            ticket_deltas::district,
            ticket_deltas::grid_id,
            ticket_deltas::community_id,
            ticket_deltas::street_id,
            ticket_deltas::state,
            ticket_deltas::category,
            ticket_deltas::sensitive,
            ticket_deltas::created_at,
            ticket_deltas::lon,
            ticket_deltas::lat,
            ticket_deltas::n,
        ))
        .order(ticket_deltas::id)
        .limit(PORTION)
        .load(conn)?;
    let orders: Vec<(i64, i32, i64, String, i64)> = order_deltas::table
        .select((
            order_deltas::id,
            order_deltas::district,
            order_deltas::unit_id,
            order_deltas::state,
            order_deltas::n,
        ))
        .order(order_deltas::id)
        .limit(PORTION)
        .load(conn)?;
    if steps.is_empty() && orders.is_empty() {
        return Ok(None);
    }
    let mut of_orders: BTreeMap<(i32, i64, String), i64> = BTreeMap::new();
    for (_, district, unit, state, n) in &orders {
        *of_orders.entry((*district, *unit, state.clone())).or_default() += n;
    }
    of_orders.retain(|_, n| *n != 0);
    Ok(Some(Sums {
        tickets: Taken::of(steps.iter().map(|step| step.id)),
        orders: Taken::of(orders.iter().map(|(id, ..)| *id)),
        by_unit: by_unit(&steps),
        by_square: by_square(&steps),
        of_orders,
    }))
}

/// Adds the sums to the numbers, and removes what they are sums of; says whether there may be more.
///
/// # Errors
/// [`DbError::Conflict`] where somebody else has added that up meanwhile; the database's.
pub(super) fn add(conn: &mut Conn, sums: &Sums) -> Result<bool, DbError> {
    remove(conn, "DELETE FROM ticket_deltas WHERE id <= ", sums.tickets)?;
    remove(conn, "DELETE FROM order_deltas WHERE id <= ", sums.orders)?;
    for ((district, unit, state, sensitive), n) in &sums.by_unit {
        let values: [Value; 5] = [
            (*district).into(),
            (*unit).into(),
            state.as_str().into(),
            i32::from(*sensitive).into(),
            (*n).into(),
        ];
        put(conn, INTO_COUNTS, values, ADDED_TO_COUNTS)?;
    }
    for (square, of) in &sums.by_square {
        put(conn, INTO_CELLS, cell(square, *of), ADDED_TO_CELLS)?;
    }
    for ((district, unit, state), n) in &sums.of_orders {
        let values: [Value; 4] = [(*district).into(), (*unit).into(), state.as_str().into(), (*n).into()];
        put(conn, INTO_ORDERS, values, ADDED_TO_ORDERS)?;
    }
    Ok(sums.tickets.rows.max(sums.orders.rows) as i64 >= PORTION)
}

fn cell(square: &Square, of: InSquare) -> [Value; 11] {
    [
        square.district.into(),
        i32::from(square.level).into(),
        square.category.as_str().into(),
        square.month.into(),
        square.y.into(),
        square.x.into(),
        square.stage.into(),
        i32::from(square.sensitive).into(),
        of.n.into(),
        of.lon_sum.into(),
        of.lat_sum.into(),
    ]
}

fn remove(conn: &mut Conn, delete: &'static str, taken: Taken) -> Result<(), DbError> {
    if taken.rows == 0 {
        return Ok(());
    }
    let mut statement = Pieces::<()>::new();
    statement.sql(delete).value(taken.upto);
    // Else some would be counted twice. Keys are never used again.
    if statement.run(conn)? == taken.rows { Ok(()) } else { Err(DbError::Conflict) }
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
    use diesel::sql_types::Text;
    use proptest::prelude::*;
    use proptest::sample;

    use super::*;
    use crate::db::counts;
    use crate::db::counts::fold::{Walk, add_all};
    use crate::db::counts::testing::{Whole, leave, whole};
    use crate::db::tests::engine::Engine;

    #[tokio::test]
    async fn what_somebody_else_has_added_up_is_not_added_again() {
        let engine = Engine::sqlite();
        let db = engine.db();
        db.write(|conn| Ok::<_, DbError>(conn.batch_execute(&leave(PORTION + 50))?)).await.unwrap();
        let early = db.read(sums).await.unwrap().unwrap();
        assert!(counts::fold(&db, &mut Walk::default()).await.unwrap(), "there is more than a portion");
        let added = db.write(move |conn| add(conn, &early)).await;
        assert!(matches!(added, Err(DbError::Conflict)), "{added:?}");
        assert!(!counts::fold(&db, &mut Walk::default()).await.unwrap());
        assert!(!counts::fold(&db, &mut Walk::default()).await.unwrap(), "nothing is left");
        let all = Whole { tickets: PORTION + 50, cells: PORTION + 50, orders: 1 };
        assert_eq!(db.read(whole).await.unwrap(), all);

        // Keys are not used again, though the table is empty.
        db.write(|conn| Ok::<_, DbError>(conn.batch_execute(&leave(3))?)).await.unwrap();
        let early = db.read(sums).await.unwrap().unwrap();
        counts::fold(&db, &mut Walk::default()).await.unwrap();
        db.write(|conn| Ok::<_, DbError>(conn.batch_execute(&leave(3))?)).await.unwrap();
        assert!(matches!(db.write(move |conn| add(conn, &early)).await, Err(DbError::Conflict)));
        counts::fold(&db, &mut Walk::default()).await.unwrap();
        let all = Whole { tickets: PORTION + 56, cells: PORTION + 56, orders: 3 };
        assert_eq!(db.read(whole).await.unwrap(), all);
    }

    #[derive(Debug, PartialEq, QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }

    /// All numbers that are kept, as texts.
    fn numbers(conn: &mut Conn) -> Result<Vec<Line>, DbError> {
        let sql = "SELECT 'unit ' || district || ' ' || unit_id || ' ' || state || ' ' || sensitive || ': ' || n AS line \
             FROM ticket_counts WHERE n <> 0 UNION ALL \
             SELECT 'square ' || district || ' ' || level || ' ' || category || ' ' || month || ' ' || y || ' ' || x || ' ' \
             || stage || ' ' || sensitive || ': ' || n || ' ' || lon_sum || ' ' || lat_sum FROM map_cells \
             WHERE n <> 0 OR lon_sum <> 0 OR lat_sum <> 0 UNION ALL \
             SELECT 'orders ' || district || ' ' || unit_id || ' ' || state || ': ' || n FROM order_counts WHERE n <> 0 \
             ORDER BY line";
        Ok(diesel::sql_query(sql).load(conn)?)
    }

    const STATES: &[&str] =
        &["received", "claimed", "closed", "refused", "withdrawn", "voided", "merged", "suspended"];

    fn step() -> impl Strategy<Value = String> {
        // Also the last moment of a month in China, and the first one of the next year.
        let instants = prop_oneof![
            0..4_000_000_000_000_i64,
            Just(1_769_875_199_999),
            Just(1_769_875_200_000),
            Just(1_798_732_800_000),
        ];
        let lon = prop_oneof![-180.0..=180.0_f64, 118.0..118.2, Just(-180.0), Just(180.0)];
        let lat = prop_oneof![-90.0..=90.0_f64, 24.4..24.6, Just(-90.0), Just(90.0)];
        let what = (sample::select(STATES), sample::select(&["NULL", "'E0101'", "'E0204'"]), any::<bool>());
        (1..3_i64, 1..4_i64, what, instants, lon, lat, sample::select(&[1, 1, -1])).prop_map(
            |(district, unit, (state, category, sensitive), at, lon, lat, n)| {
                format!(
                    "({district}, {}, {}, {unit}, '{state}', {category}, {sensitive}, {at}, {lon:?}, {lat:?}, {n})",
                    100 + unit,
                    10 + unit,
                )
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// As those who fill the tables without the steps have SQLite itself count.
        #[test]
        fn the_sums_are_those_of_the_statements(
            steps in prop::collection::vec(step(), 1..400),
            orders in prop::collection::vec((1..3_i64, 1..4_i64, sample::select(&["open", "done"]), sample::select(&[1, -1])), 0..300),
        ) {
            let orders = orders.iter().map(|(district, unit, state, n)| format!("({district}, {unit}, '{state}', {n})"));
            let left = format!(
                "INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, \
                 created_at, lon, lat, n) VALUES {}; \
                 INSERT INTO order_deltas (district, unit_id, state, n) VALUES (1, 1, 'open', 0){}",
                steps.join(", "),
                orders.map(|one| format!(", {one}")).collect::<String>(),
            );
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (added, counted) = runtime.block_on(async move {
                let engine = Engine::sqlite();
                let db = engine.db();
                let again = left.clone();
                db.write(move |conn| Ok::<_, DbError>(conn.batch_execute(&left)?)).await.unwrap();
                let mut walk = Walk::default();
                while counts::fold(&db, &mut walk).await.unwrap() {}
                let added = db.read(numbers).await.unwrap();
                let count = move |conn: &mut Conn| {
                    conn.batch_execute("DELETE FROM ticket_counts; DELETE FROM map_cells; DELETE FROM order_counts")?;
                    conn.batch_execute(&again)?;
                    add_all(conn)
                };
                db.write(count).await.unwrap();
                (added, db.read(numbers).await.unwrap())
            });
            prop_assert_eq!(added, counted);
        }
    }
}
