//! A whole installation moved from SQLite to PostgreSQL.
//!
//! Tables are copied parents first, in pages by their keys, and each page is one transaction together with the note of
//! how far it came. So a move that was killed goes on where it was, and a page is never written twice. The source is
//! locked against everybody else for the whole time, and known by the digest of its file.

mod marker;
mod plan;
mod rows;

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::conn::{Conn, Target, Use, connect};
use super::error::DbError;
use super::history::{Verified, verify_all};
use super::migrate::{migrate, schema_of};
use super::{bulk, counts, search};
use crate::files;
use marker::Reached;
use plan::Table;

/// The advisory lock that a move holds: "ssp" and a number, the same in every version.
const LOCK: i64 = 0x0073_7370_0002;
/// Rows that one statement writes.
const PAGE_ROWS: usize = 2000;
/// Tables in which the migrations put their one row; the source's row takes its place.
const SEEDED: [&str; 2] = ["id_blocks", "registry_revision"];

/// What a move says while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMoved {
    /// The table.
    pub table: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many of them an earlier, interrupted move had brought.
    pub before: u64,
}

/// What a move has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// All tables, in the order of copying.
    pub tables: Vec<TableMoved>,
    /// The verification of the histories in the target.
    pub verified: Verified,
}

/// Refuses a database into which a move has not been finished.
pub(super) fn refuse_unfinished(conn: &mut PgConnection) -> Result<(), DbError> {
    if marker::is_there(conn)? {
        return Err(DbError::Refused(
            "an installation is being moved into this database; run the same `suishoupai migrate-engine` again until it \
             says that it is complete"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Moves the installation in `from`, an SQLite file that nobody else has open, into `to`, an empty PostgreSQL database
/// or one into which the same source has been moved in part. Blocks. `say` is told of each table; `last` is called
/// when all tables have arrived, while the source is still locked and the move is not yet complete.
///
/// # Errors
/// [`DbError::Refused`] where the source is in use or not of this program's schema, or the target is not empty; the
/// databases' own otherwise. Calling it again goes on.
pub fn move_to_postgres(
    from: &Target,
    to: &Target,
    mut say: impl FnMut(&TableMoved) -> Result<(), DbError>,
    last: impl FnOnce() -> Result<(), DbError>,
) -> Result<Moved, DbError> {
    move_in_pages(from, to, PAGE_ROWS, &mut say, last)
}

fn move_in_pages(
    from: &Target,
    to: &Target,
    page_rows: usize,
    say: &mut dyn FnMut(&TableMoved) -> Result<(), DbError>,
    last: impl FnOnce() -> Result<(), DbError>,
) -> Result<Moved, DbError> {
    let (Target::Sqlite(path), Target::Postgres(_)) = (from, to) else {
        return Err(DbError::Refused(
            "an installation is moved from sqlite://PATH to postgres://USER:PASSWORD@HOST/NAME".to_owned(),
        ));
    };
    let source = open_alone(path)?;
    let mut source = Conn::Sqlite(source);
    schema_of(&mut source)?.is_current()?;
    // The file holds everything, since its log has been written back.
    let (digest, _) = files::digest(Path::new(path))
        .map_err(|error| DbError::Unavailable(format!("cannot read {path}: {error}")))?;
    let mut target = open_target(to)?;
    let (Conn::Sqlite(reading), Conn::Pg(writing)) = (&mut source, &mut target) else {
        return Err(DbError::Refused("the engines are not those that were named".to_owned()));
    };
    let tables = prepare(reading, writing, to, &digest)?;
    let mut moved = Vec::new();
    for table in &tables {
        let reached = marker::reached(writing, &digest, table)?;
        let rows =
            if reached.done { reached.rows } else { copy(reading, writing, table, &reached, page_rows)? };
        let told = TableMoved { table: table.name.clone(), rows, before: reached.rows };
        say(&told)?;
        moved.push(told);
    }
    compare(reading, writing, &tables)?;
    follow(&mut target)?;
    bulk::tidy(&mut target)?;
    let verified = verify_all(&mut target)?;
    // A source that had been tampered with is moved as it is; only what the move itself broke must not pass.
    let broken = !verified.breaks.is_empty()
        || !verified.supervision.breaks.is_empty()
        || !verified.audit.breaks.is_empty();
    if broken && verify_all(&mut source)? != verified {
        return Err(DbError::Corrupt("the histories in the target are not those of the source".to_owned()));
    }
    last()?;
    if let Conn::Pg(writing) = &mut target {
        marker::end(writing)?;
    }
    Ok(Moved { tables: moved, verified })
}

/// Opens the source so that nobody else can have it open: in WAL mode every connection of a server holds a shared
/// lock for as long as it lives, so the exclusive one cannot be had while one is there.
fn open_alone(path: &str) -> Result<SqliteConnection, DbError> {
    if !Path::new(path).is_file() {
        return Err(DbError::Refused(format!("there is no database {path}")));
    }
    let in_use = |error: diesel::result::Error| match DbError::from(error) {
        DbError::Unavailable(_) => DbError::Refused(format!(
            "the source {path} is in use; stop the server and every other program that has it open, then start again"
        )),
        other => other,
    };
    let mut conn = SqliteConnection::establish(path).map_err(DbError::connect)?;
    conn.batch_execute(
        "PRAGMA busy_timeout = 1000; PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = ON",
    )
    .map_err(in_use)?;
    conn.batch_execute("BEGIN IMMEDIATE; COMMIT; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA query_only = ON")
        .map_err(in_use)?;
    Ok(conn)
}

/// A connection to the target that may work for long, alone among moves.
fn open_target(to: &Target) -> Result<Conn, DbError> {
    let mut conn = connect(to, Use::Write)?;
    // What a killed move left running ends within moments; it is waited for.
    conn.batch_execute(&format!(
        "SET statement_timeout = 0; SET lock_timeout = '20s'; SELECT pg_advisory_lock({LOCK}); SET lock_timeout = 0; \
         SET suishoupai.filling = 'on'"
    ))
    .map_err(|error| match DbError::from(error) {
        DbError::Statement(_) => DbError::Refused("another move into the target is under way".to_owned()),
        other => other,
    })?;
    Ok(conn)
}

/// The tables, and the target ready to take them: migrated, empty, and marked.
fn prepare(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    to: &Target,
    digest: &str,
) -> Result<Vec<Table>, DbError> {
    if marker::is_there(target)? {
        return plan::plan(source, target);
    }
    migrate(to)?;
    let tables = plan::plan(source, target)?;
    for table in &tables {
        if !SEEDED.contains(&table.name.as_str()) && count(&table.name, |sql| one(sql, target))? > 0 {
            return Err(DbError::Refused(format!(
                "the target is not empty: its table {} has rows; name a database that holds nothing",
                table.name
            )));
        }
    }
    target.transaction(|target| {
        for table in SEEDED {
            diesel::sql_query(format!("DELETE FROM {table}")).execute(target)?;
        }
        marker::begin(target, digest, &tables)
    })?;
    Ok(tables)
}

/// Copies what is left of a table; how many rows it has now.
fn copy(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: &Table,
    reached: &Reached,
    page_rows: usize,
) -> Result<u64, DbError> {
    let mut reached = reached.clone();
    if table.names_itself {
        // Children may come before their parents, so the keys are looked at when all rows are there.
        return target.transaction(|target| {
            defer_own_keys(target, table, true)?;
            while !reached.done {
                next_page(source, target, table, &mut reached, page_rows)?;
            }
            target.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?;
            defer_own_keys(target, table, false)?;
            Ok(reached.rows)
        });
    }
    while !reached.done {
        target.transaction(|target| next_page(source, target, table, &mut reached, page_rows))?;
    }
    Ok(reached.rows)
}

fn next_page(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: &Table,
    reached: &mut Reached,
    page_rows: usize,
) -> Result<(), DbError> {
    let page = rows::page(source, table, reached.last.as_deref(), page_rows)?;
    reached.rows += page.len() as u64;
    match page.last() {
        None => reached.done = true,
        Some(row) => {
            reached.last = Some(row.key(table));
            rows::write(target, table, page).map_err(|error| in_table(table, error))?;
        }
    }
    marker::note(target, table, reached)
}

fn in_table(table: &Table, error: DbError) -> DbError {
    match error {
        error @ (DbError::Unavailable(_) | DbError::Full | DbError::Conflict) => error,
        other => DbError::Corrupt(format!("table {}: {other}", table.name)),
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn defer_own_keys(target: &mut PgConnection, table: &Table, deferred: bool) -> Result<(), DbError> {
    let keys: Vec<Name> = diesel::sql_query(
        "SELECT conname::text AS name FROM pg_constraint \
         WHERE contype = 'f' AND conrelid = $1::regclass AND confrelid = conrelid",
    )
    .bind::<Text, _>(&table.name)
    .load(target)?;
    let how = if deferred { "DEFERRABLE INITIALLY DEFERRED" } else { "NOT DEFERRABLE" };
    for key in keys {
        target.batch_execute(&format!(
            "ALTER TABLE \"{}\" ALTER CONSTRAINT \"{}\" {how}",
            table.name, key.name
        ))?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn one<C>(sql: String, conn: &mut C) -> QueryResult<Count>
where
    C: diesel::connection::LoadConnection,
    diesel::query_builder::SqlQuery: diesel::query_dsl::LoadQuery<'static, C, Count>,
{
    diesel::sql_query(sql).get_result(conn)
}

fn count(table: &str, ask: impl FnOnce(String) -> QueryResult<Count>) -> Result<i64, DbError> {
    Ok(ask(format!("SELECT count(*) AS count FROM \"{table}\""))?.count)
}

/// Makes what follows from the tickets in the target.
fn follow(target: &mut Conn) -> Result<(), DbError> {
    target.transaction(counts::count_anew)?;
    let mut reached = Some(0);
    while let Some(after) = reached {
        reached = target.transaction(|target| search::keep_old(target, after, PAGE_ROWS as i64))?;
    }
    Ok(())
}

/// Refuses a copy with another number of rows in any table.
fn compare(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    tables: &[Table],
) -> Result<(), DbError> {
    for table in tables {
        let here = count(&table.name, |sql| one(sql, source))?;
        let there = count(&table.name, |sql| one(sql, target))?;
        if here != there {
            return Err(DbError::Corrupt(format!(
                "the table {} has {here} rows in the source and {there} in the target",
                table.name
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
