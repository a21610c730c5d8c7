//! `suishoupai serve`

use std::net::SocketAddr;

use clap::Args;

use super::{Done, Stop, print};
use crate::app::Application;
use crate::clock::Clock;
use crate::config::{CodeSender, Config};
use crate::demo::{self, DemoAccount};
use crate::telemetry;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to listen on, such as 0.0.0.0:8080; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Load the demonstration district with accounts whose password is public; the data folder must be empty or hold
    /// the demonstration already
    #[arg(long)]
    pub(super) demo: bool,
}

pub(super) async fn run(settings: Config, with_demo: bool) -> Result<Done, Stop> {
    let telemetry = telemetry::start(&settings).map_err(Stop::words)?;
    // Asked for before anything is started, so that a signal during the start is not lost.
    let Signals { stop, hurry } = signals()?;
    let mut stop = Box::pin(stop);
    let welcome = settings.clone();
    let build = Box::pin(Application::build(settings, Clock::System, with_demo));
    let application = tokio::select! {
        application = build => application?,
        // It may be waiting for its database.
        () = &mut stop => return Ok(Done::of("stopped\n")),
    };
    print(&greeting(&welcome, application.address(), application.demo_accounts()));
    if let Some(address) = application.metrics_address() {
        tracing::info!(%address, "GET /metrics is served");
    }
    let served = application.run_until(stop, hurry).await;
    telemetry.stop().await;
    served?;
    Ok(Done::of("stopped\n"))
}

/// What signals ask for.
struct Signals<S, H> {
    /// Ends with the first Ctrl-C or SIGTERM.
    stop: S,
    /// Ends where nobody wants to wait: with a Ctrl-C, or with the second SIGTERM.
    hurry: H,
}

#[cfg(unix)]
fn signals() -> Result<Signals<impl Future<Output = ()>, impl Future<Output = ()>>, Stop> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Stop::words(format!("signals cannot be watched: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    // A file that outgrows a limit of the process is a full disk, and no reason to die: with a handler for the signal
    // the write fails instead.
    let too_large = signal(SignalKind::from_raw(SIGXFSZ)).map_err(failed)?;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (hurry, hurried) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let _held = too_large;
        let is_patient = tokio::select! {
            _ = terminate.recv() => true,
            _ = interrupt.recv() => false,
        };
        tracing::info!("stopping: answers under way are finished first");
        let _ = stop.send(());
        if is_patient {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        let _ = hurry.send(());
        std::future::pending::<()>().await;
    });
    Ok(Signals { stop: async { drop(stopped.await) }, hurry: async { drop(hurried.await) } })
}

/// The signal that a file has outgrown the limit of the process, on Linux.
#[cfg(unix)]
const SIGXFSZ: std::ffi::c_int = 25;

#[cfg(not(unix))]
fn signals() -> Result<Signals<impl Future<Output = ()>, impl Future<Output = ()>>, Stop> {
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    Ok(Signals { stop, hurry: async {} })
}

/// What an operator reads when the server has started. Without the demonstration nothing secret is in it.
pub(super) fn greeting(settings: &Config, address: SocketAddr, accounts: &[DemoAccount]) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let base = base_url(address);
    let dir = &settings.data.dir;
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
    say(format!("随手拍 suishoupai {} is listening on {base}", env!("CARGO_PKG_VERSION")));
    say(format!("  documentation  {base}/docs/"));
    say(format!("  data           {}", dir.display()));
    if !accounts.is_empty() {
        say(String::new());
        say("Demonstration accounts; their password is public, so do not use this for real data:".to_owned());
        for line in table(accounts) {
            say(line);
        }
        if settings.auth.code_sender == CodeSender::Log {
            say("Residents: ask for a code for any phone number; the code appears in this log.".to_owned());
        }
        say(String::new());
        say("Try, in another terminal:".to_owned());
        let (lon, lat) = (demo::POINT.lon, demo::POINT.lat);
        say(format!("  curl '{base}/api/v1/locate?lon={lon}&lat={lat}&datum=wgs84'"));
        let body = format!(r#"{{"name":"grid1","password":"{}"}}"#, demo::PASSWORD);
        say(format!("  curl -H 'content-type: application/json' -d '{body}' {base}/api/v1/auth/password"));
    }
    say(String::new());
    say("Ctrl-C stops the server.".to_owned());
    text
}

/// An address that works as it is pasted: a server on every interface is reached on this machine by the loopback.
fn base_url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

/// Where a server that listens there is reached on this machine.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

fn table(accounts: &[DemoAccount]) -> impl Iterator<Item = String> {
    let row = |login: &str, password: &str, role: &str, unit: &str, description: &str| {
        format!(
            "  {} {} {} {} {description}",
            fit(login, 10),
            fit(password, 17),
            fit(role, 18),
            fit(unit, 20)
        )
    };
    let head = row("name", "password", "role", "unit", "");
    let lines: Vec<String> = accounts
        .iter()
        .map(|one| row(one.login, one.password, one.role.as_str(), &one.unit_name, one.description))
        .collect();
    std::iter::once(head.trim_end().to_owned()).chain(lines)
}

/// The text filled up with blanks; a Chinese character takes two columns of a terminal.
fn fit(text: &str, columns: usize) -> String {
    let width: usize = text.chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(width)))
}
