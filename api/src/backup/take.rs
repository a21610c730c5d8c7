//! A backup is taken.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use suishoupai_core::time::Moment;
use suishoupai_storage::db::backup;
use suishoupai_storage::db::{DbError, Target};
use suishoupai_storage::files::create_private;

use super::manifest::{self, Engine, FileEntry, Manifest, PhotoMode};
use super::{BackupError, Place, blocking, photos};
use crate::app;
use crate::config::Config;
use crate::keys;

/// The list of the objects of the photo store.
pub(super) const PHOTO_LIST: &str = "photos.tsv";
/// The key files of an installation.
pub(super) const KEYS: [&str; 3] = ["data.key", "evidence.key", "token.key"];

const WITH_KEYS: &str = "The key files are in keys/: whoever has this backup can read telephone numbers and sign in as \
    anybody. Keep it as safe as they are.";
const WITHOUT_KEYS: &str = "The key files are not in this backup. Without data.key nobody can read the telephone \
    numbers in it again: keep a copy of the folder keys, or of the setting auth.data_key, in another, safer place.";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to.
    pub place: Place,
    /// Whether the photos are copied.
    pub photos: PhotoMode,
    /// Whether the key files are copied.
    pub with_keys: bool,
}

/// Takes a backup, which is complete when this answers; while it is being served or not.
///
/// # Errors
/// [`BackupError`]; then there is no manifest, and what is in the place is no backup.
pub async fn take(config: &Config, request: Request, now: Moment) -> Result<Manifest, BackupError> {
    let target = app::target(config)?;
    let engine = Engine::of(&target);
    let place = request.place;
    if let Target::Sqlite(path) = &target
        && !Path::new(path).is_file()
    {
        // Before a folder is made for it.
        return Err(BackupError::words(format!("there is no database {path}; name its folder by --data")));
    }
    place.begin().await?;
    let rows = place.draft("photos.rows")?;
    let contents = blocking({
        let (target, file, rows) = (target.clone(), place.draft(engine.file())?, rows.clone());
        move || take_database(&target, &file, &rows)
    })
    .await?;
    place.keep(engine.file()).await?;
    let from = photos::store_of(config).await?;
    let to = match request.photos {
        PhotoMode::Copied => Some(place.photos()?),
        PhotoMode::Referenced => None,
    };
    let seen = photos::walk(&rows, &from, to.as_ref(), &place.draft(PHOTO_LIST)?).await?;
    place.keep(PHOTO_LIST).await?;
    std::fs::remove_file(&rows).map_err(BackupError::file("remove", &rows))?;
    let mut names = vec![engine.file().to_owned(), PHOTO_LIST.to_owned()];
    if request.with_keys {
        names.extend(copy_keys(config, &place).await?);
    }
    let files = blocking({
        let place = place.clone();
        // What was sent to a bucket is still here.
        move || {
            names.iter().map(|name| FileEntry::of(name, &place.draft(name)?)).collect::<Result<Vec<_>, _>>()
        }
    })
    .await?;
    let manifest = Manifest {
        format: manifest::FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.to_string(),
        engine,
        contents,
        photos: seen,
        keys: request.with_keys,
        keys_note: if request.with_keys { WITH_KEYS } else { WITHOUT_KEYS }.to_owned(),
        files,
    };
    let text =
        serde_json::to_string_pretty(&manifest).map_err(|error| BackupError::words(error.to_string()))?;
    place.write(manifest::NAME, &(text + "\n")).await?;
    Ok(manifest)
}

/// The database into a file, and the photos that it names into another.
fn take_database(target: &Target, file: &Path, rows: &Path) -> Result<backup::Summary, BackupError> {
    let mut list = BufWriter::new(create_private(rows).map_err(BackupError::file("make", rows))?);
    let failed =
        |error: std::io::Error| DbError::Refused(format!("cannot write {}: {error}", rows.display()));
    let summary = backup::take(target, file, &mut |row| photos::write_row(&mut list, &row).map_err(failed))?;
    list.flush().map_err(BackupError::file("write", rows))?;
    Ok(summary)
}

/// Copies the key files; their names in the backup.
async fn copy_keys(config: &Config, place: &Place) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    for file in KEYS {
        let from = keys::folder(&config.data.dir).join(file);
        if !from.exists() {
            continue;
        }
        let name = format!("keys/{file}");
        let text = std::fs::read_to_string(&from).map_err(BackupError::file("read", &from))?;
        place.write(&name, &text).await?;
        names.push(name);
    }
    if names.is_empty() {
        return Err(BackupError::words(
            "there are no key files in the data folder to include; leave --with-keys out, and keep the settings \
             auth.data_key and auth.token_key",
        ));
    }
    Ok(names)
}
