//! What the server takes when nobody uses it: memory, and the time of a start.

use crate::arguments::Arguments;
use crate::client::Client;
use crate::fault::{Outcome, fault};
use crate::people;
use crate::server::Server;
use crate::site::Site;
use crate::table::range;

/// MiB of resident memory with the demonstration's district.
const MEMORY_BAR: f64 = 60.0;
/// Seconds of a second start.
const START_BAR: f64 = 0.5;

fn below(what: &str, values: &[f64], bar: f64, unit: &str) -> Outcome<()> {
    println!("{what}: {} {unit} (bar: under {bar} {unit})", range(values));
    if values.iter().all(|value| *value < bar) {
        return Ok(());
    }
    Err(fault(format!("{what} is over the bar")))
}

/// Resident memory after a start, after a sign-in and a page of tickets, and the most that it ever was.
async fn weigh(server: &Server, when: &str) -> Outcome<[f64; 2]> {
    let started = server.memory_mib("VmRSS")?;
    let token = people::official(server, "dispatcher").await?;
    let mut client = Client::connect(server.address, Some(&token)).await?;
    client.get("/api/v1/tickets?limit=50").await?.expect(200)?;
    // The allocator gives memory back a little after it was freed.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    client.get("/api/v1/tickets?limit=50").await?.expect(200)?;
    let used = server.memory_mib("VmRSS")?;
    let most = server.memory_mib("VmHWM")?;
    println!(
        "{when}: {started:.1} MiB at the start, {used:.1} after a sign-in and a page, at most {most:.1}"
    );
    Ok([started, used])
}

pub(crate) async fn memory(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let mut seen = Vec::new();
    for round in 0..arguments.repeat.max(2) {
        let server = site.start().await?;
        let when = if round == 0 { "first start" } else { "later start" };
        seen.extend(weigh(&server, when).await?);
        server.stop().await?;
    }
    below("resident memory", &seen, MEMORY_BAR, "MiB")
}

pub(crate) async fn start(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let server = site.start().await?;
    println!("first start, with the demonstration loaded: {:.2} s", server.ready_after.as_secs_f64());
    server.stop().await?;
    let mut seen = Vec::new();
    for _ in 0..arguments.repeat {
        let server = site.start().await?;
        seen.push(server.ready_after.as_secs_f64());
        server.stop().await?;
    }
    below("second start until /readyz", &seen, START_BAR, "s")
}
