//! Some ten thousand fingerprints by six words of 10 or 11 bits: near ones differ in at most 1 bit of one of the first five, or
//! in none of the last, so few buckets are looked at. Of each fingerprint a table has as much as rules out nearly all that
//! are not near, so that an answer goes through little memory.

use std::hint::black_box;

use super::{Hit, NEAR, Print};

/// Where each word begins, from the lowest bit, and how many bits it has.
const WORDS: [(u32, u32); 6] = [(0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10)];
/// So many buckets are looked at for a word: its own one, and one for each bit.
const AROUND: usize = 12;
// Whoever differs in 2 bits or more of each of the others and in 1 or more of the last one is not near.
const _: () = assert!(2 * (WORDS.len() as u32 - 1) + 1 > NEAR);

/// Fingerprints in the order in which they came, at most 65,536, and six tables of them, one for each word.
#[derive(Debug)]
pub(super) struct Short {
    prints: Vec<Print>,
    tables: [Table; WORDS.len()],
}

/// All fingerprints by one word.
#[derive(Debug)]
struct Table {
    /// Where those of each word begin.
    starts: Vec<u32>,
    /// The 32 bits that follow after the word: see [`tail`].
    tails: Vec<u32>,
    /// Which fingerprints these are.
    places: Vec<u16>,
}

const fn bucket(hash: u64, (begin, bits): (u32, u32)) -> usize {
    (hash >> begin) as usize & ((1 << bits) - 1)
}

/// The 32 bits that follow after a word, round the end of the fingerprint; none of them is of the word.
const fn tail(hash: u64, (begin, bits): (u32, u32)) -> u32 {
    hash.rotate_right(begin + bits) as u32
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
        let (mut tails, mut places) = (vec![0; prints.len()], vec![0; prints.len()]);
        for (place, print) in (0..=u16::MAX).zip(prints) {
            let at = &mut next[bucket(print.hash, word)];
            (tails[*at as usize], places[*at as usize]) = (tail(print.hash, word), place);
            *at += 1;
        }
        Self { starts, tails, places }
    }

    /// Where the fingerprints of the buckets around this one lie, as in a long segment: looked up and touched before any is
    /// gone through. For the last word `bits` is 0 and there is no bucket but its own.
    fn around(&self, own: usize, bits: u32) -> [(u32, u32); AROUND] {
        let mut ranges = [(0, 0); AROUND];
        let masks = std::iter::once(0).chain((0..bits).map(|bit| 1 << bit));
        for (range, mask) in ranges.iter_mut().zip(masks) {
            *range = (self.starts[own ^ mask], self.starts[(own ^ mask) + 1]);
        }
        let touched = |at: u32| self.tails.get(at as usize).copied().unwrap_or_default();
        black_box(
            ranges.iter().fold(0, |all, (start, end)| all ^ touched(*start) ^ touched(end.saturating_sub(1))),
        );
        ranges
    }
}

impl Short {
    /// Of at most [`super::SHORT`] fingerprints.
    pub(super) fn build(prints: &[Print]) -> Self {
        Self { prints: prints.to_vec(), tables: WORDS.map(|word| Table::build(prints, word)) }
    }

    pub(super) fn len(&self) -> usize {
        self.prints.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let table = |table: &Table| {
            size_of_val(&*table.starts) + size_of_val(&*table.tails) + size_of_val(&*table.places)
        };
        size_of_val(&*self.prints) + self.tables.iter().map(table).sum::<usize>()
    }

    pub(super) fn prints(&self) -> Vec<Print> {
        self.prints.clone()
    }

    /// Adds those that are near, each as often as it has a word that is near.
    pub(super) fn near(&self, hash: u64, hits: &mut Vec<Hit>) {
        for (number, (table, word)) in self.tables.iter().zip(WORDS).enumerate() {
            let (own, own_tail) = (bucket(hash, word), tail(hash, word));
            let bits = if number + 1 == WORDS.len() { 0 } else { word.1 };
            for (start, end) in table.around(own, bits) {
                let (start, end) = (start as usize, end as usize);
                for (index, other) in table.tails[start..end].iter().enumerate() {
                    // Few pass this, so that the fingerprint itself is seldom fetched.
                    if (other ^ own_tail).count_ones() <= NEAR {
                        let print = self.prints[usize::from(table.places[start + index])];
                        let bits = (print.hash ^ hash).count_ones();
                        if bits <= NEAR {
                            hits.push(Hit { bits, id: print.id });
                        }
                    }
                }
            }
        }
    }
}
