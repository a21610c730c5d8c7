//! Tokens whose signature has been verified. To verify one takes longer than all the rest of what a request costs before
//! the database, and the outcome never changes; whether the token is still good by the clock, and whether its account may
//! still act, is asked each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{Signed, TokenError};

/// So many are kept, and as many of those before.
const MOST: usize = 4096;

/// By digest, so that no token lies about in memory. When the younger half is full, the older one is forgotten; what is
/// asked for again moves into the younger one.
#[derive(Default)]
pub(super) struct Seen {
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Halves {
    younger: HashMap<[u8; 32], Signed>,
    older: HashMap<[u8; 32], Signed>,
}

impl Halves {
    fn get(&mut self, key: &[u8; 32]) -> Option<Signed> {
        if let Some(found) = self.younger.get(key) {
            return Some(found.clone());
        }
        let found = self.older.remove(key)?;
        self.put(*key, found.clone());
        Some(found)
    }

    fn put(&mut self, key: [u8; 32], signed: Signed) {
        if self.younger.len() >= MOST {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(key, signed);
    }
}

impl Seen {
    /// What a token says, read by `read` unless that has been done before. A token that is refused is not remembered.
    pub(super) fn get_or(
        &self,
        token: &str,
        read: impl FnOnce() -> Result<Signed, TokenError>,
    ) -> Result<Signed, TokenError> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let halves = || self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = halves().get(&key) {
            return Ok(found);
        }
        let signed = read()?;
        halves().put(key, signed.clone());
        Ok(signed)
    }
}

#[cfg(test)]
mod tests {
    use suishoupai_core::time::Moment;

    use super::super::Claims;
    use super::*;

    fn signed(account_id: i64) -> Result<Signed, TokenError> {
        let at = Moment::from_millis(0);
        Ok(Signed { claims: Claims { account_id, session: None, issued: at, expires: at }, soonest: 0 })
    }

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let seen = Seen::default();
        for number in 0..3 * MOST as i64 {
            let read = seen.get_or(&number.to_string(), || signed(number)).unwrap();
            assert_eq!(read.claims.account_id, number);
            let used =
                seen.get_or("used", || if number == 0 { signed(-1) } else { Err(TokenError::Invalid) });
            assert_eq!(used.unwrap().claims.account_id, -1, "after {number} others");
        }
        let halves = seen.halves.lock().unwrap();
        assert!(halves.younger.len() <= MOST && halves.older.len() <= MOST);
    }

    #[test]
    fn a_refused_token_is_refused_again() {
        let seen = Seen::default();
        for _ in 0..2 {
            assert!(seen.get_or("bad", || Err(TokenError::Invalid)).is_err());
        }
        assert!(seen.halves.lock().unwrap().younger.is_empty());
    }
}
