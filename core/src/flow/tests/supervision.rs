//! Supervision orders: hand-made lives, and random ones whose every step must keep the laws.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fixture::{
    CENTRE, COMMUNITY, D01, D02, GRID, HOME, NEIGHBOUR_CENTRE, NEIGHBOUR_DEPARTMENT, NOWHERE, SQUAD_1,
    SQUAD_2, STREET, World, chief, colleague, community, dispatcher, head, inspector, officer, person, photo,
    resident, start, street, worker,
};
use super::random::fixed;
use crate::flow::supervision::{
    Around, Issue, MOST_DAYS, MOST_TICKETS, SupervisionCommand as Command, SupervisionEvent as Line,
    SupervisionOrder, SupervisionRefusal as Refusal, SupervisionState as State, SupervisionStep,
    SupervisionVerb as Verb, TABLE, allowed_supervision, allows, issue, may_see_order, supervise,
};
use crate::flow::{Actor, GENESIS, Pressure, Role, Stage, link};
use crate::model::UnitId;
use crate::time::Moment;

const DAY: i64 = 86_400;

fn around(world: &World, now: Moment) -> Around<'_> {
    Around { tree: &world.tree, soon_percent: 75, now }
}

fn to(recipient: UnitId) -> Issue {
    Issue {
        id: 7,
        district: HOME,
        recipient,
        text: Some("限期清运建筑垃圾".to_owned()),
        tickets: vec![12, 11, 12],
        due_at: start().plus_seconds(4 * DAY),
    }
}

fn issued(world: &World, recipient: UnitId) -> SupervisionStep {
    issue(to(recipient), &dispatcher(), around(world, start())).unwrap()
}

fn reply() -> Command {
    Command::Reply { words: "已清运".to_owned() }
}

fn accept() -> Command {
    Command::Accept { words: None }
}

fn reinspect(due_at: Moment) -> Command {
    Command::Reinspect { reason: "仍有残留".to_owned(), due_at }
}

fn reopen(due_at: Moment) -> Command {
    Command::Reopen { reason: "反弹".to_owned(), due_at }
}

#[test]
fn every_word_is_read_back_and_named_in_both_languages() {
    let mut seen = BTreeSet::new();
    for state in State::ALL {
        assert!(seen.insert(state.as_str()) && State::parse(state.as_str()) == Some(*state));
        assert!(!state.zh().is_ascii() && state.en().is_ascii());
        let reached = TABLE.iter().any(|row| row.to == *state);
        let left = TABLE.iter().any(|row| row.from.contains(state));
        assert!(reached && left, "{state:?} is reached and left");
    }
    for verb in Verb::ALL {
        assert!(seen.insert(verb.as_str()) && Verb::parse(verb.as_str()) == Some(*verb));
        assert!(!verb.zh().is_ascii() && verb.en().is_ascii());
        assert_eq!(serde_json::to_string(verb).unwrap(), format!("\"{}\"", verb.as_str()));
        assert_eq!(TABLE.iter().filter(|row| row.verb == *verb).count(), 1);
    }
    assert_eq!((State::parse(""), Verb::parse("accepted")), (None, None));
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_says_why_in_both_languages() {
    let refusals = [
        Refusal::WrongState { state: State::Accepted, verb: Verb::Reply },
        Refusal::NotYours { verb: Verb::Reopen },
        Refusal::OwnReply,
        Refusal::Empty,
        Refusal::TooManyTickets { most: 50 },
        Refusal::CannotReceive(20),
        Refusal::BadDeadline { days: 366 },
    ];
    let codes: BTreeSet<_> = refusals.iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), refusals.len());
    for refusal in refusals {
        let said = refusal.said();
        assert!(!said.zh.is_ascii() && said.en.is_ascii() && said.en.len() > 10, "{said:?}");
    }
}

#[test]
fn a_whole_life_with_another_inspection_and_a_reopening() {
    let world = World::new();
    let first = issued(&world, D01);
    assert_eq!((first.order.tickets.clone(), first.order.rounds), (vec![11, 12], 1), "each ticket once");
    assert_eq!(first.order.soon_at, start().plus_seconds(3 * DAY), "due soon after three quarters");
    let mut order = first.order;
    let mut lines = vec![first.event];
    let mut now = start();
    let mut go = |actor: &Actor, command: Command, expected: (State, i32)| {
        now = now.plus_seconds(DAY);
        let done = supervise(&order, &command, actor, &photo(Stage::After), around(&world, now)).unwrap();
        assert_eq!((done.order.state, done.order.rounds), expected, "{command:?}");
        order = done.order;
        lines.push(done.event);
        (order.clone(), now)
    };
    let (replied, at) = go(&officer(D01), reply(), (State::Replied, 1));
    assert_eq!((replied.replied_at, replied.replied_by), (Some(at), officer(D01).account));
    assert_eq!(replied.pressing_at(), None, "a reply in time ends the pressing");
    let (sent_back, _) = go(&chief(), reinspect(at.plus_seconds(9 * DAY)), (State::Reinspecting, 2));
    assert_eq!((sent_back.replied_at, sent_back.due_at), (None, at.plus_seconds(9 * DAY)));
    go(&colleague(Role::DepartmentOfficer, D01), reply(), (State::Replied, 2));
    let (accepted, at) = go(&head(), accept(), (State::Accepted, 2));
    assert_eq!(accepted.accepted_at, Some(at));
    let (again, _) = go(&dispatcher(), reopen(at.plus_seconds(5 * DAY)), (State::Issued, 3));
    assert_eq!((again.accepted_at, again.replied_at), (None, None));
    assert_eq!(SupervisionOrder::replay(&lines).unwrap(), order);
}

#[test]
fn only_the_centre_issues_and_only_to_a_unit_of_its_district_with_something_to_do() {
    let world = World::new();
    let by = |actor: &Actor, what: Issue| issue(what, actor, around(&world, start())).map(|step| step.order);
    for actor in [dispatcher(), chief(), head()] {
        for recipient in [D01, SQUAD_1, STREET, COMMUNITY, GRID] {
            assert_eq!(by(&actor, to(recipient)).unwrap().recipient, recipient);
        }
    }
    let neighbour = person(Role::Dispatcher, NEIGHBOUR_CENTRE);
    for actor in [inspector(), street(), officer(D01), worker(), resident(), neighbour, Actor::server()] {
        assert_eq!(by(&actor, to(D01)), Err(Refusal::NotYours { verb: Verb::Issue }), "{actor:?}");
    }
    for unit in [CENTRE, NEIGHBOUR_DEPARTMENT, NOWHERE] {
        assert_eq!(by(&dispatcher(), to(unit)), Err(Refusal::CannotReceive(unit)));
    }
    assert_eq!(by(&dispatcher(), Issue { text: None, tickets: Vec::new(), ..to(D01) }), Err(Refusal::Empty));
    let many = (1..=51).collect();
    assert_eq!(
        by(&dispatcher(), Issue { tickets: many, ..to(D01) }),
        Err(Refusal::TooManyTickets { most: MOST_TICKETS })
    );
    for tickets in [Vec::new(), (1..=50).collect()] {
        assert_eq!(
            by(&dispatcher(), Issue { tickets: tickets.clone(), ..to(D01) }).unwrap().tickets,
            tickets
        );
    }
}

#[test]
fn a_deadline_lies_ahead_and_not_too_far() {
    let world = World::new();
    let longest = start().plus_seconds(MOST_DAYS * DAY);
    for (due_at, good) in [
        (start(), false),
        (start().plus_millis(1), true),
        (longest, true),
        (longest.plus_millis(1), false),
        (Moment::from_millis(i64::MAX), false),
        (Moment::from_millis(i64::MIN), false),
    ] {
        let tried = issue(Issue { due_at, ..to(D02) }, &head(), around(&world, start()));
        let bad = Refusal::BadDeadline { days: MOST_DAYS };
        assert_eq!(tried.map(|step| step.order.due_at), if good { Ok(due_at) } else { Err(bad) });
    }
    let order = issued(&world, D02).order;
    let replied = supervise(&order, &reply(), &officer(D02), &[], around(&world, start()))
        .map(|step| step.order)
        .unwrap();
    let past = supervise(&replied, &reinspect(start()), &chief(), &[], around(&world, start()));
    assert_eq!(past, Err(Refusal::BadDeadline { days: MOST_DAYS }));
}

#[test]
fn the_recipient_replies_and_its_department_may_for_a_squad() {
    let world = World::new();
    let replies = |recipient: UnitId, actor: &Actor| {
        let order = issued(&world, recipient).order;
        supervise(&order, &reply(), actor, &[], around(&world, start())).map(|_| ())
    };
    let not_yours = Err(Refusal::NotYours { verb: Verb::Reply });
    assert_eq!(replies(SQUAD_1, &officer(SQUAD_1)), Ok(()));
    assert_eq!(replies(SQUAD_1, &officer(D01)), Ok(()), "a department answers for its squads");
    assert_eq!(replies(D01, &officer(SQUAD_1)), not_yours, "and a squad not for its department");
    assert_eq!(replies(SQUAD_1, &officer(SQUAD_2)), not_yours);
    assert_eq!(replies(COMMUNITY, &community()), Ok(()));
    assert_eq!(replies(COMMUNITY, &street()), not_yours, "a street sees it, and its community replies");
    assert_eq!(replies(GRID, &worker()), Ok(()));
    assert_eq!(replies(D01, &dispatcher()), not_yours);
}

#[test]
fn nobody_decides_about_the_own_reply() {
    let world = World::new();
    let both = Actor { posts: vec![officer(D01).posts[0], chief().posts[0]], ..officer(D01) };
    let stands_in = Actor { stands_for: vec![both.account.unwrap()], ..chief() };
    let order = issued(&world, D01).order;
    let at = around(&world, start());
    let replied = supervise(&order, &reply(), &both, &[], at).unwrap().order;
    for actor in [&both, &stands_in] {
        assert_eq!(supervise(&replied, &accept(), actor, &[], at), Err(Refusal::OwnReply));
        assert!(allowed_supervision(&replied, actor, &world.tree).is_empty());
    }
    assert_eq!(allowed_supervision(&replied, &chief(), &world.tree), [Verb::Accept, Verb::Reinspect]);
    let late = supervise(&replied, &reply(), &officer(D01), &[], at);
    assert_eq!(late, Err(Refusal::WrongState { state: State::Replied, verb: Verb::Reply }));
}

#[test]
fn seen_by_the_recipient_and_all_above_it() {
    let world = World::new();
    let sees = |recipient: UnitId, actor: &Actor| {
        may_see_order(&issued(&world, recipient).order, actor, &world.tree)
    };
    for actor in [worker(), community(), street(), dispatcher(), inspector(), person(Role::Observer, CENTRE)]
    {
        assert!(sees(GRID, &actor), "{actor:?}");
    }
    assert!(sees(SQUAD_1, &officer(D01)) && !sees(D01, &officer(SQUAD_1)));
    for actor in [officer(D02), worker(), street(), resident(), person(Role::Dispatcher, NEIGHBOUR_CENTRE)] {
        assert!(!sees(D01, &actor), "{actor:?}");
    }
}

#[test]
fn what_presses_and_until_when() {
    let world = World::new();
    let order = issued(&world, D01).order;
    let (soon, due) = (order.soon_at, order.due_at);
    assert_eq!(order.pressure(soon.plus_millis(-1)), Pressure::Normal);
    assert_eq!(order.pressure(soon), Pressure::DueSoon);
    assert_eq!(order.pressure(due.plus_millis(-1)), Pressure::DueSoon);
    assert_eq!(order.pressure(due), Pressure::Overdue);
    let replied_at =
        |now| supervise(&order, &reply(), &officer(D01), &[], around(&world, now)).unwrap().order;
    let (timely, late) = (replied_at(due.plus_millis(-1)), replied_at(due));
    assert_eq!(timely.pressure(due.plus_seconds(DAY)), Pressure::Normal);
    assert_eq!(late.pressure(due), Pressure::Overdue, "a late reply stays late until it is accepted");
    let ended = supervise(&late, &accept(), &head(), &[], around(&world, due)).unwrap().order;
    assert_eq!((ended.pressure(due), ended.pressing_at()), (Pressure::Normal, None));
}

#[test]
fn a_history_that_does_not_follow_is_not_read() {
    let world = World::new();
    let first = issued(&world, D01);
    let second = supervise(&first.order, &reply(), &officer(D01), &[], around(&world, start())).unwrap();
    let good = [first.event, second.event];
    assert!(SupervisionOrder::replay(&good).is_ok());
    let altered: [fn(&mut Vec<Line>); 7] = [
        |lines| lines.clear(),
        |lines| lines.swap(0, 1),
        |lines| lines[0].subject = None,
        |lines| lines[0].deadline = None,
        |lines| lines[1].to = State::Accepted,
        |lines| lines[1].seq = 3,
        |lines| lines[1].order = 8,
    ];
    for (number, alter) in altered.into_iter().enumerate() {
        let mut lines = good.to_vec();
        alter(&mut lines);
        assert!(SupervisionOrder::replay(&lines).is_err(), "alteration {number}");
    }
}

/// Everybody who may turn up.
fn cast() -> Vec<Actor> {
    vec![
        dispatcher(),
        chief(),
        head(),
        inspector(),
        officer(D01),
        colleague(Role::DepartmentOfficer, D01),
        officer(SQUAD_1),
        officer(D02),
        street(),
        worker(),
        resident(),
        Actor { posts: vec![officer(D01).posts[0], head().posts[0]], ..colleague(Role::CentreHead, CENTRE) },
        Actor { stands_for: vec![officer(D01).account.unwrap()], ..dispatcher() },
        Actor::server(),
    ]
}

fn chosen(verb: usize, due_at: Moment) -> Command {
    match verb {
        0 => reply(),
        1 => accept(),
        2 => reinspect(due_at),
        _ => reopen(due_at),
    }
}

/// What must hold after every accepted step.
fn hold(before: &SupervisionOrder, done: &SupervisionStep, actor: &Actor) {
    let SupervisionStep { order, event } = done;
    assert_eq!((order.version, event.seq), (before.version + 1, before.version + 1));
    assert!(allows(event.from, event.verb, event.to) && event.to == order.state);
    assert_eq!((order.id, order.district, order.recipient), (before.id, before.district, before.recipient));
    assert_eq!((&order.text, &order.tickets), (&before.text, &before.tickets), "the matter never changes");
    assert_eq!((order.issued_by, order.issued_at), (before.issued_by, before.issued_at));
    let new_round = matches!(event.verb, Verb::Reinspect | Verb::Reopen);
    assert_eq!(order.rounds, before.rounds + i32::from(new_round));
    assert_eq!(order.accepted_at.is_some(), order.state == State::Accepted);
    assert_eq!(order.replied_at.is_some(), !order.state.awaits_reply());
    assert!(order.soon_at <= order.due_at);
    assert!(!new_round || order.due_at.millis() > event.at, "a deadline lies ahead when it is set");
    assert_eq!(Some(event.actor), actor.account);
    if event.verb != Verb::Reply {
        assert!(!order.replied_by.is_some_and(|replier| actor.acts_as(replier)), "nobody's own reply");
    }
}

proptest! {
    #![proptest_config(fixed(300))]

    #[test]
    fn any_sequence_of_permitted_steps_keeps_the_laws(
        moves in prop::collection::vec((0..14_usize, 0..4_usize, 0..3 * DAY, -1..200 * DAY), 0..60)
    ) {
        let world = World::new();
        let first = issued(&world, SQUAD_1);
        let (mut order, mut lines) = (first.order, vec![first.event]);
        let mut now = start();
        for (who, verb, pause, due) in moves {
            now = now.plus_seconds(pause);
            let actor = &cast()[who];
            let command = chosen(verb, now.plus_seconds(due));
            let offered = allowed_supervision(&order, actor, &world.tree);
            prop_assert!(offered.is_empty() || may_see_order(&order, actor, &world.tree));
            let photos = if verb == 0 { photo(Stage::After) } else { Vec::new() };
            match supervise(&order, &command, actor, &photos, around(&world, now)) {
                Ok(done) => {
                    prop_assert!(offered.contains(&command.verb()));
                    hold(&order, &done, actor);
                    order = done.order;
                    lines.push(done.event);
                }
                Err(Refusal::BadDeadline { .. }) => prop_assert!(due <= 0),
                Err(_) => prop_assert!(!offered.contains(&command.verb()) || actor.account.is_none()),
            }
        }
        prop_assert_eq!(&SupervisionOrder::replay(&lines).unwrap(), &order);
        let mut hash = GENESIS;
        for line in &lines {
            let text = line.content().unwrap();
            let back = Line::parse(&text).unwrap();
            prop_assert_eq!(&back.content().unwrap(), &text, "the text that is hashed is stable");
            prop_assert_eq!(&back, line);
            let next = link(&hash, &text);
            prop_assert_ne!(next, hash);
            hash = next;
        }
    }
}

#[test]
fn a_clock_that_is_set_back_sets_no_history_back() {
    let world = World::new();
    let first = issued(&world, D01);
    let at = |seconds: i64| around(&world, start().plus_seconds(seconds));
    let replied = supervise(&first.order, &reply(), &officer(D01), &[], at(3600)).unwrap();
    let due_at = start().plus_seconds(2 * DAY);
    let sent_back = supervise(&replied.order, &reinspect(due_at), &chief(), &[], at(0)).unwrap();
    assert_eq!(
        (sent_back.event.at, replied.event.at),
        (replied.event.at, start().plus_seconds(3600).millis())
    );
    let again = supervise(&sent_back.order, &reply(), &officer(D01), &[], at(-60)).unwrap();
    assert_eq!(again.event.at, replied.event.at);
    assert_eq!(again.order.updated_at.millis(), again.event.at);
    let lines = [first.event, replied.event, sent_back.event, again.event];
    assert_eq!(SupervisionOrder::replay(&lines).unwrap(), again.order);
}
