//! 督办单: the district's centre demands a reply of a unit by a deadline, accepts it, sends it back, or takes the
//! matter up again. An entity of its own beside tickets, with a table, lines and a chain of its own.

mod line;
mod order;
mod permit;
mod refusal;
mod step;
mod table;
mod words;

pub use line::{Deadline, Subject, SupervisionEvent};
pub use order::{SupervisionOrder, pressure};
pub use permit::{allowed_supervision, may_see_order};
pub use refusal::SupervisionRefusal;
pub use step::{Around, Issue, SupervisionCommand, SupervisionStep, issue, supervise};
pub use table::{Row, TABLE, Tie, allows};
pub use words::{SupervisionState, SupervisionVerb};

/// The key of a supervision order.
pub type SupervisionId = i64;

/// One order is about so many tickets at the most.
pub const MOST_TICKETS: usize = 50;
/// A deadline lies at most so many natural days ahead.
pub const MOST_DAYS: i64 = 366;
