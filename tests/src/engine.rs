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

use crate::cluster::Cluster;
use crate::s3::Bucket;
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
    /// The whole address, where it is of another cluster, which is removed whole.
    elsewhere: Option<String>,
}

impl Database {
    /// The setting `data.database_url`.
    pub(crate) fn url(&self) -> String {
        match (self.engine, &self.elsewhere) {
            (_, Some(url)) => url.clone(),
            (Engine::Sqlite, None) => format!("sqlite://{}", self.name),
            (Engine::Postgres, None) => named(&self.name),
        }
    }

    /// The database of a cluster of a test's own.
    pub(crate) fn of_cluster(cluster: &Cluster) -> Self {
        Self { engine: Engine::Postgres, name: String::new(), elsewhere: Some(cluster.url()) }
    }

    /// Executes SQL behind the server's back, as somebody with access to the database could.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), String> {
        let outcome = match self.engine {
            Engine::Sqlite => {
                let mut connection = SqliteConnection::establish(&self.name).unwrap();
                // The server may be writing.
                connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                connection.batch_execute(sql)
            }
            Engine::Postgres => PgConnection::establish(&self.url()).unwrap().batch_execute(sql),
        };
        outcome.map_err(|error| error.to_string())
    }

    /// Undoes what was migrated since the first schema. What a later schema keeps beside it is lost.
    pub(crate) fn to_first_schema(&self) {
        let migrations = self.migrations();
        assert!(migrations.len() > 1, "there is a schema after the first one");
        self.undo(migrations.iter().skip(1).rev());
    }

    /// As [`Self::to_first_schema`], of one migration and those after it.
    pub(crate) fn to_schema_before(&self, name: &str) {
        let migrations = self.migrations();
        let first = migrations.iter().position(|migration| migration.ends_with(name));
        self.undo(migrations.iter().skip(first.unwrap()).rev());
    }

    /// The folders of all migrations, in their order.
    fn migrations(&self) -> Vec<PathBuf> {
        let engine = match self.engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(engine);
        let mut migrations: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        migrations.sort();
        migrations
    }

    fn undo<'a>(&self, migrations: impl Iterator<Item = &'a PathBuf>) {
        for migration in migrations {
            let down = std::fs::read_to_string(migration.join("down.sql")).unwrap();
            let name = migration.file_name().unwrap().to_str().unwrap();
            let version: String = name.split('_').next().unwrap().replace('-', "");
            let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
            self.execute(&format!("{down}; {forget}")).unwrap();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.engine == Engine::Postgres && self.elsewhere.is_none() {
            // Another panic while a test fails would hide the reason of the first.
            drop(try_admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)));
        }
    }
}

impl Engine {
    /// Where photos are kept beside it: PostgreSQL goes with a bucket, SQLite with a folder.
    pub(crate) fn bucket(self) -> Option<Bucket> {
        match self {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Bucket::shared()),
        }
    }

    /// A copy of the demonstration; a file lies in the given folder.
    pub(crate) fn copy_of_demo(self, folder: &Path) -> Database {
        match self {
            Engine::Sqlite => {
                static DEMO: LazyLock<Vec<u8>> = LazyLock::new(sqlite_demo);
                let path = folder.join("suishoupai.db");
                std::fs::write(&path, &*DEMO).unwrap();
                Database { engine: self, name: path.to_str().unwrap().to_owned(), elsewhere: None }
            }
            Engine::Postgres => {
                static DEMO: LazyLock<String> = LazyLock::new(postgres_demo);
                let (name, template) = (fresh_name(), &*DEMO);
                admin(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
                Database { engine: self, name, elsewhere: None }
            }
        }
    }

    /// A database with nothing in it.
    pub(crate) fn empty(self, folder: &Path) -> Database {
        match self {
            Engine::Sqlite => {
                let path = folder.join("suishoupai.db");
                Database { engine: self, name: path.to_str().unwrap().to_owned(), elsewhere: None }
            }
            Engine::Postgres => {
                let name = fresh_name();
                admin(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"));
                Database { engine: self, name, elsewhere: None }
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
    let passwords = Passwords::default();
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
