//! A statement put together from pieces of SQL and values, for both engines.
//!
//! diesel's own way to add conditions as they come walks through a tree of boxes, twice for each statement that is sent,
//! and reads rows through what is common to the engines. Where a page of rows is read, that is a good part of its cost.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::connection::DefaultLoadingMode;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Integer, Text};
use diesel::sqlite::Sqlite;

use super::conn::{Conn, each_backend};

/// Limits that stand in the text: few, as each text is kept by every connection. See [`Pieces::limit`].
const USUAL_LIMITS: [i64; 5] = [10, 20, 50, 100, 500];

/// A reading whose rows are of the SQL type `ST`.
pub(super) struct Pieces<ST> {
    pieces: Vec<Piece>,
    of: PhantomData<ST>,
}

enum Piece {
    Sql(Cow<'static, str>),
    BigInt(i64),
    Integer(i32),
    Text(String),
}

impl<ST> Pieces<ST> {
    pub(super) fn new() -> Self {
        Self { pieces: Vec::with_capacity(24), of: PhantomData }
    }

    /// Goes on with this text.
    pub(super) fn sql(&mut self, text: impl Into<Cow<'static, str>>) -> &mut Self {
        self.pieces.push(Piece::Sql(text.into()));
        self
    }

    /// Goes on with this value.
    pub(super) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        self.pieces.push(value.into().0);
        self
    }

    /// Goes on with `(first, second, …)`.
    pub(super) fn values<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        let mut before = "(";
        for value in values {
            self.sql(before).value(value);
            before = ", ";
        }
        // Nothing is among none.
        self.sql(if before == "(" { "(NULL)" } else { ")" })
    }

    /// Goes on with ` LIMIT ` and this number.
    ///
    /// PostgreSQL keeps a plan only where it believes that planning anew for each list of values gains nothing. Of a
    /// limit that is a parameter it thinks that it might be a tenth of everything, and so plans at every use, which costs
    /// nearly as much as to read a page. So the limits that are usual stand in the text.
    pub(super) fn limit(&mut self, limit: i64) -> &mut Self {
        if USUAL_LIMITS.contains(&limit) {
            self.sql(format!(" LIMIT {limit}"))
        } else {
            self.sql(" LIMIT ").value(limit)
        }
    }

    /// The rows.
    pub(super) fn load<'q, R>(self, conn: &mut Conn) -> QueryResult<Vec<R>>
    where
        Self: LoadQuery<'q, PgConnection, R, DefaultLoadingMode>
            + LoadQuery<'q, SqliteConnection, R, DefaultLoadingMode>,
    {
        each_backend!(conn, conn => RunQueryDsl::load(self, conn))
    }

    /// Goes through the rows as they come.
    pub(super) fn each<'q, R>(self, conn: &'q mut Conn, mut each: impl FnMut(&R)) -> QueryResult<()>
    where
        R: 'q,
        Self: LoadQuery<'q, PgConnection, R, DefaultLoadingMode>
            + LoadQuery<'q, SqliteConnection, R, DefaultLoadingMode>
            + 'q,
    {
        each_backend!(conn, conn => {
            for row in RunQueryDsl::load_iter::<R, DefaultLoadingMode>(self, conn)? {
                each(&row?);
            }
        });
        Ok(())
    }
}

impl Pieces<()> {
    /// Carries out a statement whose text is the same each time; how many rows it changed.
    pub(super) fn execute(text: impl Into<Cow<'static, str>>, conn: &mut Conn) -> QueryResult<usize> {
        let mut statement = Self::new();
        statement.sql(text);
        statement.run(conn)
    }

    /// Carries out the statement; how many rows it changed.
    pub(super) fn run(self, conn: &mut Conn) -> QueryResult<usize> {
        each_backend!(conn, conn => RunQueryDsl::execute(self, conn))
    }
}

/// A value of a statement.
pub(super) struct Value(Piece);

macro_rules! values {
    ($($kind:ident: $type:ty;)+) => { $(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self(Piece::$kind(value.into()))
            }
        }
    )+ };
}

values! {
    BigInt: i64;
    Integer: i32;
    Text: &str;
    Text: String;
}

macro_rules! fragments {
    ($($backend:ty),+) => { $(
        impl<ST> QueryFragment<$backend> for Pieces<ST> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                for piece in &self.pieces {
                    push(piece, &mut out)?;
                }
                Ok(())
            }
        }
    )+ };
}

fragments!(Pg, Sqlite);

fn push<'b, DB>(piece: &'b Piece, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    i64: ToSql<BigInt, DB>,
    i32: ToSql<Integer, DB>,
    String: ToSql<Text, DB>,
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Integer> + HasSqlType<Text>,
{
    match piece {
        Piece::Sql(text) => out.push_sql(text),
        Piece::BigInt(value) => out.push_bind_param::<BigInt, _>(value)?,
        Piece::Integer(value) => out.push_bind_param::<Integer, _>(value)?,
        Piece::Text(value) => out.push_bind_param::<Text, _>(value)?,
    }
    Ok(())
}

impl<ST> Query for Pieces<ST> {
    type SqlType = ST;
}

// The text is what a statement is kept by.
impl<ST> QueryId for Pieces<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn, ST> RunQueryDsl<Conn> for Pieces<ST> {}
