//! The SQL of a request without the server around it: what the database alone can do.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use suishoupai_api::demo;
use suishoupai_core::flow::Step;
use suishoupai_storage::db::intake::{self, ReportRows};
use suishoupai_storage::db::reports::{self, Report};
use suishoupai_storage::db::tickets::{self, Opened, Place};
use suishoupai_storage::db::{Conn, Db, DbError, history};

use crate::drive::Figures;
use crate::fault::{Fault, Outcome, fault};
use crate::site::Site;

/// Keys from here on are of rows that the limits insert; the server's own are far below.
pub(crate) const BASE: i64 = 1_000_000_000_000;
/// Lines on a page of the list.
pub(crate) const PAGE: i64 = 50;

/// A report as the server stored it, to be stored again under other keys.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) step: Step,
    pub(crate) place: Place,
    pub(crate) report: Report,
    /// The units that are told of it.
    pub(crate) told: Vec<i64>,
}

/// Reads what a request of the server wrote.
pub(crate) async fn sample(site: &Site, ticket: i64) -> Outcome<Sample> {
    let db = Db::open(&site.target(), 1, 1)?;
    let found = db.read(move |conn| load(conn, ticket)).await?;
    found.ok_or_else(|| fault(format!("the ticket {ticket} is not in the database as it should be")))
}

fn load(conn: &mut Conn, ticket: i64) -> Result<Option<Sample>, DbError> {
    use diesel::prelude::*;
    use suishoupai_storage::db::schema::tickets as table;
    let units = table::table.find(ticket).select((table::community_id, table::street_id));
    let (community, street) = units.first(conn)?;
    use suishoupai_storage::db::schema::notices;
    let told = notices::table.filter(notices::ticket_id.eq(ticket)).select(notices::unit_id).load(conn)?;
    let loaded = tickets::find(conn, ticket)?;
    let event = history::of_ticket(conn, ticket)?.into_iter().next().map(|(event, _)| event);
    let report = reports::of_any(conn, &[ticket])?.into_iter().next();
    let (Some(loaded), Some(event), Some(report)) = (loaded, event, report) else { return Ok(None) };
    let place = Place {
        number: loaded.number,
        title: loaded.title,
        community,
        street,
        lon: loaded.lon,
        lat: loaded.lat,
    };
    Ok(Some(Sample { step: Step { ticket: loaded.ticket, event }, place, report, told }))
}

impl Sample {
    /// Stores it under the key `id`.
    fn insert(&self, conn: &mut Conn, id: i64) -> Result<(), DbError> {
        let mut one = self.clone();
        one.step.ticket.id = id;
        one.step.event.ticket = id;
        one.place.number = format!("{}-{id}", demo::DISTRICT);
        one.report.id = id;
        one.report.ticket = id;
        one.report.receipt = one.place.number.clone();
        let opened = Opened { step: &one.step, place: one.place, told: one.told };
        intake::insert(conn, &[&ReportRows::new(&opened, one.report, None)?])
    }
}

/// A connection with the settings of the server's writer.
pub(crate) fn open_sqlite(file: &str) -> Outcome<Conn> {
    let mut conn = SqliteConnection::establish(file)?;
    conn.batch_execute(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(Conn::Sqlite(conn))
}

/// Repeats `one` on a connection of its own for `length`.
fn repeat(file: &str, length: Duration, mut one: impl FnMut(&mut Conn) -> Outcome<()>) -> Outcome<Vec<u32>> {
    let mut conn = open_sqlite(file)?;
    let mut micros = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < length {
        let sent = Instant::now();
        one(&mut conn)?;
        micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(micros)
}

/// Stores the sample over and over on one connection, each in a durable transaction of its own.
pub(crate) async fn sqlite_inserts(
    file: String,
    sample: Sample,
    length: Duration,
    base: i64,
) -> Outcome<Figures> {
    let begun = Instant::now();
    let mut id = base;
    let work = move || {
        repeat(&file, length, |conn| {
            id += 1;
            conn.batch_execute("BEGIN IMMEDIATE")?;
            sample.insert(conn, id)?;
            Ok(conn.batch_execute("COMMIT")?)
        })
    };
    let micros = tokio::task::spawn_blocking(work).await??;
    Ok(Figures::new(begun.elapsed().as_secs_f64(), micros))
}

/// A row of a page, as diesel makes it of the columns of a list.
type PageRow = (
    (i64, String, String, i64, i64, Option<String>, bool, i64, Option<i64>),
    (String, f64, f64, i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>),
);

/// The page that the server reads, by diesel alone.
fn page(conn: &mut SqliteConnection) -> Result<Vec<PageRow>, DbError> {
    use diesel::prelude::*;
    use suishoupai_storage::db::schema::tickets::dsl::*;
    Ok(tickets
        .filter(district.eq(demo::DISTRICT))
        .order(id.desc())
        .limit(PAGE)
        .select((
            (id, number, state, version, grid_id, category, urgent, responsible_id, holder_account),
            (title, lon, lat, created_at, updated_at, due_at, closed_at, stage_due_at, soon_at),
        ))
        .load(conn)?)
}

/// Reads the first page of a district over and over, on a connection for each core.
pub(crate) async fn sqlite_pages(file: String, length: Duration) -> Outcome<Figures> {
    let begun = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let readers = (0..cores).map(|_| {
        let file = file.clone();
        tokio::task::spawn_blocking(move || {
            repeat(&file, length, |conn| {
                let Conn::Sqlite(conn) = conn else { return Err(fault("not SQLite")) };
                if page(conn)?.len() as i64 == PAGE { Ok(()) } else { Err(fault("a page is not full")) }
            })
        })
    });
    let pages = futures_util::future::try_join_all(readers).await?;
    let micros = pages.into_iter().collect::<Result<Vec<_>, Fault>>()?.concat();
    Ok(Figures::new(begun.elapsed().as_secs_f64(), micros))
}
