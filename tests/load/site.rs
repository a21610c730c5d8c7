//! Where a scenario runs: a data folder, a database, and the servers started on them.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use suishoupai_storage::db::Target;
use tempfile::TempDir;

use crate::fault::Outcome;
use crate::postgres::Database;
use crate::server::{self, Server};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The data folder: one that is removed afterwards, or one that was there.
enum Folder {
    Own(TempDir),
    Given(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }
}

pub(crate) struct Site {
    program: PathBuf,
    folder: Folder,
    database: Option<Database>,
}

impl Site {
    pub(crate) fn new(engine: Engine, program: PathBuf, data: Option<PathBuf>) -> Outcome<Self> {
        let database = if engine == Engine::Postgres { Some(Database::create()?) } else { None };
        let folder = match data {
            Some(folder) => Folder::Given(folder.canonicalize()?),
            None => Folder::Own(TempDir::with_prefix("suishoupai-load-")?),
        };
        Ok(Self { program, folder, database })
    }

    pub(crate) async fn start(&self) -> Outcome<Server> {
        self.start_with(&[]).await
    }

    /// As [`Site::start`], with settings of the environment.
    pub(crate) async fn start_with(&self, settings: &[(&str, &str)]) -> Outcome<Server> {
        Server::start(&self.program, self.folder.path(), self.url(), settings).await
    }

    /// Fills the empty database with made-up history.
    pub(crate) fn fill(&self, tickets: usize) -> Outcome<()> {
        server::fill(&self.program, self.folder.path(), self.url(), tickets)
    }

    /// The URL of the PostgreSQL database, if it is one.
    pub(crate) fn url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// The URL of a private PostgreSQL, and where it logs statements.
    pub(crate) fn logged(&self) -> Option<(&str, PathBuf)> {
        let database = self.database.as_ref()?;
        Some((database.url.as_str(), database.log()?))
    }

    /// The database as the storage crate names it.
    pub(crate) fn target(&self) -> Target {
        match self.url() {
            Some(url) => Target::Postgres(url.to_owned()),
            None => Target::Sqlite(self.sqlite_file()),
        }
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn sqlite_file(&self) -> String {
        self.folder().join("suishoupai.db").to_string_lossy().into_owned()
    }
}
