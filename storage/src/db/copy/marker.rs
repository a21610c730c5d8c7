//! How far a move has come, kept in the target: written in the transaction of each page, so it is true after a kill.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::plan::Table;
use super::rows::Value;
use crate::db::error::DbError;

/// The table that is there as long as a move is not finished. No server starts on a database with it.
pub(super) const TABLE: &str = "engine_move";

/// How far one table has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reached {
    pub(super) rows: u64,
    /// The key of the last row that was written.
    pub(super) last: Option<Vec<Value>>,
    pub(super) done: bool,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = BigInt)]
    copied: i64,
    #[diesel(sql_type = Nullable<Text>)]
    last_key: Option<String>,
    #[diesel(sql_type = Bool)]
    done: bool,
}

/// Whether a move has begun and not ended.
///
/// # Errors
/// The database's.
pub(super) fn is_there(target: &mut PgConnection) -> Result<bool, DbError> {
    let sql = format!("SELECT to_regclass('{TABLE}') IS NOT NULL AS found");
    Ok(diesel::sql_query(sql).get_result::<Found>(target)?.found)
}

/// Begins: one line for each table, for a source of this digest.
///
/// # Errors
/// The database's.
pub(super) fn begin(target: &mut PgConnection, source: &str, tables: &[Table]) -> Result<(), DbError> {
    target.batch_execute(&format!(
        "CREATE TABLE {TABLE} (table_name TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, copied BIGINT NOT NULL, \
         last_key TEXT, done BOOLEAN NOT NULL)"
    ))?;
    for table in tables {
        diesel::sql_query(format!("INSERT INTO {TABLE} VALUES ($1, $2, 0, NULL, FALSE)"))
            .bind::<Text, _>(&table.name)
            .bind::<Text, _>(source)
            .execute(target)?;
    }
    Ok(())
}

/// How far the table has come, in a move of the source with this digest.
///
/// # Errors
/// [`DbError::Refused`] for another source, or one that has changed meanwhile.
pub(super) fn reached(target: &mut PgConnection, source: &str, table: &Table) -> Result<Reached, DbError> {
    let line: Option<Line> = diesel::sql_query(format!(
        "SELECT source, copied, last_key, done FROM {TABLE} WHERE table_name = $1"
    ))
    .bind::<Text, _>(&table.name)
    .get_result(target)
    .optional()?;
    let Some(line) = line.filter(|line| line.source == source) else {
        return Err(DbError::Refused(
            "another move into the target has begun, or the source has changed since this one began; drop the target \
             database, create it anew, and start again"
                .to_owned(),
        ));
    };
    let last = line.last_key.map(|key| serde_json::from_str(&key)).transpose();
    let last = last.map_err(|error| DbError::corrupt(TABLE, error))?;
    Ok(Reached { rows: line.copied.unsigned_abs(), last, done: line.done })
}

/// Notes how far the table has come.
///
/// # Errors
/// The database's.
pub(super) fn note(target: &mut PgConnection, table: &Table, reached: &Reached) -> Result<(), DbError> {
    let last = reached.last.as_ref().map(serde_json::to_string).transpose();
    let last = last.map_err(|error| DbError::corrupt(TABLE, error))?;
    diesel::sql_query(format!(
        "UPDATE {TABLE} SET copied = $1, last_key = $2, done = $3 WHERE table_name = $4"
    ))
    .bind::<BigInt, _>(i64::try_from(reached.rows).unwrap_or(i64::MAX))
    .bind::<Nullable<Text>, _>(last)
    .bind::<Bool, _>(reached.done)
    .bind::<Text, _>(&table.name)
    .execute(target)?;
    Ok(())
}

/// Ends the move: servers may start.
///
/// # Errors
/// The database's.
pub(super) fn end(target: &mut PgConnection) -> Result<(), DbError> {
    Ok(target.batch_execute(&format!("DROP TABLE {TABLE}"))?)
}
