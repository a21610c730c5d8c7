//! What the clocks of a ticket call the server for, and when.

use super::order_words::OrderKind;
use super::policy::Policy;
use super::state::Phase;
use super::ticket::Ticket;
use super::timer::Timer;
use super::verb::Verb;
use crate::clock::WorkCalendar;
use crate::time::Moment;

/// Which clock of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// That of the present phase (while handled: the lead order's).
    Phase(Phase),
    /// That of a work order, by its number.
    Order(i32),
}

/// Why the server has to look at a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// A clock is due soon.
    Soon(Clock),
    /// A clock's end was passed, for the first time or once more.
    Breach(Clock),
    /// An assisting unit is late.
    AssistLate(i32),
    /// The wait for the reporter is over.
    WaitOver,
    /// The day of review has come.
    Review,
}

impl Alarm {
    /// The name under which it is written down.
    pub const fn verb(self) -> Verb {
        match self {
            Alarm::Soon(_) => Verb::Warn,
            Alarm::Breach(_) => Verb::Breach,
            Alarm::AssistLate(_) => Verb::AssistLate,
            Alarm::WaitOver => Verb::Resume,
            Alarm::Review => Verb::Review,
        }
    }
}

/// The clock that an alarm speaks of.
pub(super) fn timer_mut(ticket: &mut Ticket, clock: Clock) -> Option<&mut Timer> {
    match clock {
        Clock::Phase(Phase::Arrive) => ticket.course.arrival.as_mut(),
        Clock::Phase(_) => ticket.course.timer.as_mut(),
        Clock::Order(seq) => {
            ticket.orders.iter_mut().find(|order| order.seq == seq).and_then(|order| order.timer.as_mut())
        }
    }
}

/// The clocks of a ticket with their names; assisting orders are not among them.
fn clocks(ticket: &Ticket) -> impl Iterator<Item = (Clock, &Timer)> {
    let phase = ticket.phase().zip(ticket.course.timer.as_ref());
    let arrival = ticket.course.arrival.as_ref().map(|timer| (Clock::Phase(Phase::Arrive), timer));
    let lead = ticket.lead_order().and_then(|order| Some((Clock::Order(order.seq), order.timer.as_ref()?)));
    phase.map(|(phase, timer)| (Clock::Phase(phase), timer)).into_iter().chain(arrival).chain(lead)
}

/// What has to be looked at next, and when; none while nothing runs.
///
/// A clock that is both due soon and over at `now` calls for its breach alone: after hours of being off nobody is
/// told that something is due soon which has long been overdue.
pub fn next_alarm(
    ticket: &Ticket,
    now: Moment,
    policy: &Policy,
    calendar: &WorkCalendar,
) -> Option<(Moment, Alarm)> {
    let at_top = ticket.course.raised_to.is_some() && ticket.course.raised_to == ticket.course.top;
    let main = clocks(ticket).filter_map(|(clock, timer)| {
        // Once the district itself has been told there is nobody left to tell about this clock.
        if timer.breaches() > 0 && at_top {
            return None;
        }
        let at = timer.next(policy.breach_again, calendar)?;
        let over = timer.breaches() > 0 || timer.is_warned() || timer.due() <= now;
        Some(if over { (at.max(timer.due()), Alarm::Breach(clock)) } else { (at, Alarm::Soon(clock)) })
    });
    let assists =
        ticket.orders.iter().filter(|order| order.kind == OrderKind::Assist && order.state.is_open());
    let late = assists.filter_map(|order| {
        let timer = order.timer.as_ref().filter(|timer| timer.breaches() == 0)?;
        Some((timer.running_due()?, Alarm::AssistLate(order.seq)))
    });
    let wait = ticket.course.waiting.map(|waiting| (waiting.until, Alarm::WaitOver));
    let review = ticket.course.review_at.map(|at| (at, Alarm::Review));
    main.chain(late).chain(wait).chain(review).min()
}
