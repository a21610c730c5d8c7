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
mod flow;
mod hand_over;
mod history;
mod idempotency;
mod imports;
mod joint;
mod lives;
mod logs;
mod main_path;
mod merging;
mod metrics;
mod migrating;
mod moving;
mod pressing;
mod requests;
mod restart;
mod rests;
mod resumable;
mod resumable_broken;
mod sensitive;
mod simulation;
mod supervision;
mod supervision_lists;
mod together;
mod traces;
mod upgrade;
mod uploads;
mod video;
mod visibility;
mod waiting;
mod whistle;
