//! What is asked for at the same time is done together: while one group is being done, the next one gathers. Nobody
//! waits for others to come; a group is whoever waits when a turn is free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

/// What is asked, and where the answer is awaited.
pub type Asked<I, O> = (I, oneshot::Sender<O>);

/// Those who wait for an answer.
#[derive(Debug)]
pub struct Together<I, O> {
    waiting: Mutex<VecDeque<Asked<I, O>>>,
    /// Held by each group that is being done; the others wait for it in the order of coming.
    turns: Arc<Semaphore>,
    at_once: u32,
    most: usize,
}

impl<I: Send + 'static, O: Send + 'static> Together<I, O> {
    /// Groups of `most` at the most, of which `at_once` are done at the same time.
    pub fn new(at_once: u32, most: usize) -> Self {
        let turns = Arc::new(Semaphore::new(at_once as usize));
        Self { waiting: Mutex::default(), turns, at_once, most }
    }

    /// Keeps every group from being done until the answer is dropped, so that one can be seen to gather. Not for the
    /// async threads: it blocks.
    pub fn hold(&self) -> impl Sized + use<I, O> {
        loop {
            match Arc::clone(&self.turns).try_acquire_many_owned(self.at_once) {
                Ok(held) => return held,
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn put(&self, input: I) -> oneshot::Receiver<O> {
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back((input, tell));
        told
    }

    fn take(&self) -> Vec<Asked<I, O>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(self.most);
        waiting.drain(..count).collect()
    }

    /// Asks, and gets the answer that `work` gives for the group in which this comes to be; none where it gave none.
    pub async fn ask<F: Future<Output = ()> + Send + 'static>(
        &self,
        input: I,
        work: impl Fn(Vec<Asked<I, O>>) -> F,
    ) -> Option<O> {
        let mut told = self.put(input);
        loop {
            let turns = Arc::clone(&self.turns);
            let turn = tokio::select! {
                answer = &mut told => return answer.ok(),
                turn = turns.acquire_owned() => turn.ok()?,
            };
            let group = self.take();
            if group.is_empty() {
                drop(turn);
                // Whoever took this one has done it, and is about to say so.
                return told.await.ok();
            }
            let done = work(group);
            // A task of its own: the one whose turn it is may lose its client, the others must not lose their answers.
            tokio::spawn(async move {
                done.await;
                drop(turn);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everybody_gets_the_own_answer_and_groups_are_bounded() {
        let together = Arc::new(Together::<u32, (u32, usize)>::new(2, 16));
        let asked: Vec<_> = (0..500)
            .map(|number| {
                let together = Arc::clone(&together);
                tokio::spawn(async move {
                    together
                        .ask(number, |group| async move {
                            let size = group.len();
                            tokio::task::yield_now().await;
                            for (number, tell) in group {
                                assert!(tell.send((number * 2, size)).is_ok());
                            }
                        })
                        .await
                })
            })
            .collect();
        for (number, asked) in asked.into_iter().enumerate() {
            let (answer, size) = asked.await.unwrap().unwrap();
            assert_eq!(answer as usize, 2 * number);
            assert!((1..=16).contains(&size), "{size}");
        }
        assert_eq!(together.waiting(), 0);
    }

    #[tokio::test]
    async fn whoever_gets_no_answer_does_not_wait_for_ever() {
        let together = Together::<(), ()>::new(1, 1);
        assert_eq!(together.ask((), |group| async { drop(group) }).await, None);
        assert_eq!(together.ask((), |group| async { drop(group) }).await, None, "the turn was given back");
    }
}
