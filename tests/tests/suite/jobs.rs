//! Work off the request path at several processes: each job is done once, whatever becomes of the one that had it.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use suishoupai_api::jobs;
use suishoupai_api::problem::{Code, Problem};
use suishoupai_api::service::photos;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::jobs::{self as rows, Job};
use suishoupai_storage::db::{Conn, DbError};
use suishoupai_tests::{Caller, Engine, Process, Scenery, Server, both, caller};

use crate::common::{eventually, handled_by, verbs};

both!(
    two_servers_share_the_jobs_and_take_none_twice,
    deadlines_that_two_servers_recount_move_once,
    a_dead_servers_job_is_taken_over,
    a_renewed_lease_is_not_taken_over,
    whoever_lost_its_lease_changes_nothing,
    a_failing_job_waits_longer_each_time_and_dies_with_its_reason,
    a_photo_that_takes_too_long_is_tried_again,
    a_job_that_ends_its_processes_is_set_aside,
    an_outage_is_waited_for,
    dead_jobs_are_listed_and_put_back,
);

/// A photo that does not exist is rendered at once.
const RENDER: &str = "render_photo";
const LEASE: i64 = 60;

/// Puts jobs in the queue without telling anybody.
fn queue(server: &Server, kind: &'static str, keys: std::ops::Range<i64>) {
    let now = server.now();
    let put = move |conn: &mut Conn| {
        keys.clone().try_for_each(|key| rows::enqueue(conn, key, kind, 1_000_000 + key, now))
    };
    block_on(server.services().db.write(put)).unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A server that has looked for jobs after its start, and looks again in a minute.
fn quiet(server: Server) -> Server {
    eventually("it has looked for jobs", Duration::from_secs(30), || server.services().held.looks() > 0);
    server
}

fn take(server: &Server, limit: usize) -> Vec<Job> {
    block_on(jobs::take(server.services(), limit)).unwrap()
}

fn finish(server: &Server, job: Job, outcome: Result<(), Code>) -> bool {
    block_on(jobs::finish(server.services(), job, outcome.map_err(Into::into))).unwrap()
}

fn renew(server: &Server) -> usize {
    block_on(jobs::renew(server.services())).unwrap()
}

fn drained(server: &Server) -> usize {
    block_on(jobs::drain(server.services())).unwrap()
}

/// How many wait and how many are dead.
fn counts(server: &Server) -> (i64, i64) {
    let ready = server.nobody().get("/readyz").expect(200);
    (ready["jobs_waiting"].as_i64().unwrap(), ready["jobs_dead"].as_i64().unwrap())
}

/// The only job in the queue.
fn only(server: &Server) -> rows::Line {
    let mut all = server.read(|conn| rows::list(conn, false, 10));
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn two_servers_share_the_jobs_and_take_none_twice(engine: Engine) {
    const JOBS: i64 = 200;
    let first = quiet(Server::start(engine));
    let second = quiet(first.twin());
    queue(&first, RENDER, 1..JOBS + 1);
    let start = Barrier::new(4);
    let taken: Vec<i64> = thread::scope(|scope| {
        let work = |server: &'static str| {
            let (start, server) = (&start, if server == "first" { &first } else { &second });
            scope.spawn(move || {
                start.wait();
                let mut done = Vec::new();
                loop {
                    let taken = take(server, 3);
                    if taken.is_empty() {
                        return done;
                    }
                    for job in taken {
                        done.push(job.id);
                        assert!(finish(server, job, Ok(())), "it was this server's");
                    }
                }
            })
        };
        let threads = ["first", "second", "first", "second"].map(work);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut each = taken.clone();
    each.sort_unstable();
    assert_eq!(each, (1..=JOBS).collect::<Vec<_>>());
    assert_eq!(counts(&second), (0, 0));
}

fn deadlines_that_two_servers_recount_move_once(engine: Engine) {
    const TICKETS: usize = 12;
    let first = quiet(Server::start_for_days(engine));
    let second = quiet(first.twin());
    let (admin, shizheng) = (first.official("admin"), first.official("shizheng"));
    let tickets: Vec<i64> = (0..TICKETS).map(|_| handled_by(&first, &shizheng, "P0201").2).collect();
    let body = json!({ "name": "停工日", "is_off_day": true });
    for day in ["2026-03-05", "2026-03-06"] {
        let path = format!("admin/calendar/days/{day}");
        Caller::send(admin.request(Method::PUT, &path).json(&body)).expect(200);
    }
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let (start, first, second) = (&start, &first, &second);
        let work = |server: &'_ Server| {
            start.wait();
            drained(server)
        };
        scope.spawn(move || work(first));
        scope.spawn(move || work(second));
    });
    // Whoever saw both jobs has told the other one, which then looks by itself too.
    eventually("both jobs are done", Duration::from_secs(30), || counts(&first) == (0, 0));
    for ticket in tickets {
        let seen = shizheng.ticket(ticket);
        assert_eq!(seen["due_at"], "2026-03-11T09:30:00.000+08:00");
        let moved = verbs(&seen).into_iter().filter(|verb| *verb == "recount").count();
        assert_eq!(moved, 1, "both days were known when the first job ran: {:?}", verbs(&seen));
    }
    assert!(second.verify().breaks.is_empty());
}

fn a_dead_servers_job_is_taken_over(engine: Engine) {
    let server = quiet(Server::start(engine));
    let other = quiet(server.twin());
    queue(&server, RENDER, 1..2);
    assert_eq!(take(&other, 5).len(), 1);
    drop(other);
    server.advance_seconds(LEASE);
    assert_eq!((drained(&server), counts(&server)), (0, (1, 0)), "the other one may still be at it");
    server.advance_seconds(1);
    assert_eq!((drained(&server), counts(&server)), (1, (0, 0)));
}

fn a_renewed_lease_is_not_taken_over(engine: Engine) {
    let first = quiet(Server::start(engine));
    let second = quiet(first.twin());
    queue(&first, RENDER, 1..2);
    let job = take(&first, 5).remove(0);
    for _ in 0..5 {
        first.advance_seconds(LEASE - 10);
        assert_eq!(renew(&first), 0, "nothing is lost");
        assert!(take(&second, 5).is_empty());
    }
    assert!(finish(&first, job, Ok(())));
    assert_eq!((renew(&first), counts(&second)), (0, (0, 0)));
}

fn whoever_lost_its_lease_changes_nothing(engine: Engine) {
    let first = quiet(Server::start(engine));
    let second = quiet(first.twin());
    queue(&first, RENDER, 1..2);
    let late = take(&first, 5).remove(0);
    first.advance_seconds(LEASE + 1);
    let taken = take(&second, 5).remove(0);
    assert_eq!(renew(&first), 1, "it is told that it has lost one");
    assert!(!finish(&first, late.clone(), Err(Code::Internal)));
    assert!(!finish(&first, late, Ok(())));
    let seen = only(&first);
    assert_eq!((seen.attempts, seen.last_error), (2, None));
    assert!(seen.locked_until.is_some(), "the second still holds it");
    assert_eq!(renew(&second), 0);

    // The same server may take it anew; its own earlier try must not end that.
    first.advance_seconds(LEASE + 1);
    let again = take(&second, 5).remove(0);
    assert!(!finish(&second, taken, Ok(())));
    assert!(finish(&second, again, Ok(())));
    assert_eq!(counts(&first), (0, 0));
}

fn a_failing_job_waits_longer_each_time_and_dies_with_its_reason(engine: Engine) {
    let server = quiet(Server::start_with(engine, |config| config.jobs.max_attempts = 4));
    queue(&server, "no_such_work", 1..2);
    for attempt in 1..4 {
        assert_eq!(drained(&server), 1);
        let seen = only(&server);
        assert_eq!((seen.state.as_str(), seen.attempts), ("waiting", attempt));
        let (pause, least) = (seen.run_at - server.now().millis(), 1000 << attempt);
        assert!((least..=least + least / 2).contains(&pause), "try {attempt}: {pause} ms");
        assert_eq!(drained(&server), 0, "not before its time");
        server.advance_to(&json!(Moment::from_millis(seen.run_at).to_string()));
    }
    assert_eq!(drained(&server), 1);
    let seen = only(&server);
    assert_eq!((seen.state.as_str(), seen.attempts, seen.locked_until), ("dead", 4, None));
    let why = seen.last_error.unwrap();
    assert!(why.contains("no worker knows jobs of the kind no_such_work"), "{why}");
    server.advance_seconds(86_400);
    assert_eq!((drained(&server), counts(&server)), (0, (0, 1)));
}

/// The machine may have had too much to do, so only the last try counts against the photo.
fn a_photo_that_takes_too_long_is_tried_again(engine: Engine) {
    let server = quiet(Server::start_with(engine, |config| config.photos.render_seconds = 0));
    let resident = server.resident();
    let photo = resident.upload(&Scenery::of(1).jpeg(2400, 1800, 90));
    let render = |is_last_try| block_on(photos::render(server.services(), photo, is_last_try));
    let state = || resident.get(&format!("photos/{photo}")).expect(200)["state"].clone();
    let why = Problem::from(render(false).unwrap_err()).with_cause();
    assert!(why.contains("within 0 s"), "{why}");
    assert_eq!(state(), "received");
    render(true).unwrap();
    assert_eq!(state(), "failed");
}

fn a_job_that_ends_its_processes_is_set_aside(engine: Engine) {
    let server = quiet(Server::start_with(engine, |config| config.jobs.max_attempts = 3));
    queue(&server, RENDER, 1..3);
    for _ in 0..3 {
        assert_eq!(take(&server, 1).remove(0).id, 1);
        // It is never heard of again.
        server.advance_seconds(LEASE + 1);
    }
    drained(&server);
    eventually("the other job is done", Duration::from_secs(30), || counts(&server) == (0, 1));
    let seen = only(&server);
    assert_eq!((seen.id, seen.state.as_str()), (1, "dead"));
    assert!(seen.last_error.unwrap().contains("every process that took it ended"));
}

fn an_outage_is_waited_for(engine: Engine) {
    let server = quiet(Server::start_with(engine, |config| config.jobs.max_attempts = 2));
    queue(&server, RENDER, 1..2);
    for _ in 0..20 {
        let job = take(&server, 1).remove(0);
        assert!(finish(&server, job, Err(Code::Unavailable)));
        let seen = only(&server);
        assert_eq!((seen.state.as_str(), seen.attempts), ("waiting", 0), "such a try does not count");
        let pause = seen.run_at - server.now().millis();
        assert!((2000..=90_000).contains(&pause), "{pause} ms");
        server.advance_seconds(90);
    }
    assert_eq!((drained(&server), counts(&server)), (1, (0, 0)));
}

fn dead_jobs_are_listed_and_put_back(engine: Engine) {
    let mut process = Process::with_demo(engine);
    let row = |id: i64, state: &str| {
        format!(
            "INSERT INTO jobs (id, kind, subject, state, run_at, attempts, last_error, created_at) \
             VALUES ({id}, 'render_photo', {id}, '{state}', 0, 8, 'the bucket is gone', 0);"
        )
    };
    process.execute(&[row(1, "dead"), row(2, "dead"), row(3, "dead"), row(4, "waiting")].concat());
    let run = |words: &[&str]| process.run(words);
    let (code, dead) = run(&["jobs", "list", "--dead"]);
    assert_eq!((code, dead.lines().count()), (Some(0), 3), "{dead}");
    assert!(dead.starts_with("1\trender_photo\t1\tdead\t8\t-\tthe bucket is gone\n"), "{dead}");
    assert_eq!(run(&["jobs", "list"]).1.lines().count(), 4);
    assert_eq!(run(&["jobs", "retry", "2"]), (Some(0), "put back: 1\n".to_owned()));
    for (wrong, words) in [
        (&["jobs", "retry", "4"][..], "job 4 is not dead"),
        (&["jobs", "retry", "99"], "there is no job 99"),
        (&["jobs", "retry"], "--all"),
        (&["jobs", "retry", "1", "--all"], "--all"),
    ] {
        let (code, said) = run(wrong);
        assert!(code == Some(1) && said.contains(words), "{wrong:?}: {said}");
    }
    assert_eq!(run(&["jobs", "list", "--dead"]).1.lines().count(), 2);
    assert_eq!(run(&["jobs", "retry", "--all"]).1, "put back: 2\n");
    assert_eq!(run(&["jobs", "list", "--dead"]).1, "no jobs\n");
    let base = process.serve().to_owned();
    eventually("all jobs are done", Duration::from_secs(30), || {
        caller(&base).get("/readyz").expect(200)["jobs_waiting"] == 0
    });
    assert_eq!(process.terminate(), Some(0));
}

#[test]
fn a_backlog_wakes_the_other_servers() {
    let first = quiet(Server::start_with(Engine::Postgres, |config| config.photos.render_workers = 1));
    let second = quiet(first.twin());
    crate::fan_out::listening(&first, 2);
    queue(&first, RENDER, 1..200);
    // The first takes one, sees more, and tells; the second looks once in a minute by itself.
    let job = block_on(async {
        let services = first.services();
        let (now, holder) = (services.now(), 1);
        let lease =
            move |conn: &mut Conn| rows::lease(conn, (now, now.plus_seconds(LEASE)), 1, holder, 8, true);
        services.db.write(lease).await.unwrap()
    });
    assert_eq!(job.len(), 1);
    eventually("the others are done", Duration::from_secs(30), || counts(&second) == (1, 0));
    let left: Result<bool, DbError> =
        block_on(first.services().db.write(move |conn| rows::done(conn, &job[0])));
    assert!(left.unwrap());
}
