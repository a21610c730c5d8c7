//! What follows from every step by itself: the clock of a new phase, requests and whistles that end with the
//! ticket, and the instants by which lists are sorted and alarms are found.

use super::alarm::next_alarm;
use super::order_words::{RequestKind, RequestState};
use super::orders;
use super::state::{Phase, State};
use super::step::Rules;
use super::ticket::Ticket;
use super::timer::Timer;
use crate::time::Moment;

/// Starts the clocks of a new ticket.
pub(super) fn begin(ticket: &mut Ticket, must_report: bool, now: Moment, rules: Rules<'_>) {
    start_phase(ticket, now, rules);
    if must_report {
        start_arrival(ticket, now, rules);
    }
    set_instants(ticket, now, rules);
}

/// Brings the rest of the ticket in line with what the command did.
pub(super) fn settle(before: &Ticket, after: &mut Ticket, now: Moment, rules: Rules<'_>) {
    if before.course.held.is_some() && after.state != State::Received {
        let_go(after, rules);
    }
    // A new addressee begins a new wait for a signature, though the state stays as it is.
    let desk = |ticket: &Ticket| (ticket.phase(), ticket.lead_order().map(|order| order.seq));
    if desk(before) != desk(after) {
        start_phase(after, now, rules);
    }
    if before.state != after.state {
        end_wait(after, now, rules);
    }
    if after.state.is_final() {
        after.course.arrival = None;
        after.course.halted = None;
        for whistle in after.course.whistles.iter_mut().filter(|whistle| whistle.ended_at.is_none()) {
            whistle.ended_at = Some(now);
        }
    }
    lapse_request(before, after, now);
    set_instants(after, now, rules);
}

/// Nothing is suspected of the ticket any more; it is shown to whom its kind is shown.
pub(super) fn let_go(ticket: &mut Ticket, rules: Rules<'_>) {
    ticket.course.held = None;
    let category = ticket.category.as_ref().and_then(|code| rules.catalogue.get(code));
    ticket.sensitive = category.is_some_and(|category| category.sensitive);
}

/// Whoever has the ticket next does not wait for the reporter, and the clock of the work runs again.
fn end_wait(after: &mut Ticket, now: Moment, rules: Rules<'_>) {
    if after.course.waiting.take().is_some() {
        let soon = rules.policy(after, now).soon_percent;
        for timer in orders::clocks(after) {
            timer.resume(now, soon, rules.calendar);
        }
    }
}

/// A request that was not decided before the ticket moved on is void.
fn lapse_request(before: &Ticket, after: &mut Ticket, now: Moment) {
    if before.state == after.state {
        return;
    }
    let voiding_goes_on = !after.state.is_final();
    for request in after.course.requests.iter_mut().filter(|request| request.state.is_open()) {
        if request.kind != RequestKind::Void || !voiding_goes_on {
            request.state = RequestState::Lapsed;
            request.decided_at = Some(now);
        }
    }
}

/// Starts the clock until somebody is on the spot.
pub(super) fn start_arrival(ticket: &mut Ticket, now: Moment, rules: Rules<'_>) {
    ticket.course.arrival = timer(ticket, Phase::Arrive, now, rules);
}

fn timer(ticket: &Ticket, phase: Phase, now: Moment, rules: Rules<'_>) -> Option<Timer> {
    let policy = rules.policy(ticket, now);
    let limit = policy.limit(phase, ticket.urgent)?;
    Some(Timer::start(now, limit, policy.soon_percent, rules.calendar))
}

fn start_phase(ticket: &mut Ticket, now: Moment, rules: Rules<'_>) {
    // While a unit handles the ticket the lead order's clock counts.
    let phase = ticket.phase().filter(|phase| *phase != Phase::Handle);
    ticket.course.timer = phase.and_then(|phase| timer(ticket, phase, now, rules));
}

fn set_instants(ticket: &mut Ticket, now: Moment, rules: Rules<'_>) {
    for order in &mut ticket.orders {
        if let Some(timer) = order.timer.as_ref().filter(|_| order.state.is_open()) {
            order.due_at = timer.due();
        }
    }
    ticket.due_at = match ticket.state {
        State::Checking => ticket.course.halted.as_ref().map(Timer::due).or(ticket.due_at),
        _ => ticket.lead_order().map(|order| order.due_at),
    };
    let running = ticket.timer().filter(|timer| !timer.is_stopped());
    let instants = running.map(|timer| (timer.due(), timer.soon()));
    ticket.stage_due_at = instants.map(|(due, _)| due);
    ticket.soon_at = instants.map(|(_, soon)| soon);
    let policy = rules.policy(ticket, now);
    ticket.alarm_at = next_alarm(ticket, now, policy, rules.calendar).map(|(at, _)| at);
}
