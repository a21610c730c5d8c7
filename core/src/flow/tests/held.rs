//! A report that is suspected of being none, from the look of the centre on.

use super::fixture::{
    CENTRE, COMMUNITY, Case, GAS, GRID, MANHOLE, NOT_FIXED_DAYS, QUARREL, STREET, World, chief, dispatcher,
    file, head, opening, person, resident, worker,
};
use crate::flow::{
    Actor, Channel, Command, Opening, Refusal, RefuseReason, Role, State, Suspicion, Verb, allowed_actions,
    may_see, told,
};

#[test]
fn what_is_suspected_is_looked_at_by_the_centre_before_any_grid() {
    let world = World::new();
    let why = vec![Suspicion::SameText, Suspicion::Links];
    let suspected = || Opening { suspicions: why.clone(), ..opening(GRID) };
    let roles = [Role::StreetOfficer, Role::Dispatcher];
    let mut case = Case::open_with(&world, suspected());
    assert_eq!(case.events[0].facts["held"], "same_text,links");
    assert_eq!((case.ticket.state, case.ticket.desk(&world.tree)), (State::Received, CENTRE));
    assert_eq!(told(None, &case.ticket, &case.events[0], &world.tree), [CENTRE]);
    assert_eq!((case.ticket.phase(), case.ticket.stage_due_at, case.ticket.alarm_at), (None, None, None));
    let sees = |case: &Case<'_>, actor: &Actor| may_see(&case.ticket, actor, &world.tree, &roles);
    let territory =
        [worker(), person(Role::CommunityOfficer, COMMUNITY), person(Role::StreetOfficer, STREET)];
    assert!(territory.iter().all(|actor| !sees(&case, actor)));
    assert!([resident(), dispatcher(), chief(), head()].iter().all(|actor| sees(&case, actor)));
    for (actor, command) in [
        (worker(), Command::Claim),
        (dispatcher(), file(MANHOLE)),
        (dispatcher(), Command::Urge { words: None }),
        (resident(), Command::Urge { words: None }),
        (chief(), Command::AskVoid { reason: "不是案件".to_owned() }),
    ] {
        assert_eq!(case.refused(&actor, &command), Refusal::Held, "{command:?}");
    }
    let offered = |case: &Case<'_>, actor: &Actor| {
        allowed_actions(&case.ticket, actor, &world.tree, NOT_FIXED_DAYS, case.now)
    };
    assert_eq!(offered(&case, &dispatcher()), [Verb::Refuse, Verb::Pass]);
    assert_eq!(offered(&case, &resident()), [Verb::Withdraw, Verb::Supplement]);

    let passed = case.by(&dispatcher(), &Command::Pass { words: Some("属实".to_owned()) });
    assert_eq!((case.ticket.state, case.ticket.desk(&world.tree)), (State::Received, GRID));
    assert!(passed.public && case.ticket.course.held.is_none() && !case.ticket.sensitive);
    assert!(case.ticket.stage_due_at.is_some_and(|due| due > case.now), "the grid's clock begins now");
    assert!(territory.iter().all(|actor| sees(&case, actor)));
    assert_eq!(case.refused(&dispatcher(), &Command::Pass { words: None }), Refusal::NothingToDo);
    case.by(&worker(), &Command::Claim);

    let mut spam = Case::open_with(&world, suspected());
    let words = "广告".to_owned();
    let refused = spam.by(&chief(), &Command::Refuse { reason: RefuseReason::Spam, words });
    assert_eq!((spam.ticket.state, refused.public), (State::Refused, true));
    assert!(spam.ticket.course.held.is_none());
    let mut taken_back = Case::open_with(&world, suspected());
    taken_back.by(&resident(), &Command::Withdraw { words: None });
    assert!(taken_back.ticket.course.held.is_none());

    let kind = |category: &str| Opening { category: Some(category.to_owned()), ..suspected() };
    let gas = Case::open_with(&world, kind(GAS));
    assert!(
        gas.ticket.course.held.is_none() && !gas.events[0].facts.contains_key("held"),
        "danger does not wait"
    );
    let mut quarrel = Case::open_with(&world, kind(QUARREL));
    quarrel.by(&dispatcher(), &Command::Pass { words: None });
    assert!(quarrel.ticket.sensitive, "its kind still is");
    let find = Opening { channel: Channel::GridWorker, unit: Some(GRID), ..suspected() };
    let own = Case::open_with(&world, find);
    assert_eq!((own.ticket.state, own.ticket.course.held), (State::Claimed, None));
}
