//! 曝光台: pictures of uncivil conduct for the public. One official proposes a picture with a text, another approves or
//! refuses; what is published can be taken down. An entity of its own beside tickets, with a table, lines and a chain.

mod entity;
mod permit;
mod refusal;
mod step;
mod table;
mod words;

pub use entity::{Exposure, ExposureEvent, Showing};
pub use permit::{allowed_exposure, may_see_exposure};
pub use refusal::ExposureRefusal;
pub use step::{ExposureCommand, ExposureStep, Picture, Proposal, expose, propose};
pub use table::{EXPOSURE_TABLE, ExposureRow, ExposureTie, allows_exposure};
pub use words::{ExposureState, ExposureVerb};

/// The key of an entry of the board.
pub type ExposureId = i64;
