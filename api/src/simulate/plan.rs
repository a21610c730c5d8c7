//! What people mean to do next, after each step of a ticket.

use suishoupai_core::flow::{OrderKind, RequestKind, State, Ticket, Verb};
use suishoupai_core::time::Moment;

use super::queue::Act;
use super::scene::Look;

/// What of a ticket decides whether somebody is called to act by its next step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    state: Option<State>,
    lead: Option<i32>,
    last_order: i32,
    requests: usize,
    whistles: usize,
    held_until: Option<Moment>,
    waiting: bool,
    arrival: bool,
}

impl Seen {
    pub(super) fn of(ticket: &Ticket) -> Self {
        Self {
            state: Some(ticket.state),
            lead: ticket.lead_order().map(|order| order.seq),
            last_order: ticket.orders.iter().map(|order| order.seq).max().unwrap_or(0),
            requests: ticket.course.requests.len(),
            whistles: ticket.course.whistles.len(),
            held_until: ticket.holder.map(|holder| holder.until),
            waiting: ticket.course.waiting.is_some(),
            arrival: ticket.course.arrival.is_some(),
        }
    }
}

/// Plans what follows from a step; `look` is at the ticket after it.
pub(super) fn follow(look: &mut Look<'_>, seen: Seen, verb: Option<Verb>) {
    let ticket = look.ticket;
    let now = Seen::of(ticket);
    let resumed = seen.waiting && !now.waiting;
    if (seen.state, seen.lead) != (now.state, now.lead) || resumed {
        enter(look);
    }
    if let Some(until) = now.held_until.filter(|until| seen.held_until != Some(*until)) {
        look.plan(until, Act::Lapse);
    }
    if now.waiting && !seen.waiting && look.chance.hit(0.7) {
        let at = look.minutes(360.0);
        look.plan(at, Act::Supplement);
    }
    if now.arrival && !seen.arrival {
        let at = look.minutes(15.0);
        look.plan(at, Act::Arrive);
    }
    if now.requests > seen.requests
        && let Some(request) = ticket.course.open_request()
    {
        let at = look.office(90.0);
        look.plan(at, Act::Decision(request.seq));
    }
    if now.whistles > seen.whistles
        && let Some(whistle) = ticket.course.open_whistle()
    {
        let half = (whistle.meet_at.millis() - look.now.millis()) / 2;
        look.plan(look.now.plus_millis(half), Act::Meeting(whistle.seq));
        look.plan(whistle.meet_at.plus_seconds(600), Act::Meeting(whistle.seq));
        look.plan(whistle.meet_at.plus_seconds(4_200), Act::Meeting(whistle.seq));
    }
    assistants(look, seen.last_order);
    if verb == Some(Verb::Open) {
        second_thoughts(look);
    }
}

/// A ticket has come onto a new desk.
fn enter(look: &mut Look<'_>) {
    let ticket = look.ticket;
    match ticket.state {
        State::Received => pool(look),
        State::Claimed => {
            if let Some(holder) = ticket.holder {
                let at = look.minutes(9.0);
                look.plan(at, Act::Decide(holder.until));
            }
        }
        State::Verified => desk(look, 18.0, Act::File),
        State::Filed => desk(look, 20.0, Act::Dispatch),
        State::Arbitrating => desk(look, 120.0, Act::Arbitrate),
        State::Dispatched => {
            if let Some(order) = ticket.lead_order() {
                let mean = look.town().temper(order.unit).signs_in;
                desk(look, mean, Act::Sign(order.seq));
            }
        }
        State::Handling => work(look),
        State::Suspended | State::Deferred => {
            if look.chance.hit(0.15) {
                let at = look.office(1_500.0);
                look.plan(at, Act::Resume);
            }
        }
        State::Checking => desk(look, 70.0, Act::Check),
        State::Closed => {
            if ticket.course.call_back_due {
                let at = look.office(240.0);
                look.plan(at, Act::CallBack);
            }
            opinion(look, 0.22);
        }
        State::Refused => opinion(look, 0.05),
        State::Withdrawn | State::Voided | State::Merged => {}
    }
}

/// Somebody has it on the desk. Now and then it is forgotten there for days.
fn desk(look: &mut Look<'_>, mean: f64, act: Act) {
    let forgotten = look.chance.hit(0.012);
    let at = if forgotten { look.office(1_200.0) } else { look.soon(mean, mean / 3.0) };
    look.plan(at, act);
}

fn pool(look: &mut Look<'_>) {
    if look.chance.hit(0.03) {
        // Nobody of the grid cares; the centre does in the end.
        let at = look.office(300.0);
        look.plan(at, Act::File);
        return;
    }
    let at = look.soon(38.0, 9.0);
    look.plan(at, Act::Claim(false));
    if look.chance.hit(0.04) {
        look.plan(at.plus_seconds(20), Act::Claim(true));
    }
}

fn work(look: &mut Look<'_>) {
    let Some(order) = look.ticket.lead_order() else { return };
    let (seq, temper) = (order.seq, look.town().temper(order.unit));
    let mut part = 0.12 + look.chance.wait(temper.pace);
    if look.chance.hit(0.015) {
        part += 2.0 + look.chance.wait(4.0);
    }
    let at = look.share_of_limit(part);
    look.plan(at, Act::Work(seq));
    let when_late = part > 0.75 && look.chance.hit(0.45);
    let wishes = [
        (when_late, 0.6, RequestKind::Extension),
        (look.chance.hit(0.02), 0.3, RequestKind::Suspension),
        (look.chance.hit(0.007), 0.3, RequestKind::Deferral),
        (look.chance.hit(0.008), 0.2, RequestKind::Void),
    ];
    for (_, share, kind) in wishes.into_iter().filter(|(wished, _, _)| *wished) {
        let at = look.share_of_limit(part * share);
        look.plan(at, Act::Ask(seq, kind));
    }
    if look.chance.hit(0.06) {
        let at = look.share_of_limit(part * 0.4);
        look.plan(at, Act::Detour(seq));
    }
}

/// Assisting units sign and do their part, a few of them too late.
fn assistants(look: &mut Look<'_>, known: i32) {
    let ticket = look.ticket;
    let new = ticket
        .orders
        .iter()
        .filter(|order| order.seq > known && order.kind == OrderKind::Assist && order.state.is_open());
    for order in new {
        let mean = look.town().temper(order.unit).signs_in;
        let at = look.soon(mean, mean / 3.0);
        look.plan(at, Act::AssistSign(order.seq));
        let due = order.due_at.millis() - look.now.millis();
        let part = 0.15 + look.chance.wait(0.3);
        let at = look.now.plus_millis((due as f64 * part) as i64).max(at.plus_seconds(60));
        look.plan(at, Act::AssistDone(order.seq));
    }
}

/// A few reports are taken back by who sent them, or found to be no case.
fn second_thoughts(look: &mut Look<'_>) {
    if look.ticket.course.by_resident && look.chance.hit(0.012) {
        let at = look.minutes(200.0);
        look.plan(at, Act::Withdraw);
    }
    if look.chance.hit(0.006) {
        let at = look.office(50.0);
        look.plan(at, Act::AskVoid);
    }
}

fn opinion(look: &mut Look<'_>, probability: f64) {
    if look.ticket.course.by_resident && look.chance.hit(probability) {
        let at = look.minutes(1_200.0);
        look.plan(at, Act::Opinion);
    }
}
