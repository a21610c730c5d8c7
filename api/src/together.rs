//! What is asked for at the same time is done together: while one group is being done, the next one gathers. Nobody
//! waits for others to come; a group is whoever waits when a turn is free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{RwLock, oneshot};

/// What is asked, and where the answer is awaited.
pub type Asked<I, O> = (I, oneshot::Sender<O>);

/// Those who wait for an answer.
#[derive(Debug)]
pub struct Together<I, O> {
    shared: Arc<Shared<I, O>>,
}

#[derive(Debug)]
struct Shared<I, O> {
    state: Mutex<State<I, O>>,
    /// Every group is taken with this in hand.
    open: RwLock<()>,
    at_once: u32,
    most: usize,
    /// A group begins beside another one only when so many wait.
    beside: usize,
}

#[derive(Debug)]
struct State<I, O> {
    waiting: VecDeque<Waiting<I, O>>,
    /// How many have asked.
    asked: u64,
    /// How many turns there are.
    turns: u32,
}

#[derive(Debug)]
struct Waiting<I, O> {
    /// Which of those who asked it is, counted from 1; they stand in this order.
    number: u64,
    asked: Asked<I, O>,
    /// By which whoever waits is given a turn, once.
    begin: Option<oneshot::Sender<Turn<I, O>>>,
}

/// The right and the duty to do the next group. Whoever drops it, for whatever reason, passes it on.
#[derive(Debug)]
struct Turn<I, O> {
    shared: Arc<Shared<I, O>>,
    is_given_back: bool,
}

impl<I, O> Shared<I, O> {
    fn state(&self) -> MutexGuard<'_, State<I, O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether those who wait are worth another turn.
    fn wants(&self, state: &State<I, O>) -> bool {
        match state.turns {
            0 => !state.waiting.is_empty(),
            turns => turns < self.at_once && state.waiting.len() >= self.beside,
        }
    }

    /// The next group, and whether the one with this number is not in it and still waits.
    fn take(&self, own: u64) -> (Vec<Asked<I, O>>, bool) {
        let mut state = self.state();
        let count = state.waiting.len().min(self.most);
        let group = state.waiting.drain(..count).map(|waiting| waiting.asked).collect();
        (group, state.waiting.front().is_some_and(|next| next.number <= own))
    }
}

impl<I, O> Drop for Turn<I, O> {
    fn drop(&mut self) {
        if self.is_given_back {
            return;
        }
        let mut state = self.shared.state();
        state.turns -= 1;
        while self.shared.wants(&state) {
            let Some(begin) = state.waiting.iter_mut().find_map(|waiting| waiting.begin.take()) else {
                // Whoever is left has been given a turn. Where it is on its way, nothing is to be done; where a panic has
                // ended it, nobody else would do what they ask. What those ask who have lost their clients is done
                // with what the next one asks.
                if state.turns == 0 {
                    state.waiting.retain(|waiting| waiting.asked.1.is_closed());
                }
                return;
            };
            let turn = Self { shared: Arc::clone(&self.shared), is_given_back: false };
            match begin.send(turn) {
                Ok(()) => state.turns += 1,
                Err(mut turn) => turn.is_given_back = true,
            }
        }
    }
}

impl<I: Send + 'static, O: Send + 'static> Together<I, O> {
    /// Groups of `most` at the most, of which `at_once` are done at the same time.
    pub fn new(at_once: u32, most: usize) -> Self {
        Self::with(at_once, most, 1)
    }

    /// As [`Self::new`], but beside a group that is being done only whole ones begin: what every group costs is shared
    /// by as many as there can be, and who comes alone waits for nobody.
    pub fn whole(at_once: u32, most: usize) -> Self {
        Self::with(at_once, most, most)
    }

    fn with(at_once: u32, most: usize, beside: usize) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), asked: 0, turns: 0 });
        Self { shared: Arc::new(Shared { state, open: RwLock::new(()), at_once, most, beside }) }
    }

    /// Keeps every group from being done until the answer is dropped, so that one can be seen to gather. Not for the
    /// async threads: it blocks.
    pub fn hold(&self) -> impl Sized + '_ {
        self.shared.open.blocking_write()
    }

    /// How many have asked since it was made.
    pub fn asked(&self) -> u64 {
        self.shared.state().asked
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.shared.state().waiting.len()
    }

    /// Asks, and gets the answer that `work` gives for the group in which this comes to be; none where it gave none.
    pub async fn ask<F: Future<Output = ()> + Send + 'static>(
        &self,
        input: I,
        work: impl Fn(Vec<Asked<I, O>>) -> F + Send + Sync + 'static,
    ) -> Option<O> {
        let (tell, mut told) = oneshot::channel();
        let (begin, begun) = oneshot::channel();
        let (own, at_once) = {
            let mut state = self.shared.state();
            state.asked += 1;
            let own = state.asked;
            state.waiting.push_back(Waiting { number: own, asked: (input, tell), begin: Some(begin) });
            let wants = self.shared.wants(&state);
            state.turns += u32::from(wants);
            (own, wants.then(|| Turn { shared: Arc::clone(&self.shared), is_given_back: false }))
        };
        let turn = match at_once {
            Some(turn) => Some(turn),
            None => tokio::select! {
                answer = &mut told => return answer.ok(),
                turn = begun => turn.ok(),
            },
        };
        if let Some(turn) = turn {
            // A task of its own: the one whose turn it is may lose its client, the others must not lose their answers.
            tokio::spawn(do_own(turn, own, work));
        }
        told.await.ok()
    }
}

/// Does groups until the one of the given number has been done, which nobody else might begin with.
async fn do_own<I: Send + 'static, O: Send + 'static, F: Future<Output = ()> + Send + 'static>(
    turn: Turn<I, O>,
    own: u64,
    work: impl Fn(Vec<Asked<I, O>>) -> F + Send + Sync + 'static,
) {
    let mut waits = true;
    while waits {
        let group;
        {
            let _open = turn.shared.open.read().await;
            (group, waits) = turn.shared.take(own);
        }
        if !group.is_empty() {
            work(group).await;
        }
    }
    drop(turn);
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

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

    /// Begins to wait, and answers how that goes on.
    fn asked(together: &Arc<Together<u32, usize>>, number: u32) -> tokio::task::JoinHandle<Option<usize>> {
        let together = Arc::clone(together);
        let answer = async |group: Vec<Asked<u32, usize>>| {
            let size = group.len();
            for (_, tell) in group {
                tell.send(size).unwrap();
            }
        };
        tokio::spawn(
            async move { together.ask(number, move |group| async move { answer(group).await }).await },
        )
    }

    #[tokio::test]
    async fn beside_a_group_only_a_whole_one_begins() {
        let together = Arc::new(Together::<u32, usize>::whole(2, 3));
        let finish = Arc::new(Notify::new());
        let slow = {
            let (together, finish) = (Arc::clone(&together), Arc::clone(&finish));
            let work = move |group: Vec<Asked<u32, usize>>| {
                let finish = Arc::clone(&finish);
                async move {
                    finish.notified().await;
                    for (_, tell) in group {
                        tell.send(0).unwrap();
                    }
                }
            };
            tokio::spawn(async move { together.ask(0, work).await })
        };
        tokio::task::yield_now().await;
        let mut others = vec![asked(&together, 1), asked(&together, 2)];
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(together.waiting(), 2, "two are no whole group");
        others.push(asked(&together, 3));
        for other in others {
            assert_eq!(other.await.unwrap(), Some(3), "beside the slow one");
        }
        let late = asked(&together, 4);
        tokio::task::yield_now().await;
        assert_eq!(together.waiting(), 1);
        finish.notify_one();
        assert_eq!(
            (slow.await.unwrap(), late.await.unwrap()),
            (Some(0), Some(1)),
            "whoever is left goes last"
        );
    }

    #[tokio::test]
    async fn a_turn_that_is_on_its_way_is_not_forgotten() {
        let together = Arc::new(Together::<u32, usize>::new(2, 1));
        let finish = Arc::new(Notify::new());
        let slow = |number| {
            let (together, finish) = (Arc::clone(&together), Arc::clone(&finish));
            let work = move |group: Vec<Asked<u32, usize>>| {
                let finish = Arc::clone(&finish);
                async move {
                    finish.notified().await;
                    for (_, tell) in group {
                        tell.send(0).unwrap();
                    }
                }
            };
            tokio::spawn(async move { together.ask(number, work).await })
        };
        let both = [slow(0), slow(1)];
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let third = asked(&together, 2);
        while together.waiting() < 1 {
            tokio::task::yield_now().await;
        }
        // Both end before the third one notices that it has been given the turn of the first.
        finish.notify_waiters();
        for slow in both {
            assert_eq!(slow.await.unwrap(), Some(0));
        }
        assert_eq!(third.await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn a_turn_is_passed_on_by_whoever_has_gone_and_by_a_panic() {
        let together = Arc::new(Together::<u32, usize>::new(1, 1));
        let finish = Arc::new(Notify::new());
        let first = {
            let (together, finish) = (Arc::clone(&together), Arc::clone(&finish));
            let work = move |_| {
                let finish = Arc::clone(&finish);
                async move {
                    finish.notified().await;
                    panic!("as a fault would");
                }
            };
            tokio::spawn(async move { together.ask(0, work).await })
        };
        tokio::task::yield_now().await;
        let (gone, patient, last) = (asked(&together, 1), asked(&together, 2), asked(&together, 3));
        while together.waiting() < 3 {
            tokio::task::yield_now().await;
        }
        gone.abort();
        assert!(gone.await.is_err());
        finish.notify_one();
        assert_eq!(first.await.unwrap(), None);
        // What was asked by the one that has gone is done as well, by those who wait behind it.
        assert_eq!((patient.await.unwrap(), last.await.unwrap()), (Some(1), Some(1)));
    }
}
