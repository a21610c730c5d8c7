//! The flow of a ticket: states, commands, the transition table, and the pure function that applies it.

mod alarm;
mod apply;
mod command;
mod course;
mod event;
pub mod exposure;
mod follow;
pub mod masking;
mod notice;
mod onsite;
mod order_words;
mod orders;
mod permit;
mod policy;
mod refusal;
mod routing;
mod settle;
mod state;
mod step;
pub mod supervision;
mod suspicion;
mod table;
mod ticket;
mod timer;
mod verb;
mod words;

#[cfg(test)]
mod tests;

pub use alarm::{Alarm, Clock, next_alarm};
pub use command::{Assist, Call, Command, OnSpot, Outcome, Quantity};
pub use course::{CalledBack, Course, Request, Summoned, Urged, Waiting, Whistle};
pub use event::{Event, GENESIS, PhotoRef, link};
pub use follow::{Following, follow, is_public};
pub use notice::told;
pub use onsite::{Doubt, PhotoFlag, Scene as PhotoScene, Sighting, doubts};
pub use order_words::{
    OrderKind, OrderState, Pressure, RefuseReason, RequestKind, RequestState, ReturnReason, Satisfaction,
    Solved, Urging,
};
pub use permit::{allowed_actions, permit};
pub use policy::{PhaseLimit, Policy, PolicyBook, PolicyId};
pub use refusal::{Refusal, Said};
pub use routing::{DutyList, DutyRule, Routing};
pub use state::{Channel, Phase, Role, Stage, State};
pub use step::{Catalogue, Opening, Rules, Step, lapse_first, open, step};
pub use suspicion::{Held, Known, Suspicion, Thresholds, essence, suspicions};
pub use table::{OPENINGS, Row, TABLE, Target, Tie, allows, diagram, targets};
pub use ticket::{AccountId, Actor, Holder, Post, Ticket, TicketId, WorkOrder, may_see};
pub use timer::Timer;
pub use verb::Verb;
pub(crate) use words::words;
