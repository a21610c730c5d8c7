//! The server as a child process: started on a free port, watched, ended with its owner.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::client::Client;
use crate::fault::{Outcome, fault};

const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Sign-in codes, as they appear in the log.
    pub(crate) codes: mpsc::UnboundedReceiver<String>,
    /// Whether it has read the hashes of all photos, which it does beside its work after its start.
    knows_pictures: watch::Receiver<bool>,
    /// From the start of the process until `/readyz` answered 200.
    pub(crate) ready_after: Duration,
}

/// The program `suishoupai` that was built together with this one.
pub(crate) fn program(given: Option<PathBuf>) -> Outcome<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join("suishoupai"));
    let path = given.or_else(beside).unwrap_or_default();
    if path.is_file() {
        return Ok(path);
    }
    let build = "build it with `cargo build --release -p suishoupai-api`";
    Err(fault(format!("there is no server {}; {build}, or name it by --server", path.display())))
}

/// The program with its data folder, and with no setting of the shell, which must not make two runs differ.
fn prepared(program: &Path, data: &Path, database: Option<&str>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SUISHOUPAI_")) {
        command.env_remove(name);
    }
    // Few accounts send what a city would, so that a server can be measured.
    command.env("SUISHOUPAI_REPORTS__ACCOUNT_REPORTS_AN_HOUR", "1000000000");
    command.env("SUISHOUPAI_SPAM__SAME_TEXT", "0");
    if let Some(url) = database {
        command.env("SUISHOUPAI_DATA__DATABASE_URL", url);
    }
    command.arg("--data").arg(data).current_dir(data);
    command
}

/// Fills an empty database with made-up history.
pub(crate) fn fill(program: &Path, data: &Path, database: Option<&str>, tickets: usize) -> Outcome<()> {
    let mut command = prepared(program, data, database);
    let status = command.args(["bench", "fill", "--tickets", &tickets.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(fault("the database could not be filled; why, is above")) }
}

impl Server {
    /// Starts the demonstration on a data folder and waits until it is ready.
    pub(crate) async fn start(
        program: &Path,
        data: &Path,
        database: Option<&str>,
        settings: &[(&str, &str)],
    ) -> Outcome<Self> {
        let begun = Instant::now();
        let mut command = prepared(program, data, database);
        command.envs(settings.iter().copied());
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (told, address) = oneshot::channel();
        let (code, codes) = mpsc::unbounded_channel();
        let (known, knows_pictures) = watch::channel(false);
        let (out, log) = (child.stdout.take(), child.stderr.take());
        let address_yet = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address: address_yet, codes, knows_pictures, ready_after: START };
        watch_output(out, told);
        watch_log(log, code, known);
        server.address = tokio::time::timeout(START, address)
            .await
            .map_err(|_| fault("the server did not start in time"))?
            .map_err(|_| fault("the server ended while it started; its words are above"))?;
        server.wait_until_ready(begun).await?;
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    async fn wait_until_ready(&self, begun: Instant) -> Outcome<()> {
        while begun.elapsed() < START {
            if let Ok(mut client) = Client::connect(self.address, None).await
                && client.get("/readyz").await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err(fault("the server did not become ready in time"))
    }

    /// Waits until it has read the hashes of all photos: as long as it does, it has less time for what is measured.
    pub(crate) async fn until_pictures_are_known(&self) -> Outcome<()> {
        let mut known = self.knows_pictures.clone();
        let told = tokio::time::timeout(START, known.wait_for(|known| *known)).await;
        if matches!(told, Ok(Ok(_))) {
            return Ok(());
        }
        Err(fault("the server has not read the hashes of the photos in time"))
    }

    /// A figure of `/proc/PID/status` in MiB, such as `VmRSS`.
    pub(crate) fn memory_mib(&self, name: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| fault(format!("/proc has no {name}")))
    }

    /// Seconds of processor time that the process has taken: user and system.
    pub(crate) fn cpu_seconds(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold blanks; the 14th and 15th fields are counted from behind it.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
        Ok(ticks / 100.0)
    }

    /// Ends the server as an operator does, so that its database is closed.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let begun = Instant::now();
        while begun.elapsed() < STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(fault("the server did not stop in time"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads all of the output, as a full pipe would stop the server.
fn watch_output(out: Option<impl Read + Send + 'static>, told: oneshot::Sender<SocketAddr>) {
    let Some(out) = out else { return };
    std::thread::spawn(move || {
        let mut told = Some(told);
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let address = line.rsplit_once("listening on http://").and_then(|(_, rest)| rest.parse().ok());
            if let (Some(address), Some(told)) = (address, told.take_if(|_| address.is_some())) {
                _ = told.send(address);
            }
        }
    });
}

/// Picks out of the log the sign-in codes and that pictures are known, and repeats what is worse than a warning.
fn watch_log(
    log: Option<impl Read + Send + 'static>,
    code: mpsc::UnboundedSender<String>,
    known: watch::Sender<bool>,
) {
    let Some(log) = log else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            match line.split_once("sign-in code ") {
                Some((_, rest)) => drop(code.send(rest.chars().take(6).collect())),
                None if line.contains("ERROR") || line.starts_with("suishoupai:") => {
                    eprintln!("server: {line}")
                }
                None if line.contains("near pictures are known") => drop(known.send(true)),
                None => {}
            }
        }
    });
}
