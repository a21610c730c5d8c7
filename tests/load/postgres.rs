//! A PostgreSQL to measure on: the one of `SSP_TEST_PG`, else a private cluster that is removed afterwards.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use tempfile::TempDir;

use crate::drive::Figures;
use crate::fault::{Outcome, fault};
use crate::script::{Row, Script, TABLES, Written};

/// The log of a private cluster, in its data folder; the ending is PostgreSQL's.
const STATEMENTS: &str = "statements.log";

const INSTALLED: &str = "/usr/lib/postgresql";

/// A database of its own, dropped with its owner.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    admin: String,
    // After the database's own drop, which needs it.
    cluster: Option<Cluster>,
}

/// A cluster that has been in use for a while writes its log into segments of before. A new one fills each with zeros first,
/// once a second in these measurements, and all who commit wait for it.
const WORN_IN: &str = "SELECT count(pg_logical_emit_message(false, 'load', repeat('x', 1048576))) \
                       FROM generate_series(1, 960); CHECKPOINT";

/// A running cluster in a temporary folder.
struct Cluster {
    folder: TempDir,
    bin: PathBuf,
}

/// The folder with the programs of the newest installed version.
fn programs() -> Outcome<PathBuf> {
    let versions = std::fs::read_dir(INSTALLED).into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(|path| version(path));
    newest
        .map(|path| path.join("bin"))
        .filter(|bin| bin.join("pgbench").is_file())
        .ok_or_else(|| fault(format!("there is no pgbench in {INSTALLED}/*/bin; install PostgreSQL")))
}

/// `initdb` and the server refuse root, so they run as the user postgres then.
fn as_owner(program: &Path) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut command = Command::new(if is_root { OsStr::new("runuser") } else { program.as_os_str() });
    if is_root {
        command.args(["-u", "postgres", "--"]).arg(program);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn succeed(command: &mut Command) -> Outcome<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(fault(format!("{command:?} ended with {status}"))) }
}

impl Cluster {
    fn start() -> Outcome<(Self, String)> {
        let cluster = Self { folder: TempDir::with_prefix("suishoupai-load-pg-")?, bin: programs()? };
        let path = cluster.folder.path();
        if std::fs::metadata(path)?.uid() == 0 {
            succeed(Command::new("chown").arg("postgres:").arg(path))?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        let data = path.join("data");
        let how = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"];
        succeed(as_owner(&cluster.bin.join("initdb")).current_dir("/").args(how).arg("-D").arg(&data))?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c max_connections=150 \
             -c min_wal_size=1GB -c logging_collector=on -c log_destination=jsonlog -c log_directory=. -c log_filename={STATEMENTS} \
             -c log_rotation_size=0 -c log_rotation_age=0"
        );
        let mut start = as_owner(&cluster.bin.join("pg_ctl"));
        start.current_dir("/").args(["start", "-w", "-o", &options, "-D"]).arg(&data);
        succeed(start.arg("-l").arg(path.join("log")))?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        PgConnection::establish(&url)?.batch_execute(WORN_IN)?;
        Ok((cluster, url))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = as_owner(&self.bin.join("pg_ctl"));
        stop.current_dir("/").args(["stop", "-m", "immediate", "-D"]).arg(self.folder.path().join("data"));
        if let Err(error) = succeed(&mut stop) {
            eprintln!("the private PostgreSQL did not stop: {error}");
        }
    }
}

impl Database {
    pub(crate) fn create() -> Outcome<Self> {
        let (cluster, admin) = match std::env::var("SSP_TEST_PG") {
            Ok(url) if !url.is_empty() => (None, url),
            _ => Cluster::start().map(|(cluster, url)| (Some(cluster), url))?,
        };
        let name = format!("ssp_load_{}", std::process::id());
        let (base, query) = admin.split_once('?').unwrap_or((&admin, ""));
        let after_scheme = base.find("://").map_or(0, |at| at + 3);
        let end = base[after_scheme..].find('/').map_or(base.len(), |at| after_scheme + at);
        let url = format!("{}/{name}{}{query}", &base[..end], if query.is_empty() { "" } else { "?" });
        let create =
            format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
        PgConnection::establish(&admin)?.batch_execute(&create)?;
        Ok(Self { url, name, admin, cluster })
    }
}

impl Database {
    /// Where statements are logged, if the cluster is a private one.
    pub(crate) fn log(&self) -> Option<PathBuf> {
        let cluster = self.cluster.as_ref()?;
        Some(cluster.folder.path().join("data").join(STATEMENTS).with_extension("json"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop_it = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let outcome = PgConnection::establish(&self.admin)
            .map_err(|error| error.to_string())
            .and_then(|mut conn| conn.batch_execute(&drop_it).map_err(|error| error.to_string()));
        if let Err(error) = outcome {
            eprintln!("the database {} was not dropped: {error}", self.name);
        }
    }
}

/// Gives the planner the statistics that autovacuum collects within a minute, so that it does not do so half-way.
pub(crate) fn analyze(url: &str) -> Outcome<()> {
    Ok(PgConnection::establish(url)?.batch_execute("ANALYZE")?)
}

/// How many connections the others hold to this database: the server's pool.
pub(crate) fn connections(url: &str) -> Outcome<usize> {
    let count = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let found: i64 = diesel::select(sql::<BigInt>(&format!("({count})")))
        .get_result(&mut PgConnection::establish(url)?)?;
    Ok(usize::try_from(found)?)
}

#[derive(QueryableByName)]
struct Json {
    #[diesel(sql_type = Text)]
    row: String,
}

/// Everything that the server wrote for the report of a ticket, as it stands in the database.
pub(crate) fn written(url: &str, ticket: i64) -> Outcome<Written> {
    let mut conn = PgConnection::establish(url)?;
    let mut all = Vec::with_capacity(TABLES.len());
    for (table, key, _) in TABLES {
        let sql = format!("SELECT row_to_json(t)::text AS row FROM {table} t WHERE {key} = $1 ORDER BY t");
        let rows: Vec<Json> = diesel::sql_query(sql).bind::<BigInt, _>(ticket).load(&mut conn)?;
        let rows: Result<Vec<Row>, _> = rows.iter().map(|json| serde_json::from_str(&json.row)).collect();
        all.push((table, rows?));
    }
    Ok(all)
}

/// Notes every job that leaves the queue, with how often it was tried.
pub(crate) fn watch_jobs(url: &str) -> Outcome<()> {
    Ok(PgConnection::establish(url)?.batch_execute(
        "CREATE TABLE load_jobs (id BIGINT PRIMARY KEY, attempts INTEGER NOT NULL); \
         CREATE FUNCTION load_job_done() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO load_jobs VALUES (OLD.id, OLD.attempts); RETURN OLD; END $$; \
         CREATE TRIGGER load_job_done AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION load_job_done();",
    )?)
}

/// How many jobs have left the queue since, and how many of them were taken more than once.
pub(crate) fn jobs_done(url: &str) -> Outcome<(i64, i64)> {
    let mut conn = PgConnection::establish(url)?;
    let mut count = |sql_text: &str| -> Outcome<i64> {
        Ok(diesel::select(sql::<BigInt>(sql_text)).get_result(&mut conn)?)
    };
    Ok((
        count("(SELECT COUNT(*) FROM load_jobs)")?,
        count("(SELECT COUNT(*) FROM load_jobs WHERE attempts <> 1)")?,
    ))
}

/// How long a script is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amount {
    For(Duration),
    /// So many times by each client.
    Each(usize),
}

impl From<Duration> for Amount {
    fn from(length: Duration) -> Self {
        Self::For(length)
    }
}

/// Runs a script with prepared statements.
pub(crate) async fn pgbench(
    url: &str,
    script: &Script,
    clients: usize,
    amount: impl Into<Amount>,
) -> Outcome<Figures> {
    let folder = TempDir::with_prefix("suishoupai-load-")?;
    let file = folder.path().join("script.sql");
    std::fs::write(&file, &script.text)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = tokio::process::Command::new(programs()?.join("pgbench"));
    command.args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", &cores.min(clients).to_string()]);
    match amount.into() {
        Amount::For(length) => command.args(["-T", &length.as_secs().max(1).to_string()]),
        Amount::Each(count) => command.args(["-t", &count.to_string()]),
    };
    command.args(["--log", "--log-prefix=each"]);
    for (name, value) in &script.variables {
        command.args(["-D", &format!("{name}={value}")]);
    }
    command.arg("-f").arg(&file).arg(url);
    let output = command.current_dir(folder.path()).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate =
        said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    let Some(rate) = rate.filter(|rate| output.status.success() && *rate > 0.0) else {
        return Err(fault(format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr))));
    };
    let mut micros = Vec::new();
    for entry in std::fs::read_dir(folder.path())?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("each") {
            let text = std::fs::read_to_string(entry.path())?;
            // client, number, microseconds, …
            micros.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u32>().ok()));
        }
    }
    Ok(Figures::new(micros.len() as f64 / rate, micros))
}
