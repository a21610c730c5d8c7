//! An application that builds, tells its address, and runs until it is stopped. Tests start it on port 0.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};
use arc_swap::ArcSwap;
use suishoupai_storage::db::{Db, DbError, Target, check, migrate, reference};
use suishoupai_storage::picture::Pool;
use suishoupai_storage::seal::{KeyRing, Sealer};
use suishoupai_storage::store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa_swagger_ui::{Config as DocsConfig, SwaggerUi};

use crate::auth::recognise;
use crate::callers::Callers;
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl};
use crate::demo::{self, DemoAccount};
use crate::extract::{FormLimit, JsonLimit};
use crate::fail::Fail;
use crate::http::cors::cors;
use crate::http::fallback::{Routes, fallback, head_as_get, literal_first};
use crate::http::headers::security_headers;
use crate::http::leaving::{Leaving, close_when_leaving};
use crate::http::rate::rate_limits;
use crate::http::request_id::request_id;
use crate::http::slow::cut_off_slow;
use crate::http::tus_version::tus_version;
use crate::keys::{self, KeyError};
use crate::links::LinkSigner;
use crate::live::Live;
use crate::metrics::{self, Metrics};
use crate::password::{PasswordError, Passwords};
use crate::problem::{Problem, localise};
use crate::registry::Registry;
use crate::routes::registrar::Registrar;
use crate::routes::system::openapi_json;
use crate::service::orphans::Walk;
use crate::service::photos::LookedAt;
use crate::service::pictures::{self, Pictures};
use crate::service::readiness::StoreAnswer;
use crate::service::reports;
use crate::service::sign_in::sso::Provider;
use crate::services::{Parts, Services};
use crate::together::Turns;
use crate::token::{TokenKeyError, TokenKeys};
use crate::{audit, jobs, photo_store, routes};

/// Why the server cannot start or go on, in words for an operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting.
    #[error("{0}")]
    Setting(String),
    /// A folder or socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The photo store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token key.
    #[error(transparent)]
    Token(#[from] TokenKeyError),
    /// Password hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The demo or the reference data.
    #[error("{0}")]
    Data(String),
}

impl From<Fail> for StartError {
    fn from(fail: Fail) -> Self {
        StartError::Data(Problem::from(fail).in_words())
    }
}

/// The pause between two looks for a database that is not there yet.
const AGAIN: Duration = Duration::from_millis(250);

/// A server that is ready to run.
pub struct Application {
    server: Server,
    address: SocketAddr,
    services: Services,
    demo_accounts: Vec<DemoAccount>,
    drain: Duration,
    metrics: Option<metrics::Listening>,
}

/// Where the database is, by the settings.
///
/// # Errors
/// For an unknown scheme.
pub fn target(config: &Config) -> Result<Target, StartError> {
    match config.data.database().map_err(|error| StartError::Setting(error.to_owned()))? {
        DatabaseUrl::Sqlite(path) => Ok(Target::Sqlite(path.to_string_lossy().into_owned())),
        DatabaseUrl::Postgres(url) => Ok(Target::Postgres(url.expose().to_owned())),
    }
}

/// Makes the data directory, migrates the database (or, where that is left to the operator, looks that it has been
/// migrated) and opens it.
///
/// # Errors
/// When a folder cannot be made or the database cannot be used.
pub fn open_db(config: &Config) -> Result<Db, StartError> {
    Ok(Db::open(&migrated(config)?, config.data.pool_size, config.data.group_commit_max)?)
}

/// As [`open_db`], for a program that fills an empty database and has it whole or not at all.
///
/// # Errors
/// As [`open_db`].
pub fn open_db_to_fill(config: &Config) -> Result<Db, StartError> {
    Ok(Db::open_to_fill(&migrated(config)?, config.data.pool_size)?)
}

fn migrated(config: &Config) -> Result<Target, StartError> {
    make_folder(&config.data.dir)?;
    let target = target(config)?;
    if config.data.migrate_at_start {
        migrate(&target)?;
    } else {
        check(&target)?;
    }
    Ok(target)
}

/// Opens the database as [`open_db`] does. A PostgreSQL that is not there yet is waited for, so that it does not matter
/// in which order a machine starts its services; so is an SQLite file that another process keeps locked.
async fn wait_for_db(config: &Config) -> Result<Db, StartError> {
    let patience = config.data.start_wait_seconds;
    let end = Instant::now() + Duration::from_secs(patience);
    let mut told = None;
    loop {
        let settings = config.clone();
        let opened = tokio::task::spawn_blocking(move || open_db(&settings)).await;
        let opened = opened.map_err(|error| StartError::Data(error.to_string()))?;
        let Err(StartError::Db(DbError::Unavailable(why))) = &opened else { return opened };
        let passes = match target(config)? {
            Target::Postgres(_) => !why.contains("authentication failed"),
            // Another process migrates it, or changes it over to its log, for which nobody is made to wait.
            Target::Sqlite(_) => why.contains("database is locked"),
        };
        if !passes {
            return opened;
        }
        if Instant::now() + AGAIN > end {
            let waited = format!("{why}; waited {patience} seconds for it (data.start_wait_seconds)");
            return Err(DbError::Unavailable(waited).into());
        }
        if told.as_ref() != Some(why) {
            tracing::warn!(why, "waiting for the database, at most {patience} seconds");
            told = Some(why.clone());
        }
        tokio::time::sleep(AGAIN).await;
    }
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| StartError::Io {
        what: format!("the data directory {} cannot be made", folder.display()),
        source,
    })
}

/// The key ring that seals personal data: of the setting, else of the key file.
///
/// # Errors
/// When none of them can be used.
pub fn data_keys(config: &Config) -> Result<KeyRing, StartError> {
    let auth = &config.auth;
    let keys = match (&auth.data_key, &auth.data_key_file) {
        (Some(keys), _) => {
            keys.keys().map_err(|error| StartError::Setting(format!("auth.data_key {error}")))?
        }
        (None, Some(path)) => keys::read_ring(Path::new(path))?,
        (None, None) => keys::read_or_create_ring(&config.data.dir, "data")?,
    };
    let seals = usize::try_from(auth.data_key_seals).unwrap_or(usize::MAX);
    KeyRing::new(keys, seals).map_err(|error| {
        StartError::Setting(format!("auth.data_key_seals names no key of the ring: {error}"))
    })
}

impl Application {
    /// Opens everything and binds the address; nothing is served before [`Application::run`].
    ///
    /// # Errors
    /// [`StartError`], saying what to mend.
    pub async fn build(config: Config, clock: Clock, with_demo: bool) -> Result<Self, StartError> {
        let db = wait_for_db(&config).await?;
        let passwords = Passwords::default();
        let demo_accounts =
            if with_demo { demo::load(&db, &passwords, clock.now()).await? } else { Vec::new() };
        let data_keys = data_keys(&config)?;
        let data = db.read(|conn| reference::load(conn).map_err(Fail::from)).await?;
        let registry = Registry::build(data, &config).map_err(|error| StartError::Data(error.to_string()))?;
        let store = photo_store::open(&config).await?;
        let no_thread = |source| StartError::Io { what: "cannot start a thread".to_owned(), source };
        let turns = Turns::start().map_err(no_thread)?;
        let services = Services::new(Parts {
            tokens: TokenKeys::load_or_create(&config.data.dir, &config.auth)?,
            looked_at: LookedAt::default(),
            renderer: Pool::new(config.photos.pool()).map_err(no_thread)?,
            links: LinkSigner::new(&data_keys.oldest(), config.photos.rendition_url_minutes),
            sealer: Sealer::new(&data_keys),
            metrics: Metrics::new(db.meter(), store.meter()),
            store,
            registry: ArcSwap::from_pointee(registry),
            intake: reports::group(&config, &db, &turns),
            pace: reports::Pace::default(),
            repeats: reports::Repeats::default(),
            trail: audit::trail(&turns),
            lookups: pictures::lookups(&turns),
            pictures: Pictures::new(config.photos.near_most),
            sso: Provider::default(),
            callers: Callers::new(&turns),
            turns,
            orphans: Walk::default(),
            store_answer: StoreAnswer::default(),
            leaving: Leaving::default(),
            live: Live::default(),
            jobs_waiting: tokio::sync::Notify::new(),
            reference_changed: tokio::sync::Notify::new(),
            held: jobs::Held::default(),
            refreshing: tokio::sync::Mutex::new(()),
            clock,
            db,
            passwords,
            config,
        });
        let (server, address) = bind(&services)?;
        let drain = Duration::from_secs(services.config.http.drain_seconds);
        let metrics = metrics::bind(&services)?;
        Ok(Self { server, address, services, demo_accounts, drain, metrics })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address on which it tells Prometheus of itself, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|metrics| metrics.address)
    }

    /// The parts, for tests that drain jobs.
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// The demo's accounts; empty without the demo.
    pub fn demo_accounts(&self) -> &[DemoAccount] {
        &self.demo_accounts
    }

    /// Serves until `stop` ends, then drains requests and jobs.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        self.run_until(stop, std::future::pending()).await
    }

    /// Serves until `stop` ends, and on for `http.drain_lead_seconds`, but not longer than until `hurry` ends, while it
    /// says that it is leaving. Then no more requests are taken; those under way, and jobs, have
    /// `http.drain_seconds` to come to their end.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        let (tell, told) = watch::channel(false);
        let jobs = tokio::spawn(jobs::run(self.services.clone(), told));
        // Until the end, so that the drain can be watched.
        let metrics = self.metrics.map(metrics::Listening::start);
        let handle = self.server.handle();
        let mut server = self.server;
        let failed = |source| StartError::Io { what: "the server failed".to_owned(), source };
        let leave = async {
            stop.await;
            self.services.leaving.begin();
            self.services.live.end();
            let lead = Duration::from_secs(self.services.config.http.drain_lead_seconds);
            drop(tokio::time::timeout(lead, hurry).await);
        };
        let ended = tokio::select! {
            outcome = &mut server => Some(outcome),
            () = leave => None,
        };
        let end = Instant::now() + self.drain;
        tell.send_replace(true);
        let outcome = match ended {
            Some(outcome) => outcome,
            None => tokio::join!(handle.stop(true), server).1,
        };
        outcome.map_err(failed)?;
        if tokio::time::timeout_at(end, jobs).await.is_err() {
            tracing::warn!(
                "jobs were still running at the end of the drain; they are taken up at the next start"
            );
        }
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        Ok(())
    }
}

fn bind(services: &Services) -> Result<(Server, SocketAddr), StartError> {
    let http = &services.config.http;
    let io =
        |source| StartError::Io { what: format!("cannot listen on {} (http.listen)", http.listen), source };
    let listener = TcpListener::bind(http.listen).map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    let mut known = Vec::new();
    routes::register(&mut Registrar::knowing(&mut known));
    let known = web::Data::new(Routes::new(known));
    let shared = web::Data::new(services.clone());
    let limit = JsonLimit(http.body_limit_bytes);
    let forms = usize::try_from(services.upload_limit()).unwrap_or(usize::MAX);
    let forms = FormLimit(forms.saturating_mul(4));
    let server = HttpServer::new(move || {
        // Without the word, the page would send its address to a validator elsewhere.
        let docs = DocsConfig::from("/openapi.json").validator_url("none");
        App::new()
            .app_data(shared.clone())
            .app_data(known.clone())
            .app_data(limit)
            .app_data(forms)
            .configure(|config| routes::register(&mut Registrar::serving(config)))
            .route("/openapi.json", web::get().to(openapi_json))
            .service(SwaggerUi::new("/docs/{_:.*}").config(docs))
            .wrap(Compress::default())
            .wrap(from_fn(recognise))
            .wrap(from_fn(literal_first))
            .wrap(from_fn(head_as_get))
            .wrap(from_fn(tus_version))
            .wrap(from_fn(cut_off_slow))
            .wrap(from_fn(rate_limits))
            .wrap(from_fn(cors))
            .wrap(from_fn(localise))
            .wrap(from_fn(security_headers))
            .wrap(from_fn(close_when_leaving))
            .wrap(from_fn(request_id))
            .default_service(web::to(fallback))
    })
    .workers(http.worker_threads())
    .client_request_timeout(Duration::from_secs(http.client_timeout_seconds))
    .shutdown_timeout(http.drain_seconds)
    .disable_signals()
    .listen(listener)
    .map_err(io)?
    .run();
    Ok((server, address))
}
