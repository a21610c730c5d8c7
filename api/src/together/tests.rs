use tokio::sync::Notify;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_the_own_answer_and_groups_are_bounded() {
    let turns = Turns::start().unwrap();
    let together = Arc::new(Together::<u32, (u32, usize)>::new(&turns, 2, 16));
    let asked: Vec<_> = (0..500)
        .map(|number| {
            let together = Arc::clone(&together);
            tokio::spawn(async move {
                together
                    .ask(number, |group| async move {
                        let group = group.take();
                        let size = group.len();
                        tokio::task::yield_now().await;
                        Tell::answer_all(group.into_iter().map(|(number, tell)| (tell, (number * 2, size))));
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
    let turns = Turns::start().unwrap();
    let together = Together::<(), ()>::new(&turns, 1, 1);
    assert_eq!(together.ask((), |group| async move { drop(group.take()) }).await, None);
    assert_eq!(together.ask((), |group| async move { drop(group) }).await, None, "not even taken");
    assert_eq!(
        together.ask((), |group| async move { drop(group.take()) }).await,
        None,
        "the turn was given back"
    );
}

/// Tells on which thread it was dropped.
struct Dropped(std::sync::mpsc::Sender<ThreadId>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).ok();
    }
}

#[tokio::test]
async fn what_was_asked_is_dropped_where_it_was_made() {
    let turns = Turns::start().unwrap();
    let together = Together::<Dropped, ThreadId>::new(&turns, 1, 16);
    let (tell, told) = std::sync::mpsc::channel();
    let work = |group: Gathering<Dropped, ThreadId>| async move {
        let by = thread::current().id();
        Tell::give_back(group.take().into_iter().map(|(asked, tell)| (tell, by, asked)));
    };
    let by = together.ask(Dropped(tell), work).await.unwrap();
    assert_ne!(by, thread::current().id(), "groups have a thread of their own");
    // It is given up right after the answer, on this thread, which only has to get to it.
    let mut dropped_on = told.try_recv();
    while dropped_on.is_err() {
        tokio::task::yield_now().await;
        dropped_on = told.try_recv();
    }
    assert_eq!(dropped_on, Ok(thread::current().id()));
}

/// A group with this in it waits until the test lets it end.
const SLOW: u32 = 0;
/// So does one with this in it, and ends in a panic.
const BAD: u32 = 1;

type Sizes = Together<u32, usize>;

/// Begins to wait, and answers of how many the group was.
fn asked(together: &Arc<Sizes>, finish: &Arc<Notify>, number: u32) -> tokio::task::JoinHandle<Option<usize>> {
    let (together, finish) = (Arc::clone(together), Arc::clone(finish));
    let work = move |group: Gathering<u32, usize>| {
        let finish = Arc::clone(&finish);
        async move {
            let group = group.take();
            if group.iter().any(|(number, _)| [SLOW, BAD].contains(number)) {
                finish.notified().await;
            }
            assert!(group.iter().all(|(number, _)| *number != BAD), "as a fault would");
            let size = group.len();
            Tell::answer_all(group.into_iter().map(|(_, tell)| (tell, size)));
        }
    };
    tokio::spawn(async move { together.ask(number, work).await })
}

/// Lets others go on until what is awaited is so.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn another_group_goes_beside_one_and_the_rest_gathers() {
    let turns = Turns::start().unwrap();
    let (together, finish) = (Arc::new(Sizes::new(&turns, 2, 3)), Arc::new(Notify::new()));
    let slow = asked(&together, &finish, SLOW);
    until(|| together.asked() == 1 && together.waiting() == 0).await;
    assert_eq!(asked(&together, &finish, 2).await.unwrap(), Some(1), "beside the slow one");
    let other = asked(&together, &finish, SLOW);
    until(|| together.asked() == 3 && together.waiting() == 0).await;
    let rest = [3, 4, 5, 6].map(|number| asked(&together, &finish, number));
    until(|| together.asked() == 7).await;
    assert_eq!(together.waiting(), 4, "both turns are taken");
    finish.notify_one();
    for (one, size) in rest.into_iter().zip([3, 3, 3, 1]) {
        assert_eq!(one.await.unwrap(), Some(size));
    }
    finish.notify_one();
    assert_eq!((slow.await.unwrap(), other.await.unwrap()), (Some(1), Some(1)));
}

#[tokio::test]
async fn whoever_goes_and_a_panic_keep_nobody_from_a_turn() {
    let turns = Turns::start().unwrap();
    let (together, finish) = (Arc::new(Sizes::new(&turns, 1, 1)), Arc::new(Notify::new()));
    let bad = asked(&together, &finish, BAD);
    until(|| together.asked() == 1 && together.waiting() == 0).await;
    let [gone, patient, last] = [2, 3, 4].map(|number| asked(&together, &finish, number));
    until(|| together.waiting() == 3).await;
    gone.abort();
    assert!(gone.await.is_err());
    finish.notify_one();
    assert_eq!(bad.await.unwrap(), None);
    // What was asked by the one that has gone is done as well.
    assert_eq!((patient.await.unwrap(), last.await.unwrap()), (Some(1), Some(1)));
}

/// Waits until the thread of the groups has done whatever it had been given before.
fn let_groups_be_done(turns: &Handle) {
    // A group that is begun is a task, which begins another one.
    for _ in 0..2 {
        let (tell, told) = std::sync::mpsc::channel();
        turns.spawn(async move { tell.send(()) });
        told.recv().unwrap();
    }
}

#[tokio::test]
async fn all_that_are_ready_on_a_thread_are_one_group() {
    let turns = Turns::start().unwrap();
    let together = Arc::new(Together::<u32, usize>::new(&turns, 1, 16));
    let ready = [2, 3, 4, 5, 6].map(|number| {
        let (together, turns) = (Arc::clone(&together), turns.handle());
        tokio::spawn(async move {
            // Had a group been begun by one of those before, it would be over now.
            let_groups_be_done(&turns);
            let size = |group: Gathering<u32, usize>| async move {
                let group = group.take();
                let size = group.len();
                Tell::answer_all(group.into_iter().map(|(_, tell)| (tell, size)));
            };
            together.ask(number, size).await
        })
    });
    for one in ready {
        assert_eq!(one.await.unwrap(), Some(5));
    }
}

#[tokio::test]
async fn whoever_asks_first_and_goes_at_once_keeps_nobody_waiting() {
    let turns = Turns::start().unwrap();
    let together = Arc::new(Sizes::new(&turns, 1, 16));
    let (first, other) = (asked(&together, &Arc::default(), 2), asked(&together, &Arc::default(), 3));
    until(|| together.asked() == 2).await;
    first.abort();
    assert_eq!(other.await.unwrap(), Some(2), "what was asked by the one that has gone is done as well");
}

#[tokio::test]
async fn at_the_end_nobody_is_left_waiting() {
    let turns = Turns::start().unwrap();
    let (together, finish) = (Arc::new(Sizes::new(&turns, 1, 1)), Arc::new(Notify::new()));
    let slow = asked(&together, &finish, SLOW);
    until(|| together.asked() == 1 && together.waiting() == 0).await;
    let other = asked(&together, &finish, 2);
    until(|| together.waiting() == 1).await;
    drop(turns);
    assert_eq!((slow.await.unwrap(), other.await.unwrap()), (None, None));
}
