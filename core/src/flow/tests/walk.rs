//! Whole lives of tickets, walked step by step.

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GRID, GRID_NEXT, LEASE_SECONDS, MANHOLE, NEIGHBOUR_DEPARTMENT,
    NOT_FIXED_DAYS, NOWHERE, OTHER_STREET, RUBBISH, SQUAD_1, SQUAD_2, STALLS, STREET, UNRULED, World, close,
    colleague, delegate, dispatch, dispatcher, escalate, file, finish, give_back, inspector, officer, person,
    photo, resident, rework, worker,
};
use crate::flow::{
    Actor, Command, OrderKind, OrderState, Outcome, Refusal, RefuseReason, Role, Stage, State, Verb,
    allowed_actions, lapse_first, step,
};

fn withdraw() -> Command {
    Command::Withdraw { words: None }
}

fn not_fixed() -> Command {
    Command::NotFixed { words: "还在".to_owned() }
}

fn solve(category: &str) -> Command {
    Command::Solve {
        category: category.to_owned(),
        answer: "当场清走".to_owned(),
        note: None,
        outcome: Outcome::default(),
    }
}

fn rate(stars: u8) -> Command {
    Command::Rate { solved: true, stars, words: None }
}

#[test]
fn a_report_goes_through_the_whole_loop() {
    let world = World::new();
    let mut case = Case::open(&world);
    assert_eq!((case.ticket.state, case.ticket.responsible), (State::Received, GRID));
    case.by(&worker(), &Command::Claim);
    assert_eq!(case.ticket.holder.unwrap().account, worker().account.unwrap());
    let filed = case.by(&worker(), &file(MANHOLE));
    assert_eq!((filed.facts["lead"].as_str(), filed.facts["assist"].as_str()), ("20", "11"));
    assert_eq!(filed.facts["category"], MANHOLE);
    assert_eq!(filed.because.len(), 2, "who leads and who assists, each with its reason");
    assert_eq!((case.ticket.state, case.ticket.responsible), (State::Dispatched, GRID));
    assert!(case.ticket.due_at.unwrap() > case.now);
    assert_eq!(case.open_orders(), [(D02, true), (SQUAD_1, false)]);

    case.by(&officer(D02), &Command::Accept);
    assert_eq!(
        case.ticket.responsible, D02,
        "首接负责: the grid answers for it until the department has signed"
    );
    assert_eq!(case.ticket.handler, officer(D02).account);
    case.by(&officer(SQUAD_1), &Command::Accept);
    assert_eq!(case.refused(&officer(D02), &finish()), Refusal::NeedsPhoto);
    let result = case.by(&officer(SQUAD_1), &finish());
    assert_eq!((result.public, result.words), (false, None), "the public reads the lead's answer only");
    assert_eq!(case.ticket.orders[1].state, OrderState::Done);
    assert_eq!(case.ticket.orders[1].result.as_deref(), Some("内部备注"));
    let finished = case.by_with_photo(&officer(D02), &finish());
    assert_eq!(finished.words.as_deref(), Some("已清理"));
    assert_eq!(finished.photos[..1], photo(Stage::After));
    assert_eq!(case.ticket.orders[0].state, OrderState::Done);
    case.by_with_photo(&inspector(), &close());
    assert_eq!(case.ticket.closed_at, Some(case.now));
    let rated = case.by(&resident(), &rate(4));
    assert_eq!((rated.facts["solved"].as_str(), rated.facts["stars"].as_str()), ("true", "4"));
    assert_eq!(case.refused(&resident(), &rate(1)), Refusal::AlreadyRated);
    assert_eq!(case.ticket.version, 9);
}

#[test]
fn the_holder_may_solve_on_the_spot_with_a_photo() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&worker(), &Command::Claim);
    assert_eq!(case.refused(&worker(), &solve(RUBBISH)), Refusal::NeedsPhoto);
    let before =
        step(&case.ticket, &solve(RUBBISH), &worker(), &photo(Stage::Before), case.now, world.rules());
    assert_eq!(before, Err(Refusal::NeedsPhoto), "a photo from before the work proves nothing");
    let unknown =
        step(&case.ticket, &solve("E9999"), &worker(), &photo(Stage::After), case.now, world.rules());
    assert_eq!(unknown, Err(Refusal::UnknownCategory("E9999".to_owned())));
    let solved = case.by_with_photo(&worker(), &solve(RUBBISH));
    assert_eq!(solved.words.as_deref(), Some("当场清走"));
    assert_eq!((case.ticket.state, case.ticket.handler_unit), (State::Closed, Some(GRID)));
    assert_eq!(case.ticket.orders, [], "nobody had to be given an order");
    case.by(&resident(), &not_fixed());
    assert_eq!(case.open_orders(), [(GRID, true)], "what the worker solved badly comes back to the grid");
}

#[test]
fn the_grid_that_verified_a_grid_first_ticket_needs_no_second_signature() {
    let world = World::new();
    let case = Case::filed(&world, RUBBISH);
    assert_eq!((case.ticket.state, case.ticket.responsible), (State::Handling, GRID));
    assert_eq!(case.ticket.handler, worker().account);

    // Whoever files it from elsewhere has not promised anything in the name of the grid.
    let mut by_centre = Case::open(&world);
    by_centre.by(&dispatcher(), &file(RUBBISH));
    assert_eq!((by_centre.ticket.state, by_centre.ticket.responsible), (State::Dispatched, GRID));
    let mut by_misplaced_dispatcher = Case::open(&world);
    by_misplaced_dispatcher.by(&person(Role::Dispatcher, GRID), &file(RUBBISH));
    assert_eq!(by_misplaced_dispatcher.ticket.state, State::Dispatched, "filed without having been verified");
    let street = person(Role::StreetOfficer, STREET);
    let mut by_street = Case::open(&world);
    by_street.by(&street, &Command::Claim);
    by_street.by(&street, &file(RUBBISH));
    assert_eq!((by_street.ticket.state, by_street.ticket.responsible), (State::Dispatched, GRID));
}

#[test]
fn filing_sets_category_and_urgency_and_refuses_an_unknown_category() {
    let world = World::new();
    assert!(Case::filed(&world, STALLS).ticket.urgent);
    let case = Case::filed(&world, UNRULED);
    assert!(!case.ticket.urgent);
    assert_eq!(case.ticket.category.as_deref(), Some(UNRULED));
    let open = Case::open(&world);
    assert_eq!(open.refused(&dispatcher(), &file("E9999")), Refusal::UnknownCategory("E9999".to_owned()));
}

#[test]
fn a_refusal_tells_the_reporter_why_and_may_be_rated() {
    let world = World::new();
    let mut case = Case::open(&world);
    let words = "现场已无堆物".to_owned();
    let event = case.by(&dispatcher(), &Command::Refuse { reason: RefuseReason::NothingThere, words });
    assert_eq!((event.public, event.reason.as_deref()), (true, Some("nothing_there")));
    assert_eq!(event.words.as_deref(), Some("现场已无堆物"));
    assert_eq!(case.ticket.state, State::Refused);
    case.by(&resident(), &rate(1));
}

#[test]
fn a_returned_ticket_lies_at_the_centre_and_can_be_dispatched_again() {
    let world = World::new();
    let mut case = Case::dispatched(&world, D02, &[SQUAD_1]);
    let event = case.by(&officer(D02), &give_back());
    assert_eq!((event.public, event.reason.as_deref()), (false, Some("not_our_duty")));
    assert_eq!(event.facts["returned_by"], D02.to_string());
    assert_eq!((case.ticket.state, case.ticket.responsible, case.ticket.returns), (State::Filed, GRID, 1));
    assert_eq!(case.ticket.desk(&world.tree), CENTRE);
    let order = |case: &Case<'_>, unit| {
        case.ticket.orders.iter().rfind(|order| order.unit == unit).map(|order| order.state)
    };
    assert_eq!(order(&case, D02), Some(OrderState::Returned));
    assert_eq!(order(&case, SQUAD_1), Some(OrderState::Released), "the assistant did not give it back");
    case.by(&dispatcher(), &dispatch(D01, &[]));
    assert_eq!((case.ticket.state, case.ticket.desk(&world.tree)), (State::Dispatched, D01));
    assert!(case.ticket.due_at.unwrap() > case.now);

    // An assistant that gives back drops out; the ticket stays with the lead and no return is counted.
    case.by(&dispatcher(), &dispatch(D01, &[D02]));
    case.by(&officer(D02), &give_back());
    assert_eq!(case.open_orders(), [(D01, true)]);
    assert_eq!((case.ticket.state, case.ticket.returns), (State::Dispatched, 1));
}

#[test]
fn a_department_hands_down_to_a_squad_and_may_act_for_it() {
    let world = World::new();
    let mut case = Case::dispatched(&world, D01, &[]);
    let due = case.ticket.due_at;
    for stranger in [D02, OTHER_STREET, CENTRE, D01] {
        assert_eq!(case.refused(&officer(D01), &delegate(stranger)), Refusal::NotBelow(stranger));
    }
    for unknown in [NOWHERE, NEIGHBOUR_DEPARTMENT] {
        assert_eq!(case.refused(&officer(D01), &delegate(unknown)), Refusal::UnknownUnit(unknown));
    }
    let event = case.by(&officer(D01), &delegate(SQUAD_1));
    assert_eq!(event.facts["to_unit"], SQUAD_1.to_string());
    assert_eq!(
        (case.ticket.desk(&world.tree), case.ticket.due_at),
        (SQUAD_1, due),
        "the deadline does not move"
    );
    let accept = |officer: &Actor| case.clone().attempt(officer, &Command::Accept, &[]).map(|event| event.to);
    assert_eq!(accept(&officer(SQUAD_2)), Err(Refusal::NotYours { verb: Verb::Accept }));
    assert_eq!(accept(&officer(D01)), Ok(State::Handling), "the department may sign for its squad");
    case.by(&officer(SQUAD_1), &Command::Accept);
    let mut by_department = case.clone();
    by_department.by_with_photo(&officer(D01), &finish());
    assert_eq!(by_department.ticket.handler, officer(D01).account);
    assert_eq!(by_department.ticket.handler_unit, Some(SQUAD_1), "the work stays the squad's");
    case.by_with_photo(&officer(SQUAD_1), &finish());
    assert_eq!(case.ticket.handler_unit, Some(SQUAD_1));
}

#[test]
fn handing_down_is_not_offered_where_nothing_stands_below() {
    let world = World::new();
    let offered = |case: &Case<'_>, actor: &Actor| {
        allowed_actions(&case.ticket, actor, &world.tree, NOT_FIXED_DAYS, case.now).contains(&Verb::Delegate)
    };
    assert!(offered(&Case::dispatched(&world, D01, &[]), &officer(D01)));
    assert!(!offered(&Case::dispatched(&world, SQUAD_1, &[]), &officer(SQUAD_1)));
}

#[test]
fn a_unit_that_gets_the_lead_is_no_longer_its_own_assistant() {
    let world = World::new();
    let mut case = Case::dispatched(&world, D01, &[SQUAD_1, D02]);
    case.by(&officer(D01), &delegate(SQUAD_1));
    assert_eq!(case.open_orders(), [(D02, false), (SQUAD_1, true)], "other assistants stay");
}

#[test]
fn escalation_climbs_level_by_level_to_the_centre() {
    let world = World::new();
    let mut case = Case::filed(&world, RUBBISH);
    let due = case.ticket.due_at;
    let climb = [
        (worker(), COMMUNITY, State::Dispatched),
        (person(Role::CommunityOfficer, COMMUNITY), STREET, State::Dispatched),
        (person(Role::StreetOfficer, STREET), CENTRE, State::Filed),
    ];
    for (actor, above, state) in climb {
        let event = case.by(&actor, &escalate());
        assert_eq!(event.facts["to_unit"], above.to_string());
        assert_eq!((case.ticket.desk(&world.tree), case.ticket.state), (above, state));
        assert_eq!(case.ticket.responsible, GRID, "the grid that signed answers for it until another has");
        assert!(case.ticket.due_at.is_none_or(|still| Some(still) == due), "the deadline does not move");
    }
    assert_eq!(case.ticket.returns, 0, "passing up is not giving back");
    let mut squad = Case::dispatched(&world, SQUAD_1, &[D01]);
    squad.by(&officer(SQUAD_1), &escalate());
    assert_eq!(squad.open_orders(), [(D01, true)], "a squad passes up to its department");
}

#[test]
fn rework_goes_to_the_handling_unit_and_the_check_is_not_on_its_time() {
    let world = World::new();
    let mut case = Case::checking(&world);
    let due = case.ticket.due_at.unwrap();
    let event = case.by_with_photo(&inspector(), &rework());
    assert_eq!((event.public, event.note.as_deref()), (true, Some("没清干净")));
    assert_eq!((case.ticket.state, case.ticket.responsible), (State::Handling, D01));
    assert_eq!((case.ticket.due_at, case.ticket.reworks), (Some(due.plus_seconds(60)), 1));
    case.by_with_photo(&officer(D01), &finish());
    case.by_with_photo(&worker(), &close());
    assert_eq!(case.ticket.state, State::Closed);
}

#[test]
fn not_fixed_reopens_within_the_window_only() {
    let world = World::new();
    let mut case = Case::closed(&world);
    case.by(&resident(), &rate(5));
    let closed_at = case.ticket.closed_at.unwrap();
    let last = closed_at.plus_seconds(i64::from(NOT_FIXED_DAYS) * 86_400);
    let at = |now| step(&case.ticket, &not_fixed(), &resident(), &[], now, world.rules());
    assert_eq!(at(last.plus_millis(1)), Err(Refusal::WindowOver { days: NOT_FIXED_DAYS }));
    assert!(at(last).is_ok(), "the last instant of the window counts");
    let offered = |now| {
        allowed_actions(&case.ticket, &resident(), &world.tree, NOT_FIXED_DAYS, now).contains(&Verb::NotFixed)
    };
    assert!(offered(last) && !offered(last.plus_millis(1)));

    let old_due = case.ticket.orders[0].due_at;
    case.now = last.plus_seconds(-3600);
    case.by(&resident(), &not_fixed());
    assert_eq!((case.ticket.state, case.ticket.responsible, case.ticket.reopens), (State::Handling, D01, 1));
    let lead = case.ticket.lead_order().unwrap();
    assert_eq!((lead.state, lead.kind), (OrderState::Accepted, OrderKind::Lead));
    assert!(lead.due_at > case.now && lead.due_at > old_due, "a new round has a new deadline");
    case.by_with_photo(&officer(D01), &finish());
    case.by_with_photo(&inspector(), &close());
    case.by(&resident(), &rate(2));
    assert_eq!(case.ticket.rated_round, Some(1), "each round of closing may be rated once");
}

#[test]
fn the_reporter_may_withdraw_until_somebody_works_on_it() {
    let world = World::new();
    let mut claimed = Case::open(&world);
    claimed.by(&worker(), &Command::Claim);
    let mut filed = Case::dispatched(&world, D02, &[]);
    filed.by(&officer(D02), &give_back());
    for mut case in [Case::open(&world), claimed, filed, Case::dispatched(&world, D02, &[D01])] {
        case.by(&resident(), &withdraw());
        assert_eq!(case.ticket.state, State::Withdrawn);
        assert_eq!(case.open_orders(), []);
    }
    for case in [Case::filed(&world, RUBBISH), Case::checking(&world), Case::closed(&world)] {
        let refusal = case.refused(&resident(), &withdraw());
        assert_eq!(refusal, Refusal::WrongState { state: case.ticket.state, verb: Verb::Withdraw });
    }
}

#[test]
fn a_lease_that_ran_out_frees_the_ticket() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&worker(), &Command::Claim);
    let holder = case.ticket.holder.unwrap();
    let early = step(
        &case.ticket,
        &Command::Lapse,
        &Actor::server(),
        &[],
        holder.until.plus_millis(-1),
        world.rules(),
    );
    let held = Refusal::HeldBy { account: holder.account, until: holder.until };
    assert_eq!(early, Err(held), "a lapse that comes early must not end a claim that still holds");

    let next = colleague(Role::GridWorker, GRID);
    let offered = allowed_actions(&case.ticket, &next, &world.tree, NOT_FIXED_DAYS, holder.until);
    assert_eq!(offered, [Verb::Claim], "it is offered before anybody has written the lapse down");
    assert_eq!(lapse_first(&case.ticket, Verb::Claim, &next, holder.until), Ok(true));
    case.now = holder.until;
    let lapsed = case.by(&Actor::server(), &Command::Lapse);
    assert_eq!((lapsed.actor, lapsed.unit, lapsed.role, lapsed.public), (None, None, Role::System, false));
    assert_eq!(case.ticket.state, State::Received);
    case.by(&next, &Command::Claim);
    assert_eq!(case.ticket.holder.unwrap().until, case.now.plus_seconds(LEASE_SECONDS));
    case.by(&next, &Command::Release { reason: Some("不在附近".to_owned()) });
    assert_eq!((case.ticket.state, case.ticket.holder), (State::Received, None));
}

#[test]
fn an_open_assist_holds_up_the_finish_until_it_is_released() {
    let world = World::new();
    let mut case = Case::dispatched(&world, D02, &[D01, GRID_NEXT]);
    case.by(&officer(D02), &Command::Accept);
    let done =
        |case: &Case<'_>| case.clone().attempt(&officer(D02), &finish(), &photo(Stage::After)).cloned();
    assert_eq!(done(&case).unwrap_err(), Refusal::AssistsOpen(2));
    let release = |unit| Command::ReleaseAssist { unit, reason: "无需协办".to_owned() };
    assert_eq!(case.refused(&officer(D02), &release(SQUAD_1)), Refusal::NotAssisting(SQUAD_1));
    assert_eq!(case.refused(&officer(D02), &release(D02)), Refusal::NotAssisting(D02));
    let event = case.by(&officer(D02), &release(D01));
    assert_eq!((event.public, event.facts["unit"].as_str()), (false, "10"));
    assert_eq!(done(&case).unwrap_err(), Refusal::AssistsOpen(1));
    case.by(&dispatcher(), &release(GRID_NEXT));
    assert_eq!(case.refused(&dispatcher(), &release(GRID_NEXT)), Refusal::NotAssisting(GRID_NEXT));
    assert_eq!(done(&case).unwrap().to, State::Checking);
}

#[test]
fn work_is_not_given_to_units_that_cannot_take_it() {
    let world = World::new();
    let case = Case::dispatched(&world, D02, &[]);
    let refused = |lead, assist: &[i64]| case.refused(&dispatcher(), &dispatch(lead, assist));
    assert_eq!(refused(NOWHERE, &[]), Refusal::UnknownUnit(NOWHERE));
    assert_eq!(refused(D01, &[NOWHERE]), Refusal::UnknownUnit(NOWHERE));
    assert_eq!(refused(NEIGHBOUR_DEPARTMENT, &[]), Refusal::UnknownUnit(NEIGHBOUR_DEPARTMENT));
    assert_eq!(refused(CENTRE, &[]), Refusal::CannotHandle(CENTRE));
    assert_eq!(refused(D01, &[CENTRE]), Refusal::CannotHandle(CENTRE));
    assert_eq!(refused(D01, &[D01]), Refusal::NamedTwice(D01));
    assert_eq!(refused(D01, &[D02, D02]), Refusal::NamedTwice(D02));
}

#[test]
fn a_clock_that_is_set_back_sets_no_history_back() {
    let world = World::new();
    let mut case = Case::filed(&world, MANHOLE);
    let last = case.ticket.updated_at;
    case.later(-3600);
    let signed = case.by(&officer(D02), &Command::Accept);
    assert_eq!((signed.at, case.ticket.updated_at), (last.millis(), last));
    assert!(case.ticket.due_at.unwrap() > last, "its limits run from there");
    case.later(7200);
    // The first squad of the other department assists.
    case.by(&officer(SQUAD_1), &finish());
    let finished = case.by_with_photo(&officer(D02), &finish());
    assert_eq!(finished.at, case.now.millis());
    assert!(case.events.is_sorted_by_key(|event| event.at));
}
