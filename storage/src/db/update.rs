//! `UPDATE` with a prepared statement that is kept.
//!
//! diesel prepares every `update(…).set(…)` anew, because a changeset may leave columns out. The changesets here
//! never do (`treat_none_as_null`), so their text is always the same, or they leave out whole groups of columns
//! ([`Several`]), which makes few texts. To prepare costs SQLite more than to carry out, and PostgreSQL a round trip.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::{QueryResult, QuerySource};

/// Names a statement whose text depends on which groups of columns it sets: each text is kept by itself.
///
/// SQLite takes a row out of every index of which a column is set and puts it back in, also where the value stays the
/// same; so a group that has not changed is left out.
pub(super) struct Several;

impl QueryId for Several {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// `UPDATE table SET changes WHERE condition`. `M` names the text: a type used for one text only, or [`Several`].
pub(super) struct KeptUpdate<T: QuerySource, C, W, M> {
    table: T::FromClause,
    changes: C,
    condition: W,
    text: PhantomData<M>,
}

/// Sets every column of `changes` in the rows for which `condition` holds. `M` is a type of its own for every text, or
/// [`Several`].
pub(super) fn update_kept<M, T, C, W>(table: T, changes: C, condition: W) -> KeptUpdate<T, C::Changeset, W, M>
where
    T: Table,
    C: AsChangeset<Target = T>,
{
    KeptUpdate { table: table.from_clause(), changes: changes.as_changeset(), condition, text: PhantomData }
}

impl<DB, T, C, W, M> QueryFragment<DB> for KeptUpdate<T, C, W, M>
where
    DB: Backend,
    T: QuerySource,
    T::FromClause: QueryFragment<DB>,
    C: QueryFragment<DB>,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.condition.walk_ast(out)
    }
}

impl<T: QuerySource, C, W, M: QueryId> QueryId for KeptUpdate<T, C, W, M> {
    type QueryId = M::QueryId;
    const HAS_STATIC_QUERY_ID: bool = M::HAS_STATIC_QUERY_ID;
}

impl<Conn, T: QuerySource, C, W, M> RunQueryDsl<Conn> for KeptUpdate<T, C, W, M> {}
