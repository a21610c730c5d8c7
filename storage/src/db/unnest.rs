//! `INSERT` of many rows of several tables on PostgreSQL with one prepared statement that is kept.
//!
//! diesel's own has another text for each number of rows, so it is parsed and planned anew each time, which costs more
//! than to carry it out. Here each column is one parameter, an array, and the text is the same for any number of rows. And
//! what goes into several tables at once goes in one statement, because each is a way to the server and back: the first
//! tables stand in `WITH`, the last one after it. PostgreSQL looks at foreign keys, and calls triggers, when all of it is in.
//! On SQLite, where a statement is a call, each row is one of its own: see [`super::row`].

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text};

use super::conn::Conn;
use super::error::DbError;

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

/// Rows that go into one table of PostgreSQL: `head columns ending`.
pub(super) struct Insert {
    /// Up to the first column: `INSERT INTO table (names) SELECT * FROM unnest(`.
    pub(super) head: &'static str,
    pub(super) columns: Vec<Column>,
    /// Its first bracket closes that of `unnest`.
    pub(super) ending: &'static str,
}

impl QueryFragment<Pg> for Insert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.head);
        for (n, column) in self.columns.iter().enumerate() {
            if n > 0 {
                out.push_sql(", ");
            }
            column.bind(&mut out)?;
        }
        out.push_sql(self.ending);
        Ok(())
    }
}

/// Rows of several tables in one statement. diesel keeps it by its text, of which there are as many as there are choices of
/// tables.
struct Inserts(Vec<Insert>);

/// What the tables in `WITH` are called there; nothing reads them.
const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

impl QueryFragment<Pg> for Inserts {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((last, before)) = self.0.split_last() else { return Ok(()) };
        for (nth, insert) in before.iter().enumerate() {
            let name = NAMES.get(nth).ok_or_else(|| Error::QueryBuilderError("too many tables".into()))?;
            out.push_sql(if nth == 0 { "WITH " } else { ", " });
            out.push_sql(name);
            out.push_sql(" AS (");
            insert.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        if !before.is_empty() {
            out.push_sql(" ");
        }
        last.walk_ast(out)
    }
}

impl QueryId for Inserts {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Inserts {}

/// Where rows of several tables are put that are written together: see [`together`].
pub(super) struct Rows<'c> {
    pub(super) conn: &'c mut Conn,
    /// On PostgreSQL what waits to be sent.
    pub(super) inserts: Vec<Insert>,
    /// The table in which a row that is there already means that a concurrent change came first.
    raced_for: Option<&'static str>,
}

impl Rows<'_> {
    /// Lets a row of this table that is there already mean that a concurrent change came first.
    pub(super) const fn race_for(&mut self, table: &'static str) {
        self.raced_for = Some(table);
    }

    fn send(self) -> Result<(), DbError> {
        let Conn::Pg(conn) = self.conn else { return Ok(()) };
        if self.inserts.is_empty() {
            return Ok(());
        }
        match Inserts(self.inserts).execute(conn) {
            Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info))
                if self.raced_for.is_some() && info.table_name() == self.raced_for =>
            {
                Err(DbError::Conflict)
            }
            outcome => Ok(outcome.map(drop)?),
        }
    }
}

/// Writes what `put` puts into the rows, by [`insert_rows`]: at once on SQLite, where a call costs nothing; at the end,
/// in one statement, on PostgreSQL. So `put` must not read what it has put.
///
/// # Errors
/// Those of `put`; the database's; [`DbError::Conflict`] where a concurrent change has won the race for a row.
pub(super) fn together(
    conn: &mut Conn,
    put: impl FnOnce(&mut Rows<'_>) -> Result<(), DbError>,
) -> Result<(), DbError> {
    let mut rows = Rows { conn, inserts: Vec::new(), raced_for: None };
    put(&mut rows)?;
    rows.send()
}

/// Puts rows of one table to what is written [`together`]: records, which are borrowed. All fields of the record are named;
/// the optional words end the statement.
macro_rules! insert_rows {
    ($rows:expr, $table:ident, $records:expr, $record:ident { $($column:ident),+ $(,)? } $(, $ending:literal)?) => {{
        let mut records = ::std::iter::IntoIterator::into_iter($records).peekable();
        let rows: &mut $crate::db::unnest::Rows<'_> = $rows;
        match &mut *rows.conn {
            $crate::db::Conn::Pg(_) if records.peek().is_none() => {}
            $crate::db::Conn::Pg(_) => {
                $(let mut $column = Vec::new();)+
                for record in records {
                    let record: &$record = record;
                    // Names every field, so that none is forgotten when one is added.
                    let $record { $($column: _),+ } = record;
                    $($column.push(::std::clone::Clone::clone(&record.$column));)+
                }
                rows.inserts.push($crate::db::unnest::Insert {
                    head: concat!(
                        "INSERT INTO ", stringify!($table), $crate::db::unnest::names!($($column),+),
                        " SELECT * FROM unnest("
                    ),
                    columns: vec![$($crate::db::unnest::Column::from($column)),+],
                    ending: concat!(")" $(, $ending)?),
                });
            }
            $crate::db::Conn::Sqlite(conn) => {
                $crate::db::row::row!(Row, $table, $record { $($column),+ } $(, $ending)?);
                for record in records {
                    ::diesel::RunQueryDsl::execute(Row(record), conn)?;
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
