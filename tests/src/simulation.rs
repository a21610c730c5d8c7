//! The simulated district on either engine, and installations filled with made-up history.

use std::sync::Arc;

use suishoupai_api::app::{open_db, open_db_to_fill};
use suishoupai_api::config::{Config, Secret};
use suishoupai_api::fail::Fail;
use suishoupai_api::registry::Registry;
use suishoupai_api::simulate::{self, Filled, Filling, Options, Outcome};
use suishoupai_storage::db::{Conn, Db, DbError, reference};
use tempfile::TempDir;

use crate::Engine;
use crate::engine::Database;
use crate::server::block_on;

/// Simulates in an empty database of the engine, which is dropped afterwards.
///
/// # Panics
/// When the database fails.
pub fn simulated(engine: Engine, options: Options) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let database = engine.empty(folder.path());
    let mut config = Config::default();
    config.data.dir = folder.path().to_owned();
    config.data.database_url = Some(Secret::new(database.url()));
    config.data.pool_size = 2;
    let db = open_db(&config).unwrap();
    block_on(simulate::run(&db, options)).unwrap()
}

/// A filled installation; dropped at the end.
pub struct Installation {
    /// What was written.
    pub filled: Filled,
    db: Db,
    filling: Filling,
    _database: Database,
    _folder: TempDir,
}

impl Installation {
    /// Fills an empty database of the engine.
    ///
    /// # Panics
    /// When the database fails.
    pub fn fill(engine: Engine, filling: Filling) -> Self {
        let mut installation = Self::migrated(engine, filling);
        installation.filled = installation.again().unwrap();
        installation
    }

    /// An empty, migrated database of the engine, to be filled so.
    ///
    /// # Panics
    /// When the database fails.
    pub fn migrated(engine: Engine, filling: Filling) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = engine.empty(folder.path());
        let mut config = Config::default();
        config.data.dir = folder.path().to_owned();
        config.data.database_url = Some(Secret::new(database.url()));
        config.data.pool_size = 2;
        let db = open_db_to_fill(&config).unwrap();
        let filled = Filled { tickets: 0, lines: 0, days: 0 };
        Self { filled, db, filling, _database: database, _folder: folder }
    }

    /// Fills it (once more).
    ///
    /// # Errors
    /// Where it is not empty.
    pub fn again(&self) -> Result<Filled, Fail> {
        block_on(simulate::fill(&self.db, self.filling))
    }

    /// What the audit finds wrong, which verifies the chains too.
    ///
    /// # Panics
    /// When the database fails.
    pub fn faults(&self) -> Vec<String> {
        let loaded = block_on(self.db.read(reference::load)).unwrap();
        let registry = Arc::new(Registry::build(loaded, &Config::default()).unwrap());
        block_on(simulate::audit(&self.db, &registry, self.filling.until)).unwrap()
    }

    /// What a reading of its database finds.
    ///
    /// # Panics
    /// When the database fails.
    pub fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        block_on(self.db.read(work)).unwrap()
    }
}
