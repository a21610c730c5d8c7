//! Stub.
use std::net::SocketAddr;
use suishoupai_storage::db::{Db, DbError, Target, migrate};
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl};
use crate::demo::{self, DemoAccount};
use crate::fail::Fail;
use crate::password::{PasswordError, Passwords};
use crate::problem::Problem;
/// E.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A.
    #[error("{0}")]
    Setting(String),
    /// B.
    #[error("{what}: {source}")]
    Io { /// w
        what: String, /// s
        source: std::io::Error },
    /// C.
    #[error(transparent)]
    Db(#[from] DbError),
    /// D.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// F.
    #[error("{0}")]
    Data(String),
}
impl From<Fail> for StartError {
    fn from(fail: Fail) -> Self { StartError::Data(Problem::from(fail).to_string()) }
}
/// App.
pub struct Application { address: SocketAddr, demo_accounts: Vec<DemoAccount> }
/// T.
pub fn target(config: &Config) -> Result<Target, StartError> {
    match config.data.database().map_err(|error| StartError::Setting(error.to_owned()))? {
        DatabaseUrl::Sqlite(path) => Ok(Target::Sqlite(path.to_string_lossy().into_owned())),
        DatabaseUrl::Postgres(url) => Ok(Target::Postgres(url.expose().to_owned())),
    }
}
/// O.
pub fn open_db(config: &Config) -> Result<Db, StartError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.data.dir).map_err(|source| StartError::Io {
        what: format!("the data directory {} cannot be made", config.data.dir.display()), source })?;
    let target = target(config)?;
    migrate(&target)?;
    Ok(Db::open(&target, config.data.pool_size, config.data.group_commit_max)?)
}
impl Application {
    /// B.
    pub async fn build(config: Config, clock: Clock, with_demo: bool) -> Result<Self, StartError> {
        let db = open_db(&config)?;
        let passwords = Passwords::new()?;
        let demo_accounts = if with_demo { demo::load(&db, &passwords, clock.now()).await? } else { Vec::new() };
        Ok(Self { address: config.http.listen, demo_accounts })
    }
    /// A.
    pub fn address(&self) -> SocketAddr { self.address }
    /// D.
    pub fn demo_accounts(&self) -> &[DemoAccount] { &self.demo_accounts }
    /// R.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), StartError> { stop.await; Ok(()) }
}
