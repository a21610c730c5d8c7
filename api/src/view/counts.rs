//! Numbers by state.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::UnitRef;

/// How many tickets and work orders a unit has; states without any are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountsView {
    /// The unit.
    pub unit: UnitRef,
    /// Tickets that lie in the unit, by state; none for a department.
    pub tickets: Option<BTreeMap<&'static str, i64>>,
    /// Work orders that the unit has or had (a department with its squads), by state.
    pub orders: BTreeMap<&'static str, i64>,
}
