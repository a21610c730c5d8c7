//! `suishoupai keys`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Subcommand;
use suishoupai_core::audit::AuditKind;
use suishoupai_storage::db::audit as audit_rows;
use suishoupai_storage::db::privacy::{self, SealedWith};
use suishoupai_storage::seal::Sealer;

use super::{Done, Stop, open_existing};
use crate::app::{self, StartError};
use crate::audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::fail::Fail;
use crate::keys;
use crate::service::privacy::enqueue_reseal;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Print which key of the ring seals personal data, and how much each has sealed
    List,
    /// Put a new key at the end of the ring's file; servers that are restarted seal with it
    ///
    /// Where several processes serve, set auth.data_key_seals to the old key's number first, restart all with the new ring,
    /// and then set it back to 0 and restart them again: no process must seal with a key that another does not have. A ring
    /// in the setting auth.data_key is changed there.
    Add,
    /// Put a job in the queue that seals everything with the present key
    ///
    /// A running server does it. Afterwards `keys list` shows that older keys have sealed nothing any more; their lines in the
    /// ring may then be replaced by `-`, save the first, by which telephone numbers are found.
    Rotate,
    /// Let the next start sign access tokens with a new key; tokens of the present one stay good
    ///
    /// The present key file is renamed and still read. Remove it once its tokens have expired (auth.token_minutes). Where
    /// the key is the setting auth.token_key, or several servers have folders of their own, exchange keys by the setting
    /// auth.token_keys_also instead.
    RotateToken,
}

pub(super) async fn run(settings: &Config, given: Keys) -> Result<Done, Stop> {
    match given {
        Keys::List => list(settings).await,
        Keys::Add => add(settings),
        Keys::Rotate => rotate(settings).await,
        Keys::RotateToken => rotate_token(settings),
    }
}

async fn list(settings: &Config) -> Result<Done, Stop> {
    let sealer = Sealer::new(&app::data_keys(settings)?);
    let sealed = open_existing(settings)?.read(privacy::sealed_with).await?;
    Ok(Done::of(table(sealer.version(), &sealed)))
}

fn table(seals: u8, sealed: &[SealedWith]) -> String {
    let mut text = format!("key {seals} seals\n");
    for SealedWith { what, version, count } in sealed {
        let _ = writeln!(text, "key {version}\t{what}\t{count}");
    }
    text
}

fn add(settings: &Config) -> Result<Done, Stop> {
    if settings.auth.data_key.is_some() {
        return Err(Stop::words(
            "the ring is in the setting auth.data_key; add a key there, made by: openssl rand -base64 32",
        ));
    }
    // Makes the file where there is none.
    app::data_keys(settings)?;
    let path = match &settings.auth.data_key_file {
        Some(path) => PathBuf::from(path),
        None => keys::ring_path(&settings.data.dir, "data"),
    };
    let place = keys::add_to_ring(&path).map_err(StartError::from)?;
    Ok(Done::of(format!(
        "key {place} is in {}; keep a copy of the file, restart the servers, then run: suishoupai keys rotate\n",
        path.display()
    )))
}

async fn rotate(settings: &Config) -> Result<Done, Stop> {
    let sealer = Sealer::new(&app::data_keys(settings)?);
    let db = open_existing(settings)?;
    let keys = db.ids::<2>().await?;
    let now = Clock::System.now();
    let line = audit::entry(AuditKind::KeyRotation, 0, now);
    let line = audit::with(audit::with(line, "asked", true), "key", sealer.version());
    db.write(move |conn| {
        enqueue_reseal(conn, keys, now)?;
        audit_rows::append(conn, std::slice::from_ref(&line))?;
        Ok::<_, Fail>(())
    })
    .await?;
    Ok(Done::of(format!(
        "a running server will seal everything with key {}; `suishoupai keys list` shows how far it is\n",
        sealer.version()
    )))
}

fn rotate_token(settings: &Config) -> Result<Done, Stop> {
    if settings.auth.token_key.is_some() {
        return Err(Stop::words(
            "the key is the setting auth.token_key; name the next key in auth.token_keys_also at all servers, then \
             exchange the two",
        ));
    }
    let kept = keys::set_aside(&settings.data.dir, "token").map_err(StartError::from)?;
    Ok(Done::of(format!(
        "the next start signs with a new key; remove {} {} minutes after it\n",
        kept.display(),
        settings.auth.token_minutes
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_the_key_that_seals_and_what_each_has_sealed() {
        let of = |version, count| SealedWith { what: "phones".to_owned(), version, count };
        assert_eq!(table(2, &[of(1, 3), of(2, 40)]), "key 2 seals\nkey 1\tphones\t3\nkey 2\tphones\t40\n");
    }
}
