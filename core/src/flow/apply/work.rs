//! Work orders: given, signed for, handed on, given back, finished.

use std::collections::BTreeMap;

use super::{Act, fact, needs_photo, outcome_facts, public};
use crate::flow::command::{Assist, Outcome};
use crate::flow::order_words::{OrderState, ReturnReason};
use crate::flow::orders::{self, Assignment};
use crate::flow::refusal::Refusal;
use crate::flow::state::{Stage, State};
use crate::flow::step::Line;
use crate::flow::table::Tie;
use crate::flow::ticket::Ticket;
use crate::model::{Level, UnitId};

/// Given by the centre; `binding` when the district decided a dispute.
pub(super) fn dispatch(
    ticket: &mut Ticket,
    lead: UnitId,
    assist: &[Assist],
    reason: &str,
    binding: bool,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let assignment = Assignment { lead, assist: assist.to_vec() };
    orders::check_named(&assignment, ticket, act.rules.tree)?;
    orders::assign(ticket, &assignment, act.now, act.rules);
    ticket.state = State::Dispatched;
    ticket.course.bound = binding;
    Ok(Line { note: Some(reason.to_owned()), ..public(orders::facts(&assignment)) })
}

pub(super) fn accept(ticket: &mut Ticket, act: &Act<'_>) -> Line {
    if act.tie == Tie::AssistantUnsigned {
        orders::accept_assist(ticket, act.post, act.now, act.rules.tree);
        return Line::default();
    }
    orders::accept_lead(ticket, act.now);
    ticket.state = State::Handling;
    ticket.handler = act.actor.account;
    ticket.handler_unit = Some(ticket.responsible);
    public(BTreeMap::new())
}

/// 退回. The first receiver stays responsible until another unit has signed. What was handed down or up goes back
/// to the unit that did so; everything else to the centre; after too many returns the district decides.
pub(super) fn give_back(
    ticket: &mut Ticket,
    reason: ReturnReason,
    words: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let line = Line {
        reason: Some(reason.as_str().to_owned()),
        note: Some(words.to_owned()),
        facts: fact("returned_by", ticket.desk(act.rules.tree)),
        ..Line::default()
    };
    if act.tie == Tie::Assistant {
        let facts = fact("returned_by", act.post.unit);
        orders::end_assist(ticket, act.post, OrderState::Returned, Some(words), act.now, act.rules.tree);
        return Ok(Line { facts, ..line });
    }
    let back_to = ticket.lead_order().and_then(|order| order.handed_by);
    let bound = ticket.course.bound;
    if bound && back_to.is_none() {
        return Err(Refusal::Bound);
    }
    ticket.returns += 1;
    let many = u32::try_from(ticket.returns).unwrap_or(u32::MAX) >= act.policy.returns_to_arbitration;
    // What the district has decided is not disputed: it goes back no further than to the unit that is bound.
    let disputed = many && !bound;
    match back_to.filter(|_| !disputed) {
        Some(unit) => back_to_hand(ticket, unit, words, act),
        None => {
            orders::end_all(ticket, OrderState::Returned, Some(words), act.now);
            ticket.state = if disputed { State::Arbitrating } else { State::Filed };
        }
    }
    Ok(line)
}

/// Gives the lead back to the unit that handed it down or up, with the clock as it stands.
fn back_to_hand(ticket: &mut Ticket, unit: UnitId, words: &str, act: &Act<'_>) {
    let timer = ticket.lead_order().and_then(|order| order.timer.clone());
    orders::return_lead(ticket, words, act.now);
    // The unit may have been made an assistant meanwhile; who leads does not assist itself.
    orders::release_own_assist(ticket, unit, act.now);
    let has_signed = ticket.orders.iter().any(|order| order.unit == unit && order.accepted_at.is_some());
    orders::give_lead(ticket, unit, timer, act.now);
    ticket.state = State::Dispatched;
    if ticket.responsible == unit && has_signed {
        // It never ceased to hold the ticket, so there is nothing to sign for.
        orders::accept_lead(ticket, act.now);
        ticket.handler_unit = Some(unit);
        ticket.state = State::Handling;
    }
}

pub(super) fn delegate(
    ticket: &mut Ticket,
    to: UnitId,
    reason: Option<&String>,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    orders::check_below(to, ticket, act.rules.tree)?;
    let from = ticket.desk(act.rules.tree);
    orders::hand_over(ticket, to, Some(from), act.now);
    ticket.state = State::Dispatched;
    Ok(Line { note: reason.cloned(), ..public(fact("to_unit", to)) })
}

pub(super) fn escalate(ticket: &mut Ticket, reason: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    let tree = act.rules.tree;
    let from = ticket.desk(tree);
    let above = tree
        .get(from)
        .and_then(|unit| unit.parent)
        .and_then(|parent| tree.get(parent))
        .ok_or(Refusal::NobodyAbove)?;
    let line = Line { note: Some(reason.to_owned()), ..public(fact("to_unit", above.id)) };
    if above.level == Level::District {
        if ticket.course.bound {
            return Err(Refusal::Bound);
        }
        orders::end_all(ticket, OrderState::Released, Some(reason), act.now);
        ticket.state = State::Filed;
    } else {
        orders::hand_over(ticket, above.id, Some(from), act.now);
        ticket.state = State::Dispatched;
    }
    Ok(line)
}

pub(super) fn add_assist(
    ticket: &mut Ticket,
    assist: &Assist,
    reason: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let busy = ticket.orders.iter().any(|order| order.state.is_open() && order.unit == assist.unit);
    if busy {
        return Err(Refusal::NamedTwice(assist.unit));
    }
    let named = Assignment { lead: assist.unit, assist: Vec::new() };
    orders::check_named(&named, ticket, act.rules.tree)?;
    orders::add_assist(ticket, assist, act.now, act.rules);
    Ok(Line { note: Some(reason.to_owned()), facts: fact("assist", assist.unit), ..Line::default() })
}

pub(super) fn finish(
    ticket: &mut Ticket,
    answer: &str,
    note: Option<&String>,
    outcome: &Outcome,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if act.tie == Tie::Assistant {
        let result = note.map_or(answer, String::as_str);
        orders::end_assist(ticket, act.post, OrderState::Done, Some(result), act.now, act.rules.tree);
        let mut facts = BTreeMap::new();
        outcome_facts(outcome, &mut facts);
        return Ok(Line { note: Some(result.to_owned()), facts, ..Line::default() });
    }
    needs_photo(act.photos, Stage::After)?;
    let waiting = ticket.open_assists().count();
    if waiting > 0 {
        return Err(Refusal::AssistsOpen(waiting));
    }
    // The handler's clock rests while somebody else checks; it goes on if the check fails.
    let mut halted = ticket.lead_order().and_then(|order| order.timer.clone());
    if let Some(timer) = &mut halted {
        timer.stop(act.now, act.rules.calendar);
    }
    ticket.course.halted = halted;
    orders::end_all(ticket, OrderState::Done, Some(note.map_or(answer, String::as_str)), act.now);
    ticket.handler = act.actor.account;
    ticket.handler_unit = Some(ticket.responsible);
    ticket.state = State::Checking;
    let mut facts = BTreeMap::new();
    outcome_facts(outcome, &mut facts);
    Ok(Line { words: Some(answer.to_owned()), note: note.cloned(), ..public(facts) })
}
