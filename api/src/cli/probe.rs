//! `suishoupai probe`

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::serve::reachable;
use super::{Done, Stop};
use crate::config::Config;

/// The exit code when the server answers that it is not ready.
const NOT_READY: u8 = 3;
/// How long each step of asking may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longer answers are cut.
const MAX_ANSWER: u64 = 64 << 10;

/// Ask a running server whether it is ready, and print what it says
///
/// For health checks of containers, which have nothing else to ask with. The exit code is 0 when it is ready, 3 when it says
/// that it is not, 1 when it does not answer.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// Ask only whether it answers at all, not whether it is ready
    #[arg(long)]
    alive: bool,
    /// Its address and port [default: the setting http.listen]
    #[arg(long, value_name = "ADDR")]
    address: Option<SocketAddr>,
}

pub(super) async fn run(settings: &Config, given: Probe) -> Result<Done, Stop> {
    let address = reachable(given.address.unwrap_or(settings.http.listen));
    let path = if given.alive { "/healthz" } else { "/readyz" };
    let asked = tokio::task::spawn_blocking(move || ask(address, path)).await;
    let answer = asked
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| Stop::words(format!("{address} does not answer: {error}")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split_whitespace().nth(1) {
        Some("200") => Ok(Done::of(format!("{body}\n"))),
        Some("503") => Ok(Done { text: format!("{body}\n"), code: NOT_READY }),
        _ => Err(Stop::words(format!(
            "{address} is no suishoupai: {}",
            head.lines().next().unwrap_or_default()
        ))),
    }
}

/// The whole answer to a GET.
fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // By HTTP/1.0 the answer ends with the connection, and comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
