//! What is copied, read from both schemas, so that a table of a later migration is covered by itself.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::error::DbError;

/// How a column of PostgreSQL takes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Boolean,
    Real,
    Text,
    Bytes,
}

impl Kind {
    fn of(data_type: &str) -> Option<Self> {
        Some(match data_type {
            "smallint" | "integer" | "bigint" => Self::Integer,
            "boolean" => Self::Boolean,
            "double precision" => Self::Real,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A column that both engines have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The type on PostgreSQL.
    pub(super) data_type: String,
}

/// A table that both engines have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Positions in `columns` of the primary key, in its order.
    pub(super) key: Vec<usize>,
    /// Whether rows name others of the same table, so that a parent may come after its child.
    pub(super) names_itself: bool,
}

#[derive(QueryableByName)]
struct SourceColumn {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    /// Place in the primary key from 1 on; 0 for a column outside of it.
    #[diesel(sql_type = BigInt)]
    pk: i64,
}

#[derive(QueryableByName)]
struct TargetColumn {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

/// What follows from other tables, or is of no use in another place: made there anew, or not at all.
pub(super) const FOLLOWING: [&str; 6] =
    ["ticket_changes", "ticket_deltas", "ticket_counts", "map_cells", "order_deltas", "order_counts"];

/// What the tool itself and the migrations keep; no part of the installation.
fn is_own(table: &str) -> bool {
    table.starts_with("sqlite_")
        || table == "__diesel_schema_migrations"
        || table == super::marker::TABLE
        || FOLLOWING.contains(&table)
        // With the tables in which SQLite keeps it.
        || table.starts_with("ticket_texts")
}

/// All tables, parents before children.
///
/// # Errors
/// Where the schemas differ, a column has a type that cannot be copied, or a table no key by which to page.
pub(super) fn plan(source: &mut SqliteConnection, target: &mut PgConnection) -> Result<Vec<Table>, DbError> {
    let columns: Vec<SourceColumn> = diesel::sql_query(
        "SELECT m.name AS table_name, c.name AS column_name, c.pk AS pk \
         FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid",
    )
    .load(source)?;
    let references: Vec<Reference> = diesel::sql_query(
        "SELECT DISTINCT m.name AS table_name, f.\"table\" AS parent \
         FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    )
    .load(source)?;
    let there: Vec<TargetColumn> = diesel::sql_query(
        "SELECT c.table_name::text, c.column_name::text, c.data_type::text FROM information_schema.columns c \
         JOIN information_schema.tables t USING (table_schema, table_name) \
         WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'",
    )
    .load(target)?;
    let mut types: BTreeMap<(String, String), String> = there
        .into_iter()
        .filter(|column| !is_own(&column.table_name))
        .map(|column| ((column.table_name, column.column_name), column.data_type))
        .collect();
    let mut tables: BTreeMap<String, (Table, Vec<(i64, usize)>)> = BTreeMap::new();
    for column in columns.into_iter().filter(|column| !is_own(&column.table_name)) {
        let name = (column.table_name, column.column_name);
        let data_type = types.remove(&name).ok_or_else(|| differ(&name, "only in the source"))?;
        let kind = Kind::of(&data_type).ok_or_else(|| differ(&name, "of a type that is not copied"))?;
        let names_itself = references.iter().any(|one| one.table_name == name.0 && one.parent == name.0);
        let empty = Table { name: name.0.clone(), columns: Vec::new(), key: Vec::new(), names_itself };
        let (table, key) = tables.entry(name.0).or_insert_with(|| (empty, Vec::new()));
        if column.pk > 0 {
            key.push((column.pk, table.columns.len()));
        }
        table.columns.push(Column { name: name.1, kind, data_type });
    }
    if let Some((name, _)) = types.pop_first() {
        return Err(differ(&name, "only in the target"));
    }
    let mut all = BTreeMap::new();
    for (name, (mut table, mut key)) in tables {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, at)| at).collect();
        if table.key.is_empty() {
            return Err(DbError::Refused(format!("the table {name} has no primary key to page by")));
        }
        all.insert(name, table);
    }
    in_order(all, &references)
}

fn differ((table, column): &(String, String), how: &str) -> DbError {
    DbError::Refused(format!("the schemas differ: the column {table}.{column} is {how}"))
}

/// Parents before children; tables that depend on nothing of each other by name.
fn in_order(mut tables: BTreeMap<String, Table>, references: &[Reference]) -> Result<Vec<Table>, DbError> {
    let mut placed: BTreeSet<String> = BTreeSet::new();
    let mut order = Vec::new();
    while !tables.is_empty() {
        let ready = |name: &String| {
            let mut parents = references.iter().filter(|one| one.table_name == *name);
            parents.all(|one| one.parent == *name || placed.contains(&one.parent))
        };
        let Some(next) = tables.keys().find(|name| ready(name)).cloned() else {
            let left: Vec<&str> = tables.keys().map(String::as_str).collect();
            return Err(DbError::Refused(format!("the tables {} refer to each other", left.join(", "))));
        };
        order.extend(tables.remove(&next));
        placed.insert(next);
    }
    Ok(order)
}
