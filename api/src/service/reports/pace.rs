//! How many reports an account may send. Nothing is read or written for it when one comes in: each process counts by
//! itself, and those of accounts that send unusually many are written behind now and then, so that several processes come
//! to one sum. It bounds abuse; that a few more pass before the sum is known does no harm.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::login;

use crate::fail::Fail;
use crate::http::rate::{self, Policy};
use crate::services::Services;

const HOUR: u32 = 3600;
/// From this share of the quota on an account's count is shared with other processes.
const UNUSUAL: i64 = 10;
/// So many counts are shared at once.
const PORTION: usize = 500;

/// The counts of this process.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<AccountId, Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    /// When the window began, milliseconds.
    window: i64,
    /// By this process.
    own: i64,
    /// How many of them have been shared.
    shared: i64,
    /// By other processes, as far as is known.
    others: i64,
}

impl Pace {
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<AccountId, Count>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts one more; how many there are with it. One that is refused is not counted.
    fn count(&self, account: AccountId, window: i64, quota: i64) -> i64 {
        self.change(|counts| {
            let fresh = Count { window, own: 0, shared: 0, others: 0 };
            let count = counts.entry(account).or_insert(fresh);
            if count.window != window {
                *count = fresh;
            }
            let hits = count.own + count.others + 1;
            if hits <= quota {
                count.own += 1;
            }
            hits
        })
    }

    /// What other processes should know of, the most first; what belongs to other windows is forgotten.
    fn unshared(&self, window: i64, quota: i64) -> Vec<(AccountId, i64)> {
        let mut found = self.change(|counts| {
            counts.retain(|_, count| count.window == window);
            let unusual = |count: &Count| count.own > count.shared && count.own * UNUSUAL >= quota;
            let found = counts.iter().filter(|(_, count)| unusual(count));
            found.map(|(account, count)| (*account, count.own - count.shared)).collect::<Vec<_>>()
        });
        found.sort_unstable_by_key(|(account, more)| (-more, *account));
        found.truncate(PORTION);
        // Rows are locked in the order of their keys by everybody.
        found.sort_unstable();
        found
    }

    fn learn(&self, window: i64, account: AccountId, more: i64, sum: i64) {
        self.change(|counts| {
            if let Some(count) = counts.get_mut(&account).filter(|count| count.window == window) {
                count.shared += more;
                count.others = (sum - count.shared).max(0);
            }
        });
    }
}

fn policy(services: &Services) -> Policy {
    Policy::within("reports", services.config.reports.account_reports_an_hour, HOUR)
}

fn window_of(policy: Policy, now: Moment) -> i64 {
    now.millis() - now.millis().rem_euclid(policy.window_millis())
}

/// For how long texts are remembered.
pub(super) fn same_text_seconds(services: &Services) -> i64 {
    i64::from(services.config.spam.same_text_hours) * 3600
}

/// Counts a report of an account.
///
/// # Errors
/// 429 where it has sent too many within the hour.
pub fn count(services: &Services, account: AccountId) -> Result<(), Fail> {
    let (policy, now) = (policy(services), services.now());
    let window = window_of(policy, now);
    let until = Moment::from_millis(window + policy.window_millis());
    let quota = i64::try_from(policy.quota).unwrap_or(i64::MAX);
    let hits = services.pace.count(account, window, quota);
    if hits > quota {
        return Err(policy.exceeded(until.millis() - now.millis()).into());
    }
    rate::tell(policy.after(i32::try_from(hits).unwrap_or(i32::MAX), until, now));
    Ok(())
}

/// Shares the counts of accounts that send unusually many with other processes; how many. Texts whose time is over are
/// forgotten.
///
/// # Errors
/// The database's; the counts are shared the next time.
pub async fn share(services: &Services) -> Result<usize, Fail> {
    let (policy, now) = (policy(services), services.now());
    services.repeats.forget(now.plus_seconds(-same_text_seconds(services)));
    let window = window_of(policy, now);
    let quota = i64::try_from(policy.quota).unwrap_or(i64::MAX);
    let unshared = services.pace.unshared(window, quota);
    if unshared.is_empty() {
        return Ok(0);
    }
    let key = |account: AccountId| format!("reports/{account}");
    let rows: Vec<(String, i32)> = unshared
        .iter()
        .map(|(account, more)| (key(*account), i32::try_from(*more).unwrap_or(i32::MAX)))
        .collect();
    let sums = services
        .db
        .write(move |conn| Ok::<_, Fail>(login::add(conn, &rows, policy.window_millis(), now)?))
        .await?;
    for (account, more) in &unshared {
        let sum = sums.get(&key(*account)).copied().unwrap_or_default();
        services.pace.learn(window, *account, *more, i64::from(sum));
    }
    Ok(unshared.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_two_processes_come_to_one_sum_in_each_window() {
        let (one, two) = (Pace::default(), Pace::default());
        let sent = |pace: &Pace, times| (0..times).map(|_| pace.count(7, 0, 20)).max();
        assert_eq!((sent(&one, 1), one.unshared(0, 20)), (Some(1), vec![]), "nothing unusual");
        assert_eq!((sent(&one, 9), sent(&two, 6)), (Some(10), Some(6)));
        assert_eq!((one.unshared(0, 20), two.unshared(0, 20)), (vec![(7, 10)], vec![(7, 6)]));
        one.learn(0, 7, 10, 10);
        two.learn(0, 7, 6, 16);
        assert_eq!((sent(&two, 4), sent(&two, 3)), (Some(20), Some(21)), "ten of the other, and ten own");
        assert_eq!((sent(&one, 2), one.unshared(0, 20)), (Some(12), vec![(7, 2)]));
        one.learn(0, 7, 2, 22);
        assert_eq!(sent(&one, 1), Some(23));
        // A new hour, in which what was shared of the last one is not learned any more.
        assert_eq!((two.count(7, 1, 20), two.unshared(1, 20)), (1, vec![]));
        two.learn(0, 7, 4, 400);
        assert_eq!(two.count(7, 1, 20), 2);
    }
}
