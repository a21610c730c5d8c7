//! `suishoupai migrate-engine`

use std::fmt::Write as _;

use clap::Args;
use suishoupai_storage::db::copy::{TableMoved, move_to_postgres};
use suishoupai_storage::db::{DbError, Target};

use super::{Done, Stop, print, verify};
use crate::backup::{PhotosMoved, move_photos, store_at};
use crate::config::Config;

/// Move an installation that has outgrown SQLite to PostgreSQL
///
/// Stop the server first: a source that somebody has open is refused. The target must be an empty database, made with
/// ENCODING 'UTF8' and LOCALE 'C'. Run the same command again after an interruption, and it goes on where it was; no
/// server starts on the target before it is complete. At the end rows are compared by table and every chain of the
/// histories is verified. The source is left as it was. The exit code is 0 when everything has arrived and every chain
/// is intact, 3 when a chain was broken in the source already, 1 for any other error.
#[derive(Debug, Args)]
pub(super) struct MigrateEngine {
    /// sqlite://PATH, such as sqlite:///var/lib/suishoupai/suishoupai.db
    #[arg(long, value_name = "URL")]
    from: String,
    /// postgres://USER@HOST/NAME; other users of this machine can read a password here, but not one in the variable
    /// PGPASSWORD or in ~/.pgpass
    #[arg(long, value_name = "URL")]
    to: String,
    /// Copy the photos of the data folder (--data) too: to a folder, or to s3://BUCKET with the server, region and keys of
    /// the settings' section store
    #[arg(long, value_name = "DIR|s3://BUCKET")]
    photos_to: Option<String>,
}

pub(super) async fn run(settings: &Config, given: MigrateEngine) -> Result<Done, Stop> {
    let (from, to) = (Target::parse(&given.from)?, Target::parse(&given.to)?);
    // Before the long work, so that a wrong place is told at once.
    let photos_to = match &given.photos_to {
        Some(place) => Some(store_at(place, settings).await?),
        None => None,
    };
    let has_photos = photos_to.is_some();
    let (settings, runtime) = (settings.clone(), tokio::runtime::Handle::current());
    let moving = tokio::task::spawn_blocking(move || {
        // With the photos the move is complete, so that what breaks off among them can be started again.
        move_to_postgres(&from, &to, say, || match photos_to {
            Some(to) => {
                let photos = runtime.block_on(move_photos(&settings, &to));
                say_photos(photos.map_err(|error| DbError::Refused(error.to_string()))?);
                Ok(())
            }
            None => Ok(()),
        })
    });
    let stopped = |error| Stop::words(format!("the move was broken off: {error}; start it again"));
    let moved = moving.await.map_err(stopped)??;
    let rows: u64 = moved.tables.iter().map(|table| table.rows).sum();
    let verified = verify::report(&moved.verified);
    let mut text = format!("{rows} rows in {} tables, the same on both sides\n", moved.tables.len());
    text.push_str(&verified.text);
    let _ = writeln!(
        text,
        "complete: set data.database_url to the target and keep the data folder, which has the keys{}",
        if has_photos { "" } else { " and the photos" }
    );
    Ok(Done { text, code: verified.code })
}

fn say_photos(photos: PhotosMoved) {
    let PhotosMoved { objects, copied, bytes } = photos;
    print(&format!("{objects} photo files of {bytes} bytes, {copied} of them copied now\n"));
}

/// One line for each table when it has arrived, at once: a move may take long.
fn say(table: &TableMoved) -> Result<(), DbError> {
    let before = match table.before {
        0 => String::new(),
        count => format!(", {count} of them before"),
    };
    print(&format!("{}: {} rows{before}\n", table.table, table.rows));
    Ok(())
}
