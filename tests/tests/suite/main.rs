//! The behaviour of the server as its callers see it, each on both engines.

#![expect(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod main_path;
