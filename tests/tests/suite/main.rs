//! The behaviour of the server as its callers see it, each on both engines.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here is a test that fails")]

mod bad_input;
mod claim_race;
mod contract;
mod flow;
mod history;
mod idempotency;
mod imports;
mod main_path;
mod restart;
mod visibility;
