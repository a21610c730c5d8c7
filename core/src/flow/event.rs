//! 流转记录: the lines of a ticket's history, hash-chained.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::onsite::Doubt;
use super::refusal::Said;
use super::state::{Role, Stage, State};
use super::ticket::{AccountId, TicketId};
use super::verb::Verb;
use crate::model::UnitId;

/// A photo named in the history: its key and the SHA-256 of the original, so that the picture itself is bound
/// into the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoRef {
    /// The key of the photo.
    pub id: i64,
    /// SHA-256 of the original's bytes, lower-case hex.
    pub sha256: String,
    /// When in the course of the ticket it was taken.
    pub stage: Stage,
    /// What speaks against its having been taken there and then, for this ticket.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub doubts: Vec<Doubt>,
}

impl PhotoRef {
    /// A photo of which nothing is doubted.
    pub fn new(id: i64, sha256: &[u8; 32], stage: Stage) -> Self {
        Self { id, sha256: hex::encode(sha256), stage, doubts: Vec::new() }
    }

    /// The photo with more that is doubted.
    #[must_use]
    pub fn doubted(mut self, more: Vec<Doubt>) -> Self {
        self.doubts.extend(more);
        self
    }
}

/// One line of the history. Its JSON text is what is stored and what is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Of which ticket.
    pub ticket: TicketId,
    /// Counts from 1 within the ticket, without gaps.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// What was done.
    pub verb: Verb,
    /// The state before; none for the opening.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// Who; none for the server.
    pub actor: Option<AccountId>,
    /// As what.
    pub role: Role,
    /// From where: the actor's unit, none for residents and the server.
    pub unit: Option<UnitId>,
    /// The unit responsible afterwards.
    pub responsible: UnitId,
    /// Whether the reporter sees this line.
    pub public: bool,
    /// Why, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Words for everybody who sees the line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub words: Option<String>,
    /// Words for the inside only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// What the rules decided, in words.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub because: Vec<Said>,
    /// Photos that came with it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub photos: Vec<PhotoRef>,
    /// Facts of the command, by name: category, units, stars, the digest of the report.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty", default)]
    pub facts: std::collections::BTreeMap<String, String>,
}

/// The hash that the first event of a ticket builds on.
pub const GENESIS: [u8; 32] = [0; 32];

impl Event {
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
    /// When the text is not an event.
    pub fn parse(content: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(content)
    }
}

/// The hash of a link: SHA-256 over the hash before it and the stored text.
pub fn link(previous: &[u8; 32], content: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(content.as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_depends_on_every_byte_and_on_what_came_before() {
        let first = link(&GENESIS, "{}");
        assert_ne!(first, link(&GENESIS, "{ }"));
        assert_ne!(first, link(&first, "{}"));
        // Fixed vector: SHA-256 of 32 zero bytes followed by "{}".
        assert_eq!(hex::encode(first), hex::encode(Sha256::digest([&[0u8; 32][..], b"{}"].concat())));
    }
}
