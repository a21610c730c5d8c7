//! Settings: defaults, then the file, then the environment, then the command line.
//!
//! Every key is declared once, in `sections.rs`, with its meaning, default and range. From that one table come the
//! structs, the checks, the hints in errors and the text that the command `suishoupai config` prints.

mod checks;
mod load;
mod secret;
mod sections;
mod show;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use load::LoadOptions;
pub use secret::{BadKey, Secret};
pub use sections::{
    Auth, Claims, CodeSender, Data, DatabaseUrl, Http, Jobs, Live, Log, LogFormat, Metrics, Photos, Privacy,
    Reports, Spam, Store, StoreKind, StoreReading, Telemetry, Uploads, Videos,
};
pub use table::{KEYS, Key, Kind};

use serde::{Deserialize, Serialize};

/// All settings of one server, checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener and its bounds.
    pub http: Http,
    /// The data directory and the database.
    pub data: Data,
    /// Bounds on photos.
    pub photos: Photos,
    /// Bounds on videos, and their posters.
    pub videos: Videos,
    /// Where photos are kept.
    pub store: Store,
    /// Uploads that may be interrupted.
    pub uploads: Uploads,
    /// Sign-in and keys.
    pub auth: Auth,
    /// Reports of residents.
    pub reports: Reports,
    /// Reports that the centre looks at first.
    pub spam: Spam,
    /// Personal data: how long it is shown and kept.
    pub privacy: Privacy,
    /// Claims of grid workers.
    pub claims: Claims,
    /// What is logged, and how.
    pub log: Log,
    /// Counts for Prometheus.
    pub metrics: Metrics,
    /// Traces for OpenTelemetry.
    pub telemetry: Telemetry,
    /// Background jobs.
    pub jobs: Jobs,
    /// Streams of changes.
    pub live: Live,
    /// Where each value came from, by key; a key that is absent has its default.
    #[serde(skip)]
    origins: BTreeMap<String, String>,
}

impl Config {
    /// Loads the settings: defaults < file < environment < command line, and checks every value.
    ///
    /// The file is `options.file`, else `suishoupai.toml` in the working directory if it is there, else
    /// `suishoupai.toml` in the data directory if it is there.
    ///
    /// # Errors
    /// The first wrong key or value, with where it was written and what to mend.
    pub fn load(options: &LoadOptions) -> Result<Self, ConfigError> {
        load::load(options)
    }

    /// Checks every number against its range and every text against its form.
    ///
    /// # Errors
    /// The first value that is out of range, by its key.
    pub fn validate(&self) -> Result<(), ConfigError> {
        table::check_ranges(self)?;
        checks::check_texts(self)
    }

    /// The settings as TOML that can be loaded again, each with its meaning and origin; secrets are commented out.
    pub fn redacted_toml(&self) -> String {
        show::redacted_toml(self)
    }

    /// Where the value of `key` (such as `http.listen`) was written; `None` for a default.
    pub fn origin(&self, key: &str) -> Option<&str> {
        self.origins.get(key).map(String::as_str)
    }

    fn bad(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        let origin = self.origin(key).unwrap_or("default").to_owned();
        ConfigError::BadValue { key: key.to_owned(), origin, problem: problem.into() }
    }
}

/// The settings cannot be used; the text says what to mend, and never repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not UTF-8, not TOML, or longer than a configuration can be.
    #[error("the configuration file {} is not usable: {problem}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where known.
        problem: String,
    },
    /// No setting has this name.
    #[error("unknown setting {key} ({origin}); {hint}")]
    UnknownKey {
        /// The key as written, in the form `section.key`.
        key: String,
        /// The file, environment variable or option that wrote it.
        origin: String,
        /// What may have been meant.
        hint: String,
    },
    /// The value has the wrong type, form or size.
    #[error("{key} ({origin}): {problem}")]
    BadValue {
        /// The key, in the form `section.key`.
        key: String,
        /// The file, environment variable or option that wrote it.
        origin: String,
        /// What is wrong and what is accepted.
        problem: String,
    },
}

#[cfg(test)]
mod tests;
