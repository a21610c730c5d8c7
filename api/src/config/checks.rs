//! What settings mean together, and whether those with a form of their own have it.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use suishoupai_core::flow::{Role, Thresholds};
use suishoupai_core::privacy::Terms;
use suishoupai_storage::db::abuse::Distrust;
use suishoupai_storage::picture::{Limits, PoolSettings};

use super::{Auth, Config, ConfigError, Data, DatabaseUrl, Http, Photos, Privacy, Secret, Spam, StoreKind};

const DATABASE_FORMS: &str = "must be sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME";

impl Data {
    /// The database to open: the given one, or `suishoupai.db` in the data directory.
    ///
    /// # Errors
    /// A text for people when the scheme is not known: opening it anyway would make an empty database out of a
    /// typing mistake.
    pub fn database(&self) -> Result<DatabaseUrl, &'static str> {
        let Some(url) = &self.database_url else {
            return Ok(DatabaseUrl::Sqlite(self.dir.join("suishoupai.db")));
        };
        match url.expose().split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(DatabaseUrl::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                Ok(DatabaseUrl::Postgres(url.clone()))
            }
            _ => Err(DATABASE_FORMS),
        }
    }
}

impl Auth {
    /// The roles that need a second factor.
    ///
    /// # Errors
    /// A text for people when a word is no role of officials.
    pub fn factor_roles(&self, in_demo: bool) -> Result<Vec<Role>, String> {
        let words = match self.second_factor_roles.as_deref().map(str::trim) {
            None if in_demo => "none",
            None => Role::Administrator.as_str(),
            Some(words) => words,
        };
        let officials =
            || Role::ALL.iter().copied().filter(|role| !matches!(role, Role::Resident | Role::System));
        match words {
            "none" | "" => Ok(Vec::new()),
            "all" => Ok(officials().collect()),
            words => words
                .split(',')
                .map(|word| {
                    officials().find(|role| role.as_str() == word.trim()).ok_or_else(|| {
                        let known: Vec<&str> = officials().map(Role::as_str).collect();
                        format!("must be all, none, or of {}, separated by commas", known.join(", "))
                    })
                })
                .collect(),
        }
    }
}

impl Spam {
    /// From when on something is suspected, as the rules take it.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds { same_text: self.same_text, photo_tickets: self.photo_tickets, texts: self.texts }
    }

    /// From when on an account is distrusted.
    pub fn distrust(&self) -> Distrust {
        Distrust { reports: self.false_reports, days: self.false_days }
    }
}

impl Privacy {
    /// The terms as the rules take them.
    pub fn terms(&self) -> Terms {
        Terms { close_off_days: self.close_off_days, anonymise_days: self.anonymise_days }
    }
}

impl Http {
    /// The origins whose pages may call the API.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.cors_origins
            .iter()
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|part| !part.is_empty())
    }

    /// How many threads answer requests: as set, or one for each core.
    pub fn worker_threads(&self) -> usize {
        or_cores(self.workers)
    }
}

impl Photos {
    /// How many threads make renditions: as set, or one for each core.
    pub fn render_threads(&self) -> usize {
        or_cores(self.render_workers)
    }

    /// What is accepted as a photo.
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: usize::try_from(self.max_bytes).unwrap_or(usize::MAX),
            pixels: self.max_pixels,
            side: self.max_side,
            ..Limits::default()
        }
    }

    /// The bounds on making renditions.
    pub fn pool(&self) -> PoolSettings {
        PoolSettings {
            workers: self.render_threads(),
            memory: self.render_memory_mib << 20,
            time_limit: Duration::from_secs(self.render_seconds),
            limits: self.limits(),
        }
    }
}

fn or_cores(set: usize) -> usize {
    // Asked once: the answer is read from several files.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    if set > 0 { set } else { *CORES }
}

/// Checks the texts that have a form of their own.
pub(super) fn check_texts(config: &Config) -> Result<(), ConfigError> {
    for (key, url) in [
        ("http.public_url", &config.http.public_url),
        ("store.endpoint", &config.store.endpoint),
        ("telemetry.otlp_endpoint", &config.telemetry.otlp_endpoint),
    ] {
        let host =
            url.as_ref().map(|url| url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")));
        let is_host =
            |host: &str| !host.is_empty() && !host.ends_with('/') && !host.contains(char::is_whitespace);
        if host.is_some_and(|host| !host.is_some_and(is_host)) {
            return Err(config.bad(key, "must be http:// or https:// and a host, without / at the end"));
        }
    }
    if config.http.origins().any(|origin| !is_origin(origin)) {
        let problem = "must be origins such as https://paizhao.example.cn, separated by commas; * is none";
        return Err(config.bad("http.cors_origins", problem));
    }
    check_mini_program(config)?;
    check_provider(config)?;
    check_store(config)?;
    if config.data.dir.as_os_str().is_empty() {
        return Err(config.bad("data.dir", "must name a folder"));
    }
    config.data.database().map_err(|problem| config.bad("data.database_url", problem))?;
    for (key, secret) in
        [("auth.token_key", &config.auth.token_key), ("auth.evidence_key", &config.auth.evidence_key)]
    {
        if let Some(secret) = secret {
            secret.key_bytes().map_err(|problem| config.bad(key, problem.to_string()))?;
        }
    }
    if config.auth.token_keys_also.iter().flat_map(Secret::parts).any(|key| key.key_bytes().is_err()) {
        return Err(
            config.bad("auth.token_keys_also", "must be keys of 32 bytes in base64, separated by commas")
        );
    }
    if let Some(keys) = &config.auth.data_key {
        keys.keys().map_err(|problem| config.bad("auth.data_key", problem.to_string()))?;
    }
    let fits = |version: &String| (1..=32).contains(&version.trim().chars().count());
    if config.privacy.consent_version.as_ref().is_some_and(|version| !fits(version)) {
        return Err(config.bad("privacy.consent_version", "must have 1 to 32 characters"));
    }
    config.auth.factor_roles(false).map_err(|problem| config.bad("auth.second_factor_roles", problem))?;
    tracing_subscriber::EnvFilter::builder()
        .parse(&config.log.level)
        .map_err(|error| config.bad("log.level", format!("{error}; write a level such as info")))?;
    Ok(())
}

/// Scheme and host, with a port perhaps, and nothing else.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let fits =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b".-:[]".contains(&letter);
    !host.is_empty() && host.bytes().all(fits)
}

/// Checks that a mini-program has all that its platform asks for.
fn check_mini_program(config: &Config) -> Result<(), ConfigError> {
    let auth = &config.auth;
    let Some(url) = &auth.mini_program_url else { return Ok(()) };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_none_or(str::is_empty) {
        let problem = "must be an address that begins with https:// or http://";
        return Err(config.bad("auth.mini_program_url", problem));
    }
    if auth.mini_program_id.is_none() || auth.mini_program_secret.is_none() {
        let problem = "needs auth.mini_program_id and auth.mini_program_secret beside it";
        return Err(config.bad("auth.mini_program_url", problem));
    }
    Ok(())
}

/// Checks that an identity provider has all that a sign-in there asks for.
fn check_provider(config: &Config) -> Result<(), ConfigError> {
    let auth = &config.auth;
    let is_address = |text: &str| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['?', '#']) && !rest.contains(' '))
    };
    let Some(issuer) = &auth.oidc_issuer else { return Ok(()) };
    if !is_address(issuer) {
        let problem = "must be an address that begins with https:// or http://, without ? and #";
        return Err(config.bad("auth.oidc_issuer", problem));
    }
    if auth.oidc_client_id.is_none() || auth.oidc_redirect_url.is_none() {
        let problem = "needs auth.oidc_client_id and auth.oidc_redirect_url beside it";
        return Err(config.bad("auth.oidc_issuer", problem));
    }
    if !auth.oidc_scopes.split(' ').any(|scope| scope == "openid") {
        return Err(config.bad("auth.oidc_scopes", "must have openid among them"));
    }
    if auth.oidc_login_claim.trim().is_empty() {
        return Err(config.bad("auth.oidc_login_claim", "must name a claim"));
    }
    Ok(())
}

/// Checks that what a bucket needs is there.
fn check_store(config: &Config) -> Result<(), ConfigError> {
    let store = &config.store;
    if store.kind == StoreKind::S3 && store.bucket.as_ref().is_none_or(|name| name.trim().is_empty()) {
        return Err(config.bad("store.kind", "s3 needs store.bucket, the name of a bucket"));
    }
    match (&store.access_key, &store.secret_key) {
        (Some(_), None) => Err(config.bad("store.access_key", "needs store.secret_key beside it")),
        (None, Some(_)) => Err(config.bad("store.secret_key", "needs store.access_key beside it")),
        _ => Ok(()),
    }
}
