//! What the rules keep of the course of a ticket besides its row: clocks, requests, whistles, call-backs.

use serde::{Deserialize, Serialize};

use super::order_words::{RequestKind, RequestState, Satisfaction, Solved};
use super::policy::PolicyId;
use super::suspicion::Held;
use super::ticket::{AccountId, TicketId};
use super::timer::Timer;
use crate::model::{Limit, UnitId};
use crate::time::Moment;

/// Something asked for, to be decided by somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Counts from 1 within the ticket.
    pub seq: i32,
    /// What.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// Who asked.
    pub asked_by: AccountId,
    /// In which unit's name.
    pub unit: UnitId,
    /// When.
    pub asked_at: Moment,
    /// By how much, for an extension.
    pub limit: Option<Limit>,
    /// The day of review, for a suspension or deferral.
    pub review_at: Option<Moment>,
    /// Why.
    pub reason: String,
    /// Who reviewed it first.
    pub endorsed_by: Option<AccountId>,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When it was decided or lapsed.
    pub decided_at: Option<Moment>,
    /// The words of the decision.
    pub decision: Option<String>,
}

/// A unit that was summoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summoned {
    /// Which.
    pub unit: UnitId,
    /// When it said that it comes.
    pub answered_at: Option<Moment>,
    /// When somebody of it signed in on the spot.
    pub signed_in_at: Option<Moment>,
    /// Who signed in.
    pub signed_in_by: Option<AccountId>,
    /// How far from the place the sign-in was, metres.
    pub distance_m: Option<u32>,
}

/// 吹哨: a territory unit summons departments to a place and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whistle {
    /// Counts from 1 within the ticket.
    pub seq: i32,
    /// Who summons.
    pub by: UnitId,
    /// Where to meet, in words.
    pub place: String,
    /// When to meet.
    pub meet_at: Moment,
    /// Why.
    pub words: String,
    /// Who is summoned.
    pub units: Vec<Summoned>,
    /// When it ended; open until then.
    pub ended_at: Option<Moment>,
    /// What came of it.
    pub outcome: Option<String>,
}

/// 回访: one call that reached the reporter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledBack {
    /// In which round of closing.
    pub round: i32,
    /// Who called.
    pub by: AccountId,
    /// When.
    pub at: Moment,
    /// Whether the problem is gone.
    pub solved: Solved,
    /// With the result.
    pub result: Satisfaction,
    /// With the way to it.
    pub process: Satisfaction,
    /// Whether it counts in scoring.
    pub counted: bool,
    /// Why it does (not), as decided by a reviewer.
    pub counted_reason: Option<String>,
    /// The reviewer.
    pub counted_by: Option<AccountId>,
}

/// When a reporter urged last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urged {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Moment,
}

/// A ticket waits for words of its reporter, and no clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Since when.
    pub since: Moment,
    /// When the server ends the wait.
    pub until: Moment,
}

/// The course of a ticket; stored as one JSON text beside the ticket's row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// The clock of the present phase; while a unit handles it, the lead order's clock counts instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer: Option<Timer>,
    /// The clock until somebody is on the spot, for must-attend kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Timer>,
    /// The handler's clock, stopped while its result is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halted: Option<Timer>,
    /// Why it waits for the centre's look before anybody is sent out for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The handling limit, fixed when it was filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The version of the rules, fixed when it was filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// The district has decided who handles it; that unit cannot give it back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
    /// Whether it was opened by a resident, who is to be called back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_resident: bool,
    /// Waiting for the reporter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The day of review of a suspension or deferral.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_at: Option<Moment>,
    /// The unit up to which breaches have been told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_to: Option<UnitId>,
    /// The unit beyond which nobody is told: the district.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<UnitId>,
    /// How often a limit was broken.
    pub breaches: u32,
    /// How often the handling limit was extended.
    pub extensions: u32,
    /// Calls that reached nobody, in the present round.
    pub calls: u32,
    /// Whether the reporter is still to be called back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub call_back_due: bool,
    /// What was asked for, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
    /// The whistles, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub whistles: Vec<Whistle>,
    /// The call-backs that reached somebody, at most one for each round of closing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub call_backs: Vec<CalledBack>,
    /// How often the centre has urged.
    #[serde(skip_serializing_if = "is_zero")]
    pub urges: u32,
    /// When each reporter urged last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urged: Vec<Urged>,
    /// The tickets merged into this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<TicketId>,
    /// The tickets split off from this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TicketId>,
}

impl Course {
    /// Whether this reporter may urge at `now`: once on a day of China's calendar.
    pub fn may_urge(&self, reporter: AccountId, now: Moment) -> bool {
        !self.urged.iter().any(|urged| urged.by == reporter && urged.at.date() == now.date())
    }

    /// The request that waits for a decision.
    pub fn open_request(&self) -> Option<&Request> {
        self.requests.iter().find(|request| request.state.is_open())
    }

    /// The whistle that has not ended.
    pub fn open_whistle(&self) -> Option<&Whistle> {
        self.whistles.iter().find(|whistle| whistle.ended_at.is_none())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}
