//! What the routes do: one function for each use, between HTTP and storage.

pub mod alarms;
pub mod calendar;
pub mod exposures;
pub mod followers;
pub mod imports;
pub mod map;
pub mod masks;
pub mod merging;
pub mod officials;
mod once;
pub mod orphans;
pub mod photos;
pub mod pictures;
pub mod places;
pub mod policy;
pub mod privacy;
pub mod read;
pub mod readiness;
pub mod reports;
pub mod restrictions;
pub mod resumable;
pub mod reveal;
pub mod roster;
pub mod search;
pub mod service_keys;
pub mod sign_in;
pub mod similar;
pub mod split;
pub mod supervision;
pub mod texts;
pub mod tickets;
pub mod trail;
pub mod uploads;
pub mod videos;

use sha2::{Digest, Sha256};

/// SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
