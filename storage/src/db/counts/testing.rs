//! What tests of the numbers leave and look at.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::db::conn::Conn;
use crate::db::error::DbError;

/// How much the numbers that are kept come to.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Whole {
    #[diesel(sql_type = BigInt)]
    pub(super) tickets: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cells: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) orders: i64,
}

pub(super) fn whole(conn: &mut Conn) -> Result<Whole, DbError> {
    let sql = "SELECT (SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM ticket_counts WHERE unit_id = 0) AS tickets, \
         (SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM map_cells WHERE level = 18) AS cells, \
         (SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM order_counts) AS orders";
    Ok(diesel::sql_query(sql).get_result(conn)?)
}

/// As many steps as there are numbers.
pub(super) fn leave(count: i64) -> String {
    format!(
        "WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {count}) \
         INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, \
         created_at, lon, lat, n) SELECT 350203, 4, 3, 2, 'received', NULL, i < 0, i * CAST(86400000 AS BIGINT), 118.0 + i * 0.001, \
         24.4, 1 FROM number; \
         INSERT INTO order_deltas (district, unit_id, state, n) VALUES (350203, 9, 'open', 1)"
    )
}
