//! Evidence that was seen before, in answers to officials.

use serde::Serialize;
use suishoupai_core::flow::{Doubt, Stage};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::evidence::SeenRow;
use utoipa::ToSchema;

use super::{DoubtedPhoto, EvidenceView, Instant, PhotoFlagView, Scene, TicketView};

/// Another ticket, named.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OtherTicket {
    /// The key.
    pub id: i64,
    /// 案卷号
    pub number: String,
}

/// A photo that was seen before.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeenBeforeView {
    /// The key of the photo.
    pub photo: i64,
    /// At which stage of this ticket it stands.
    pub stage: Stage,
    /// How it was seen before.
    pub kind: SeenBefore,
    /// How it was seen before, in the caller's language.
    pub kind_name: String,
    /// The ticket where it was seen before, where the caller may see that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_ticket: Option<OtherTicket>,
    /// The key of the photo that was there before, where the caller may see its ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_photo: Option<i64>,
    /// At which stage that one stands.
    pub other_stage: Stage,
    /// Signed link to a thumbnail of that one, where the caller may see its ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_thumbnail_url: Option<String>,
    /// In how many of 64 bits their hashes differ: 0 also for the same file, up to 4 the same picture.
    pub differing_bits: i32,
    /// When it was found.
    #[schema(value_type = Instant)]
    pub found_at: Moment,
}

impl SeenBeforeView {
    /// The view of a row, with the other ticket where the caller may see it.
    pub fn of(scene: &Scene<'_>, row: &SeenRow, other: Option<OtherTicket>) -> Self {
        let other_photo = other.as_ref().map(|_| row.other_photo);
        let link = |photo| scene.links.link(photo, "thumbnail", row.other_mask_version, scene.now);
        Self {
            photo: row.photo,
            stage: row.stage,
            kind: row.kind,
            kind_name: scene.pick(row.kind.zh(), row.kind.en()),
            other_ticket: other,
            other_photo,
            other_stage: row.other_stage,
            other_thumbnail_url: other_photo.map(link),
            differing_bits: row.bits,
            found_at: row.found_at,
        }
    }
}

/// Says of the evidence and of the lines of the history what was found after they were written.
pub fn add_found(scene: &Scene<'_>, view: &mut TicketView, rows: impl Iterator<Item = SeenRow>) {
    for row in rows {
        let is_it = |one: &&mut EvidenceView| one.id == row.photo && one.stage == row.stage;
        let Some(evidence) = view.evidence.iter_mut().find(is_it) else { continue };
        let doubt = Doubt { flag: row.kind.flag(), value: Some(i64::from(row.bits)) };
        if evidence.flags.iter().any(|known| known.flag == doubt.flag) {
            continue;
        }
        let flag = PhotoFlagView { found_at: Some(row.found_at), ..PhotoFlagView::of(scene, &doubt) };
        evidence.flags.push(flag.clone());
        let Some(line) = view.events.iter_mut().find(|line| line.seq == evidence.event) else { continue };
        match line.doubted.iter_mut().find(|doubted| doubted.photo == row.photo) {
            Some(doubted) => doubted.flags.push(flag),
            None => line.doubted.push(DoubtedPhoto { photo: row.photo, flags: vec![flag] }),
        }
    }
}
