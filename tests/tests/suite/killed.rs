//! The program is killed again and again in the middle of its work: what it answered is there, what was in no one's
//! hands or in one's is so still, and nothing lies about in the photo store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Instance, Official, Process, Resident, Server, both, jpeg};

use crate::common::{Ends, keyed_report, until, whole};

both!(what_was_answered_survives_many_kills);

/// On each engine.
const KILLS: usize = 25;
const REPORTERS: usize = 3;

fn what_was_answered_survives_many_kills(engine: Engine) {
    let process = Process::with_demo(engine);
    let mut moments = Moments(0x5eed_0000 + engine as u64);
    let mut crew: Option<Crew> = None;
    for _ in 0..KILLS {
        let mut server = Instance::start(process.serving());
        let crew = crew.get_or_insert_with(|| Crew::sign_in(server.base()));
        crew.work_until_killed(&mut server, &mut moments);
    }
    let crew = crew.unwrap();
    let server = process.into_server();
    crew.finish(&server);
    crew.is_all_there(&server);
    nothing_lies_about(&server);
}

/// Numbers that look like chance and are the same in every run.
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A report that has to be made.
#[derive(Clone)]
struct Draft {
    key: String,
    photo: Vec<u8>,
    /// The photo's key, once it has been answered.
    photo_id: Option<i64>,
}

/// Somebody who reports; a draft that got no answer is sent again after the next start.
struct Reporter {
    caller: Caller,
    number: usize,
    next: usize,
    open: Option<Draft>,
    answered: Vec<(Draft, Value)>,
}

struct Crew {
    reporters: Vec<Mutex<Reporter>>,
    workers: [Official; 2],
    /// Who was told that a claim is theirs.
    holders: Mutex<BTreeMap<i64, BTreeSet<usize>>>,
}

impl Crew {
    fn sign_in(base: &str) -> Self {
        let reporter = |number| {
            let caller = (*Resident::sign_in(base)).clone();
            Mutex::new(Reporter { caller, number, next: 0, open: None, answered: Vec::new() })
        };
        let reporters = (0..REPORTERS).map(reporter).collect();
        Self {
            reporters,
            workers: ["grid1", "grid2"].map(|name| Official::sign_in(base, name)),
            holders: Mutex::default(),
        }
    }

    fn work_until_killed(&self, server: &mut Instance, moments: &mut Moments) {
        let (answers, dead) = (AtomicUsize::new(0), AtomicBool::new(false));
        let base = server.base().to_owned();
        thread::scope(|scope| {
            let (base, answers, dead) = (&base, &answers, &dead);
            let ends = Ends(dead);
            for reporter in &self.reporters {
                scope.spawn(move || {
                    let mut reporter = reporter.lock().unwrap();
                    while !dead.load(Ordering::SeqCst) && reporter.send_next(base).is_ok() {
                        answers.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            for number in 0..self.workers.len() {
                scope.spawn(
                    move || while !dead.load(Ordering::SeqCst) && self.claim_next(base, number).is_ok() {},
                );
            }
            // After so many answers, and then in the middle of whatever is under way.
            let wanted = 2 + moments.below(8);
            until("there are answers", || answers.load(Ordering::SeqCst) as u64 >= wanted);
            thread::sleep(std::time::Duration::from_micros(moments.below(20_000)));
            server.kill();
            drop(ends);
        });
    }

    fn claim_next(&self, base: &str, number: usize) -> Result<(), String> {
        let worker = self.workers[number].at(base);
        let pool =
            Caller::try_send(worker.request(reqwest::Method::GET, "tickets/pool?limit=5"))?.expect(200);
        for item in pool["items"].as_array().unwrap() {
            let ticket = whole(&item["id"]);
            let path = format!("tickets/{ticket}/claim");
            let claimed = Caller::try_send(worker.request(reqwest::Method::POST, &path).json(&json!({})))?;
            if claimed.status == 200 {
                let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
                holders.entry(ticket).or_default().insert(number);
            } else {
                claimed.problem(409, "already_claimed");
            }
        }
        Ok(())
    }

    /// Sends what got no answer before the last kill.
    fn finish(&self, server: &Server) {
        for reporter in &self.reporters {
            let mut reporter = reporter.lock().unwrap();
            if reporter.open.is_some() {
                reporter.send_next(server.base()).unwrap();
            }
        }
    }

    fn is_all_there(&self, server: &Server) {
        // The jobs of the killed are due when their leases are over.
        server.advance_seconds(180);
        server.drain_all();
        let mut count = 0;
        for reporter in &self.reporters {
            let reporter = reporter.lock().unwrap();
            let caller = reporter.caller.at(server.base());
            for (draft, receipt) in &reporter.answered {
                count += 1;
                let seen = caller.get(&format!("reports/{}", receipt["id"])).expect(200);
                assert_eq!(seen["receipt_number"], receipt["receipt_number"]);
                assert_eq!(seen["photos"][0]["id"], json!(draft.photo_id));
                assert_eq!(seen["photos"][0]["state"], "ready", "{seen}");
            }
            let (draft, receipt) = reporter.answered.last().unwrap();
            let body =
                json!({ "receipt_number": receipt["receipt_number"], "query_code": receipt["query_code"] });
            server.nobody().post("reports/follow", &body).expect(200);
            let original = caller.get(&format!("photos/{}/original", draft.photo_id.unwrap()));
            assert!(original.body == draft.photo);
        }
        assert_eq!(server.rows().tickets, count, "one ticket for each key");
        let holders = self.holders.lock().unwrap();
        assert!(!holders.is_empty());
        for (ticket, told) in holders.iter() {
            assert_eq!(told.len(), 1, "ticket {ticket} is in two hands");
            let worker = self.workers[*told.first().unwrap()].at(server.base());
            let seen = worker.get(&format!("tickets/{ticket}")).expect(200);
            assert!(seen["allowed_actions"].as_array().unwrap().contains(&json!("file")), "{seen}");
        }
        let verified = server.verify();
        assert!(verified.breaks.is_empty(), "{verified:?}");
    }
}

impl Reporter {
    /// Uploads the photo of the next report and sends the report.
    fn send_next(&mut self, base: &str) -> Result<(), String> {
        let draft = self.open.get_or_insert_with(|| {
            self.next += 1;
            let side = |part: usize| u32::try_from(24 + part).unwrap();
            let photo = jpeg(side(self.number * 40 + self.next % 40), side(self.next / 40));
            Draft { key: format!("killed-{}-{}", self.number, self.next), photo, photo_id: None }
        });
        let caller = self.caller.at(base);
        let request = caller.request(reqwest::Method::POST, "photos").header("content-type", "image/jpeg");
        let uploaded = Caller::try_send(request.body(draft.photo.clone()))?;
        assert!(matches!(uploaded.status, 200 | 201), "{}", uploaded.text());
        let id = whole(&uploaded.json()["id"]);
        assert_eq!(draft.photo_id.replace(id).unwrap_or(id), id, "the same photo");
        let mut body = Resident::draft(&draft.key);
        body["photo_ids"] = json!([id]);
        let receipt = keyed_report(&caller, &draft.key, &body)?.expect(201);
        self.answered.extend(self.open.take().map(|draft| (draft, receipt)));
        Ok(())
    }
}

/// After the sweep there is an object for each row and a row for each object.
fn nothing_lies_about(server: &Server) {
    server.sweep_orphans();
    server.advance_seconds(25 * 3600);
    server.sweep_orphans();
    let digest = |key: &String| key.rsplit_once('/').unwrap().1.split_once('.').unwrap().0.to_owned();
    let stored: BTreeSet<String> = server.originals().iter().map(digest).collect();
    assert_eq!(stored, server.digests().into_iter().collect());
    assert_eq!(server.sweep_orphans(), 0);
}
