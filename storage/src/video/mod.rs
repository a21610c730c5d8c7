//! Bytes that somebody uploaded as a video: what they are, what they tell, and the copy that others may see.
//!
//! MP4 and QuickTime are walked box by box, through a window of the file; nothing is decoded. [`inspect`] refuses what is
//! cut, in fragments, encrypted, too long, too large or of a codec that browsers do not show. It also plans the public copy:
//! the same file, byte for byte at the same places, in which everything that is not needed to play its first picture track
//! and its first sound track is overwritten with zeros. So no offset changes, and nothing is left by oversight: what is kept
//! is listed, not what is removed.

mod boxes;
mod claims;
mod error;
mod movie;
mod placeholder;
mod poster;
mod samples;
mod strip;
#[cfg(test)]
mod tests;
mod track;
mod window;

use std::io::{self, Read, Seek};

use suishoupai_core::geo::LonLat;
use suishoupai_core::time::Moment;

pub use error::VideoError;
pub use placeholder::placeholder;
pub use poster::{PosterError, first_frame};
pub use strip::write_public;

use strip::Plan;
use window::Window;

/// How much of a video is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoLimits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Duration in milliseconds.
    pub millis: u64,
    /// The longer side, in pixels.
    pub side: u32,
}

impl Default for VideoLimits {
    /// 50 MiB, 60 s and a little, 8192 pixels a side.
    fn default() -> Self {
        Self::new(50 << 20, 60)
    }
}

impl VideoLimits {
    /// Limits of bytes and whole seconds. A recording that was stopped by a phone's own limit of as many seconds is a few
    /// frames longer, and is accepted.
    pub const fn new(bytes: u64, seconds: u64) -> Self {
        Self { bytes, millis: seconds * 1000 + 999, side: 8192 }
    }
}

/// The container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoKind {
    /// MP4, 3GP among them.
    Mp4,
    /// QuickTime.
    Mov,
}

impl VideoKind {
    /// The media type for `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
        }
    }

    /// The file name extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
        }
    }
}

/// What a video says about itself. Time, place and camera are claims of the sender's device, as with a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// The container.
    pub kind: VideoKind,
    /// Width in pixels as stored, before `orientation` is applied.
    pub width: u32,
    /// Height in pixels as stored, before `orientation` is applied.
    pub height: u32,
    /// How it must be turned to stand upright, in the numbers of EXIF: 1, 3, 6 or 8.
    pub orientation: u8,
    /// How long it lasts, milliseconds: the longest of what the file says in several places.
    pub millis: u64,
    /// The code of the pictures' codec, such as `avc1`.
    pub codec: String,
    /// Whether there is sound that will be heard.
    pub has_sound: bool,
    /// When it was recorded.
    pub taken_at: Option<Moment>,
    /// Where, WGS-84.
    pub gps: Option<LonLat>,
    /// Maker and model, printable characters only, at most 64.
    pub camera: Option<String>,
    plan: Plan,
}

/// Major brands of pictures that come in the same boxes.
const PICTURES: [&[u8]; 14] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1",
    b"avif", b"avis", b"crx ",
];

/// Whether a file that begins so is looked at as a video: an ISO base media file that is no picture.
pub fn is_video(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp") && head.get(8..12).is_some_and(|brand| !PICTURES.contains(&brand))
}

/// Says what a video is, or why it is refused. Decodes nothing, never panics, and holds little of the file in memory.
///
/// # Errors
/// The outer error where the file cannot be read, the inner one where the video is refused.
pub fn inspect(file: impl Read + Seek, limits: &VideoLimits) -> io::Result<Result<Video, VideoError>> {
    let mut window = Window::new(file)?;
    let video = movie::read(&mut window, limits);
    window.failure().map_or(Ok(video), Err)
}
