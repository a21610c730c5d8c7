//! Tickets that lie at hand while they are in work.

use std::collections::HashMap;

use suishoupai_core::flow::TicketId;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::tickets::{self, Loaded};

use crate::fail::Fail;
use crate::problem::Code;

/// Tickets as the steps of a run have left them. Nobody else writes meanwhile, so they are what the database would give.
#[derive(Debug, Default)]
pub(super) struct Desk {
    tickets: HashMap<TicketId, Loaded>,
}

impl Desk {
    /// A ticket to work on, from the desk or from the database.
    pub(super) fn take(&mut self, conn: &mut Conn, ticket: TicketId) -> Result<Loaded, Fail> {
        match self.tickets.remove(&ticket) {
            Some(loaded) => Ok(loaded),
            None => Ok(tickets::find_for_update(conn, ticket)?.ok_or(Code::TicketNotFound)?),
        }
    }

    /// Puts a ticket back whose row says the same. One that is over leaves, because little happens to it any more and
    /// the desk would grow with the run.
    pub(super) fn put(&mut self, loaded: Loaded) {
        if !loaded.ticket.state.is_final() {
            self.tickets.insert(loaded.ticket.id, loaded);
        }
    }
}
