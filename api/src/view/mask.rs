//! Masks of photos in answers.

use serde::Serialize;
use suishoupai_core::flow::masking::{Area, MaskEvent, MaskVerb, WHOLE};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::photos::Photo;
use utoipa::ToSchema;

use super::photo::{rendition_state, urls};
use super::{Instant, RenditionState, Scene, UnitRef};

/// A rectangle in shares of the picture as it is shown, upright: 0 is left and top, 1 right and bottom.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct AreaView {
    /// From the left side.
    #[schema(minimum = 0, maximum = 1)]
    pub left: f64,
    /// From the top.
    #[schema(minimum = 0, maximum = 1)]
    pub top: f64,
    /// Width.
    #[schema(minimum = 0, maximum = 1)]
    pub width: f64,
    /// Height.
    #[schema(minimum = 0, maximum = 1)]
    pub height: f64,
}

impl AreaView {
    fn of(area: &Area) -> Self {
        let share = |part: u32| f64::from(part) / f64::from(WHOLE);
        Self {
            left: share(area.left),
            top: share(area.top),
            width: share(area.width),
            height: share(area.height),
        }
    }
}

/// One line of the history of a mask.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MaskEventView {
    /// Counts from 1 within the photo.
    pub seq: i64,
    /// When.
    #[schema(value_type = Instant)]
    pub at: Moment,
    /// What was done.
    pub action: MaskVerb,
    /// What was done, in the caller's language.
    #[schema(example = "打码")]
    pub action_name: String,
    /// As what the actor acted, in the caller's language.
    pub role_name: String,
    /// From where the actor acted.
    pub unit: UnitRef,
    /// Who acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// Key of the ticket by which the actor might do it.
    pub ticket: i64,
    /// The whole mask afterwards.
    pub areas: Vec<AreaView>,
    /// Why.
    pub reason: String,
    /// The link of the hash chain.
    pub hash: String,
}

/// The mask of a photo.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MaskView {
    /// Key of the photo.
    pub photo: i64,
    /// How often the mask was changed.
    pub version: i64,
    /// What is unreadable now; empty where nothing is masked.
    pub areas: Vec<AreaView>,
    /// How far the renditions with this mask are. Those of before are given to nobody.
    pub state: RenditionState,
    /// Width and height of the display rendition in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 2, max_items = 2)]
    pub display_size: Option<Vec<i32>>,
    /// Signed link to the display rendition, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_url: Option<String>,
    /// Signed link to the thumbnail, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Its history, oldest first.
    pub events: Vec<MaskEventView>,
}

impl MaskView {
    /// The view of a photo's mask.
    pub fn of(scene: &Scene<'_>, photo: &Photo, areas: &[Area], lines: &[(MaskEvent, String)]) -> Self {
        let (display_url, thumbnail_url) = urls(scene, photo);
        Self {
            photo: photo.id,
            version: photo.mask_version,
            areas: areas.iter().map(AreaView::of).collect(),
            state: rendition_state(photo.state),
            display_size: photo.display.map(|(width, height)| vec![width, height]),
            display_url,
            thumbnail_url,
            events: lines.iter().map(|(line, hash)| event(scene, line, hash)).collect(),
        }
    }
}

fn event(scene: &Scene<'_>, line: &MaskEvent, hash: &str) -> MaskEventView {
    MaskEventView {
        seq: line.seq,
        at: Moment::from_millis(line.at),
        action: line.verb,
        action_name: scene.pick(line.verb.zh(), line.verb.en()),
        role_name: scene.pick(line.role.zh(), line.role.en()),
        unit: UnitRef::of(scene, line.unit),
        actor_name: scene.official(line.actor),
        ticket: line.ticket,
        areas: line.areas.iter().map(AreaView::of).collect(),
        reason: line.reason.clone(),
        hash: hash.to_owned(),
    }
}
