//! The one source of the present time: the system's, or one that a test or a demonstration moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use suishoupai_core::time::Moment;

/// Tells the present time. Clones of a manual clock move together.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The clock of the system.
    System,
    /// Milliseconds since 1970, moved only by [`Clock::advance_seconds`].
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn manual(at: Moment) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.millis())))
    }

    /// The present time, in milliseconds.
    pub fn now(&self) -> Moment {
        match self {
            Self::System => Moment::from_millis(system_millis(SystemTime::now())),
            Self::Manual(millis) => Moment::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward, or back by negative seconds; the system's clock is left alone, and the answer is
    /// `false`.
    pub fn advance_seconds(&self, seconds: i64) -> bool {
        let Self::Manual(millis) = self else { return false };
        let moved = |now| Some(Moment::from_millis(now).plus_seconds(seconds).millis());
        millis.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved).is_ok()
    }
}

/// Milliseconds since 1970, negative before it.
fn system_millis(at: SystemTime) -> i64 {
    let whole = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => -whole(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Moment::from_millis(1_000));
        let other = clock.clone();
        assert!(clock.advance_seconds(2));
        assert_eq!(other.now(), Moment::from_millis(3_000));
        assert!(other.advance_seconds(i64::MAX));
        assert_eq!(clock.now(), Moment::from_millis(i64::MAX));
    }

    #[test]
    fn the_system_clock_runs_and_cannot_be_moved() {
        assert!(!Clock::System.advance_seconds(1));
        let after_this_was_written: Moment = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(Clock::System.now() > after_this_was_written);
        assert_eq!(system_millis(UNIX_EPOCH - std::time::Duration::from_millis(5)), -5);
    }
}
