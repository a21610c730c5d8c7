//! Why a video is refused.

/// A refusal of a video. The text says what the sender can do about it; [`VideoError::code`] is for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VideoError {
    /// The file ends before the video does.
    #[error("the video ends too early; the recording or the upload was cut short, send it again")]
    Truncated,
    /// The file breaks the rules of its format.
    #[error("the video is damaged: {what}; send another one")]
    Damaged {
        /// What is wrong, in words.
        what: &'static str,
    },
    /// There is no picture that could be seen.
    #[error("the file has no video in it; send a recording with a picture")]
    NoPicture,
    /// The pictures are of a kind that is not accepted.
    #[error("a video of the codec {found} is not accepted; record it as H.264 or HEVC")]
    UnsupportedCodec {
        /// The code of the codec, as in the file.
        found: String,
    },
    /// The file comes in fragments, as for streaming.
    #[error("the video is in fragments; export it as an ordinary MP4")]
    Fragmented,
    /// The file is protected.
    #[error("the video is encrypted; send one without protection")]
    Encrypted,
    /// The file is too big.
    #[error("the video has {bytes} bytes, at most {limit} are accepted; make it shorter or smaller")]
    TooManyBytes {
        /// Length of the file in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The video is too long.
    #[error("the video lasts {} s, at most {} s are accepted; make it shorter", .millis / 1000, .limit / 1000)]
    TooLong {
        /// Its duration in milliseconds.
        millis: u64,
        /// The limit in milliseconds.
        limit: u64,
    },
    /// The pictures are too large.
    #[error(
        "the video has {width} x {height} pixels, at most {limit} a side are accepted; record it smaller"
    )]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit of a side.
        limit: u32,
    },
}

impl VideoError {
    /// The stable code of this refusal in the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "video_truncated",
            Self::Damaged { .. } | Self::NoPicture => "video_damaged",
            Self::UnsupportedCodec { .. } => "video_codec_unsupported",
            Self::Fragmented => "video_fragmented",
            Self::Encrypted => "video_encrypted",
            Self::TooManyBytes { .. } => "video_too_large",
            Self::TooLong { .. } => "video_too_long",
            Self::TooManyPixels { .. } => "video_too_many_pixels",
        }
    }
}

/// A rule of the format that is broken.
pub(super) const fn damaged<T>(what: &'static str) -> Result<T, VideoError> {
    Err(VideoError::Damaged { what })
}
