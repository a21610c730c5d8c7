//! The behaviour of the server as its callers see it, each on both engines.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here is a test that fails")]

mod administration;
mod alarms;
mod arbitration;
mod backup;
mod bad_input;
mod call_back;
mod checks;
mod claim_race;
mod common;
mod contract;
mod evidence;
mod exposures;
mod flow;
mod hand_over;
mod history;
mod idempotency;
mod imports;
mod joint;
mod lives;
mod main_path;
mod masks;
mod merging;
mod migrating;
mod moving;
mod onsite;
mod pressing;
mod requests;
mod restart;
mod rests;
mod sensitive;
mod simulation;
mod supervision;
mod supervision_lists;
mod together;
mod upgrade;
mod uploads;
mod visibility;
mod waiting;
mod whistle;
