//! Turns at what every process does now and then: of several that want to do it at once, one does it and the others
//! need not.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::conn::Conn;
use super::error::DbError;

/// What is taken in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To write down claims that have run out.
    Lapses = 2,
    /// To write down what the clocks call for.
    Alarms = 3,
    /// To add up what steps have left.
    Counts = 5,
    /// To compare evidence with what was sent before.
    Compares = 6,
}

/// Held by whoever appends to the audit trail, which is one chain, until the transaction ends.
const TRAIL: i64 = LOCKS + 4;

/// The advisory locks of turns follow that of migrating.
const LOCKS: i64 = 0x0073_7370_0000;

/// Takes the turn until this transaction ends; false where another process has it. On SQLite whoever writes is alone.
///
/// # Errors
/// The database's.
pub fn take(conn: &mut Conn, turn: Turn) -> Result<bool, DbError> {
    match conn {
        Conn::Sqlite(_) => Ok(true),
        Conn::Pg(conn) => {
            let lock = sql::<Bool>("pg_try_advisory_xact_lock(").bind::<BigInt, _>(LOCKS + turn as i64);
            Ok(diesel::select(lock.sql(")")).get_result(conn)?)
        }
    }
}

/// Waits until nobody else appends to the audit trail, and keeps others from it until this transaction ends.
///
/// # Errors
/// The database's, also where that takes too long.
pub(super) fn wait_for_trail(conn: &mut Conn) -> Result<(), DbError> {
    if let Conn::Pg(conn) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(TRAIL).execute(conn)?;
    }
    Ok(())
}
