//! PostgreSQL is not there yet, is restarted, and crashes, while everybody works: each is served or told when to come
//! again, nothing that was answered is lost, and nothing is there twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use suishoupai_tests::{Caller, Cluster, Instance, Official, Process, Reply, Resident, Starting};

use crate::common::{Ends, keyed_report, trouble, until};

const REPORTERS: usize = 3;
/// More than a server lets anybody wait: its turn, and then a connection.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn postgres_goes_away_and_comes_back() {
    let cluster = Cluster::create();
    let process = Process::over(&cluster);
    a_start_waits_only_so_long(&process);
    let server = a_start_waits_for_the_database(&cluster, &process);
    let work = Work::begin(&server);
    thread::scope(|scope| {
        let _ends = Ends(&work.stop);
        for number in 0..REPORTERS {
            let work = &work;
            scope.spawn(move || work.report(number));
        }
        scope.spawn(|| work.claim());
        scope.spawn(|| work.read());
        work.goes_on();

        cluster.stop("fast");
        cluster.start();
        work.goes_on();

        cluster.stop("immediate");
        let refused = work.refused.load(Ordering::SeqCst);
        until("somebody is told to come again", || work.refused.load(Ordering::SeqCst) > refused);
        assert!(trouble(server.base(), "database").contains("does not answer"));
        let ready = suishoupai_tests::caller(server.base()).get("/readyz");
        assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
        cluster.start();
        work.goes_on();
        assert_eq!(trouble(server.base(), "database"), "");
    });
    work.is_all_there(&process);
}

fn a_start_waits_only_so_long(process: &Process) {
    let output = process.serving().env("SUISHOUPAI_DATA__START_WAIT_SECONDS", "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("waiting for the database, at most 1 seconds"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("suishoupai: the database is not available: "), "{last}");
    assert!(last.ends_with("waited 1 seconds for it (data.start_wait_seconds)"), "{last}");
    // Nobody has to wait for that either: it can be stopped meanwhile.
    let mut waiting = Starting::begin(process.serving());
    until("it waits", || waiting.instance.has_said("waiting for the database"));
    assert_eq!(waiting.instance.terminate(), Some(0));
}

fn a_start_waits_for_the_database(cluster: &Cluster, process: &Process) -> Instance {
    let mut starting = Starting::begin(process.serving());
    until("it waits", || starting.instance.has_said("waiting for the database"));
    cluster.start();
    starting.wait();
    starting.instance
}

/// What several people do at the same time, and what they were answered.
struct Work {
    stop: AtomicBool,
    /// Answers of 503.
    refused: AtomicUsize,
    /// Answers of success, of each.
    done: [AtomicUsize; REPORTERS + 2],
    residents: Vec<Resident>,
    grid1: Official,
    answered: std::sync::Mutex<Vec<(usize, String, Value)>>,
    claimed: std::sync::Mutex<Vec<i64>>,
}

impl Work {
    fn begin(server: &Instance) -> Self {
        Self {
            stop: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            done: Default::default(),
            residents: (0..REPORTERS).map(|_| Resident::sign_in(server.base())).collect(),
            grid1: Official::sign_in(server.base(), "grid1"),
            answered: Default::default(),
            claimed: Default::default(),
        }
    }

    /// Everybody gets something done from now on.
    fn goes_on(&self) {
        let before: Vec<usize> = self.done.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        until("everybody is served", || {
            self.done.iter().zip(&before).all(|(done, before)| done.load(Ordering::SeqCst) > before + 3)
        });
    }

    /// Asks again as long as the answer is 503, which must say when; the first other answer.
    fn served(&self, ask: impl Fn() -> Reply) -> Reply {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let asked = Instant::now();
            let reply = ask();
            assert!(asked.elapsed() < PATIENCE, "answered after {:?}: {}", asked.elapsed(), reply.text());
            if reply.status != 503 {
                return reply;
            }
            reply.problem(503, "unavailable");
            assert!(!reply.header("retry-after").is_empty());
            self.refused.fetch_add(1, Ordering::SeqCst);
            assert!(Instant::now() < deadline, "it does not recover");
        }
    }

    fn report(&self, number: usize) {
        let resident = &self.residents[number];
        for round in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let key = format!("outage-{number}-{round}");
            let draft = Resident::draft(&key);
            let receipt = self.served(|| keyed_report(resident, &key, &draft).unwrap()).expect(201);
            self.answered.lock().unwrap().push((number, key, receipt));
            self.done[number].fetch_add(1, Ordering::SeqCst);
        }
    }

    fn claim(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            let pool = self.served(|| self.grid1.get("tickets/pool?limit=5")).expect(200);
            for item in pool["items"].as_array().unwrap() {
                let path = format!("tickets/{}/claim", item["id"]);
                let claimed = self.served(|| self.grid1.post(&path, &json!({}))).expect(200);
                assert_eq!(claimed["version"], 2, "claimed once: {claimed}");
                self.claimed.lock().unwrap().push(item["id"].as_i64().unwrap());
                self.done[REPORTERS].fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn read(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            self.served(|| self.grid1.get("tickets/pool?limit=2")).expect(200);
            self.done[REPORTERS + 1].fetch_add(1, Ordering::SeqCst);
        }
    }

    fn is_all_there(&self, process: &Process) {
        let answered = self.answered.lock().unwrap();
        for (number, key, receipt) in answered.iter() {
            let resident: &Caller = &self.residents[*number];
            let again = keyed_report(resident, key, &Resident::draft(key)).unwrap().expect(201);
            assert_eq!(&again, receipt, "{key}");
        }
        for ticket in self.claimed.lock().unwrap().iter() {
            assert_eq!(self.grid1.ticket(*ticket)["state"], "claimed");
        }
        let (code, text) = process.run(&["verify"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(
            text.contains(&format!("{} tickets, ", answered.len())),
            "{} reports: {text}",
            answered.len()
        );
        assert!(text.contains("every chain is intact"), "{text}");
    }
}
