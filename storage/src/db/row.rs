//! `INSERT` of one row on SQLite with a statement whose text stands in the program.
//!
//! diesel's own goes through a tree of types of as many levels as the table has columns, three times for each row, and
//! writes the text of a statement with `ON CONFLICT` anew each time. Where reports come in, the one writer of SQLite does
//! little else than this.

use diesel::QueryResult;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Binary, Bool, Double, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;

/// A value of a column.
pub(super) trait Cell {
    /// Gives it to the statement.
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
}

macro_rules! cells {
    ($($value:ty: $kind:ty;)+) => { $(
        impl Cell for $value {
            fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_bind_param::<$kind, _>(self)
            }
        }
    )+ };
}

cells! {
    i64: BigInt;
    Option<i64>: Nullable<BigInt>;
    i32: Integer;
    Option<i32>: Nullable<Integer>;
    f64: Double;
    bool: Bool;
    String: Text;
    &'static str: Text;
    Option<String>: Nullable<Text>;
    Vec<u8>: Binary;
    Option<Vec<u8>>: Nullable<Binary>;
}

/// Defines the statement that inserts a borrowed record, which diesel keeps by its type. All fields of the record are named.
macro_rules! row {
    ($name:ident, $table:ident, $record:ident { $first:ident $(, $column:ident)* } $(, $ending:literal)?) => {
        struct $name<'r>(&'r $record);

        impl ::diesel::query_builder::QueryFragment<::diesel::sqlite::Sqlite> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: ::diesel::query_builder::AstPass<'_, 'b, ::diesel::sqlite::Sqlite>,
            ) -> ::diesel::QueryResult<()> {
                let $record { $first, $($column),* } = self.0;
                out.push_sql(concat!(
                    "INSERT INTO ", stringify!($table), $crate::db::unnest::names!($first $(, $column)*), " VALUES ("
                ));
                $crate::db::row::Cell::bind($first, &mut out)?;
                $(
                    out.push_sql(", ");
                    $crate::db::row::Cell::bind($column, &mut out)?;
                )*
                out.push_sql(concat!(")" $(, $ending)?));
                Ok(())
            }
        }

        impl ::diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<Conn> ::diesel::RunQueryDsl<Conn> for $name<'_> {}
    };
}
pub(in crate::db) use row;
