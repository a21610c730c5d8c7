//! `suishoupai restore`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use suishoupai_storage::db::history;

use super::{Done, Stop, backup::described, verify};
use crate::app;
use crate::backup::{self, Place};
use crate::config::{Config, Secret};

/// Put a backup back into an empty installation, and verify it
///
/// Every file is checked against the hashes of the manifest before anything is written. The data folder (--data) must be
/// absent or empty, but may hold suishoupai.toml and, where the backup is without keys, the folder keys; a PostgreSQL
/// database must be without tables. An older schema is brought up to date, a newer one is refused. The exit code is 0
/// when every chain of the restored histories is intact, 3 when one is broken, 1 for any other error.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The folder of the backup, or s3://BUCKET/PREFIX with the server, region and keys of the section [store]
    #[arg(value_name = "PLACE")]
    place: String,
    /// Where the database lies on its way from a bucket; it needs room for all of it [default: the system's folder for
    /// temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// The database to restore into, instead of the setting data.database_url [default: an SQLite file in the data folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

pub(super) async fn run(mut settings: Config, given: Restore) -> Result<Done, Stop> {
    if let Some(url) = given.database_url {
        settings.data.database_url = Some(Secret::new(url));
        settings.validate()?;
    }
    let place = Place::open(&given.place, &settings, given.scratch.as_deref()).await?;
    let restored = backup::restore(&settings, &place).await?;
    let mut text = described(&restored.manifest);
    if restored.migrated > 0 {
        let _ = writeln!(text, "the schema was older; migrations applied: {}", restored.migrated);
    }
    let verified = verify::report(&history::verify(&app::open_db(&settings)?).await?);
    text.push_str(&verified.text);
    if !restored.has_data_key {
        let _ = writeln!(
            text,
            "there is no keys/data.key, which holds the key ring: put it back before the server starts, else telephone numbers cannot be read"
        );
    }
    let _ = writeln!(text, "restored into {}", settings.data.dir.display());
    Ok(Done { text, code: verified.code })
}
