//! The two ways in: an order is issued, and an order goes on. Both are pure.

use super::line::{Deadline, Subject, SupervisionEvent};
use super::order::SupervisionOrder;
use super::permit::{Standing, permit};
use super::refusal::SupervisionRefusal;
use super::words::SupervisionVerb;
use super::{MOST_DAYS, MOST_TICKETS, SupervisionId};
use crate::flow::event::PhotoRef;
use crate::flow::ticket::{Actor, TicketId};
use crate::model::{District, Level, UnitId, UnitTree};
use crate::time::Moment;

/// What the rules read besides the order.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The tree of units.
    pub tree: &'a UnitTree,
    /// After which share of its time a deadline is due soon, percent.
    pub soon_percent: u8,
    /// The present instant.
    pub now: Moment,
}

/// What is to be issued.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The key of the new order.
    pub id: SupervisionId,
    /// The district whose centre issues it.
    pub district: District,
    /// Who must reply.
    pub recipient: UnitId,
    /// What is to be done, in words.
    pub text: Option<String>,
    /// The tickets that it is about.
    pub tickets: Vec<TicketId>,
    /// When the reply must be there.
    pub due_at: Moment,
}

/// What is to be done with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupervisionCommand {
    /// 回复
    Reply {
        /// The reply.
        words: String,
    },
    /// 办结
    Accept {
        /// What is to be said about it.
        words: Option<String>,
    },
    /// 复查
    Reinspect {
        /// Why the reply does not do.
        reason: String,
        /// When the next one must be there.
        due_at: Moment,
    },
    /// 重启
    Reopen {
        /// Why it is not settled after all.
        reason: String,
        /// When the next reply must be there.
        due_at: Moment,
    },
}

impl SupervisionCommand {
    /// The verb.
    pub const fn verb(&self) -> SupervisionVerb {
        match self {
            SupervisionCommand::Reply { .. } => SupervisionVerb::Reply,
            SupervisionCommand::Accept { .. } => SupervisionVerb::Accept,
            SupervisionCommand::Reinspect { .. } => SupervisionVerb::Reinspect,
            SupervisionCommand::Reopen { .. } => SupervisionVerb::Reopen,
        }
    }
}

/// The order afterwards and the one line that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisionStep {
    /// The order afterwards.
    pub order: SupervisionOrder,
    /// The new line; its number is the order's version.
    pub event: SupervisionEvent,
}

/// Issues an order.
///
/// # Errors
/// The refusal with its reason.
pub fn issue(issue: Issue, actor: &Actor, around: Around<'_>) -> Result<SupervisionStep, SupervisionRefusal> {
    let Issue { id, district, recipient, text, mut tickets, due_at } = issue;
    let standing = Standing { state: None, recipient, replied_by: None };
    let unit = around.tree.get(recipient).filter(|unit| unit.district == district);
    if unit.is_none_or(|unit| unit.level == Level::District) {
        return Err(SupervisionRefusal::CannotReceive(recipient));
    }
    let (row, post) = permit(standing, SupervisionVerb::Issue, actor, around.tree)?;
    tickets.sort_unstable();
    tickets.dedup();
    if tickets.len() > MOST_TICKETS {
        return Err(SupervisionRefusal::TooManyTickets { most: MOST_TICKETS });
    }
    if tickets.is_empty() && text.is_none() {
        return Err(SupervisionRefusal::Empty);
    }
    let event = SupervisionEvent {
        order: id,
        seq: 1,
        at: around.now.millis(),
        verb: SupervisionVerb::Issue,
        from: None,
        to: row.to,
        actor: actor.account.ok_or(SupervisionRefusal::NotYours { verb: SupervisionVerb::Issue })?,
        role: post.role,
        unit: post.unit,
        subject: Some(Subject { district, recipient, tickets }),
        deadline: Some(deadline(due_at, around)?),
        words: text,
        photos: Vec::new(),
    };
    take(None, event)
}

/// Carries out a command on an order. `photos` come with a reply. As with tickets, time does not go back within an order.
///
/// # Errors
/// The refusal with its reason; the order is as before.
pub fn supervise(
    order: &SupervisionOrder,
    command: &SupervisionCommand,
    actor: &Actor,
    photos: &[PhotoRef],
    around: Around<'_>,
) -> Result<SupervisionStep, SupervisionRefusal> {
    let around = Around { now: around.now.max(order.updated_at), ..around };
    let verb = command.verb();
    let (row, post) = permit(Standing::of(order), verb, actor, around.tree)?;
    let (words, due_at) = match command {
        SupervisionCommand::Reply { words } => (Some(words.clone()), None),
        SupervisionCommand::Accept { words } => (words.clone(), None),
        SupervisionCommand::Reinspect { reason, due_at } | SupervisionCommand::Reopen { reason, due_at } => {
            (Some(reason.clone()), Some(*due_at))
        }
    };
    let event = SupervisionEvent {
        order: order.id,
        seq: order.version + 1,
        at: around.now.millis(),
        verb,
        from: Some(order.state),
        to: row.to,
        actor: actor.account.ok_or(SupervisionRefusal::NotYours { verb })?,
        role: post.role,
        unit: post.unit,
        subject: None,
        deadline: due_at.map(|due_at| deadline(due_at, around)).transpose()?,
        words,
        photos: photos.to_vec(),
    };
    take(Some(order.clone()), event)
}

/// The line taken by the rule that also reads histories back: what is written is what will be read.
fn take(
    before: Option<SupervisionOrder>,
    event: SupervisionEvent,
) -> Result<SupervisionStep, SupervisionRefusal> {
    let verb = event.verb;
    let state = event.from.unwrap_or(event.to);
    let order = SupervisionOrder::after(before, &event)
        .map_err(|_| SupervisionRefusal::WrongState { state, verb })?;
    Ok(SupervisionStep { order, event })
}

/// A deadline that begins now.
fn deadline(due_at: Moment, around: Around<'_>) -> Result<Deadline, SupervisionRefusal> {
    let now = around.now;
    if due_at <= now || due_at > now.plus_seconds(MOST_DAYS * 86_400) {
        return Err(SupervisionRefusal::BadDeadline { days: MOST_DAYS });
    }
    let span = due_at.millis() - now.millis();
    let soon_at = now.millis() + span / 100 * i64::from(around.soon_percent.min(100));
    Ok(Deadline { due_at: due_at.millis(), soon_at })
}
