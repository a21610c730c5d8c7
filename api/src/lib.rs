//! The server of suishoupai: configuration, HTTP, sign-in, background jobs, command line.
//!
//! HTTP is spoken only here. What a request means is decided by the rules in `suishoupai-core`, what lasts is
//! kept by `suishoupai-storage`; this crate translates between them and the caller.

#![forbid(unsafe_code)]

pub mod access;
pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod callers;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod evidence;
pub mod extract;
pub mod fail;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod lang;
pub mod links;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod password;
pub mod photo_store;
pub mod problem;
pub mod registry;
pub mod routes;
pub mod service;
pub mod services;
pub mod simulate;
pub mod telemetry;
pub mod together;
pub mod token;
pub mod view;
pub mod words;
