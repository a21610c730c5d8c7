//! One connection type for both engines.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};

use super::bulk;
use super::error::DbError;

/// A connection to either engine.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL
    Pg(PgConnection),
    /// SQLite, bundled
    Sqlite(SqliteConnection),
}

/// Runs the same statement on whichever engine the connection is of: for the few statements that
/// `MultiConnection` cannot express (ON CONFLICT, batches, row locks).
macro_rules! each_backend {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Pg($inner) => $body,
            $crate::db::Conn::Sqlite($inner) => $body,
        }
    };
}
pub(crate) use each_backend;

/// Inserts very many rows of one table: one by one with a kept statement on SQLite, by COPY on PostgreSQL.
macro_rules! pour_rows {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let rows = $rows;
        match &mut *$conn {
            $crate::db::Conn::Pg(_) if rows.is_empty() => {}
            $crate::db::Conn::Pg(conn) => {
                diesel::copy_from($table).from_insertable(&rows).execute(conn)?;
            }
            $crate::db::Conn::Sqlite(conn) => {
                for row in rows {
                    diesel::insert_into($table).values(row).execute(conn)?;
                }
            }
        }
    }};
}
pub(crate) use pour_rows;

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A file.
    Sqlite(String),
    /// A `postgres://` URL.
    Postgres(String),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Sqlite(path) => write!(f, "Sqlite({path})"),
            Target::Postgres(_) => f.write_str("Postgres([redacted])"),
        }
    }
}

impl Target {
    /// Reads a URL: `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// For any other scheme: a typo must not create an empty database.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Target::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        match path {
            Some(path) if !path.is_empty() => Ok(Target::Sqlite(path.to_owned())),
            _ => Err(DbError::Target("the database URL must begin with sqlite:// or postgres://".to_owned())),
        }
    }
}

/// How a SQLite connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// By the one writer.
    Write,
    /// By the one writer of a program that does nothing but write, and for which a half-written file is of no use.
    Fill,
    /// By one of many readers.
    Read,
}

/// How long libpq waits for a server that has gone without a word (a machine that lost its power, a cut line), in
/// seconds, and milliseconds for the last one. Without these it waits for ever.
const BOUNDS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "20"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
];

/// The URL with those bounds that it does not set itself.
fn bounded(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in BOUNDS {
        if !url.contains(&format!("{name}=")) {
            let sign = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{sign}{name}={value}"));
        }
    }
    url
}

/// Opens a connection and prepares it.
pub(super) fn connect(target: &Target, used_for: Use) -> Result<Conn, DbError> {
    match target {
        Target::Postgres(url) => {
            let mut conn = PgConnection::establish(&bounded(url)).map_err(DbError::connect)?;
            // A statement that takes longer than this is a defect; it must not hold a connection for ever. Plans are kept,
            // also from when a table was small, so none may go through a whole table where an index serves, nor merge along
            // an index: how far that walk goes hangs on keys that come later. And to compile one never pays.
            conn.batch_execute(
                "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET TIME ZONE 'UTC'; \
                 SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off",
            )
            .map_err(DbError::from)?;
            Ok(Conn::Pg(conn))
        }
        Target::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(path).map_err(DbError::connect)?;
            // FULL makes every commit survive a power cut in WAL mode; the writer shares one commit among all
            // that wait, which pays for it.
            conn.batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; \
                 PRAGMA trusted_schema = OFF;",
            )
            .map_err(DbError::from)?;
            let own = match used_for {
                Use::Read => "PRAGMA query_only = ON",
                // The pages of a dozen indexes change with every step. They are written to the file once in 16 MiB
                // of log and stay at hand meanwhile.
                Use::Write => "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000",
                // More pages at hand, fewer ways to the file, and no waiting for the disk before the end.
                Use::Fill => {
                    "PRAGMA synchronous = OFF; PRAGMA cache_size = -393216; PRAGMA wal_autocheckpoint = 100000"
                }
            };
            conn.batch_execute(own).map_err(DbError::from)?;
            Ok(Conn::Sqlite(conn))
        }
    }
}

/// Brings what has been written to the disk, also what a connection for filling wrote without waiting for it. PostgreSQL
/// waits for each commit by itself; there the tables are tidied.
///
/// # Errors
/// The database's and the system's.
pub(super) fn settle(target: &Target) -> Result<(), DbError> {
    let Target::Sqlite(path) = target else { return bulk::tidy(&mut connect(target, Use::Write)?) };
    if let Conn::Sqlite(mut conn) = connect(target, Use::Write)? {
        conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    // What a checkpoint wrote before, while nobody waited for the disk.
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| DbError::Unavailable(format!("{path} cannot be brought to the disk: {error}")))
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn a_url_gets_the_bounds_that_it_does_not_set() {
        let all = "connect_timeout=5&keepalives_idle=20&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=30000";
        assert_eq!(bounded("postgres://u@h/d"), format!("postgres://u@h/d?{all}"));
        let rest = all.replace("connect_timeout=5&", "");
        let own = "postgres://u@h/d?connect_timeout=60&sslmode=require";
        assert_eq!(bounded(own), format!("{own}&{rest}"));
    }
}
