//! 吹哨: the street summons a department to the place.

use suishoupai_core::flow::{Command, State};
use suishoupai_core::model::Level;

use crate::simulate::scene::{Look, Move};

/// Summons a department that has nothing to do with it yet.
pub(super) fn whistle(look: &mut Look<'_>) -> Option<Move> {
    let ticket = look.ticket;
    if ticket.course.open_whistle().is_some() {
        return None;
    }
    let street = look.registry().above(ticket.grid, Level::Street)?.id;
    let who = look.somebody(street)?;
    let units = vec![look.town().helper(look.registry(), ticket, look.chance)?];
    let meet_at = look.office(120.0).plus_seconds(1_800);
    let (place, words) = ("现场".to_owned(), "需多部门现场会商".to_owned());
    Move::new(who, Command::Whistle { units, place, meet_at, words })
}

/// Before the meeting it is answered; then people sign in; an hour later it ends.
pub(super) fn go_on(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let ticket = look.ticket;
    let whistle = ticket.course.open_whistle().filter(|whistle| whistle.seq == seq)?;
    let summoned = whistle.units.first()?;
    if look.now < whistle.meet_at {
        let who = look.somebody(summoned.unit)?;
        return Move::new(who, Command::Answer { words: None }).filter(|_| summoned.answered_at.is_none());
    }
    if look.now < whistle.meet_at.plus_seconds(3_600) {
        let who = look.somebody(summoned.unit)?;
        let (spot, located) = look.spot();
        let absent = summoned.signed_in_at.is_some() || look.chance.hit(0.1);
        return Move::new(who, Command::SignIn { spot })
            .map(|signed| Move { located, ..signed })
            .filter(|_| !absent);
    }
    let who = look.somebody(whistle.by)?;
    let takes_over = ticket.state == State::Handling && !ticket.course.bound && look.chance.hit(0.3);
    let lead = takes_over.then_some(summoned.unit);
    Move::new(who, Command::EndWhistle { words: "已明确责任".to_owned(), lead, assist: Vec::new() })
}
