//! The lines of the history of a supervision order, hash-chained as those of tickets are.

use serde::{Deserialize, Serialize};

use super::SupervisionId;
use super::words::{SupervisionState, SupervisionVerb};
use crate::flow::event::PhotoRef;
use crate::flow::state::Role;
use crate::flow::ticket::{AccountId, TicketId};
use crate::model::{District, UnitId};

/// What an order is about; stands in its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The district whose centre issues it.
    pub district: District,
    /// Who must reply.
    pub recipient: UnitId,
    /// The tickets, by key.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tickets: Vec<TicketId>,
}

/// A deadline for a reply, milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// When the reply must be there.
    pub due_at: i64,
    /// From when that is due soon.
    pub soon_at: i64,
}

/// One line of the history. Its JSON text is what is stored and what is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionEvent {
    /// Of which order.
    pub order: SupervisionId,
    /// Counts from 1 within the order, without gaps.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// What was done.
    pub verb: SupervisionVerb,
    /// The state before; none for the first line.
    pub from: Option<SupervisionState>,
    /// The state after.
    pub to: SupervisionState,
    /// Who.
    pub actor: AccountId,
    /// As what.
    pub role: Role,
    /// From where: the actor's unit.
    pub unit: UnitId,
    /// What the order is about, in the first line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Subject>,
    /// The deadline that this line sets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline: Option<Deadline>,
    /// What is to be done, the reply, or why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub words: Option<String>,
    /// Photos of the reply.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub photos: Vec<PhotoRef>,
}

impl SupervisionEvent {
    /// The text that is stored and hashed.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn content(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored text back.
    ///
    /// # Errors
    /// When the text is not such a line.
    pub fn parse(content: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(content)
    }
}
