//! Keys of objects: `original/ab/cd/abcd….jpg`.

use std::fmt;
use std::str::FromStr;

/// Kinds of objects: the first part of a key, and the folders at the top of a local store.
pub(super) const KINDS: [&str; 5] = ["display", "original", "playback", "thumbnail", "upload"];
const MAX_EXTENSION: usize = 5;

/// The key of an object: its kind, two levels of folders, the SHA-256 of the original (or a random
/// name), an extension.
///
/// Only well-formed keys exist, so a key is safe as a path below a folder and as a name in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

/// The text is not a key of the photo store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of the photo store, such as original/ab/cd/abcd0123….jpg")]
pub struct BadKey;

impl ObjectKey {
    /// The key of an original, private as it was sent.
    ///
    /// # Errors
    /// [`BadKey`] where `extension` is not 1 to 5 lower-case ASCII letters or digits.
    pub fn original(sha256: &[u8; 32], extension: &str) -> Result<Self, BadKey> {
        Self::checked("original", sha256, extension)
    }

    /// The key of the public copy of the video with this digest.
    ///
    /// # Errors
    /// As [`ObjectKey::original`].
    pub fn playback(sha256: &[u8; 32], extension: &str) -> Result<Self, BadKey> {
        Self::checked("playback", sha256, extension)
    }

    fn checked(kind: &str, sha256: &[u8; 32], extension: &str) -> Result<Self, BadKey> {
        let valid =
            (1..=MAX_EXTENSION).contains(&extension.len()) && extension.bytes().all(is_extension_byte);
        if valid { Ok(Self::new(kind, sha256, extension)) } else { Err(BadKey) }
    }

    /// The key of the display rendition of the original with this digest.
    pub fn display(sha256: &[u8; 32]) -> Self {
        Self::new("display", sha256, "jpg")
    }

    /// The key of the thumbnail of the original with this digest.
    pub fn thumbnail(sha256: &[u8; 32]) -> Self {
        Self::new("thumbnail", sha256, "jpg")
    }

    /// The key of bytes that a client sends straight to the store and that nobody has looked at yet. The name is
    /// random, because a digest that the client claims must not lead to the photo of somebody else.
    pub fn upload(name: &[u8; 32]) -> Self {
        Self::new("upload", name, "part")
    }

    /// The media type of what is kept under this key.
    pub fn media_type(&self) -> &'static str {
        match self.0.rsplit_once('.') {
            Some((_, "jpg")) => "image/jpeg",
            Some((_, "png")) => "image/png",
            Some((_, "webp")) => "image/webp",
            Some((_, "heic")) => "image/heic",
            Some((_, "mp4")) => "video/mp4",
            Some((_, "mov")) => "video/quicktime",
            _ => "application/octet-stream",
        }
    }

    fn new(kind: &str, sha256: &[u8; 32], extension: &str) -> Self {
        let digest = hex::encode(sha256);
        // 65,536 folders hold ten million objects with some 150 in each.
        Self(format!("{kind}/{}/{}/{digest}.{extension}", &digest[..2], &digest[2..4]))
    }

    /// The key as text, with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_extension_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

impl FromStr for ObjectKey {
    type Err = BadKey;

    /// Takes only what a constructor makes: no other folder, no `..`, no upper case.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let (kind, rest) = text.split_once('/').ok_or(BadKey)?;
        let (digest, extension) = rest.get(6..).and_then(|name| name.split_once('.')).ok_or(BadKey)?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(digest, &mut sha256).map_err(|_| BadKey)?;
        let key = match kind {
            "original" => Self::original(&sha256, extension)?,
            "playback" => Self::playback(&sha256, extension)?,
            "display" => Self::display(&sha256),
            "thumbnail" => Self::thumbnail(&sha256),
            "upload" => Self::upload(&sha256),
            _ => return Err(BadKey),
        };
        if key.0 == text { Ok(key) } else { Err(BadKey) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
