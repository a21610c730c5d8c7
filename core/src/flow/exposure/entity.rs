//! An entry of the board as it follows from its lines, and these lines, hash-chained as those of tickets are.

use serde::{Deserialize, Serialize};

use super::ExposureId;
use super::table::allows_exposure;
use super::words::{ExposureState, ExposureVerb};
use crate::flow::state::Role;
use crate::flow::ticket::{AccountId, TicketId};
use crate::model::{District, UnitId};
use crate::time::Moment;

/// What is to be shown; stands in the first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Showing {
    /// The district whose board it is.
    pub district: District,
    /// The ticket whose picture it is.
    pub ticket: TicketId,
    /// The picture.
    pub photo: i64,
    /// SHA-256 of its original, lower-case hex.
    pub sha256: String,
    /// The version of its mask that the proposer saw.
    pub mask_version: i64,
    /// Whether nothing needs a mask, by the proposer's word.
    pub declared_clean: bool,
    /// What the public reads.
    pub text: String,
}

/// One line of the history. Its JSON text is what is stored and what is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureEvent {
    /// Of which entry.
    pub exposure: ExposureId,
    /// Counts from 1 within the entry, without gaps.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// What was done.
    pub verb: ExposureVerb,
    /// The state before; none for the first line.
    pub from: Option<ExposureState>,
    /// The state after.
    pub to: ExposureState,
    /// Who.
    pub actor: AccountId,
    /// As what.
    pub role: Role,
    /// From where: the actor's unit.
    pub unit: UnitId,
    /// What is to be shown, in the first line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub showing: Option<Showing>,
    /// Why, for the inside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl ExposureEvent {
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

/// 曝光条目: a picture on its way to the public, there, or back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The key.
    pub id: ExposureId,
    /// The district whose board it is.
    pub district: District,
    /// The ticket whose picture it is.
    pub ticket: TicketId,
    /// The picture.
    pub photo: i64,
    /// The version of its mask that the proposer saw.
    pub mask_version: i64,
    /// Whether nothing needs a mask, by the proposer's word.
    pub declared_clean: bool,
    /// What the public reads.
    pub text: String,
    /// Where it stands.
    pub state: ExposureState,
    /// Grows by one with each line; what a client read must still be true when it writes.
    pub version: i64,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// When.
    pub proposed_at: Moment,
    /// Who approved or refused it.
    pub decided_by: Option<AccountId>,
    /// When it was published.
    pub published_at: Option<Moment>,
    /// When it was refused or taken down.
    pub ended_at: Option<Moment>,
}

impl Exposure {
    /// The entry after one more line. Nothing but lines makes or changes one.
    ///
    /// # Errors
    /// In words, where the line does not follow.
    pub fn after(before: Option<Self>, line: &ExposureEvent) -> Result<Self, &'static str> {
        if line.from != before.as_ref().map(|entry| entry.state) {
            return Err("it does not begin in the state in which the line before ended");
        }
        if !allows_exposure(line.from, line.verb, line.to) {
            return Err("no rule leads from the state before to the one after");
        }
        let mut entry = match before {
            Some(entry) => entry,
            None => proposed(line)?,
        };
        entry.version += 1;
        if line.seq != entry.version || line.exposure != entry.id {
            return Err("its number or its entry is not the next");
        }
        entry.state = line.to;
        let at = Some(Moment::from_millis(line.at));
        match line.verb {
            ExposureVerb::Propose => {}
            ExposureVerb::Approve => {
                entry.decided_by = Some(line.actor);
                entry.published_at = at;
            }
            ExposureVerb::Refuse => {
                entry.decided_by = Some(line.actor);
                entry.ended_at = at;
            }
            ExposureVerb::TakeDown => entry.ended_at = at,
        }
        Ok(entry)
    }
}

/// The entry that a first line begins, before that line is counted.
fn proposed(line: &ExposureEvent) -> Result<Exposure, &'static str> {
    let showing = line.showing.as_ref().ok_or("the first line does not say what is to be shown")?;
    Ok(Exposure {
        id: line.exposure,
        district: showing.district,
        ticket: showing.ticket,
        photo: showing.photo,
        mask_version: showing.mask_version,
        declared_clean: showing.declared_clean,
        text: showing.text.clone(),
        state: line.to,
        version: 0,
        proposed_by: line.actor,
        proposed_at: Moment::from_millis(line.at),
        decided_by: None,
        published_at: None,
        ended_at: None,
    })
}
