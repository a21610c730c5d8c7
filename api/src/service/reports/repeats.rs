//! How often an account has sent the same text lately. Each process remembers what it took in by itself, so that nothing is
//! read for it when a report comes in; texts are remembered as numbers that tell nothing of them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use suishoupai_core::flow::{AccountId, essence};
use suishoupai_core::time::Moment;

/// Of one account, so many texts are remembered.
const MOST: usize = 256;

/// What accounts have sent lately.
#[derive(Debug, Default)]
pub struct Repeats {
    sent: Mutex<HashMap<AccountId, Vec<Sent>>>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    text: u64,
    /// By which a retry is known from another report.
    sending: u64,
    at: i64,
}

impl Repeats {
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<AccountId, Vec<Sent>>) -> T) -> T {
        change(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers a text that is sent now, by this key for a retry; how often it was sent since an instant, this time
    /// included.
    pub fn count(&self, account: AccountId, text: &str, key: &str, since: Moment, now: Moment) -> u32 {
        let (text, sending) = (self.hasher.hash_one(essence(text)), self.hasher.hash_one(key));
        self.change(|sent| {
            let own = sent.entry(account).or_default();
            own.retain(|one| one.at > since.millis() && one.sending != sending);
            if own.len() >= MOST {
                own.remove(0);
            }
            own.push(Sent { text, sending, at: now.millis() });
            u32::try_from(own.iter().filter(|one| one.text == text).count()).unwrap_or(u32::MAX)
        })
    }

    /// Forgets what was sent before an instant.
    pub fn forget(&self, before: Moment) {
        self.change(|sent| {
            sent.retain(|_, own| own.last().is_some_and(|last| last.at > before.millis()));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_within_its_time_and_a_retry_once() {
        let repeats = Repeats::default();
        let at = Moment::from_millis;
        let count = |text: &str, key: &str, now: i64| repeats.count(7, text, key, at(now - 1000), at(now));
        assert_eq!((count("路灯 不亮！", "a", 0), count("路灯不亮", "b", 100)), (1, 2));
        assert_eq!(
            (count("路灯不亮", "b", 200), count("井盖", "c", 300)),
            (2, 1),
            "sent again, and another one"
        );
        assert_eq!(count("路灯不亮", "d", 1100), 2, "the first one is too long ago");
        repeats.forget(at(1000));
        assert_eq!(count("路灯不亮", "e", 1150), 3);
        repeats.forget(at(2000));
        assert_eq!(repeats.change(|sent| sent.len()), 0);
        let most = (0..2 * MOST).map(|n| count("路灯不亮", &n.to_string(), 3000)).max();
        assert_eq!(most, Some(u32::try_from(MOST).unwrap()), "no more than that is remembered");
    }
}
