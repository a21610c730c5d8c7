//! The command line: every command returns its text and exit code, or one line that says what is wrong.

mod backup;
mod bench;
mod config;
#[cfg(test)]
mod deploy_tests;
mod evidence;
mod import;
mod jobs;
mod keys;
mod migrate;
mod migrate_engine;
mod probe;
mod restore;
mod serve;
mod simulate;
#[cfg(test)]
mod tests;
mod user;
mod verify;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use suishoupai_storage::db::{Db, DbError, Target};

use crate::app::{self, StartError};
use crate::backup::BackupError;
use crate::config::{Config, ConfigError, LoadOptions};
use crate::evidence::EvidenceError;
use crate::fail::Fail;
use crate::password::PasswordError;

/// 随手拍: grid-based reporting for a district.
///
/// Settings come from defaults, then the file suishoupai.toml, then environment variables such as
/// SUISHOUPAI_HTTP__LISTEN, then these options; `suishoupai config` shows them all with their origin.
#[derive(Debug, Parser)]
#[command(name = "suishoupai", version)]
struct Arguments {
    /// The folder for database, photos and keys [default: suishoupai-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file [default: suishoupai.toml here, else in the data folder, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server; Ctrl-C or SIGTERM stops it once the answers under way are finished
    Serve(serve::Serve),
    /// Print every setting with its meaning and origin, as TOML that can be used as a configuration file
    Config,
    Import(import::Import),
    Verify(verify::Verify),
    /// Hand out evidence that third parties can verify
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    Backup(backup::Backup),
    Restore(restore::Restore),
    /// Bring the schema of the database up to date, for operators who keep that apart from starting a server
    ///
    /// A server does so by itself when it starts, unless data.migrate_at_start is false. Several may be started at
    /// once: one migrates, the others wait. A schema that is newer than this program is refused, with exit code 1.
    Migrate,
    MigrateEngine(migrate_engine::MigrateEngine),
    Probe(probe::Probe),
    /// Let a made-up district live for some days in an empty folder and print its indicators; exit code 3 if the audit
    /// afterwards finds a ticket, clock or history that is not in order
    Simulate(simulate::Simulate),
    /// See the work off the request path, such as renditions of photos, and put back what was given up
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Prepare an installation for measurements
    #[command(subcommand)]
    Bench(bench::Bench),
    /// See and exchange the keys that seal personal data, and the one that signs access tokens
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Add officials, set their passwords, and keep them from signing in
    #[command(subcommand)]
    User(user::User),
    /// Print the contract of the API as OpenAPI 3.1 in YAML
    Openapi,
}

/// What a command prints, and with which code it ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    text: String,
    code: u8,
}

impl Done {
    fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 0 }
    }
}

/// Why a command cannot do what it was asked; one line for people.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("{0}")]
    Words(String),
}

impl Stop {
    fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }
}

impl From<Fail> for Stop {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Db(error) => Stop::Db(error),
            Fail::Problem(problem) => Stop::Words(problem.in_words()),
        }
    }
}

/// Reads the arguments of the process, carries out the command, and says how it went.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors. Wrong arguments end with 1: 2 is for wrong lines of an import.
            drop(error.print());
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match carry_out(arguments) {
        Ok(done) => {
            print(&done.text);
            ExitCode::from(done.code)
        }
        Err(stop) => {
            let line = stop.to_string().replace(['\n', '\r'], " ");
            drop(writeln!(std::io::stderr(), "suishoupai: {}", line.trim()));
            ExitCode::from(1)
        }
    }
}

fn carry_out(arguments: Arguments) -> Result<Done, Stop> {
    if matches!(arguments.command, Command::Openapi) {
        return Ok(Done::of(crate::openapi::Contract::shared().yaml.clone()));
    }
    let mut options =
        LoadOptions { file: arguments.config, data_dir: arguments.data, ..LoadOptions::from_process() };
    if let Command::Serve(serve) = &arguments.command {
        options.listen.clone_from(&serve.listen);
    }
    let settings = Config::load(&options)?;
    actix_web::rt::System::new().block_on(async move {
        match arguments.command {
            Command::Serve(serve) => serve::run(settings, serve.demo).await,
            Command::Config => Ok(config::run(&settings)),
            Command::Import(import) => import::run(&settings, import).await,
            Command::Verify(verify) => verify::run(&settings, verify).await,
            Command::Evidence(evidence) => evidence::run(&settings, evidence).await,
            Command::Backup(backup) => backup::run(&settings, backup).await,
            Command::Restore(restore) => restore::run(settings, restore).await,
            Command::Migrate => migrate::run(&settings),
            Command::MigrateEngine(moving) => migrate_engine::run(&settings, moving).await,
            Command::Probe(probe) => probe::run(&settings, probe).await,
            Command::Simulate(simulate) => simulate::run(&settings, simulate).await,
            Command::Jobs(jobs) => jobs::run(&settings, jobs).await,
            Command::Keys(keys) => keys::run(&settings, keys).await,
            Command::Bench(bench) => bench::run(&settings, bench).await,
            Command::User(user) => user::run(&settings, user).await,
            Command::Openapi => Ok(Done::default()),
        }
    })
}

/// Prints a text; a reader that went away (`| head`) is no error.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Opens a database that must be there already: for commands that only make sense on one, a mistyped folder must
/// not become a new, empty database.
fn open_existing(settings: &Config) -> Result<Db, Stop> {
    if let Target::Sqlite(path) = app::target(settings)?
        && !std::path::Path::new(&path).exists()
    {
        return Err(Stop::words(format!("there is no database {path}; name its folder by --data")));
    }
    Ok(app::open_db(settings)?)
}
