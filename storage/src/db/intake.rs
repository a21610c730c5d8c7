//! What reports bring into the database, written together.

use super::conn::Conn;
use super::error::DbError;
use super::idempotency::{self, Answer};
use super::reports::{self, Report};
use super::tickets::{self, Opened};
use super::unnest::together;

/// A report and the ticket that it opens as the rows that are to be written: made by any thread, so that the one writer of
/// SQLite does nothing but write them.
#[derive(Debug)]
pub struct ReportRows {
    ticket: tickets::Fresh,
    report: reports::Fresh,
    answer: Option<Answer>,
}

impl ReportRows {
    /// The rows of a newly opened ticket, of the report that opened it, and of the answer that its sender gets again when
    /// asking again.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] for what has no JSON form, so never.
    pub fn new(opened: &Opened<'_>, report: Report, answer: Option<Answer>) -> Result<Self, DbError> {
        Ok(Self { ticket: tickets::Fresh::of(opened)?, report: reports::Fresh::of(report), answer })
    }
}

/// Writes them.
///
/// # Errors
/// [`DbError::Conflict`] when a concurrent request with the same key came first: doing the work again finds its answer. The
/// database's; nothing is certain of any of them then.
pub fn insert(conn: &mut Conn, all: &[&ReportRows]) -> Result<(), DbError> {
    together(conn, |rows| {
        tickets::put(rows, all.iter().map(|one| &one.ticket))?;
        reports::put(rows, all.iter().map(|one| &one.report))?;
        idempotency::put(rows, all.iter().filter_map(|one| one.answer.as_ref()).collect())
    })
}
