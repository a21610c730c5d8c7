//! Memory for answers, which has grown to the length of a page before: to give it back to the allocator and to get it anew
//! costs as much as to write a part of the page.

use std::cell::RefCell;

use serde::Serialize;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}
/// So many are spare on a thread.
const SPARES: usize = 8;
/// An answer that is longer does not keep its memory for the next one.
const KEPT: usize = 1 << 18;

/// An answer; its memory is for another one of the thread on which it is dropped.
pub struct Written(Vec<u8>);

impl Written {
    /// Nothing yet, in memory of an answer before.
    pub fn again() -> Self {
        Self(SPARE.with_borrow_mut(Vec::pop).unwrap_or_default())
    }

    /// What is written goes here.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Writes the body of the answer.
    ///
    /// # Errors
    /// When it has no form in JSON.
    pub fn json(mut self, body: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::to_writer(&mut self.0, body)?;
        Ok(self)
    }
}

impl std::fmt::Debug for Written {
    /// Without what it says, which is for one reader only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Written({} bytes)", self.0.len())
    }
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let mut memory = std::mem::take(&mut self.0);
        memory.clear();
        if memory.capacity() == 0 || memory.capacity() > KEPT {
            return;
        }
        // A thread that is ending keeps none.
        SPARE
            .try_with(|spare| match spare.try_borrow_mut() {
                Ok(mut spare) if spare.len() < SPARES => spare.push(memory),
                _ => drop(memory),
            })
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_bounded() {
        let mut first = Written::again();
        first.0.extend_from_slice(&[7; 1000]);
        let at = first.0.as_ptr();
        drop(first);
        let again = Written::again();
        assert!(again.as_ref().is_empty() && std::ptr::eq(again.0.as_ptr(), at));
        drop(Written(vec![0; KEPT + 1]));
        drop((0..2 * SPARES).map(|_| Written(vec![0; 10])).collect::<Vec<_>>());
        SPARE.with_borrow(|spare| {
            assert!(spare.len() <= SPARES && spare.iter().all(|memory| memory.capacity() <= KEPT));
        });
    }
}
