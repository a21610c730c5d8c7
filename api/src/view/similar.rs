//! Tickets that may be about the same, in answers.

use serde::Serialize;
use suishoupai_core::flow::State;
use suishoupai_core::geo::LonLat;
use suishoupai_core::likeness::{ago, public_title, rounded};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::lists::Summary;
use suishoupai_storage::db::similar::Picture;
use utoipa::ToSchema;

use super::{CategoryRef, EventView, EvidenceView, Instant, Scene, TicketLine};
use crate::service::similar::Candidate;

/// Something that speaks for or against being the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LikenessReason {
    /// The stable word.
    #[schema(example = "same_picture")]
    pub reason: &'static str,
    /// In the caller's language.
    #[schema(example = "照片相同")]
    pub words: String,
}

fn reasons(scene: &Scene<'_>, found: &Candidate) -> Vec<LikenessReason> {
    let said = |reason: &suishoupai_core::likeness::Reason| LikenessReason {
        reason: reason.as_str(),
        words: scene.pick(&reason.zh(), &reason.en()),
    };
    found.likeness.reasons.iter().map(said).collect()
}

/// What somebody else has reported and may be the same, as everybody may see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimilarReport {
    /// The key, by which it can be followed.
    pub ticket_id: i64,
    /// The beginning of what was reported, without long numbers.
    pub title: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    /// Where it stands.
    pub state: State,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// Longitude, WGS-84, to about ten metres.
    pub lon: f64,
    /// Latitude, WGS-84, to about ten metres.
    pub lat: f64,
    /// Metres to it, to ten.
    pub distance_m: f64,
    /// How many people reported or follow it.
    pub people: usize,
    /// In a sentence, what the caller may do instead of reporting it again.
    #[schema(example = "12 人反映了同一问题（昨天首次上报），可以附议，不必重复上报。")]
    pub summary: String,
    /// Signed link to a thumbnail, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Whether the caller follows it or has reported it.
    pub yours: bool,
    /// Whether the caller may follow it now.
    pub may_follow: bool,
    /// How likely it is the same, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u8,
    /// Why.
    pub reasons: Vec<LikenessReason>,
    /// When it was reported.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When it last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
}

impl SimilarReport {
    /// The view for an account.
    pub fn of(scene: &Scene<'_>, district: District, found: &Candidate, account: i64) -> Self {
        let row = &found.row;
        let at = rounded(LonLat { lon: row.lon, lat: row.lat });
        let yours = found.people.contains(&account);
        Self {
            ticket_id: row.id,
            title: public_title(&row.title),
            category: row.category.as_deref().map(|code| CategoryRef::of(scene, district, code)),
            state: row.state,
            state_name: scene.pick(row.state.zh(), row.state.en()),
            lon: at.lon,
            lat: at.lat,
            distance_m: (found.distance_m / 10.0).round() * 10.0,
            people: found.people.len().max(1),
            summary: summary(scene, row, found.people.len().max(1), yours),
            thumbnail_url: found.photo.map(|photo| shown_link(scene, &photo, "thumbnail")),
            yours,
            may_follow: !yours && !row.state.is_final(),
            score: found.likeness.score,
            reasons: reasons(scene, found),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The link to a rendition of a photo that came with a report.
pub fn shown_link(scene: &Scene<'_>, picture: &Picture, rendition: &str) -> String {
    scene.links.link(picture.photo, rendition, picture.mask_version, scene.now)
}

fn summary(scene: &Scene<'_>, row: &Summary, people: usize, yours: bool) -> String {
    let (zh, en) = ago(row.created_at, scene.now);
    let who = if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
    if yours {
        return scene.pick(
            &format!("您已反映或附议过此问题（{zh}上报），可查看进展。"),
            &format!("You have reported or follow this one, reported {en}: see how it goes on."),
        );
    }
    if row.state.is_final() {
        return scene.pick(
            &format!("{zh}有人反映过同一问题，已办结；如问题仍在，请继续上报。"),
            &format!("Reported {en} and dealt with; if it is there again, report it."),
        );
    }
    scene.pick(
        &format!("{people} 人反映了同一问题（{zh}首次上报），可以附议，不必重复上报。"),
        &format!("{who} reported this, the first one {en}: follow it instead of reporting it again."),
    )
}

/// What may be the same as what is about to be reported.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimilarReports {
    /// The likeliest first.
    pub items: Vec<SimilarReport>,
    /// Whether photos have not been looked at yet: asked again in a second, the answer may hold more.
    pub photos_pending: bool,
}

/// A ticket that may be the same as another one, for officials.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimilarTicket {
    /// The ticket; its `id` is what `merge` takes as `into`.
    pub ticket: TicketLine,
    /// How many people reported or follow it.
    pub people: usize,
    /// Signed link to a thumbnail of what was reported, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Signed link to the same photo in full, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_url: Option<String>,
    /// How likely it is the same, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u8,
    /// Why.
    pub reasons: Vec<LikenessReason>,
}

impl SimilarTicket {
    /// The view for officials.
    pub fn of(scene: &Scene<'_>, district: District, found: &Candidate) -> Self {
        let link = |rendition| found.photo.map(|photo| shown_link(scene, &photo, rendition));
        Self {
            ticket: TicketLine::of(scene, district, found.row.clone(), Some(found.distance_m)),
            people: found.people.len().max(1),
            thumbnail_url: link("thumbnail"),
            display_url: link("display"),
            score: found.likeness.score,
            reasons: reasons(scene, found),
        }
    }
}

/// What may be the same as a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimilarTickets {
    /// The likeliest first.
    pub items: Vec<SimilarTicket>,
}

/// A ticket as those see it who follow it without having reported it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FollowedView {
    /// The key; of the ticket that goes on, where the one that was followed was merged.
    pub ticket_id: i64,
    /// The beginning of what was reported, without long numbers.
    pub title: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    /// Where it stands.
    pub state: State,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// Longitude, WGS-84, to about ten metres.
    pub lon: f64,
    /// Latitude, WGS-84, to about ten metres.
    pub lat: f64,
    /// How many people reported or follow it.
    pub people: usize,
    /// Whether the caller follows it; one who has reported it need not.
    pub following: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub followed_at: Option<Moment>,
    /// What happens next, in words.
    pub next: String,
    /// What was answered, once it has been solved, finished or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Signed link to a thumbnail of what was reported, good for about an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// The photos of those who worked on it.
    pub photos: Vec<EvidenceView>,
    /// The public lines of its history, without what its reporters said.
    pub timeline: Vec<EventView>,
    /// When it was reported.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When it last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
}

/// A followed ticket in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FollowedLine {
    /// The key.
    pub ticket_id: i64,
    /// The beginning of what was reported, without long numbers.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// Since when it is followed.
    #[schema(value_type = Instant)]
    pub followed_at: Moment,
    /// When it last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
}

/// What the caller follows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FollowedPage {
    /// The last one first.
    pub items: Vec<FollowedLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
