//! The moves of random lives: who tries what, with what in the command.

use proptest::prelude::*;

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GAS, GRID, GRID_NEXT, MANHOLE, NEIGHBOUR_CENTRE, NEIGHBOUR_DEPARTMENT,
    NOT_FIXED_DAYS, NOWHERE, OTHER_GRID, OTHER_STREET, QUARREL, RUBBISH, SQUAD_1, SQUAD_2, STALLS, STREET,
    UNRULED, assists, there,
};
use crate::flow::{
    Actor, Alarm, Assist, Call, Clock, Command, OnSpot, Outcome, RefuseReason, ReturnReason, Satisfaction,
    Solved, Stage, Verb, allowed_actions,
};
use crate::model::{Limit, LimitUnit, UnitId};

/// Which of the offers are looked at: uniform choice would end most lives before any work is done.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// Those that bring the ticket on, where there are any.
    Forward,
    /// Those that do not cut its life short.
    Patient,
    /// Those that need somebody else's word, and the words themselves.
    Asking,
    /// The one verb that the move names, whoever may do it.
    Named,
    Any,
}

impl Mood {
    fn choose(self, named: Verb, offered: &mut Vec<Verb>) {
        use Verb::{
            Accept, Arbitrate, Arrive, AskDeferral, AskExtension, AskSuspension, AskVoid, CallBack, Claim,
            Close, Count, Dispatch, EndWhistle, Endorse, File, Finish, Grant, Merge, NotFixed, Refuse,
            Resume, SignIn, Withdraw,
        };
        let forward = |verb: &Verb| {
            matches!(
                verb,
                Claim
                    | File
                    | Dispatch
                    | Accept
                    | Finish
                    | Close
                    | NotFixed
                    | Arbitrate
                    | Grant
                    | Endorse
                    | Arrive
                    | CallBack
                    | Count
                    | SignIn
                    | EndWhistle
                    | Resume
            )
        };
        match self {
            Mood::Forward if offered.iter().any(forward) => offered.retain(forward),
            Mood::Forward | Mood::Patient => {
                offered.retain(|verb| !matches!(verb, Withdraw | Refuse | AskVoid | Merge));
            }
            Mood::Asking => offered
                .retain(|verb| matches!(verb, AskSuspension | AskDeferral | AskExtension | Endorse | Grant)),
            Mood::Named => {
                offered.retain(|verb| *verb == named && !matches!(verb, Withdraw | Refuse | AskVoid | Merge))
            }
            Mood::Any => {}
        }
    }
}

/// One thing somebody tries. `pick` chooses among what is offered to the actor, or to the next in the cast to whom
/// anything is offered, so that lives get somewhere; without it the verb is any.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pick: Option<prop::sample::Index>,
    mood: Mood,
    actor: prop::sample::Index,
    pub verb: Verb,
    units: (UnitId, Vec<UnitId>),
    category: &'static str,
    pub stages: Vec<Stage>,
    spot: OnSpot,
    limit: Limit,
    ahead: i64,
    yes: bool,
    pub seconds: i64,
    /// Time goes on exactly to what the server has to do next.
    pub to_alarm: bool,
    /// The calendar changes first.
    pub new_calendar: bool,
}

fn any_unit() -> impl Strategy<Value = UnitId> {
    let good = vec![D01, D02, SQUAD_1, SQUAD_2, STREET, COMMUNITY, GRID, GRID_NEXT, OTHER_STREET, OTHER_GRID];
    let bad = vec![CENTRE, NOWHERE, NEIGHBOUR_DEPARTMENT, NEIGHBOUR_CENTRE];
    prop_oneof![12 => prop::sample::select(good), 1 => prop::sample::select(bad)]
}

fn any_spot() -> impl Strategy<Value = OnSpot> {
    let far = OnSpot { distance_m: Some(5_000), age_s: Some(10), reason: None };
    let excused = OnSpot { reason: Some("电话核实".to_owned()), ..far.clone() };
    prop_oneof![6 => Just(there()), 1 => Just(far), 1 => Just(excused), 1 => Just(OnSpot::default())]
}

pub(super) fn any_move() -> impl Strategy<Value = Move> {
    let mood = prop_oneof![10 => Just(Mood::Forward), 5 => Just(Mood::Patient), 3 => Just(Mood::Asking), 6 => Just(Mood::Named), 2 => Just(Mood::Any)];
    let pick = (prop::option::weighted(0.85, any::<prop::sample::Index>()), mood);
    let category = prop_oneof![
        16 => prop::sample::select(vec![MANHOLE, RUBBISH, STALLS, UNRULED, GAS, QUARREL]),
        1 => Just("E9999")
    ];
    let stages = prop_oneof![
        6 => Just(vec![Stage::After, Stage::Check]),
        1 => Just(vec![Stage::Before]),
        1 => Just(Vec::new())
    ];
    let seconds = prop_oneof![8 => 0_i64..600, 2 => 600_i64..10_000, 1 => 10_000_i64..400_000];
    let units = (any_unit(), prop::collection::vec(any_unit(), 0..3));
    let verb = prop::sample::select(Verb::ALL.to_vec());
    let limit = (1..30_u32, prop::sample::select(&LimitUnit::ALL));
    let limit = limit.prop_map(|(amount, unit)| Limit { amount, unit });
    let ahead = prop_oneof![9 => 1_i64..30 * 86_400, 1 => -100_i64..0];
    let events = (prop::bool::weighted(0.25), prop::bool::weighted(0.04), any::<bool>());
    let facts = (any_spot(), limit, ahead, events);
    (pick, any::<prop::sample::Index>(), verb, units, category, stages, seconds, facts).prop_map(
        |((pick, mood), actor, verb, units, category, stages, seconds, facts)| {
            let (spot, limit, ahead, (to_alarm, new_calendar, yes)) = facts;
            Move {
                pick,
                mood,
                actor,
                verb,
                units,
                category,
                stages,
                spot,
                limit,
                ahead,
                yes,
                seconds,
                to_alarm,
                new_calendar,
            }
        },
    )
}

/// The command that is tried; what it names is as random as the move.
pub(super) fn command(verb: Verb, made: &Move, case: &Case<'_>) -> Command {
    let (to, others) = made.units.clone();
    let category = made.category.to_owned();
    let words = || "说明".to_owned();
    let spot = made.spot.clone();
    let assist = Assist { unit: to, limit: made.yes.then_some(made.limit) };
    let review_at = case.now.plus_seconds(made.ahead);
    match verb {
        Verb::Open | Verb::Supplement => Command::Supplement { words: words() },
        Verb::Claim => Command::Claim,
        Verb::Release => Command::Release { reason: None },
        Verb::Lapse => Command::Lapse,
        Verb::Arrive => Command::Arrive { spot, words: None },
        Verb::Verify => Command::Verify { category: made.yes.then_some(category), note: None },
        Verb::Solve => Command::Solve { category, answer: words(), note: None, outcome: Outcome::default() },
        Verb::File => Command::File { category, note: None },
        Verb::Refuse => Command::Refuse { reason: RefuseReason::Duplicate, words: words() },
        Verb::Pass => Command::Pass { words: None },
        Verb::Dispatch => Command::Dispatch { lead: to, assist: assists(&others), reason: words() },
        Verb::Arbitrate => Command::Arbitrate { lead: to, assist: assists(&others), reason: words() },
        Verb::Accept => Command::Accept,
        Verb::Return => Command::Return { reason: ReturnReason::WrongPlace, words: words() },
        Verb::Delegate => {
            let below = case.world.tree.children(case.ticket.desk(&case.world.tree)).first();
            Command::Delegate { to: below.copied().filter(|_| made.yes).unwrap_or(to), reason: None }
        }
        Verb::Escalate => Command::Escalate { reason: words() },
        Verb::AddAssist => Command::AddAssist { assist, reason: words() },
        Verb::ReleaseAssist => Command::ReleaseAssist { unit: to, reason: words() },
        Verb::Whistle => {
            Command::Whistle { units: others, place: words(), meet_at: review_at, words: words() }
        }
        Verb::Answer => Command::Answer { words: None },
        Verb::SignIn => Command::SignIn { spot },
        Verb::EndWhistle => {
            Command::EndWhistle { words: words(), lead: made.yes.then_some(to), assist: assists(&others) }
        }
        Verb::AskReporter => Command::AskReporter { words: words() },
        Verb::Resume => Command::Resume { reason: None },
        Verb::AskExtension => {
            // Most of the random limits are longer than may be granted.
            let limit = if made.yes { Limit::new(10, LimitUnit::UrgentMinutes) } else { made.limit };
            Command::AskExtension { limit, reason: words() }
        }
        Verb::AskSuspension => Command::AskSuspension { review_at, reason: words() },
        Verb::AskDeferral => Command::AskDeferral { review_at, reason: words() },
        Verb::AskVoid => Command::AskVoid { reason: words() },
        Verb::Endorse => Command::Endorse { words: words() },
        Verb::Grant => Command::Grant { words: words() },
        Verb::Deny => Command::Deny { words: words() },
        Verb::Finish => Command::Finish { answer: words(), note: None, outcome: Outcome::default() },
        Verb::Close => Command::Close { note: None, spot },
        Verb::Rework => Command::Rework { reason: words(), spot },
        Verb::CallBack => Command::CallBack { call: call(made), words: None },
        Verb::Count => Command::Count { counted: made.yes, reason: words() },
        Verb::Split => Command::Split { children: vec![99], reason: words() },
        Verb::Urge => Command::Urge { words: Some(words()) },
        Verb::Merge => Command::Merge { into: 98, reason: words() },
        Verb::Absorb => Command::Absorb { ticket: 98 },
        Verb::Unmerge => Command::Unmerge { reason: words() },
        Verb::Detach => Command::Detach { ticket: 98 },
        Verb::NotFixed => Command::NotFixed { words: words() },
        Verb::Withdraw => Command::Withdraw { words: None },
        Verb::Rate => Command::Rate { solved: false, stars: 1, words: None },
        Verb::Warn => Command::Alarm(Alarm::Soon(Clock::Order(1))),
        Verb::Breach => Command::Alarm(Alarm::Breach(Clock::Order(1))),
        Verb::AssistLate => Command::Alarm(Alarm::AssistLate(2)),
        Verb::Review => Command::Alarm(Alarm::Review),
        Verb::Recount => Command::Recount,
        Verb::Reveal => Command::Reveal { reason: words() },
    }
}

fn call(made: &Move) -> Call {
    if made.stages.is_empty() {
        return Call::NotReached;
    }
    let said = if made.yes { Satisfaction::Satisfied } else { Satisfaction::Dissatisfied };
    let solved = if made.yes { Solved::Yes } else { Solved::No };
    Call::Reached { solved, result: said, process: said, reopen: !made.yes }
}

/// Who tries what.
pub(super) fn chosen(made: &Move, cast: &[Actor], case: &Case<'_>) -> (Actor, Verb) {
    let first = made.actor.index(cast.len());
    for actor in cast.iter().cycle().skip(first).take(cast.len()) {
        let Some(pick) = &made.pick else { break };
        let mut offered = allowed_actions(&case.ticket, actor, &case.world.tree, NOT_FIXED_DAYS, case.now);
        made.mood.choose(made.verb, &mut offered);
        if !offered.is_empty() {
            return (actor.clone(), *pick.get(&offered));
        }
    }
    (cast[first].clone(), made.verb)
}
