//! Who may follow a ticket of somebody else's.

use super::case::Case;
use super::fixture::World;
use crate::flow::{Following, State, follow, is_public};

#[test]
fn what_everybody_may_know_of() {
    for state in State::ALL {
        let nothing = [State::Refused, State::Withdrawn, State::Voided, State::Merged].contains(state);
        assert_eq!(is_public(*state, false, false), !nothing, "{state:?}");
        assert!(!is_public(*state, true, false) && !is_public(*state, false, true), "{state:?}");
    }
}

#[test]
fn an_open_ticket_is_followed_once() {
    let world = World::new();
    let mut ticket = Case::open(&world).ticket;
    let reporter = ticket.reporters[0];
    let other = reporter + 1000;
    assert_eq!(follow(&ticket, other, false), Following::New);
    assert_eq!(follow(&ticket, other, true), Following::Already);
    assert_eq!(follow(&ticket, reporter, false), Following::Already, "whoever reported it is told anyway");
    ticket.state = State::Closed;
    assert_eq!(follow(&ticket, other, false), Following::Over);
    assert_eq!(follow(&ticket, other, true), Following::Already);
}
