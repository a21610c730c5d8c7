//! The transition table against the matrix that was written down by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::cases::{case_in, command, of_the_server, prepare};
use super::fixture::{
    Case, D01, HELPER_GRID, NOT_FIXED_DAYS, World, colleague, officer, person, photo, worker,
};
use super::matrix::{CELLS, OF_THE_SERVER, OUT_OF_STEP, ROLES, somebody_may};
use crate::flow::{
    Actor, OPENINGS, Policy, Refusal, Role, Stage, State, TABLE, Verb, allowed_actions, diagram, may_see,
    permit, step, targets,
};
use crate::model::UnitId;

fn actor_of(letter: char, role: Role, unit: UnitId) -> Actor {
    if letter == 'X' { Actor::server() } else { person(role, unit) }
}

/// Calls `check` for every state, verb and role, with a ticket to which the actor of that role is tied.
fn each_triple(world: &World, mut check: impl FnMut(State, Verb, (char, Role, UnitId, UnitId), &Case<'_>)) {
    for state in State::ALL {
        for row @ (letter, role, unit, _) in ROLES {
            let own = actor_of(letter, role, unit);
            let holder = if "gcs".contains(letter) { own.clone() } else { worker() };
            // After the work the checker must be somebody else, so a department leads there.
            let in_work =
                matches!(state, State::Dispatched | State::Handling | State::Suspended | State::Deferred);
            let lead = if in_work && "gcs".contains(letter) { own } else { officer(D01) };
            let plain = case_in(world, *state, &holder, &lead, &[]);
            let helped = match state {
                State::Dispatched | State::Handling => case_in(world, *state, &holder, &lead, &[HELPER_GRID]),
                _ => plain.clone(),
            };
            for verb in Verb::ALL {
                check(*state, *verb, row, if *verb == Verb::ReleaseAssist { &helped } else { &plain });
            }
        }
    }
}

/// The refusal of what the matrix does not allow: by the state where nobody may do it or the actor comes at the
/// wrong time, by the post where the actor is the wrong one.
fn check_refusal(refusal: &Refusal, state: State, verb: Verb, letter: char, what: &str) {
    let out_of_step =
        OUT_OF_STEP.iter().any(|(late, at, roles)| (*late, *at) == (verb, state) && roles.contains(letter));
    let named = CELLS.iter().any(|((_, known), (roles, _))| *known == verb && roles.contains(letter));
    let (not_yours, wrong_state) = (Refusal::NotYours { verb }, Refusal::WrongState { state, verb });
    match (verb, state) {
        (Verb::Claim, State::Claimed) => assert_eq!(refusal.code(), "held_by", "{what}"),
        _ if !somebody_may(state, verb) || out_of_step => assert_eq!(*refusal, wrong_state, "{what}"),
        _ if !named => assert_eq!(*refusal, not_yours, "{what}"),
        // The role does this in another state; whether the unit is the right one decides what is said.
        _ => assert!(*refusal == not_yours || *refusal == wrong_state, "{what}: {refusal:?}"),
    }
}

#[test]
fn every_triple_is_allowed_or_refused_as_the_matrix_says() {
    let (world, changed) = (World::new(), World::with_short_days());
    let mut allowed = 0;
    each_triple(&world, |state, verb, (letter, role, unit, _), case| {
        let what = format!("{} {} by {letter}", state.as_str(), verb.as_str());
        let actor = actor_of(letter, role, unit);
        let mut case = case.clone();
        prepare(&mut case, verb, unit);
        let (command, now) = match letter {
            'X' => of_the_server(&case, verb),
            _ => (command(verb, letter), case.now.plus_seconds(60)),
        };
        let rules = if verb == Verb::Recount { changed.rules() } else { world.rules() };
        let photos = [photo(Stage::After), photo(Stage::Check)].concat();
        let cell = CELLS.get(&(state, verb)).filter(|(roles, _)| roles.contains(letter));
        let offered = allowed_actions(&case.ticket, &actor, &world.tree, NOT_FIXED_DAYS, case.now);
        let expected = cell.is_some() && !OF_THE_SERVER.contains(&verb);
        assert_eq!(offered.contains(&verb), expected, "{what}: {offered:?}");
        let tried = step(&case.ticket, &command, &actor, &photos, now, rules);
        let Some((_, to)) = cell else {
            let refusal = permit(&case.ticket, verb, &actor, &world.tree).unwrap_err();
            if command.verb() == verb {
                assert_eq!(tried.as_ref(), Err(&refusal), "{what}");
            }
            check_refusal(&refusal, state, verb, letter, &what);
            return;
        };
        allowed += 1;
        let done = tried.unwrap_or_else(|why| panic!("{what}: {command:?}: {why:?}"));
        let to = to.clone().unwrap_or_else(|| vec![state]);
        assert!(to.contains(&done.ticket.state), "{what} led to {:?}", done.ticket.state);
        assert_eq!((done.event.role, done.event.actor), (role, actor.account), "{what}");
        assert_eq!(done.event.unit, (unit != 0).then_some(unit), "{what}");
    });
    let named: usize = CELLS.values().map(|(roles, _)| roles.len()).sum();
    assert_eq!(allowed, named, "every letter of the matrix was tried");
}

#[test]
fn an_actor_of_the_same_role_without_a_tie_is_refused_everything() {
    let (world, named) = (World::new(), Policy::default().sensitive_roles);
    each_triple(&world, |state, verb, (letter, role, unit, elsewhere), case| {
        if letter == 'X' {
            return;
        }
        let what = format!("{} {} by a foreign {letter}", state.as_str(), verb.as_str());
        let actor = if letter == 'r' { colleague(role, 0) } else { person(role, elsewhere) };
        let mut case = case.clone();
        prepare(&mut case, verb, unit);
        let refusal = permit(&case.ticket, verb, &actor, &world.tree).unwrap_err();
        match (verb, state) {
            (Verb::Claim, State::Claimed) => assert_eq!(refusal.code(), "held_by", "{what}"),
            _ if somebody_may(state, verb) => assert_eq!(refusal, Refusal::NotYours { verb }, "{what}"),
            _ => assert_eq!(refusal, Refusal::WrongState { state, verb }, "{what}"),
        }
        // Who gave it back twice has had an order for it, and still sees it.
        let had_order = letter == 'd' && state == State::Arbitrating;
        let sees = may_see(&case.ticket, &actor, &world.tree, &named);
        assert_eq!(sees, had_order, "{what}: a foreign ticket does not exist");
        assert!(allowed_actions(&case.ticket, &actor, &world.tree, NOT_FIXED_DAYS, case.now).is_empty());
    });
}

#[test]
fn no_state_is_unreachable_and_every_open_state_leads_to_an_end() {
    let next = |from: State| -> BTreeSet<State> {
        let rows = TABLE.iter().filter(|row| row.from.contains(&from));
        rows.flat_map(|row| targets(row, from)).filter(|to| *to != from).collect()
    };
    let reach = |start: BTreeSet<State>| {
        let mut seen = start;
        loop {
            let more: BTreeSet<State> = seen.iter().flat_map(|from| next(*from)).collect();
            if more.is_subset(&seen) {
                return seen;
            }
            seen.extend(more);
        }
    };
    let all: BTreeSet<State> = State::ALL.iter().copied().collect();
    assert_eq!(reach(OPENINGS.iter().map(|(_, state)| *state).collect()), all);
    for state in State::ALL.iter().filter(|state| !state.is_final()) {
        assert!(!next(*state).is_empty(), "{state:?} has a way out");
        assert!(reach(next(*state)).iter().any(|reached| reached.is_final()), "{state:?} can end");
    }
}

#[test]
fn the_diagram_draws_every_state_and_every_change_of_the_matrix() {
    let text = diagram();
    let lines: BTreeSet<&str> = text.lines().map(str::trim).collect();
    for state in State::ALL {
        assert!(lines.contains(format!("{}: {} {}", state.as_str(), state.zh(), state.en()).as_str()));
        assert_eq!(lines.contains(format!("{} --> [*]", state.as_str()).as_str()), state.is_final());
    }
    let mut arrows: BTreeMap<(State, State), BTreeSet<&str>> = BTreeMap::new();
    for ((from, verb), (_, to)) in CELLS.iter() {
        for to in to.iter().flatten() {
            arrows.entry((*from, *to)).or_default().insert(verb.zh());
        }
    }
    for ((from, to), verbs) in &arrows {
        let head = format!("{} --> {}: ", from.as_str(), to.as_str());
        let label = lines.iter().find_map(|line| line.strip_prefix(head.as_str())).expect(&head);
        assert_eq!(label.split(" / ").collect::<BTreeSet<_>>(), *verbs, "{head}");
    }
    let drawn = lines.iter().filter(|line| line.contains(" --> ") && !line.contains("[*]")).count();
    assert_eq!(drawn, arrows.len(), "no arrow that the matrix does not know");
}
