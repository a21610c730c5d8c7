//! Limits and retry keys hold however many processes there are, and when all are asked at once.

use std::sync::Barrier;
use std::thread;

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_api::demo::PASSWORD;
use suishoupai_tests::{Caller, Engine, Reply, Resident, Server, both};

use crate::common::handled_by;

both!(
    one_key_at_two_servers_makes_one_report,
    wrong_passwords_are_counted_at_all_servers,
    one_code_is_sent_to_a_phone,
    wrong_codes_are_counted_at_all_servers,
    wrong_query_codes_are_counted_at_all_servers,
    a_resident_urges_once_wherever_it_is_asked,
);

/// Asks two servers by turns, all at once.
fn at_both(servers: [&Server; 2], count: usize, ask: impl Fn(&Caller) -> Reply + Sync) -> Vec<Reply> {
    let start = Barrier::new(count);
    let callers: Vec<Caller> = servers.iter().map(|server| server.nobody()).collect();
    thread::scope(|scope| {
        let (start, ask, callers) = (&start, &ask, &callers);
        let one = |number: usize| {
            scope.spawn(move || {
                start.wait();
                ask(&callers[number % callers.len()])
            })
        };
        let threads: Vec<_> = (0..count).map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn with_status(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

fn one_key_at_two_servers_makes_one_report(engine: Engine) {
    const EACH: usize = 8;
    let first = Server::start(engine);
    let second = first.twin();
    let resident = first.resident();
    let draft = Resident::draft("水管爆了");
    for key in ["across-report-1", "across-report-2", "across-report-3"] {
        // Both gather their half, and write it at the same moment.
        let turns = [first.services().intake.hold(), second.services().intake.hold()];
        let answers: Vec<Value> = thread::scope(|scope| {
            let ask = |caller: &Caller| {
                let request = caller.with_token(resident.token()).request(Method::POST, "reports");
                Caller::send(request.header("idempotency-key", key).json(&draft))
            };
            let servers = [&first, &second];
            let asked = scope.spawn(move || at_both(servers, 2 * EACH, ask));
            while servers.iter().any(|server| server.services().intake.waiting() < EACH) {
                thread::yield_now();
            }
            drop(turns);
            asked.join().unwrap().iter().map(|reply| reply.expect(201)).collect()
        });
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    }
    let rows = second.rows();
    assert_eq!((rows.tickets, rows.reports, rows.events), (3, 3, 3));
    assert!(first.verify().breaks.is_empty());
}

fn wrong_passwords_are_counted_at_all_servers(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let wrong = json!({ "name": "grid1", "password": "falsch-falsch" });
    let replies = at_both([&first, &second], 16, |caller| caller.post("auth/password", &wrong));
    assert_eq!((with_status(&replies, 401), with_status(&replies, 429)), (10, 6), "{replies:?}");
    let right = json!({ "name": "grid1", "password": PASSWORD });
    for server in [&first, &second] {
        let refused = server.nobody().post("auth/password", &right);
        refused.problem(429, "too_many_requests");
        assert!((1..=900).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    }
    first.advance_seconds(15 * 60);
    let replies = at_both([&first, &second], 6, |caller| caller.post("auth/password", &right));
    assert_eq!(with_status(&replies, 200), 6, "{replies:?}");
    let again = (0..12).map(|_| second.nobody().post("auth/password", &right));
    assert!(again.into_iter().all(|reply| reply.status == 200), "what was right does not count");
}

fn one_code_is_sent_to_a_phone(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let phone = "13812349801";
    for _ in 0..2 {
        let replies =
            at_both([&first, &second], 12, |caller| caller.post("auth/codes", &json!({ "phone": phone })));
        assert_eq!((with_status(&replies, 202), with_status(&replies, 429)), (1, 11), "{replies:?}");
        let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
        assert_eq!(refused.header("retry-after"), "60");
        first.advance_seconds(60);
    }
}

fn wrong_codes_are_counted_at_all_servers(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let phone = suishoupai_tests::new_phone();
    first.nobody().post("auth/codes", &json!({ "phone": phone })).expect(202);
    let code = suishoupai_tests::code_for(&phone);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let replies = at_both([&first, &second], 8, |caller| {
        caller.post("auth/phone", &json!({ "phone": phone, "code": wrong }))
    });
    assert_eq!(with_status(&replies, 401), 8, "{replies:?}");
    let right = json!({ "phone": phone, "code": code });
    second.nobody().post("auth/phone", &right).problem(401, "code_wrong");

    first.advance_seconds(60);
    first.nobody().post("auth/codes", &json!({ "phone": phone })).expect(202);
    let right = json!({ "phone": phone, "code": suishoupai_tests::code_for(&phone) });
    let replies = at_both([&first, &second], 8, |caller| caller.post("auth/phone", &right));
    assert_eq!((with_status(&replies, 200), with_status(&replies, 401)), (1, 7), "a code is good once");
}

fn wrong_query_codes_are_counted_at_all_servers(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let report = first.resident().report("井盖响");
    let body = |code: &Value| json!({ "receipt_number": report["receipt_number"], "query_code": code });
    let right = body(&report["query_code"]);
    let followed = at_both([&first, &second], 12, |caller| caller.post("reports/follow", &right));
    assert_eq!(with_status(&followed, 200), 12, "whoever knows the code may look often");
    let wrong = body(&json!("AAAAAAAA"));
    let replies = at_both([&first, &second], 16, |caller| caller.post("reports/follow", &wrong));
    assert_eq!((with_status(&replies, 404), with_status(&replies, 429)), (10, 6), "{replies:?}");
    second.nobody().post("reports/follow", &right).problem(429, "too_many_requests");
}

fn a_resident_urges_once_wherever_it_is_asked(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let shizheng = first.official("shizheng");
    let (resident, report, ticket) = handled_by(&first, &shizheng, "P0201");
    let path = format!("reports/{}/urge", report["id"]);
    let ask = |caller: &Caller| caller.with_token(resident.token()).post(&path, &json!({}));
    let replies = at_both([&first, &second], 8, ask);
    assert_eq!((with_status(&replies, 200), with_status(&replies, 409)), (1, 7), "{replies:?}");
    let seen = shizheng.ticket(ticket);
    let urged = seen["events"].as_array().unwrap().iter().filter(|line| line["action"] == "urge").count();
    assert_eq!(urged, 1);
}
