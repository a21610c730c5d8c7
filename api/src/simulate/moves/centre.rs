//! The district centre: files, dispatches, decides.

use suishoupai_core::flow::{Assist, Command, OrderKind, Request, RequestKind, RequestState, State};

use super::field::refuse;
use crate::simulate::people::Who;
use crate::simulate::queue::Act;
use crate::simulate::scene::{Look, Move};

pub(super) fn file(look: &mut Look<'_>) -> Option<Move> {
    if !matches!(look.ticket.state, State::Received | State::Verified) {
        return None;
    }
    let who = look.one_of(&look.town().people.dispatchers)?;
    if look.chance.hit(0.05) {
        let refused = refuse(look);
        return Move::new(who, refused);
    }
    let category = look.ticket.category.clone().unwrap_or_else(|| look.town().category(look.chance));
    Move::new(who, Command::File { category, note: None })
}

pub(super) fn dispatch(look: &mut Look<'_>) -> Option<Move> {
    if look.ticket.state != State::Filed {
        return None;
    }
    let who = look.one_of(&look.town().people.dispatchers)?;
    let lead = look.town().handler(look.registry(), look.ticket, look.chance)?;
    let mut assist: Vec<Assist> = Vec::new();
    if look.chance.hit(0.1) {
        assist.extend(
            look.town()
                .helper(look.registry(), look.ticket, look.chance)
                .filter(|unit| *unit != lead)
                .map(Into::into),
        );
    }
    Move::new(who, Command::Dispatch { lead, assist, reason: "按退回意见改派".to_owned() })
}

pub(super) fn arbitrate(look: &mut Look<'_>) -> Option<Move> {
    if look.ticket.state != State::Arbitrating {
        return None;
    }
    let who = look.one_of(&look.town().people.chiefs)?;
    let mut led =
        look.ticket.orders.iter().filter(|order| order.kind == OrderKind::Lead).map(|order| order.unit);
    let lead = match led.next() {
        // Half of the time the first one was right after all.
        Some(first) if look.chance.hit(0.5) => first,
        _ => look.town().handler(look.registry(), look.ticket, look.chance)?,
    };
    Move::new(who, Command::Arbitrate { lead, assist: Vec::new(), reason: "经会商，由该单位主办".to_owned() })
}

/// Finds it to be no case; a second person has to agree.
pub(super) fn ask_void(look: &mut Look<'_>) -> Option<Move> {
    let ticket = look.ticket;
    if ticket.state.is_final() || ticket.course.open_request().is_some() {
        return None;
    }
    let who = look.one_of(&look.town().people.dispatchers)?;
    Move::new(who, Command::AskVoid { reason: "测试上报，无实际问题".to_owned() })
}

pub(super) fn resume(look: &mut Look<'_>) -> Option<Move> {
    if !matches!(look.ticket.state, State::Suspended | State::Deferred) {
        return None;
    }
    let who = look.one_of(&look.town().people.chiefs)?;
    Move::new(who, Command::Resume { reason: Some("条件已具备".to_owned()) })
}

/// Reviews or decides a request.
pub(super) fn decision(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let ticket = look.ticket;
    let request = ticket.course.open_request().filter(|request| request.seq == seq)?;
    let words = || "情况属实".to_owned();
    let again = request.kind == RequestKind::Extension && ticket.course.extensions > 0;
    if again && request.state == RequestState::Asked {
        let at = look.office(60.0);
        look.plan(at, Act::Decision(seq));
        let chief = look.one_of(&look.town().people.chiefs)?;
        return Move::new(chief, Command::Endorse { words: words() });
    }
    let who = decider(look, request, again)?;
    if look.chance.hit(0.72) {
        Move::new(who, Command::Grant { words: words() })
    } else {
        Move::new(who, Command::Deny { words: "理由不充分，请按时办理".to_owned() })
    }
}

/// Somebody who may decide, and who did not ask.
fn decider(look: &mut Look<'_>, request: &Request, again: bool) -> Option<Who> {
    let people = &look.town().people;
    let asker = people.find(request.asked_by);
    let may = match request.kind {
        RequestKind::Void => &people.dispatchers,
        RequestKind::Extension if again => &people.heads,
        _ => &people.chiefs,
    };
    let others: Vec<Who> = may.iter().copied().filter(|who| Some(*who) != asker).collect();
    look.one_of(&others)
}
