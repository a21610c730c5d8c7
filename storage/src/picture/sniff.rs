//! The type of a file by its first bytes: a short list of what is accepted, and names for what people send otherwise.

use super::error::PictureError;

/// The accepted formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureKind {
    /// JPEG, including the first picture of an MPO.
    Jpeg,
    /// PNG, including the first frame of an APNG.
    Png,
    /// WebP, including the first frame of an animation.
    Webp,
    /// HEIC, the format of newer telephones.
    #[cfg(feature = "heic")]
    Heic,
}

impl PictureKind {
    /// The media type for `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            #[cfg(feature = "heic")]
            Self::Heic => "image/heic",
        }
    }

    /// The file name extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            #[cfg(feature = "heic")]
            Self::Heic => "heic",
        }
    }
}

/// As much of a file as is looked at for its type.
pub(super) const HEAD: usize = 1024;

/// The kind of an accepted file, or a refusal that names what it is.
pub(super) fn sniff(bytes: &[u8]) -> Result<PictureKind, PictureError> {
    if bytes.starts_with(b"\xff\xd8\xff") {
        Ok(PictureKind::Jpeg)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Ok(PictureKind::Png)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Ok(PictureKind::Webp)
    } else {
        match name_of(bytes) {
            #[cfg(feature = "heic")]
            HEIC => Ok(PictureKind::Heic),
            // What a telephone can send otherwise as well, so its program is told to.
            #[cfg(not(feature = "heic"))]
            found @ HEIC => Err(PictureError::ConvertToJpeg { found }),
            found @ AVIF => Err(PictureError::ConvertToJpeg { found }),
            found => Err(PictureError::UnsupportedType { found }),
        }
    }
}

const HEIC: &str = "HEIC";
const AVIF: &str = "AVIF";

/// Names by the start of the file. Order matters only where one prefix contains another.
const NAMES: [(&[u8], &str); 16] = [
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\x01\0", "ICO"),
    (b"%PDF", "PDF"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"PK\x03\x04", "ZIP or office document"),
    (b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (b"\xff\xd8", "broken JPEG"),
];

fn name_of(bytes: &[u8]) -> &'static str {
    if let Some((_, name)) = NAMES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return name;
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return name_of_brand(bytes.get(8..12).unwrap_or_default());
    }
    name_of_text(bytes)
}

/// ISO base media files say what they are in the major brand (ISO/IEC 14496-12, 23008-12).
fn name_of_brand(brand: &[u8]) -> &'static str {
    match brand {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => HEIC,
        b"avif" | b"avis" => AVIF,
        b"qt  " => "QuickTime video",
        _ => "MP4 video",
    }
}

fn name_of_text(bytes: &[u8]) -> &'static str {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    if head.windows(4).any(|w| w == b"<svg") {
        return "SVG";
    }
    if head.windows(5).any(|w| w.eq_ignore_ascii_case(b"<html")) {
        return "HTML";
    }
    // The last character may be cut by the window of 1 KiB, which is not a fault of the text.
    let textual = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none() && e.valid_up_to() > 0,
    };
    if textual && !head.contains(&0) { "text" } else { "unknown" }
}
