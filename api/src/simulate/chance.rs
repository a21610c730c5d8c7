//! Draws of the simulation. All of them come from one seed, so that a run can be repeated to the letter.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A source of draws.
pub(super) struct Chance(StdRng);

impl Chance {
    /// The draws of one stretch of a run. Each stretch has its own, so that a write that the database asks to be
    /// done again draws the same.
    pub(super) fn new(seed: u64, stretch: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&stretch.to_le_bytes());
        Self(StdRng::from_seed(bytes))
    }

    /// Whether something of this probability happens.
    pub(super) fn hit(&mut self, probability: f64) -> bool {
        self.part() < probability
    }

    /// A number from 0 up to, but not including, 1.
    pub(super) fn part(&mut self) -> f64 {
        self.0.random()
    }

    /// A number from 0 up to, but not including, `below`.
    pub(super) fn below(&mut self, below: usize) -> usize {
        self.0.random_range(0..below.max(1))
    }

    /// One of some things.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A waiting time with this mean, as of things that happen at any moment alike; at most six times the mean.
    pub(super) fn wait(&mut self, mean: f64) -> f64 {
        (-(1.0 - self.part()).ln() * mean).min(6.0 * mean)
    }
}

/// Things that are drawn with weights.
#[derive(Clone, Debug)]
pub(super) struct Weighted<T> {
    things: Vec<(f64, T)>,
    total: f64,
}

impl<T> Weighted<T> {
    /// These things with their weights.
    pub(super) fn new(weighted: impl IntoIterator<Item = (f64, T)>) -> Self {
        let mut total = 0.0;
        let things = weighted
            .into_iter()
            .map(|(weight, thing)| {
                total += weight;
                (total, thing)
            })
            .collect();
        Self { things, total }
    }

    /// One of them; none where there is nothing to draw.
    pub(super) fn draw(&self, chance: &mut Chance) -> Option<&T> {
        let at = chance.part() * self.total;
        let index = self.things.partition_point(|(upto, _)| *upto <= at);
        self.things.get(index).or_else(|| self.things.last()).map(|(_, thing)| thing)
    }
}
