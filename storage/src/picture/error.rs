//! Why a picture is refused.

/// A refusal of a picture. The text says what the sender can do about it; [`PictureError::code`] is for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// There are no bytes.
    #[error("the photo is empty; take it again")]
    Empty,
    /// The bytes are something else than a JPEG, PNG or WebP.
    #[error("a file of type {found} is not accepted; send JPEG (or PNG, WebP)")]
    UnsupportedType {
        /// The type that was recognised, in words.
        found: &'static str,
    },
    /// A format of telephones that this build does not decode.
    #[error("this server cannot read {found} photos; convert the photo to JPEG and send that")]
    ConvertToJpeg {
        /// The format.
        found: &'static str,
    },
    /// The file ends before the picture does.
    #[error("the photo ends too early; the upload was cut short, send it again")]
    Truncated,
    /// The file breaks the rules of its format.
    #[error("the photo is damaged: {what}; send another one")]
    Damaged {
        /// What is wrong, in words.
        what: &'static str,
    },
    /// The file is too big.
    #[error("the photo has {bytes} bytes, at most {limit} are accepted; send it smaller")]
    TooManyBytes {
        /// Length of the file in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Width times height is too big.
    #[error("the photo has {width} x {height} pixels, at most {limit} are accepted; send it smaller")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit of width times height.
        limit: u64,
    },
    /// One side is too long.
    #[error("a side of the photo has {side} pixels, at most {limit} are accepted; send it smaller")]
    SideTooLong {
        /// The longer side in pixels.
        side: u32,
        /// The limit in pixels.
        limit: u32,
    },
    /// A JPEG with more passes than any camera writes.
    #[error("the JPEG has more than {limit} scans; save it anew as a normal JPEG")]
    TooManyScans {
        /// The limit of scans.
        limit: u32,
    },
    /// Rendering took longer than is allowed.
    #[error("the photo could not be processed within {seconds} s; send it smaller")]
    TooSlow {
        /// The limit in seconds.
        seconds: u64,
    },
}

impl PictureError {
    /// The stable code of this refusal in the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "photo_empty",
            Self::UnsupportedType { .. } => "photo_type_unsupported",
            Self::ConvertToJpeg { .. } => "photo_convert_to_jpeg",
            Self::Truncated => "photo_truncated",
            Self::Damaged { .. } => "photo_damaged",
            Self::TooManyBytes { .. } => "photo_too_large",
            Self::TooManyPixels { .. } | Self::SideTooLong { .. } => "photo_too_many_pixels",
            Self::TooManyScans { .. } => "photo_too_many_scans",
            Self::TooSlow { .. } => "photo_too_slow",
        }
    }
}
