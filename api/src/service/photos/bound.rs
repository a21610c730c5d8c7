//! How many bytes a file may have, by what is known of it.

use suishoupai_storage::db::photos::MediaKind;
use suishoupai_storage::video::is_video;

use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// How many bytes a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The most bytes.
    pub bytes: u64,
    kind: MediaKind,
}

impl Bound {
    fn of_kind(services: &Services, kind: MediaKind) -> Self {
        let bytes = match kind {
            MediaKind::Photo => services.config.photos.max_bytes,
            MediaKind::Video => services.config.videos.max_bytes,
        };
        Self { bytes, kind }
    }

    /// The larger of the bounds, for a file of which nothing is known.
    pub fn of_any(services: &Services) -> Self {
        let [photo, video] = [MediaKind::Photo, MediaKind::Video].map(|kind| Self::of_kind(services, kind));
        if video.bytes > photo.bytes { video } else { photo }
    }

    /// By the media type that is claimed.
    pub fn of_type(services: &Services, media_type: Option<&str>) -> Self {
        match media_type.and_then(|text| text.split('/').next()) {
            Some("image") => Self::of_kind(services, MediaKind::Photo),
            Some("video") => Self::of_kind(services, MediaKind::Video),
            _ => Self::of_any(services),
        }
    }

    /// By the first bytes.
    pub fn of_head(services: &Services, head: &[u8]) -> Self {
        match head.len() {
            0..12 => Self::of_any(services),
            _ if is_video(head) => Self::of_kind(services, MediaKind::Video),
            _ => Self::of_kind(services, MediaKind::Photo),
        }
    }

    /// The problem of more bytes.
    pub fn exceeded(self) -> Problem {
        let most = self.bytes >> 20;
        match self.kind {
            MediaKind::Photo => Problem::new(Code::PhotoTooLarge).detail(Text::new(
                format!("照片最大 {most} MiB，请压缩后重试。"),
                format!("A photo may have at most {most} MiB."),
            )),
            MediaKind::Video => Problem::new(Code::VideoTooLarge).detail(Text::new(
                format!("视频最大 {most} MiB，请缩短或压缩后重试。"),
                format!("A video may have at most {most} MiB."),
            )),
        }
    }
}
