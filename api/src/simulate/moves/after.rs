//! After the work: checked, called back, rated, disputed.

use suishoupai_core::flow::{Call, Command, Satisfaction, Solved, Stage, State};

use crate::simulate::people::Who;
use crate::simulate::queue::Act;
use crate::simulate::scene::{Look, Move};

pub(super) fn check(look: &mut Look<'_>) -> Option<Move> {
    let ticket = look.ticket;
    if ticket.state != State::Checking {
        return None;
    }
    let people = &look.town().people;
    let handler = ticket.handler.and_then(|account| people.find(account));
    let workers = people.workers.get(&ticket.grid)?;
    let others: Vec<Who> = workers.iter().copied().filter(|who| Some(*who) != handler).collect();
    let by_inspector = ticket.sensitive || others.is_empty() || look.chance.hit(0.25);
    let who = if by_inspector { look.one_of(&people.inspectors)? } else { look.one_of(&others)? };
    let (spot, located) = look.spot();
    let command = if look.chance.hit(0.91) {
        Command::Close { note: None, spot }
    } else {
        Command::Rework { reason: "现场仍有残留".to_owned(), spot }
    };
    Move { located, ..Move::new(who, command)? }.with_photo(Stage::Check)
}

pub(super) fn call_back(look: &mut Look<'_>) -> Option<Move> {
    if look.ticket.state != State::Closed || !look.ticket.course.call_back_due {
        return None;
    }
    let people = &look.town().people;
    let callers = if look.chance.hit(0.7) { &people.dispatchers } else { &people.inspectors };
    let who = look.one_of(callers)?;
    if look.chance.hit(0.3) {
        let at = look.office(200.0);
        look.plan(at, Act::CallBack);
        return Move::new(who, Command::CallBack { call: Call::NotReached, words: None });
    }
    let part = look.chance.part();
    let (solved, result) = match part {
        _ if part < 0.8 => (Solved::Yes, Satisfaction::Satisfied),
        _ if part < 0.93 => (Solved::Partly, Satisfaction::Partly),
        _ => (Solved::No, Satisfaction::Dissatisfied),
    };
    let process = if look.chance.hit(0.85) { result } else { Satisfaction::Dissatisfied };
    let reopen = solved == Solved::No && look.chance.hit(0.4);
    let unjust = result == Satisfaction::Dissatisfied && look.chance.hit(0.4);
    if unjust && !reopen {
        let at = look.office(300.0);
        look.plan(at, Act::Count);
    }
    Move::new(who, Command::CallBack { call: Call::Reached { solved, result, process, reopen }, words: None })
}

pub(super) fn count(look: &mut Look<'_>) -> Option<Move> {
    if look.ticket.state != State::Closed {
        return None;
    }
    let who = look.one_of(&look.town().people.chiefs)?;
    Move::new(who, Command::Count { counted: false, reason: "诉求超出政策规定".to_owned() })
}

/// The reporter rates, or says that it is not fixed.
pub(super) fn opinion(look: &mut Look<'_>) -> Option<Move> {
    let ticket = look.ticket;
    let reporter = look.town().people.find(*ticket.reporters.first()?)?;
    if ticket.state == State::Closed && look.chance.hit(0.12) {
        return Move::new(reporter, Command::NotFixed { words: "第二天又这样了".to_owned() });
    }
    if !matches!(ticket.state, State::Closed | State::Refused) || ticket.rated_round == Some(ticket.reopens) {
        return None;
    }
    let solved = ticket.state == State::Closed && look.chance.hit(0.92);
    let stars = if solved { 3 + look.chance.below(3) } else { 1 + look.chance.below(2) };
    let stars = u8::try_from(stars).unwrap_or(5);
    Move::new(reporter, Command::Rate { solved, stars, words: None })
}
