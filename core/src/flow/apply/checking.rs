//! After the work: checked, closed, sent back, called back, rated.

use std::collections::BTreeMap;

use super::{Act, end, fact, needs_photo, on_spot, public};
use crate::flow::command::{Call, OnSpot};
use crate::flow::course::CalledBack;
use crate::flow::order_words::OrderState;
use crate::flow::orders;
use crate::flow::permit::within_window;
use crate::flow::refusal::Refusal;
use crate::flow::state::{Stage, State};
use crate::flow::step::Line;
use crate::flow::ticket::Ticket;
use crate::flow::timer::Timer;

pub(super) fn close(
    ticket: &mut Ticket,
    note: Option<&String>,
    spot: &OnSpot,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let facts = checked(spot, act)?;
    orders::end_all(ticket, OrderState::Released, None, act.now);
    end(ticket, State::Closed, act.now);
    ticket.course.call_back_due = ticket.course.by_resident && act.policy.call_back;
    ticket.course.calls = 0;
    Ok(Line { note: note.cloned(), ..public(facts) })
}

pub(super) fn rework(
    ticket: &mut Ticket,
    reason: &str,
    spot: &OnSpot,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let mut facts = checked(spot, act)?;
    ticket.reworks += 1;
    let mut timer = ticket.course.halted.take();
    if let Some(timer) = &mut timer {
        timer.resume(act.now, act.policy.soon_percent, act.rules.calendar);
    }
    reopen_at_handler(ticket, timer, act);
    if u32::try_from(ticket.reworks).unwrap_or(u32::MAX) >= act.policy.reworks_to_breach {
        // A check that fails again and again is a breach of its own: the next level above is told.
        facts.extend(super::clocks::raise(ticket, ticket.responsible, act.rules.tree));
    }
    Ok(Line { note: Some(reason.to_owned()), ..public(facts) })
}

/// What makes a check worth believing: a photo, and a position near the place or a reason.
fn checked(spot: &OnSpot, act: &Act<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    if act.policy.check_photo {
        needs_photo(act.photos, Stage::Check)?;
    }
    on_spot(spot, act.policy)
}

/// Gives the ticket back to the unit that handled it, as work in progress with a new order.
fn reopen_at_handler(ticket: &mut Ticket, timer: Option<Timer>, act: &Act<'_>) {
    let unit = ticket.handler_unit.unwrap_or(ticket.grid);
    orders::give_lead(ticket, unit, timer, act.now);
    orders::accept_lead(ticket, act.now);
    ticket.handler_unit = Some(unit);
    ticket.state = State::Handling;
}

/// Opens a closed ticket again, with the whole handling limit.
fn reopen(ticket: &mut Ticket, act: &Act<'_>) {
    ticket.reopens += 1;
    ticket.closed_at = None;
    ticket.course.call_back_due = false;
    ticket.course.calls = 0;
    let timer = orders::clock(ticket, None, act.now, act.rules);
    reopen_at_handler(ticket, timer, act);
}

pub(super) fn not_fixed(ticket: &mut Ticket, words: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    if !within_window(ticket, act.rules.not_fixed_days, act.now) {
        return Err(Refusal::WindowOver { days: act.rules.not_fixed_days });
    }
    reopen(ticket, act);
    Ok(Line { words: Some(words.to_owned()), ..public(BTreeMap::new()) })
}

pub(super) fn call_back(
    ticket: &mut Ticket,
    call: &Call,
    words: Option<&String>,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if !ticket.course.call_back_due {
        return Err(Refusal::NoCallBackDue);
    }
    let facts = match call {
        Call::NotReached => {
            ticket.course.calls += 1;
            ticket.course.call_back_due = ticket.course.calls < act.policy.call_back_tries;
            BTreeMap::from([
                ("reached".to_owned(), "false".to_owned()),
                ("call".to_owned(), ticket.course.calls.to_string()),
            ])
        }
        Call::Reached { solved, result, process, reopen: again } => {
            ticket.course.call_back_due = false;
            ticket.course.call_backs.push(CalledBack {
                round: ticket.reopens,
                by: act.actor.account.unwrap_or_default(),
                at: act.now,
                solved: *solved,
                result: *result,
                process: *process,
                counted: true,
                counted_reason: None,
                counted_by: None,
            });
            if *again {
                reopen(ticket, act);
            }
            BTreeMap::from([
                ("reached".to_owned(), "true".to_owned()),
                ("solved".to_owned(), solved.as_str().to_owned()),
                ("result".to_owned(), result.as_str().to_owned()),
                ("process".to_owned(), process.as_str().to_owned()),
            ])
        }
    };
    Ok(Line { note: words.cloned(), facts, ..Line::default() })
}

pub(super) fn count(
    ticket: &mut Ticket,
    counted: bool,
    reason: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let round = ticket.reopens;
    let found = ticket.course.call_backs.iter_mut().find(|call| call.round == round);
    let call = found.ok_or(Refusal::NoCallBack)?;
    if act.actor.acts_as(call.by) {
        return Err(Refusal::OwnCall);
    }
    call.counted = counted;
    call.counted_reason = Some(reason.to_owned());
    call.counted_by = act.actor.account;
    Ok(Line { note: Some(reason.to_owned()), facts: fact("counted", counted), ..Line::default() })
}

pub(super) fn rate(
    ticket: &mut Ticket,
    solved: bool,
    stars: u8,
    words: Option<&String>,
) -> Result<Line, Refusal> {
    if ticket.rated_round == Some(ticket.reopens) {
        return Err(Refusal::AlreadyRated);
    }
    ticket.rated_round = Some(ticket.reopens);
    // Who has said what there is to say need not be called.
    ticket.course.call_back_due = false;
    let facts =
        BTreeMap::from([("solved".to_owned(), solved.to_string()), ("stars".to_owned(), stars.to_string())]);
    Ok(Line { words: words.cloned(), ..public(facts) })
}
