//! Who may do what, written down by hand from what each post has to do in the loop.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::fixture::{
    CENTRE, COMMUNITY, D01, D02, GRID, NEIGHBOUR_CENTRE, OTHER_COMMUNITY, OTHER_GRID, OTHER_STREET, STREET,
};
use crate::flow::{Role, State, Verb};
use crate::model::UnitId;

/// Columns: Received Claimed Verified Filed Arbitrating Dispatched Handling Suspended dEferred checKing closed(Z)
/// refused(N) Withdrawn vOided merGed. A cell names the roles (r resident, g grid worker, c community, s street,
/// d department, T duty chief, M centre head, P dispatcher, I inspector, O observer, A administrator, X the
/// server) and after the colon the states to which it can lead, or `=` where the ticket stays where it is; `.`
/// means nobody.
const MATRIX: &str = "
verb           R      C      V      F      A      D         H          S         E         K        Z      N    W O G
open           .      .      .      .      .      .         .          .         .         .        .      .    . . .
claim          gcs:C  .      .      .      .      .         .          .         .         .        .      .    . . .
release        .      gcs:R  .      .      .      .         .          .         .         .        .      .    . . .
lapse          .      X:R    .      .      .      .         .          .         .         .        .      .    . . .
solve          .      gcs:Z  .      .      .      .         .          .         .         .        .      .    . . .
arrive         gcs:=  gcs:=  gcs:=  gcs:=  gcs:=  gcs:=     gcs:=      gcs:=     gcs:=     gcs:=    .      .    . . .
verify         .      gcs:V  .      .      .      .         .          .         .         .        .      .    . . .
file           PT:D   gcs:DH PT:D   .      .      .         .          .         .         .        .      .    . . .
refuse         PT:N   gcs:N  PT:N   .      .      .         .          .         .         .        .      .    . . .
pass           PT:=   .      .      .      .      .         .          .         .         .        .      .    . . .
dispatch       .      .      .      PT:D   .      PT:D      PT:D       .         .         .        .      .    . . .
arbitrate      .      .      .      .      TM:D   .         .          .         .         .        .      .    . . .
accept         .      .      .      .      .      gcsd:H    .          .         .         .        .      .    . . .
return         .      .      .      .      .      gcsd:FADH gcsd:FAD   .         .         .        .      .    . . .
delegate       .      .      .      .      .      csd:D     csd:D      .         .         .        .      .    . . .
escalate       .      .      .      .      .      gcsd:DF   gcsd:DF    .         .         .        .      .    . . .
add_assist     .      .      .      .      .      gcsdPT:=  gcsdPT:=   .         .         .        .      .    . . .
release_assist .      .      .      .      .      gcsdPT:=  gcsdPT:=   .         .         .        .      .    . . .
whistle        .      .      .      cs:=   .      cs:=      cs:=       .         .         .        .      .    . . .
answer         gcsd:= gcsd:= gcsd:= gcsd:= gcsd:= gcsd:=    gcsd:=     gcsd:=    gcsd:=    gcsd:=   .      .    . . .
sign_in        gcsd:= gcsd:= gcsd:= gcsd:= gcsd:= gcsd:=    gcsd:=     gcsd:=    gcsd:=    gcsd:=   .      .    . . .
end_whistle    .      .      .      cs:FD  cs:=   cs:D      cs:HD      cs:=      cs:=      cs:=     .      .    . . .
ask_reporter   .      gcs:=  .      .      .      .         gcsd:=     .         .         .        .      .    . . .
resume         .      gcsX:= .      .      .      .         gcsdX:=    gcsdPTM:H gcsdPTM:H .        .      .    . . .
ask_extension  .      .      .      .      .      .         gcsd:=     .         .         .        .      .    . . .
ask_suspension .      .      .      .      .      .         gcsd:=     .         .         .        .      .    . . .
ask_deferral   .      .      .      .      .      .         gcsdPT:=   .         .         .        .      .    . . .
ask_void       PT:=   PT:=   PT:=   PT:=   PT:=   PT:=      gcsdPT:=   PT:=      PT:=      PT:=     .      .    . . .
endorse        .      .      .      .      .      .         T:=        .         .         .        .      .    . . .
grant          PTM:O  PTM:O  PTM:O  PTM:O  PTM:O  PTM:O     PTM:HSEO   PTM:O     PTM:O     PTM:O    .      .    . . .
deny           PTM:=  PTM:=  PTM:=  PTM:=  PTM:=  PTM:=     PTM:=      PTM:=     PTM:=     PTM:=    .      .    . . .
finish         .      .      .      .      .      .         gcsd:K     .         .         .        .      .    . . .
close          .      .      .      .      .      .         .          .         .         gcsPTI:Z .      .    . . .
rework         .      .      .      .      .      .         .          .         .         gcsPTI:H .      .    . . .
call_back      .      .      .      .      .      .         .          .         .         .        PTI:ZH .    . . .
count          .      .      .      .      .      .         .          .         .         .        TM:=   .    . . .
split          PT:=   gcs:=  PT:=   PT:=   .      .         .          .         .         .        .      .    . . .
urge           rPT:=  rPT:=  rPT:=  rPT:=  rPT:=  rPT:=     rPT:=      rPT:=     rPT:=     rPT:=    .      .    . . .
merge          PT:G   gcsPT:G PT:G  PT:G   PT:G   PT:G      PT:G       .         .         .        .      .    . . .
absorb         X:=    X:=    X:=    X:=    X:=    X:=       X:=        X:=       X:=       X:=      .      .    . . .
unmerge        .      .      .      .      .      .         .          .         .         .        .      .    . . PT:R
detach         X:=    X:=    X:=    X:=    X:=    X:=       X:=        X:=       X:=       X:=      X:=    X:=  X:= X:= X:=
not_fixed      .      .      .      .      .      .         .          .         .         .        r:H    .    . . .
withdraw       r:W    r:W    r:W    r:W    r:W    r:W       .          .         .         .        .      .    . . .
supplement     r:=    r:=    r:=    r:=    r:=    r:=       r:=        r:=       r:=       r:=      .      .    . . .
rate           .      .      .      .      .      .         .          .         .         .        r:=    r:=  . . .
warn           X:=    X:=    X:=    X:=    X:=    X:=       X:=        .         .         X:=      X:=    .    . . .
breach         X:=    X:=    X:=    X:=    X:=    X:=       X:=        .         .         X:=      X:=    .    . . .
assist_late    .      .      .      .      .      X:=       X:=        .         .         .        .      .    . . .
review         .      .      .      .      .      .         .          X:H       X:H       .        .      .    . . .
recount        X:=    X:=    X:=    X:=    X:=    X:=       X:=        .         .         X:=      X:=    .    . . .
reveal         X:=    X:=    X:=    X:=    X:=    X:=       X:=        X:=       X:=       X:=      X:=    X:=  X:= X:= X:=
";

/// What an assisting unit may do with its own order, which leaves the ticket where it is.
pub(super) const ASSISTANT: &[(Verb, &[State])] = &[
    (Verb::Accept, &[State::Dispatched, State::Handling]),
    (Verb::Return, &[State::Dispatched, State::Handling]),
    (Verb::Finish, &[State::Dispatched, State::Handling]),
];

/// Where the actor is the right one but comes too early or too late, while somebody else could do it now: the
/// refusal must speak of the state, not of the post.
pub(super) const OUT_OF_STEP: &[(Verb, State, &str)] = &[
    (Verb::File, State::Claimed, "PT"),
    (Verb::Refuse, State::Claimed, "PT"),
    (Verb::Split, State::Claimed, "PT"),
    (Verb::Accept, State::Handling, "gcsd"),
    (Verb::Finish, State::Dispatched, "gcsd"),
    (Verb::AskDeferral, State::Dispatched, "PT"),
];

/// What only the server does, when it is due; it is offered to nobody.
pub(super) const OF_THE_SERVER: &[Verb] = &[
    Verb::Lapse,
    Verb::Warn,
    Verb::Breach,
    Verb::AssistLate,
    Verb::Review,
    Verb::Recount,
    Verb::Reveal,
    Verb::Absorb,
    Verb::Detach,
];

/// Each role with its letter, the unit that ties it to the ticket, and one that does not.
pub(super) const ROLES: [(char, Role, UnitId, UnitId); 12] = [
    ('r', Role::Resident, 0, 0),
    ('g', Role::GridWorker, GRID, OTHER_GRID),
    ('c', Role::CommunityOfficer, COMMUNITY, OTHER_COMMUNITY),
    ('s', Role::StreetOfficer, STREET, OTHER_STREET),
    ('d', Role::DepartmentOfficer, D01, D02),
    ('T', Role::DutyChief, CENTRE, NEIGHBOUR_CENTRE),
    ('M', Role::CentreHead, CENTRE, NEIGHBOUR_CENTRE),
    ('P', Role::Dispatcher, CENTRE, NEIGHBOUR_CENTRE),
    ('I', Role::Inspector, CENTRE, NEIGHBOUR_CENTRE),
    ('O', Role::Observer, CENTRE, NEIGHBOUR_CENTRE),
    ('A', Role::Administrator, CENTRE, NEIGHBOUR_CENTRE),
    ('X', Role::System, 0, 0),
];

/// The roles named in a cell, by their letters, and the states to which it leads; none where it stays.
pub(super) type Cell = (&'static str, Option<Vec<State>>);

fn column(letter: char) -> State {
    State::ALL["RCVFADHSEKZNWOG".find(letter).unwrap()]
}

/// The matrix by state and verb.
pub(super) static CELLS: LazyLock<BTreeMap<(State, Verb), Cell>> = LazyLock::new(|| {
    let mut lines = MATRIX.trim().lines();
    let letters = lines.next().unwrap().split_whitespace().skip(1);
    let columns: Vec<State> = letters.map(|word| column(word.chars().next().unwrap())).collect();
    let mut cells = BTreeMap::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let verb = Verb::parse(words.next().unwrap()).unwrap();
        for (state, cell) in columns.iter().zip(words) {
            if let Some((roles, to)) = cell.split_once(':') {
                let to = (to != "=").then(|| to.chars().map(column).collect());
                cells.insert((*state, verb), (roles, to));
            }
        }
    }
    cells
});

/// Whether anybody at all may do this in this state.
pub(super) fn somebody_may(state: State, verb: Verb) -> bool {
    CELLS.contains_key(&(state, verb))
        || ASSISTANT.iter().any(|(known, states)| *known == verb && states.contains(&state))
}

#[test]
fn every_verb_has_its_line_and_every_line_all_its_columns() {
    let lines: Vec<Vec<&str>> = MATRIX.trim().lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(lines.iter().all(|line| line.len() == 1 + State::ALL.len()), "{lines:?}");
    let verbs: Vec<Option<Verb>> = lines[1..].iter().map(|line| Verb::parse(line[0])).collect();
    assert_eq!(verbs, Verb::ALL.iter().copied().map(Some).collect::<Vec<_>>());
}
