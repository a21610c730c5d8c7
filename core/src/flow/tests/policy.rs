//! The rules as data: their faults, their text, their versions.

use super::fixture::{Case, D01, UNRULED, World, dispatch, dispatcher, file, start, worker};
use crate::flow::{Command, Phase, Policy, PolicyBook, Role};
use crate::model::{Limit, LimitUnit};

fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

#[test]
fn the_built_in_rules_are_faultless_and_set_every_phase_but_the_handling() {
    let policy = Policy::default();
    assert_eq!(policy.faults(), []);
    for phase in Phase::ALL {
        for urgent in [false, true] {
            assert_eq!(policy.limit(*phase, urgent).is_some(), *phase != Phase::Handle, "{phase:?}");
        }
    }
    assert_eq!(policy.limit(Phase::Sign, false), Some(Limit::new(1, LimitUnit::WorkingHours)));
    assert_eq!(policy.limit(Phase::Sign, true), Some(Limit::new(30, LimitUnit::UrgentMinutes)));
    assert!(!policy.sensitive_roles.contains(&Role::GridWorker));
}

#[test]
fn rules_are_read_back_from_their_text_and_what_is_left_out_is_as_built_in() {
    let policy = with(|policy| {
        policy.call_back = false;
        policy.phases.remove(&Phase::Arrive);
    });
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), Policy::default());
    assert!(
        serde_json::from_str::<Policy>(r#"{"soon":75}"#).is_err(),
        "a slip of the pen is not passed over"
    );
}

#[test]
fn every_fault_is_found_and_named() {
    let none = Limit::new(0, LimitUnit::Days);
    let long = Limit::new(10_001, LimitUnit::Days);
    let cases = [
        (with(|policy| policy.soon_percent = 0), "soon_percent"),
        (with(|policy| policy.soon_percent = 100), "soon_percent"),
        (with(|policy| policy.returns_to_arbitration = 0), "returns_to_arbitration"),
        (with(|policy| policy.returns_to_arbitration = 21), "returns_to_arbitration"),
        (with(|policy| policy.reworks_to_breach = 0), "reworks_to_breach"),
        (with(|policy| policy.check_distance_m = 0), "check_distance_m"),
        (with(|policy| policy.check_distance_m = 100_001), "check_distance_m"),
        (with(|policy| policy.check_position_age_s = 86_401), "check_position_age_s"),
        (with(|policy| policy.photo_distance_m = 0), "photo_distance_m"),
        (with(|policy| policy.photo_age_s = 31_536_001), "photo_age_s"),
        (with(|policy| policy.photo_ahead_s = 86_401), "photo_ahead_s"),
        (with(|policy| policy.suspension_days = 3651), "suspension_days"),
        (with(|policy| policy.call_back_tries = 0), "call_back_tries"),
        (with(|policy| policy.breach_again = none), "breach_again/amount"),
        (with(|policy| policy.waiting = long), "waiting/amount"),
        (
            with(|policy| policy.phases.get_mut(&Phase::File).unwrap().normal = none),
            "phases/file/normal/amount",
        ),
        (
            with(|policy| policy.phases.get_mut(&Phase::Sign).unwrap().urgent = long),
            "phases/sign/urgent/amount",
        ),
    ];
    for (policy, field) in cases {
        let faults = policy.faults();
        assert_eq!(faults.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), [field]);
        assert!(faults[0].1.contains(".."), "the bounds are told");
    }
}

#[test]
fn the_book_picks_the_version_by_date() {
    let versions = vec![
        (start().plus_seconds(100), 7, with(|policy| policy.soon_percent = 50)),
        (start(), 9, with(|policy| policy.soon_percent = 60)),
    ];
    let book = PolicyBook::new(versions);
    let at = |seconds| book.at(start().plus_seconds(seconds)).0;
    assert_eq!([at(-1), at(0), at(99), at(100), at(1_000_000)], [0, 9, 9, 7, 7]);
    assert_eq!([book.get(7).soon_percent, book.get(9).soon_percent], [50, 60]);
    assert_eq!(book.get(4040), &Policy::default(), "an unknown key has the built-in rules");
    assert_eq!(book.versions().iter().map(|(_, id, _)| *id).collect::<Vec<_>>(), [9, 7]);
}

#[test]
fn a_ticket_keeps_the_version_of_its_filing_although_a_later_one_begins() {
    let sign_in = |minutes| {
        with(|policy| {
            let limit = Limit::new(minutes, LimitUnit::UrgentMinutes);
            policy.phases.get_mut(&Phase::Sign).unwrap().normal = limit;
        })
    };
    let later = start().plus_seconds(3600);
    let policies = PolicyBook::new(vec![(start(), 1, sign_in(10)), (later, 2, sign_in(20))]);
    let world = World { policies, ..World::new() };
    let mut case = Case::filed(&world, UNRULED);
    assert_eq!(case.ticket.course.policy, Some(1));
    assert_eq!(case.ticket.stage_due_at, Some(case.now.plus_seconds(600)));
    case.later(7200);
    case.by(&dispatcher(), &dispatch(D01, &[]));
    assert_eq!(
        case.ticket.stage_due_at,
        Some(case.now.plus_seconds(600)),
        "the later version does not touch it"
    );

    let mut fresh = Case::open(&world);
    fresh.later(7200);
    fresh.by(&worker(), &Command::Claim);
    fresh.by(&worker(), &file(UNRULED));
    assert_eq!(fresh.ticket.course.policy, Some(2));
    assert_eq!(fresh.ticket.stage_due_at, Some(fresh.now.plus_seconds(1200)));
}
