//! The flow of a ticket: states, commands, the transition table, and the pure function that applies it.

mod apply;
mod command;
mod event;
mod orders;
mod permit;
mod routing;
mod state;
mod step;
mod table;
mod ticket;

#[cfg(test)]
mod tests;

pub use command::{Command, Refusal, Said};
pub use event::{Event, GENESIS, PhotoRef, link};
pub use permit::{allowed_actions, permit};
pub use routing::{DutyList, DutyRule, Routing};
pub use state::{Channel, OrderKind, OrderState, RefuseReason, ReturnReason, Role, Stage, State, Verb};
pub use step::{Catalogue, Opening, Rules, Step, lapse_first, open, step};
pub use table::{OPENINGS, Row, TABLE, Target, Tie, allows, diagram, targets};
pub use ticket::{AccountId, Actor, Holder, Post, Ticket, TicketId, WorkOrder, may_see};
