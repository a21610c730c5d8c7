//! What must hold of the clocks after every accepted step.

use super::fixture::World;
use crate::flow::{Actor, State, Step, Ticket, Timer, Verb, next_alarm, permit};

/// The clocks that belong to the work: of the phase and of the open orders.
fn of_the_work(ticket: &Ticket) -> impl Iterator<Item = &Timer> {
    let open = ticket.orders.iter().filter(|order| order.state.is_open());
    open.filter_map(|order| order.timer.as_ref()).chain(&ticket.course.timer)
}

/// The laws of the clocks of a ticket at rest.
#[track_caller]
pub(super) fn hold_for_ticket(ticket: &Ticket, world: &World) {
    let (state, course) = (ticket.state, &ticket.course);
    assert_eq!(ticket.timer().is_some(), ticket.phase().is_some() || course.review_at.is_some());
    let resting = matches!(state, State::Suspended | State::Deferred);
    if resting || (course.waiting.is_some() && state == State::Claimed) {
        assert!(of_the_work(ticket).all(Timer::is_stopped), "no clock of the work runs in {state:?}");
    }
    if resting {
        assert!(course.arrival.as_ref().is_none_or(Timer::is_stopped));
    } else if course.waiting.is_none() {
        assert!(of_the_work(ticket).all(|timer| !timer.is_stopped()), "every clock runs in {state:?}");
    }
    assert_eq!(course.waiting.is_some() || resting, ticket.timer().is_some_and(Timer::is_stopped));
    assert_eq!(course.halted.is_some(), state == State::Checking, "the handler's clock rests for the check");
    assert!(course.arrival.is_none() || !state.is_final());
    for timer in of_the_work(ticket).chain(&course.arrival) {
        let mut again = timer.clone();
        assert!(!again.recount(75, &world.calendar), "{timer:?} disagrees with the calendar");
        assert_eq!(&again, timer);
        assert!(timer.soon() <= timer.due());
    }
    let running = ticket.timer().filter(|timer| !timer.is_stopped());
    assert_eq!(ticket.stage_due_at, running.map(Timer::due));
    assert_eq!(ticket.soon_at, running.map(Timer::soon));
    let policy = world.rules().policy(ticket, ticket.updated_at);
    let next = next_alarm(ticket, ticket.updated_at, policy, &world.calendar);
    assert_eq!(ticket.alarm_at, next.map(|(at, _)| at), "the server is called when something is due");
    if let Some((_, alarm)) = next {
        let permitted = permit(ticket, alarm.verb(), &Actor::server(), &world.tree);
        assert!(permitted.is_ok(), "{alarm:?} could not be written down in {state:?}");
    }
}

/// The laws of the clocks over one step.
#[track_caller]
pub(super) fn hold_after_step(before: &Ticket, done: &Step, world: &World) {
    let Step { ticket, event } = done;
    let told = matches!(event.verb, Verb::Breach) || event.facts.contains_key("raised_to");
    assert_eq!(
        ticket.course.breaches - before.course.breaches,
        u32::from(told),
        "each breach is counted once"
    );
    if let Some(level) = event.facts.get("raised_to") {
        let level = level.parse().unwrap();
        assert_eq!(ticket.course.raised_to, Some(level));
        let late = ticket.desk(&world.tree);
        let late = event.facts.get("late_unit").map_or(late, |unit| unit.parse().unwrap());
        assert!(world.tree.is_within(late, level), "a level above {late} is told, not {level}");
    }
}
