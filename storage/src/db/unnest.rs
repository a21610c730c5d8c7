//! `INSERT` of many rows on PostgreSQL with a prepared statement that is kept.
//!
//! diesel's own has another text for each number of rows, so it is parsed and planned anew each time, which costs more
//! than to carry it out. Here each column is one parameter, an array, and the text is always the same.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text};

/// The values of one column, of each row one.
pub(super) enum Column {
    BigInt(Vec<i64>),
    MaybeBigInt(Vec<Option<i64>>),
    Integer(Vec<i32>),
    MaybeInteger(Vec<Option<i32>>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
    Text(Vec<String>),
    Word(Vec<&'static str>),
    MaybeText(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
    MaybeBytes(Vec<Option<Vec<u8>>>),
}

macro_rules! columns {
    ($($kind:ident: $value:ty;)+) => { $(
        impl From<Vec<$value>> for Column {
            fn from(values: Vec<$value>) -> Self {
                Self::$kind(values)
            }
        }
    )+ };
}

columns! {
    BigInt: i64;
    MaybeBigInt: Option<i64>;
    Integer: i32;
    MaybeInteger: Option<i32>;
    Double: f64;
    Bool: bool;
    Text: String;
    Word: &'static str;
    MaybeText: Option<String>;
    Bytes: Vec<u8>;
    MaybeBytes: Option<Vec<u8>>;
}

impl Column {
    /// Its type stands in the text too, which can be read and sent again by others then.
    pub(super) fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let cast = match self {
            Self::BigInt(_) | Self::MaybeBigInt(_) => "::bigint[]",
            Self::Integer(_) | Self::MaybeInteger(_) => "::integer[]",
            Self::Double(_) => "::double precision[]",
            Self::Bool(_) => "::boolean[]",
            Self::Text(_) | Self::Word(_) | Self::MaybeText(_) => "::text[]",
            Self::Bytes(_) | Self::MaybeBytes(_) => "::bytea[]",
        };
        match self {
            Self::BigInt(all) => out.push_bind_param::<Array<BigInt>, _>(all),
            Self::MaybeBigInt(all) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(all),
            Self::Integer(all) => out.push_bind_param::<Array<Integer>, _>(all),
            Self::MaybeInteger(all) => out.push_bind_param::<Array<Nullable<Integer>>, _>(all),
            Self::Double(all) => out.push_bind_param::<Array<Double>, _>(all),
            Self::Bool(all) => out.push_bind_param::<Array<Bool>, _>(all),
            Self::Text(all) => out.push_bind_param::<Array<Text>, _>(all),
            Self::Word(all) => out.push_bind_param::<Array<Text>, _>(all),
            Self::MaybeText(all) => out.push_bind_param::<Array<Nullable<Text>>, _>(all),
            Self::Bytes(all) => out.push_bind_param::<Array<Binary>, _>(all),
            Self::MaybeBytes(all) => out.push_bind_param::<Array<Nullable<Binary>>, _>(all),
        }?;
        out.push_sql(cast);
        Ok(())
    }
}

/// `INSERT INTO table (names) SELECT * FROM unnest(columns) ending`. `M` names the text: a type used for one text only.
pub(super) struct InsertColumns<M> {
    /// Up to the names, with their brackets.
    pub(super) head: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) ending: &'static str,
    pub(super) text: PhantomData<M>,
}

impl<M> QueryFragment<Pg> for InsertColumns<M> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.head);
        out.push_sql(" SELECT * FROM unnest(");
        for (n, column) in self.columns.iter().enumerate() {
            if n > 0 {
                out.push_sql(", ");
            }
            column.bind(&mut out)?;
        }
        out.push_sql(")");
        out.push_sql(self.ending);
        Ok(())
    }
}

impl<M: 'static> QueryId for InsertColumns<M> {
    type QueryId = M;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Conn, M> RunQueryDsl<Conn> for InsertColumns<M> {}

/// Inserts rows of one table: one by one with a kept statement on SQLite, where a call costs nothing; together on
/// PostgreSQL, where each costs a way to the server and back. All fields of the record are named; the optional words
/// end the statement, as diesel and as SQL has them.
macro_rules! insert_rows {
    ($conn:expr, $table:ident, $rows:expr, $record:ident { $($column:ident),+ $(,)? }
        $(, $ending:ident = $sql:literal)?) => {{
        struct Text;
        let rows: Vec<$record> = $rows;
        match $conn {
            $crate::db::Conn::Pg(_) if rows.is_empty() => {}
            $crate::db::Conn::Pg(conn) => {
                $(let mut $column = Vec::with_capacity(rows.len());)+
                for row in rows {
                    // Names every field, so that none is forgotten when one is added.
                    let $record { $($column: _),+ } = &row;
                    $($column.push(row.$column);)+
                }
                let insert = $crate::db::unnest::InsertColumns::<Text> {
                    head: concat!(
                        "INSERT INTO ", stringify!($table), $crate::db::unnest::names!($($column),+)
                    ),
                    columns: vec![$($crate::db::unnest::Column::from($column)),+],
                    ending: concat!("" $(, $sql)?),
                    text: std::marker::PhantomData,
                };
                diesel::RunQueryDsl::execute(insert, conn)?;
            }
            $crate::db::Conn::Sqlite(conn) => {
                for row in rows {
                    diesel::insert_into($table::table).values(row)$(.$ending())?.execute(conn)?;
                }
            }
        }
    }};
}
pub(in crate::db) use insert_rows;

/// ` (first, second, …)`
macro_rules! names {
    ($first:ident $(, $name:ident)*) => {
        concat!(" (", stringify!($first) $(, ", ", stringify!($name))*, ")")
    };
}
pub(in crate::db) use names;
