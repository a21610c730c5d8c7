//! A PostgreSQL of one test's own, to be stopped and started again.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A private cluster; it is stopped and removed when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// Whom it runs as, where the tests are run by root, whom PostgreSQL refuses.
    owner: Option<&'static str>,
    port: u16,
}

impl Cluster {
    /// Makes one; nothing runs yet.
    ///
    /// # Panics
    /// Where the programs of PostgreSQL are not installed or fail.
    pub fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let is_root = std::fs::metadata(folder.path()).unwrap().uid() == 0;
        let is_user = |name: &str| output(Command::new("id").arg("-u").arg(name)).is_ok();
        let owner = is_root.then(|| if is_user("postgres") { "postgres" } else { "nobody" });
        // The folder stays closed to others but lets the owner of the cluster pass.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        for part in ["data", "socket"] {
            let mut install = Command::new("install");
            install.args(["-d", "-m", "700"]);
            if let Some(owner) = owner {
                install.args(["-o", owner]);
            }
            output(install.arg(folder.path().join(part))).unwrap();
        }
        let cluster = Self { folder, programs: programs(), owner, port: free_port() };
        let mut command = cluster.command("initdb");
        command.args(["-U", "ssp", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8", "-D"]);
        output(command.arg(cluster.data())).unwrap();
        cluster
    }

    /// The address of its database, which is empty.
    pub fn url(&self) -> String {
        format!("postgres://ssp@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&self) {
        // What a transaction has written outlives the programs, though not a loss of power.
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c max_connections=60 -c shared_buffers=32MB -c fsync=off \
             -c full_page_writes=off -c autovacuum=off",
            self.port,
            self.folder.path().join("socket").display()
        );
        let mut command = self.command("pg_ctl");
        command.args(["-s", "-w", "-t", "60", "-l"]).arg(self.folder.path().join("data/log"));
        command.arg("-o").arg(options).arg("-D").arg(self.data()).arg("start");
        let started = output(&mut command);
        let log = || std::fs::read_to_string(self.folder.path().join("data/log")).unwrap_or_default();
        started.unwrap_or_else(|words| panic!("{words}\n{}", log()));
    }

    /// Stops it: `fast` ends its connections, `immediate` is a crash, after which it recovers.
    ///
    /// # Panics
    /// Where it does not stop.
    pub fn stop(&self, mode: &str) {
        output(&mut self.stopping(mode)).unwrap();
    }

    fn stopping(&self, mode: &str) -> Command {
        let mut command = self.command("pg_ctl");
        command.args(["-s", "-w", "-m", mode, "-D"]).arg(self.data()).arg("stop");
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.owner {
            Some(owner) => {
                let mut command = Command::new("runuser");
                command.args(["-u", owner, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may not run, and another panic while a test fails would hide the reason of the first.
        drop(output(&mut self.stopping("immediate")));
    }
}

/// The newest of Debian's folders first; a `psql` alone in PATH is not enough.
fn programs() -> PathBuf {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let is_whole =
        |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|one| folder.join(one).exists());
    folders
        .into_iter()
        .find(is_whole)
        .unwrap_or_else(|| panic!("initdb, pg_ctl and postgres are not installed"))
}

/// A port of the loopback that nobody listens on at present.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Runs a command to its end; what it said where it failed. The server that `pg_ctl` starts keeps what it was given,
/// so nothing is read from pipes.
fn output(command: &mut Command) -> Result<(), String> {
    let words = tempfile::NamedTempFile::new().unwrap();
    let out = || Stdio::from(words.reopen().unwrap());
    let status = command.stdin(Stdio::null()).stdout(out()).stderr(out()).status();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}: {}", read(words.path()))),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
