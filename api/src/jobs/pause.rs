//! How long a failed job waits before it is tried again.

/// Longest pause after a failure of the job, seconds.
const LONGEST: i64 = 3600;
/// Longest pause while the store or the database is away, seconds.
const LONGEST_OUTAGE: i64 = 60;

/// Milliseconds until the next try after `attempts` tries: 2, 4, 8 … seconds, at most an hour, with up to half as much
/// again by chance, so that jobs which failed together do not all come back together. `chance` is from 0 to 1.
pub(super) fn after_failure(attempts: i32, chance: f64) -> i64 {
    let seconds = 1_i64 << attempts.clamp(1, 12);
    spread(seconds.min(LONGEST) * 1000, chance)
}

/// Milliseconds until the next try while the store or the database is away: a quarter of the time for which the job
/// has waited, from 2 seconds to a minute, spread by chance as well.
pub(super) fn in_outage(age_millis: i64, chance: f64) -> i64 {
    spread((age_millis / 4).clamp(2000, LONGEST_OUTAGE * 1000), chance)
}

fn spread(millis: i64, chance: f64) -> i64 {
    millis + (millis as f64 / 2.0 * chance.clamp(0.0, 1.0)) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let of = |attempts| after_failure(attempts, 0.0) / 1000;
        assert_eq!([-1, 0, 1, 2, 3, 11, 12, 1000].map(of), [2, 2, 2, 4, 8, 2048, 3600, 3600]);
        let outage = |seconds: i64| in_outage(seconds * 1000, 0.0);
        assert_eq!([-5, 0, 8, 20, 240, 1 << 40].map(outage), [2000, 2000, 2000, 5000, 60_000, 60_000]);
    }

    proptest! {
        #[test]
        fn chance_adds_at_most_a_half(attempts in 0..40, age in 0_i64..1_000_000_000, chance in 0.0..1.0) {
            for (least, got) in [
                (after_failure(attempts, 0.0), after_failure(attempts, chance)),
                (in_outage(age, 0.0), in_outage(age, chance)),
            ] {
                prop_assert!((least..=least + least / 2).contains(&got), "{least} {got}");
            }
        }
    }
}
