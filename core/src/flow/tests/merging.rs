//! Urging, and reports of the same thing under one ticket.

use super::case::Case;
use super::cases::case_in;
use super::fixture::{
    CENTRE, COMMUNITY, D01, GRID, STREET, World, chief, dispatcher, officer, resident, worker,
};
use crate::flow::{
    Actor, Command, OrderState, Post, Refusal, Role, State, Verb, allowed_actions, may_see, told,
};

fn urge() -> Command {
    Command::Urge { words: Some("快一点".to_owned()) }
}

fn merge(into: i64) -> Command {
    Command::Merge { into, reason: "同一处井盖".to_owned() }
}

#[test]
fn the_centre_urges_harder_each_time_and_tells_ever_more_units() {
    let world = World::new();
    let mut case = case_in(&world, State::Handling, &worker(), &officer(D01), &[]);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let before = case.ticket.clone();
        let done = case.by(&dispatcher(), &urge());
        assert!(done.public && done.words.is_none(), "its words stay inside");
        let units = told(Some(&before), &case.ticket, &done, &world.tree);
        seen.push((done.facts["urging"].clone(), units));
    }
    let words: Vec<&str> = seen.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["reminder", "notice", "published", "published"]);
    assert_eq!(seen[0].1, [D01]);
    assert_eq!(seen[1].1, [CENTRE, D01], "above the department is the district");
    assert_eq!(seen[2].1, seen[1].1);
}

#[test]
fn a_published_urging_of_a_grid_is_told_on_every_level() {
    let world = World::new();
    let mut case = case_in(&world, State::Received, &worker(), &officer(D01), &[]);
    let mut units = Vec::new();
    for _ in 0..3 {
        let before = case.ticket.clone();
        let done = case.by(&dispatcher(), &urge());
        units.push(told(Some(&before), &case.ticket, &done, &world.tree));
    }
    let sorted = |mut units: Vec<i64>| {
        units.sort_unstable();
        units
    };
    assert_eq!(units[0], [GRID]);
    assert_eq!(units[1], sorted(vec![GRID, COMMUNITY]));
    assert_eq!(units[2], sorted(vec![GRID, COMMUNITY, STREET, CENTRE]));
}

#[test]
fn a_reporter_urges_once_on_a_day_of_the_calendar() {
    let world = World::new();
    let mut case = Case::open(&world);
    let done = case.by(&resident(), &urge());
    assert_eq!((done.facts["urging"].as_str(), done.words.as_deref()), ("reminder", Some("快一点")));
    assert_eq!(case.refused(&resident(), &urge()), Refusal::UrgedToday);
    let offered = |case: &Case<'_>, now| {
        allowed_actions(&case.ticket, &resident(), &world.tree, 7, now).contains(&Verb::Urge)
    };
    assert!(!offered(&case, case.now));
    let midnight = (1..=24 * 60).map(|minute| case.now.plus_seconds(minute * 60));
    let tomorrow = midnight.into_iter().find(|at| at.date() != case.now.date()).unwrap();
    assert!(offered(&case, tomorrow), "at {tomorrow}");
    case.now = tomorrow;
    case.by(&resident(), &urge());
    assert_eq!(case.ticket.course.urged.len(), 1, "only the last time is kept");
    assert_eq!(case.ticket.course.urges, 0, "what reporters say does not make the centre's next step harder");
}

#[test]
fn merging_ends_the_work_and_unmerging_begins_anew() {
    let world = World::new();
    let mut case = case_in(&world, State::Handling, &worker(), &officer(D01), &[]);
    case.by(&dispatcher(), &merge(77));
    assert_eq!((case.ticket.state, case.ticket.merged_into), (State::Merged, Some(77)));
    assert!(case.ticket.orders.iter().all(|order| order.state == OrderState::Released));
    assert_eq!((case.ticket.stage_due_at, case.ticket.alarm_at), (None, None), "no clock runs");
    assert!(case.ticket.closed_at.is_some());
    assert_eq!(case.refused(&officer(D01), &Command::Accept).code(), "wrong_state");
    case.by(&chief(), &Command::Unmerge { reason: "是另一处".to_owned() });
    assert_eq!((case.ticket.state, case.ticket.merged_into), (State::Received, None));
    assert_eq!((case.ticket.responsible, case.ticket.closed_at), (GRID, None));
    assert!(case.ticket.stage_due_at.is_some(), "its clock runs again");
    case.by(&worker(), &Command::Claim);
}

#[test]
fn what_took_in_others_is_neither_merged_nor_withdrawn() {
    let world = World::new();
    let mut case = Case::open(&world);
    let on_behalf = Actor { posts: vec![Post { role: Role::System, unit: 0 }], ..dispatcher() };
    let done = case.by(&on_behalf, &Command::Absorb { ticket: 77 });
    assert_eq!(done.actor, dispatcher().account, "the history names who merged");
    assert_eq!(case.refused(&on_behalf, &Command::Absorb { ticket: 77 }), Refusal::NothingToDo);
    assert_eq!(case.refused(&resident(), &Command::Withdraw { words: None }), Refusal::OthersReported);
    assert_eq!(case.refused(&dispatcher(), &merge(78)), Refusal::HasMerged);
    let offered = allowed_actions(&case.ticket, &resident(), &world.tree, 7, case.now);
    assert!(!offered.contains(&Verb::Withdraw));
    case.by(&on_behalf, &Command::Detach { ticket: 77 });
    assert_eq!(case.refused(&on_behalf, &Command::Detach { ticket: 77 }), Refusal::NothingToDo);
    let own = case.ticket.id;
    assert_eq!(case.refused(&dispatcher(), &merge(own)), Refusal::MergedWithItself);
    case.by(&resident(), &Command::Withdraw { words: None });
    assert!(may_see(&case.ticket, &dispatcher(), &world.tree, &[]));
}
