//! What lies around a place is found by an index, on both engines.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::engine::{Engine, both};
use crate::db::similar::TILE;
use crate::db::{Conn, DbError};

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

fn plan(conn: &mut Conn) -> Result<String, DbError> {
    let query = format!(
        "SELECT title FROM tickets WHERE {TILE} IN (24446059, 24447059) AND created_at >= 5 LIMIT 200"
    );
    let lines: Vec<String> = match conn {
        Conn::Sqlite(conn) => {
            let lines: Vec<SqlitePlan> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(conn)?;
            lines.into_iter().map(|line| line.detail).collect()
        }
        Conn::Pg(conn) => {
            // An empty table is read whole, unless that is forbidden.
            diesel::sql_query("SET enable_seqscan = off").execute(conn)?;
            let lines: Vec<Plan> = diesel::sql_query(format!("EXPLAIN {query}")).load(conn)?;
            lines.into_iter().map(|line| line.line).collect()
        }
    };
    Ok(lines.join("\n"))
}

both!(tickets_around_a_place_are_found_by_the_index, |engine: Engine| async move {
    let plan = engine.db().read(plan).await.unwrap();
    assert!(plan.contains("tickets_near"), "{plan}");
});
