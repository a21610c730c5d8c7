//! Lists, searches and maps over very many tickets: each with its bar.

use suishoupai_api::demo;

use crate::arguments::Arguments;
use crate::client::Client;
use crate::drive::Figures;
use crate::fault::{Outcome, fault};
use crate::flow::measured;
use crate::people;
use crate::script::Script;
use crate::server::Server;
use crate::site::Site;
use crate::{postgres, sql, table};

/// Tickets that are filled in where nothing else is said.
const TICKETS: usize = 1_000_000;
/// Callers at once.
const CALLERS: usize = 8;
/// Pages of 50 reach at least so much of what their SQL alone does.
const RATE_BAR: f64 = 0.4;

/// What is read, by whom at once, and the milliseconds within which half (single) or 99 of 100 (several) must be answered.
struct Reading {
    name: &'static str,
    path: String,
    callers: usize,
    /// The account.
    who: &'static str,
    bar_ms: f64,
}

fn readings() -> Vec<Reading> {
    let whole = "bbox=118.0,24.3,118.3,24.6&datum=wgs84";
    let tiles = f64::from(1_u32 << 14);
    let sine = demo::POINT.lat.to_radians().sin();
    let row = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
    let (x, y) = ((demo::POINT.lon + 180.0) / 360.0 * tiles, row * tiles);
    let (x, y) = (x as u32, y as u32);
    let reading =
        |name, path: String, callers, bar_ms| Reading { name, path, callers, who: "dispatcher", bar_ms };
    let list = format!("/api/v1/tickets?limit={}", sql::PAGE);
    vec![
        reading("page of 50", list.clone(), CALLERS, 20.0),
        reading("page of a category", format!("{list}&category=E0103"), CALLERS, 20.0),
        reading("page by urgency", format!("{list}&sort=urgency"), CALLERS, 20.0),
        Reading {
            who: "grid1",
            ..reading("pool of a grid worker", "/api/v1/tickets/pool?limit=50".to_owned(), 1, 50.0)
        },
        reading("numbers by state", "/api/v1/tickets/counts".to_owned(), 1, 10.0),
        reading("squares, zoom 12", format!("/api/v1/map/clusters?{whole}&zoom=12"), 1, 10.0),
        reading(
            "squares of a category, 12",
            format!("/api/v1/map/clusters?{whole}&zoom=12&category=E0103"),
            1,
            10.0,
        ),
        reading("a tile, zoom 14, open", format!("/api/v1/map/tiles/14/{x}/{y}.mvt?stage=open"), 1, 30.0),
        reading("a tile, zoom 14, 10,000", format!("/api/v1/map/tiles/14/{x}/{y}.mvt"), 1, 30.0),
        reading(
            "search, two frequent words",
            format!("{list}&q=%E8%B7%AF%E7%81%AF%20%E4%B8%8D%E4%BA%AE"),
            1,
            50.0,
        ),
        reading("search, two words", format!("{list}&q=%E4%BA%95%E7%9B%96%20%E7%BC%BA%E5%A4%B1"), 1, 50.0),
        reading(
            "search, nothing found",
            format!("{list}&q=%E6%B2%A1%E6%9C%89%E8%BF%99%E6%A0%B7%E7%9A%84%E4%BA%8B"),
            1,
            50.0,
        ),
    ]
}

/// How many pages of a list the server answers, divided by how many the database alone reads.
async fn beside_its_sql(arguments: &Arguments, site: &Site, server: &Server) -> Outcome<f64> {
    let token = people::official(server, "dispatcher").await?;
    let mut clients = Vec::new();
    for _ in 0..CALLERS {
        clients.push(Client::connect(server.address, Some(&token)).await?);
    }
    let path = format!("/api/v1/tickets?limit={}", sql::PAGE);
    let one = async |client: &mut Client| Ok(client.get(&path).await?.status == 200);
    let figures = measured(server, &mut clients, arguments.length(), one).await?;
    table::line("page of 50, again", &figures);
    let limit = match site.url() {
        Some(url) => {
            postgres::pgbench(url, &Script::page(demo::DISTRICT), CALLERS, arguments.length()).await?
        }
        None => sql::sqlite_pages(site.sqlite_file(), arguments.length()).await?,
    };
    table::line("  limit: the same SELECT alone", &limit);
    Ok(figures.per_second() / limit.per_second().max(1e-9))
}

pub(crate) async fn volume(arguments: &Arguments, site: &Site) -> Outcome<()> {
    if arguments.data.is_none() {
        let begun = std::time::Instant::now();
        let tickets = arguments.tickets.unwrap_or(TICKETS);
        site.fill(tickets)?;
        println!("{tickets} tickets were filled in within {:.0} s", begun.elapsed().as_secs_f64());
    }
    let server = site.start().await?;
    people::idle_within(&server, std::time::Duration::from_secs(1800)).await?;
    if let Some(url) = site.url() {
        postgres::analyze(url)?;
    }
    let mut over = Vec::new();
    table::head();
    for reading in readings() {
        let token = people::official(&server, reading.who).await?;
        let mut clients = Vec::new();
        for _ in 0..reading.callers {
            clients.push(Client::connect(server.address, Some(&token)).await?);
        }
        let one = async |client: &mut Client| Ok(client.get(&reading.path).await?.status == 200);
        let figures = measured(&server, &mut clients, arguments.length(), one).await?;
        table::line(reading.name, &figures);
        let quantile = if reading.callers == 1 { 0.5 } else { 0.99 };
        let took = Figures::quantile_ms(&figures, quantile);
        println!("  bar: {} of 100 under {} ms", quantile * 100.0, reading.bar_ms);
        if took >= reading.bar_ms || figures.errors > 0 {
            over.push(format!("{} ({took:.1} ms)", reading.name));
        }
    }
    println!("resident memory: {:.1} MiB", server.memory_mib("VmRSS")?);
    let ratio = beside_its_sql(arguments, site, &server).await?;
    println!("page of 50 / its SELECT alone: {ratio:.2} (bar: {RATE_BAR})");
    if ratio < RATE_BAR {
        over.push(format!("the rate of pages ({ratio:.2})"));
    }
    server.stop().await?;
    if over.is_empty() { Ok(()) } else { Err(fault(format!("over the bar: {}", over.join(", ")))) }
}
