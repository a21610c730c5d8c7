//! What the server takes when nobody uses it: memory, and the time of a start, also after it was killed.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::client::Client;
use crate::drive::closed_loop;
use crate::fault::{Outcome, fault};
use crate::people::{self, Resident};
use crate::server::Server;
use crate::site::Site;
use crate::table::range;

/// MiB of resident memory with the demonstration's district.
const MEMORY_BAR: f64 = 60.0;
/// Seconds of a second start.
const START_BAR: f64 = 0.5;
/// Seconds from kill -9 until a new process is ready.
const RECOVERY_BAR: f64 = 1.0;
/// How long reports come in before the server is killed.
const LOAD: Duration = Duration::from_secs(3);

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
    if let Some(tickets) = arguments.tickets {
        site.fill(tickets)?;
    }
    let server = site.start().await?;
    println!("first start: {:.2} s", server.ready_after.as_secs_f64());
    server.stop().await?;
    let mut seen = Vec::new();
    for _ in 0..arguments.repeat {
        let server = site.start().await?;
        seen.push(server.ready_after.as_secs_f64());
        server.stop().await?;
    }
    let started = below("second start until /readyz", &seen, START_BAR, "s");
    let recovered =
        below("from kill -9 until /readyz", &recoveries(arguments, site).await?, RECOVERY_BAR, "s");
    started.and(recovered)
}

/// Kills the server while reports come in, and starts it anew, so many times.
async fn recoveries(arguments: &Arguments, site: &Site) -> Outcome<Vec<f64>> {
    let mut server = site.start().await?;
    let mut residents = people::residents(&mut server, arguments.connections, true).await?;
    let mut seen = Vec::new();
    for _ in 0..arguments.repeat {
        let one = async |resident: &mut Resident| resident.reported(true).await;
        tokio::select! {
            figures = closed_loop(&mut residents, LOAD * 2, one) => {
                return Err(fault(format!("the load ended: {}", figures.first_error.unwrap_or_default())));
            }
            () = tokio::time::sleep(LOAD) => {}
        }
        // Requests are under way: their writes are in the log of the database, or in no file yet.
        drop(server);
        let log = std::fs::metadata(format!("{}-wal", site.sqlite_file())).map_or(0, |file| file.len());
        server = site.start().await?;
        let took = server.ready_after.as_secs_f64();
        println!("  killed with {:.1} MiB of log: {took:.3} s", log as f64 / (1 << 20) as f64);
        seen.push(took);
        for resident in &mut residents {
            resident.client.go_to(server.address).await?;
        }
    }
    server.stop().await?;
    Ok(seen)
}
