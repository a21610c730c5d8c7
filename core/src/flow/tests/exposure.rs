//! The exposure board: the table, lives of entries, and lines that make the entry.

use std::collections::BTreeSet;

use super::case::Case;
use super::fixture::{
    CENTRE, D01, D02, GRID_NEXT, NEIGHBOUR_CENTRE, QUARREL, World, chief, colleague, community, dispatcher,
    file, head, inspector, officer, person, resident, start, street, worker,
};
use crate::flow::exposure::{
    EXPOSURE_TABLE, Exposure, ExposureCommand as Command, ExposureEvent, ExposureRefusal as Refusal,
    ExposureState as State, ExposureStep, ExposureVerb as Verb, Picture, Proposal, allowed_exposure, expose,
    may_see_exposure, propose,
};
use crate::flow::{Actor, Role, Ticket};

fn picture() -> Picture {
    Picture {
        photo: 7,
        sha256: [0xab; 32],
        mask_version: 1,
        is_masked: true,
        is_ready: true,
        is_on_board: false,
    }
}

fn proposal(declared_clean: bool) -> Proposal {
    Proposal { id: 5, declared_clean, text: "占用盲道".to_owned() }
}

fn tried(world: &World, ticket: &Ticket, actor: &Actor, picture: Picture) -> Result<ExposureStep, Refusal> {
    propose(proposal(false), ticket, &picture, actor, &world.tree, start())
}

fn done(
    world: &World,
    entry: &Exposure,
    ticket: &Ticket,
    actor: &Actor,
    command: &Command,
) -> Result<ExposureStep, Refusal> {
    expose(entry, command, ticket, &picture(), actor, &world.tree, start().plus_seconds(60))
}

fn approve() -> Command {
    Command::Approve { words: None }
}

fn refuse() -> Command {
    Command::Refuse { reason: "不宜公开".to_owned() }
}

fn take_down() -> Command {
    Command::TakeDown { reason: "已整改".to_owned() }
}

#[test]
fn every_word_is_read_back_and_every_state_is_reached() {
    let mut seen = BTreeSet::new();
    for state in State::ALL {
        assert!(seen.insert(state.as_str()) && State::parse(state.as_str()) == Some(*state));
        assert!(!state.zh().is_ascii() && state.en().is_ascii());
        assert!(EXPOSURE_TABLE.iter().any(|row| row.to == *state), "{state:?}");
        let left = EXPOSURE_TABLE.iter().any(|row| row.from.contains(state));
        assert_eq!(left, state.is_open(), "{state:?}");
    }
    for verb in Verb::ALL {
        assert!(seen.insert(verb.as_str()) && Verb::parse(verb.as_str()) == Some(*verb));
        assert!(EXPOSURE_TABLE.iter().any(|row| row.verb == *verb));
    }
}

#[test]
fn who_works_on_the_ticket_proposes() {
    let world = World::new();
    let ticket = Case::dispatched(&world, D01, &[]).ticket;
    for actor in [worker(), community(), street(), officer(D01), dispatcher(), chief(), head()] {
        let step = tried(&world, &ticket, &actor, picture()).unwrap();
        assert_eq!((step.entry.state, step.entry.proposed_by), (State::Proposed, actor.account.unwrap()));
    }
    let others = [
        officer(D02),
        person(Role::GridWorker, GRID_NEXT),
        inspector(),
        person(Role::Observer, CENTRE),
        person(Role::Administrator, CENTRE),
        person(Role::Dispatcher, NEIGHBOUR_CENTRE),
        resident(),
    ];
    for actor in others {
        let refusal = tried(&world, &ticket, &actor, picture()).unwrap_err();
        assert_eq!(refusal, Refusal::NotYours { verb: Verb::Propose }, "{actor:?}");
    }
    assert!(may_see_exposure(&ticket, &worker(), &world.tree, &[]));
    assert!(!may_see_exposure(&ticket, &resident(), &world.tree, &[]), "its reporter is no official");
}

#[test]
fn a_second_person_decides_and_the_centre_takes_down() {
    let world = World::new();
    let ticket = Case::open(&world).ticket;
    let first = tried(&world, &ticket, &chief(), picture()).unwrap().entry;
    let may = |entry: &Exposure, actor: &Actor| allowed_exposure(entry, &ticket, actor, &world.tree);
    assert_eq!(may(&first, &chief()), []);
    assert_eq!(may(&first, &colleague(Role::DutyChief, CENTRE)), [Verb::Approve, Verb::Refuse]);
    assert_eq!(done(&world, &first, &ticket, &chief(), &approve()), Err(Refusal::OwnProposal));
    let stand_in = Actor { stands_for: vec![chief().account.unwrap()], ..head() };
    assert_eq!(done(&world, &first, &ticket, &stand_in, &refuse()), Err(Refusal::OwnProposal));
    for actor in [dispatcher(), worker(), inspector(), person(Role::DutyChief, NEIGHBOUR_CENTRE)] {
        let refusal = done(&world, &first, &ticket, &actor, &approve()).unwrap_err();
        assert_eq!(refusal, Refusal::NotYours { verb: Verb::Approve }, "{actor:?}");
    }
    let untimely = done(&world, &first, &ticket, &dispatcher(), &take_down()).unwrap_err();
    assert_eq!(untimely, Refusal::WrongState { state: State::Proposed, verb: Verb::TakeDown });

    let published = done(&world, &first, &ticket, &head(), &approve()).unwrap().entry;
    assert_eq!((published.state, published.decided_by), (State::Published, head().account));
    assert_eq!(published.published_at, Some(start().plus_seconds(60)));
    assert_eq!(may(&published, &dispatcher()), [Verb::TakeDown]);
    assert_eq!(may(&published, &chief()), [Verb::TakeDown], "whoever proposed it may regret it");
    let down = done(&world, &published, &ticket, &dispatcher(), &take_down()).unwrap().entry;
    assert_eq!((down.state, down.version), (State::TakenDown, 3));
    for command in [approve(), refuse(), take_down()] {
        let refusal = done(&world, &down, &ticket, &head(), &command).unwrap_err();
        assert_eq!(refusal.code(), "wrong_state");
    }
}

#[test]
fn nothing_is_published_that_shows_too_much() {
    let world = World::new();
    let ticket = Case::open(&world).ticket;
    let bare = Picture { is_masked: false, ..picture() };
    let rows: [(Picture, Refusal); 3] = [
        (bare, Refusal::NotMasked),
        (Picture { is_ready: false, ..picture() }, Refusal::NotReady),
        (Picture { is_on_board: true, ..picture() }, Refusal::OnTheBoard),
    ];
    for (picture, refusal) in rows {
        assert_eq!(tried(&world, &ticket, &worker(), picture), Err(refusal));
    }
    let clean = propose(proposal(true), &ticket, &bare, &worker(), &world.tree, start()).unwrap().entry;
    let decided = |picture: Picture| {
        expose(&clean, &approve(), &ticket, &picture, &head(), &world.tree, start())
            .map(|step| step.entry.state)
    };
    assert_eq!(decided(bare), Ok(State::Published));
    assert_eq!(decided(Picture { mask_version: 2, ..bare }), Err(Refusal::PictureChanged));
    assert_eq!(decided(Picture { is_ready: false, ..bare }), Err(Refusal::NotReady));
    // Turned out to be of a sensitive kind meanwhile: not published, though it can be refused.
    let mut quarrel = Case::open(&world);
    quarrel.by(&worker(), &crate::flow::Command::Claim);
    quarrel.by(&worker(), &file(QUARREL));
    let sensitive = quarrel.ticket;
    assert_eq!(tried(&world, &sensitive, &head(), picture()), Err(Refusal::Sensitive));
    assert_eq!(done(&world, &clean, &sensitive, &head(), &approve()), Err(Refusal::Sensitive));
    assert!(done(&world, &clean, &sensitive, &head(), &refuse()).is_ok());
}

#[test]
fn an_entry_is_what_its_lines_say() {
    let world = World::new();
    let ticket = Case::open(&world).ticket;
    let first = tried(&world, &ticket, &worker(), picture()).unwrap();
    let second = done(&world, &first.entry, &ticket, &head(), &approve()).unwrap();
    let replayed =
        Exposure::after(None, &first.event).and_then(|it| Exposure::after(Some(it), &second.event));
    assert_eq!(replayed.as_ref(), Ok(&second.entry));
    let text = second.event.content().unwrap();
    assert_eq!(ExposureEvent::parse(&text).unwrap(), second.event);
    for wrong in [
        ExposureEvent { seq: 3, ..second.event.clone() },
        ExposureEvent { exposure: 6, ..second.event.clone() },
        ExposureEvent { to: State::TakenDown, ..second.event.clone() },
        ExposureEvent { from: Some(State::Published), ..second.event.clone() },
    ] {
        assert!(Exposure::after(Some(first.entry.clone()), &wrong).is_err(), "{wrong:?}");
    }
    let nothing = ExposureEvent { showing: None, ..first.event };
    assert!(Exposure::after(None, &nothing).is_err());
}
