//! Near pictures that were looked for a moment ago. A picture is looked for when it is handed in and again when it is
//! compared; the second time only what has come in meanwhile has to be gone through.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use suishoupai_core::likeness::{Hit, NearIndex};

/// So many are remembered at the most: about 1 MiB. Then all are forgotten.
const MOST: usize = 4096;
/// A picture with many near ones is remembered with no more of them than this.
const FEW: usize = 16;

/// What was found for fingerprints.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashMap<u64, Found>>);

#[derive(Debug)]
struct Found {
    hits: Vec<Hit>,
    /// Only the nearest so many are known.
    most: usize,
    /// How many had been put into the index by then.
    put_in: u64,
}

impl Remembered {
    /// As [`NearIndex::near`].
    pub(super) fn near(&self, index: &NearIndex, hash: u64, most: usize) -> Vec<Hit> {
        if let Some(mut hits) = self.again(index, hash, most) {
            hits.truncate(most);
            return hits;
        }
        let hits = index.near(hash, most);
        // To the nearest can be added what comes in later, as long as no more of them are asked for.
        let most = if hits.len() < most { usize::MAX } else { most };
        if most == usize::MAX || most <= FEW {
            self.keep(hash, Found { hits: hits.clone(), most, put_in: index.put_in() });
        }
        hits
    }

    fn again(&self, index: &NearIndex, hash: u64, most: usize) -> Option<Vec<Hit>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get_mut(&hash).filter(|found| most <= found.most)?;
        let fresh = index.near_since(hash, found.put_in)?;
        if !fresh.is_empty() {
            found.hits.extend(fresh);
            found.hits.sort_unstable();
            found.hits.truncate(found.most);
        }
        found.put_in = found.put_in.max(index.put_in());
        Some(found.hits.clone())
    }

    fn keep(&self, hash: u64, found: Found) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(hash, found);
    }
}

#[cfg(test)]
mod tests {
    use suishoupai_core::likeness::Print;

    use super::*;

    #[test]
    fn what_is_remembered_is_what_would_be_found() {
        // The one is first asked for all, the others for a few, of which there come to be more.
        let orders = [[1000, 2, 1000], [2, 1000, 2], [16, 2, 17], [2, 2, 16]]
            .map(|order| (Remembered::default(), order));
        let mut index = NearIndex::new(usize::MAX);
        // Portions from one to several segments, with some near ones in each.
        for (round, portion) in [3_u64, 5000, 1, 0, 20_000, 7, 40].into_iter().enumerate() {
            let first = round as u64 * 1_000_000;
            let hash =
                |n: u64| if n.is_multiple_of(97) { n % 3 } else { n.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
            let fresh: Vec<Print> =
                (first..first + portion).map(|n| Print { hash: hash(n), id: n as i64 }).collect();
            index = index.with(&fresh);
            for (remembered, order) in &orders {
                for most in *order {
                    assert_eq!(
                        remembered.near(&index, 1, most),
                        index.near(1, most),
                        "round {round}, {order:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let (remembered, index) = (Remembered::default(), NearIndex::new(10));
        for hash in 0..2 * MOST as u64 {
            remembered.near(&index, hash, 10);
        }
        assert!(remembered.0.lock().unwrap().len() <= MOST);
    }
}
