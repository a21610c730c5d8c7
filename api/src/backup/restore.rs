//! A backup is put back into an empty installation.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use suishoupai_storage::db::backup;
use suishoupai_storage::db::{Schema, Target, known_migrations, migrate};
use suishoupai_storage::files::{create_private, sync_folder};
use suishoupai_storage::store::{ObjectKey, PhotoStore};
use tokio::task::JoinSet;

use super::manifest::{self, Engine, FileEntry, Manifest, PhotoMode};
use super::place::make_folder;
use super::take::{KEYS, PHOTO_LIST};
use super::{BackupError, Place, blocking, photos};
use crate::app;
use crate::config::Config;
use crate::keys;

/// Objects that are under way at once; each is in memory whole.
const AT_ONCE: usize = 8;

/// What was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// How many migrations its schema lacked.
    pub migrated: usize,
    /// Whether there is a key by which sealed telephone numbers can be read.
    pub has_data_key: bool,
}

/// Puts a backup back. Everything in it is checked against its digests before anything is written.
///
/// # Errors
/// [`BackupError`]: the place holds no complete backup, or one of a newer program or another engine; a file is not as
/// it was; the installation is not empty.
pub async fn restore(config: &Config, place: &Place) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(&place.fetch(manifest::NAME).await?, &place.name())?;
    let target = app::target(config)?;
    fits(&manifest, &target)?;
    must_be_empty(config, &manifest)?;
    let empty = blocking({
        let target = target.clone();
        move || Ok(backup::is_empty(&target)?)
    });
    if !empty.await? {
        return Err(BackupError::words(
            "the database to restore into is not empty; name one that holds nothing",
        ));
    }
    for file in &manifest.files {
        let (path, file) = (place.fetch(&file.name).await?, file.clone());
        blocking(move || unchanged(&path, &file)).await?;
    }
    let copied = manifest.photos.mode == PhotoMode::Copied;
    if copied {
        each_photo(place, None).await?;
    }
    // From here on something is written; the database comes last, so that without it there is no installation.
    make_folder(&config.data.dir).map_err(BackupError::file("make the folder", &config.data.dir))?;
    if copied {
        each_photo(place, Some(&photos::store_of(config).await?)).await?;
    }
    if manifest.keys {
        put_keys(config, place, &manifest).await?;
    }
    let migrated = blocking({
        let (file, expected) = (place.fetch(manifest.engine.file()).await?, manifest.contents.clone());
        move || put_database(&file, &target, &expected)
    })
    .await?;
    let key_file = keys::folder(&config.data.dir).join("data.key");
    let key_file = config.auth.data_key_file.as_ref().map_or(key_file, std::path::PathBuf::from);
    let has_data_key = config.auth.data_key.is_some() || key_file.exists();
    Ok(Restored { manifest, migrated, has_data_key })
}

/// Whether this program can put the backup into that database.
fn fits(manifest: &Manifest, target: &Target) -> Result<(), BackupError> {
    let (of, into) = (manifest.engine, Engine::of(target));
    if of != into {
        return Err(BackupError::words(format!(
            "the backup is of {}, and the database to restore into is {}; restore it into its own engine, and move it \
             by `suishoupai migrate-engine` afterwards",
            of.as_str(),
            into.as_str()
        )));
    }
    let schema = Schema { applied: manifest.contents.migrations.clone(), known: known_migrations(target)? };
    Ok(schema.not_newer()?)
}

/// A folder may hold what an operator puts there first: the settings, and what the backup does not have.
fn must_be_empty(config: &Config, manifest: &Manifest) -> Result<(), BackupError> {
    let folder = &config.data.dir;
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(BackupError::file("read", folder))?,
    };
    for entry in entries {
        let name = entry.map_err(BackupError::file("read", folder))?.file_name();
        let name = name.to_string_lossy();
        let may_be = match name.as_ref() {
            "suishoupai.toml" => true,
            "keys" => !manifest.keys,
            "photos" => manifest.photos.mode == PhotoMode::Referenced,
            _ => false,
        };
        if !may_be {
            return Err(BackupError::words(format!(
                "the data folder {} is not empty, it holds {name}; name a new one by --data",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn unchanged(path: &Path, expected: &FileEntry) -> Result<(), BackupError> {
    let found = FileEntry::of(&expected.name, path)?;
    if found == *expected {
        return Ok(());
    }
    Err(BackupError::words(format!(
        "{} is not as it was written ({} bytes with SHA-256 {}); it must not be restored",
        path.display(),
        expected.bytes,
        expected.sha256
    )))
}

/// Reads every object that the list of photos names, and holds it to its length and digest; puts it into `to`, if there
/// is one.
async fn each_photo(place: &Place, to: Option<&PhotoStore>) -> Result<(), BackupError> {
    let list = place.fetch(PHOTO_LIST).await?;
    let mut lines = BufReader::new(File::open(&list).map_err(BackupError::file("read", &list))?).lines();
    loop {
        let mut tasks = JoinSet::new();
        for line in lines.by_ref().take(AT_ONCE) {
            let line = line.map_err(BackupError::file("read", &list))?;
            let (place, to) = (place.clone(), to.cloned());
            tasks.spawn(async move { one_photo(&place, &line, to.as_ref()).await });
        }
        if tasks.is_empty() {
            return Ok(());
        }
        while let Some(task) = tasks.join_next().await {
            task.map_err(|error| BackupError::words(format!("a photo was broken off: {error}")))??;
        }
    }
}

async fn one_photo(place: &Place, line: &str, to: Option<&PhotoStore>) -> Result<(), BackupError> {
    let strange = || BackupError::words(format!("{PHOTO_LIST} has a line that names no photo: {line:?}"));
    let mut parts = line.split('\t');
    let (Some(key), Some(bytes), Some(sha256), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(strange());
    };
    let key: ObjectKey = key.parse().map_err(|_| strange())?;
    let bytes: usize = bytes.parse().map_err(|_| strange())?;
    let altered =
        || BackupError::words(format!("the photo {key} of the backup is missing or not as it was written"));
    let data = place.photo(&key).await?.ok_or_else(altered)?;
    let (data, found) = photos::digest(data).await?;
    if data.len() != bytes
        || found != sha256
        || photos::named_digest(&key).is_some_and(|named| named != found)
    {
        return Err(altered());
    }
    if let Some(to) = to {
        to.put(&key, data).await?;
    }
    Ok(())
}

async fn put_keys(config: &Config, place: &Place, manifest: &Manifest) -> Result<(), BackupError> {
    let folder = keys::folder(&config.data.dir);
    make_folder(&folder).map_err(BackupError::file("make the folder", &folder))?;
    let names: Vec<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    for file in KEYS.iter().filter(|file| names.contains(&format!("keys/{file}").as_str())) {
        let (from, to) = (place.fetch(&format!("keys/{file}")).await?, folder.join(file));
        let text = std::fs::read(&from).map_err(BackupError::file("read", &from))?;
        let written = create_private(&to).and_then(|mut made| {
            std::io::Write::write_all(&mut made, &text)?;
            made.sync_all()
        });
        written.map_err(BackupError::file("write", &to))?;
    }
    sync_folder(&folder).map_err(BackupError::file("write", &folder))
}

/// Puts the database back, compares it with what the manifest says, and brings its schema up to date.
fn put_database(file: &Path, target: &Target, expected: &backup::Summary) -> Result<usize, BackupError> {
    backup::put_back(file, target)?;
    let found = backup::summary(target, &mut |_| Ok(()))?;
    if found != *expected {
        return Err(BackupError::words(
            "the restored database does not hold what the manifest says; do not use it",
        ));
    }
    Ok(migrate(target)?.0)
}
