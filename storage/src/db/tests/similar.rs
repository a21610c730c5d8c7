//! What lies around a place is found by an index, on both engines.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::engine::{Engine, both};
use crate::db::counts::spots_sql;
use crate::db::similar::TILE;
use crate::db::{Conn, DbError, Target};

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct SqlitePlan {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn plan(conn: &mut Conn, query: &str) -> Result<String, DbError> {
    let lines: Vec<String> = match conn {
        Conn::Sqlite(conn) => {
            let lines: Vec<SqlitePlan> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(conn)?;
            lines.into_iter().map(|line| line.detail).collect()
        }
        Conn::Pg(conn) => {
            // An empty table is read by a bitmap, which says nothing of whether the index alone would do.
            diesel::sql_query("SET enable_bitmapscan = off").execute(conn)?;
            let lines: Vec<Plan> = diesel::sql_query(format!("EXPLAIN {query}")).load(conn)?;
            lines.into_iter().map(|line| line.line).collect()
        }
    };
    Ok(lines.join("\n"))
}

both!(tickets_around_a_place_are_found_by_the_index, |engine: Engine| async move {
    let query = format!(
        "SELECT title FROM tickets WHERE {TILE} IN (24446059, 24447059) AND created_at >= 5 LIMIT 200"
    );
    let plan = engine.db().read(move |conn| plan(conn, &query)).await.unwrap();
    assert!(plan.contains("tickets_near"), "{plan}");
});

both!(the_tickets_of_a_tile_are_read_from_the_index_alone, |engine: Engine| async move {
    let is_sqlite = matches!(engine.target(), Target::Sqlite(_));
    for (stage, category) in [(None, None), (Some(0), None), (Some(1), Some("P0201"))] {
        let query = spots_sql(350_203, (118.1, 24.46, 118.12, 24.48), (stage, category), 10_000);
        let plan = engine.db().read(move |conn| plan(conn, &query)).await.unwrap();
        let (alone, by) = if is_sqlite {
            ("USING COVERING INDEX tickets_near", "INDEX tickets_")
        } else {
            ("Index Only Scan using tickets_near", "using tickets_")
        };
        // Whatever else is read of the tickets is what is held.
        assert!(plan.contains(alone) && plan.contains("tickets_held"), "{plan}");
        assert_eq!(plan.matches(by).count(), 2, "{plan}");
    }
});
