//! A fresh, migrated database of either engine, removed at the end.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::db::{Db, Target, migrate};

/// A database of its own.
pub(in crate::db) enum Engine {
    Sqlite(tempfile::TempDir),
    Postgres(Database),
}

/// A database on the server that `./test` starts.
pub(in crate::db) struct Database {
    admin: String,
    name: String,
}

impl Engine {
    pub(in crate::db) fn sqlite() -> Self {
        Self::empty_sqlite().migrated()
    }

    pub(in crate::db) fn postgres() -> Self {
        Self::empty_postgres().migrated()
    }

    pub(in crate::db) fn empty_sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(in crate::db) fn empty_postgres() -> Self {
        let admin = std::env::var("SSP_TEST_PG").expect("no PostgreSQL for the tests: run ./test");
        let name = format!("storage_{}", hex::encode(rand::random::<[u8; 8]>()));
        run(&admin, &format!("CREATE DATABASE {name}"));
        Self::Postgres(Database { admin, name })
    }

    fn migrated(self) -> Self {
        migrate(&self.target()).unwrap();
        self
    }

    pub(in crate::db) fn target(&self) -> Target {
        match self {
            Self::Sqlite(folder) => Target::Sqlite(folder.path().join("test.db").display().to_string()),
            Self::Postgres(database) => {
                let (server, _) = database.admin.rsplit_once('/').unwrap();
                Target::Postgres(format!("{server}/{}", database.name))
            }
        }
    }

    pub(in crate::db) fn db(&self) -> Db {
        Db::open(&self.target(), 4, 16).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        run(&self.admin, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn run(admin: &str, sql: &str) {
    PgConnection::establish(admin).unwrap().batch_execute(sql).unwrap();
}

/// One test on each engine.
macro_rules! both {
    ($name:ident, $body:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let body = $body;
                body(Engine::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let body = $body;
                body(Engine::postgres()).await;
            }
        }
    };
}
pub(in crate::db) use both;
