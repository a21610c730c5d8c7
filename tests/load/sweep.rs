//! A turn of the clocks over many open tickets: how long it takes with nothing due, and with a part due, and what
//! that does to somebody who writes at the same time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use suishoupai_api::app::Application;
use suishoupai_api::clock::Clock;
use suishoupai_api::config::{Config, Secret};
use suishoupai_api::demo::{DISTRICT, POINT};
use suishoupai_api::service::alarms;
use suishoupai_api::services::Services;
use suishoupai_core::flow::{Channel, Opening, open};
use suishoupai_core::geo::Located;
use suishoupai_core::model::Level;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::jobs;
use suishoupai_storage::db::tickets::{self, Opened, Place};
use suishoupai_storage::db::{Conn, DbError};

use crate::arguments::Arguments;
use crate::fault::{Outcome, fault};
use crate::site::Site;
use crate::sql::BASE;

/// Seconds that a turn may take with the tickets of the requirement, 100,000.
const BAR: f64 = 1.0;
/// Tickets written in one transaction while filling.
const PORTION: usize = 2_000;
/// Tickets are opened so far apart, milliseconds.
const APART: i64 = 250;
/// Of so many tickets a clock calls in the second part.
const DUE: i64 = 1_000;

pub(crate) async fn sweep(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let count = arguments.tickets.unwrap_or(100_000);
    let begin: Moment = "2026-03-04T08:00:00+08:00".parse()?;
    let clock = Clock::manual(begin);
    let folder = tempfile::TempDir::with_prefix("suishoupai-load-")?;
    let mut config = Config::default();
    config.http.listen = ([127, 0, 0, 1], 0).into();
    config.data.dir = folder.path().to_owned();
    config.data.database_url = site.url().map(|url| Secret::new(url.to_owned()));
    let application = Box::pin(Application::build(config, clock.clone(), true)).await?;
    let services = application.services();
    fill(&services, count, begin).await?;
    println!("{count} open tickets");
    nothing_due(&services, arguments.repeat).await?;
    // Urgency decides the limit of the first phase; the first ticket tells when its clock calls.
    let first = services.db.read(suishoupai_storage::db::desk::next_alarm).await?;
    let first = first.ok_or_else(|| fault("no clock runs"))?;
    let ahead = (first.millis() - begin.millis() + DUE * APART) / 1000;
    clock.advance_seconds(ahead);
    part_due(&services).await
}

/// Opens tickets in one grid, one after the other.
async fn fill(services: &Services, count: usize, begin: Moment) -> Outcome<()> {
    let registry = services.registry();
    let Located::Inside(cell) = registry.mesh.locate(POINT, 0.0) else {
        return Err(fault("the demonstration's point is not in its mesh"));
    };
    let grid = cell.unit;
    for from in (0..count).step_by(PORTION) {
        let registry = registry.clone();
        services
            .db
            .write(move |conn| {
                for index in from..(from + PORTION).min(count) {
                    one(conn, &registry, grid, index as i64, begin)?;
                }
                Ok::<_, DbError>(())
            })
            .await?;
    }
    Ok(())
}

fn one(
    conn: &mut Conn,
    registry: &suishoupai_api::registry::Registry,
    grid: i64,
    index: i64,
    begin: Moment,
) -> Result<(), DbError> {
    let Some(rules) = registry.rules(DISTRICT) else {
        return Err(DbError::Corrupt("no district".to_owned()));
    };
    let opening = Opening {
        id: BASE + index,
        district: DISTRICT,
        grid,
        category: None,
        channel: Channel::Resident,
        reporter: 1,
        unit: None,
        facts: BTreeMap::new(),
        photos: Vec::new(),
        parent: None,
        suspicions: Vec::new(),
    };
    let step = open(opening, begin.plus_millis(index * APART), rules)
        .map_err(|why| DbError::Corrupt(format!("{why:?}")))?;
    let above = |level| registry.above(grid, level).map_or(grid, |unit| unit.id);
    let place = Place {
        number: format!("{DISTRICT}-{index}"),
        title: "积水".to_owned(),
        community: above(Level::Community),
        street: above(Level::Street),
        lon: POINT.lon,
        lat: POINT.lat,
    };
    tickets::insert(conn, &[Opened { step: &step, place, told: Vec::new() }])
}

async fn nothing_due(services: &Services, repeat: u32) -> Outcome<()> {
    let mut worst = 0.0_f64;
    for _ in 0..repeat.max(3) {
        let start = Instant::now();
        let lines = alarms::sweep(services).await.map_err(|error| fault(format!("{error:?}")))?;
        worst = worst.max(start.elapsed().as_secs_f64());
        if lines != 0 {
            return Err(fault(format!("{lines} lines were written though nothing is due")));
        }
    }
    println!("a turn with nothing due: at most {:.2} ms (bar: under {BAR} s)", worst * 1000.0);
    if worst < BAR { Ok(()) } else { Err(fault("a turn is over the bar")) }
}

/// A turn in which clocks call, while somebody else writes all the time.
async fn part_due(services: &Services) -> Outcome<()> {
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let writer = services.clone();
    let other = tokio::spawn(async move {
        let mut waits = Vec::new();
        while !*stopped.borrow_and_update() {
            let start = Instant::now();
            let id = BASE - 1 - waits.len() as i64;
            let now = writer.now();
            let written = writer.db.write(move |conn| jobs::enqueue(conn, id, "load", id, now)).await;
            if written.is_ok() {
                waits.push(start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        waits
    });
    let start = Instant::now();
    let lines = alarms::sweep(services).await.map_err(|error| fault(format!("{error:?}")))?;
    let took = start.elapsed().as_secs_f64();
    stop.send_replace(true);
    let mut waits = other.await?;
    waits.sort_unstable();
    let quantile = |share: f64| {
        let index = ((waits.len() as f64 * share) as usize).min(waits.len().saturating_sub(1));
        waits.get(index).map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
    };
    println!(
        "a turn that writes {lines} lines: {took:.3} s, {:.0} lines a second (bar: under {BAR} s)",
        lines as f64 / took
    );
    println!(
        "another writer meanwhile: {} writes, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        waits.len(),
        quantile(0.5),
        quantile(0.99),
        quantile(1.0)
    );
    if lines == 0 {
        return Err(fault("no clock called"));
    }
    if took < BAR { Ok(()) } else { Err(fault("a turn is over the bar")) }
}
