//! The table of supervision orders: (state, verb, role, tie) -> state, as data.

use super::words::{SupervisionState, SupervisionVerb};
use crate::flow::state::Role;

/// What ties a post to a supervision order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// The post is one of the district.
    District,
    /// As `District`, and the account is not the one that replied.
    DistrictNotReplier,
    /// The post's unit is the recipient, or is the department above the recipient squad.
    Recipient,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is done.
    pub verb: SupervisionVerb,
    /// From which states; none for what begins an order.
    pub from: &'static [SupervisionState],
    /// By which roles.
    pub roles: &'static [Role],
    /// Tied how to the order.
    pub tie: Tie,
    /// Leading where.
    pub to: SupervisionState,
}

const CENTRE: &[Role] = &[Role::Dispatcher, Role::DutyChief, Role::CentreHead];
const RECIPIENTS: &[Role] =
    &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer, Role::DepartmentOfficer];

const AWAITING: &[SupervisionState] = &[SupervisionState::Issued, SupervisionState::Reinspecting];
const REPLIED: &[SupervisionState] = &[SupervisionState::Replied];
const ACCEPTED: &[SupervisionState] = &[SupervisionState::Accepted];

const fn row(
    verb: SupervisionVerb,
    from: &'static [SupervisionState],
    roles: &'static [Role],
    tie: Tie,
    to: SupervisionState,
) -> Row {
    Row { verb, from, roles, tie, to }
}

/// The table.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(SupervisionVerb::Issue, &[], CENTRE, Tie::District, SupervisionState::Issued),
    row(SupervisionVerb::Reply, AWAITING, RECIPIENTS, Tie::Recipient, SupervisionState::Replied),
    row(SupervisionVerb::Accept, REPLIED, CENTRE, Tie::DistrictNotReplier, SupervisionState::Accepted),
    row(SupervisionVerb::Reinspect, REPLIED, CENTRE, Tie::DistrictNotReplier, SupervisionState::Reinspecting),
    row(SupervisionVerb::Reopen, ACCEPTED, CENTRE, Tie::DistrictNotReplier, SupervisionState::Issued),
];

impl Row {
    /// Whether the row begins in this state; none is before the order was issued.
    pub fn begins_in(&self, state: Option<SupervisionState>) -> bool {
        state.map_or(self.from.is_empty(), |state| self.from.contains(&state))
    }
}

/// Whether the table knows this way, whoever goes it.
pub fn allows(from: Option<SupervisionState>, verb: SupervisionVerb, to: SupervisionState) -> bool {
    TABLE.iter().any(|row| row.verb == verb && row.begins_in(from) && row.to == to)
}
