//! Statements of PostgreSQL whose text and plan are kept, where diesel would send a text of its own anew each time.
//!
//! PostgreSQL keeps a plan only where it believes that planning anew for each list of values gains nothing. It sees the
//! length of a list that is a parameter, expects less of a short one than of one that it does not know, and so plans
//! statements for one or two keys at every use, which costs more than to carry them out. Inside `(SELECT …)` it does not
//! look at the list. Such a plan must serve for any list and any size of the tables, so no whole table is gone through:
//! see the settings of a connection.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel::sqlite::Sqlite;

use super::unnest::Column;

/// A reading with lists of values between pieces of text. `M` names the text: a type used for one text only.
pub(super) struct Kept<M, ST> {
    /// One more than there are lists.
    texts: Vec<&'static str>,
    lists: Vec<Column>,
    text: PhantomData<(M, ST)>,
}

impl<M, ST> Kept<M, ST> {
    /// The text up to the first list.
    pub(super) fn new(text: &'static str) -> Self {
        Self { texts: vec![text], lists: Vec::new(), text: PhantomData }
    }

    /// A list, and the text after it.
    pub(super) fn list(mut self, list: impl Into<Column>, then: &'static str) -> Self {
        self.lists.push(list.into());
        self.texts.push(then);
        self
    }
}

impl<M, ST> QueryFragment<Pg> for Kept<M, ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (nth, text) in self.texts.iter().enumerate() {
            if let Some(list) = nth.checked_sub(1).and_then(|nth| self.lists.get(nth)) {
                out.push_sql("(SELECT ");
                list.bind(&mut out)?;
                out.push_sql(")");
            }
            out.push_sql(text);
        }
        Ok(())
    }
}

impl<M, ST> Query for Kept<M, ST> {
    type SqlType = ST;
}

impl<M: 'static, ST: 'static> QueryId for Kept<M, ST> {
    type QueryId = M;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Conn, M, ST> RunQueryDsl<Conn> for Kept<M, ST> {}

/// The column is one of the keys, see [`among`].
#[derive(Debug, Clone, QueryId)]
pub(super) struct Among<C> {
    column: C,
    keys: Vec<i64>,
    json: String,
}

/// Whether the column is one of the keys, in a statement whose plan is kept.
pub(super) fn among<C: Expression<SqlType = BigInt>>(column: C, keys: &[i64]) -> Among<C> {
    let words: Vec<String> = keys.iter().map(i64::to_string).collect();
    Among { column, keys: keys.to_vec(), json: format!("[{}]", words.join(",")) }
}

impl<C> Expression for Among<C> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<T>, T> AppearsOnTable<T> for Among<C> {}
impl<C: SelectableExpression<T>, T> SelectableExpression<T> for Among<C> {}

impl<C: ValidGrouping<G>, G> ValidGrouping<G> for Among<C> {
    type IsAggregate = C::IsAggregate;
}

/// On SQLite as a list in JSON: with a mark for each key the statement would have another text for each number of them.
impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        // With the second type it is a list; else it would be taken for a statement whose rows are meant.
        out.push_sql(" = ANY((SELECT ");
        out.push_bind_param::<Array<BigInt>, _>(&self.keys)?;
        out.push_sql("::bigint[])::bigint[])");
        Ok(())
    }
}
