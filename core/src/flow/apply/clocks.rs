//! What the server writes down by itself: warnings, breaches, reviews, deadlines computed anew.

use std::collections::BTreeMap;

use super::{Act, asking, fact, public};
use crate::flow::alarm::{Alarm, Clock, next_alarm, timer_mut};
use crate::flow::orders;
use crate::flow::refusal::Refusal;
use crate::flow::state::Phase;
use crate::flow::step::Line;
use crate::flow::ticket::Ticket;
use crate::flow::timer::Timer;
use crate::model::{UnitId, UnitTree};

/// Carries out what is due now, and only that: an alarm that was dealt with meanwhile is refused.
pub(super) fn alarm(ticket: &mut Ticket, alarm: Alarm, act: &Act<'_>) -> Result<Line, Refusal> {
    let due = next_alarm(ticket, act.now, act.policy, act.rules.calendar);
    let Some((at, _)) = due.filter(|(at, next)| *at <= act.now && *next == alarm) else {
        return Err(Refusal::NothingToDo);
    };
    match alarm {
        Alarm::Soon(clock) => {
            let mut facts = clock_facts(ticket, clock);
            if let Some(timer) = timer_mut(ticket, clock) {
                timer.warned();
                facts.insert("due_at".to_owned(), timer.due().to_string());
            }
            Ok(Line { facts, ..Line::default() })
        }
        Alarm::Breach(clock) => {
            let mut facts = clock_facts(ticket, clock);
            let late = ticket.desk(act.rules.tree);
            if let Some(timer) = timer_mut(ticket, clock) {
                timer.breached();
                facts.insert("due_at".to_owned(), timer.due().to_string());
                facts.insert("breach".to_owned(), timer.breaches().to_string());
            }
            facts.insert("late_unit".to_owned(), late.to_string());
            facts.extend(raise(ticket, late, act.rules.tree));
            Ok(Line { facts, ..Line::default() })
        }
        Alarm::AssistLate(seq) => {
            let mut facts = clock_facts(ticket, Clock::Order(seq));
            facts.insert("due_at".to_owned(), at.to_string());
            if let Some(order) = ticket.orders.iter().find(|order| order.seq == seq) {
                facts.insert("late_unit".to_owned(), order.unit.to_string());
            }
            if let Some(timer) = timer_mut(ticket, Clock::Order(seq)) {
                timer.breached();
            }
            Ok(Line { facts, ..Line::default() })
        }
        Alarm::WaitOver => {
            asking::answered(ticket, act);
            Ok(public(BTreeMap::new()))
        }
        Alarm::Review => {
            asking::wake(ticket, act);
            Ok(public(fact("review_at", at)))
        }
    }
}

fn clock_facts(ticket: &Ticket, clock: Clock) -> BTreeMap<String, String> {
    match clock {
        Clock::Phase(phase) => fact("phase", phase.as_str()),
        Clock::Order(seq) => {
            let mut facts = fact("phase", Phase::Handle.as_str());
            facts.insert("order".to_owned(), seq.to_string());
            if let Some(order) = ticket.orders.iter().find(|order| order.seq == seq) {
                facts.insert("kind".to_owned(), order.kind.as_str().to_owned());
            }
            facts
        }
    }
}

/// Tells one level more: first the unit above the late one, then the one above that, up to the district.
pub(super) fn raise(ticket: &mut Ticket, late: UnitId, tree: &UnitTree) -> BTreeMap<String, String> {
    ticket.course.breaches += 1;
    let root = tree.root(ticket.district).map(|unit| unit.id);
    ticket.course.top = root;
    // What was told before counts only while it stands above the unit that is late now.
    let told = ticket.course.raised_to.filter(|told| tree.is_within(late, *told));
    let above = tree.get(told.unwrap_or(late)).and_then(|unit| unit.parent).or(root);
    ticket.course.raised_to = above;
    above.map_or_else(BTreeMap::new, |unit| fact("raised_to", unit))
}

/// Moves the deadlines after a change of the calendar.
pub(super) fn recount(ticket: &mut Ticket, act: &Act<'_>) -> Result<Line, Refusal> {
    let (soon, calendar) = (act.policy.soon_percent, act.rules.calendar);
    let old = ticket.timer().map(Timer::due);
    let mut moved = false;
    let mut count = |timer: &mut Timer| {
        if timer.recount(soon, calendar) {
            timer.renew(act.now);
            moved = true;
        }
    };
    orders::clocks(ticket).for_each(&mut count);
    let phase = [&mut ticket.course.timer, &mut ticket.course.arrival];
    phase.into_iter().flatten().for_each(count);
    // Breaches that are told again are counted in working time too, though the end itself may stay.
    let alarm_at = next_alarm(ticket, ticket.updated_at, act.policy, calendar).map(|(at, _)| at);
    if !moved && alarm_at == ticket.alarm_at {
        return Err(Refusal::NothingToDo);
    }
    let mut facts = BTreeMap::new();
    for (name, due) in [("due_before", old), ("due_at", ticket.timer().map(Timer::due))] {
        if let Some(due) = due {
            facts.insert(name.to_owned(), due.to_string());
        }
    }
    Ok(public(facts))
}
