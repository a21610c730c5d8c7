//! What many idle streams of changes take, and whether all of them are told.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::arguments::Arguments;
use crate::fault::{Outcome, fault};
use crate::people;
use crate::site::Site;

/// MiB of resident memory with all streams open.
const BAR: f64 = 200.0;
/// How long one change may take until everybody has heard of it.
const TOLD: Duration = Duration::from_secs(60);
/// How long the streams are left alone.
const IDLE: Duration = Duration::from_secs(30);
/// So many are opened at the same time.
const AT_ONCE: usize = 64;

pub(crate) type Stream = BufReader<TcpStream>;

/// Opens a stream and reads up to its first event.
pub(crate) async fn open(address: SocketAddr, token: &str) -> Outcome<Stream> {
    let mut stream = BufReader::with_capacity(512, TcpStream::connect(address).await?);
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         accept-encoding: gzip, br, zstd\r\n\r\n"
    );
    stream.get_mut().write_all(request.as_bytes()).await?;
    until(&mut stream, "event: ready").await?;
    Ok(stream)
}

/// Reads up to a line.
async fn until(stream: &mut Stream, line: &str) -> Outcome<()> {
    let mut read = String::new();
    loop {
        read.clear();
        if stream.read_line(&mut read).await? == 0 {
            return Err(fault("a stream ended"));
        }
        if read.trim_end() == line {
            return Ok(());
        }
        if let Some(status) = read.strip_prefix("HTTP/1.1 ").filter(|status| !status.starts_with("200")) {
            return Err(fault(format!("a stream was refused: {}", status.trim_end())));
        }
    }
}

/// Reads all that comes, until the stream ends.
pub(crate) async fn read_on(mut stream: Stream) {
    let mut read = String::new();
    while stream.read_line(&mut read).await.is_ok_and(|bytes| bytes > 0) {
        read.clear();
    }
}

pub(crate) async fn live(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let count = arguments.connections;
    let bounds = [("SUISHOUPAI_LIVE__PER_ACCOUNT", "1000000"), ("SUISHOUPAI_LIVE__CONNECTIONS", "1000000")];
    let mut server = site.start_with(&bounds).await?;
    let token = people::official(&server, "dispatcher").await?;
    let mut residents = people::residents(&mut server, 1, false).await?;
    let before = server.memory_mib("VmRSS")?;
    let begun = Instant::now();
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        let some = AT_ONCE.min(count - streams.len());
        let opened = (0..some).map(|_| open(server.address, &token));
        streams.extend(futures_util::future::try_join_all(opened).await?);
    }
    println!("{count} streams were opened in {:.1} s", begun.elapsed().as_secs_f64());
    let cpu = server.cpu_seconds()?;
    tokio::time::sleep(IDLE).await;
    let share = (server.cpu_seconds()? - cpu) / IDLE.as_secs_f64();
    let idle = server.memory_mib("VmRSS")?;
    println!(
        "resident memory: {before:.1} MiB before, {idle:.1} MiB with {count} idle streams (bar: under {BAR} MiB)"
    );
    println!("processor while nothing happens: {:.1} % of a core", share * 100.0);

    let begun = Instant::now();
    let resident = residents.first_mut().ok_or_else(|| fault("there is no resident"))?;
    resident.report(false).await?;
    let told =
        futures_util::future::try_join_all(streams.iter_mut().map(|stream| until(stream, "event: change")));
    tokio::time::timeout(TOLD, told).await.map_err(|_| fault("not everybody was told in time"))??;
    let after = server.memory_mib("VmRSS")?;
    println!(
        "one change was told to all in {:.2} s; {after:.1} MiB afterwards",
        begun.elapsed().as_secs_f64()
    );
    if idle < BAR && after < BAR { Ok(()) } else { Err(fault("resident memory is over the bar")) }
}
