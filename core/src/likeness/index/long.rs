//! Very many fingerprints by four words of 16 bits: near ones differ in at most 2 bits of one of the first three or in at most 1
//! bit of the last. So 137 words around each of the three are looked at, and 17 around the last.

use std::hint::black_box;

use super::{Hit, NEAR, Print};

const WORDS: usize = 4;
// Whoever differs in 3 bits or more of each of the others and in 2 or more of the last one is not near.
const _: () = assert!(3 * (WORDS as u32 - 1) + 2 > NEAR);
const BUCKETS: usize = 1 << 16;

/// Every way in which near words may differ, with the number of bits; the fewest first.
const MASKS: [(u16, u32); 137] = masks();
/// Those of them that differ in at most one bit.
const ONE: [(u16, u32); 17] = *MASKS.first_chunk().unwrap();

const fn masks() -> [(u16, u32); 137] {
    let mut all = [(0, 0); 137];
    let (mut count, mut first) = (1, 0);
    while first < 16 {
        all[count] = (1 << first, 1);
        count += 1;
        first += 1;
    }
    first = 0;
    while first < 16 {
        let mut second = 0;
        while second < first {
            all[count] = (1 << first | 1 << second, 2);
            count += 1;
            second += 1;
        }
        first += 1;
    }
    all
}

/// The fingerprint with its word number `word` in front.
const fn turned(hash: u64, word: usize) -> u64 {
    hash.rotate_left(16 * word as u32)
}

/// Fingerprints in four tables, one for each word. A table has the fingerprints by that word, and of each what
/// follows after it.
#[derive(Debug)]
pub(super) struct Long {
    tables: [Table; WORDS],
    /// The keys, in the order of the first table.
    ids: Vec<i64>,
}

#[derive(Debug)]
struct Table {
    /// Where the fingerprints of each word begin.
    starts: Vec<u32>,
    /// The 32 bits that follow after the word.
    middles: Vec<u32>,
    /// The last 16 bits.
    ends: Vec<u16>,
}

impl Table {
    /// Sorts by counting; calls `place` with the position of each in the given order.
    fn build(prints: &[Print], word: usize, mut place: impl FnMut(usize, &Print)) -> Self {
        let bucket = |hash: u64| (turned(hash, word) >> 48) as usize;
        let mut starts = vec![0_u32; BUCKETS + 1];
        for print in prints {
            starts[bucket(print.hash) + 1] += 1;
        }
        for index in 0..BUCKETS {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let (mut middles, mut ends) = (vec![0; prints.len()], vec![0; prints.len()]);
        for print in prints {
            let at = &mut next[bucket(print.hash)];
            let turned = turned(print.hash, word);
            (middles[*at as usize], ends[*at as usize]) = ((turned >> 16) as u32, turned as u16);
            place(*at as usize, print);
            *at += 1;
        }
        Self { starts, middles, ends }
    }

    /// Where the fingerprints of the words around this one lie. Everything that will be read is touched here once, and
    /// nothing depends on what is found there: so the processor waits for many places of the memory at once, and not for
    /// one after the other as it would where each range is gone through before the next is looked up.
    fn around<const AROUND: usize>(&self, word: u16, masks: &[(u16, u32); AROUND]) -> [(u32, u32); AROUND] {
        let ranges = masks.map(|(mask, _)| {
            let word = usize::from(word ^ mask);
            (self.starts[word], self.starts[word + 1])
        });
        let touched = |at: u32| self.middles.get(at as usize).copied().unwrap_or_default();
        black_box(
            ranges.iter().fold(0, |all, (start, end)| all ^ touched(*start) ^ touched(end.saturating_sub(1))),
        );
        ranges
    }

    fn range(&self, word: u16) -> std::ops::Range<usize> {
        let word = usize::from(word);
        self.starts[word] as usize..self.starts[word + 1] as usize
    }
}

impl Long {
    pub(super) fn build(prints: &[Print]) -> Self {
        let mut ids = vec![0; prints.len()];
        let first = Table::build(prints, 0, |at, print| ids[at] = print.id);
        let other = |word| Table::build(prints, word, |_, _| ());
        Self { tables: [first, other(1), other(2), other(3)], ids }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn bytes(&self) -> usize {
        32 * self.ids.len() + WORDS * 4 * (BUCKETS + 1)
    }

    pub(super) fn prints(&self) -> Vec<Print> {
        let table = &self.tables[0];
        let of_word = |word: u16| {
            table.range(word).map(move |at| {
                let rest = u64::from(table.middles[at]) << 16 | u64::from(table.ends[at]);
                Print { hash: u64::from(word) << 48 | rest, id: self.ids[at] }
            })
        };
        (0..=u16::MAX).flat_map(of_word).collect()
    }

    pub(super) fn near(&self, hash: u64, hits: &mut Vec<Hit>) {
        let mut found = Vec::new();
        for word in 0..WORDS - 1 {
            self.near_by(word, hash, &MASKS, &mut found);
        }
        self.near_by(WORDS - 1, hash, &ONE, &mut found);
        found.sort_unstable();
        found.dedup();
        for other in found {
            let bits = (other ^ hash).count_ones();
            hits.extend(self.keys(other).map(|id| Hit { bits, id }));
        }
    }

    /// Adds those that are near and whose word differs in one of these ways.
    fn near_by<const AROUND: usize>(
        &self,
        word: usize,
        hash: u64,
        masks: &[(u16, u32); AROUND],
        found: &mut Vec<u64>,
    ) {
        let (table, wanted) = (&self.tables[word], turned(hash, word));
        let (first, middle, end) = ((wanted >> 48) as u16, (wanted >> 16) as u32, wanted as u16);
        for ((mask, differ), (start, stop)) in masks.iter().zip(table.around(first, masks)) {
            let left = NEAR - differ;
            let (start, stop) = (start as usize, stop as usize);
            for (index, other) in table.middles[start..stop].iter().enumerate() {
                // Few pass this, so that the last bits are seldom fetched.
                let bits = (other ^ middle).count_ones();
                if bits > left {
                    continue;
                }
                let last = table.ends[start + index];
                if bits + (last ^ end).count_ones() <= left {
                    let turned = u64::from(first ^ mask) << 48 | u64::from(*other) << 16 | u64::from(last);
                    found.push(turned.rotate_right(16 * word as u32));
                }
            }
        }
    }

    /// The keys of a fingerprint that is in the segment.
    fn keys(&self, hash: u64) -> impl Iterator<Item = i64> {
        let table = &self.tables[0];
        let (middle, end) = ((hash >> 16) as u32, hash as u16);
        let is_this = move |at: &usize| table.middles[*at] == middle && table.ends[*at] == end;
        table.range((hash >> 48) as u16).filter(is_this).map(|at| self.ids[at])
    }
}
