//! Tables filled from nothing: without their indexes and references meanwhile, which are made again in one go at the
//! end. It all is one transaction, so the tables are never seen without.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::conn::Conn;
use super::counts;
use super::error::DbError;

/// The tickets alone, whose many indexes change with every step.
pub const TICKETS: &[&str] = &["tickets"];

/// All tables of tickets, for those who write them and look nothing up meanwhile.
pub const ALL: &[&str] = &[
    "tickets",
    "reports",
    "work_orders",
    "events",
    "evidence",
    "notices",
    "requests",
    "summons",
    "call_backs",
    "ratings",
    "ticket_texts",
];

/// Something that is taken away and made again.
#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = Text)]
    drop: String,
    #[diesel(sql_type = Text)]
    make: String,
}

/// Indexes of SQLite that a statement made; the others belong to keys.
const SQLITE_INDEXES: &str = "SELECT 'DROP INDEX \"' || name || '\"' AS \"drop\", sql AS make FROM sqlite_master \
    WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN";

/// Triggers of SQLite by which other tables follow from these; PostgreSQL's ask for the setting.
const SQLITE_TRIGGERS: &str = "SELECT 'DROP TRIGGER \"' || name || '\"' AS \"drop\", sql AS make FROM sqlite_master \
    WHERE type = 'trigger' AND name IN ('tickets_recounted', 'tickets_uncounted', 'orders_counted', 'orders_recounted', \
    'orders_uncounted')";

/// References to other tables on PostgreSQL, which looks each row up by itself, but all of them at once when the
/// reference is made.
const PG_REFERENCES: &str = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop, \
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make \
    FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace \
    AND conrelid::regclass::text IN";

/// Indexes of PostgreSQL that no constraint needs.
const PG_INDEXES: &str = "SELECT format('DROP INDEX %s', indexrelid::regclass) AS drop, \
    pg_get_indexdef(indexrelid) AS make FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
    WHERE relnamespace = current_schema()::regnamespace \
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid) AND indrelid::regclass::text IN";

/// Carries out `work`, which fills these tables, without their indexes.
///
/// # Errors
/// Those of `work`, and the database's.
pub fn fill<T, E: From<DbError>>(
    conn: &mut Conn,
    tables: &[&str],
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let parts = take_away(conn, tables)?;
    let done = work(conn)?;
    make_again(conn, tables, &parts)?;
    if tables == ALL {
        counts::count_anew(conn)?;
    }
    Ok(done)
}

/// Does at once, outside of a transaction, what PostgreSQL does by itself within some minutes: until then it looks into the
/// table for each entry of an index. The connection waits as long as it takes, and for the disk, from then on.
///
/// # Errors
/// The database's.
pub fn tidy(conn: &mut Conn) -> Result<(), DbError> {
    let Conn::Pg(conn) = conn else { return Ok(()) };
    conn.batch_execute("SET statement_timeout = 0; SET synchronous_commit = on")?;
    // Its commits bring to the disk whatever was committed without waiting for it. Before that, no row counts as visible
    // to all.
    conn.batch_execute("ANALYZE")?;
    for _ in 0..VACUUMS {
        conn.batch_execute("VACUUM")?;
        if !diesel::select(sql::<Bool>(HIDDEN)).get_result::<bool>(conn)? {
            break;
        }
    }
    Ok(())
}

/// VACUUM passes over a page that somebody else has in hand at that moment, as autovacuum may. The next one looks at
/// nothing but what was left, so it takes no time; but whoever holds on to a page is not waited for for ever.
const VACUUMS: usize = 3;
/// Whether a table has a page of which is not known that all see its rows.
const HIDDEN: &str = "EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
    AND relallvisible < relpages)";

fn take_away(conn: &mut Conn, tables: &[&str]) -> Result<Vec<Part>, DbError> {
    // Whoever changes tickets step by step needs what follows from each.
    let is_whole = tables == ALL;
    let tables = format!("('{}')", tables.join("', '"));
    let parts = match conn {
        Conn::Sqlite(conn) => {
            let mut parts = diesel::sql_query(format!("{SQLITE_INDEXES} {tables}")).load::<Part>(conn)?;
            if is_whole {
                parts.extend(diesel::sql_query(SQLITE_TRIGGERS).load::<Part>(conn)?);
            }
            parts
        }
        Conn::Pg(conn) => {
            // Nobody waits for this transaction, and an index of millions of rows takes its time.
            conn.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'")?;
            if is_whole {
                conn.batch_execute("SET LOCAL suishoupai.filling = 'on'")?;
            }
            let mut parts = diesel::sql_query(format!("{PG_REFERENCES} {tables}")).load::<Part>(conn)?;
            parts.extend(diesel::sql_query(format!("{PG_INDEXES} {tables}")).load::<Part>(conn)?);
            parts
        }
    };
    for part in &parts {
        conn.batch_execute(&part.drop)?;
    }
    Ok(parts)
}

fn make_again(conn: &mut Conn, tables: &[&str], parts: &[Part]) -> Result<(), DbError> {
    for part in parts.iter().rev() {
        conn.batch_execute(&part.make)?;
    }
    if let Conn::Pg(conn) = conn {
        // Without statistics the planner takes the tables for small.
        conn.batch_execute(&format!("ANALYZE {}", tables.join(", ")))?;
    }
    Ok(())
}
