//! Tickets in every state, led to it by real steps, and a well-formed command for every verb.

use super::fixture::{
    CENTRE, Case, D01, D02, GRID, HELPER_GRID, SQUAD_1, UNRULED, World, chief, close, dispatch, dispatcher,
    escalate, file, finish, give_back, grant, inspector, officer, resident, rework, there,
};
use crate::flow::{
    Actor, Alarm, Assist, Call, CalledBack, Command, Held, Outcome, RefuseReason, Request, RequestKind,
    RequestState, Satisfaction, Solved, State, Summoned, Suspicion, Timer, Verb, Waiting, Whistle,
    next_alarm,
};
use crate::model::{Limit, LimitUnit, UnitId};
use crate::time::Moment;

/// A ticket in this state; `lead` is the person whose unit leads the work.
pub(super) fn case_in<'w>(
    world: &'w World,
    state: State,
    holder: &Actor,
    lead: &Actor,
    assist: &[UnitId],
) -> Case<'w> {
    let mut case = Case::open(world);
    match state {
        State::Received => return case,
        State::Withdrawn => {
            case.by(&resident(), &Command::Withdraw { words: None });
            return case;
        }
        State::Merged => {
            case.by(&dispatcher(), &command(Verb::Merge, 'P'));
            return case;
        }
        State::Voided => {
            case.by(&dispatcher(), &Command::AskVoid { reason: "误报".to_owned() });
            case.by(&chief(), &grant());
            return case;
        }
        _ => {}
    }
    case.by(holder, &Command::Claim);
    match state {
        State::Claimed => return case,
        State::Refused => {
            case.by(holder, &command(Verb::Refuse, 'g'));
            return case;
        }
        State::Verified => {
            case.by(holder, &command(Verb::Verify, 'g'));
            return case;
        }
        _ => {}
    }
    case.by(holder, &file(UNRULED));
    at_work(&mut case, state, lead, assist);
    assert_eq!(case.ticket.state, state);
    case
}

/// From filed to where the unit works or has worked on it.
fn at_work(case: &mut Case<'_>, state: State, lead: &Actor, assist: &[UnitId]) {
    if state == State::Arbitrating {
        for _ in 0..2 {
            case.by(&dispatcher(), &dispatch(D02, &[]));
            case.by(&officer(D02), &give_back());
        }
        return;
    }
    case.by(&dispatcher(), &dispatch(lead.posts[0].unit, assist));
    match state {
        State::Dispatched => return,
        State::Filed => {
            case.by(lead, &give_back());
            return;
        }
        _ => {}
    }
    case.by(lead, &Command::Accept);
    if matches!(state, State::Suspended | State::Deferred) {
        let (review_at, reason) = (case.now.plus_seconds(30 * 86_400), "等待换季".to_owned());
        case.by(
            lead,
            &match state {
                State::Suspended => Command::AskSuspension { review_at, reason },
                _ => Command::AskDeferral { review_at, reason },
            },
        );
        case.by(&chief(), &grant());
    }
    if matches!(state, State::Checking | State::Closed) {
        case.by_with_photo(lead, &finish());
    }
    if state == State::Closed {
        case.by_with_photo(&inspector(), &close());
    }
}

/// A well-formed command; what it names suits the role. The server's own verbs and `open`, which are not given as
/// commands to somebody else's ticket, stand for one that cannot be due.
pub(super) fn command(verb: Verb, role: char) -> Command {
    let words = || "说明".to_owned();
    let review_at = "2026-12-31T09:00:00+08:00".parse().unwrap();
    let limit = Limit::new(1, LimitUnit::WorkingDays);
    match verb {
        Verb::Open | Verb::Warn | Verb::Breach | Verb::AssistLate | Verb::Review => {
            Command::Alarm(match verb {
                Verb::Warn => Alarm::Soon(crate::flow::Clock::Order(99)),
                Verb::Breach => Alarm::Breach(crate::flow::Clock::Order(99)),
                Verb::AssistLate => Alarm::AssistLate(99),
                _ => Alarm::Review,
            })
        }
        Verb::Claim => Command::Claim,
        Verb::Release => Command::Release { reason: None },
        Verb::Lapse => Command::Lapse,
        Verb::Arrive => Command::Arrive { spot: there(), words: None },
        Verb::Verify => Command::Verify { category: None, note: None },
        Verb::Solve => Command::Solve {
            category: UNRULED.to_owned(),
            answer: words(),
            note: None,
            outcome: Outcome::default(),
        },
        Verb::File => file(UNRULED),
        Verb::Refuse => Command::Refuse { reason: RefuseReason::NothingThere, words: words() },
        Verb::Pass => Command::Pass { words: None },
        Verb::Dispatch => dispatch(D02, &[]),
        Verb::Arbitrate => Command::Arbitrate { lead: D02, assist: Vec::new(), reason: words() },
        Verb::Accept => Command::Accept,
        Verb::Return => give_back(),
        Verb::Delegate => Command::Delegate { to: if role == 'd' { SQUAD_1 } else { GRID }, reason: None },
        Verb::Escalate => escalate(),
        Verb::AddAssist => Command::AddAssist { assist: Assist::from(HELPER_GRID), reason: words() },
        Verb::ReleaseAssist => Command::ReleaseAssist { unit: HELPER_GRID, reason: words() },
        Verb::Whistle => Command::Whistle {
            units: vec![D01, D02],
            place: "路口".to_owned(),
            meet_at: review_at,
            words: words(),
        },
        Verb::Answer => Command::Answer { words: None },
        Verb::SignIn => Command::SignIn { spot: there() },
        Verb::EndWhistle => Command::EndWhistle { words: words(), lead: None, assist: Vec::new() },
        Verb::AskReporter => Command::AskReporter { words: words() },
        Verb::Resume => Command::Resume { reason: None },
        Verb::AskExtension => Command::AskExtension { limit, reason: words() },
        Verb::AskSuspension => Command::AskSuspension { review_at, reason: words() },
        Verb::AskDeferral => Command::AskDeferral { review_at, reason: words() },
        Verb::AskVoid => Command::AskVoid { reason: words() },
        Verb::Endorse => Command::Endorse { words: words() },
        Verb::Grant => grant(),
        Verb::Deny => Command::Deny { words: words() },
        Verb::Finish => finish(),
        Verb::Close => close(),
        Verb::Rework => rework(),
        Verb::CallBack => Command::CallBack { call: Call::NotReached, words: None },
        Verb::Count => Command::Count { counted: false, reason: words() },
        Verb::Split => Command::Split { children: vec![99], reason: words() },
        Verb::Urge => Command::Urge { words: Some(words()) },
        Verb::Merge => Command::Merge { into: 98, reason: words() },
        Verb::Absorb => Command::Absorb { ticket: 98 },
        Verb::Unmerge => Command::Unmerge { reason: words() },
        Verb::Detach => Command::Detach { ticket: 98 },
        Verb::NotFixed => Command::NotFixed { words: words() },
        Verb::Withdraw => Command::Withdraw { words: None },
        Verb::Supplement => Command::Supplement { words: words() },
        Verb::Rate => Command::Rate { solved: true, stars: 5, words: None },
        Verb::Recount => Command::Recount,
        Verb::Reveal => Command::Reveal { reason: words() },
    }
}

/// What the command of this verb needs to find in the ticket, put there by hand, for an actor of this unit.
pub(super) fn prepare(case: &mut Case<'_>, verb: Verb, unit: UnitId) {
    let now = case.now;
    match verb {
        Verb::Grant | Verb::Deny => case.ticket.course.requests.push(request(RequestKind::Void, now)),
        Verb::Endorse => {
            case.ticket.course.extensions = 1;
            case.ticket.course.requests.push(request(RequestKind::Extension, now));
        }
        Verb::Answer | Verb::SignIn | Verb::EndWhistle => {
            case.ticket.course.whistles.push(whistle(unit, now));
        }
        Verb::Pass => {
            case.ticket.course.held = Some(Held { since: now, why: vec![Suspicion::Links] });
        }
        Verb::Unmerge => case.ticket.merged_into = Some(98),
        Verb::Detach => case.ticket.course.merged.push(98),
        Verb::Resume if matches!(case.ticket.state, State::Claimed | State::Handling) => {
            case.ticket.course.waiting = Some(Waiting { since: now, until: now.plus_seconds(600) });
        }
        Verb::Arrive => {
            let half_an_hour = Limit::new(30, LimitUnit::UrgentMinutes);
            let calendar = case.world.rules().calendar;
            case.ticket.course.arrival = Some(Timer::start(now, half_an_hour, 75, calendar));
        }
        Verb::Count => case.ticket.course.call_backs.push(CalledBack {
            round: 0,
            by: 0,
            at: now,
            solved: Solved::Yes,
            result: Satisfaction::Satisfied,
            process: Satisfaction::Partly,
            counted: true,
            counted_reason: None,
            counted_by: None,
        }),
        Verb::AssistLate if matches!(case.ticket.state, State::Dispatched | State::Handling) => {
            let limit = Some(Limit::new(5, LimitUnit::UrgentMinutes));
            let assist = Assist { unit: HELPER_GRID, limit };
            case.by(&dispatcher(), &Command::AddAssist { assist, reason: "人手不足".to_owned() });
        }
        _ => {}
    }
}

fn request(kind: RequestKind, now: Moment) -> Request {
    Request {
        seq: 1,
        kind,
        state: RequestState::Asked,
        asked_by: 0,
        unit: CENTRE,
        asked_at: now,
        limit: None,
        review_at: None,
        reason: "说明".to_owned(),
        endorsed_by: None,
        decided_by: None,
        decided_at: None,
        decision: None,
    }
}

fn whistle(unit: UnitId, now: Moment) -> Whistle {
    let summoned =
        Summoned { unit, answered_at: None, signed_in_at: None, signed_in_by: None, distance_m: None };
    Whistle {
        seq: 1,
        by: unit,
        place: "路口".to_owned(),
        meet_at: now,
        words: "说明".to_owned(),
        units: vec![summoned],
        ended_at: None,
        outcome: None,
    }
}

/// What the server would say, and when it is due.
pub(super) fn of_the_server(case: &Case<'_>, verb: Verb) -> (Command, Moment) {
    let ticket = &case.ticket;
    let at = match verb {
        Verb::Lapse => ticket.holder.map(|holder| holder.until),
        Verb::Breach => ticket.stage_due_at,
        Verb::Resume => ticket.course.waiting.map(|waiting| waiting.until),
        _ => ticket.alarm_at,
    };
    let at = at.unwrap_or(case.now);
    if matches!(verb, Verb::Lapse | Verb::Recount) {
        return (command(verb, 'X'), at);
    }
    let rules = case.world.rules();
    let next = next_alarm(ticket, at, rules.policy(ticket, at), rules.calendar);
    let found = next.filter(|(_, alarm)| alarm.verb() == verb);
    (found.map_or_else(|| command(verb, 'X'), |(_, alarm)| Command::Alarm(alarm)), at)
}
