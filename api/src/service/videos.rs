//! Videos: refused with a reason; the copy that others may see, and its poster.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use suishoupai_storage::db::photos::Photo;
use suishoupai_storage::picture::{self, Limits, PictureError, Renditions};
use suishoupai_storage::store::{ObjectKey, Spool, Spooled, StoreError};
use suishoupai_storage::video::{self, Video, VideoError, VideoLimits};

use super::photos::original_key;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// The problem for a refused video.
pub fn refused(error: &VideoError) -> Problem {
    let zh = match error {
        VideoError::Truncated => "录像或上传中断，请重新发送。".to_owned(),
        VideoError::Damaged { .. } | VideoError::NoPicture => "请重新拍摄或另选一段。".to_owned(),
        VideoError::UnsupportedCodec { found } => format!("不支持编码 {found}，请用 H.264 或 HEVC 录制。"),
        VideoError::Fragmented => "请导出为普通的 MP4。".to_owned(),
        VideoError::Encrypted => "请发送未加密的视频。".to_owned(),
        VideoError::TooManyBytes { limit, .. } => {
            format!("视频最大 {} MiB，请缩短或压缩后重试。", limit >> 20)
        }
        VideoError::TooLong { limit, .. } => format!("视频最长 {} 秒，请剪短后重试。", limit / 1000),
        VideoError::TooManyPixels { .. } => "请降低分辨率后重新录制。".to_owned(),
    };
    let code = Code::named(error.code()).unwrap_or(Code::VideoDamaged);
    Problem::new(code).detail(Text::new(zh, error.to_string()))
}

/// The key of the public copy.
pub(super) fn playback_key(photo: &Photo) -> Result<ObjectKey, Fail> {
    ObjectKey::playback(&photo.sha256, &photo.extension).map_err(|error| Fail::internal(&error))
}

/// Makes the public copy of a video and stores it; the two pictures that stand for it, or why there can be none.
///
/// # Errors
/// The store's.
pub(super) async fn render(services: &Services, photo: &Photo) -> Result<Result<Renditions, String>, Fail> {
    let original = fetch(services, photo).await?;
    let maker = Maker {
        spool: services.store.spool().clone(),
        limits: services.video_limits(),
        picture_limits: services.photo_limits(),
        ffmpeg: services.config.videos.ffmpeg.clone(),
        patience: Duration::from_secs(services.config.videos.poster_seconds),
    };
    let made = services.renderer.work(move || maker.make(&original)).await;
    let crashed = || Fail::internal(&std::io::Error::other("the public copy of a video was not finished"));
    match made.ok_or_else(crashed)?? {
        Ok((copy, pictures)) => {
            services.store.put_file(&playback_key(photo)?, &copy).await?;
            Ok(Ok(pictures))
        }
        Err(why) => Ok(Err(why)),
    }
}

/// The original in a file.
async fn fetch(services: &Services, photo: &Photo) -> Result<Spooled, Fail> {
    let mut reading = services.store.read(&original_key(&photo.sha256, &photo.extension)?, None).await?;
    let mut incoming = services.store.spool().begin(reading.length);
    while let Some(portion) = reading.portions.next().await {
        let longer = |_| Fail::internal(&std::io::Error::other("the store sent more than it announced"));
        incoming = incoming.push(&portion?).await?.map_err(longer)?;
    }
    Ok(incoming.finish().await?)
}

/// What is needed to make the copy and its pictures, off the async threads.
struct Maker {
    spool: Spool,
    limits: VideoLimits,
    picture_limits: Limits,
    ffmpeg: Option<String>,
    patience: Duration,
}

impl Maker {
    fn make(&self, original: &Spooled) -> Result<Result<(Spooled, Renditions), String>, StoreError> {
        let video = match original.inspect_video(&self.limits)? {
            Some(Ok(video)) => video,
            Some(Err(error)) => return Ok(Err(error.to_string())),
            None => return Ok(Err("it is no video any more".to_owned())),
        };
        let copy =
            self.spool.write(|copy| video::write_public(&video, File::open(original.path())?, copy))?;
        let pictures = self.pictures(&video, copy.path()).map_err(|error| error.to_string());
        Ok(pictures.map(|pictures| (copy, pictures)))
    }

    /// The first frame where a decoder is at hand and can read it, else a picture that says that it is a video.
    fn pictures(&self, video: &Video, copy: &Path) -> Result<Renditions, PictureError> {
        let Some(ffmpeg) = &self.ffmpeg else { return video::placeholder(video) };
        let frame = video::first_frame(Path::new(ffmpeg), copy, self.patience);
        let frame = frame.map_err(|error| error.to_string());
        let made = frame.and_then(|frame| self.rendered(&frame).map_err(|error| error.to_string()));
        made.or_else(|problem| {
            tracing::warn!(%problem, "no first frame of a video; a placeholder is drawn");
            video::placeholder(video)
        })
    }

    fn rendered(&self, frame: &[u8]) -> Result<Renditions, PictureError> {
        let inspected = picture::inspect(frame, &self.picture_limits)?;
        picture::render(frame, &inspected, &self.picture_limits)
    }
}
