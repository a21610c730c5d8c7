//! Settings written as TOML, for the command `suishoupai config`.

use std::fmt::Write as _;

use super::table::{KEYS, Kind, as_toml};
use super::{Config, Key};

/// Every key with its meaning, value and origin. A secret, and a key without value, is a comment: so the text can be
/// loaded again, and shown to anybody.
pub(super) fn redacted_toml(config: &Config) -> String {
    let values = as_toml(config).unwrap_or_default();
    let mut text = String::new();
    for keys in KEYS {
        for (place, key) in keys.iter().enumerate() {
            if place == 0 {
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}[{}]", key.section);
            }
            for line in key.about {
                let _ = writeln!(text, "#{line}");
            }
            let value = values.get(key.section).and_then(|section| section.get(key.name));
            let _ = writeln!(text, "{}", line(config, key, value));
        }
    }
    text
}

fn line(config: &Config, key: &Key, value: Option<&toml::Value>) -> String {
    // An origin is a path or a name of a variable; a line break in it would end the comment.
    let origin = config
        .origin(&key.path())
        .map_or_else(|| "default".to_owned(), |from| from.replace(['\n', '\r'], " "));
    match value {
        None => format!("# {} is not set", key.name),
        Some(_) if key.kind == Kind::Secret => format!("# {} = \"[redacted]\" # {origin}", key.name),
        Some(value) => format!("{} = {value} # {origin}", key.name),
    }
}
