//! Servers that are exchanged one by one under load, behind something that asks whether they are ready.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;

use serde_json::json;
use suishoupai_tests::{Engine, Instance, Line, Official, Process, Resident, Server, both, caller, jpeg};

use crate::common::{Ends, trouble, until};

both!(
    a_rolling_restart_loses_no_request,
    a_server_that_leaves_says_so_and_finishes_what_it_has,
    what_is_not_ready_is_told
);

const CLIENTS: usize = 4;

/// A balancer that sends requests to whoever says that it is ready, and tries nothing again.
#[derive(Default)]
struct Balancer {
    ready: RwLock<Vec<String>>,
    stop: AtomicBool,
    /// How many turns each client has begun.
    turns: [AtomicUsize; CLIENTS],
    served: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Balancer {
    /// Asks the servers whether they are ready, until the end.
    fn watch(&self, servers: &RwLock<Vec<String>>) {
        while !self.stop.load(Ordering::SeqCst) {
            let known = servers.read().unwrap().clone();
            let is_ready = |base: &String| {
                Line::default()
                    .ask(base, "GET", "/readyz", "connection: close\r\n", "")
                    .is_ok_and(|answer| answer.status == 200)
            };
            *self.ready.write().unwrap() = known.into_iter().filter(is_ready).collect();
            thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Sends the requests of one client, each to the next server that is ready, over kept connections.
    fn pass_on(&self, client: usize, requests: &[(&str, String, String, String)]) {
        let mut lines: Vec<(String, Line)> = Vec::new();
        for (turn, (method, path, head, body)) in requests.iter().cycle().enumerate() {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            self.turns[client].fetch_add(1, Ordering::SeqCst);
            let ready = self.ready.read().unwrap().clone();
            lines.retain(|(base, _)| ready.contains(base));
            // Where nobody is ready at the moment, the request waits for the next turn.
            let Some(base) = ready.get(turn % ready.len().max(1)) else {
                thread::yield_now();
                continue;
            };
            if !lines.iter().any(|(known, _)| known == base) {
                lines.push((base.clone(), Line::default()));
            }
            let line = &mut lines.iter_mut().find(|(known, _)| known == base).unwrap().1;
            let head = head.replace("{turn}", &turn.to_string());
            match line.ask(base, method, path, &head, body) {
                Ok(answer) if answer.status < 400 => {
                    self.served.fetch_add(1, Ordering::SeqCst);
                }
                Ok(answer) => {
                    let words = String::from_utf8_lossy(&answer.body).into_owned();
                    self.failed.lock().unwrap().push(format!("{method} {path}: {} {words}", answer.status));
                }
                Err(error) => self.failed.lock().unwrap().push(format!("{method} {path}: {error}")),
            }
        }
    }

    /// Every client has chosen a server anew, and has got the answers of what it asked before.
    fn goes_round(&self) {
        let before: Vec<usize> = self.turns.iter().map(|turns| turns.load(Ordering::SeqCst)).collect();
        until("everybody chooses anew", || {
            self.turns.iter().zip(&before).all(|(turns, before)| turns.load(Ordering::SeqCst) > before + 1)
        });
    }

    fn goes_on(&self) {
        let before = self.served.load(Ordering::SeqCst);
        until("requests are served", || self.served.load(Ordering::SeqCst) > before + 40);
    }
}

fn a_rolling_restart_loses_no_request(engine: Engine) {
    let process = Process::with_demo(engine);
    let start = || {
        let mut command = process.serving();
        // Longer than the balancer may take to see it, however slow the machine is.
        command.env("SUISHOUPAI_HTTP__DRAIN_LEAD_SECONDS", "300");
        Instance::start(command)
    };
    let mut running = vec![start(), start()];
    let servers = RwLock::new(running.iter().map(|one| one.base().to_owned()).collect::<Vec<_>>());
    let resident = Resident::sign_in(running[0].base());
    let grid1 = Official::sign_in(running[0].base(), "grid1");
    let balancer = Balancer::default();
    thread::scope(|scope| {
        let _ends = Ends(&balancer.stop);
        scope.spawn(|| balancer.watch(&servers));
        until("both are ready", || balancer.ready.read().unwrap().len() == 2);
        for client in 0..CLIENTS {
            let (balancer, token, official) =
                (&balancer, resident.token().to_owned(), grid1.token().to_owned());
            scope.spawn(move || {
                let json = "content-type: application/json\r\n";
                let head = format!(
                    "{json}authorization: Bearer {token}\r\nidempotency-key: rolling-{client}-{{turn}}\r\n"
                );
                balancer.pass_on(
                    client,
                    &[
                        ("POST", "/api/v1/reports".to_owned(), head, Resident::draft("滚动重启").to_string()),
                        (
                            "GET",
                            "/api/v1/tickets/pool?limit=3".to_owned(),
                            format!("authorization: Bearer {official}\r\n"),
                            String::new(),
                        ),
                        ("GET", "/healthz".to_owned(), String::new(), String::new()),
                    ],
                );
            });
        }
        balancer.goes_on();
        for _ in 0..2 {
            let fresh = start();
            servers.write().unwrap().push(fresh.base().to_owned());
            running.push(fresh);
            balancer.goes_on();
            let mut old = running.remove(0);
            old.signal("TERM");
            let has_seen = || !balancer.ready.read().unwrap().iter().any(|base| base == old.base());
            until("the balancer has seen that it leaves", has_seen);
            balancer.goes_round();
            // That is what the lead is for; the second signal ends it.
            assert_eq!(old.terminate(), Some(0));
            servers.write().unwrap().retain(|base| base != old.base());
            balancer.goes_on();
        }
    });
    let failed = balancer.failed.lock().unwrap();
    assert!(failed.is_empty(), "{} of {:?}: {:?}", failed.len(), balancer.served, failed.first());
    drop(running);
    let (code, text) = process.run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
}

fn a_server_that_leaves_says_so_and_finishes_what_it_has(engine: Engine) {
    let process = Process::with_demo(engine);
    let mut command = process.serving();
    command.env("SUISHOUPAI_HTTP__DRAIN_LEAD_SECONDS", "300");
    let mut server = Instance::start(command);
    let base = server.base().to_owned();
    let resident = Resident::sign_in(&base);
    assert_eq!(trouble(&base, "process"), "");
    let before = resident.get("/healthz");
    assert_eq!(before.header("connection"), "");
    // Half of an upload is under way when the stop comes.
    let photo = jpeg(320, 240);
    let (first, rest) = photo.split_at(photo.len() / 2);
    let mut upload = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let (token, length) = (resident.token(), photo.len());
    write!(upload, "POST /api/v1/photos HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n").unwrap();
    upload.write_all(first).unwrap();

    server.signal("TERM");
    until("it says so", || trouble(&base, "process").starts_with("draining"));
    let leaving = caller(&base).get("/readyz");
    assert_eq!((leaving.status, leaving.header("connection")), (503, "close"));
    let report = resident.post("reports", &Resident::draft("停机前的上报"));
    assert_eq!((report.status, report.header("connection")), (201, "close"), "{}", report.text());
    // Told again, it waits for balancers no longer, but for what it has begun.
    server.signal("TERM");
    until("it takes no more requests", || TcpStream::connect(base.trim_start_matches("http://")).is_err());
    upload.write_all(rest).unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    let head = answer.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 201") && head.contains("connection: close"), "{answer}");
    assert_eq!(server.wait(), Some(0));
}

fn what_is_not_ready_is_told(engine: Engine) {
    let server = Server::start(engine);
    let ready = server.nobody().get("/readyz").expect(200);
    assert_eq!((&ready["ready"], &ready["problems"]), (&json!(true), &json!([])));
    let parts: Vec<&str> =
        ready["parts"].as_array().unwrap().iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["process", "database", "schema", "photo_store", "mesh"]);
    // A newer server of a rolling upgrade has brought the schema on.
    server.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')").unwrap();
    let newer = server.nobody().get("/readyz").expect(503);
    assert_eq!(newer["problems"], json!(["the schema of the database is not that of this program"]));
    server.execute("DELETE FROM __diesel_schema_migrations WHERE version = '29990101000000'").unwrap();
    server.nobody().get("/readyz").expect(200);
}
