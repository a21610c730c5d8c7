//! Lines of a ticket's history in answers.

use serde::Serialize;
use suishoupai_core::flow::{Event, PhotoRef, RefuseReason, ReturnReason, State, Verb};
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::{DoubtedPhoto, Instant, PhotoFlagView, Scene, UnitRef};
use crate::lang::Lang;

/// One line of the history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Counts from 1 within the ticket.
    pub seq: i64,
    /// When.
    #[schema(value_type = Instant)]
    pub at: Moment,
    /// What was done.
    pub action: Verb,
    /// What was done, in the caller's language.
    #[schema(example = "认领")]
    pub action_name: String,
    /// The state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_state: Option<State>,
    /// The state after.
    pub to_state: State,
    /// The state after, in the caller's language.
    pub to_state_name: String,
    /// As what the actor acted, in the caller's language.
    pub role_name: String,
    /// From where the actor acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitRef>,
    /// Who acted, for officials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// The unit responsible afterwards.
    pub responsible: UnitRef,
    /// Why, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in the caller's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_name: Option<String>,
    /// Words for everybody who sees the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Words for the inside, for officials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the rules decided, in words, for officials only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub because: Vec<String>,
    /// Facts of the step by name, for officials only: units, deadlines, distances, what was asked for.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schema(required = false)]
    pub facts: std::collections::BTreeMap<String, String>,
    /// Keys of the photos that came with it.
    pub photos: Vec<i64>,
    /// What is doubted of them, for officials only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub doubted: Vec<DoubtedPhoto>,
    /// Whether the reporter sees this line.
    pub public: bool,
    /// The link of the hash chain, for officials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// The lines that the caller may see: all for officials, the public ones without names and notes for others.
pub fn events(scene: &Scene<'_>, lines: &[(Event, String)], official: bool) -> Vec<EventView> {
    lines
        .iter()
        .filter(|(event, _)| official || event.public)
        .map(|(event, hash)| line(scene, event, hash, official))
        .collect()
}

fn line(scene: &Scene<'_>, event: &Event, hash: &str, official: bool) -> EventView {
    let because = event.because.iter().map(|said| match scene.lang {
        Lang::Zh => said.zh.clone(),
        Lang::En => said.en.clone(),
    });
    EventView {
        seq: event.seq,
        at: Moment::from_millis(event.at),
        action: event.verb,
        action_name: scene.pick(event.verb.zh(), event.verb.en()),
        from_state: event.from,
        to_state: event.to,
        to_state_name: scene.pick(event.to.zh(), event.to.en()),
        role_name: scene.pick(event.role.zh(), event.role.en()),
        unit: event.unit.map(|unit| UnitRef::of(scene, unit)),
        actor_name: event.actor.filter(|_| official).and_then(|account| scene.official(account)),
        responsible: UnitRef::of(scene, event.responsible),
        reason: event.reason.clone(),
        reason_name: event.reason.as_deref().and_then(|word| reason_name(scene, event.verb, word)),
        words: event.words.clone(),
        note: event.note.clone().filter(|_| official),
        because: if official { because.collect() } else { Vec::new() },
        facts: if official { event.facts.clone() } else { std::collections::BTreeMap::new() },
        photos: event.photos.iter().map(|photo| photo.id).collect(),
        doubted: if official { doubted(scene, event) } else { Vec::new() },
        public: event.public,
        hash: official.then(|| hash.to_owned()),
    }
}

fn doubted(scene: &Scene<'_>, event: &Event) -> Vec<DoubtedPhoto> {
    let photos = event.photos.iter().filter(|photo| !photo.doubts.is_empty());
    let flags = |photo: &PhotoRef| photo.doubts.iter().map(|doubt| PhotoFlagView::of(scene, doubt)).collect();
    photos.map(|photo| DoubtedPhoto { photo: photo.id, flags: flags(photo) }).collect()
}

fn reason_name(scene: &Scene<'_>, verb: Verb, word: &str) -> Option<String> {
    match verb {
        Verb::Return => ReturnReason::parse(word).map(|reason| scene.pick(reason.zh(), reason.en())),
        Verb::Refuse => RefuseReason::parse(word).map(|reason| scene.pick(reason.zh(), reason.en())),
        _ => None,
    }
}
