//! Tickets with their work orders: loaded for the rules, and saved as one step.

mod besides;
mod delta;
mod life;
mod lines;
mod load;
mod projections;
mod records;
mod save;

use suishoupai_core::flow::{Step, Ticket};
use suishoupai_core::model::UnitId;

pub use besides::{Besides, besides};
pub use life::{Life, Rows};
pub use load::{find, find_all, find_by_number, find_for_update, goes_on_as, some_after};
pub use projections::disagreeing;
pub(super) use save::{Fresh, put};
pub use save::{insert, save, set_alarm};

/// A ticket as the rules see it, with what only the database needs.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// For the rules.
    pub ticket: Ticket,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
    /// The hash of the last event.
    pub last_hash: [u8; 32],
}

/// A newly opened ticket.
#[derive(Debug)]
pub struct Opened<'a> {
    /// The ticket with its first event.
    pub step: &'a Step,
    /// Where it lies.
    pub place: Place,
    /// The units that get a notice.
    pub told: Vec<UnitId>,
}

/// Where a new ticket lies.
#[derive(Clone, Debug)]
pub struct Place {
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// The community of the grid.
    pub community: UnitId,
    /// The street of the grid.
    pub street: UnitId,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
}
