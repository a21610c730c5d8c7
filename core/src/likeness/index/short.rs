//! Some ten thousand fingerprints by six words of 10 or 11 bits: near ones differ in at most 1 bit of one of them, so few
//! buckets are looked at, of a table that a processor keeps at hand.

use super::{Hit, NEAR, Print};

/// Where each word begins, from the lowest bit, and how many bits it has.
const WORDS: [(u32, u32); 6] = [(0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10)];
// In one of the words near fingerprints differ in at most one bit.
const _: () = assert!(NEAR / WORDS.len() as u32 == 1);

/// Fingerprints in six tables, one for each word.
#[derive(Debug)]
pub(super) struct Short([Table; WORDS.len()]);

/// All fingerprints by one word.
#[derive(Debug)]
struct Table {
    /// Where those of each word begin.
    starts: Vec<u32>,
    prints: Vec<Print>,
}

const fn bucket(hash: u64, (begin, bits): (u32, u32)) -> usize {
    (hash >> begin) as usize & ((1 << bits) - 1)
}

impl Table {
    /// Sorts by counting.
    fn build(prints: &[Print], word: (u32, u32)) -> Self {
        let buckets = 1 << word.1;
        let mut starts = vec![0_u32; buckets + 1];
        for print in prints {
            starts[bucket(print.hash, word) + 1] += 1;
        }
        for index in 0..buckets {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let mut sorted = vec![Print { hash: 0, id: 0 }; prints.len()];
        for print in prints {
            let at = &mut next[bucket(print.hash, word)];
            sorted[*at as usize] = *print;
            *at += 1;
        }
        Self { starts, prints: sorted }
    }

    fn of(&self, bucket: usize) -> &[Print] {
        &self.prints[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }
}

impl Short {
    pub(super) fn build(prints: &[Print]) -> Self {
        Self(WORDS.map(|word| Table::build(prints, word)))
    }

    pub(super) fn len(&self) -> usize {
        self.0[0].prints.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let table = |table: &Table| size_of_val(&*table.starts) + size_of_val(&*table.prints);
        self.0.iter().map(table).sum()
    }

    pub(super) fn prints(&self) -> Vec<Print> {
        self.0[0].prints.clone()
    }

    /// Adds those that are near, each as often as it has a word that is near.
    pub(super) fn near(&self, hash: u64, hits: &mut Vec<Hit>) {
        for (table, word) in self.0.iter().zip(WORDS) {
            let own = bucket(hash, word);
            let around = (0..word.1).map(|bit| own ^ (1 << bit));
            for bucket in std::iter::once(own).chain(around) {
                hits.extend(super::near_among(table.of(bucket), hash));
            }
        }
    }
}
