//! What needs somebody else's word: requests with their decisions, and waiting for the reporter.

use std::collections::BTreeMap;

use super::{Act, end, fact, public};
use crate::flow::course::{Request, Waiting};
use crate::flow::order_words::{OrderState, RequestKind, RequestState};
use crate::flow::orders;
use crate::flow::permit::{may_decide, needs_endorsement};
use crate::flow::refusal::Refusal;
use crate::flow::state::State;
use crate::flow::step::Line;
use crate::flow::ticket::Ticket;
use crate::flow::timer::Timer;
use crate::flow::verb::Verb;
use crate::model::Limit;
use crate::time::Moment;

/// Stops every clock of the work: of the phase and of the open orders.
fn stop(ticket: &mut Ticket, act: &Act<'_>) {
    for timer in orders::clocks(ticket) {
        timer.stop(act.now, act.rules.calendar);
    }
    if let Some(timer) = &mut ticket.course.timer {
        timer.stop(act.now, act.rules.calendar);
    }
}

/// Lets every clock of the work run again.
pub(super) fn run(ticket: &mut Ticket, act: &Act<'_>) {
    let (soon, calendar) = (act.policy.soon_percent, act.rules.calendar);
    for timer in orders::clocks(ticket) {
        timer.resume(act.now, soon, calendar);
    }
    for timer in [&mut ticket.course.timer, &mut ticket.course.arrival].into_iter().flatten() {
        timer.resume(act.now, soon, calendar);
    }
}

pub(super) fn ask_reporter(ticket: &mut Ticket, words: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    if ticket.course.waiting.is_some() {
        return Err(Refusal::AlreadyWaiting);
    }
    let until = act.rules.calendar.deadline(act.now, act.policy.waiting);
    ticket.course.waiting = Some(Waiting { since: act.now, until });
    if let Some(holder) = &mut ticket.holder {
        // Who waits for an answer must not lose the claim over it.
        holder.until = until.plus_seconds(act.rules.lease_seconds);
    }
    stop(ticket, act);
    Ok(Line { words: Some(words.to_owned()), ..public(fact("until", until)) })
}

/// The reporter has answered: what waited for it goes on.
pub(super) fn answered(ticket: &mut Ticket, act: &Act<'_>) {
    if ticket.course.waiting.take().is_some() {
        if let Some(holder) = &mut ticket.holder {
            holder.until = act.now.plus_seconds(act.rules.lease_seconds);
        }
        run(ticket, act);
    }
}

pub(super) fn resume(ticket: &mut Ticket, reason: Option<&String>, act: &Act<'_>) -> Result<Line, Refusal> {
    match ticket.state {
        State::Suspended | State::Deferred => wake(ticket, act),
        _ if ticket.course.waiting.is_some() => answered(ticket, act),
        _ => return Err(Refusal::NotStopped),
    }
    Ok(Line { note: reason.cloned(), ..public(BTreeMap::new()) })
}

/// Ends a suspension or deferral.
pub(super) fn wake(ticket: &mut Ticket, act: &Act<'_>) {
    ticket.state = State::Handling;
    ticket.course.review_at = None;
    run(ticket, act);
}

fn ask(
    ticket: &mut Ticket,
    kind: RequestKind,
    limit: Option<Limit>,
    review_at: Option<Moment>,
    reason: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if let Some(open) = ticket.course.open_request() {
        return Err(Refusal::RequestOpen(open.kind));
    }
    let seq = i32::try_from(ticket.course.requests.len()).unwrap_or(i32::MAX - 1) + 1;
    ticket.course.requests.push(Request {
        seq,
        kind,
        state: RequestState::Asked,
        asked_by: act.actor.account.unwrap_or_default(),
        unit: act.post.unit,
        asked_at: act.now,
        limit,
        review_at,
        reason: reason.to_owned(),
        endorsed_by: None,
        decided_by: None,
        decided_at: None,
        decision: None,
    });
    let mut facts = fact("request", kind.as_str());
    if let Some(limit) = limit {
        facts.insert("limit".to_owned(), limit.en());
    }
    if let Some(at) = review_at {
        facts.insert("review_at".to_owned(), at.to_string());
    }
    Ok(Line { note: Some(reason.to_owned()), facts, ..Line::default() })
}

pub(super) fn ask_extension(
    ticket: &mut Ticket,
    limit: Limit,
    reason: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if let Some(standard) = orders::limit(ticket, act.rules) {
        let calendar = act.rules.calendar;
        if calendar.deadline(act.now, limit) > calendar.deadline(act.now, standard) {
            return Err(Refusal::ExtensionTooLong(standard));
        }
    }
    ask(ticket, RequestKind::Extension, Some(limit), None, reason, act)
}

/// Asks for a suspension or deferral until a day of review.
pub(super) fn ask_rest(
    ticket: &mut Ticket,
    kind: RequestKind,
    review_at: Moment,
    reason: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let days = act.policy.suspension_days;
    let last = act.now.plus_seconds(i64::from(days) * 86_400);
    if review_at <= act.now || review_at > last {
        return Err(Refusal::BadReviewDay { days });
    }
    ask(ticket, kind, None, Some(review_at), reason, act)
}

pub(super) fn ask_void(ticket: &mut Ticket, reason: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    ask(ticket, RequestKind::Void, None, None, reason, act)
}

/// The open request as (index, kind, state).
fn open(ticket: &Ticket) -> Result<(usize, RequestKind, RequestState), Refusal> {
    let requests = &ticket.course.requests;
    let index = requests.iter().position(|request| request.state.is_open()).ok_or(Refusal::NoRequest)?;
    Ok((index, requests[index].kind, requests[index].state))
}

pub(super) fn endorse(ticket: &mut Ticket, words: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    let (index, kind, state) = open(ticket)?;
    if !needs_endorsement(ticket, kind, state) {
        return Err(Refusal::NoRequest);
    }
    let request = &mut ticket.course.requests[index];
    request.state = RequestState::Endorsed;
    request.endorsed_by = act.actor.account;
    Ok(Line { note: Some(words.to_owned()), facts: fact("request", kind.as_str()), ..Line::default() })
}

/// Checks that the actor may decide the open request, and writes the decision down.
fn decide(
    ticket: &mut Ticket,
    verb: Verb,
    state: RequestState,
    words: &str,
    act: &Act<'_>,
) -> Result<Request, Refusal> {
    let (index, kind, stands) = open(ticket)?;
    if !may_decide(ticket, kind, act.actor, act.rules.tree) {
        let heads_only = kind == RequestKind::Extension && ticket.course.extensions > 0;
        return Err(if heads_only { Refusal::NeedsHead } else { Refusal::NotYours { verb } });
    }
    if verb == Verb::Grant && needs_endorsement(ticket, kind, stands) {
        return Err(Refusal::NeedsEndorsement);
    }
    let request = &mut ticket.course.requests[index];
    request.state = state;
    request.decided_by = act.actor.account;
    request.decided_at = Some(act.now);
    request.decision = Some(words.to_owned());
    Ok(request.clone())
}

pub(super) fn grant(ticket: &mut Ticket, words: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    let request = decide(ticket, Verb::Grant, RequestState::Granted, words, act)?;
    let mut facts = fact("request", request.kind.as_str());
    match request.kind {
        RequestKind::Extension => {
            ticket.course.extensions += 1;
            extend(ticket, request.limit, act);
            if let Some(due) = ticket.timer().map(Timer::due) {
                facts.insert("due_at".to_owned(), due.to_string());
            }
        }
        RequestKind::Suspension | RequestKind::Deferral => {
            let suspended = request.kind == RequestKind::Suspension;
            ticket.state = if suspended { State::Suspended } else { State::Deferred };
            ticket.course.review_at = request.review_at;
            ticket.course.waiting = None;
            stop(ticket, act);
            if let Some(timer) = &mut ticket.course.arrival {
                timer.stop(act.now, act.rules.calendar);
            }
            if let Some(at) = request.review_at {
                facts.insert("review_at".to_owned(), at.to_string());
            }
        }
        RequestKind::Void => {
            orders::end_all(ticket, OrderState::Released, None, act.now);
            ticket.course.review_at = None;
            end(ticket, State::Voided, act.now);
        }
    }
    Ok(Line { note: Some(words.to_owned()), ..public(facts) })
}

/// Extends the lead's clock. One that is stopped while waiting gets the time all the same.
fn extend(ticket: &mut Ticket, limit: Option<Limit>, act: &Act<'_>) {
    let Some(limit) = limit else { return };
    let Some(seq) = ticket.lead_order().map(|order| order.seq) else { return };
    let (soon, calendar) = (act.policy.soon_percent, act.rules.calendar);
    let lead = ticket.orders.iter_mut().find(|order| order.seq == seq);
    if let Some(timer) = lead.and_then(|order| order.timer.as_mut()) {
        let stopped = timer.is_stopped();
        timer.resume(act.now, soon, calendar);
        timer.extend(act.now, limit, soon, calendar);
        if stopped {
            timer.stop(act.now, calendar);
        }
    }
}

pub(super) fn deny(ticket: &mut Ticket, words: &str, act: &Act<'_>) -> Result<Line, Refusal> {
    let request = decide(ticket, Verb::Deny, RequestState::Denied, words, act)?;
    Ok(Line {
        note: Some(words.to_owned()),
        facts: fact("request", request.kind.as_str()),
        ..Line::default()
    })
}
