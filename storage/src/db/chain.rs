//! What chains of hashes have in common when they are walked.

use suishoupai_core::flow::GENESIS;

use super::history::{MOST_BREAKS, next_link};

/// Where a chain is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainBreak {
    /// Of what, in words: `photo 12`.
    pub of: String,
    /// Its key.
    pub id: i64,
    /// The line.
    pub seq: i64,
    /// What does not agree.
    pub what: String,
}

/// What a verification saw of the chains of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains {
    /// Chains looked at.
    pub chains: u64,
    /// Lines looked at.
    pub lines: u64,
    /// The first break in each broken chain; at most [`MOST_BREAKS`].
    pub breaks: Vec<ChainBreak>,
}

impl Chains {
    /// Counts a chain that was walked, and what is wrong with it.
    pub(super) fn saw(&mut self, of: &str, id: i64, lines: usize, broken: Option<(i64, String)>) {
        self.chains += 1;
        self.lines += lines as u64;
        if let Some((seq, what)) = broken
            && self.breaks.len() < MOST_BREAKS
        {
            self.breaks.push(ChainBreak { of: of.to_owned(), id, seq, what });
        }
    }
}

/// The first line that does not hang on the one before, where `lines` are (number, content, hash) by number and `last` is
/// the hash that the row of the entity keeps.
pub(super) fn first_break<'a>(
    lines: impl Iterator<Item = (i64, &'a str, &'a [u8])>,
    last: &[u8],
) -> Option<(i64, String)> {
    let mut previous = GENESIS;
    let mut next = 1;
    for found in lines {
        match next_link(&previous, next, found) {
            Ok(hash) => previous = hash,
            Err(what) => return Some((next, what)),
        }
        next += 1;
    }
    (last != previous).then(|| (next, "the last hash that is kept is not that of the last line".to_owned()))
}
