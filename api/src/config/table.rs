//! The table of all keys, and the macro that makes a section and its rows from one declaration.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::sections::{CodeSender, LogFormat, StoreKind, StoreReading};
use super::{Config, ConfigError, Secret, sections};

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// A number, with or without a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Text.
    Text,
    /// Text that must not be shown.
    Secret,
}

impl Kind {
    /// The kind in words, for an error.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Text | Self::Secret => "text",
        }
    }
}

/// One row of the table: a key with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The section, such as `http`.
    pub section: &'static str,
    /// The key within the section, such as `listen`.
    pub name: &'static str,
    /// What kind of value it takes.
    pub kind: Kind,
    /// Smallest and largest accepted number, both included.
    pub range: Option<(f64, f64)>,
    /// The meaning, line by line.
    pub about: &'static [&'static str],
}

impl Key {
    /// The full name, such as `http.listen`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// A Rust type that a key can have.
pub(super) trait Setting {
    /// How it is written.
    const KIND: Kind;
}

macro_rules! setting {
    ($($kind:ident: $($ty:ty),+;)+) => {
        $($(impl Setting for $ty { const KIND: Kind = Kind::$kind; })+)+
    };
}

setting! {
    Integer: u32, u64, usize;
    Number: f64;
    Boolean: bool;
    Text: String, Option<String>, PathBuf, SocketAddr, Option<SocketAddr>, CodeSender, LogFormat, StoreKind, StoreReading;
    Secret: Option<Secret>;
}

/// Declares a section: the struct, its defaults and its rows of the table.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $section:ident as $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $ty:ty = $default:expr $(, $low:literal to $high:literal)?;)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $ty,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            pub(super) const KEYS: &'static [$crate::config::Key] = &[
                $($crate::config::Key {
                    section: stringify!($section),
                    name: stringify!($field),
                    kind: <$ty as $crate::config::table::Setting>::KIND,
                    range: section!(@range $($low $high)?),
                    about: &[$($doc),+],
                },)+
            ];
        }
    };
    (@range) => { None };
    (@range $low:literal $high:literal) => { Some(($low as f64, $high as f64)) };
}
pub(super) use section;

/// The rows of every section, in the order in which they are printed.
pub const KEYS: &[&[Key]] = &[
    sections::Http::KEYS,
    sections::Data::KEYS,
    sections::Photos::KEYS,
    sections::Videos::KEYS,
    sections::Store::KEYS,
    sections::Uploads::KEYS,
    sections::Auth::KEYS,
    sections::Reports::KEYS,
    sections::Spam::KEYS,
    sections::Privacy::KEYS,
    sections::Claims::KEYS,
    sections::Log::KEYS,
    sections::Metrics::KEYS,
    sections::Telemetry::KEYS,
    sections::Jobs::KEYS,
    sections::Live::KEYS,
];

/// The row of a key written as `section.name`.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    let (section, name) = path.split_once('.')?;
    KEYS.iter().flat_map(|keys| keys.iter()).find(|key| key.section == section && key.name == name)
}

/// Checks every number of the settings against its range.
pub(super) fn check_ranges(config: &Config) -> Result<(), ConfigError> {
    let values = as_toml(config)?;
    for key in KEYS.iter().flat_map(|keys| keys.iter()) {
        let Some((low, high)) = key.range else { continue };
        let value = values.get(key.section).and_then(|section| section.get(key.name));
        let Some(value) = value.and_then(number) else { continue };
        // Written so that NaN, which compares with nothing, is refused too.
        if !(low..=high).contains(&value) {
            return Err(
                config.bad(&key.path(), format!("{value} is out of range; accepted are {low} to {high}"))
            );
        }
    }
    Ok(())
}

/// The settings as a TOML table, secrets redacted.
pub(super) fn as_toml(config: &Config) -> Result<toml::Table, ConfigError> {
    toml::Table::try_from(config).map_err(|error| {
        // Only a number beyond 64-bit signed or a path that is not UTF-8 cannot be written as TOML.
        config.bad("data.dir", format!("the settings cannot be written as TOML: {error}"))
    })
}

fn number(value: &toml::Value) -> Option<f64> {
    match value {
        // Exact up to 2^53, and every range ends below that.
        toml::Value::Integer(whole) => Some(*whole as f64),
        toml::Value::Float(float) => Some(*float),
        _ => None,
    }
}
