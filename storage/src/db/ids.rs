//! Keys. They are handed out in blocks by the database, so that they are unique across processes, do not depend
//! on a clock, and are known before the rows are inserted. A crash leaves a gap, never a repetition.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::prelude::*;

use super::conn::Conn;
use super::error::DbError;
use super::schema::id_blocks;

/// The first block of a process. Each one after it is twice as long, up to [`MOST`]: who needs many waits for few of
/// them, and who needs few leaves small gaps.
const FIRST: i64 = 1024;
const MOST: i64 = 1 << 14;

pub(super) struct Ids {
    hand: Mutex<Hand>,
}

/// The block in hand, and how long the next one is.
struct Hand {
    block: Range<i64>,
    next: i64,
}

impl Default for Ids {
    fn default() -> Self {
        Self { hand: Mutex::new(Hand { block: 0..0, next: FIRST }) }
    }
}

impl Ids {
    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `count` keys from the block in hand, if it has so many.
    pub(super) fn take(&self, count: i64) -> Option<Range<i64>> {
        let mut hand = self.hand();
        let block = &mut hand.block;
        if block.end - block.start < count {
            return None;
        }
        let taken = block.start..block.start + count;
        block.start = taken.end;
        Some(taken)
    }

    /// Puts a fresh block in hand. What was left of the old one is given up.
    pub(super) fn refill(&self, fresh: Range<i64>) {
        self.hand().block = fresh;
    }

    /// How many keys to ask the database for when `count` are needed.
    pub(super) fn next_block(&self, count: i64) -> i64 {
        let mut hand = self.hand();
        let size = hand.next;
        hand.next = (2 * size).min(MOST);
        size.max(count)
    }
}

/// Reserves a block of `size` keys.
pub(super) fn reserve(conn: &mut Conn, size: i64) -> Result<Range<i64>, DbError> {
    // The increment and the reading are one locked step on either engine: the UPDATE takes the row's lock.
    diesel::update(id_blocks::table.find(1))
        .set(id_blocks::next_id.eq(id_blocks::next_id + size))
        .execute(conn)?;
    let end: i64 = id_blocks::table.find(1).select(id_blocks::next_id).first(conn)?;
    Ok(end - size..end)
}
