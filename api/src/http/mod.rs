//! What every answer has in common: an id, safe headers, and a problem where nothing matched.

pub mod client;
pub mod cors;
pub mod fallback;
pub mod headers;
pub mod kept;
pub mod leaving;
pub mod ranges;
pub mod rate;
pub mod request_id;
pub mod slow;
pub mod tus;
pub mod tus_version;
