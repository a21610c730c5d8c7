//! The lines that a life leaves behind: their order, what the reporter sees, and the chain over them.

use std::collections::BTreeMap;

use super::fixture::{
    Case, D02, GRID, GRID_NEXT, MANHOLE, SQUAD_1, UNRULED, World, file, finish, inspector, officer, opening,
    resident, start, there, worker,
};
use crate::flow::{Channel, Command, Event, GENESIS, Opening, Refusal, Role, State, Verb, link, open};

/// A life with words, notes, reasons, photos and facts in its lines.
fn life(world: &World) -> Vec<Event> {
    let mut case = Case::open(world);
    case.by(&resident(), &Command::Supplement { words: "在\"西\"门\n旁 🚧".to_owned() });
    case.by(&worker(), &Command::Claim);
    case.by(&worker(), &Command::Release { reason: None });
    case.by(&worker(), &Command::Claim);
    case.by(&worker(), &file(MANHOLE));
    case.by(&officer(D02), &Command::Accept);
    case.by(&officer(SQUAD_1), &finish());
    case.by_with_photo(&officer(D02), &finish());
    case.by_with_photo(&inspector(), &Command::Close { note: Some("属实".to_owned()), spot: there() });
    case.by(&resident(), &Command::Rate { solved: false, stars: 3, words: Some("慢".to_owned()) });
    case.events
}

fn chain(events: &[Event]) -> Vec<[u8; 32]> {
    let mut hash = GENESIS;
    let links = events.iter().map(|event| {
        hash = link(&hash, &event.content().unwrap());
        hash
    });
    links.collect()
}

#[test]
fn lines_are_numbered_without_gaps_and_each_starts_where_the_last_ended() {
    let events = life(&World::new());
    for (index, event) in events.iter().enumerate() {
        assert_eq!(usize::try_from(event.seq), Ok(index + 1));
        assert_eq!(event.from, index.checked_sub(1).map(|before| events[before].to));
    }
}

#[test]
fn the_reporter_sees_the_course_but_not_the_inside() {
    let events = life(&World::new());
    let hidden: Vec<_> =
        events.iter().filter(|event| !event.public).map(|event| (event.verb, event.role)).collect();
    assert_eq!(hidden, [(Verb::Release, Role::GridWorker), (Verb::Finish, Role::DepartmentOfficer)]);
    let public_words: Vec<_> =
        events.iter().filter(|event| event.public).filter_map(|event| event.words.clone()).collect();
    assert_eq!(public_words, ["在\"西\"门\n旁 🚧", "已清理", "慢"]);
}

#[test]
fn every_line_is_read_back_from_its_text_and_gives_the_same_text_again() {
    for event in life(&World::new()) {
        let content = event.content().unwrap();
        let back = Event::parse(&content).unwrap();
        assert_eq!(back, event);
        assert_eq!(back.content().unwrap(), content, "the text that is hashed is stable");
    }
    assert!(Event::parse("{}").is_err());
}

#[test]
fn the_chain_breaks_when_any_line_is_altered_dropped_or_moved() {
    let events = life(&World::new());
    let links = chain(&events);
    let last = links[links.len() - 1];
    for index in 0..events.len() {
        let mut altered = events.clone();
        altered[index].at += 1;
        let broken = chain(&altered);
        assert_eq!(broken[..index], links[..index], "links before the change still hold");
        assert!(broken[index..].iter().zip(&links[index..]).all(|(new, old)| new != old), "line {index}");
        let mut dropped = events.clone();
        dropped.remove(index);
        assert_ne!(chain(&dropped).last(), Some(&last), "line {index} cannot be dropped");
        let mut moved = events.clone();
        moved.swap(index, (index + 1) % events.len());
        assert_ne!(chain(&moved).last(), Some(&last), "line {index} cannot be moved");
    }
}

#[test]
fn a_photo_is_bound_into_the_line_by_its_digest() {
    let events = life(&World::new());
    let finished = events.iter().find(|event| event.verb == Verb::Finish && event.public).unwrap();
    assert!(finished.content().unwrap().contains(&"ab".repeat(32)));
    let mut forged = finished.clone();
    forged.photos[0].sha256 = "ac".repeat(32);
    assert_ne!(link(&GENESIS, &forged.content().unwrap()), link(&GENESIS, &finished.content().unwrap()));
}

#[test]
fn a_residents_report_opens_in_the_pool() {
    let world = World::new();
    // A worker who reports as a resident brings no unit into it, even if the caller names one.
    let first = open(Opening { unit: Some(GRID), ..opening(GRID) }, start(), world.rules()).unwrap();
    assert_eq!((first.ticket.state, first.ticket.holder), (State::Received, None));
    assert_eq!((first.event.role, first.event.unit), (Role::Resident, None));
    assert_eq!((first.event.seq, first.event.from, first.event.public), (1, None, true));
    assert_eq!(first.event.facts, BTreeMap::from([("report".to_owned(), "cd".repeat(32))]));
    assert_eq!(first.event.photos.len(), 1);
}

#[test]
fn a_workers_own_find_opens_in_the_finders_hands() {
    let world = World::new();
    let find = |grid| Opening {
        channel: Channel::GridWorker,
        unit: Some(GRID),
        reporter: worker().account.unwrap(),
        category: Some(UNRULED.to_owned()),
        ..opening(grid)
    };
    // The finder may stand in the next grid; the ticket then belongs there and the claim to the finder.
    let mut case = Case::open_with(&world, find(GRID_NEXT));
    let first = case.events[0].clone();
    assert_eq!((case.ticket.state, first.role, first.unit), (State::Claimed, Role::GridWorker, Some(GRID)));
    assert_eq!(
        case.ticket.holder.map(|holder| (Some(holder.account), holder.unit)),
        Some((worker().account, GRID))
    );
    assert_eq!(case.ticket.responsible, GRID_NEXT);
    case.by(&worker(), &file(super::fixture::RUBBISH));
    assert_eq!((case.ticket.state, case.ticket.responsible), (State::Dispatched, GRID_NEXT));

    let unknown = Opening { category: Some("E9999".to_owned()), ..find(GRID) };
    let refusal = open(unknown, start(), world.rules()).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownCategory("E9999".to_owned()));
}
