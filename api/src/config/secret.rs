//! A text that must not reach a log, an error or a printed configuration.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

/// A secret setting. `Debug` and `Serialize` write `[redacted]`; only [`Secret::expose`] gives the text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// The text is not 32 bytes in base64.
#[derive(Debug, thiserror::Error)]
#[error("must be 32 bytes in base64 (44 characters); make one with: openssl rand -base64 32")]
pub struct BadKey;

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secrets of a list, which commas separate.
    pub fn parts(&self) -> impl Iterator<Item = Secret> + '_ {
        self.0.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Secret::new)
    }

    /// The secret read as a key: 32 bytes in standard base64, blanks around it ignored.
    ///
    /// # Errors
    /// [`BadKey`] when it is anything else.
    pub fn key_bytes(&self) -> Result<[u8; 32], BadKey> {
        let bytes = STANDARD.decode(self.0.trim()).map_err(|_| BadKey)?;
        bytes.try_into().map_err(|_| BadKey)
    }
}

/// The text is no ring of keys.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be keys of 32 bytes in base64 (44 characters each), oldest first, `-` for one that was taken out, but not \
         for the oldest and the last"
)]
pub struct BadKeys;

impl Secret {
    /// The secret read as keys, oldest first, between blanks, commas or ends of lines; `None` for a `-`.
    ///
    /// # Errors
    /// `BadKeys` when it is anything else.
    pub fn keys(&self) -> Result<Vec<Option<[u8; 32]>>, BadKeys> {
        let parts = self.0.split(|c: char| c.is_whitespace() || c == ',').filter(|part| !part.is_empty());
        let key = |part: &str| match part {
            "-" => Ok(None),
            part => Self::new(part).key_bytes().map(Some).map_err(|_| BadKeys),
        };
        let keys: Vec<_> = parts.map(key).collect::<Result<_, _>>()?;
        match (keys.first(), keys.last()) {
            (Some(Some(_)), Some(Some(_))) if keys.len() <= usize::from(u8::MAX) => Ok(keys),
            _ => Err(BadKeys),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}
