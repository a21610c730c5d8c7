//! Random lives: whatever anybody does in whatever order, every accepted step keeps the laws and every refused
//! one leaves nothing behind. The server takes part: it writes down what is due.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GRID, GRID_NEXT, NEIGHBOUR_CENTRE, NEIGHBOUR_DEPARTMENT, OTHER_GRID,
    OTHER_STREET, SQUAD_1, SQUAD_2, STREET, World, chief, colleague, dispatcher, head, inspector, officer,
    opening, person, photo, resident, worker,
};
use super::laws;
use super::moves::{Move, any_move, chosen, command};
use crate::flow::{
    Actor, Alarm, Channel, Clock, Command, Opening, PhotoRef, Post, Refusal, Role, State, Step, Suspicion,
    Verb, lapse_first, next_alarm, step,
};
use crate::model::UnitId;

/// The same cases in every run, and no file of failures beside the sources.
pub(super) fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_122),
        ..ProptestConfig::default()
    }
}

/// Everybody who may turn up, with strangers and people of several posts.
fn cast() -> Vec<Actor> {
    let two_posts = Actor {
        account: officer(D01).account,
        posts: vec![officer(D01).posts[0], inspector().posts[0], Post { role: Role::Resident, unit: 0 }],
        stands_for: Vec::new(),
    };
    // Acts for the dispatcher, and for an officer of D02.
    let stand_in = Actor {
        account: Some(777),
        posts: vec![dispatcher().posts[0], officer(D02).posts[0]],
        stands_for: vec![dispatcher().account.unwrap(), officer(D02).account.unwrap()],
    };
    vec![
        resident(),
        colleague(Role::Resident, 0),
        worker(),
        colleague(Role::GridWorker, GRID),
        person(Role::GridWorker, GRID_NEXT),
        person(Role::GridWorker, OTHER_GRID),
        person(Role::CommunityOfficer, COMMUNITY),
        person(Role::StreetOfficer, STREET),
        person(Role::StreetOfficer, OTHER_STREET),
        officer(D01),
        officer(SQUAD_1),
        officer(SQUAD_2),
        officer(D02),
        officer(NEIGHBOUR_DEPARTMENT),
        dispatcher(),
        person(Role::Dispatcher, NEIGHBOUR_CENTRE),
        inspector(),
        two_posts,
        stand_in,
        chief(),
        colleague(Role::DutyChief, CENTRE),
        head(),
        person(Role::Observer, CENTRE),
        person(Role::Administrator, CENTRE),
        Actor::server(),
    ]
}

/// A life in play, with the breaches that were told of each clock.
struct Life<'w, F: FnMut(&Step)> {
    case: Case<'w>,
    cast: Vec<Actor>,
    /// Two calendars between which the district changes.
    worlds: &'w [World; 2],
    which: usize,
    /// Which clock, up to which unit, for which end of it.
    told: BTreeSet<(Clock, UnitId, String)>,
    note: F,
}

impl<F: FnMut(&Step)> Life<'_, F> {
    fn make(&mut self, made: &Move) {
        let mut now = self.case.now.plus_seconds(made.seconds);
        if made.to_alarm {
            now = self.case.ticket.alarm_at.map_or(now, |at| at.max(self.case.now));
        }
        self.case.now = now;
        if made.new_calendar {
            self.change_calendar();
        }
        self.serve();
        if matches!(made.verb, Verb::Absorb | Verb::Detach) {
            // The other side of what somebody does to another ticket.
            drop(self.take(&command(made.verb, made, &self.case), &Actor::server(), &[]));
        }
        let (actor, verb) = chosen(made, &self.cast, &self.case);
        let command = command(verb, made, &self.case);
        let photos: Vec<PhotoRef> = made.stages.iter().flat_map(|stage| photo(*stage)).collect();
        self.lapse(command.verb(), &actor);
        if self.take(&command, &actor, &photos).is_ok() {
            // Somebody else's view with each step, so that all are looked at in the course of a life.
            let view = self
                .cast
                .iter()
                .skip(usize::try_from(self.case.ticket.version % 5).unwrap_or_default())
                .step_by(5);
            for actor in view {
                laws::hold_for_actor(&self.case.ticket, actor, self.case.now, self.case.world);
            }
        }
    }

    /// As the server does: a claim that ran out is written down before anything else happens.
    fn lapse(&mut self, verb: Verb, actor: &Actor) {
        if let Ok(true) = lapse_first(&self.case.ticket, verb, actor, self.case.now) {
            self.take(&Command::Lapse, &Actor::server(), &[]).expect("a due lapse is accepted");
        }
    }

    /// The server writes down all that is due, each thing exactly once.
    fn serve(&mut self) {
        self.lapse(Verb::Breach, &Actor::server());
        let mut served = 0;
        while self.case.ticket.alarm_at.is_some_and(|at| at <= self.case.now) {
            let (rules, now) = (self.case.world.rules(), self.case.now);
            let policy = rules.policy(&self.case.ticket, now);
            let (at, alarm) = next_alarm(&self.case.ticket, now, policy, rules.calendar).unwrap();
            assert!(at <= now, "{alarm:?} at {at} was announced for {:?}", self.case.ticket.alarm_at);
            let done =
                self.take(&Command::Alarm(alarm), &Actor::server(), &[]).expect("what is due is accepted");
            if let Alarm::Breach(clock) = alarm {
                let level = self.case.ticket.course.raised_to.expect("somebody is told");
                let end = done.event.facts["due_at"].clone();
                assert!(self.told.insert((clock, level, end)), "{level} was told twice of {clock:?}");
            }
            let next = next_alarm(&self.case.ticket, now, policy, rules.calendar);
            if next.is_none_or(|(_, next)| next != alarm) {
                let again = self.take(&Command::Alarm(alarm), &Actor::server(), &[]);
                assert!(
                    matches!(again, Err(Refusal::NothingToDo | Refusal::WrongState { .. })),
                    "{alarm:?} was dealt with"
                );
            }
            served += 1;
            assert!(served < 100, "the server never comes to an end with {alarm:?}");
        }
    }

    /// The office gets other hours, and the server computes the deadlines anew.
    fn change_calendar(&mut self) {
        self.which = 1 - self.which;
        self.case.world = &self.worlds[self.which];
        let tried = self.take(&Command::Recount, &Actor::server(), &[]);
        let nothing = matches!(tried, Err(Refusal::NothingToDo | Refusal::WrongState { .. }));
        assert!(tried.is_ok() || nothing, "{tried:?}");
        if tried.is_ok() {
            let again = self.take(&Command::Recount, &Actor::server(), &[]);
            assert_eq!(again, Err(Refusal::NothingToDo), "with the same calendar nothing moves");
        }
    }

    /// One step, checked: an accepted one keeps the laws, a refused one gives the same refusal again on a ticket
    /// that is as it was.
    fn take(&mut self, command: &Command, actor: &Actor, photos: &[PhotoRef]) -> Result<Step, Refusal> {
        let case = &mut self.case;
        let before = case.ticket.clone();
        let tried = step(&case.ticket, command, actor, photos, case.now, case.world.rules());
        assert_eq!(case.ticket, before, "a step does not touch the ticket that it was given");
        assert_eq!(
            step(&before, command, actor, photos, case.now, case.world.rules()),
            tried,
            "equal in, equal out"
        );
        let done = tried?;
        laws::hold_after_step(&before, &done, case.world);
        (self.note)(&done);
        case.ticket = done.ticket.clone();
        Ok(done)
    }
}

/// Plays the moves and checks the laws all along; `note` is told of every accepted step.
fn play(worlds: &[World; 2], own_find: bool, moves: &[Move], note: impl FnMut(&Step)) {
    let first = Opening {
        channel: if own_find { Channel::GridWorker } else { Channel::Resident },
        unit: own_find.then_some(GRID),
        reporter: if own_find { worker() } else { resident() }.account.unwrap(),
        // Some are suspected of being spam.
        suspicions: if moves.len().is_multiple_of(5) { vec![Suspicion::Links] } else { Vec::new() },
        ..opening(GRID)
    };
    let case = Case::open_with(&worlds[0], first);
    laws::hold_for_ticket(&case.ticket, &worlds[0]);
    let mut life = Life { case, cast: cast(), worlds, which: 0, told: BTreeSet::new(), note };
    for made in moves {
        life.make(made);
    }
}

#[test]
fn every_random_life_keeps_the_laws() {
    let worlds = [World::new(), World::with_short_days()];
    let seen = RefCell::new((BTreeSet::new(), BTreeSet::from([Verb::Open]), 0));
    let life = (prop::bool::weighted(0.2), prop::collection::vec(any_move(), 20..80));
    let checked = TestRunner::new(fixed(120)).run(&life, |(own_find, moves)| {
        play(&worlds, own_find, &moves, |done| {
            let (states, verbs, steps) = &mut *seen.borrow_mut();
            states.insert(done.ticket.state);
            verbs.insert(done.event.verb);
            *steps += 1;
        });
        Ok(())
    });
    checked.unwrap_or_else(|broken| panic!("{broken}"));
    // Else the laws would have been checked on lives that never get anywhere.
    let (states, verbs, steps) = seen.into_inner();
    assert_eq!(states, State::ALL.iter().copied().collect(), "every state was visited");
    // A second extension and a review of a call-back come at the end of long courses; `around` walks them.
    let rare = [Verb::Endorse, Verb::Count];
    let missing: Vec<_> =
        Verb::ALL.iter().filter(|verb| !verbs.contains(verb) && !rare.contains(verb)).collect();
    assert!(missing.is_empty(), "{missing:?} were never accepted");
    assert!(steps > 600, "only {steps} steps were accepted");
}
