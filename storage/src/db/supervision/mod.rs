//! 督办单: written step by step with their own chain, loaded for the rules, and listed.

mod lists;
mod load;
mod save;
mod verify;

use suishoupai_core::flow::supervision::SupervisionOrder;

pub use lists::{Filter, Numbered, Scope, Summary, of_ticket, page};
pub use load::{find, find_for_update, history, of_photo};
pub use save::{insert, save};
pub use verify::{OrderBreak, VerifiedOrders, verify, verify_all};

/// An order as the rules see it, with what only the database needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// For the rules.
    pub order: SupervisionOrder,
    /// 督办单号
    pub number: String,
    /// The hash of the last line.
    pub last_hash: [u8; 32],
}
