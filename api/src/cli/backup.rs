//! `suishoupai backup`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Done, Stop};
use crate::backup::{self, Manifest, PhotoMode, Place, Request};
use crate::clock::Clock;
use crate::config::Config;

/// The exit code when the photo store lacks photos that the database names.
const LACKING: u8 = 3;

/// Back up database and photos into a new folder or a part of a bucket, while a server runs or not
///
/// The database is copied as it is at one instant: SQLite by its own copying, PostgreSQL by pg_dump, which must be
/// installed and not older than the server. Every photo that it names is copied and checked against its SHA-256.
/// manifest.json is written last, so a place without it is no backup. The exit code is 0 when the backup is complete,
/// 3 when the photo store lacks photos that the database names (the rest is there), 1 for any other error.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The folder, or s3://BUCKET/PREFIX with the server, region and keys of the section [store]; it must be absent or
    /// empty: a new one for each backup
    #[arg(value_name = "PLACE")]
    place: String,
    /// Where the database lies on its way to or from a bucket; it needs room for all of it [default: the system's folder for
    /// temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Whether photos are copied, or only named because they are backed up in another way
    #[arg(long, value_enum, default_value = "copied")]
    photos: PhotosWord,
    /// Include the key files; whoever has the backup can then read telephone numbers and sign in as anybody
    #[arg(long)]
    with_keys: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PhotosWord {
    /// Copy them with their renditions
    Copied,
    /// Name them with their lengths
    Referenced,
}

pub(super) async fn run(settings: &Config, given: Backup) -> Result<Done, Stop> {
    let place = Place::open(&given.place, settings, given.scratch.as_deref()).await?;
    let photos = match given.photos {
        PhotosWord::Copied => PhotoMode::Copied,
        PhotosWord::Referenced => PhotoMode::Referenced,
    };
    let name = place.name();
    let request = Request { place, photos, with_keys: given.with_keys };
    let manifest = backup::take(settings, request, Clock::System.now()).await?;
    Ok(report(&name, &manifest))
}

fn report(place: &str, manifest: &Manifest) -> Done {
    let mut text = described(manifest);
    let _ = writeln!(text, "{}", manifest.keys_note);
    let missing = manifest.photos.missing;
    if missing == 0 {
        let _ = writeln!(text, "complete: {place}");
        return Done::of(text);
    }
    let _ = writeln!(
        text,
        "missing in the photo store, or not as they were sent: {missing} of the photos that the database names, such as"
    );
    for key in manifest.photos.first_missing.iter().take(10) {
        let _ = writeln!(text, "  {key}");
    }
    let _ = writeln!(text, "everything else is in {place}");
    Done { text, code: LACKING }
}

/// What a backup holds, in a few lines.
pub(super) fn described(manifest: &Manifest) -> String {
    let mut text = format!(
        "{} database of {}, schema {}, {} tickets, {} lines of history, {} reports, {} accounts\n",
        manifest.engine.as_str(),
        manifest.made_at,
        manifest.schema(),
        manifest.rows("tickets"),
        manifest.rows("events"),
        manifest.rows("reports"),
        manifest.rows("accounts"),
    );
    for district in &manifest.contents.districts {
        let _ = writeln!(
            text,
            "  {} {}: {} tickets, {} lines, chains {}",
            district.code, district.name, district.tickets, district.lines, district.heads_sha256
        );
    }
    let how = match manifest.photos.mode {
        PhotoMode::Copied => "copied",
        PhotoMode::Referenced => "only named, not in the backup",
    };
    let _ =
        writeln!(text, "{} photo files of {} bytes, {how}", manifest.photos.objects, manifest.photos.bytes);
    text
}
