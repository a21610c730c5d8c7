//! Supervision orders in answers.

use serde::Serialize;
use suishoupai_core::flow::supervision::{SupervisionEvent, SupervisionState, SupervisionVerb};
use suishoupai_core::flow::{Pressure, State};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::supervision::{Numbered, Summary};
use suishoupai_storage::db::tickets;
use utoipa::ToSchema;

use super::{EvidenceView, Instant, Scene, UnitRef};

/// A supervision order, named.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionRef {
    /// The key.
    pub id: i64,
    /// 督办单号
    #[schema(example = "DB-350203-20260304-5310")]
    pub number: String,
    /// Where it stands.
    pub state: SupervisionState,
    /// Where it stands, in the caller's language.
    pub state_name: String,
}

impl SupervisionRef {
    /// The view of a named order.
    pub fn of(scene: &Scene<'_>, order: &Numbered) -> Self {
        Self {
            id: order.id,
            number: order.number.clone(),
            state: order.state,
            state_name: scene.pick(order.state.zh(), order.state.en()),
        }
    }
}

/// One line of a list of supervision orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionLine {
    /// The key.
    pub id: i64,
    /// 督办单号
    #[schema(example = "DB-350203-20260304-5310")]
    pub number: String,
    /// Where it stands.
    pub state: SupervisionState,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// The version, to be sent back with a change.
    pub version: i64,
    /// Who must reply.
    pub unit: UnitRef,
    /// What is to be done, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When the reply must be there, or had to be.
    #[schema(value_type = Instant)]
    pub due_at: Moment,
    /// Whether that presses. A reply that came too late stays overdue until it is accepted.
    pub pressure: Pressure,
    /// How many replies have been demanded.
    pub rounds: i32,
    /// When it was issued.
    #[schema(value_type = Instant)]
    pub issued_at: Moment,
    /// When the unit replied in this round.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub replied_at: Option<Moment>,
    /// When the reply was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub accepted_at: Option<Moment>,
}

impl SupervisionLine {
    /// The view of a summary.
    pub fn of(scene: &Scene<'_>, row: &Summary) -> Self {
        Self {
            id: row.id,
            number: row.number.clone(),
            state: row.state,
            state_name: scene.pick(row.state.zh(), row.state.en()),
            version: row.version,
            unit: UnitRef::of(scene, row.recipient),
            text: row.text.clone(),
            due_at: row.due_at,
            pressure: row.pressure(scene.now),
            rounds: row.rounds,
            issued_at: row.issued_at,
            replied_at: row.replied_at,
            accepted_at: row.accepted_at,
        }
    }
}

/// A page of supervision orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionPage {
    /// The orders.
    pub items: Vec<SupervisionLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A ticket that an order is about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisedTicket {
    /// The key.
    pub id: i64,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// The one unit that answers for it.
    pub responsible: UnitRef,
}

impl SupervisedTicket {
    /// The view of a ticket.
    pub fn of(scene: &Scene<'_>, loaded: &tickets::Loaded) -> Self {
        let ticket = &loaded.ticket;
        Self {
            id: ticket.id,
            number: loaded.number.clone(),
            title: loaded.title.clone(),
            state: ticket.state,
            state_name: scene.pick(ticket.state.zh(), ticket.state.en()),
            responsible: UnitRef::of(scene, ticket.responsible),
        }
    }
}

/// One line of the history of a supervision order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionEventView {
    /// Counts from 1 within the order.
    pub seq: i64,
    /// When.
    #[schema(value_type = Instant)]
    pub at: Moment,
    /// What was done.
    pub action: SupervisionVerb,
    /// What was done, in the caller's language.
    #[schema(example = "复查")]
    pub action_name: String,
    /// The state after.
    pub to_state: SupervisionState,
    /// The state after, in the caller's language.
    pub to_state_name: String,
    /// As what the actor acted, in the caller's language.
    pub role_name: String,
    /// From where the actor acted.
    pub unit: UnitRef,
    /// Who acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// What is to be done, the reply, or why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The deadline that it sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub due_at: Option<Moment>,
    /// Keys of the photos that came with it.
    pub photos: Vec<i64>,
    /// The link of the hash chain.
    pub hash: String,
}

impl SupervisionEventView {
    /// The view of a line with its hash.
    pub fn of(scene: &Scene<'_>, (line, hash): &(SupervisionEvent, String)) -> Self {
        Self {
            seq: line.seq,
            at: Moment::from_millis(line.at),
            action: line.verb,
            action_name: scene.pick(line.verb.zh(), line.verb.en()),
            to_state: line.to,
            to_state_name: scene.pick(line.to.zh(), line.to.en()),
            role_name: scene.pick(line.role.zh(), line.role.en()),
            unit: UnitRef::of(scene, line.unit),
            actor_name: scene.official(line.actor),
            words: line.words.clone(),
            due_at: line.deadline.map(|deadline| Moment::from_millis(deadline.due_at)),
            photos: line.photos.iter().map(|photo| photo.id).collect(),
            hash: hash.clone(),
        }
    }
}

/// A supervision order with its history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionView {
    /// The order itself.
    #[serde(flatten)]
    pub order: SupervisionLine,
    /// The tickets that it is about, as far as the caller may see them.
    pub tickets: Vec<SupervisedTicket>,
    /// About how many more tickets it is, which the caller may not see.
    pub further_tickets: usize,
    /// Its history, oldest first.
    pub events: Vec<SupervisionEventView>,
    /// The photos that came with replies.
    pub photos: Vec<EvidenceView>,
    /// What the caller may do now.
    pub allowed_actions: Vec<SupervisionVerb>,
}
