//! The transition table: (state, verb, role, tie) -> state. It is data. The server obeys it, the phone is told
//! from it what it may offer, and the diagram in ARCHITECTURE.md is drawn from it.

use super::state::{Role, State};
use super::verb::Verb;

/// What ties a post to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// The account sent a report of this ticket.
    Reporter,
    /// The account holds the claim, or stands in for who holds it.
    Holder,
    /// The ticket's grid lies within the post's unit.
    Territory,
    /// As `Territory`, and the account is not the one that handled it.
    TerritoryNotHandler,
    /// The lead order waits for the signature of the post's unit, or of a squad below it.
    Addressee,
    /// The post's unit is responsible, or is the department above the responsible squad.
    Responsible,
    /// The post's unit has an open assisting order.
    Assistant,
    /// As `Assistant`, and the unit has not signed for that order yet.
    AssistantUnsigned,
    /// The post's unit is summoned by the open whistle.
    Summoned,
    /// The post's unit blew the open whistle.
    Whistler,
    /// The post is one of the ticket's district.
    District,
    /// As `District`, and the account is not the one that handled it.
    DistrictNotHandler,
    /// As `District`, and the account is not the one that made the open request.
    DistrictNotAsker,
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
            Tie::Addressee => "of the unit that is to sign for it",
            Tie::Responsible => "of the responsible unit",
            Tie::Assistant => "of an assisting unit",
            Tie::AssistantUnsigned => "of an assisting unit that has not signed yet",
            Tie::Summoned => "of a unit that is summoned",
            Tie::Whistler => "of the unit that blew the whistle",
            Tie::District => "of the district",
            Tie::DistrictNotHandler => "of the district, not the handler",
            Tie::DistrictNotAsker => "of the district, not who asked",
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
const WHISTLERS: &[Role] = &[Role::CommunityOfficer, Role::StreetOfficer];
const HANDLERS: &[Role] =
    &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer, Role::DepartmentOfficer];
const CENTRE: &[Role] = &[Role::Dispatcher, Role::DutyChief];
const CHIEFS: &[Role] = &[Role::DutyChief, Role::CentreHead];
const DECIDERS: &[Role] = &[Role::DutyChief, Role::CentreHead, Role::Dispatcher];
const CHECKERS: &[Role] = &[Role::Inspector, Role::Dispatcher, Role::DutyChief];
const CALLERS: &[Role] = &[Role::Dispatcher, Role::DutyChief, Role::Inspector];
const RESIDENT: &[Role] = &[Role::Resident];
const SYSTEM: &[Role] = &[Role::System];

const POOL: &[State] = &[State::Received];
const CLAIMED: &[State] = &[State::Claimed];
const DISPATCHED: &[State] = &[State::Dispatched];
const HANDLING: &[State] = &[State::Handling];
const CHECKING: &[State] = &[State::Checking];
const MERGED: &[State] = &[State::Merged];
const CLOSED: &[State] = &[State::Closed];
const RESTING: &[State] = &[State::Suspended, State::Deferred];
const UNFILED: &[State] = &[State::Received, State::Verified];
const IN_WORK: &[State] = &[State::Dispatched, State::Handling];
const BEFORE_WORK: &[State] =
    &[State::Received, State::Claimed, State::Verified, State::Filed, State::Arbitrating, State::Dispatched];
const OPEN: &[State] = &[
    State::Received,
    State::Claimed,
    State::Verified,
    State::Filed,
    State::Arbitrating,
    State::Dispatched,
    State::Handling,
    State::Suspended,
    State::Deferred,
    State::Checking,
];
const MERGEABLE: &[State] = &[
    State::Received,
    State::Claimed,
    State::Verified,
    State::Filed,
    State::Arbitrating,
    State::Dispatched,
    State::Handling,
];
const OPEN_BUT_HANDLING: &[State] = &[
    State::Received,
    State::Claimed,
    State::Verified,
    State::Filed,
    State::Arbitrating,
    State::Dispatched,
    State::Suspended,
    State::Deferred,
    State::Checking,
];
/// Where a clock can run; a closed ticket waits for its call-back.
const CLOCKED: &[State] = &[
    State::Received,
    State::Claimed,
    State::Verified,
    State::Filed,
    State::Arbitrating,
    State::Dispatched,
    State::Handling,
    State::Checking,
    State::Closed,
];
/// Where a whistle can still be open that was blown before.
const WITH_WHISTLE: &[State] = &[State::Arbitrating, State::Suspended, State::Deferred, State::Checking];
const MEETABLE: &[State] = &[State::Filed, State::Dispatched, State::Handling];

const fn row(verb: Verb, from: &'static [State], roles: &'static [Role], tie: Tie, to: Target) -> Row {
    Row { verb, from, roles, tie, to }
}

const fn to(state: State) -> Target {
    Target::To(state)
}

/// The table. Where two rows serve the same command, the first that fits the actor counts.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(Verb::Claim, POOL, FIELD, Tie::Territory, to(State::Claimed)),
    row(Verb::Release, CLAIMED, FIELD, Tie::Holder, to(State::Received)),
    row(Verb::Lapse, CLAIMED, SYSTEM, Tie::Server, to(State::Received)),
    row(Verb::Solve, CLAIMED, FIELD, Tie::Holder, to(State::Closed)),
    row(Verb::Arrive, OPEN, FIELD, Tie::Territory, Target::Stay),
    row(Verb::Verify, CLAIMED, FIELD, Tie::Holder, to(State::Verified)),
    row(Verb::File, CLAIMED, FIELD, Tie::Holder, Target::OneOf(&[State::Dispatched, State::Handling])),
    row(Verb::File, UNFILED, CENTRE, Tie::District, Target::OneOf(&[State::Dispatched])),
    row(Verb::Refuse, CLAIMED, FIELD, Tie::Holder, to(State::Refused)),
    row(Verb::Refuse, UNFILED, CENTRE, Tie::District, to(State::Refused)),
    row(Verb::Pass, POOL, CENTRE, Tie::District, Target::Stay),
    row(Verb::Dispatch, &[State::Filed, State::Dispatched, State::Handling], CENTRE, Tie::District, to(State::Dispatched)),
    row(Verb::Arbitrate, &[State::Arbitrating], CHIEFS, Tie::District, to(State::Dispatched)),
    row(Verb::Accept, DISPATCHED, HANDLERS, Tie::Addressee, to(State::Handling)),
    row(Verb::Accept, IN_WORK, HANDLERS, Tie::AssistantUnsigned, Target::Stay),
    row(Verb::Return, DISPATCHED, HANDLERS, Tie::Addressee, Target::OneOf(&[State::Filed, State::Arbitrating, State::Dispatched, State::Handling])),
    row(Verb::Return, HANDLING, HANDLERS, Tie::Responsible, Target::OneOf(&[State::Filed, State::Arbitrating, State::Dispatched])),
    row(Verb::Return, IN_WORK, HANDLERS, Tie::Assistant, Target::Stay),
    row(Verb::Delegate, DISPATCHED, UPPER, Tie::Addressee, to(State::Dispatched)),
    row(Verb::Delegate, HANDLING, UPPER, Tie::Responsible, to(State::Dispatched)),
    row(Verb::Escalate, DISPATCHED, HANDLERS, Tie::Addressee, Target::OneOf(&[State::Dispatched, State::Filed])),
    row(Verb::Escalate, HANDLING, HANDLERS, Tie::Responsible, Target::OneOf(&[State::Dispatched, State::Filed])),
    row(Verb::AddAssist, DISPATCHED, HANDLERS, Tie::Addressee, Target::Stay),
    row(Verb::AddAssist, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::AddAssist, IN_WORK, CENTRE, Tie::District, Target::Stay),
    row(Verb::ReleaseAssist, DISPATCHED, HANDLERS, Tie::Addressee, Target::Stay),
    row(Verb::ReleaseAssist, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::ReleaseAssist, IN_WORK, CENTRE, Tie::District, Target::Stay),
    row(Verb::Whistle, MEETABLE, WHISTLERS, Tie::Territory, Target::Stay),
    row(Verb::Answer, OPEN, HANDLERS, Tie::Summoned, Target::Stay),
    row(Verb::SignIn, OPEN, HANDLERS, Tie::Summoned, Target::Stay),
    row(Verb::EndWhistle, &[State::Filed], WHISTLERS, Tie::Whistler, Target::OneOf(&[State::Filed, State::Dispatched])),
    row(Verb::EndWhistle, DISPATCHED, WHISTLERS, Tie::Whistler, to(State::Dispatched)),
    row(Verb::EndWhistle, HANDLING, WHISTLERS, Tie::Whistler, Target::OneOf(&[State::Handling, State::Dispatched])),
    row(Verb::EndWhistle, WITH_WHISTLE, WHISTLERS, Tie::Whistler, Target::Stay),
    row(Verb::AskReporter, CLAIMED, FIELD, Tie::Holder, Target::Stay),
    row(Verb::AskReporter, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::Resume, CLAIMED, FIELD, Tie::Holder, Target::Stay),
    row(Verb::Resume, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::Resume, RESTING, HANDLERS, Tie::Responsible, to(State::Handling)),
    row(Verb::Resume, RESTING, DECIDERS, Tie::District, to(State::Handling)),
    row(Verb::Resume, &[State::Claimed, State::Handling], SYSTEM, Tie::Server, Target::Stay),
    row(Verb::AskExtension, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::AskSuspension, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::AskDeferral, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::AskDeferral, HANDLING, CENTRE, Tie::District, Target::Stay),
    row(Verb::AskVoid, OPEN, CENTRE, Tie::District, Target::Stay),
    row(Verb::AskVoid, HANDLING, HANDLERS, Tie::Responsible, Target::Stay),
    row(Verb::Endorse, HANDLING, &[Role::DutyChief], Tie::DistrictNotAsker, Target::Stay),
    row(Verb::Grant, HANDLING, DECIDERS, Tie::DistrictNotAsker, Target::OneOf(&[State::Handling, State::Suspended, State::Deferred, State::Voided])),
    row(Verb::Grant, OPEN_BUT_HANDLING, DECIDERS, Tie::DistrictNotAsker, to(State::Voided)),
    row(Verb::Deny, OPEN, DECIDERS, Tie::DistrictNotAsker, Target::Stay),
    row(Verb::Finish, HANDLING, HANDLERS, Tie::Responsible, to(State::Checking)),
    row(Verb::Finish, IN_WORK, HANDLERS, Tie::Assistant, Target::Stay),
    row(Verb::Close, CHECKING, FIELD, Tie::TerritoryNotHandler, to(State::Closed)),
    row(Verb::Close, CHECKING, CHECKERS, Tie::DistrictNotHandler, to(State::Closed)),
    row(Verb::Rework, CHECKING, FIELD, Tie::TerritoryNotHandler, to(State::Handling)),
    row(Verb::Rework, CHECKING, CHECKERS, Tie::DistrictNotHandler, to(State::Handling)),
    row(Verb::CallBack, CLOSED, CALLERS, Tie::District, Target::OneOf(&[State::Closed, State::Handling])),
    row(Verb::Count, CLOSED, CHIEFS, Tie::District, Target::Stay),
    row(Verb::Split, CLAIMED, FIELD, Tie::Holder, Target::Stay),
    row(Verb::Split, &[State::Received, State::Verified, State::Filed], CENTRE, Tie::District, Target::Stay),
    row(Verb::Urge, OPEN, RESIDENT, Tie::Reporter, Target::Stay),
    row(Verb::Urge, OPEN, CENTRE, Tie::District, Target::Stay),
    row(Verb::Merge, CLAIMED, FIELD, Tie::Holder, to(State::Merged)),
    row(Verb::Merge, MERGEABLE, CENTRE, Tie::District, to(State::Merged)),
    row(Verb::Absorb, OPEN, SYSTEM, Tie::Server, Target::Stay),
    row(Verb::Unmerge, MERGED, CENTRE, Tie::District, to(State::Received)),
    row(Verb::Detach, State::ALL, SYSTEM, Tie::Server, Target::Stay),
    row(Verb::NotFixed, CLOSED, RESIDENT, Tie::Reporter, to(State::Handling)),
    row(Verb::Withdraw, BEFORE_WORK, RESIDENT, Tie::Reporter, to(State::Withdrawn)),
    row(Verb::Supplement, OPEN, RESIDENT, Tie::Reporter, Target::Stay),
    row(Verb::Rate, &[State::Closed, State::Refused], RESIDENT, Tie::Reporter, Target::Stay),
    row(Verb::Warn, CLOCKED, SYSTEM, Tie::Server, Target::Stay),
    row(Verb::Breach, CLOCKED, SYSTEM, Tie::Server, Target::Stay),
    row(Verb::AssistLate, IN_WORK, SYSTEM, Tie::Server, Target::Stay),
    row(Verb::Review, RESTING, SYSTEM, Tie::Server, to(State::Handling)),
    row(Verb::Recount, CLOCKED, SYSTEM, Tie::Server, Target::Stay),
    row(Verb::Reveal, State::ALL, SYSTEM, Tie::Server, Target::Stay),
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
