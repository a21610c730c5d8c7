//! What is asked for at the same time is done together: while one group is being done, the next one gathers. Nobody
//! waits for others to come; a group is whoever waits when the work that is done for it takes it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{RwLock, oneshot};

/// So often whoever asks first lets the others of its thread go first: those that are ready, and those whose requests have come
/// in by then.
const LET_GO_FIRST: u32 = 4;

/// What is asked, and where the answer is awaited.
pub type Asked<I, O> = (I, Tell<O>);

/// Where an answer is awaited.
#[derive(Debug)]
pub struct Tell<O> {
    to: oneshot::Sender<O>,
    thread: ThreadId,
    runtime: Handle,
}

impl<O: Send + 'static> Tell<O> {
    fn new() -> (Self, oneshot::Receiver<O>) {
        let (to, told) = oneshot::channel();
        (Self { to, thread: thread::current().id(), runtime: Handle::current() }, told)
    }

    /// Gives an answer. Whoever has gone away needs none.
    pub fn answer(self, answer: O) {
        drop(self.to.send(answer));
    }

    /// Gives answers, to each thread all of its own at once. Were each sent by itself, a thread that waits would be given the
    /// processor for every single one.
    pub fn answer_all(answers: impl IntoIterator<Item = (Self, O)>) {
        Self::give_back(answers.into_iter().map(|(tell, answer)| (tell, answer, ())));
    }

    /// As [`Tell::answer_all`]; with an answer goes what was asked, to be dropped by the thread that has made it. That one has
    /// the memory at hand for its next request then, and no thread has to hand it back to another.
    pub fn give_back<I: Send + 'static>(answers: impl IntoIterator<Item = (Self, O, I)>) {
        let mut by_thread: Vec<Vec<(Self, O, I)>> = Vec::new();
        for one in answers {
            let is_of_its_thread = |(other, ..): &(Self, O, I)| other.thread == one.0.thread;
            match by_thread.iter_mut().find(|others| others.first().is_some_and(is_of_its_thread)) {
                Some(others) => others.push(one),
                None => by_thread.push(vec![one]),
            }
        }
        for answers in by_thread {
            let Some((tell, ..)) = answers.first() else { continue };
            let runtime = tell.runtime.clone();
            runtime.spawn(async move {
                for (tell, answer, asked) in answers {
                    tell.answer(answer);
                    drop(asked);
                }
            });
        }
    }
}

/// Those who wait for an answer.
#[derive(Debug)]
pub struct Together<I, O> {
    shared: Arc<Shared<I, O>>,
    turns: Handle,
}

#[derive(Debug)]
struct Shared<I, O> {
    state: Mutex<State<I, O>>,
    /// Every group is taken with this in hand.
    open: RwLock<()>,
    at_once: u32,
    most: usize,
}

#[derive(Debug)]
struct State<I, O> {
    waiting: VecDeque<Asked<I, O>>,
    /// How many have asked.
    asked: u64,
    /// How many turns there are.
    turns: u32,
}

/// The thread on which groups take turns. The threads that serve requests have one request after the other to parse and to
/// answer, and meanwhile the next group would wait, and the database with it.
#[derive(Debug)]
pub struct Turns(Option<Runtime>);

impl Turns {
    /// Starts it.
    ///
    /// # Errors
    /// The system's.
    pub fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("groups").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where tasks run on it; without it, once it is being stopped, where the caller's do.
    pub fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        // Nobody waits for an answer any more.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A turn that is being taken.
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
        state.turns < self.at_once && !state.waiting.is_empty()
    }
}

/// A group that still gathers.
#[derive(Debug)]
pub struct Gathering<I, O> {
    shared: Arc<Shared<I, O>>,
    taken: Arc<AtomicBool>,
}

impl<I, O> Clone for Gathering<I, O> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), taken: Arc::clone(&self.taken) }
    }
}

impl<I, O> Gathering<I, O> {
    /// Whether it has been taken already; who takes it again gets those who have come since.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whoever waits now. Nobody, where the group before took them all, or where groups are kept from being done.
    pub fn take(&self) -> Vec<Asked<I, O>> {
        self.taken.store(true, Ordering::Relaxed);
        let Ok(_open) = self.shared.open.try_read() else { return Vec::new() };
        let mut state = self.shared.state();
        let count = state.waiting.len().min(self.shared.most);
        state.waiting.drain(..count).collect()
    }
}

impl<I, O> Turn<I, O> {
    /// Gives it back; or keeps it, where those who wait are worth another one.
    fn is_over(&mut self) -> bool {
        let mut state = self.shared.state();
        state.turns -= 1;
        self.is_given_back = !self.shared.wants(&state);
        state.turns += u32::from(!self.is_given_back);
        self.is_given_back
    }
}

impl<I, O> Drop for Turn<I, O> {
    fn drop(&mut self) {
        if self.is_given_back {
            return;
        }
        // It ended before its time, as when the process does.
        let mut state = self.shared.state();
        state.turns -= 1;
        if state.turns == 0 {
            state.waiting.clear();
        }
    }
}

/// A turn that begins when this is dropped: once all others that were ready on the same thread have had the time to ask, or
/// the one who asked first has gone. Were it begun at once, the thread of the groups, which has waited, would be given the
/// processor before them, and each of them would be a group of one.
struct Begins<'a> {
    turns: &'a Handle,
    turn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Drop for Begins<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.turns.spawn(turn);
        }
    }
}

impl<I: Send + 'static, O: Send + 'static> Together<I, O> {
    /// Groups of `most` at the most, of which `at_once` are done at the same time.
    pub fn new(turns: &Turns, at_once: u32, most: usize) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), asked: 0, turns: 0 });
        let shared = Shared { state, open: RwLock::new(()), at_once, most };
        Self { shared: Arc::new(shared), turns: turns.handle() }
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

    /// Asks, and gets the answer that `work` gives for the group in which this comes to be; none where it gave none, or
    /// ended without taking its group. All who ask name the same work: whoever has a turn does that of the others, too.
    /// Whoever loses patience loses only the own answer.
    pub async fn ask<F: Future<Output = ()> + Send + 'static>(
        &self,
        input: I,
        work: impl Fn(Gathering<I, O>) -> F + Send + Sync + 'static,
    ) -> Option<O> {
        let (tell, told) = Tell::new();
        let begins = {
            let mut state = self.shared.state();
            state.asked += 1;
            state.waiting.push_back((input, tell));
            let begins = self.shared.wants(&state);
            state.turns += u32::from(begins);
            begins
        };
        if begins {
            let turn = Turn { shared: Arc::clone(&self.shared), is_given_back: false };
            let begins = Begins { turns: &self.turns, turn: Some(Box::pin(take_turns(turn, work))) };
            for _ in 0..LET_GO_FIRST {
                tokio::task::yield_now().await;
            }
            drop(begins);
        }
        told.await.ok()
    }
}

/// Does one group after the other as long as any are worth it.
async fn take_turns<I: Send + 'static, O: Send + 'static, F: Future<Output = ()> + Send + 'static>(
    mut turn: Turn<I, O>,
    work: impl Fn(Gathering<I, O>) -> F + Send + Sync + 'static,
) {
    loop {
        drop(turn.shared.open.read().await);
        let group = Gathering { shared: Arc::clone(&turn.shared), taken: Arc::default() };
        // A task of its own: a panic ends only this group, which gets no answer then.
        drop(tokio::spawn(work(group.clone())).await);
        if !group.is_taken() {
            // It never came to that. They get no answer; else they would have one turn after the other.
            drop(group.take());
        }
        if turn.is_over() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
