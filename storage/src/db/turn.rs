//! Turns at what every process does now and then: of several that want to do it at once, one does it and the others
//! need not.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

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
    /// To look at the pictures near to new ones.
    Looks = 7,
}

/// Held by whoever appends to the audit trail, which is one chain, until the transaction ends.
const TRAIL: i64 = LOCKS + 4;

/// The advisory locks of turns follow that of migrating.
const LOCKS: i64 = 0x0073_7370_0000;

impl Turn {
    /// Whether what is done then can be lost in a power cut, because it is done again from what it was done from. Then
    /// PostgreSQL need not bring it to the disk at once, where everybody who commits would wait for it.
    const fn is_done_again(self) -> bool {
        matches!(self, Self::Counts | Self::Compares | Self::Looks)
    }
}

/// Takes the turn until this transaction ends; false where another process has it. On SQLite whoever writes is alone.
///
/// # Errors
/// The database's.
pub fn take(conn: &mut Conn, turn: Turn) -> Result<bool, DbError> {
    match conn {
        Conn::Sqlite(_) => Ok(true),
        Conn::Pg(conn) => {
            let lock = sql::<Bool>("pg_try_advisory_xact_lock(").bind::<BigInt, _>(LOCKS + turn as i64);
            if turn.is_done_again() {
                let relaxed = sql::<Text>("set_config('synchronous_commit', 'off', true)");
                let (taken, _): (bool, String) = diesel::select((lock.sql(")"), relaxed)).get_result(conn)?;
                return Ok(taken);
            }
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

#[cfg(test)]
mod tests {
    use super::super::tests::engine::{Engine, both};
    use super::*;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        synchronous_commit: String,
    }

    fn waits_for_the_disk(conn: &mut Conn) -> Result<bool, DbError> {
        match conn {
            Conn::Sqlite(_) => Ok(true),
            Conn::Pg(conn) => {
                let setting: Setting = diesel::sql_query("SHOW synchronous_commit").get_result(conn)?;
                Ok(setting.synchronous_commit != "off")
            }
        }
    }

    both!(only_what_is_done_again_is_brought_to_the_disk_later, |engine: Engine| async move {
        let db = engine.db();
        // The clusters of tests may be set to wait for nothing.
        let waits = db.write(waits_for_the_disk).await.unwrap();
        for (turn, done_again) in [
            (Turn::Counts, true),
            (Turn::Lapses, false),
            (Turn::Compares, true),
            (Turn::Alarms, false),
            (Turn::Looks, true),
        ] {
            let taken = move |conn: &mut Conn| {
                if let Conn::Pg(conn) = conn {
                    diesel::sql_query("SET LOCAL synchronous_commit = on").execute(conn)?;
                }
                assert!(take(conn, turn)?);
                Ok::<_, DbError>((waits_for_the_disk(conn)?, matches!(conn, Conn::Sqlite(_))))
            };
            let (waited, alone) = db.write(taken).await.unwrap();
            assert_eq!(waited, alone || !done_again, "{turn:?}");
            assert_eq!(db.write(waits_for_the_disk).await.unwrap(), waits, "{turn:?} is over");
        }
    });

    both!(of_two_at_once_one_has_the_turn, |engine: Engine| async move {
        let db = engine.db();
        let other = db.clone();
        let (first, second) = db
            .write(move |conn| {
                let first = take(conn, Turn::Counts)?;
                if let Conn::Sqlite(_) = conn {
                    return Ok::<_, DbError>((first, false));
                }
                let second = std::thread::scope(|scope| {
                    let ask = || {
                        let runtime =
                            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                        runtime.block_on(other.write(|conn| take(conn, Turn::Counts))).unwrap()
                    };
                    scope.spawn(ask).join().unwrap()
                });
                Ok((first, second))
            })
            .await
            .unwrap();
        assert!(first && !second);
    });
}
