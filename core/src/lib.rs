//! The rules of suishoupai: who may do what with a ticket, where a point lies, when something is due.
//!
//! Nothing here reads a clock, a file, a socket or a database: every function takes what it needs and
//! answers with a value. That is what makes the rules testable by table and by property, and what lets the
//! simulation and the server run the very same code.

#![forbid(unsafe_code)]

pub mod audit;
pub mod clock;
pub mod demo;
pub mod flow;
pub mod geo;
pub mod import;
pub mod likeness;
pub mod model;
pub mod privacy;
pub mod restriction;
pub mod search;
pub mod time;
