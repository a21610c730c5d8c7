//! The exposure board in answers.

use serde::Serialize;
use suishoupai_core::flow::exposure::{Exposure, ExposureEvent, ExposureState, ExposureVerb};
use suishoupai_core::privacy::mask_numbers;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::exposures::Published;
use suishoupai_storage::db::photos::Photo;
use utoipa::ToSchema;

use super::photo::{rendition_state, urls};
use super::{Instant, RenditionState, Scene, UnitRef};

/// A published picture, as anybody sees it: nobody's name, and no place but the community.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PublishedView {
    /// The key.
    pub id: i64,
    /// What is to be read.
    #[schema(example = "乱堆建筑垃圾占用人行道")]
    pub text: String,
    /// Name of the community in which it was.
    pub community: String,
    /// Name of the category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// When it was published.
    #[schema(value_type = Instant)]
    pub published_at: Moment,
    /// Signed link to the picture, good for about an hour; absent while it is made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_url: Option<String>,
    /// Signed link to its thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
}

impl PublishedView {
    /// The view of a published entry.
    pub fn of(scene: &Scene<'_>, row: &Published) -> Self {
        let link =
            |kind| row.is_ready.then(|| scene.links.link(row.photo, kind, row.mask_version, scene.now));
        let community = scene.registry.tree.get(row.community).map(|unit| unit.name.to_string());
        let category = row.category.as_deref().map(|code| {
            let catalogue = scene.registry.districts.get(&row.district).map(|data| &data.catalogue);
            let found = catalogue.and_then(|catalogue| catalogue.get(code));
            found.map_or_else(|| code.to_owned(), |category| category.minor_name.to_string())
        });
        Self {
            id: row.id,
            text: mask_numbers(&row.text),
            community: community.unwrap_or_default(),
            category,
            published_at: row.published_at,
            display_url: link("display"),
            thumbnail_url: link("thumbnail"),
        }
    }
}

/// A page of published pictures.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PublishedPage {
    /// The pictures, the newest first.
    pub items: Vec<PublishedView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One line of the officials' list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExposureLine {
    /// The key.
    pub id: i64,
    /// Key of the ticket.
    pub ticket_id: i64,
    /// Key of the photo.
    pub photo_id: i64,
    /// Where it stands.
    pub state: ExposureState,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// The version, to be sent back with a change.
    pub version: i64,
    /// What the public reads.
    pub text: String,
    /// Whether nothing needs a mask, by the proposer's word.
    pub declared_clean: bool,
    /// When it was proposed.
    #[schema(value_type = Instant)]
    pub proposed_at: Moment,
    /// When it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub published_at: Option<Moment>,
    /// When it was refused or taken down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub ended_at: Option<Moment>,
}

impl ExposureLine {
    /// The view of an entry.
    pub fn of(scene: &Scene<'_>, entry: &Exposure) -> Self {
        Self {
            id: entry.id,
            ticket_id: entry.ticket,
            photo_id: entry.photo,
            state: entry.state,
            state_name: scene.pick(entry.state.zh(), entry.state.en()),
            version: entry.version,
            text: entry.text.clone(),
            declared_clean: entry.declared_clean,
            proposed_at: entry.proposed_at,
            published_at: entry.published_at,
            ended_at: entry.ended_at,
        }
    }
}

/// A page of entries.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExposurePage {
    /// The entries, the newest first.
    pub items: Vec<ExposureLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One line of the history of an entry.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExposureEventView {
    /// Counts from 1 within the entry.
    pub seq: i64,
    /// When.
    #[schema(value_type = Instant)]
    pub at: Moment,
    /// What was done.
    pub action: ExposureVerb,
    /// What was done, in the caller's language.
    #[schema(example = "审核通过")]
    pub action_name: String,
    /// The state after.
    pub to_state: ExposureState,
    /// As what the actor acted, in the caller's language.
    pub role_name: String,
    /// From where the actor acted.
    pub unit: UnitRef,
    /// Who acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The link of the hash chain.
    pub hash: String,
}

impl ExposureEventView {
    /// The view of a line with its hash.
    pub fn of(scene: &Scene<'_>, (line, hash): &(ExposureEvent, String)) -> Self {
        Self {
            seq: line.seq,
            at: Moment::from_millis(line.at),
            action: line.verb,
            action_name: scene.pick(line.verb.zh(), line.verb.en()),
            to_state: line.to,
            role_name: scene.pick(line.role.zh(), line.role.en()),
            unit: UnitRef::of(scene, line.unit),
            actor_name: scene.official(line.actor),
            reason: line.reason.clone(),
            hash: hash.clone(),
        }
    }
}

/// An entry of the exposure board, as officials see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExposureView {
    /// The entry itself.
    #[serde(flatten)]
    pub entry: ExposureLine,
    /// How far the renditions of the picture are.
    pub picture_state: RenditionState,
    /// Whether something in them is masked.
    pub masked: bool,
    /// Whether the picture was masked anew since it was proposed.
    pub picture_changed: bool,
    /// Signed link to the picture, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_url: Option<String>,
    /// Signed link to its thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Its history, oldest first.
    pub events: Vec<ExposureEventView>,
    /// What the caller may do now.
    pub allowed_actions: Vec<ExposureVerb>,
}

impl ExposureView {
    /// The view of an entry without its history.
    pub fn of(scene: &Scene<'_>, entry: &Exposure, photo: &Photo) -> Self {
        let (display_url, thumbnail_url) = urls(scene, photo);
        Self {
            entry: ExposureLine::of(scene, entry),
            picture_state: rendition_state(photo.state),
            masked: photo.is_masked(),
            picture_changed: photo.mask_version != entry.mask_version,
            display_url,
            thumbnail_url,
            events: Vec::new(),
            allowed_actions: Vec::new(),
        }
    }
}
