//! What reports bring into the database, written together.

use super::conn::Conn;
use super::error::DbError;
use super::idempotency::{self, Answer};
use super::reports::{self, Report};
use super::tickets::{self, Opened};
use super::unnest::together;

/// Writes newly opened tickets, the reports that opened them, and the answers that their senders get again when they ask
/// again.
///
/// # Errors
/// [`DbError::Conflict`] when a concurrent request with the same key came first: doing the work again finds its answer. The
/// database's; nothing is certain of any of them then.
pub fn insert(
    conn: &mut Conn,
    opened: &[Opened<'_>],
    reports: Vec<Report>,
    answers: Vec<Answer>,
) -> Result<(), DbError> {
    together(conn, |rows| {
        tickets::put(rows, opened)?;
        reports::put(rows, reports)?;
        idempotency::put(rows, answers)
    })
}
