//! What is to happen, the earliest first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use suishoupai_core::flow::{RequestKind, TicketId};
use suishoupai_core::time::Moment;

/// Something that somebody means to do. When its time has come, the ticket may have moved on; then it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A day begins: its reports are drawn.
    Day,
    /// Somebody reports something.
    Report,
    /// A clock of the ticket calls the server.
    Ring,
    /// Somebody claims it from the pool; true: a colleague who is in the same grid.
    Claim(bool),
    /// The holder of the claim that ends then has seen it and decides.
    Decide(Moment),
    /// A claim runs out.
    Lapse,
    /// Somebody is on the spot.
    Arrive,
    /// The centre files it.
    File,
    /// The centre gives it to a unit.
    Dispatch,
    /// The district decides.
    Arbitrate,
    /// The unit of the lead order with this number signs, hands on or gives back.
    Sign(i32),
    /// The unit of the lead order with this number is done.
    Work(i32),
    /// The unit of the lead order with this number needs something first.
    Ask(i32, RequestKind),
    /// The unit of the lead order with this number does something on the way.
    Detour(i32),
    /// The assisting unit of this order signs.
    AssistSign(i32),
    /// The assisting unit of this order is done.
    AssistDone(i32),
    /// The request with this number is reviewed or decided.
    Decision(i32),
    /// A suspension or deferral ends before its day.
    Resume,
    /// The reporter answers.
    Supplement,
    /// The reporter takes it back.
    Withdraw,
    /// The centre finds it to be no case.
    AskVoid,
    /// The whistle with this number goes on: answers, sign-ins, its end.
    Meeting(i32),
    /// Somebody checks the result.
    Check,
    /// The reporter is called.
    CallBack,
    /// A reviewer looks at the call-back.
    Count,
    /// The reporter says what they think of it.
    Opinion,
}

/// When what happens to which ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) at: Moment,
    /// What was planned first comes first at the same instant.
    seq: u64,
    /// 0 for what concerns no ticket yet.
    pub(super) ticket: TicketId,
    pub(super) act: Act,
}

impl Ord for Task {
    fn cmp(&self, other: &Self) -> Ordering {
        // A heap gives the greatest first, so the earliest has to be the greatest.
        (other.at, other.seq).cmp(&(self.at, self.seq))
    }
}

impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The tasks that are still to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    tasks: BinaryHeap<Task>,
    planned: u64,
}

impl Queue {
    /// Plans something.
    pub(super) fn push(&mut self, at: Moment, ticket: TicketId, act: Act) {
        self.planned += 1;
        self.tasks.push(Task { at, seq: self.planned, ticket, act });
    }

    /// The next task before `end`.
    pub(super) fn pop(&mut self, end: Moment) -> Option<Task> {
        if self.tasks.peek()?.at >= end {
            return None;
        }
        self.tasks.pop()
    }
}
