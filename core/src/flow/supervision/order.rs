//! A supervision order as it follows from its lines.

use super::SupervisionId;
use super::line::{Deadline, SupervisionEvent};
use super::table::allows;
use super::words::{SupervisionState, SupervisionVerb};
use crate::flow::order_words::Pressure;
use crate::flow::ticket::{AccountId, TicketId};
use crate::model::{District, UnitId};
use crate::time::Moment;

/// 督办单: the district's centre demands a reply of a unit by a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisionOrder {
    /// The key.
    pub id: SupervisionId,
    /// The district whose centre issued it.
    pub district: District,
    /// Who must reply.
    pub recipient: UnitId,
    /// What is to be done, in words.
    pub text: Option<String>,
    /// The tickets that it is about, by key, each once.
    pub tickets: Vec<TicketId>,
    /// Where it stands.
    pub state: SupervisionState,
    /// Grows by one with each line; what a client read must still be true when it writes.
    pub version: i64,
    /// When the reply must be there, or had to be.
    pub due_at: Moment,
    /// From when that is due soon.
    pub soon_at: Moment,
    /// Who issued it.
    pub issued_by: AccountId,
    /// When.
    pub issued_at: Moment,
    /// Who replied last, in this round or an earlier one.
    pub replied_by: Option<AccountId>,
    /// When the unit replied in this round.
    pub replied_at: Option<Moment>,
    /// When the reply was accepted.
    pub accepted_at: Option<Moment>,
    /// How many replies have been demanded.
    pub rounds: i32,
    /// When its last line was written.
    pub updated_at: Moment,
}

impl SupervisionOrder {
    /// The deadline, while it presses: until there is a reply, and until acceptance where that came too late.
    pub fn pressing_at(&self) -> Option<Moment> {
        let late = self.replied_at.is_some_and(|at| at >= self.due_at);
        let presses = self.state.awaits_reply() || (self.state == SupervisionState::Replied && late);
        presses.then_some(self.due_at)
    }

    /// Whether time presses at `now`.
    pub fn pressure(&self, now: Moment) -> Pressure {
        pressure(self.pressing_at(), self.soon_at, now)
    }

    /// The order after the lines of its history.
    ///
    /// # Errors
    /// In words, where a line does not follow from those before it.
    pub fn replay<'a>(lines: impl IntoIterator<Item = &'a SupervisionEvent>) -> Result<Self, &'static str> {
        let mut order = None;
        for line in lines {
            order = Some(Self::after(order, line)?);
        }
        order.ok_or("there is no line")
    }

    /// The order after one more line. Nothing but lines makes or changes an order, so a history that was altered and
    /// chained anew still has to agree with the row beside it.
    ///
    /// # Errors
    /// In words, where the line does not follow.
    pub fn after(order: Option<Self>, line: &SupervisionEvent) -> Result<Self, &'static str> {
        if line.from != order.as_ref().map(|order| order.state) {
            return Err("it does not begin in the state in which the line before ended");
        }
        if !allows(line.from, line.verb, line.to) {
            return Err("no rule leads from the state before to the one after");
        }
        let mut order = match order {
            Some(order) => order,
            None => issued(line)?,
        };
        let at = Moment::from_millis(line.at);
        order.version += 1;
        if line.seq != order.version || line.order != order.id {
            return Err("its number or its order is not the next");
        }
        order.state = line.to;
        order.updated_at = at;
        match line.verb {
            SupervisionVerb::Issue => {}
            SupervisionVerb::Reply => {
                order.replied_by = Some(line.actor);
                order.replied_at = Some(at);
            }
            SupervisionVerb::Accept => order.accepted_at = Some(at),
            SupervisionVerb::Reinspect | SupervisionVerb::Reopen => {
                let Deadline { due_at, soon_at } = line.deadline.ok_or("it sets no deadline")?;
                order.due_at = Moment::from_millis(due_at);
                order.soon_at = Moment::from_millis(soon_at);
                order.replied_at = None;
                order.accepted_at = None;
                order.rounds = order.rounds.saturating_add(1);
            }
        }
        Ok(order)
    }
}

/// Whether a deadline presses; `pressing_at` is none where nothing is owed.
pub fn pressure(pressing_at: Option<Moment>, soon_at: Moment, now: Moment) -> Pressure {
    match pressing_at {
        Some(due) if due <= now => Pressure::Overdue,
        Some(_) if soon_at <= now => Pressure::DueSoon,
        _ => Pressure::Normal,
    }
}

/// The order that a first line begins, before that line is counted.
fn issued(line: &SupervisionEvent) -> Result<SupervisionOrder, &'static str> {
    let subject = line.subject.as_ref().ok_or("the first line does not say what it is about")?;
    let deadline = line.deadline.ok_or("it sets no deadline")?;
    Ok(SupervisionOrder {
        id: line.order,
        district: subject.district,
        recipient: subject.recipient,
        text: line.words.clone(),
        tickets: subject.tickets.clone(),
        state: line.to,
        version: 0,
        due_at: Moment::from_millis(deadline.due_at),
        soon_at: Moment::from_millis(deadline.soon_at),
        issued_by: line.actor,
        issued_at: Moment::from_millis(line.at),
        replied_by: None,
        replied_at: None,
        accepted_at: None,
        rounds: 1,
        updated_at: Moment::from_millis(line.at),
    })
}
