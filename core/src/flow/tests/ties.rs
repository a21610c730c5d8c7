//! What ties a person to a ticket: the claim, an assisting order, the own work, the lease.

use super::cases::{case_in, command};
use super::fixture::{
    CENTRE, Case, D01, D02, GRID, LEASE_SECONDS, NOT_FIXED_DAYS, OTHER_GRID, SQUAD_1, SQUAD_2, STREET, World,
    colleague, finish, officer, person, worker,
};
use super::matrix::{ASSISTANT, ROLES};
use crate::flow::{
    Actor, Command, OrderState, Post, Refusal, Role, State, Verb, allowed_actions, lapse_first, permit, step,
};

fn may(case: &Case<'_>, verb: Verb, actor: &Actor) -> Result<(), Refusal> {
    permit(&case.ticket, verb, actor, &case.world.tree).map(|_| ())
}

#[test]
fn an_assistant_may_sign_return_and_finish_its_own_order_and_nothing_else() {
    let world = World::new();
    for state in [State::Dispatched, State::Handling] {
        for (letter, role, unit, _) in ROLES.into_iter().filter(|row| "gcsd".contains(row.0)) {
            let actor = person(role, unit);
            let case = case_in(&world, state, &worker(), &officer(D02), &[unit]);
            for verb in Verb::ALL.iter().filter(|verb| **verb != Verb::Open) {
                let what = format!("{} {} by assisting {letter}", state.as_str(), verb.as_str());
                // 吹哨 is the territory's right, whether it assists or not.
                let whistles = "cs".contains(letter) && *verb == Verb::Whistle;
                let may = whistles
                    || ASSISTANT.iter().any(|(known, states)| known == verb && states.contains(&state));
                let (ticket, command) = (&case.ticket, command(*verb, letter));
                let tried = step(ticket, &command, &actor, &[], case.now, world.rules());
                assert_eq!(tried.is_ok(), may, "{what}: {tried:?}");
                let offered = allowed_actions(ticket, &actor, &world.tree, NOT_FIXED_DAYS, case.now);
                assert_eq!(offered.contains(verb), may, "{what}");
                if let Ok(done) = tried {
                    assert_eq!(
                        (done.ticket.state, done.ticket.responsible),
                        (state, case.ticket.responsible),
                        "{what}"
                    );
                    assert!(!done.event.public, "{what} is an inside matter");
                }
            }
        }
    }
}

#[test]
fn an_assistant_signs_only_once() {
    let world = World::new();
    let mut case = Case::dispatched(&world, D02, &[D01]);
    case.by(&officer(D01), &Command::Accept);
    let offered = allowed_actions(&case.ticket, &officer(D01), &world.tree, NOT_FIXED_DAYS, case.now);
    assert_eq!(offered, [Verb::Return, Verb::Finish]);
    assert_eq!(
        case.refused(&officer(D01), &Command::Accept),
        Refusal::WrongState { state: State::Dispatched, verb: Verb::Accept },
        "a second signature would be a line of the history that says nothing"
    );
}

#[test]
fn a_department_beside_its_own_squad_acts_for_itself_first() {
    let world = World::new();
    use OrderState::{Accepted, Done, Pending, Released};
    let orders = |case: &Case<'_>| -> Vec<_> {
        // The street's, which had it before the centre dispatched it, does not count.
        let given = case.ticket.orders.iter().filter(|order| order.state != Released);
        given.map(|order| (order.unit, order.state)).collect()
    };
    // The squad leads, the department and another squad assist.
    let mut case = Case::dispatched(&world, SQUAD_1, &[D01, SQUAD_2]);
    case.by(&officer(D01), &Command::Accept);
    assert_eq!(orders(&case), [(SQUAD_1, Pending), (D01, Accepted), (SQUAD_2, Pending)]);
    case.by(&officer(D01), &Command::Accept);
    assert_eq!(orders(&case), [(SQUAD_1, Accepted), (D01, Accepted), (SQUAD_2, Pending)]);
    case.by(&officer(D01), &Command::Accept);
    assert_eq!(orders(&case), [(SQUAD_1, Accepted), (D01, Accepted), (SQUAD_2, Accepted)]);
    case.by(&officer(D01), &finish());
    assert_eq!(orders(&case), [(SQUAD_1, Accepted), (D01, Done), (SQUAD_2, Accepted)]);
    assert_eq!(case.ticket.state, State::Handling, "the squad has not finished");
}

#[test]
fn a_claim_belongs_to_one_account_in_the_name_of_one_unit() {
    let world = World::new();
    let case = case_in(&world, State::Claimed, &worker(), &officer(D01), &[]);
    let holder = case.ticket.holder.unwrap();
    let moved = Actor { posts: person(Role::GridWorker, OTHER_GRID).posts, ..worker() };
    for actor in [colleague(Role::GridWorker, GRID), person(Role::StreetOfficer, STREET), moved] {
        for verb in [Verb::Release, Verb::Solve, Verb::File, Verb::Refuse] {
            assert_eq!(may(&case, verb, &actor), Err(Refusal::NotYours { verb }));
        }
        let held = Refusal::HeldBy { account: holder.account, until: holder.until };
        assert_eq!(may(&case, Verb::Claim, &actor), Err(held));
    }
}

#[test]
fn who_handled_it_may_not_check_it_under_any_post() {
    let world = World::new();
    for (letter, role, unit, _) in ROLES.into_iter().filter(|row| "gcsPTI".contains(row.0)) {
        // A dispatcher or inspector handles work only by a second post in a department.
        let lead = if "PTI".contains(letter) { officer(D01) } else { person(role, unit) };
        let both = Actor {
            account: lead.account,
            posts: vec![lead.posts[0], Post { role, unit }, Post { role: Role::Inspector, unit: CENTRE }],
            stands_for: Vec::new(),
        };
        let case = case_in(&world, State::Checking, &worker(), &lead, &[]);
        for verb in [Verb::Close, Verb::Rework] {
            assert_eq!(may(&case, verb, &both), Err(Refusal::OwnWork), "{letter}");
            let other = colleague(role, unit);
            assert!(may(&case, verb, &other).is_ok(), "{letter}: a colleague may");
        }
        let offered = allowed_actions(&case.ticket, &both, &world.tree, NOT_FIXED_DAYS, case.now);
        assert!(!offered.contains(&Verb::Close) && !offered.contains(&Verb::Rework), "{letter}: {offered:?}");
    }
}

#[test]
fn a_lease_that_ran_out_is_told_to_its_holder_only() {
    let world = World::new();
    let case = case_in(&world, State::Claimed, &worker(), &officer(D01), &[]);
    let until = case.ticket.holder.unwrap().until;
    assert_eq!(until, case.now.plus_seconds(LEASE_SECONDS), "the lease runs from the claim");
    for verb in Verb::ALL {
        let asked = |actor: &Actor, now| lapse_first(&case.ticket, *verb, actor, now);
        assert_eq!(asked(&worker(), until.plus_millis(-1)), Ok(false), "{verb:?}: still held");
        let needs_the_claim = matches!(
            verb,
            Verb::Release
                | Verb::Solve
                | Verb::File
                | Verb::Refuse
                | Verb::Verify
                | Verb::Split
                | Verb::Merge
                | Verb::AskReporter
                | Verb::Resume
        );
        let of_holder = if needs_the_claim { Err(Refusal::LeaseOver) } else { Ok(*verb != Verb::Lapse) };
        assert_eq!(asked(&worker(), until), of_holder, "{verb:?}");
        assert_eq!(asked(&colleague(Role::GridWorker, GRID), until), Ok(*verb != Verb::Lapse), "{verb:?}");
    }
}
