//! The transition table: (state, verb, role, tie) -> state. It is data. The server obeys it, the phone is told
//! from it what it may offer, and the diagram in ARCHITECTURE.md is drawn from it.

use super::state::{Role, State, Verb};

/// What ties a post to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// The account sent a report of this ticket.
    Reporter,
    /// The account holds the claim.
    Holder,
    /// The ticket's grid lies within the post's unit.
    Territory,
    /// As `Territory`, and the account is not the one that handled it.
    TerritoryNotHandler,
    /// The post's unit is responsible, or is the department above the responsible squad.
    Responsible,
    /// The post's unit has an open assisting order.
    Assistant,
    /// As `Assistant`, and the unit has not signed for that order yet.
    AssistantUnsigned,
    /// The post is one of the ticket's district.
    District,
    /// As `District`, and the account is not the one that handled it.
    DistrictNotHandler,
    /// The server itself.
    Server,
}

impl Tie {
    /// The tie in English, for the diagram and the contract.
    pub const fn en(self) -> &'static str {
        match self {
            Tie::Reporter => "its reporter",
            Tie::Holder => "who holds the claim",
            Tie::Territory => "in whose territory it lies",
            Tie::TerritoryNotHandler => "in whose territory it lies, not the handler",
            Tie::Responsible => "of the responsible unit",
            Tie::Assistant => "of an assisting unit",
            Tie::AssistantUnsigned => "of an assisting unit that has not signed yet",
            Tie::District => "of the district",
            Tie::DistrictNotHandler => "of the district, not the handler",
            Tie::Server => "the server",
        }
    }
}

/// Where a row leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To one state.
    To(State),
    /// To one of these, decided by the duty list or the tree.
    OneOf(&'static [State]),
    /// The state stays as it is.
    Stay,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The command.
    pub verb: Verb,
    /// From which states.
    pub from: &'static [State],
    /// By which roles.
    pub roles: &'static [Role],
    /// Tied how to the ticket.
    pub tie: Tie,
    /// Leading where.
    pub to: Target,
}

/// Into which state a report opens its ticket: a resident's waits in the pool, a worker's own find is already
/// in the hands of the finder.
pub const OPENINGS: &[(Role, State)] =
    &[(Role::Resident, State::Received), (Role::GridWorker, State::Claimed)];

const FIELD: &[Role] = &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer];
const UPPER: &[Role] = &[Role::CommunityOfficer, Role::StreetOfficer, Role::DepartmentOfficer];
const HANDLERS: &[Role] =
    &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer, Role::DepartmentOfficer];
const CENTRE: &[Role] = &[Role::Dispatcher];
const CHECKERS: &[Role] = &[Role::Inspector, Role::Dispatcher];
const RESIDENT: &[Role] = &[Role::Resident];

const IN_WORK: &[State] = &[State::Dispatched, State::Handling];
const BEFORE_WORK: &[State] = &[State::Received, State::Claimed, State::Filed, State::Dispatched];
const OPEN: &[State] =
    &[State::Received, State::Claimed, State::Filed, State::Dispatched, State::Handling, State::Checking];

const fn row(verb: Verb, from: &'static [State], roles: &'static [Role], tie: Tie, to: Target) -> Row {
    Row { verb, from, roles, tie, to }
}

/// The table. Where two rows serve the same command, the first that fits the actor counts.
pub const TABLE: &[Row] = &[
    row(Verb::Claim, &[State::Received], FIELD, Tie::Territory, Target::To(State::Claimed)),
    row(Verb::Release, &[State::Claimed], FIELD, Tie::Holder, Target::To(State::Received)),
    row(Verb::Lapse, &[State::Claimed], &[Role::System], Tie::Server, Target::To(State::Received)),
    row(Verb::Solve, &[State::Claimed], FIELD, Tie::Holder, Target::To(State::Closed)),
    row(
        Verb::File,
        &[State::Claimed],
        FIELD,
        Tie::Holder,
        Target::OneOf(&[State::Dispatched, State::Handling]),
    ),
    row(Verb::File, &[State::Received], CENTRE, Tie::District, Target::OneOf(&[State::Dispatched])),
    row(Verb::Refuse, &[State::Claimed], FIELD, Tie::Holder, Target::To(State::Refused)),
    row(Verb::Refuse, &[State::Received], CENTRE, Tie::District, Target::To(State::Refused)),
    row(
        Verb::Dispatch,
        &[State::Filed, State::Dispatched, State::Handling],
        CENTRE,
        Tie::District,
        Target::To(State::Dispatched),
    ),
    row(Verb::Accept, &[State::Dispatched], HANDLERS, Tie::Responsible, Target::To(State::Handling)),
    row(Verb::Accept, IN_WORK, HANDLERS, Tie::AssistantUnsigned, Target::Stay),
    row(Verb::Return, IN_WORK, HANDLERS, Tie::Responsible, Target::To(State::Filed)),
    row(Verb::Return, IN_WORK, HANDLERS, Tie::Assistant, Target::Stay),
    row(Verb::Delegate, IN_WORK, UPPER, Tie::Responsible, Target::To(State::Dispatched)),
    row(
        Verb::Escalate,
        IN_WORK,
        HANDLERS,
        Tie::Responsible,
        Target::OneOf(&[State::Dispatched, State::Filed]),
    ),
    row(Verb::ReleaseAssist, IN_WORK, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::ReleaseAssist, IN_WORK, CENTRE, Tie::District, Target::Stay),
    row(Verb::Finish, &[State::Handling], HANDLERS, Tie::Responsible, Target::To(State::Checking)),
    row(Verb::Finish, IN_WORK, HANDLERS, Tie::Assistant, Target::Stay),
    row(Verb::Close, &[State::Checking], FIELD, Tie::TerritoryNotHandler, Target::To(State::Closed)),
    row(Verb::Close, &[State::Checking], CHECKERS, Tie::DistrictNotHandler, Target::To(State::Closed)),
    row(Verb::Rework, &[State::Checking], FIELD, Tie::TerritoryNotHandler, Target::To(State::Handling)),
    row(Verb::Rework, &[State::Checking], CHECKERS, Tie::DistrictNotHandler, Target::To(State::Handling)),
    row(Verb::NotFixed, &[State::Closed], RESIDENT, Tie::Reporter, Target::To(State::Handling)),
    row(Verb::Withdraw, BEFORE_WORK, RESIDENT, Tie::Reporter, Target::To(State::Withdrawn)),
    row(Verb::Supplement, OPEN, RESIDENT, Tie::Reporter, Target::Stay),
    row(Verb::Rate, &[State::Closed, State::Refused], RESIDENT, Tie::Reporter, Target::Stay),
];

/// The states that a row can lead to from `from`.
pub fn targets(row: &Row, from: State) -> Vec<State> {
    match row.to {
        Target::To(state) => vec![state],
        Target::OneOf(states) => states.to_vec(),
        Target::Stay => vec![from],
    }
}

/// Whether the table knows a way from `from` to `to` by `verb`, whoever acts.
pub fn allows(from: State, verb: Verb, to: State) -> bool {
    TABLE.iter().any(|row| row.verb == verb && row.from.contains(&from) && targets(row, from).contains(&to))
}

/// The state diagram in Mermaid, as it stands in ARCHITECTURE.md.
pub fn diagram() -> String {
    let mut lines = vec!["stateDiagram-v2".to_owned()];
    for state in State::ALL {
        lines.push(format!("    {}: {} {}", state.as_str(), state.zh(), state.en()));
    }
    for (role, state) in OPENINGS {
        lines.push(format!("    [*] --> {}: {} ({})", state.as_str(), Verb::Open.zh(), role.zh()));
    }
    for from in State::ALL {
        for to in State::ALL {
            // One arrow for each pair of states, with all verbs that lead along it.
            let mut verbs: Vec<Verb> = TABLE
                .iter()
                .filter(|row| {
                    row.to != Target::Stay && row.from.contains(from) && targets(row, *from).contains(to)
                })
                .map(|row| row.verb)
                .collect();
            verbs.dedup();
            if !verbs.is_empty() {
                let names: Vec<_> = verbs.iter().map(|verb| verb.zh()).collect();
                lines.push(format!("    {} --> {}: {}", from.as_str(), to.as_str(), names.join(" / ")));
            }
        }
    }
    for state in State::ALL.iter().filter(|state| state.is_final()) {
        lines.push(format!("    {} --> [*]", state.as_str()));
    }
    lines.join("\n") + "\n"
}
