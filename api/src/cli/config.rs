//! `suishoupai config`

use super::Done;
use crate::config::Config;

pub(super) fn run(settings: &Config) -> Done {
    let mut text = settings.redacted_toml();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Done::of(text)
}
