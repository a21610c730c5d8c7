//! The transition table against a matrix written down by hand from what each post has to do in the loop.

use std::collections::{BTreeMap, BTreeSet};

use super::fixture::{
    CENTRE, COMMUNITY, Case, D01, D02, GRID, HELPER_GRID, LEASE_SECONDS, NEIGHBOUR_CENTRE, NOT_FIXED_DAYS,
    OTHER_COMMUNITY, OTHER_GRID, OTHER_STREET, SQUAD_1, STREET, UNRULED, World, colleague, dispatch,
    dispatcher, escalate, file, finish, inspector, officer, person, photo, resident, worker,
};
use crate::flow::{
    Actor, Command, OPENINGS, Refusal, RefuseReason, ReturnReason, Role, Stage, State, TABLE, Verb,
    allowed_actions, diagram, may_see, permit, step, targets,
};
use crate::model::UnitId;

/// Who may do what, and where it leads. Columns: Received Claimed Filed Dispatched Handling checKing closed(Z)
/// refused(N) Withdrawn. A cell names the roles (r resident, g grid worker, c community, s street, d department,
/// P dispatcher, I inspector, O observer, A administrator, X the server) and after the colon the states to
/// which it can lead; `.` means nobody.
const MATRIX: &str = "
verb            R     C       F    D        H        K       Z    N    W
open            .     .       .    .        .        .       .    .    .
claim           gcs:C .       .    .        .        .       .    .    .
release         .     gcs:R   .    .        .        .       .    .    .
lapse           .     X:R     .    .        .        .       .    .    .
solve           .     gcs:Z   .    .        .        .       .    .    .
file            P:D   gcs:DH  .    .        .        .       .    .    .
refuse          P:N   gcs:N   .    .        .        .       .    .    .
dispatch        .     .       P:D  P:D      P:D      .       .    .    .
accept          .     .       .    gcsd:H   .        .       .    .    .
return          .     .       .    gcsd:F   gcsd:F   .       .    .    .
delegate        .     .       .    csd:D    csd:D    .       .    .    .
escalate        .     .       .    gcsd:DF  gcsd:DF  .       .    .    .
release_assist  .     .       .    gcsdP:D  gcsdP:H  .       .    .    .
finish          .     .       .    .        gcsd:K   .       .    .    .
close           .     .       .    .        .        gcsPI:Z .    .    .
rework          .     .       .    .        .        gcsPI:H .    .    .
not_fixed       .     .       .    .        .        .       r:H  .    .
withdraw        r:W   r:W     r:W  r:W      .        .       .    .    .
supplement      r:R   r:C     r:F  r:D      r:H      r:K     .    .    .
rate            .     .       .    .        .        .       r:Z  r:N  .
";

/// What an assisting unit may do with its own order, which leaves the ticket where it is.
pub(super) const ASSISTANT: &[(Verb, &[State])] = &[
    (Verb::Accept, &[State::Dispatched, State::Handling]),
    (Verb::Return, &[State::Dispatched, State::Handling]),
    (Verb::Finish, &[State::Dispatched, State::Handling]),
];

/// Where the actor is the right one but comes too early or too late, while somebody else could do it now: the
/// refusal must speak of the state, not of the post.
const OUT_OF_STEP: &[(Verb, State, &str)] = &[
    (Verb::File, State::Claimed, "P"),
    (Verb::Refuse, State::Claimed, "P"),
    (Verb::Accept, State::Handling, "gcsd"),
    (Verb::Finish, State::Dispatched, "gcsd"),
];

pub(super) const ROLES: [(char, Role, UnitId, UnitId); 10] = [
    ('r', Role::Resident, 0, 0),
    ('g', Role::GridWorker, GRID, OTHER_GRID),
    ('c', Role::CommunityOfficer, COMMUNITY, OTHER_COMMUNITY),
    ('s', Role::StreetOfficer, STREET, OTHER_STREET),
    ('d', Role::DepartmentOfficer, D01, D02),
    ('P', Role::Dispatcher, CENTRE, NEIGHBOUR_CENTRE),
    ('I', Role::Inspector, CENTRE, NEIGHBOUR_CENTRE),
    ('O', Role::Observer, CENTRE, NEIGHBOUR_CENTRE),
    ('A', Role::Administrator, CENTRE, NEIGHBOUR_CENTRE),
    ('X', Role::System, 0, 0),
];

fn column(letter: &str) -> State {
    let at = ["R", "C", "F", "D", "H", "K", "Z", "N", "W"].iter().position(|known| *known == letter);
    State::ALL[at.unwrap()]
}

/// The matrix as (state, verb) -> (letters of roles, states it leads to).
fn matrix() -> BTreeMap<(State, Verb), (&'static str, Vec<State>)> {
    let mut lines = MATRIX.trim().lines();
    let columns: Vec<State> = lines.next().unwrap().split_whitespace().skip(1).map(column).collect();
    let mut cells = BTreeMap::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let verb = Verb::parse(words.next().unwrap()).unwrap();
        for (state, cell) in columns.iter().zip(words) {
            if let Some((roles, to)) = cell.split_once(':') {
                let to = to.chars().map(|letter| column(&letter.to_string())).collect();
                cells.insert((*state, verb), (roles, to));
            }
        }
    }
    cells
}

/// Whether anybody at all may do this in this state.
fn somebody_may(state: State, verb: Verb) -> bool {
    matrix().contains_key(&(state, verb))
        || ASSISTANT.iter().any(|(known, states)| *known == verb && states.contains(&state))
}

/// A ticket in this state, led to it by real steps; `lead` is the person whose unit leads the work.
pub(super) fn case_in<'w>(
    world: &'w World,
    state: State,
    holder: &Actor,
    lead: &Actor,
    assist: &[UnitId],
) -> Case<'w> {
    let mut case = Case::open(world);
    if matches!(state, State::Received | State::Withdrawn) {
        if state == State::Withdrawn {
            case.by(&resident(), &Command::Withdraw { words: None });
        }
        return case;
    }
    case.by(holder, &Command::Claim);
    match state {
        State::Claimed => return case,
        State::Refused => {
            case.by(holder, &command(Verb::Refuse, 'g').unwrap());
            return case;
        }
        _ => {}
    }
    case.by(holder, &file(UNRULED));
    case.by(&dispatcher(), &dispatch(lead.posts[0].unit, assist));
    match state {
        State::Dispatched => return case,
        State::Filed => {
            case.by(lead, &command(Verb::Return, 'd').unwrap());
            return case;
        }
        _ => {}
    }
    case.by(lead, &Command::Accept);
    if matches!(state, State::Checking | State::Closed) {
        case.by_with_photo(lead, &finish());
    }
    if state == State::Closed {
        case.by(&inspector(), &Command::Close { note: None });
    }
    assert_eq!(case.ticket.state, state);
    case
}

/// A well-formed command; what it names suits the role.
pub(super) fn command(verb: Verb, role: char) -> Option<Command> {
    let words = || "说明".to_owned();
    Some(match verb {
        Verb::Open => return None,
        Verb::Claim => Command::Claim,
        Verb::Release => Command::Release { reason: None },
        Verb::Lapse => Command::Lapse,
        Verb::Solve => Command::Solve { category: UNRULED.to_owned(), answer: words(), note: None },
        Verb::File => file(UNRULED),
        Verb::Refuse => Command::Refuse { reason: RefuseReason::NothingThere, words: words() },
        Verb::Dispatch => dispatch(D02, &[]),
        Verb::Accept => Command::Accept,
        Verb::Return => Command::Return { reason: ReturnReason::NotOurDuty, words: words() },
        Verb::Delegate => Command::Delegate { to: if role == 'd' { SQUAD_1 } else { GRID }, reason: None },
        Verb::Escalate => escalate(),
        Verb::ReleaseAssist => Command::ReleaseAssist { unit: HELPER_GRID, reason: words() },
        Verb::Finish => finish(),
        Verb::Close => Command::Close { note: None },
        Verb::Rework => Command::Rework { reason: words() },
        Verb::NotFixed => Command::NotFixed { words: words() },
        Verb::Withdraw => Command::Withdraw { words: None },
        Verb::Supplement => Command::Supplement { words: words() },
        Verb::Rate => Command::Rate { solved: true, stars: 5, words: None },
    })
}

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
            let leads = matches!(state, State::Dispatched | State::Handling) && "gcs".contains(letter);
            let lead = if leads { own } else { officer(D01) };
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

#[test]
fn every_triple_is_allowed_or_refused_as_the_matrix_says() {
    let (world, cells) = (World::new(), matrix());
    let mut allowed = 0;
    each_triple(&world, |state, verb, (letter, role, unit, _), case| {
        let what = format!("{} {} by {letter}", state.as_str(), verb.as_str());
        let actor = actor_of(letter, role, unit);
        let late = if verb == Verb::Lapse { LEASE_SECONDS } else { 60 };
        let now = case.now.plus_seconds(late);
        let cell = cells.get(&(state, verb)).filter(|(roles, _)| roles.contains(letter));
        let tried = command(verb, letter)
            .map(|command| step(&case.ticket, &command, &actor, &photo(Stage::After), now, world.rules()));
        let offered = allowed_actions(&case.ticket, &actor, &world.tree, NOT_FIXED_DAYS, case.now);
        assert_eq!(offered.contains(&verb), cell.is_some() && verb != Verb::Lapse, "{what}: {offered:?}");
        let Some((_, to)) = cell else {
            let out_of_step = OUT_OF_STEP
                .iter()
                .any(|(late, at, roles)| (*late, *at) == (verb, state) && roles.contains(letter));
            let refusal = permit(&case.ticket, verb, &actor, &world.tree).unwrap_err();
            assert_eq!(
                tried.map(Result::unwrap_err),
                command(verb, letter).map(|_| refusal.clone()),
                "{what}"
            );
            let held_by = |refusal: &Refusal| matches!(refusal, Refusal::HeldBy { .. });
            match (verb, state) {
                (Verb::Claim, State::Claimed) => assert!(held_by(&refusal), "{what}: {refusal:?}"),
                _ if somebody_may(state, verb) && !out_of_step => {
                    assert_eq!(refusal, Refusal::NotYours { verb }, "{what}");
                }
                _ => assert_eq!(refusal, Refusal::WrongState { state, verb }, "{what}"),
            }
            return;
        };
        allowed += 1;
        let done = tried.unwrap().unwrap_or_else(|why| panic!("{what}: {why:?}"));
        assert!(to.contains(&done.ticket.state), "{what} led to {:?}", done.ticket.state);
        assert_eq!((done.event.role, done.event.actor), (role, actor.account), "{what}");
        assert_eq!(done.event.unit, (unit != 0).then_some(unit), "{what}");
    });
    let named: usize = cells.values().map(|(roles, _)| roles.len()).sum();
    assert_eq!(allowed, named, "every letter of the matrix was tried");
}

#[test]
fn an_actor_of_the_same_role_without_a_tie_is_refused_everything() {
    let world = World::new();
    each_triple(&world, |state, verb, (letter, role, _, elsewhere), case| {
        if letter == 'X' {
            return;
        }
        let what = format!("{} {} by a foreign {letter}", state.as_str(), verb.as_str());
        let actor = if letter == 'r' { colleague(role, 0) } else { person(role, elsewhere) };
        let refusal = permit(&case.ticket, verb, &actor, &world.tree).unwrap_err();
        match (verb, state) {
            (Verb::Claim, State::Claimed) => assert_eq!(refusal.code(), "held_by", "{what}"),
            _ if somebody_may(state, verb) => assert_eq!(refusal, Refusal::NotYours { verb }, "{what}"),
            _ => assert_eq!(refusal, Refusal::WrongState { state, verb }, "{what}"),
        }
        assert!(!may_see(&case.ticket, &actor, &world.tree), "{what}: a foreign ticket does not exist");
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
        assert!(next(*state).len() > usize::from(*state == State::Filed), "{state:?} has a way out");
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
    let stays = [Verb::ReleaseAssist, Verb::Supplement, Verb::Rate];
    let mut arrows: BTreeMap<(State, State), BTreeSet<&str>> = BTreeMap::new();
    for ((from, verb), (_, to)) in matrix().iter().filter(|((_, verb), _)| !stays.contains(verb)) {
        for to in to {
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
