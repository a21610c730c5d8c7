//! Reports that come in at the same time share a transaction; nobody notices but by the speed.

use std::thread;

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Reply, Resident, Server, both};

both!(
    one_bad_report_of_a_group_fails_alone,
    a_retry_in_the_same_group_gets_the_first_answer,
    a_photo_that_goes_while_a_report_waits_is_missed,
);

/// Sends all at once and lets them be written only when all of them wait.
fn at_once(server: &Server, requests: Vec<(&Resident, &str, Value)>) -> Vec<Reply> {
    at_once_with(server, requests, || ())
}

/// Sends all at once, does something else when all of them wait, and then lets them be written.
fn at_once_with(
    server: &Server,
    requests: Vec<(&Resident, &str, Value)>,
    meanwhile: impl FnOnce(),
) -> Vec<Reply> {
    let count = requests.len();
    let services = server.services();
    let turn = services.intake.hold();
    thread::scope(|scope| {
        let threads: Vec<_> = requests
            .into_iter()
            .map(|(who, key, body)| {
                let request = who.request(Method::POST, "reports").header("idempotency-key", key).json(&body);
                scope.spawn(move || Caller::send(request))
            })
            .collect();
        while services.intake.waiting() < count {
            thread::yield_now();
        }
        meanwhile();
        drop(turn);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn one_bad_report_of_a_group_fails_alone(engine: Engine) {
    let server = Server::start(engine);
    let [first, second] = [server.resident(), server.resident()];
    let photo = first.upload_any();
    let with_photo = |text: &str| {
        let mut draft = Resident::draft(text);
        draft["photo_ids"] = json!([photo]);
        draft
    };
    let replies = at_once(
        &server,
        vec![
            (&first, "a-report-1", with_photo("井盖响")),
            (&second, "a-report-2", with_photo("别人的照片")),
            (&second, "a-report-3", Resident::draft("路灯不亮")),
        ],
    );
    let made: Vec<Value> = [&replies[0], &replies[2]].map(|reply| reply.expect(201)).into();
    replies[1].problem(404, "photo_not_found");
    assert_ne!(made[0]["ticket_id"], made[1]["ticket_id"]);
    let rows = server.rows();
    assert_eq!((rows.tickets, rows.reports, rows.events), (2, 2, 2));
    assert!(server.verify().breaks.is_empty());
    for (who, report) in [(&first, &made[0]), (&second, &made[1])] {
        assert_eq!(who.own(report)["receipt"], report["receipt"]);
    }
}

fn a_retry_in_the_same_group_gets_the_first_answer(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let draft = || Resident::draft("水管爆了");
    let group = vec![
        (&resident, "b-report-1", draft()),
        (&resident, "b-report-1", draft()),
        (&resident, "b-report-1", Resident::draft("别的事")),
        (&resident, "b-report-2", draft()),
    ];
    let replies = at_once(&server, group);
    // Which of the first three came first is a matter of chance; the others of them are told so.
    let made: Vec<Value> =
        replies.iter().filter(|reply| reply.status == 201).map(|reply| reply.expect(201)).collect();
    let others: Vec<&Reply> = replies.iter().filter(|reply| reply.status != 201).collect();
    assert!(!others.is_empty() && others.len() <= 2, "{} of 4 were refused", others.len());
    for reply in others {
        reply.problem(422, "idempotency_key_reused");
    }
    let rows = server.rows();
    assert_eq!((rows.tickets, rows.reports), (2, 2));
    let mut tickets: Vec<String> = made.iter().map(|answer| answer["ticket_id"].to_string()).collect();
    tickets.sort();
    tickets.dedup();
    assert_eq!(tickets.len(), 2, "a retry got the first answer");
}

fn a_photo_that_goes_while_a_report_waits_is_missed(engine: Engine) {
    let server = Server::start(engine);
    let [first, second] = [server.resident(), server.resident()];
    let (gone, there) = (first.upload_any(), second.upload_any());
    let with = |photo: i64| {
        let mut draft = Resident::draft("路面坑洞");
        draft["photo_ids"] = json!([photo]);
        draft
    };
    server.drain();
    let group = vec![(&first, "c-report-1", with(gone)), (&second, "c-report-2", with(there))];
    let replies = at_once_with(&server, group, || {
        server.execute(&format!("DELETE FROM photos WHERE id = {gone}")).unwrap();
    });
    replies[0].problem(404, "photo_not_found");
    let made = replies[1].expect(201);
    assert_eq!(second.own(&made)["receipt"], made["receipt"]);
    assert_eq!(server.rows().tickets, 1);
    assert!(server.verify().breaks.is_empty());
}
