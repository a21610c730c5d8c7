//! The two ways in: a picture is proposed, and an entry goes on. Both are pure.

use super::ExposureId;
use super::entity::{Exposure, ExposureEvent, Showing};
use super::permit::{Standing, permit};
use super::refusal::ExposureRefusal;
use super::words::ExposureVerb;
use crate::flow::ticket::{Actor, Ticket};
use crate::model::UnitTree;
use crate::time::Moment;

/// A picture as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its key.
    pub photo: i64,
    /// SHA-256 of its original.
    pub sha256: [u8; 32],
    /// The version of its mask.
    pub mask_version: i64,
    /// Whether something in it is masked.
    pub is_masked: bool,
    /// Whether its renditions can be shown.
    pub is_ready: bool,
    /// Whether it is proposed or published by another entry.
    pub is_on_board: bool,
}

/// What is proposed.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The key of the new entry.
    pub id: ExposureId,
    /// Whether nothing needs a mask.
    pub declared_clean: bool,
    /// What the public reads.
    pub text: String,
}

/// What is to be done with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExposureCommand {
    /// 通过
    Approve {
        /// What is to be said about it, for the inside.
        words: Option<String>,
    },
    /// 驳回
    Refuse {
        /// Why.
        reason: String,
    },
    /// 撤下
    TakeDown {
        /// Why.
        reason: String,
    },
}

impl ExposureCommand {
    /// The verb.
    pub const fn verb(&self) -> ExposureVerb {
        match self {
            ExposureCommand::Approve { .. } => ExposureVerb::Approve,
            ExposureCommand::Refuse { .. } => ExposureVerb::Refuse,
            ExposureCommand::TakeDown { .. } => ExposureVerb::TakeDown,
        }
    }
}

/// The entry afterwards and the one line that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposureStep {
    /// The entry afterwards.
    pub entry: Exposure,
    /// The new line; its number is the entry's version.
    pub event: ExposureEvent,
}

/// Proposes a picture of a ticket.
///
/// # Errors
/// The refusal with its reason.
pub fn propose(
    proposal: Proposal,
    ticket: &Ticket,
    picture: &Picture,
    actor: &Actor,
    tree: &UnitTree,
    now: Moment,
) -> Result<ExposureStep, ExposureRefusal> {
    let verb = ExposureVerb::Propose;
    let (row, post) = permit(Standing { state: None, proposed_by: None, ticket }, verb, actor, tree)?;
    if picture.is_on_board {
        return Err(ExposureRefusal::OnTheBoard);
    }
    publishable(ticket, picture, proposal.declared_clean)?;
    let event = ExposureEvent {
        exposure: proposal.id,
        seq: 1,
        at: now.millis(),
        verb,
        from: None,
        to: row.to,
        actor: actor.account.ok_or(ExposureRefusal::NotYours { verb })?,
        role: post.role,
        unit: post.unit,
        showing: Some(Showing {
            district: ticket.district,
            ticket: ticket.id,
            photo: picture.photo,
            sha256: hex::encode(picture.sha256),
            mask_version: picture.mask_version,
            declared_clean: proposal.declared_clean,
            text: proposal.text,
        }),
        reason: None,
    };
    take(None, event)
}

/// Carries out a command on an entry, with its ticket and its picture as they are now.
///
/// # Errors
/// The refusal with its reason; the entry is as before.
pub fn expose(
    entry: &Exposure,
    command: &ExposureCommand,
    ticket: &Ticket,
    picture: &Picture,
    actor: &Actor,
    tree: &UnitTree,
    now: Moment,
) -> Result<ExposureStep, ExposureRefusal> {
    let verb = command.verb();
    let standing = Standing { state: Some(entry.state), proposed_by: Some(entry.proposed_by), ticket };
    let (row, post) = permit(standing, verb, actor, tree)?;
    let reason = match command {
        ExposureCommand::Approve { words } => {
            if picture.mask_version != entry.mask_version {
                return Err(ExposureRefusal::PictureChanged);
            }
            publishable(ticket, picture, entry.declared_clean)?;
            words.clone()
        }
        ExposureCommand::Refuse { reason } | ExposureCommand::TakeDown { reason } => Some(reason.clone()),
    };
    let event = ExposureEvent {
        exposure: entry.id,
        seq: entry.version + 1,
        at: now.millis(),
        verb,
        from: Some(entry.state),
        to: row.to,
        actor: actor.account.ok_or(ExposureRefusal::NotYours { verb })?,
        role: post.role,
        unit: post.unit,
        showing: None,
        reason,
    };
    take(Some(entry.clone()), event)
}

/// Whether the picture of this ticket may be shown to everybody as it is now.
fn publishable(ticket: &Ticket, picture: &Picture, declared_clean: bool) -> Result<(), ExposureRefusal> {
    if ticket.sensitive {
        return Err(ExposureRefusal::Sensitive);
    }
    if !picture.is_ready {
        return Err(ExposureRefusal::NotReady);
    }
    if picture.is_masked || declared_clean { Ok(()) } else { Err(ExposureRefusal::NotMasked) }
}

/// The line taken by the rule that also reads histories back: what is written is what will be read.
fn take(before: Option<Exposure>, event: ExposureEvent) -> Result<ExposureStep, ExposureRefusal> {
    let verb = event.verb;
    let state = event.from.unwrap_or(event.to);
    let entry = Exposure::after(before, &event).map_err(|_| ExposureRefusal::WrongState { state, verb })?;
    Ok(ExposureStep { entry, event })
}
