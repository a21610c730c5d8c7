//! The server in this process, on a port, data folder and database of its own.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use diesel::prelude::*;
use serde_json::{Value, json};
use suishoupai_api::app::Application;
use suishoupai_api::callers;
use suishoupai_api::clock::Clock;
use suishoupai_api::config::{Config, Secret};
use suishoupai_api::demo::{DISTRICT, POINT};
use suishoupai_api::services::Services;
use suishoupai_core::demo::seeds;
use suishoupai_core::flow::{Post, Role};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, NewAccount};
use suishoupai_storage::db::desk::{self, Notice};
use suishoupai_storage::db::history::{self, Verified};
use suishoupai_storage::db::schema::{events, photos, reports, supervision_orders, tickets};
use suishoupai_storage::db::{Conn, DbError};
use suishoupai_storage::store::MAX_LIST;
use tempfile::TempDir;

use crate::client::{Caller, Official, Resident, caller};
use crate::codes;
use crate::engine::{Database, Engine};
use crate::exposition::Exposition;
use crate::s3::{Bucket, S3Server};

/// How many rows the tables have that a request may add to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// 案卷
    pub tickets: i64,
    /// 上报
    pub reports: i64,
    /// Photos.
    pub photos: i64,
    /// Lines of history.
    pub events: i64,
    /// 督办单
    pub supervision_orders: i64,
}

/// Changes the settings of a server before it starts.
pub type Settings = fn(&mut Config);

/// A running server; stopped when dropped.
pub struct Server {
    base: String,
    services: Services,
    metrics: Option<SocketAddr>,
    clock: Clock,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    site: Arc<Site>,
    change: Settings,
}

/// What servers on the same data share.
struct Site {
    database: Database,
    folder: TempDir,
    bucket: Option<Bucket>,
}

/// When the clock of every test starts: a Wednesday morning in working hours.
pub(crate) fn start_of_time() -> Moment {
    "2026-03-04T09:30:00+08:00".parse().unwrap()
}

impl Server {
    /// A server with the demonstration.
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| ())
    }

    /// A server with the demonstration whose sign-ins hold for a week, for tests that let days pass.
    pub fn start_for_days(engine: Engine) -> Self {
        Self::start_with(engine, |config| config.auth.token_minutes = 10_080)
    }

    /// A server with the demonstration and other settings.
    pub fn start_with(engine: Engine, change: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = engine.copy_of_demo(folder.path());
        let site = Site { database, folder, bucket: engine.bucket() };
        Self::start_at(Arc::new(site), Clock::manual(start_of_time()), change)
    }

    /// A server with the demonstration that keeps its photos in a bucket of this S3 server.
    pub fn start_on_s3(engine: Engine, s3: &S3Server, change: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = engine.copy_of_demo(folder.path());
        let site = Site { database, folder, bucket: Some(s3.bucket()) };
        Self::start_at(Arc::new(site), Clock::manual(start_of_time()), change)
    }

    /// A server on a folder and database that are there already, by a clock that starts now and stands.
    pub(crate) fn over(folder: TempDir, database: Database, bucket: Option<Bucket>) -> Self {
        let site = Site { database, folder, bucket };
        Self::start_at(Arc::new(site), Clock::manual(Clock::System.now()), |_| ())
    }

    /// One more server on the same data, by the same clock.
    pub fn twin(&self) -> Self {
        Self::start_at(Arc::clone(&self.site), self.clock.clone(), self.change)
    }

    fn start_at(site: Arc<Site>, clock: Clock, change: Settings) -> Self {
        codes::listen();
        let mut config = Config::default();
        config.http.listen = ([127, 0, 0, 1], 0).into();
        config.http.workers = 2;
        config.http.drain_seconds = 1;
        config.http.drain_lead_seconds = 0;
        config.data.dir = site.folder.path().to_owned();
        config.data.database_url = Some(Secret::new(site.database.url()));
        config.data.pool_size = 4;
        config.photos.render_workers = 1;
        // Tests let hours pass by hand; whoever tests the life of tokens sets it.
        config.auth.token_minutes = 480;
        // What is due by the clock is done when a test asks for it.
        config.jobs.poll_milliseconds = 60_000;
        if let Some(bucket) = &site.bucket {
            bucket.apply(&mut config);
        }
        change(&mut config);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn({
            let clock = clock.clone();
            move || {
                actix_web::rt::System::new().block_on(async move {
                    let application = Box::pin(Application::build(config, clock, true)).await.unwrap();
                    let addresses = (application.address(), application.metrics_address());
                    tell.send((addresses, application.services())).unwrap();
                    Box::pin(application.run(async { drop(stopped.await) })).await.unwrap();
                });
            }
        });
        let ((address, metrics), services) = told.recv().unwrap();
        let base = format!("http://{address}");
        Self { base, services, metrics, clock, stop: Some(stop), thread: Some(thread), site, change }
    }

    /// Stops the server, takes its database back to the first schema, executes SQL there, and starts anew on it.
    pub fn from_first_schema(self, sql: &str) -> Self {
        self.taken_back(Database::to_first_schema, sql)
    }

    /// As [`Server::from_first_schema`], from the schema before the migration of this name.
    pub fn from_schema_before(self, migration: &str, sql: &str) -> Self {
        self.taken_back(|database| database.to_schema_before(migration), sql)
    }

    fn taken_back(self, back: impl FnOnce(&Database), sql: &str) -> Self {
        let (site, clock, change) = (Arc::clone(&self.site), self.clock.clone(), self.change);
        drop(self);
        back(&site.database);
        site.database.execute(sql).unwrap();
        Self::start_at(site, clock, change)
    }

    /// The address, without a path.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What the server tells Prometheus; its settings must ask for that.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn metrics(&self) -> Exposition {
        let nobody = caller(&format!("http://{}", self.metrics.unwrap()));
        let reply = nobody.get("/metrics");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        Exposition::parse(&reply.text())
    }

    /// Where it tells Prometheus.
    pub fn metrics_base(&self) -> String {
        format!("http://{}", self.metrics.unwrap())
    }

    /// The data folder.
    pub fn folder(&self) -> &std::path::Path {
        self.site.folder.path()
    }

    /// Nobody in particular.
    pub fn nobody(&self) -> Caller {
        caller(&self.base)
    }

    /// A new resident, signed in by phone and code.
    pub fn resident(&self) -> Resident {
        Resident::sign_in(&self.base)
    }

    /// An official of the demonstration, signed in.
    pub fn official(&self, login: &str) -> Official {
        Official::sign_in(&self.base, login)
    }

    /// Signed-in colleagues in the grid of `grid1`, named 网格员 0, 网格员 1 and so on: more than the demonstration has.
    pub fn grid_workers(&self, count: usize) -> Vec<Official> {
        let grid = self.read(|conn| accounts::find_by_login(conn, "grid1")).unwrap().posts[0];
        self.hire(grid, "网格员", count)
    }

    /// A signed-in duty chief 值班长 of the district.
    pub fn chief(&self) -> Official {
        self.officer(Role::DutyChief, "350203000000")
    }

    /// The signed-in head of the centre 中心主任.
    pub fn head(&self) -> Official {
        self.officer(Role::CentreHead, "350203000000")
    }

    /// Somebody new with one post in the unit of a code, signed in.
    pub fn officer(&self, role: Role, unit: &str) -> Official {
        self.hire(Post { role, unit: self.unit(unit) }, role.zh(), 1).remove(0)
    }

    fn hire(&self, post: Post, name: &'static str, count: usize) -> Vec<Official> {
        let first = block_on(self.services.db.reserve(i64::try_from(count).unwrap())).unwrap().start;
        let now = self.clock.now();
        let hire = move |conn: &mut Conn| {
            for number in 0..count {
                let new = NewAccount {
                    id: first + i64::try_from(number).unwrap(),
                    district: DISTRICT,
                    login: Some((format!("hired{}", first + i64::try_from(number).unwrap()), String::new())),
                    display_name: format!("{name} {number}"),
                    phone: None,
                    posts: vec![post],
                };
                accounts::insert(conn, &new, now)?;
            }
            Ok::<_, DbError>(())
        };
        block_on(self.services.db.write(hire)).unwrap();
        let token = |id: i64| self.services.tokens.issue(id, None, now).unwrap().0;
        (first..).take(count).map(|id| Official::with_token(&self.base, &token(id))).collect()
    }

    /// Moves the clock forward, or sets it back by negative seconds.
    pub fn advance_seconds(&self, seconds: i64) {
        assert!(self.clock.advance_seconds(seconds));
    }

    /// The instant by the server's clock.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Moves the clock forward to an instant of an answer.
    pub fn advance_to(&self, instant: &Value) {
        let to: Moment = instant.as_str().unwrap().parse().unwrap();
        let millis = to.millis() - self.now().millis();
        assert!(millis >= 0, "{to} has passed");
        self.advance_seconds((millis + 999) / 1000);
    }

    /// A fresh position of somebody who stands so many metres north of the grid of `grid1`.
    pub fn standing(&self, metres: f64) -> Value {
        let lat = POINT.lat + metres / 111_195.0;
        json!({ "lon": POINT.lon, "lat": lat, "datum": "wgs84", "taken_at": self.now().to_string() })
    }

    /// What the unit of a code was told of a ticket, as words, the first one first.
    pub fn told(&self, unit: &str, ticket: i64) -> Vec<&'static str> {
        let unit = self.unit(unit);
        let mut all: Vec<Notice> = self.read(move |conn| desk::notices_of(conn, &[unit], None, 1000));
        all.retain(|notice| notice.ticket == ticket);
        all.sort_by_key(|notice| notice.event_seq);
        all.iter().map(|notice| notice.verb.as_str()).collect()
    }

    /// Has the server know what was changed of accounts past it.
    pub fn accounts_changed(&self) {
        block_on(callers::changed(&self.services));
    }

    /// How many statements it has sent to its database.
    pub fn statements(&self) -> u64 {
        self.services.db.meter().statements()
    }

    /// The keys of what is in the photo store.
    pub fn stored(&self) -> Vec<String> {
        let listed = block_on(self.services.store.list("", None, MAX_LIST)).unwrap();
        listed.into_iter().map(|(key, _)| key).collect()
    }

    /// The key of a unit by its code.
    pub fn unit(&self, code: &str) -> i64 {
        self.services.registry().tree.by_code(DISTRICT, code).unwrap().id
    }

    /// The key of the grid of `grid1`.
    pub fn grid_of_the_point(&self) -> i64 {
        self.read(|conn| accounts::find_by_login(conn, "grid1")).unwrap().posts[0].unit
    }

    /// What is in the tables.
    pub fn rows(&self) -> Rows {
        self.read(|conn| {
            Ok(Rows {
                tickets: tickets::table.count().get_result(conn)?,
                reports: reports::table.count().get_result(conn)?,
                photos: photos::table.count().get_result(conn)?,
                events: events::table.count().get_result(conn)?,
                supervision_orders: supervision_orders::table.count().get_result(conn)?,
            })
        })
    }

    /// The parts of the server, to reach what HTTP does not show.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Verifies the chains of all histories.
    ///
    /// # Panics
    /// When the database fails.
    pub fn verify(&self) -> Verified {
        block_on(history::verify(&self.services.db)).unwrap()
    }

    /// Executes SQL behind the server's back.
    ///
    /// # Errors
    /// What the database says.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        self.site.database.execute(sql)
    }

    /// Reads from the server's database.
    ///
    /// # Panics
    /// When the database fails.
    pub fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        block_on(self.services.db.read(work)).unwrap()
    }

    /// A place in a community, WGS-84 degrees: longitude, latitude.
    pub fn place_in(&self, community: &str) -> (f64, f64) {
        let (_, at) = seeds().into_iter().find(|(code, _)| code == community).unwrap();
        (at.lon, at.lat)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_none_or(|ended| ended.is_ok()), "the server panicked");
        }
    }
}

/// Waits for work on the parts of a server.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    block_on(future)
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
