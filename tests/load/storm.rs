//! A storm evening: residents, grid workers, departments, the centre and readers of maps, all at once.
//!
//! An open model: people come when they come, at random, whether or not the server keeps up. What one does takes several
//! requests, with time to think between them. The time of an answer is counted from when the request was to be sent, so
//! a server that stands still is charged with all that had to wait meanwhile.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use suishoupai_api::demo;
use tokio::sync::mpsc;

use crate::arguments::Arguments;
use crate::client::{Answer, Client};
use crate::fault::{Outcome, fault};
use crate::people;
use crate::site::Site;
use crate::storm_report::{self, Row};

/// MiB of resident memory at the end.
const MEMORY_BAR: f64 = 300.0;
/// Longer answers are counted as so long, microseconds.
const LONGEST: u64 = 120_000_000;
/// Streams of changes that are open meanwhile.
const FOLLOWERS: usize = 50;
/// Residents that have signed in.
const RESIDENTS: usize = 40;
/// A category whose lead is the department of [`DEPARTMENT`].
const CATEGORY: &str = "P0201";
const DEPARTMENT: &str = "shizheng";

/// Who comes, and how often of a hundred.
const COMERS: [(Who, u32); 5] =
    [(Who::Resident, 30), (Who::Worker, 20), (Who::Department, 15), (Who::Centre, 10), (Who::Map, 25)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Resident,
    Worker,
    Department,
    Centre,
    Map,
}

/// One kind of request.
struct Tally {
    micros: Histogram<u64>,
    errors: u64,
}

/// What has been measured, by kind of request.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<BTreeMap<&'static str, Tally>>>);

impl Book {
    fn note(&self, kind: &'static str, micros: u64, well: bool) -> Outcome<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(kind) {
            all.insert(kind, Tally { micros: Histogram::new_with_bounds(1, LONGEST, 3)?, errors: 0 });
        }
        if let Some(tally) = all.get_mut(kind) {
            tally.micros.saturating_record(micros.max(1));
            tally.errors += u64::from(!well);
        }
        Ok(())
    }

    fn rows(&self) -> Vec<Row> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(kind, tally)| Row {
                kind,
                count: tally.micros.len(),
                errors: tally.errors,
                ms: [0.5, 0.9, 0.99, 0.999, 1.0]
                    .map(|quantile| tally.micros.value_at_quantile(quantile) as f64 / 1000.0),
            })
            .collect()
    }
}

/// Where everybody finds a connection and a token.
struct Town {
    address: SocketAddr,
    tokens: BTreeMap<Who, Vec<String>>,
    /// Connections that nobody uses at the moment.
    free: Mutex<Vec<Client>>,
    book: Book,
}

impl Town {
    /// Sends a request that was to be sent at `due`, and notes how long it took since then.
    async fn ask(
        &self,
        (kind, token): (&'static str, Option<&str>),
        due: Instant,
        path: &str,
        body: Option<&Value>,
        also: &[u16],
    ) -> Option<Answer> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let answer = async {
            let mut client = match free {
                Some(client) => client,
                None => Client::connect(self.address, None).await?,
            };
            client.be(token)?;
            let answer = match body {
                Some(body) => client.post(path, body).await?,
                None => client.get(path).await?,
            };
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(client);
            Ok::<_, crate::fault::Fault>(answer)
        };
        let answer = answer.await.ok();
        let well = answer.as_ref().is_some_and(|answer| answer.status < 300 || also.contains(&answer.status));
        let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(LONGEST);
        // A histogram of these bounds can be made.
        drop(self.book.note(kind, micros, well));
        answer.filter(|_| well)
    }

    fn token(&self, who: Who) -> Option<String> {
        let all = self.tokens.get(&who)?;
        all.get(rand::random_range(0..all.len().max(1))).cloned()
    }
}

/// Waits as people do between two things, and says when the next one is due.
async fn think(mean_ms: f64) -> Instant {
    let wait = -mean_ms * (1.0 - rand::random::<f64>()).ln();
    let due = Instant::now() + Duration::from_secs_f64(wait.min(mean_ms * 5.0) / 1000.0);
    tokio::time::sleep_until(due.into()).await;
    due
}

async fn come(town: Arc<Town>, who: Who, due: Instant) {
    match who {
        Who::Resident => resident(&town, due).await,
        Who::Worker => worker(&town, due).await,
        Who::Department => department(&town, due).await,
        Who::Centre => centre(&town, due).await,
        Who::Map => map(&town, due).await,
    };
}

async fn resident(town: &Town, due: Instant) -> Option<()> {
    let token = town.token(Who::Resident)?;
    let words = ["路灯不亮", "树枝倒伏压住车辆", "下水道堵塞，积水很深", "井盖被冲开", "广告牌要掉下来了"];
    let text = words.get(rand::random_range(0..words.len())).copied().unwrap_or_default();
    let spread = || (rand::random::<f64>() - 0.5) * 0.0004;
    let place =
        json!({ "lon": demo::POINT.lon + spread(), "lat": demo::POINT.lat + spread(), "datum": "wgs84" });
    let similar = json!({ "text": text, "place": place });
    town.ask(("similar", Some(token.as_str())), due, "/api/v1/reports/similar", Some(&similar), &[]).await?;
    let due = think(800.0).await;
    let report = json!({ "text": format!("{text}，{}", rand::random::<u32>()), "place": place });
    let sent =
        town.ask(("report", Some(token.as_str())), due, "/api/v1/reports", Some(&report), &[422]).await?;
    let id = sent.json().ok()?["id"].as_i64()?;
    let due = think(1000.0).await;
    town.ask(("own report", Some(token.as_str())), due, &format!("/api/v1/reports/{id}"), None, &[])
        .await
        .map(drop)
}

async fn worker(town: &Town, due: Instant) -> Option<()> {
    let token = town.token(Who::Worker)?;
    let pool = town
        .ask(("pool", Some(token.as_str())), due, "/api/v1/tickets/pool?limit=20", None, &[])
        .await?
        .json()
        .ok()?;
    let items = pool["items"].as_array()?;
    let one = items.get(rand::random_range(0..items.len().max(1)))?;
    let id = one["id"].as_i64()?;
    let due = think(500.0).await;
    // Somebody else may be faster.
    let claim = format!("/api/v1/tickets/{id}/claim");
    let claimed = town.ask(("claim", Some(token.as_str())), due, &claim, Some(&json!({})), &[409]).await?;
    if claimed.status != 200 {
        return Some(());
    }
    let version = claimed.json().ok()?["version"].clone();
    let due = think(1500.0).await;
    let body = json!({ "category": CATEGORY, "version": version });
    town.ask(("file", Some(token.as_str())), due, &format!("/api/v1/tickets/{id}/file"), Some(&body), &[409])
        .await
        .map(drop)
}

async fn department(town: &Town, due: Instant) -> Option<()> {
    let token = town.token(Who::Department)?;
    let orders = town
        .ask(("work orders", Some(token.as_str())), due, "/api/v1/work-orders?limit=20", None, &[])
        .await?;
    let orders = orders.json().ok()?;
    let items = orders["items"].as_array()?;
    let ticket = &items.get(rand::random_range(0..items.len().max(1)))?["ticket"];
    let id = ticket["id"].as_i64()?;
    let due = think(700.0).await;
    let body = json!({ "version": ticket["version"] });
    town.ask(
        ("accept", Some(token.as_str())),
        due,
        &format!("/api/v1/tickets/{id}/accept"),
        Some(&body),
        &[409],
    )
    .await?;
    let due = think(700.0).await;
    town.ask(("ticket", Some(token.as_str())), due, &format!("/api/v1/tickets/{id}"), None, &[])
        .await
        .map(drop)
}

async fn centre(town: &Town, due: Instant) -> Option<()> {
    let token = town.token(Who::Centre)?;
    town.ask(("list", Some(token.as_str())), due, "/api/v1/tickets?limit=50", None, &[]).await?;
    let due = think(500.0).await;
    town.ask(("numbers", Some(token.as_str())), due, "/api/v1/tickets/counts", None, &[]).await?;
    let due = think(500.0).await;
    let search = "/api/v1/tickets?limit=20&q=%E8%B7%AF%E7%81%AF%20%E4%B8%8D%E4%BA%AE";
    town.ask(("search", Some(token.as_str())), due, search, None, &[]).await?;
    let due = think(500.0).await;
    town.ask(("by urgency", Some(token.as_str())), due, "/api/v1/tickets?limit=50&sort=urgency", None, &[])
        .await
        .map(drop)
}

async fn map(town: &Town, due: Instant) -> Option<()> {
    let squares = "/api/v1/map/public/clusters?bbox=118.0,24.3,118.3,24.6&datum=wgs84&zoom=12";
    town.ask(("squares", None), due, squares, None, &[]).await?;
    for zoom in [12_u32, 14] {
        let due = think(400.0).await;
        let tiles = f64::from(1_u32 << zoom);
        let sine = demo::POINT.lat.to_radians().sin();
        let row = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
        let (x, y) = (((demo::POINT.lon + 180.0) / 360.0 * tiles) as u32, (row * tiles) as u32);
        let path = format!("/api/v1/map/public/tiles/{zoom}/{x}/{y}.mvt");
        town.ask(("tile", None), due, &path, None, &[]).await?;
    }
    Some(())
}

fn drawn() -> Who {
    let mut lot = rand::random_range(0..COMERS.iter().map(|(_, share)| share).sum::<u32>());
    for (who, share) in COMERS {
        if lot < share {
            return who;
        }
        lot -= share;
    }
    Who::Map
}

pub(crate) async fn storm(arguments: &Arguments, site: &Site) -> Outcome<()> {
    if let Some(tickets) = arguments.tickets.filter(|_| arguments.data.is_none()) {
        site.fill(tickets)?;
    }
    let mut server = site.start_with(&[("SUISHOUPAI_LIVE__PER_ACCOUNT", "1000")]).await?;
    let mut tokens: BTreeMap<Who, Vec<String>> = BTreeMap::new();
    let residents = people::residents(&mut server, RESIDENTS, false).await?;
    tokens.insert(Who::Resident, residents.into_iter().filter_map(|one| one.client.token()).collect());
    for (who, names) in [
        (Who::Worker, &["grid1", "grid2"][..]),
        (Who::Department, &[DEPARTMENT][..]),
        (Who::Centre, &["dispatcher"][..]),
    ] {
        for name in names {
            tokens.entry(who).or_default().push(people::official(&server, name).await?);
        }
    }
    let desk = tokens.get(&Who::Centre).and_then(|all| all.first()).cloned().unwrap_or_default();
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(crate::live::open(server.address, &desk).await?);
    }
    let followed: Vec<_> =
        followers.into_iter().map(|stream| tokio::spawn(crate::live::read_on(stream))).collect();
    let book = Book::default();
    let town = Arc::new(Town { address: server.address, tokens, free: Mutex::default(), book: book.clone() });
    let (begun, cpu) = (Instant::now(), server.cpu_seconds()?);
    let mut due = begun;
    let (ended, mut all_ended) = mpsc::channel::<()>(1);
    let mut came = 0_u64;
    while due < begun + arguments.length() {
        tokio::time::sleep_until(due.into()).await;
        let (town, ended) = (Arc::clone(&town), ended.clone());
        let (who, at) = (drawn(), due);
        tokio::spawn(async move {
            come(town, who, at).await;
            drop(ended);
        });
        came += 1;
        due += Duration::from_secs_f64(-(1.0 - rand::random::<f64>()).ln() / arguments.rate);
    }
    drop(ended);
    // Until everybody has gone home.
    drop(tokio::time::timeout(Duration::from_secs(120), all_ended.recv()).await);
    let seconds = begun.elapsed().as_secs_f64();
    let (memory, peak) = (server.memory_mib("VmRSS")?, server.memory_mib("VmHWM")?);
    let cpu = server.cpu_seconds()? - cpu;
    followed.iter().for_each(tokio::task::JoinHandle::abort);
    let rows = book.rows();
    let facts = vec![
        format!(
            "{came} people came in {seconds:.0} s, {:.1} a second, beside {FOLLOWERS} streams of changes",
            arguments.rate
        ),
        format!("{:.0} requests a second", rows.iter().map(|row| row.count).sum::<u64>() as f64 / seconds),
        format!("resident memory {memory:.1} MiB, at most {peak:.1} MiB (bar: under {MEMORY_BAR} MiB)"),
        format!("the server took {:.0} % of a core", 100.0 * cpu / seconds),
    ];
    storm_report::print(&facts, &rows);
    if let Some(path) = &arguments.html {
        std::fs::write(path, storm_report::html(&facts, &rows))?;
        println!("written: {}", path.display());
    }
    let errors: u64 = rows.iter().map(|row| row.errors).sum();
    server.stop().await?;
    match (errors, memory < MEMORY_BAR) {
        (0, true) => Ok(()),
        (0, false) => Err(fault("resident memory is over the bar")),
        _ => Err(fault(format!("{errors} requests failed"))),
    }
}
