//! The simulated district on either engine.

use suishoupai_api::app::open_db;
use suishoupai_api::config::{Config, Secret};
use suishoupai_api::simulate::{self, Options, Outcome};

use crate::Engine;
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
