//! The numbers that are kept, compared with what a count through all tickets finds.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::fold::{Dialect, squares};
use crate::db::conn::Conn;
use crate::db::error::DbError;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    kept: i64,
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

/// Every number that is not what a count finds, in words; at most 20. It goes through all tickets.
///
/// # Errors
/// The database's.
pub fn differences(conn: &mut Conn) -> Result<Vec<String>, DbError> {
    let mut wrong = Vec::new();
    for sql in [tickets(), orders(), cells(Dialect::of(conn))] {
        let rows: Vec<Row> = diesel::sql_query(sql).load(conn)?;
        wrong.extend(
            rows.into_iter().map(|row| format!("{}: {} kept, {} counted", row.what, row.kept, row.counted)),
        );
    }
    wrong.truncate(20);
    Ok(wrong)
}

/// Rows of (what, kept, counted) that differ.
fn compared(kept: &str, counted: &str) -> String {
    format!(
        "SELECT what, CAST(SUM(kept) AS BIGINT) AS kept, CAST(SUM(counted) AS BIGINT) AS counted FROM (\
         SELECT what, n AS kept, 0 AS counted FROM ({kept}) a \
         UNION ALL SELECT what, 0, n FROM ({counted}) b) both_sides \
         GROUP BY what HAVING SUM(kept) <> SUM(counted) ORDER BY what LIMIT 20"
    )
}

fn tickets() -> String {
    let name =
        |unit: &str| format!("'unit ' || {unit} || ' of ' || district || ' ' || state || ' ' || sensitive");
    let of = |table: &str, n: &str| {
        ["0", "street_id", "community_id", "grid_id"]
            .map(|unit| format!("SELECT {} AS what, {n} AS n FROM {table}", name(unit)))
            .join(" UNION ALL ")
    };
    let kept = format!("SELECT {} AS what, n FROM ticket_counts", name("unit_id"));
    compared(&format!("{kept} UNION ALL {}", of("ticket_deltas", "n")), &of("tickets", "1"))
}

fn orders() -> String {
    let of = |table: &str, n: &str| {
        format!(
            "SELECT 'orders of ' || unit_id || ' of ' || district || ' ' || state AS what, {n} AS n FROM {table}"
        )
    };
    compared(
        &format!("{} UNION ALL {}", of("order_counts", "n"), of("order_deltas", "n")),
        &of("work_orders", "1"),
    )
}

fn cells(dialect: Dialect) -> String {
    // The finest of each kind, and the coarsest; numbers and places.
    let part = |level: u8, by_category: bool, by_month: bool, source: &str| {
        let shift = 18 - level;
        let category = if by_category { "category" } else { "'*'" };
        let month = if by_month { "month" } else { "0" };
        format!(
            "SELECT {level} AS level, {category} AS category, {month} AS month, y >> {shift} AS y, x >> {shift} AS x, \
             stage, sensitive, n, lon_sum, lat_sum, district FROM ({source}) fine"
        )
    };
    let kinds =
        [(18, false, false), (16, true, false), (14, false, true), (16, true, true), (12, false, false)];
    let of = |source: &str| {
        kinds.map(|(level, category, month)| part(level, category, month, source)).join(" UNION ALL ")
    };
    let fresh = of(&squares(dialect, "ticket_deltas"));
    let whole = of(&squares(dialect, "(SELECT tickets.*, 1 AS n FROM tickets) numbered"));
    let levels = "(level = 18 OR level = 16 AND category <> '*' OR level = 14 AND category = '*' AND month <> 0 \
         OR level = 12 AND category = '*' AND month = 0)";
    let name = "'square ' || level || ' ' || category || ' ' || month || ' ' || y || ' ' || x || ' ' || stage || ' ' \
         || sensitive || ' of ' || district";
    let named = |source: &str| {
        format!(
            "SELECT {name} AS what, n FROM ({source}) s UNION ALL SELECT {name} || ' lon', lon_sum FROM ({source}) s \
             UNION ALL SELECT {name} || ' lat', lat_sum FROM ({source}) s"
        )
    };
    let kept = format!(
        "SELECT level, category, month, y, x, stage, sensitive, n, lon_sum, lat_sum, district FROM map_cells \
         WHERE {levels}"
    );
    compared(&format!("{} UNION ALL {}", named(&kept), named(&fresh)), &named(&whole))
}
