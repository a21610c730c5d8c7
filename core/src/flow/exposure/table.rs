//! The table of the exposure board: (state, verb, role, tie) -> state, as data.

use super::words::{ExposureState, ExposureVerb};
use crate::flow::state::Role;

/// What ties a post to an entry of the board, by its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExposureTie {
    /// The ticket's grid lies within the post's unit.
    Territory,
    /// The post's unit is responsible for the ticket or has had an order, or is the department above that squad.
    Handles,
    /// The post is one of the district.
    District,
    /// As `District`, and the account is not the one that proposed it.
    DistrictNotProposer,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ExposureRow {
    /// What is done.
    pub verb: ExposureVerb,
    /// From which states; none for what begins an entry.
    pub from: &'static [ExposureState],
    /// By which roles.
    pub roles: &'static [Role],
    /// Tied how.
    pub tie: ExposureTie,
    /// Leading where.
    pub to: ExposureState,
}

const FIELD: &[Role] = &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer];
const HANDLERS: &[Role] =
    &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer, Role::DepartmentOfficer];
const CENTRE: &[Role] = &[Role::Dispatcher, Role::DutyChief, Role::CentreHead];
const CHIEFS: &[Role] = &[Role::DutyChief, Role::CentreHead];

const PROPOSED: &[ExposureState] = &[ExposureState::Proposed];
const PUBLISHED: &[ExposureState] = &[ExposureState::Published];

const fn row(
    verb: ExposureVerb,
    from: &'static [ExposureState],
    roles: &'static [Role],
    tie: ExposureTie,
    to: ExposureState,
) -> ExposureRow {
    ExposureRow { verb, from, roles, tie, to }
}

/// The table. Where several rows serve the same verb, the first that fits the actor counts.
#[rustfmt::skip]
pub const EXPOSURE_TABLE: &[ExposureRow] = &[
    row(ExposureVerb::Propose, &[], FIELD, ExposureTie::Territory, ExposureState::Proposed),
    row(ExposureVerb::Propose, &[], HANDLERS, ExposureTie::Handles, ExposureState::Proposed),
    row(ExposureVerb::Propose, &[], CENTRE, ExposureTie::District, ExposureState::Proposed),
    row(ExposureVerb::Approve, PROPOSED, CHIEFS, ExposureTie::DistrictNotProposer, ExposureState::Published),
    row(ExposureVerb::Refuse, PROPOSED, CHIEFS, ExposureTie::DistrictNotProposer, ExposureState::Refused),
    // Whoever sees that it must not be there takes it down, also who proposed or approved it.
    row(ExposureVerb::TakeDown, PUBLISHED, CENTRE, ExposureTie::District, ExposureState::TakenDown),
];

impl ExposureRow {
    /// Whether the row begins in this state; none is before the picture was proposed.
    pub fn begins_in(&self, state: Option<ExposureState>) -> bool {
        state.map_or(self.from.is_empty(), |state| self.from.contains(&state))
    }
}

/// Whether the table knows this way, whoever goes it.
pub fn allows_exposure(from: Option<ExposureState>, verb: ExposureVerb, to: ExposureState) -> bool {
    EXPOSURE_TABLE.iter().any(|row| row.verb == verb && row.begins_in(from) && row.to == to)
}
