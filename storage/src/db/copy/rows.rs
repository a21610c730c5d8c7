//! Rows of any table: read from SQLite in the order of the key, written to PostgreSQL many at a time.

use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::BoxedSqlQuery;
use diesel::row::Field;
use diesel::sql_types::{Array, BigInt, Binary, Double, Nullable, Text, Untyped};
use diesel::sqlite::{Sqlite, SqliteType};
use serde::{Deserialize, Serialize};

use super::plan::{Column, Kind, Table};
use crate::db::error::DbError;

/// A page ends with the row by which it has this many bytes of texts: outlines of grids are large.
const PAGE_BYTES: usize = 4 << 20;

/// What SQLite can hold in a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

pub(super) struct Row(Vec<Value>);

impl FromSqlRow<Untyped, Sqlite> for Row {
    fn build_from_row<'a>(row: &impl diesel::row::Row<'a, Sqlite>) -> diesel::deserialize::Result<Self> {
        let mut values = Vec::with_capacity(row.field_count());
        for at in 0..row.field_count() {
            let field = row.get(at).ok_or("a row is shorter than it says")?;
            values.push(match field.value() {
                None => Value::Null,
                Some(value) => match value.value_type() {
                    None => Value::Null,
                    Some(SqliteType::Text) => Value::Text(FromSql::<Text, Sqlite>::from_sql(value)?),
                    Some(SqliteType::Binary) => Value::Bytes(FromSql::<Binary, Sqlite>::from_sql(value)?),
                    Some(SqliteType::Float | SqliteType::Double) => {
                        Value::Real(FromSql::<Double, Sqlite>::from_sql(value)?)
                    }
                    Some(_) => Value::Integer(FromSql::<BigInt, Sqlite>::from_sql(value)?),
                },
            });
        }
        Ok(Self(values))
    }
}

impl Row {
    fn bytes(&self) -> usize {
        let length = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 8,
        };
        self.0.iter().map(length).sum()
    }

    /// The values of the table's key.
    pub(super) fn key(&self, table: &Table) -> Vec<Value> {
        table.key.iter().filter_map(|at| self.0.get(*at).cloned()).collect()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list<'a>(names: impl Iterator<Item = &'a Column>) -> String {
    names.map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

/// The next page: rows whose key comes after the given one, at most `limit`.
///
/// # Errors
/// The database's.
pub(super) fn page(
    source: &mut SqliteConnection,
    table: &Table,
    after: Option<&[Value]>,
    limit: usize,
) -> Result<Vec<Row>, DbError> {
    let columns = list(table.columns.iter());
    let key = list(table.key.iter().filter_map(|at| table.columns.get(*at)));
    let beyond = after
        .map_or(String::new(), |after| format!("WHERE ({key}) > ({})", vec!["?"; after.len()].join(", ")));
    let name = quoted(&table.name);
    let sql = format!("SELECT {columns} FROM {name} {beyond} ORDER BY {key} LIMIT {limit}");
    let mut query: BoxedSqlQuery<'_, Sqlite, _> = diesel::sql_query(sql).into_boxed();
    for value in after.unwrap_or_default() {
        query = match value {
            Value::Integer(whole) => query.bind::<BigInt, _>(*whole),
            Value::Text(text) => query.bind::<Text, _>(text.clone()),
            Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.clone()),
            Value::Null | Value::Real(_) => return Err(odd(table, "the primary key")),
        };
    }
    let mut rows = Vec::new();
    let mut bytes = 0;
    for row in query.load_iter::<Row, DefaultLoadingMode>(source)? {
        let row = row?;
        bytes += row.bytes();
        rows.push(row);
        if bytes > PAGE_BYTES {
            break;
        }
    }
    Ok(rows)
}

fn odd(table: &Table, column: &str) -> DbError {
    DbError::Corrupt(format!("{} of {} holds a value of another type", column, table.name))
}

/// Writes rows with one statement: each column is one array, so the statement is the same for every page.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a value that is not of its column's type.
pub(super) fn write(target: &mut PgConnection, table: &Table, rows: Vec<Row>) -> Result<(), DbError> {
    let columns = list(table.columns.iter());
    let arrays: Vec<String> = (table.columns.iter().zip(1..))
        .map(|(column, n)| match column.kind {
            Kind::Integer | Kind::Boolean => format!("${n}::bigint[]"),
            Kind::Real => format!("${n}::double precision[]"),
            Kind::Text => format!("${n}::text[]"),
            Kind::Bytes => format!("${n}::bytea[]"),
        })
        .collect();
    let names: Vec<String> = (1..=table.columns.len()).map(|n| format!("c{n}")).collect();
    let values: Vec<String> = (table.columns.iter().zip(&names))
        .map(|(column, name)| match column.kind {
            Kind::Boolean => format!("{name} <> 0"),
            _ => format!("{name}::{}", column.data_type),
        })
        .collect();
    let sql = format!(
        "INSERT INTO {} ({columns}) SELECT {} FROM unnest({}) AS u({})",
        quoted(&table.name),
        values.join(", "),
        arrays.join(", "),
        names.join(", ")
    );
    let count = rows.len();
    let mut turned: Vec<Vec<Value>> = table.columns.iter().map(|_| Vec::with_capacity(count)).collect();
    for row in rows {
        for (column, value) in turned.iter_mut().zip(row.0) {
            column.push(value);
        }
    }
    let mut query: BoxedSqlQuery<'_, Pg, _> = diesel::sql_query(sql).into_boxed();
    for (column, values) in table.columns.iter().zip(turned) {
        query = bind(query, column, values).ok_or_else(|| odd(table, &column.name))?;
    }
    match query.execute(target)? {
        written if written == count => Ok(()),
        written => Err(DbError::Corrupt(format!("{written} of {count} rows of {} were taken", table.name))),
    }
}

/// Binds a column; none where a value is not of its type.
fn bind<'f, Q>(
    query: BoxedSqlQuery<'f, Pg, Q>,
    column: &Column,
    values: Vec<Value>,
) -> Option<BoxedSqlQuery<'f, Pg, Q>> {
    Some(match column.kind {
        Kind::Integer | Kind::Boolean => {
            query.bind::<Array<Nullable<BigInt>>, _>(each(values, |value| match value {
                Value::Integer(whole) => Some(whole),
                _ => None,
            })?)
        }
        Kind::Real => query.bind::<Array<Nullable<Double>>, _>(each(values, |value| match value {
            Value::Real(real) => Some(real),
            _ => None,
        })?),
        Kind::Text => query.bind::<Array<Nullable<Text>>, _>(each(values, |value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        })?),
        Kind::Bytes => query.bind::<Array<Nullable<Binary>>, _>(each(values, |value| match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        })?),
    })
}

/// The values read by `take`, nulls kept; none where one cannot be read.
fn each<T>(values: Vec<Value>, take: impl Fn(Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    let one = |value| match value {
        Value::Null => Some(None),
        value => take(value).map(Some),
    };
    values.into_iter().map(one).collect()
}
