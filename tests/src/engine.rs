//! The two engines. The demonstration is loaded once for each, and every test gets a copy of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use suishoupai_api::app::open_db;
use suishoupai_api::config::{Config, Secret};
use suishoupai_api::demo;
use suishoupai_api::password::Passwords;

use crate::server::start_of_time;

/// On which database a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// The cluster of `SSP_TEST_PG`.
    Postgres,
}

/// A database of one test's own; dropped with it.
pub(crate) struct Database {
    engine: Engine,
    /// The file, or the name.
    name: String,
}

impl Database {
    /// The setting `data.database_url`.
    pub(crate) fn url(&self) -> String {
        match self.engine {
            Engine::Sqlite => format!("sqlite://{}", self.name),
            Engine::Postgres => named(&self.name),
        }
    }

    /// Executes SQL behind the server's back, as somebody with access to the database could.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), String> {
        let outcome = match self.engine {
            Engine::Sqlite => SqliteConnection::establish(&self.name).unwrap().batch_execute(sql),
            Engine::Postgres => PgConnection::establish(&self.url()).unwrap().batch_execute(sql),
        };
        outcome.map_err(|error| error.to_string())
    }

    /// Undoes what was migrated since the first schema. What a later schema keeps beside it is lost.
    pub(crate) fn to_first_schema(&self) {
        // The newest first.
        let later = [
            (
                "20261126000000",
                include_str!("../../migrations/sqlite/2026-11-26-000000_supervision/down.sql"),
                include_str!("../../migrations/postgres/2026-11-26-000000_supervision/down.sql"),
            ),
            (
                "20261123000000",
                include_str!("../../migrations/sqlite/2026-11-23-000000_closed_loop/down.sql"),
                include_str!("../../migrations/postgres/2026-11-23-000000_closed_loop/down.sql"),
            ),
        ];
        for (version, sqlite, postgres) in later {
            let down = match self.engine {
                Engine::Sqlite => sqlite,
                Engine::Postgres => postgres,
            };
            let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
            self.execute(&format!("{down}; {forget}")).unwrap();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.engine == Engine::Postgres {
            // Another panic while a test fails would hide the reason of the first.
            drop(try_admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)));
        }
    }
}

impl Engine {
    /// A copy of the demonstration; a file lies in the given folder.
    pub(crate) fn copy_of_demo(self, folder: &Path) -> Database {
        match self {
            Engine::Sqlite => {
                static DEMO: LazyLock<Vec<u8>> = LazyLock::new(sqlite_demo);
                let path = folder.join("suishoupai.db");
                std::fs::write(&path, &*DEMO).unwrap();
                Database { engine: self, name: path.to_str().unwrap().to_owned() }
            }
            Engine::Postgres => {
                static DEMO: LazyLock<String> = LazyLock::new(postgres_demo);
                let (name, template) = (fresh_name(), &*DEMO);
                admin(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
                Database { engine: self, name }
            }
        }
    }

    /// A database with nothing in it.
    pub(crate) fn empty(self, folder: &Path) -> Database {
        match self {
            Engine::Sqlite => {
                let path = folder.join("suishoupai.db");
                Database { engine: self, name: path.to_str().unwrap().to_owned() }
            }
            Engine::Postgres => {
                let name = fresh_name();
                admin(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"));
                Database { engine: self, name }
            }
        }
    }
}

fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("ssp_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The loaded database as the bytes of its file, so that nothing stays on the disk.
fn sqlite_demo() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.data.dir = folder.path().to_owned();
    load(config);
    let copy: PathBuf = folder.path().join("copy.db");
    let sql = format!("VACUUM INTO '{}'", copy.display());
    let file = folder.path().join("suishoupai.db");
    SqliteConnection::establish(file.to_str().unwrap()).unwrap().batch_execute(&sql).unwrap();
    std::fs::read(copy).unwrap()
}

/// The loaded database, by name.
fn postgres_demo() -> String {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("ssp_{}_demo", std::process::id());
    admin(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"));
    let mut config = Config::default();
    config.data.dir = folder.path().to_owned();
    config.data.database_url = Some(Secret::new(named(&name)));
    load(config);
    // A template must have no connections; those of the pool may linger.
    admin(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    name
}

fn load(config: Config) {
    let db = open_db(&config).unwrap();
    let passwords = Passwords::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(demo::load(&db, &passwords, start_of_time())).unwrap();
}

/// The address of the cluster's administration.
fn cluster() -> String {
    std::env::var("SSP_TEST_PG").unwrap_or_else(|_| {
        panic!("these tests need a PostgreSQL cluster, named by SSP_TEST_PG; run ./test, which makes one")
    })
}

/// The address of another database of the cluster.
fn named(database: &str) -> String {
    let admin = cluster();
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

fn admin(sql: &str) {
    try_admin(sql).unwrap();
}

/// One statement at a time: a template cannot be copied twice at once.
fn try_admin(sql: &str) -> Result<(), String> {
    static ONE: Mutex<()> = Mutex::new(());
    let _held = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut connection = PgConnection::establish(&cluster()).map_err(|error| error.to_string())?;
    connection.batch_execute(sql).map_err(|error| error.to_string())
}
