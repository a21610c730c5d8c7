//! The photo store that the settings name.

use std::io;
use std::time::Duration;

use suishoupai_storage::store::{LocalStore, PhotoStore, S3Settings, S3Store, StoreError};

use crate::config::{Config, StoreKind};

/// Opens the store. A bucket is not asked yet: it may come up later than this server.
///
/// # Errors
/// Where the folder cannot be written to, or there are no credentials for the bucket.
pub async fn open(config: &Config) -> Result<PhotoStore, StoreError> {
    let config = config.clone();
    // Looking for credentials may ask the machine's own service for them.
    let opened = tokio::task::spawn_blocking(move || match config.store.kind {
        StoreKind::Folder => LocalStore::open(config.data.dir.join("photos")).map(PhotoStore::Local),
        StoreKind::S3 => S3Store::open(settings(&config)).map(PhotoStore::S3),
    });
    opened.await.map_err(|stopped| StoreError::Io { action: "open", source: io::Error::other(stopped) })?
}

/// Where the bucket of the settings is, and how patient to be with it.
pub(crate) fn settings(config: &Config) -> S3Settings {
    let store = &config.store;
    let keys = store.access_key.as_ref().zip(store.secret_key.as_ref());
    S3Settings {
        bucket: store.bucket.clone().unwrap_or_default(),
        region: store.region.clone(),
        endpoint: store.endpoint.clone(),
        path_style: store.path_style,
        keys: keys.map(|(access, secret)| (access.expose().to_owned(), secret.expose().to_owned())),
        try_timeout: Duration::from_secs(store.try_timeout_seconds),
        total_timeout: Duration::from_secs(store.total_timeout_seconds),
        spool: config.data.dir.join("spool"),
    }
}
