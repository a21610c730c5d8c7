//! The tables in the code are those that the migrations make, on both engines.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::engine::{Engine, both};
use crate::db::{Conn, DbError};

/// Columns by table.
type Tables = BTreeMap<String, BTreeSet<String>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

fn in_code() -> Tables {
    let mut tables = Tables::new();
    let mut table = String::new();
    for line in include_str!("../schema.rs").lines() {
        let line = line.trim();
        if let Some((column, _)) = line.split_once(" -> ").filter(|_| !line.starts_with("joinable")) {
            tables.entry(table.clone()).or_default().insert(column.to_owned());
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            name.clone_into(&mut table);
        }
    }
    tables
}

fn in_database(conn: &mut Conn) -> Result<Tables, DbError> {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table'"
        }
        Conn::Pg(_) => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public'"
        }
    };
    let mut tables = Tables::new();
    for row in diesel::sql_query(sql).load::<Column>(conn)? {
        tables.entry(row.table_name).or_default().insert(row.column_name);
    }
    tables.retain(|name, _| !name.starts_with("__diesel") && !name.starts_with("sqlite_"));
    // An index of words is another thing on each engine, which the code speaks to in its own words.
    tables.retain(|name, _| !name.starts_with("ticket_texts"));
    Ok(tables)
}

both!(the_code_has_the_tables_of_the_migrations, |engine: Engine| async move {
    let found = engine.db().read(in_database).await.unwrap();
    assert!(found.len() > 15);
    assert_eq!(found, in_code());
});

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| {
        let folder = format!("{}/../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
}
