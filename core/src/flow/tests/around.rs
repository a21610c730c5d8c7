//! What happens around the work: returns and disputes, requests, whistles, checks and call-backs.

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GAS, GRID, GRID_NEXT, HELPER_GRID, QUARREL, SQUAD_1, STREET, UNRULED,
    World, assists, chief, close, colleague, community, delegate, dispatch, dispatcher, escalate, file,
    finish, give_back, grant, head, inspector, officer, person, photo, resident, rework, street, there,
    worker,
};
use crate::flow::{
    Actor, Assist, Call, Command, OnSpot, Phase, Policy, Refusal, RequestState, Role, Satisfaction, Solved,
    Stage, State, Verb, may_see,
};
use crate::model::{Limit, LimitUnit};

fn call(reopen: bool) -> Command {
    let (result, process) = (Satisfaction::Dissatisfied, Satisfaction::Partly);
    Command::CallBack { call: Call::Reached { solved: Solved::No, result, process, reopen }, words: None }
}

fn ask_extension(days: u32) -> Command {
    Command::AskExtension { limit: Limit::new(days, LimitUnit::WorkingDays), reason: "缺料".to_owned() }
}

#[test]
fn the_second_return_makes_it_a_dispute_and_the_decision_binds() {
    let world = World::new();
    let mut case = Case::dispatched(&world, D02, &[]);
    case.by(&officer(D02), &give_back());
    case.by(&dispatcher(), &dispatch(D01, &[]));
    case.by(&officer(D01), &give_back());
    assert_eq!((case.ticket.state, case.ticket.phase()), (State::Arbitrating, Some(Phase::Arbitrate)));
    let decide = Command::Arbitrate { lead: D01, assist: assists(&[D02]), reason: "属其职责".to_owned() };
    assert_eq!(case.refused(&dispatcher(), &decide), Refusal::NotYours { verb: Verb::Arbitrate });
    case.by(&chief(), &decide);
    assert_eq!(case.refused(&officer(D01), &give_back()), Refusal::Bound);
    assert_eq!(case.refused(&officer(D01), &escalate()), Refusal::Bound, "nor by way of the district");
    // A squad gives it back to the department that is bound, however often.
    case.by(&officer(D01), &delegate(SQUAD_1));
    case.by(&officer(SQUAD_1), &give_back());
    assert_eq!((case.ticket.state, case.ticket.desk(&world.tree)), (State::Dispatched, D01));
    case.by(&officer(D01), &Command::Accept);
    assert_eq!(case.refused(&officer(D01), &give_back()), Refusal::Bound);
}

#[test]
fn what_was_handed_down_goes_back_to_the_unit_that_did_so() {
    let world = World::new();
    let mut case = Case::handling(&world);
    case.by(&officer(D01), &delegate(SQUAD_1));
    assert_eq!(case.ticket.responsible, D01, "首接负责");
    // The department may be made an assistant meanwhile; it does not assist itself once it leads again.
    let assist = Command::AddAssist { assist: Assist::from(D01), reason: "配合".to_owned() };
    case.by(&dispatcher(), &assist);
    let event = case.by(&officer(SQUAD_1), &give_back());
    assert_eq!(event.facts["returned_by"], SQUAD_1.to_string());
    assert_eq!(
        (case.ticket.state, case.ticket.responsible),
        (State::Handling, D01),
        "it never ceased to hold it"
    );
    assert_eq!(case.open_orders(), [(D01, true)]);
    // A grid that has signed nothing yet has to sign when its community gives it back.
    let mut case = Case::dispatched(&world, GRID, &[]);
    case.by(&worker(), &escalate());
    case.by(&community(), &give_back());
    assert_eq!((case.ticket.state, case.ticket.desk(&world.tree)), (State::Dispatched, GRID));
}

#[test]
fn an_extension_is_granted_by_a_chief_and_the_next_one_by_the_head_after_a_review() {
    let world = World::new();
    let mut case = Case::handling(&world);
    let due = case.ticket.due_at.unwrap();
    let too_long = case.refused(&officer(D01), &ask_extension(4));
    assert_eq!(too_long, Refusal::ExtensionTooLong(Limit::new(3, LimitUnit::WorkingDays)));
    case.by(&officer(D01), &ask_extension(3));
    assert_eq!(case.refused(&officer(D01), &ask_extension(1)).code(), "request_open");
    assert_eq!(case.refused(&dispatcher(), &grant()), Refusal::NotYours { verb: Verb::Grant });
    let neighbour = Actor {
        posts: [dispatcher().posts, person(Role::DutyChief, super::fixture::NEIGHBOUR_CENTRE).posts].concat(),
        ..dispatcher()
    };
    assert_eq!(
        case.refused(&neighbour, &grant()),
        Refusal::NotYours { verb: Verb::Grant },
        "a chief elsewhere"
    );
    case.by(&chief(), &grant());
    assert_eq!(case.ticket.due_at, Some(world.calendar.deadline(due, Limit::new(3, LimitUnit::WorkingDays))));
    case.by(&officer(D01), &ask_extension(1));
    assert_eq!(case.refused(&chief(), &grant()), Refusal::NeedsHead);
    assert_eq!(case.refused(&head(), &grant()), Refusal::NeedsEndorsement);
    case.by(&chief(), &Command::Endorse { words: "属实".to_owned() });
    case.by(&head(), &grant());
    assert_eq!(case.ticket.course.extensions, 2);
    case.by(&officer(D01), &ask_extension(1));
    case.by_with_photo(&officer(D01), &finish());
    assert_eq!(case.ticket.course.requests[2].state, RequestState::Lapsed, "the ticket has moved on");
}

#[test]
fn a_suspension_stops_every_clock_until_the_day_of_review() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&worker(), &Command::Claim);
    case.by(&worker(), &file(GAS));
    assert!(case.ticket.course.arrival.is_some(), "only now is it known that somebody must be there");
    case.by(&dispatcher(), &dispatch(D01, &[]));
    case.by(&officer(D01), &Command::Accept);
    let (due, asked) = (case.ticket.due_at.unwrap(), case.now);
    let ask = |days: i64| Command::AskSuspension {
        review_at: asked.plus_seconds(days * 86_400),
        reason: "待资金".to_owned(),
    };
    for days in [0, 366] {
        assert_eq!(case.refused(&officer(D01), &ask(days)), Refusal::BadReviewDay { days: 365 });
    }
    case.by(&officer(D01), &ask(20));
    let granted = case.by(&chief(), &grant());
    assert_eq!((case.ticket.state, case.ticket.stage_due_at), (State::Suspended, None));
    assert_eq!(case.ticket.alarm_at, Some(asked.plus_seconds(20 * 86_400)), "nothing else calls the server");
    let (_, woken) = case.alarm();
    assert_eq!((woken.verb, case.ticket.state), (Verb::Review, State::Handling));
    assert_eq!(case.ticket.due_at, Some(due.plus_millis(woken.at - granted.at)));
}

#[test]
fn a_voiding_needs_a_second_person() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&dispatcher(), &Command::AskVoid { reason: "误报".to_owned() });
    assert_eq!(case.refused(&dispatcher(), &grant()), Refusal::OwnWork);
    let stand_in =
        Actor { stands_for: vec![dispatcher().account.unwrap()], ..colleague(Role::Dispatcher, CENTRE) };
    assert!(case.clone().attempt(&stand_in, &grant(), &[]).is_err(), "nor who stands in for the first");
    case.by(&worker(), &Command::Claim);
    case.by(&colleague(Role::Dispatcher, CENTRE), &grant());
    assert_eq!(case.ticket.state, State::Voided);
}

#[test]
fn waiting_for_the_reporter_stops_the_clock_and_whoever_gets_it_next_does_not_wait() {
    let world = World::new();
    let mut case = Case::handling(&world);
    let due = case.ticket.due_at.unwrap();
    case.by(&officer(D01), &Command::AskReporter { words: "具体位置？".to_owned() });
    assert_eq!(case.ticket.stage_due_at, None);
    let mut handed = case.clone();
    handed.by(&officer(D01), &delegate(SQUAD_1));
    assert!(handed.ticket.lead_order().unwrap().timer.as_ref().is_some_and(|timer| !timer.is_stopped()));
    case.later(540);
    case.by(&resident(), &Command::Supplement { words: "西门".to_owned() });
    assert_eq!(case.ticket.stage_due_at, Some(due.plus_seconds(600)));
    assert_eq!(case.refused(&officer(D01), &Command::Resume { reason: None }), Refusal::NotStopped);
}

#[test]
fn a_whistle_records_who_came_and_what_comes_of_it_becomes_orders() {
    let world = World::new();
    let mut case = Case::handling(&world);
    let whistle = |units: &[i64], ahead| Command::Whistle {
        units: units.to_vec(),
        place: "桥下".to_owned(),
        meet_at: case.now.plus_seconds(ahead),
        words: "联合处置".to_owned(),
    };
    assert_eq!(case.refused(&street(), &whistle(&[D02], 0)), Refusal::MeetingPast);
    assert_eq!(case.refused(&street(), &whistle(&[], 3600)), Refusal::NothingToDo);
    let (good, again) = (whistle(&[D01, D02, HELPER_GRID], 3600), whistle(&[D02], 3600));
    case.by(&street(), &good);
    assert_eq!(case.refused(&street(), &again), Refusal::WhistleOpen);
    case.by(&officer(D01), &Command::Answer { words: None });
    assert_eq!(case.refused(&officer(D01), &Command::Answer { words: None }), Refusal::AlreadyDone);
    let far = Command::SignIn { spot: OnSpot { distance_m: Some(900), age_s: Some(9), reason: None } };
    assert_eq!(case.refused(&officer(D02), &far), Refusal::NeedsReason { metres: 200 });
    case.by(&officer(D02), &Command::SignIn { spot: there() });
    let end =
        Command::EndWhistle { words: "由园林协办".to_owned(), lead: None, assist: assists(&[D02]) };
    assert_eq!(case.refused(&community(), &end), Refusal::NotYours { verb: Verb::EndWhistle });
    let mut resting = case.clone();
    let review_at = resting.now.plus_seconds(864_000);
    resting.by(&officer(D01), &Command::AskSuspension { review_at, reason: "待资金".to_owned() });
    resting.by(&chief(), &grant());
    let (state, verb) = (State::Suspended, Verb::AddAssist);
    assert_eq!(
        resting.refused(&street(), &end),
        Refusal::WrongState { state, verb },
        "no order while it rests"
    );
    let ended = case.by(&street(), &end);
    assert_eq!((ended.facts["present"].as_str(), ended.facts["absent"].as_str()), ("20", "10,212"));
    assert_eq!(case.open_orders(), [(D01, true), (D02, false)]);
}

#[test]
fn a_check_needs_a_photo_and_a_place_or_a_reason() {
    let world = World::new();
    let mut case = Case::checking(&world);
    assert_eq!(case.refused(&inspector(), &close()), Refusal::NeedsPhoto);
    let spots = [
        OnSpot::default(),
        OnSpot { distance_m: Some(201), ..there() },
        OnSpot { age_s: Some(901), ..there() },
    ];
    for spot in spots {
        let tried = Command::Close { note: None, spot: spot.clone() };
        assert_eq!(case.refused_with_photo(&inspector(), &tried), Refusal::NeedsReason { metres: 200 });
        let excused = OnSpot { reason: Some("视频核查".to_owned()), ..spot };
        let mut closed = case.clone();
        let event = closed.by_with_photo(&inspector(), &Command::Close { note: None, spot: excused });
        assert_eq!(event.facts["on_spot"], "false");
    }
    for round in 1..=3 {
        let event = case.by_with_photo(&inspector(), &rework());
        assert_eq!(event.facts["on_spot"], "true");
        assert_eq!(event.facts.contains_key("raised_to"), round == 3, "the third failed check is told above");
        case.by_with_photo(&officer(D01), &finish());
    }
    assert_eq!(case.ticket.course.raised_to, Some(CENTRE));
}

#[test]
fn a_resident_is_called_back_until_reached_and_somebody_else_decides_whether_it_counts() {
    let world = World::new();
    let mut case = Case::closed(&world);
    assert_eq!(case.ticket.phase(), Some(Phase::CallBack));
    let silent = Command::CallBack { call: Call::NotReached, words: None };
    let mut never = case.clone();
    for _ in 0..3 {
        never.by(&dispatcher(), &silent);
    }
    assert_eq!(never.refused(&dispatcher(), &silent), Refusal::NoCallBackDue);
    assert_eq!(never.ticket.alarm_at, None, "nothing is due any more");
    let count = Command::Count { counted: false, reason: "误解".to_owned() };
    assert_eq!(case.refused(&chief(), &count), Refusal::NoCallBack);
    case.by(&dispatcher(), &silent);
    case.by(&chief(), &call(false));
    assert_eq!(case.refused(&chief(), &count), Refusal::OwnCall);
    case.by(&head(), &count);
    assert!(!case.ticket.course.call_backs[0].counted);
    let mut again = Case::closed(&world);
    again.by(&dispatcher(), &call(true));
    assert_eq!((again.ticket.state, again.ticket.reopens), (State::Handling, 1));
    let quiet = World::under(Policy { call_back: false, ..Policy::default() });
    assert_eq!(Case::closed(&quiet).ticket.phase(), None);
}

#[test]
fn sensitive_kinds_are_seen_by_named_roles_and_those_with_an_order() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&dispatcher(), &file(QUARREL));
    case.by(&dispatcher(), &dispatch(D02, &[GRID_NEXT]));
    let named = Policy::default().sensitive_roles;
    let sees = |actor: &Actor| may_see(&case.ticket, actor, &world.tree, &named);
    for actor in
        [resident(), street(), dispatcher(), chief(), officer(D02), person(Role::GridWorker, GRID_NEXT)]
    {
        assert!(sees(&actor), "{actor:?}");
    }
    for actor in [worker(), community(), officer(D01), person(Role::Observer, CENTRE)] {
        assert!(!sees(&actor), "{actor:?}");
    }
    assert_eq!((STREET, COMMUNITY), (street().posts[0].unit, community().posts[0].unit));
}

#[test]
fn a_substitute_acts_for_a_colleague_on_leave() {
    let world = World::new();
    let mut case = Case::open(&world);
    case.by(&worker(), &Command::Claim);
    let stand_in = Actor { account: Some(88), stands_for: vec![worker().account.unwrap()], ..worker() };
    assert!(
        case.clone()
            .attempt(&Actor { stands_for: Vec::new(), ..stand_in.clone() }, &file(UNRULED), &[])
            .is_err()
    );
    let event = case.by(&stand_in, &file(UNRULED));
    assert_eq!(event.actor, Some(88), "the line names who did it");
    assert!(photo(Stage::Check).iter().all(|photo| photo.stage == Stage::Check));
}
