//! What the server writes down by itself, when, and exactly once.

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GRID, MANHOLE, STREET, UNRULED, World, dispatch, dispatcher, officer,
    worker,
};
use crate::flow::{Actor, Alarm, Assist, Clock, Command, Phase, Pressure, Refusal, State, Verb};
use crate::model::{Limit, LimitUnit};

#[test]
fn a_clock_warns_once_and_then_climbs_one_level_at_a_time() {
    let world = World::new();
    let mut case = Case::dispatched(&world, GRID, &[]);
    let sign = Clock::Phase(Phase::Sign);
    let due = case.ticket.stage_due_at.unwrap();
    let (warned, event) = case.alarm();
    assert_eq!((warned, event.verb, event.public), (Alarm::Soon(sign), Verb::Warn, false));
    assert_eq!(case.ticket.pressure(case.now), Pressure::DueSoon);
    for (level, again) in [(COMMUNITY, 0), (STREET, 1), (CENTRE, 2)] {
        let (alarm, event) = case.alarm();
        assert_eq!(alarm, Alarm::Breach(sign));
        let at =
            (0..again).fold(due, |at, _| world.calendar.deadline(at, Limit::new(1, LimitUnit::WorkingDays)));
        assert_eq!((event.at, event.facts["raised_to"].as_str()), (at.millis(), level.to_string().as_str()));
        assert_eq!((event.facts["late_unit"].as_str(), &event.facts["due_at"]), ("111", &due.to_string()));
        let repeated = case.refused(&Actor::server(), &Command::Alarm(alarm));
        assert_eq!(repeated, Refusal::NothingToDo, "what was dealt with is not written down twice");
        if level == CENTRE {
            break;
        }
    }
    assert_eq!(case.ticket.course.breaches, 3);
    assert_eq!(
        case.alarm().0,
        Alarm::Soon(Clock::Order(2)),
        "the district knows; only the other clock goes on"
    );
}

#[test]
fn after_a_long_downtime_nobody_is_told_that_the_overdue_is_due_soon() {
    let world = World::new();
    let mut case = Case::open(&world);
    let accept = Clock::Phase(Phase::Accept);
    assert_eq!(case.refused(&Actor::server(), &Command::Alarm(Alarm::Soon(accept))), Refusal::NothingToDo);
    case.later(30 * 86_400);
    let alarms: Vec<_> = (0..3).map(|_| case.alarm().1.facts["raised_to"].clone()).collect();
    assert_eq!(alarms, [COMMUNITY, STREET, CENTRE].map(|unit| unit.to_string()), "in order, one by one");
    assert_eq!(case.ticket.alarm_at, None);
    assert_eq!(case.refused(&Actor::server(), &Command::Alarm(Alarm::Breach(accept))), Refusal::NothingToDo);
    case.by(&worker(), &Command::Claim);
    assert!(case.ticket.alarm_at.is_some(), "the next phase has its own clock");
}

#[test]
fn an_assistant_that_is_late_does_not_make_the_lead_late() {
    let world = World::new();
    let mut case = Case::handling(&world);
    let limit = Some(Limit::new(2, LimitUnit::UrgentHours));
    let assist = Assist { unit: D02, limit };
    case.by(&officer(D01), &Command::AddAssist { assist, reason: "断电".to_owned() });
    let (alarm, event) = case.alarm();
    assert_eq!((alarm, event.facts["late_unit"].as_str()), (Alarm::AssistLate(3), "20"));
    assert_eq!(case.ticket.pressure(case.now), Pressure::Normal);
    assert_eq!((case.ticket.course.breaches, case.ticket.course.raised_to), (0, None));
    let late = |case: &Case<'_>| -> Vec<bool> {
        case.ticket
            .orders
            .iter()
            .filter(|order| order.state.is_open())
            .map(|order| order.is_late(case.now))
            .collect()
    };
    assert_eq!(late(&case), [false, true]);
    assert_eq!(case.refused(&Actor::server(), &Command::Alarm(alarm)), Refusal::NothingToDo);
}

#[test]
fn a_wait_without_an_answer_ends_by_itself() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&worker(), &Command::Claim);
    case.by(&worker(), &Command::AskReporter { words: "哪个门？".to_owned() });
    let waiting = case.ticket.course.waiting.unwrap();
    assert_eq!(case.ticket.alarm_at, Some(waiting.until));
    assert!(case.ticket.holder.unwrap().until > waiting.until, "the claim outlasts the wait");
    let (alarm, event) = case.alarm();
    assert_eq!((alarm, event.verb, case.ticket.state), (Alarm::WaitOver, Verb::Resume, State::Claimed));
    assert!(case.ticket.stage_due_at.is_some());
}

#[test]
fn a_new_calendar_moves_deadlines_once() {
    let (world, changed) = (World::new(), World::with_short_days());
    let mut case = Case::filed(&world, UNRULED);
    case.by(&dispatcher(), &dispatch(D01, &[]));
    assert_eq!(case.refused(&Actor::server(), &Command::Recount), Refusal::NothingToDo);
    let due = case.ticket.due_at.unwrap();
    case.world = &changed;
    let event = case.by(&Actor::server(), &Command::Recount);
    assert!(event.facts.contains_key("due_before") && case.ticket.due_at.unwrap() > due);
    assert_eq!(case.refused(&Actor::server(), &Command::Recount), Refusal::NothingToDo);
    let round_the_clock = Case::filed(&world, MANHOLE).ticket.due_at;
    assert_eq!(Case::filed(&changed, MANHOLE).ticket.due_at, round_the_clock);
}
