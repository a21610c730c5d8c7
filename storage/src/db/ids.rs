//! Keys. They are handed out in blocks by the database, so that they are unique across processes, do not depend
//! on a clock, and are known before the rows are inserted. A crash leaves a gap, never a repetition.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;

use super::conn::Conn;
use super::error::DbError;
use super::schema::id_blocks;

const BLOCK: i64 = 1024;

#[derive(Default)]
pub(super) struct Ids {
    block: Mutex<Range<i64>>,
}

impl Ids {
    /// Takes `count` keys from the block in hand, if it has so many.
    pub(super) fn take(&self, count: i64) -> Option<Range<i64>> {
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.end - block.start < count {
            return None;
        }
        let taken = block.start..block.start + count;
        block.start = taken.end;
        Some(taken)
    }

    /// Puts a fresh block in hand. What was left of the old one is given up.
    pub(super) fn refill(&self, fresh: Range<i64>) {
        *self.block.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

/// Reserves a block of at least `count` keys.
pub(super) fn reserve(conn: &mut Conn, count: i64) -> Result<Range<i64>, DbError> {
    let size = count.max(BLOCK);
    // The increment and the reading are one locked step on either engine: the UPDATE takes the row's lock.
    diesel::update(id_blocks::table.find(1))
        .set(id_blocks::next_id.eq(id_blocks::next_id + size))
        .execute(conn)?;
    let end: i64 = id_blocks::table.find(1).select(id_blocks::next_id).first(conn)?;
    Ok(end - size..end)
}
