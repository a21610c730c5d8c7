//! Texts that people type, bounded: parsed at the border, so that nothing behind it checks again.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// A text of 1 to `MAX` characters that is not blank, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words<const MAX: usize>(String);

impl<const MAX: usize> Words<MAX> {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a text.
    ///
    /// # Errors
    /// In words, when it is blank, too long, or has a NUL character.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err("must not be blank".to_owned());
        }
        if text.chars().count() > MAX {
            return Err(format!("must have at most {MAX} characters"));
        }
        if text.contains('\0') {
            return Err("must not contain the character NUL".to_owned());
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Words<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl<const MAX: usize> utoipa::PartialSchema for Words<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX))
            .pattern(Some(r"^[^\u0000]*[^\s\u0000][^\u0000]*$"))
            .into()
    }
}

impl<const MAX: usize> utoipa::ToSchema for Words<MAX> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Words{MAX}"))
    }
}

/// Whether a text may be a sign-in name.
///
/// # Errors
/// In words, when it may not.
pub fn login(text: &str) -> Result<(), &'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_one = (2..=32).contains(&text.len()) && text.bytes().all(fits);
    if is_one { Ok(()) } else { Err("must be 2 to 32 small letters, digits, - and _") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_trimmed_and_not_blank() {
        assert_eq!(Words::<4>::parse(" 路灯 ").unwrap().as_str(), "路灯");
        for bad in ["", "  ", "\u{3000}", "12345", "a\0"] {
            assert!(Words::<4>::parse(bad).is_err(), "{bad:?}");
        }
    }
}
