//! Near pictures among many millions: all stored fingerprints that differ from a given one in a few bits.
//!
//! A fingerprint of 64 bits is cut into words. Two that differ in at most [`NEAR`] = 10 bits have one of four words in which
//! they differ in at most 2, and one of six in which they differ in at most 1, so it is enough to look at the words around
//! those; and at fewer around the last word, since the bits by which each word may be passed over add up to more than 10
//! (the general pigeonhole principle: Qin et al., "GPH: Similarity Search in Hamming Space", ICDE 2018). What was put in lies
//! in segments that are never changed, each with a table of its fingerprints for every word: [`long`] ones by four words,
//! [`short`] ones by six. What is new lies in a short list until it is enough for another segment. So the whole is a value: adding makes another one, which shares the segments, and nobody who asks waits for
//! somebody who adds.

mod long;
mod short;

use std::sync::Arc;

use self::long::Long;
use self::short::Short;

/// Two pictures are near when their fingerprints differ in at most so many of the 64 bits.
pub const NEAR: u32 = 10;

/// So many wait in the list before they become a segment.
const LIST: usize = 1 << 9;
/// A longer segment is in tables by four words: those by six would have too many in each bucket, and number them with 16
/// bits.
const SHORT: usize = 1 << 16;
/// Segments are put together up to this length: the memory needed meanwhile stays bounded.
const SEGMENT: usize = 1 << 21;
/// Whoever asks looks into every segment, so few are worth it that one is put together more often.
const LONGER: usize = 8;

/// The fingerprint of a picture, with the key of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// The fingerprint.
    pub hash: u64,
    /// The key of the picture.
    pub id: i64,
}

/// A near picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// In how many bits it differs, at most [`NEAR`].
    pub bits: u32,
    /// The key of the picture.
    pub id: i64,
}

/// Fingerprints among which near ones are found.
#[derive(Clone, Debug)]
pub struct NearIndex {
    segments: Vec<Arc<Segment>>,
    list: Vec<Print>,
    most: usize,
    put_in: u64,
}

impl NearIndex {
    /// An index that keeps the last `most` that were put in, or up to a segment (2,097,152) more.
    pub const fn new(most: usize) -> Self {
        Self { segments: Vec::new(), list: Vec::new(), most, put_in: 0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len() + self.segments.iter().map(|segment| segment.len()).sum::<usize>()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much memory they take: 32 bytes each and 1 MiB for a long segment, 52 bytes each and
    /// 40 KiB for a short one.
    pub fn bytes(&self) -> usize {
        let segments = self.segments.iter().map(|segment| segment.bytes());
        self.list.capacity() * size_of::<Print>() + segments.sum::<usize>()
    }

    /// The index with more in it. Takes a microsecond or so for each, and longer where segments are put together:
    /// not for the async threads.
    #[must_use]
    pub fn with(&self, fresh: &[Print]) -> Self {
        let mut next = self.clone();
        next.list.extend_from_slice(fresh);
        next.put_in += fresh.len() as u64;
        while next.list.len() >= LIST {
            let rest = next.list.split_off(next.list.len().min(SEGMENT));
            let full = std::mem::replace(&mut next.list, rest);
            next.segments.push(Arc::new(Segment::build(&full)));
            next.put_together();
        }
        // The first segments hold what came first.
        while next.segments.len() > 1 && next.len() - next.segments[0].len() >= next.most {
            next.segments.remove(0);
        }
        next
    }

    /// Keeps every segment at least [`LONGER`] times as long as the one after it, so that there are few.
    fn put_together(&mut self) {
        while let [.., before, last] = self.segments.as_slice() {
            let both = before.len() + last.len();
            if both > SEGMENT || before.len() >= LONGER * last.len() {
                return;
            }
            let mut prints = before.prints();
            prints.extend(last.prints());
            self.segments.truncate(self.segments.len() - 2);
            self.segments.push(Arc::new(Segment::build(&prints)));
        }
    }

    /// Those that differ from `hash` in at most [`NEAR`] bits, the nearest first, at most `limit`.
    pub fn near(&self, hash: u64, limit: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        for segment in &self.segments {
            segment.near(hash, &mut hits);
        }
        hits.extend(near_among(&self.list, hash));
        hits.sort_unstable();
        hits.dedup();
        hits.truncate(limit);
        hits
    }

    /// How many have been put in, with those that are not kept any more.
    pub const fn put_in(&self) -> u64 {
        self.put_in
    }

    /// Those near to `hash` among what was put in after the first `put_in`, in no order; none where too much has been.
    pub fn near_since(&self, hash: u64, put_in: u64) -> Option<Vec<Hit>> {
        let fresh = usize::try_from(self.put_in.saturating_sub(put_in)).ok()?;
        let first = self.list.len().checked_sub(fresh)?;
        Some(near_among(&self.list[first..], hash).collect())
    }
}

fn near_among(prints: &[Print], hash: u64) -> impl Iterator<Item = Hit> {
    let hit = move |print: &Print| Hit { bits: (print.hash ^ hash).count_ones(), id: print.id };
    prints.iter().map(hit).filter(|hit| hit.bits <= NEAR)
}

/// What is never changed.
#[derive(Debug)]
enum Segment {
    Long(Long),
    Short(Short),
}

impl Segment {
    fn build(prints: &[Print]) -> Self {
        if prints.len() > SHORT { Self::Long(Long::build(prints)) } else { Self::Short(Short::build(prints)) }
    }

    fn len(&self) -> usize {
        match self {
            Self::Long(long) => long.len(),
            Self::Short(short) => short.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Long(long) => long.bytes(),
            Self::Short(short) => short.bytes(),
        }
    }

    fn prints(&self) -> Vec<Print> {
        match self {
            Self::Long(long) => long.prints(),
            Self::Short(short) => short.prints(),
        }
    }

    /// Adds those that are near, some perhaps more than once.
    fn near(&self, hash: u64, hits: &mut Vec<Hit>) {
        match self {
            Self::Long(long) => long.near(hash, hits),
            Self::Short(short) => short.near(hash, hits),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Flips so many different bits.
    fn flipped(hash: u64, bits: &[u32]) -> u64 {
        bits.iter().fold(hash, |hash, bit| hash ^ (1 << bit))
    }

    fn scan(prints: &[Print], hash: u64) -> Vec<Hit> {
        let hit = |print: &Print| Hit { bits: (print.hash ^ hash).count_ones(), id: print.id };
        let mut hits: Vec<_> = prints.iter().map(hit).filter(|hit| hit.bits <= NEAR).collect();
        hits.sort_unstable();
        hits
    }

    fn scrambled(number: u64) -> u64 {
        let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever is near is found, and nothing else, from the list and from the segments alike, in whatever
        /// portions it came.
        #[test]
        fn it_finds_what_a_scan_finds(
            base in any::<u64>(),
            spots in prop::collection::vec(prop::collection::vec(0_u32..64, 0..14), 1..200),
            others in LIST as u64..2 * SHORT as u64,
            portion in 1000_usize..60_000,
        ) {
            let near = spots.iter().map(|bits| flipped(base, bits));
            let all: Vec<Print> = near
                .chain((0..others).map(scrambled))
                .zip(1..)
                .map(|(hash, id)| Print { hash, id })
                .collect();
            let mut index = NearIndex::new(usize::MAX);
            for fresh in all.chunks(portion) {
                index = index.with(fresh);
            }
            prop_assert_eq!(index.len(), all.len());
            prop_assert_eq!(index.near(base, usize::MAX), scan(&all, base));
            let other = scrambled(7);
            prop_assert_eq!(index.near(other, usize::MAX), scan(&all, other));
        }
    }

    /// The near ones that each word alone can find: all others differ in so much of theirs that they are passed over. The
    /// first word of a long segment begins at the highest bit, that of a short one at the lowest.
    #[test]
    fn what_only_one_word_tells_is_found() {
        let base = scrambled(1);
        let of = |words: &[(u32, u32)]| {
            words.iter().fold(base, |hash, (begin, differ)| hash ^ (((1 << differ) - 1) << begin))
        };
        let near = [
            of(&[(48, 2), (32, 3), (16, 3), (0, 2)]),
            of(&[(48, 3), (32, 2), (16, 3), (0, 2)]),
            of(&[(48, 3), (32, 3), (16, 2), (0, 2)]),
            of(&[(48, 3), (32, 3), (16, 3), (0, 1)]),
            of(&[(0, 1), (11, 2), (22, 2), (33, 2), (44, 2), (54, 1)]),
            of(&[(0, 2), (11, 2), (22, 2), (33, 2), (44, 1), (54, 1)]),
            of(&[(0, 2), (11, 2), (22, 2), (33, 2), (44, 2)]),
        ];
        for others in [LIST as u64, 2 * SHORT as u64] {
            let hashes = near.into_iter().chain((2..others).map(scrambled));
            let all: Vec<Print> = hashes.zip(1..).map(|(hash, id)| Print { hash, id }).collect();
            let found = NearIndex::new(usize::MAX).with(&all).near(base, usize::MAX);
            assert_eq!(found, scan(&all, base), "among {others}");
            assert!(found.len() >= near.len());
        }
    }

    #[test]
    fn equal_pictures_are_all_found_and_the_answer_is_bounded() {
        let all: Vec<Print> = (1..=40_000).map(|id| Print { hash: 0x0123_4567_89ab_cdef, id }).collect();
        let index = NearIndex::new(usize::MAX).with(&all);
        assert_eq!(index.near(0x0123_4567_89ab_cdee, usize::MAX).len(), 40_000);
        let some = index.near(0x0123_4567_89ab_cdee, 3);
        assert_eq!(some, [1, 2, 3].map(|id| Hit { bits: 1, id }));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut index = NearIndex::new(LIST);
        let portions = 12;
        for portion in 0..portions {
            let fresh: Vec<Print> = (0..LIST as u64)
                .map(|n| portion * LIST as u64 + n)
                .map(|n| Print { hash: scrambled(n), id: n as i64 })
                .collect();
            index = index.with(&fresh);
        }
        // What is put together goes together.
        assert!((LIST..=(LONGER + 1) * LIST).contains(&index.len()), "{}", index.len());
        assert!(index.bytes() > 32 * LIST);
        let last = portions * LIST as u64 - 1;
        assert_eq!(index.near(scrambled(last), 1), [Hit { bits: 0, id: last as i64 }]);
        assert!(index.near(scrambled(0), 1).is_empty());
    }
}
