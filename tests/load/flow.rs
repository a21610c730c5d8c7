//! Reports taken in and pages read: the rate of the server beside that of its SQL alone, round after round.

use std::time::Duration;

use suishoupai_api::demo;

use crate::arguments::Arguments;
use crate::client::Client;
use crate::drive::{Figures, closed_loop};
use crate::fault::{Outcome, fault};
use crate::people::{self, Resident};
use crate::postgres::{self, pgbench};
use crate::script::Script;
use crate::server::Server;
use crate::site::Site;
use crate::{disk, sql, stock, table};

const WARM_UP: Duration = Duration::from_secs(1);
/// So long at the most the disk alone is measured.
const DISK: Duration = Duration::from_secs(2);

/// Measures the loop with the processor time that the server takes meanwhile, after a short one that is not counted.
pub(crate) async fn measured<C>(
    server: &Server,
    clients: &mut [C],
    length: Duration,
    one: impl AsyncFn(&mut C) -> Outcome<bool>,
) -> Outcome<Figures> {
    closed_loop(clients, WARM_UP, &one).await;
    let before = server.cpu_seconds()?;
    let figures = closed_loop(clients, length, &one).await;
    let cpu = Some(server.cpu_seconds()? - before);
    if figures.done == 0 {
        return Err(fault(format!("nothing succeeded: {}", figures.first_error.unwrap_or_default())));
    }
    Ok(Figures { cpu, ..figures })
}

fn finish(rounds: &[(Figures, Figures)]) -> Outcome<()> {
    table::ratio(rounds);
    let errors: u64 = rounds.iter().map(|(server, _)| server.errors).sum();
    if errors == 0 { Ok(()) } else { Err(fault(format!("{errors} requests failed"))) }
}

/// Reports whose two photos are already up, from a resident on each connection.
pub(crate) async fn intake(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let mut server = site.start().await?;
    let residents = people::residents(&mut server, arguments.connections, true).await?;
    let (mut server, mut residents) = stock::up(arguments, site, server, residents).await?;
    let mut tickets = Vec::new();
    for resident in &mut residents {
        tickets.push(resident.report(true).await?["ticket_id"].as_i64().unwrap_or_default());
    }
    let first = tickets.first().ok_or_else(|| fault("at least one connection is needed"))?;
    let sample = sql::sample(site, *first).await?;
    let samples: Vec<_> = match site.url() {
        Some(url) => tickets.iter().map(|ticket| postgres::written(url, *ticket)).collect::<Outcome<_>>()?,
        None => Vec::new(),
    };
    let (mut rounds, mut with_reads, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    table::head();
    for round in 0..arguments.repeat {
        let one = async |resident: &mut Resident| resident.reported(true).await;
        let figures = measured(&server, &mut residents, arguments.length(), one).await?;
        table::line("report with 2 photos already up", &figures);
        let base = sql::BASE * i64::from(round + 1);
        let limit = match site.url() {
            Some(url) => {
                let script = Script::intake(&samples, base + sql::BASE / 2, true)?;
                let limit = pgbench(url, &script, arguments.connections, arguments.length()).await?;
                table::line("  limit: what a request reads, too", &limit);
                with_reads.push((figures.clone(), limit));
                let script = Script::intake(&samples, base, false)?;
                pgbench(url, &script, arguments.connections, arguments.length()).await?
            }
            None => sql::sqlite_inserts(site.sqlite_file(), sample.clone(), arguments.length(), base).await?,
        };
        table::line("  limit: the same INSERTs alone", &limit);
        if site.url().is_none() {
            let each;
            (server, each) = one_commit_each(arguments, site, server, &mut residents).await?;
            let folder = site.folder().to_owned();
            let length = arguments.length().min(DISK);
            let ways = tokio::task::spawn_blocking(move || disk::ways(&folder, length)).await??;
            table::line(&format!("  {} pages to the disk alone", disk::PAGES), &ways);
            shared.push((figures.per_second(), each.per_second()));
        }
        rounds.push((figures, limit));
    }
    server.stop().await?;
    if !shared.is_empty() {
        let ratios: Vec<f64> = shared.iter().map(|(shared, each)| shared / each.max(1e-9)).collect();
        let (all, each) = shared.iter().fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        println!(
            "shared commits / a commit for each: {}, of the means {:.2} (bar: {SHARED})",
            table::range(&ratios),
            all / f64::max(each, 1e-9),
        );
    }
    if !with_reads.is_empty() {
        print!("with what a request reads: ");
        table::ratio(&with_reads);
    }
    finish(&rounds)
}

/// The bar: reports that share commits beside the same server with a commit for each.
const SHARED: f64 = 5.0;

/// The same server on the same database, where every report waits for a commit of its own; and it as it was before.
/// Measured in turn with it, because the disk is not the same from one minute to the next.
async fn one_commit_each(
    arguments: &Arguments,
    site: &Site,
    server: Server,
    residents: &mut [Resident],
) -> Outcome<(Server, Figures)> {
    server.stop().await?;
    let server = site.start_with(&[("SUISHOUPAI_DATA__GROUP_COMMIT_MAX", "1")]).await?;
    server.until_pictures_are_known().await?;
    move_to(&server, residents).await?;
    let one = async |resident: &mut Resident| resident.reported(true).await;
    let figures = measured(&server, residents, arguments.length(), one).await?;
    table::line("  with a commit for each", &figures);
    server.stop().await?;
    let server = site.start().await?;
    server.until_pictures_are_known().await?;
    move_to(&server, residents).await?;
    Ok((server, figures))
}

async fn move_to(server: &Server, residents: &mut [Resident]) -> Outcome<()> {
    for resident in residents {
        resident.client.go_to(server.address).await?;
    }
    Ok(())
}

/// The bar: the 99th percentile in medians.
const FAIR: f64 = 10.0;

/// One ticket after the other, read by the dispatcher's desk at many connections.
pub(crate) async fn get(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let mut server = site.start().await?;
    let mut residents = people::residents(&mut server, arguments.connections, false).await?;
    let tickets = people::fill(&mut residents, arguments.tickets.unwrap_or(1000)).await?;
    drop(residents);
    if let Some(url) = site.url() {
        postgres::analyze(url)?;
    }
    let token = people::official(&server, "dispatcher").await?;
    let mut clients = Vec::new();
    for n in 0..arguments.connections {
        clients.push((n, Client::connect(server.address, Some(&token)).await?));
    }
    table::head();
    let mut rounds = Vec::new();
    for _ in 0..arguments.repeat {
        let one = async |(next, client): &mut (usize, Client)| {
            // Each walks the tickets in another order.
            *next = next.wrapping_mul(25).wrapping_add(7);
            let ticket = tickets.get(*next % tickets.len().max(1)).copied().unwrap_or_default();
            Ok(client.get(&format!("/api/v1/tickets/{ticket}")).await?.status == 200)
        };
        let figures = measured(&server, &mut clients, arguments.length(), one).await?;
        table::line("one ticket", &figures);
        rounds.push(figures);
    }
    let tails: Vec<f64> =
        rounds.iter().map(|one| one.quantile_ms(0.99) / one.quantile_ms(0.5).max(1e-9)).collect();
    println!("p99 / p50: {} (bar: under {FAIR})", table::range(&tails));
    let errors: u64 = rounds.iter().map(|one| one.errors).sum();
    if errors > 0 {
        return Err(fault(format!("{errors} requests failed")));
    }
    if tails.iter().all(|tail| *tail < FAIR) { Ok(()) } else { Err(fault("the tail is over the bar")) }
}

/// What is served from memory, of about the size of a page.
const CATEGORIES: &str = "/api/v1/categories";

/// What HTTP takes of a page's time, the client's part included: no page can come faster than an answer of its size that
/// no database was asked for.
async fn from_memory(
    arguments: &Arguments,
    server: &Server,
    clients: &mut [Client],
    page: &str,
) -> Outcome<()> {
    let Some(first) = clients.first_mut() else { return Ok(()) };
    let (page, same) = (first.get(page).await?.body.len(), first.get(CATEGORIES).await?.body.len());
    let one = async |client: &mut Client| Ok(client.get(CATEGORIES).await?.status == 200);
    let figures = measured(server, clients, arguments.length(), one).await?;
    table::line("  limit: an answer from memory", &figures);
    println!("  bytes of a page: {page}, of that answer: {same}");
    Ok(())
}

/// The first page of the district's tickets, for the dispatcher.
pub(crate) async fn list(arguments: &Arguments, site: &Site) -> Outcome<()> {
    if arguments.data.is_none() {
        site.fill(arguments.tickets.unwrap_or(10_000))?;
    }
    let server = site.start().await?;
    people::idle_within(&server, Duration::from_secs(1800)).await?;
    if let Some(url) = site.url() {
        postgres::analyze(url)?;
    }
    let token = people::official(&server, "dispatcher").await?;
    let mut clients = Vec::new();
    for _ in 0..arguments.connections {
        clients.push(Client::connect(server.address, Some(&token)).await?);
    }
    let path = format!("/api/v1/tickets?limit={}", sql::PAGE);
    let mut rounds = Vec::new();
    table::head();
    for _ in 0..arguments.repeat {
        let one = async |client: &mut Client| Ok(client.get(&path).await?.status == 200);
        let figures = measured(&server, &mut clients, arguments.length(), one).await?;
        table::line("page of 50 tickets", &figures);
        from_memory(arguments, &server, &mut clients, &path).await?;
        let limit = match site.url() {
            Some(url) => {
                // The server has opened its whole pool under load.
                let pool = postgres::connections(url)?;
                println!("  connections of the server, and of its limit: {pool}");
                pgbench(url, &Script::page(demo::DISTRICT), pool, arguments.length()).await?
            }
            None => sql::sqlite_pages(site.sqlite_file(), arguments.length()).await?,
        };
        table::line("  limit: the same SELECT alone", &limit);
        rounds.push((figures, limit));
    }
    finish(&rounds)
}
