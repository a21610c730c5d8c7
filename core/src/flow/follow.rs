//! 附议: a resident follows a ticket that somebody else reported. Nothing of the ticket changes by it.

use super::state::State;
use super::ticket::{AccountId, Ticket};

/// Whether everybody may know of a ticket: not of one that only named roles may see, or whose kind has become such a
/// one, nor of one that was taken back or found to be nothing.
pub const fn is_public(state: State, is_sensitive: bool, kind_is_sensitive: bool) -> bool {
    !is_sensitive
        && !kind_is_sensitive
        && !matches!(state, State::Refused | State::Withdrawn | State::Voided | State::Merged)
}

/// What following a ticket means for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// Somebody more is told.
    New,
    /// It is so already: by following it, or by having reported it.
    Already,
    /// It is over: whoever sees the problem again reports it.
    Over,
}

/// What it means that an account follows a public ticket, which it follows already or not.
pub fn follow(ticket: &Ticket, account: AccountId, follows: bool) -> Following {
    if follows || ticket.reporters.contains(&account) {
        Following::Already
    } else if ticket.state.is_final() {
        Following::Over
    } else {
        Following::New
    }
}
