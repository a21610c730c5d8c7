//! How people sign in and stay signed in: devices and their refresh tokens, second factors, locks after failures.

pub mod factors;
pub mod lockouts;
pub mod service_keys;
pub mod sessions;
pub mod subjects;
