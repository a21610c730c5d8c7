//! A closed loop: every connection sends its next request when the last one is answered.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::fault::Outcome;

/// More errors than this on one connection, and it gives up.
const MOST_ERRORS: u64 = 1000;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) done: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) seconds: f64,
    /// Microseconds of each, sorted.
    pub(crate) micros: Vec<u32>,
    /// Processor seconds of the server, where it was watched.
    pub(crate) cpu: Option<f64>,
}

impl Figures {
    pub(crate) fn new(seconds: f64, mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        Self { done: micros.len() as u64, seconds, micros, ..Self::default() }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.done as f64 / self.seconds.max(1e-9)
    }

    /// Milliseconds within which the fraction `q` was answered.
    pub(crate) fn quantile_ms(&self, q: f64) -> f64 {
        let last = self.micros.len().saturating_sub(1);
        let at = (q * last as f64).round() as usize;
        self.micros.get(at).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

/// Lets every client repeat `one` for `length`; `Ok(false)` counts as an error as well.
pub(crate) async fn closed_loop<C>(
    clients: &mut [C],
    length: Duration,
    one: impl AsyncFn(&mut C) -> Outcome<bool>,
) -> Figures {
    let begun = Instant::now();
    let one = &one;
    let tallies = join_all(clients.iter_mut().map(|client| async move {
        let mut tally = Figures::default();
        while begun.elapsed() < length && tally.errors < MOST_ERRORS {
            let sent = Instant::now();
            match one(client).await {
                Ok(true) => tally.micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX)),
                Ok(false) => tally.errors += 1,
                Err(error) => {
                    tally.errors += 1;
                    tally.first_error.get_or_insert_with(|| error.to_string());
                }
            }
        }
        tally
    }))
    .await;
    let seconds = begun.elapsed().as_secs_f64();
    let mut micros = Vec::new();
    let (mut errors, mut first_error) = (0, None);
    for mut tally in tallies {
        micros.append(&mut tally.micros);
        errors += tally.errors;
        first_error = first_error.or(tally.first_error);
    }
    Figures { errors, first_error, ..Figures::new(seconds, micros) }
}
