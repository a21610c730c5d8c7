//! Photos in answers.

use serde::Serialize;
use suishoupai_core::flow::{Doubt, PhotoFlag, Stage};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::photos::{MediaKind, Photo, PhotoState};
use utoipa::ToSchema;

use super::{Instant, Scene};

/// How far the renditions of a photo are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenditionState {
    /// The original is stored; the renditions are being made.
    Received,
    /// Renditions can be fetched.
    Ready,
    /// The picture cannot be rendered; the original stays as evidence.
    Failed,
}

/// Whether evidence stands or moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A picture.
    Photo,
    /// A video; its display rendition and thumbnail are a poster.
    Video,
}

const fn evidence_kind(kind: MediaKind) -> EvidenceKind {
    match kind {
        MediaKind::Photo => EvidenceKind::Photo,
        MediaKind::Video => EvidenceKind::Video,
    }
}

/// A photo that the caller has uploaded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhotoView {
    /// The key, to be named in reports and commands.
    pub id: i64,
    /// Whether it stands or moves.
    pub kind: EvidenceKind,
    /// SHA-256 of the original's bytes, lower-case hex.
    pub sha256: String,
    /// True type, sniffed from the bytes.
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// Size of the original, bytes.
    pub bytes: i64,
    /// Width as stored, pixels.
    pub width: i32,
    /// Height as stored, pixels.
    pub height: i32,
    /// EXIF orientation, 1 to 8.
    pub orientation: i32,
    /// Camera time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub taken_at: Option<Moment>,
    /// Whether the camera recorded a place. It is kept as evidence and not published.
    pub has_gps: bool,
    /// How far the renditions are.
    pub state: RenditionState,
    /// Signed link to the display rendition (longest side 2048), good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_url: Option<String>,
    /// Signed link to the thumbnail (longest side 320), good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// How long a video lasts, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Signed link to the public copy of a video, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playback_url: Option<String>,
    /// When it was uploaded.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
}

pub(super) fn urls(scene: &Scene<'_>, photo: &Photo) -> (Option<String>, Option<String>) {
    match photo.state {
        PhotoState::Ready => (
            Some(scene.links.link(photo.id, "display", photo.mask_version, scene.now)),
            Some(scene.links.link(photo.id, "thumbnail", photo.mask_version, scene.now)),
        ),
        PhotoState::Received | PhotoState::Failed => (None, None),
    }
}

fn playback(scene: &Scene<'_>, photo: &Photo) -> Option<String> {
    let is_there = photo.kind == MediaKind::Video && photo.state == PhotoState::Ready;
    is_there.then(|| scene.links.link(photo.id, "playback", photo.mask_version, scene.now))
}

pub(super) const fn rendition_state(state: PhotoState) -> RenditionState {
    match state {
        PhotoState::Received => RenditionState::Received,
        PhotoState::Ready => RenditionState::Ready,
        PhotoState::Failed => RenditionState::Failed,
    }
}

impl PhotoView {
    /// The view of a photo for its uploader.
    pub fn of(scene: &Scene<'_>, photo: &Photo) -> Self {
        let (display_url, thumbnail_url) = urls(scene, photo);
        Self {
            id: photo.id,
            kind: evidence_kind(photo.kind),
            sha256: hex::encode(photo.sha256),
            media_type: photo.media_type.clone(),
            bytes: photo.bytes,
            width: photo.width,
            height: photo.height,
            orientation: photo.orientation,
            taken_at: photo.taken_at,
            has_gps: photo.gps.is_some(),
            state: rendition_state(photo.state),
            display_url,
            thumbnail_url,
            duration_ms: photo.duration_ms,
            playback_url: playback(scene, photo),
            created_at: photo.created_at,
        }
    }
}

/// A photo as evidence in a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EvidenceView {
    /// The key of the photo.
    pub id: i64,
    /// Whether it stands or moves.
    pub kind: EvidenceKind,
    /// When in the course of the ticket it was taken.
    pub stage: Stage,
    /// The line of the history with which it came.
    pub event: i64,
    /// SHA-256 of the original's bytes, lower-case hex.
    pub sha256: String,
    /// How far the renditions are.
    pub state: RenditionState,
    /// Whether something in them was made unreadable.
    pub masked: bool,
    /// Signed link to the display rendition, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_url: Option<String>,
    /// Signed link to the thumbnail, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// How long a video lasts, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Signed link to the public copy of a video, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playback_url: Option<String>,
    /// Camera time, for officials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub taken_at: Option<Moment>,
    /// Metres between the camera's place and the ticket's, for officials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gps_distance_m: Option<f64>,
    /// What speaks against its having been taken there and then, for this ticket; for officials only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub flags: Vec<PhotoFlagView>,
}

/// A doubt about a photo.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhotoFlagView {
    /// What is doubted.
    pub flag: PhotoFlag,
    /// What is doubted, in the caller's language.
    pub name: String,
    /// Metres, seconds or bits, as the flag says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// When it was found, where that was after the photo was handed in; the hashed line does not hold it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub found_at: Option<Moment>,
}

impl PhotoFlagView {
    pub(super) fn of(scene: &Scene<'_>, doubt: &Doubt) -> Self {
        let name = scene.pick(doubt.flag.zh(), doubt.flag.en());
        Self { flag: doubt.flag, name, value: doubt.value, found_at: None }
    }
}

/// The doubts about a photo that came with a line of the history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DoubtedPhoto {
    /// The key of the photo.
    pub photo: i64,
    /// What is doubted.
    pub flags: Vec<PhotoFlagView>,
}

impl EvidenceView {
    /// The view for the public side: no time and no place of the camera.
    pub fn public(scene: &Scene<'_>, (stage, event, photo): &(Stage, i64, Photo)) -> Self {
        let (display_url, thumbnail_url) = urls(scene, photo);
        Self {
            id: photo.id,
            kind: evidence_kind(photo.kind),
            stage: *stage,
            event: *event,
            sha256: hex::encode(photo.sha256),
            state: rendition_state(photo.state),
            masked: photo.is_masked(),
            display_url,
            thumbnail_url,
            duration_ms: photo.duration_ms,
            playback_url: playback(scene, photo),
            taken_at: None,
            gps_distance_m: None,
            flags: Vec::new(),
        }
    }

    /// The view for officials, with what the camera recorded and what was doubted when it was handed in.
    pub fn official(
        scene: &Scene<'_>,
        row: &(Stage, i64, Photo),
        place: suishoupai_core::geo::LonLat,
        doubts: &[Doubt],
    ) -> Self {
        let distance = row.2.gps.map(|gps| suishoupai_core::geo::distance_m(gps, place).round());
        Self {
            taken_at: row.2.taken_at,
            gps_distance_m: distance,
            flags: doubts.iter().map(|doubt| PhotoFlagView::of(scene, doubt)).collect(),
            ..Self::public(scene, row)
        }
    }
}
