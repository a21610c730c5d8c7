//! The database as one file: taken while it is being served, and put back into an empty place.
//!
//! SQLite gives a consistent copy by `VACUUM INTO`, which reads like any other reader and keeps nobody from writing;
//! PostgreSQL by `pg_dump`, which is given the snapshot in which the rows are counted.

mod password;
mod summary;
mod tools;

use std::fs::File;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::conn::{Conn, Target, Use, connect, each_backend};
use super::error::DbError;
use super::migrate::schema_of;
use crate::files::{create_private, sync_folder};
pub use summary::{DistrictSummary, PhotoRow, Summary};

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn word(conn: &mut Conn, sql: &str) -> Result<String, DbError> {
    let found: Word = each_backend!(conn, inner => diesel::sql_query(sql).get_result(inner))?;
    Ok(found.word)
}

/// Writes the database into `file`, which must not be there, and tells `photos` of every picture that it names, each
/// once and in the order of digests. Blocks. The file is durable when this answers.
///
/// # Errors
/// [`DbError::Refused`] where there is no installation, its schema is newer than this program, or the tools of
/// PostgreSQL are missing or fail; the database's, the file's and those of `photos` otherwise.
pub fn take(
    from: &Target,
    file: &Path,
    photos: &mut dyn FnMut(PhotoRow) -> Result<(), DbError>,
) -> Result<Summary, DbError> {
    // Telephone numbers are sealed, but reports are not: nobody else reads the file.
    let made = create_private(file).map_err(|error| file_error("make", file, &error))?;
    let summary = match from {
        Target::Sqlite(path) => take_sqlite(path, file, photos)?,
        Target::Postgres(url) => take_postgres(from, url, file, photos)?,
    };
    made.sync_all().map_err(|error| file_error("write", file, &error))?;
    Ok(summary)
}

fn file_error(action: &str, file: &Path, error: &std::io::Error) -> DbError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => DbError::Full,
        _ => DbError::Refused(format!("cannot {action} {}: {error}", file.display())),
    }
}

/// Opens a file as it is: no pragma of [`connect`] that would change it.
fn open_as_it_is(path: &str) -> Result<Conn, DbError> {
    if !Path::new(path).is_file() {
        return Err(DbError::Refused(format!("there is no database {path}; name its folder by --data")));
    }
    let mut conn = SqliteConnection::establish(path).map_err(DbError::connect)?;
    conn.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA trusted_schema = OFF")?;
    Ok(Conn::Sqlite(conn))
}

fn take_sqlite(
    path: &str,
    file: &Path,
    photos: &mut dyn FnMut(PhotoRow) -> Result<(), DbError>,
) -> Result<Summary, DbError> {
    let mut live = open_as_it_is(path)?;
    worth_taking(&mut live)?;
    let into = utf8(file)?;
    if let Conn::Sqlite(live) = &mut live {
        diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(into).execute(live)?;
    }
    let mut copy = open_as_it_is(into)?;
    let verdict = word(&mut copy, "SELECT quick_check AS word FROM pragma_quick_check LIMIT 1")?;
    if verdict != "ok" {
        return Err(DbError::Corrupt(format!("the copy of {path} is damaged: {verdict}")));
    }
    summary::of(&mut copy, photos)
}

fn utf8(file: &Path) -> Result<&str, DbError> {
    file.to_str().ok_or_else(|| DbError::Refused(format!("the path {} is not UTF-8", file.display())))
}

/// Refuses an empty database and one of a newer program, which this one could not put back.
fn worth_taking(conn: &mut Conn) -> Result<(), DbError> {
    let schema = schema_of(conn)?;
    if schema.applied.is_empty() {
        return Err(DbError::Refused("there is no installation in the database".to_owned()));
    }
    schema.not_newer()
}

fn take_postgres(
    from: &Target,
    url: &str,
    file: &Path,
    photos: &mut dyn FnMut(PhotoRow) -> Result<(), DbError>,
) -> Result<Summary, DbError> {
    let mut conn = connect(from, Use::Read)?;
    conn.batch_execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")?;
    if let Conn::Pg(inner) = &mut conn {
        super::copy::refuse_unfinished(inner)?;
    }
    worth_taking(&mut conn)?;
    let dump = tools::find("pg_dump", server_major(&mut conn)?)?;
    // The transaction is kept open until pg_dump has ended, which lives in its snapshot.
    conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let snapshot = word(&mut conn, "SELECT pg_export_snapshot() AS word")?;
    let summary = summary::of(&mut conn, photos)?;
    let options = [
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--lock-wait-timeout=60000",
        "--snapshot",
        &snapshot,
    ];
    tools::run(&dump, url, &options, &["--file".as_ref(), file.as_os_str()])?;
    conn.batch_execute("COMMIT")?;
    Ok(summary)
}

fn server_major(conn: &mut Conn) -> Result<u32, DbError> {
    let number = word(conn, "SELECT current_setting('server_version_num') AS word")?;
    let number: u32 = number.parse().map_err(|error| DbError::corrupt("server_version_num", error))?;
    Ok(number / 10_000)
}

/// Whether nothing is in the database: no file, or no table.
///
/// # Errors
/// When it cannot be asked.
pub fn is_empty(target: &Target) -> Result<bool, DbError> {
    if let Target::Sqlite(path) = target {
        return Ok(!Path::new(path).exists());
    }
    let mut conn = connect(target, Use::Read)?;
    let sql = "SELECT count(*) AS count FROM information_schema.tables \
               WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let found: Count = each_backend!(&mut conn, inner => diesel::sql_query(sql).get_result(inner))?;
    Ok(found.count == 0)
}

/// Puts the file of [`take`] into the empty `to`. Blocks. SQLite's file is copied beside its place, made durable and
/// given its name; PostgreSQL takes all of it in one transaction.
///
/// # Errors
/// [`DbError::Refused`] where `to` is not empty or the tools of PostgreSQL are missing or fail; the database's.
pub fn put_back(file: &Path, to: &Target) -> Result<(), DbError> {
    if !is_empty(to)? {
        return Err(DbError::Refused("the database to restore into is not empty".to_owned()));
    }
    match to {
        Target::Sqlite(path) => {
            let path = Path::new(path);
            let draft = path.with_extension("restoring");
            copy_durably(file, &draft, path).map_err(|error| file_error("write", path, &error))
        }
        Target::Postgres(url) => {
            let major = server_major(&mut connect(to, Use::Read)?)?;
            let restore = tools::find("pg_restore", major)?;
            let options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"];
            tools::run(&restore, url, &options, &[file.as_os_str()])
        }
    }
}

fn copy_durably(from: &Path, draft: &Path, to: &Path) -> std::io::Result<()> {
    let mut made = create_private(draft)?;
    std::io::copy(&mut File::open(from)?, &mut made)?;
    made.sync_all()?;
    std::fs::rename(draft, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// What is in a database that is not being served, such as one that was just put back; `photos` as in [`take`].
///
/// # Errors
/// The database's, and those of `photos`.
pub fn summary(
    of: &Target,
    photos: &mut dyn FnMut(PhotoRow) -> Result<(), DbError>,
) -> Result<Summary, DbError> {
    let mut conn = connect(of, Use::Read)?;
    if matches!(conn, Conn::Pg(_)) {
        conn.batch_execute("SET statement_timeout = 0")?;
    }
    summary::of(&mut conn, photos)
}
