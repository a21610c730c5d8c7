//! `suishoupai keys`

use clap::Subcommand;

use super::{Done, Stop};
use crate::config::Config;
use crate::keys;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Let the next start sign access tokens with a new key; tokens of the present one stay good
    ///
    /// The present key file is renamed and still read. Remove it once its tokens have expired (auth.token_minutes). Where
    /// the key is the setting auth.token_key, or several servers have folders of their own, exchange keys by the setting
    /// auth.token_keys_also instead.
    RotateToken,
}

pub(super) fn run(settings: &Config, keys: Keys) -> Result<Done, Stop> {
    match keys {
        Keys::RotateToken if settings.auth.token_key.is_some() => Err(Stop::words(
            "the key is the setting auth.token_key; name the next key in auth.token_keys_also at all servers, then \
             exchange the two",
        )),
        Keys::RotateToken => {
            let kept = keys::set_aside(&settings.data.dir, "token")
                .map_err(|error| Stop::words(error.to_string()))?;
            Ok(Done::of(format!(
                "the next start signs with a new key; remove {} {} minutes after it\n",
                kept.display(),
                settings.auth.token_minutes
            )))
        }
    }
}
