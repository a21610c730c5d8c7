//! Random lives: whatever anybody does in whatever order, every accepted step keeps the laws and every refused
//! one leaves nothing behind.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GRID, GRID_NEXT, MANHOLE, NEIGHBOUR_CENTRE, NEIGHBOUR_DEPARTMENT,
    NOT_FIXED_DAYS, NOWHERE, OTHER_GRID, OTHER_STREET, RUBBISH, SQUAD_1, SQUAD_2, STALLS, STREET, UNRULED,
    World, colleague, dispatcher, inspector, officer, opening, person, photo, resident, worker,
};
use super::laws;
use crate::flow::{
    Actor, Channel, Command, Opening, PhotoRef, Post, RefuseReason, ReturnReason, Role, Stage, State, Step,
    Verb, allowed_actions, lapse_first, step,
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
        person(Role::Observer, CENTRE),
        person(Role::Administrator, CENTRE),
        Actor::server(),
    ]
}

/// Which of the offers are looked at: uniform choice would end most lives before any work is done.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// Those that bring the ticket on, where there are any.
    Forward,
    /// Those that do not cut its life short.
    Patient,
    Any,
}

impl Mood {
    fn choose(self, offered: &mut Vec<Verb>) {
        use Verb::{Accept, Claim, Close, File, Finish, NotFixed, Refuse, Withdraw};
        let forward = |verb: &Verb| matches!(verb, Claim | File | Accept | Finish | Close | NotFixed);
        match self {
            Mood::Forward if offered.iter().any(forward) => offered.retain(forward),
            Mood::Forward | Mood::Patient => {
                offered.retain(|verb| !matches!(verb, Withdraw | Refuse));
            }
            Mood::Any => {}
        }
    }
}

/// One thing somebody tries. `pick` chooses among what is offered to the actor, or to the next in the cast to whom
/// anything is offered, so that lives get somewhere; without it the verb is any.
#[derive(Clone, Debug)]
struct Move {
    pick: Option<prop::sample::Index>,
    mood: Mood,
    actor: prop::sample::Index,
    verb: Verb,
    units: (UnitId, Vec<UnitId>),
    category: &'static str,
    stage: Option<Stage>,
    seconds: i64,
}

fn any_unit() -> impl Strategy<Value = UnitId> {
    let good = vec![D01, D02, SQUAD_1, SQUAD_2, STREET, COMMUNITY, GRID, GRID_NEXT, OTHER_STREET, OTHER_GRID];
    let bad = vec![CENTRE, NOWHERE, NEIGHBOUR_DEPARTMENT, NEIGHBOUR_CENTRE];
    prop_oneof![12 => prop::sample::select(good), 1 => prop::sample::select(bad)]
}

fn any_move() -> impl Strategy<Value = Move> {
    let mood = prop_oneof![5 => Just(Mood::Forward), 4 => Just(Mood::Patient), 2 => Just(Mood::Any)];
    let pick = (prop::option::weighted(0.8, any::<prop::sample::Index>()), mood);
    let category = prop_oneof![
        12 => prop::sample::select(vec![MANHOLE, RUBBISH, STALLS, UNRULED]),
        1 => Just("E9999")
    ];
    let stage = prop_oneof![3 => Just(Some(Stage::After)), 1 => Just(Some(Stage::Before)), 1 => Just(None)];
    let seconds = prop_oneof![6 => 0_i64..600, 2 => 600_i64..10_000, 1 => 10_000_i64..1_000_000];
    let units = (any_unit(), prop::collection::vec(any_unit(), 0..3));
    let verb = prop::sample::select(Verb::ALL.to_vec());
    (pick, any::<prop::sample::Index>(), verb, units, category, stage, seconds).prop_map(
        |((pick, mood), actor, verb, units, category, stage, seconds)| Move {
            pick,
            mood,
            actor,
            verb,
            units,
            category,
            stage,
            seconds,
        },
    )
}

fn command(verb: Verb, made: &Move) -> Command {
    let (to, others) = made.units.clone();
    let category = made.category.to_owned();
    let words = || "说明".to_owned();
    match verb {
        Verb::Open | Verb::Supplement => Command::Supplement { words: words() },
        Verb::Claim => Command::Claim,
        Verb::Release => Command::Release { reason: None },
        Verb::Lapse => Command::Lapse,
        Verb::Solve => Command::Solve { category, answer: words(), note: None },
        Verb::File => Command::File { category, note: None },
        Verb::Refuse => Command::Refuse { reason: RefuseReason::Duplicate, words: words() },
        Verb::Dispatch => Command::Dispatch { lead: to, assist: others, reason: words() },
        Verb::Accept => Command::Accept,
        Verb::Return => Command::Return { reason: ReturnReason::WrongPlace, words: words() },
        Verb::Delegate => Command::Delegate { to, reason: None },
        Verb::Escalate => Command::Escalate { reason: words() },
        Verb::ReleaseAssist => Command::ReleaseAssist { unit: to, reason: words() },
        Verb::Finish => Command::Finish { answer: words(), note: None },
        Verb::Close => Command::Close { note: None },
        Verb::Rework => Command::Rework { reason: words() },
        Verb::NotFixed => Command::NotFixed { words: words() },
        Verb::Withdraw => Command::Withdraw { words: None },
        Verb::Rate => Command::Rate { solved: false, stars: 1, words: None },
    }
}

/// Who tries what.
fn chosen(made: &Move, cast: &[Actor], case: &Case<'_>) -> (Actor, Verb) {
    let first = made.actor.index(cast.len());
    for actor in cast.iter().cycle().skip(first).take(cast.len()) {
        let Some(pick) = &made.pick else { break };
        let mut offered = allowed_actions(&case.ticket, actor, &case.world.tree, NOT_FIXED_DAYS, case.now);
        made.mood.choose(&mut offered);
        if !offered.is_empty() {
            return (actor.clone(), *pick.get(&offered));
        }
    }
    (cast[first].clone(), made.verb)
}

/// Plays the moves and checks the laws all along; `note` is told of every accepted step.
fn play(world: &World, own_find: bool, moves: &[Move], note: &mut impl FnMut(&Step)) {
    let first = Opening {
        channel: if own_find { Channel::GridWorker } else { Channel::Resident },
        unit: own_find.then_some(GRID),
        reporter: if own_find { worker() } else { resident() }.account.unwrap(),
        ..opening(GRID)
    };
    let (cast, mut case) = (cast(), Case::open_with(world, first));
    laws::hold_for_ticket(&case.ticket, world);
    for made in moves {
        case.now = case.now.plus_seconds(made.seconds);
        let (actor, verb) = chosen(made, &cast, &case);
        let command = command(verb, made);
        let photos: Vec<PhotoRef> = made.stage.map(photo).unwrap_or_default();
        // As the server does: a claim that ran out is written down before anything else happens.
        if let Ok(true) = lapse_first(&case.ticket, command.verb(), &actor, case.now) {
            take(&mut case, &Command::Lapse, &Actor::server(), &[], note).expect("a due lapse is accepted");
        }
        if take(&mut case, &command, &actor, &photos, note).is_ok() {
            for actor in &cast {
                laws::hold_for_actor(&case.ticket, actor, case.now, world);
            }
        }
    }
}

/// One step, checked: an accepted one keeps the laws, a refused one gives the same refusal again on a ticket that
/// is as it was.
fn take(
    case: &mut Case<'_>,
    command: &Command,
    actor: &Actor,
    photos: &[PhotoRef],
    note: &mut impl FnMut(&Step),
) -> Result<(), crate::flow::Refusal> {
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
    note(&done);
    case.ticket = done.ticket;
    Ok(())
}

#[test]
fn every_random_life_keeps_the_laws() {
    let world = World::new();
    let seen = RefCell::new((BTreeSet::new(), BTreeSet::from([Verb::Open]), 0));
    let life = (prop::bool::weighted(0.2), prop::collection::vec(any_move(), 1..40));
    let checked = TestRunner::new(fixed(64)).run(&life, |(own_find, moves)| {
        play(&world, own_find, &moves, &mut |done| {
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
    assert_eq!(verbs, Verb::ALL.iter().copied().collect(), "every verb was accepted");
    assert!(steps > 500, "only {steps} steps were accepted");
}
