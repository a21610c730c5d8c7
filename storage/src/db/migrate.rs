//! Migrations, embedded: the same folder names on both sides.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::{Conn, Target, Use, connect, each_backend};
use super::copy;
use super::error::DbError;

const SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// The advisory lock under which PostgreSQL is migrated: "ssp" and a number, the same in every version.
const LOCK: i64 = 0x0073_7370_0001;

/// How many migrations were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied(pub usize);

/// The migrations that a database has, and those that this program has; oldest first, such as `20261122000000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Applied to the database; none where it is empty.
    pub applied: Vec<String>,
    /// Known to this program.
    pub known: Vec<String>,
}

impl Schema {
    /// How many migrations the database lacks.
    pub fn pending(&self) -> usize {
        self.known.iter().filter(|version| !self.applied.contains(version)).count()
    }

    /// Refuses a schema that a newer program has made.
    ///
    /// # Errors
    /// [`DbError::Refused`], naming both.
    pub fn not_newer(&self) -> Result<(), DbError> {
        let Some(newer) = self.applied.iter().find(|version| !self.known.contains(version)) else {
            return Ok(());
        };
        let newest = self.known.last().map_or("none", String::as_str);
        Err(DbError::Refused(format!(
            "the schema of the database is newer than this program: it has migration {newer}, and this program knows \
             them up to {newest}; use a program at least as new as the one that was here last"
        )))
    }

    /// Refuses a schema that is not exactly that of this program.
    ///
    /// # Errors
    /// [`DbError::Refused`].
    pub fn is_current(&self) -> Result<(), DbError> {
        self.not_newer()?;
        match self.pending() {
            0 => Ok(()),
            count => Err(DbError::Refused(format!(
                "the schema of the database is older than this program, which has {count} more migrations; \
                 run `suishoupai migrate` first"
            ))),
        }
    }
}

/// Brings the schema up to date. Several processes may start at once: one migrates, the others wait for it.
///
/// # Errors
/// When the database cannot be reached, a migration fails, the schema is newer than this program, or the database is
/// one into which an installation is still being moved.
pub fn migrate(target: &Target) -> Result<Applied, DbError> {
    match connect(target, Use::Write)? {
        Conn::Sqlite(mut conn) => run_on_sqlite(&mut conn),
        Conn::Pg(mut conn) => {
            conn.batch_execute(&format!(
                "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK})"
            ))?;
            let outcome = copy::refuse_unfinished(&mut conn).and_then(|()| run(&mut conn, POSTGRES));
            conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
            outcome
        }
    }
}

/// Looks whether the schema is exactly that of this program, and changes nothing.
///
/// # Errors
/// When the database cannot be reached, or [`DbError::Refused`] as of [`Schema::is_current`].
pub fn check(target: &Target) -> Result<(), DbError> {
    let mut conn = connect(target, Use::Read)?;
    if let Conn::Pg(inner) = &mut conn {
        copy::refuse_unfinished(inner)?;
    }
    schema_of(&mut conn)?.is_current()
}

/// As [`check`], on an open connection.
///
/// # Errors
/// [`DbError::Refused`] as of [`Schema::is_current`], the database's.
pub fn schema_is_current(conn: &mut Conn) -> Result<(), DbError> {
    schema_of(conn)?.is_current()
}

/// The migrations that this program has for the engine of a database, oldest first.
///
/// # Errors
/// Never for a program that was built.
pub fn known_migrations(target: &Target) -> Result<Vec<String>, DbError> {
    match target {
        Target::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE),
        Target::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES),
    }
}

/// What migrations the database has, and what this program has. Nothing is changed.
///
/// # Errors
/// The database's.
pub(super) fn schema_of(conn: &mut Conn) -> Result<Schema, DbError> {
    let known = match conn {
        Conn::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
        Conn::Pg(_) => versions::<diesel::pg::Pg>(&POSTGRES)?,
    };
    Ok(Schema { applied: applied(conn)?, known })
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

fn applied(conn: &mut Conn) -> Result<Vec<String>, DbError> {
    let there = match conn {
        Conn::Sqlite(_) => {
            "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations') AS found"
        }
        Conn::Pg(_) => "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS found",
    };
    let found: Found = each_backend!(conn, inner => diesel::sql_query(there).get_result(inner))?;
    if !found.found {
        return Ok(Vec::new());
    }
    let sql = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    let rows: Vec<Version> = each_backend!(conn, inner => diesel::sql_query(sql).load(inner))?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// One migrates under the lock of writing, all or nothing; whoever comes second finds it done.
fn run_on_sqlite(conn: &mut SqliteConnection) -> Result<Applied, DbError> {
    // Most starts find nothing to do; they need not wait for the lock of a database that is being served.
    if pending::<diesel::sqlite::Sqlite, _>(conn, &SQLITE)? == 0 {
        return Ok(Applied(0));
    }
    AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
    match run(conn, SQLITE) {
        Ok(applied) => {
            AnsiTransactionManager::commit_transaction(conn)?;
            Ok(applied)
        }
        Err(error) => {
            AnsiTransactionManager::rollback_transaction(conn)?;
            Err(error)
        }
    }
}

fn run<C>(conn: &mut C, source: EmbeddedMigrations) -> Result<Applied, DbError>
where
    C: MigrationHarness<C::Backend> + diesel::Connection,
    EmbeddedMigrations: MigrationSource<C::Backend>,
{
    pending::<C::Backend, C>(conn, &source)?;
    let applied = conn.run_pending_migrations(source).map_err(failed)?.len();
    Ok(Applied(applied))
}

/// How many migrations the database lacks; a newer schema is refused.
fn pending<B, C>(conn: &mut C, source: &EmbeddedMigrations) -> Result<usize, DbError>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
    EmbeddedMigrations: MigrationSource<B>,
{
    let mut applied: Vec<String> =
        conn.applied_migrations().map_err(failed)?.iter().map(ToString::to_string).collect();
    applied.sort_unstable();
    let schema = Schema { applied, known: versions::<B>(source)? };
    schema.not_newer()?;
    Ok(schema.pending())
}

/// The versions of the embedded migrations, oldest first.
fn versions<B: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Result<Vec<String>, DbError>
where
    EmbeddedMigrations: MigrationSource<B>,
{
    let all = MigrationSource::<B>::migrations(source).map_err(failed)?;
    let mut versions: Vec<String> =
        all.iter().map(|migration| Migration::<B>::name(migration).version().to_string()).collect();
    versions.sort_unstable();
    Ok(versions)
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    let why = error.to_string();
    // Another process is at it for longer than a statement waits.
    if why.contains("database is locked") { DbError::Unavailable(why) } else { DbError::Migration(why) }
}
