//! The working-time clock.
