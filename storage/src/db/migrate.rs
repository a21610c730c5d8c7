//! Migrations, embedded: the same folder names on both sides.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::{Conn, Target, Use, connect};
use super::error::DbError;

const SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// The advisory lock under which PostgreSQL is migrated: "ssp" and a number, the same in every version.
const LOCK: i64 = 0x0073_7370_0001;

/// How many migrations were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied(pub usize);

/// Brings the schema up to date. Several processes may start at once: one migrates, the others wait for it.
///
/// # Errors
/// When the database cannot be reached, a migration fails, or the schema is newer than this program.
pub fn migrate(target: &Target) -> Result<Applied, DbError> {
    match connect(target, Use::Write)? {
        Conn::Sqlite(mut conn) => run(&mut conn, SQLITE),
        Conn::Pg(mut conn) => {
            conn.batch_execute(&format!(
                "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK})"
            ))?;
            let outcome = run(&mut conn, POSTGRES);
            conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
            outcome
        }
    }
}

fn run<C>(conn: &mut C, source: EmbeddedMigrations) -> Result<Applied, DbError>
where
    C: MigrationHarness<C::Backend> + diesel::Connection,
    EmbeddedMigrations: MigrationSource<C::Backend>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| DbError::Migration(error.to_string());
    let known: Vec<String> = MigrationSource::<C::Backend>::migrations(&source)
        .map_err(failed)?
        .iter()
        .map(|migration| Migration::<C::Backend>::name(migration).version().to_string())
        .collect();
    let present = conn.applied_migrations().map_err(failed)?;
    if let Some(newer) = present.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        return Err(DbError::Migration(format!(
            "the database has migration {newer}, which this program does not know; use a newer version of it"
        )));
    }
    let applied = conn.run_pending_migrations(source).map_err(failed)?.len();
    Ok(Applied(applied))
}
