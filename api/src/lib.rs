//! The server of suishoupai: configuration, HTTP, sign-in, background jobs, command line.
//!
//! HTTP is spoken only here. What a request means is decided by the rules in `suishoupai-core`, what lasts is
//! kept by `suishoupai-storage`; this crate translates between them and the caller.

pub mod clock;
pub mod config;
pub mod extract;
pub mod http;
pub mod keys;
pub mod lang;
pub mod password;
pub mod problem;
pub mod token;
