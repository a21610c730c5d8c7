//! What the headers of the protocol tus 1.0.0 say: texts in, values out, nothing else needed.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The version of the protocol.
pub const VERSION: &str = "1.0.0";
/// The extensions of it that are served.
pub const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
/// The algorithms of checksums.
pub const ALGORITHMS: &str = "sha256,sha1";
/// The media type of the bytes of an upload.
pub const MEDIA_TYPE: &str = "application/offset+octet-stream";

/// Longest `Upload-Metadata`, in bytes, and most pairs in it.
const MAX_METADATA: usize = 4096;
const MAX_PAIRS: usize = 32;
/// Some clients leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with a header, in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

const fn wrong<T>(zh: &'static str, en: &'static str) -> Result<T, Wrong> {
    Err(Wrong { zh, en })
}

/// A number of bytes: decimal digits, up to what a column holds.
///
/// # Errors
/// For anything else: a sign, a blank, no digit, too many.
pub fn number(text: &str) -> Result<u64, Wrong> {
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => wrong("应为非负整数", "must be a whole number from 0 on"),
    }
}

/// Of the metadata of an upload, those that mean something here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// What the file is called where it comes from.
    pub filename: Option<String>,
    /// Its media type as claimed.
    pub filetype: Option<String>,
    /// Its SHA-256 as claimed.
    pub sha256: Option<[u8; 32]>,
}

/// Reads `Upload-Metadata`: pairs of a key and a value in Base64, each key once, parted by commas.
///
/// # Errors
/// For a header that is too long, a key that is empty, repeated or not of visible ASCII, a value that is not Base64, and a
/// `sha256` that is none.
pub fn metadata(text: &str) -> Result<Metadata, Wrong> {
    if text.len() > MAX_METADATA {
        return wrong("最长 4096 字节", "must have at most 4096 bytes");
    }
    let mut found = Metadata::default();
    // Some clients send the header with nothing in it.
    if text.trim().is_empty() {
        return Ok(found);
    }
    let mut keys: Vec<&str> = Vec::new();
    for pair in text.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong(
                "每一项应为键、空格和 Base64 值",
                "each pair must be a key, a blank and a value in Base64",
            );
        }
        if keys.contains(&key) {
            return wrong("键不得重复", "must not give a key twice");
        }
        keys.push(key);
        if keys.len() > MAX_PAIRS {
            return wrong("最多 32 项", "must have at most 32 pairs");
        }
        let Ok(value) = BASE64.decode(value) else {
            return wrong("值应为 Base64", "values must be Base64");
        };
        match key {
            "filename" => found.filename = Some(String::from_utf8_lossy(&value).into_owned()),
            "filetype" => found.filetype = Some(String::from_utf8_lossy(&value).into_owned()),
            "sha256" => found.sha256 = Some(digest(&value)?),
            _ => {}
        }
    }
    Ok(found)
}

/// A digest in hexadecimal digits.
fn digest(text: &[u8]) -> Result<[u8; 32], Wrong> {
    let mut digest = [0; 32];
    match hex::decode_to_slice(text, &mut digest) {
        Ok(()) => Ok(digest),
        Err(_) => wrong("sha256 应为 64 位十六进制", "sha256 must be 64 hexadecimal digits"),
    }
}

/// The digest that the bytes of one request must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-1, which every server of the protocol knows.
    Sha1([u8; 20]),
    /// SHA-256
    Sha256([u8; 32]),
}

/// Reads `Upload-Checksum`: an algorithm, a blank, and the digest in Base64.
///
/// # Errors
/// For another algorithm, and a digest that is none of it.
pub fn checksum(text: &str) -> Result<Checksum, Wrong> {
    let (algorithm, value) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let digest = if value.len() <= 64 { BASE64.decode(value).ok() } else { None };
    let read = match (algorithm, digest) {
        ("sha1", Some(digest)) => digest.try_into().ok().map(Checksum::Sha1),
        ("sha256", Some(digest)) => digest.try_into().ok().map(Checksum::Sha256),
        ("sha1" | "sha256", None) => None,
        _ => return wrong("算法应为 sha1 或 sha256", "the algorithm must be sha1 or sha256"),
    };
    match read {
        Some(checksum) => Ok(checksum),
        None => {
            wrong("应为算法、空格和 Base64 摘要", "must be an algorithm, a blank and the digest in Base64")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_digits() {
        for (text, value) in [("0", 0), ("007", 7), ("1073741824", 1 << 30)] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in ["", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "１", "99999999999999999999"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn metadata_are_pairs_with_unique_keys() {
        // "a.jpg", "image/jpeg" and 64 zeros.
        let zeros = BASE64.encode("0".repeat(64));
        let text = format!("filename YS5qcGc=,filetype aW1hZ2UvanBlZw,is_confidential,empty ,sha256 {zeros}");
        let read = metadata(&text).unwrap();
        assert_eq!((read.filename.as_deref(), read.filetype.as_deref()), (Some("a.jpg"), Some("image/jpeg")));
        assert_eq!(read.sha256, Some([0; 32]));
        assert_eq!(
            metadata("相机 YQ==").unwrap_err().en,
            "each pair must be a key, a blank and a value in Base64"
        );
        assert_eq!(metadata("a YQ==,b YQ==,a YQ==").unwrap_err().en, "must not give a key twice");
        assert_eq!(metadata(" "), Ok(Metadata::default()));
        for text in [",", "a YQ==,", "a Y", "a YQ== b", "a *", "sha256 YQ==", "sha256"] {
            assert!(metadata(text).is_err(), "{text:?}");
        }
        let many: Vec<String> = (0..33).map(|n| format!("k{n} YQ==")).collect();
        assert_eq!(metadata(&many.join(",")).unwrap_err().en, "must have at most 32 pairs");
        assert!(metadata(&many[..32].join(",")).is_ok());
        assert!(metadata(&format!("a {}", "A".repeat(4096))).is_err());
    }

    #[test]
    fn checksums_are_of_the_two_algorithms() {
        assert_eq!(
            checksum("sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=").map(|sum| matches!(sum, Checksum::Sha1(_))),
            Ok(true)
        );
        let sha256 = "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert!(matches!(checksum(sha256), Ok(Checksum::Sha256([0xe3, ..]))));
        for text in ["", "sha1", "sha1 ", "sha1 YQ==", "sha256 2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha1 *"] {
            assert!(checksum(text).is_err(), "{text}");
        }
        assert_eq!(
            checksum("md5 1B2M2Y8AsgTpgAmY7PhCfg==").unwrap_err().en,
            "the algorithm must be sha1 or sha256"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}") {
            let _ = (number(&text), metadata(&text), checksum(&text));
        }

        #[test]
        fn what_is_written_is_read(names in prop::collection::btree_map("[!-+\\--~]{1,8}", any::<Vec<u8>>(), 1..10)) {
            let written: Vec<String> = names
                .iter()
                .map(|(key, value)| format!("x{key} {}", BASE64.encode(value)))
                .collect();
            prop_assert!(metadata(&written.join(",")).is_ok());
        }
    }
}
