//! 回访: the reporter is called after the closing, and somebody else decides whether that counts.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Resident, Server, both};

use crate::common::{clock, finished_by_grid1, last_facts, offered, refused, verbs, whole};

both!(
    a_call_back_ends_after_three_calls_to_nobody,
    what_the_reporter_said_is_kept_and_counted_by_another,
    a_reporter_who_is_not_satisfied_opens_it_again,
    who_has_rated_is_not_called,
    a_late_call_back_presses
);

fn said(solved: &str, reopen: bool) -> Value {
    let said = json!({ "solved": solved, "result": "partly", "process": "satisfied", "reopen": reopen });
    json!({ "said": said, "words": "电话回访" })
}

/// A closed ticket of a resident.
fn closed(server: &Server) -> (Resident, Value, i64) {
    let (resident, report, ticket) = finished_by_grid1(server);
    let closed = server.official("grid2").close(ticket);
    assert_eq!(closed["course"]["call_back_due"], true);
    (resident, report, ticket)
}

fn a_call_back_ends_after_three_calls_to_nobody(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = closed(&server);
    let dispatcher = server.official("dispatcher");
    for call in 1..=3 {
        assert!(offered(&dispatcher, ticket, "call_back"));
        let seen = dispatcher.command(ticket, "call-back", json!({}));
        assert_eq!(last_facts(&seen), &json!({ "reached": "false", "call": call.to_string() }));
        assert_eq!(seen["course"]["call_back_due"], call < 3);
    }
    assert_eq!(refused(&dispatcher, ticket, "call-back", json!({})), "no_call_back_due");
    assert_eq!(refused(&dispatcher, ticket, "call-back", said("yes", false)), "no_call_back_due");
    let seen = dispatcher.ticket(ticket);
    assert_eq!((&seen["course"]["call_backs"], &seen["course"]["clocks"]), (&json!([]), &json!([])));
    assert_eq!(
        refused(&server.chief(), ticket, "count", json!({ "counted": false, "reason": "x" })),
        "no_call_back"
    );
}

fn what_the_reporter_said_is_kept_and_counted_by_another(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = closed(&server);
    let (first, second) = (server.chief(), server.head());
    server.official("grid1").try_command(ticket, "call-back", said("yes", false)).problem(403, "forbidden");
    let called = first.command(ticket, "call-back", said("partly", false));
    let kept = &called["course"]["call_backs"][0];
    assert_eq!(
        (&kept["solved"], &kept["result"], &kept["process"]),
        (&json!("partly"), &json!("partly"), &json!("satisfied"))
    );
    assert_eq!((whole(&kept["round"]), &kept["counted"]), (0, &json!(true)));
    assert_eq!((&called["state"], &called["course"]["call_back_due"]), (&json!("closed"), &json!(false)));
    let body = json!({ "counted": false, "reason": "诉求不合理" });
    assert_eq!(refused(&first, ticket, "count", body.clone()), "own_call");
    server.official("dispatcher").try_command(ticket, "count", body.clone()).problem(403, "forbidden");
    let counted = second.command(ticket, "count", body);
    let kept = &counted["course"]["call_backs"][0];
    assert_eq!((&kept["counted"], &kept["counted_reason"]), (&json!(false), &json!("诉求不合理")));
    assert!(server.verify().breaks.is_empty());
}

fn a_reporter_who_is_not_satisfied_opens_it_again(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = closed(&server);
    let dispatcher = server.official("dispatcher");
    let again = dispatcher.command(ticket, "call-back", said("no", true));
    assert_eq!((&again["state"], whole(&again["reopens"])), (&json!("handling"), 1));
    assert_eq!(again["responsible"], again["located"]["grid"], "it goes back to who handled it");
    assert_eq!(clock(&again, "handle")["remaining_seconds"], 7200, "with the whole limit");
    assert_eq!(resident.own(&report)["state"], "handling");
    let count = json!({ "counted": true, "reason": "属实" });
    server.chief().try_command(ticket, "count", count.clone()).problem(409, "not_allowed_in_state");

    server.official("grid1").finish(ticket, "已再次整理。");
    let second = server.official("grid2").close(ticket);
    assert_eq!(second["course"]["call_back_due"], true, "each closing has a call-back of its own");
    assert_eq!(refused(&server.chief(), ticket, "count", count), "no_call_back");
    let called = dispatcher.command(ticket, "call-back", said("yes", false));
    let rounds: Vec<_> =
        called["course"]["call_backs"].as_array().unwrap().iter().map(|one| &one["round"]).collect();
    assert_eq!(json!(rounds), json!([0, 1]));
}

fn who_has_rated_is_not_called(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = closed(&server);
    resident.say(&report, "rating", &json!({ "solved": true, "stars": 5 })).expect(200);
    let dispatcher = server.official("dispatcher");
    assert!(!offered(&dispatcher, ticket, "call_back"));
    assert_eq!(refused(&dispatcher, ticket, "call-back", json!({})), "no_call_back_due");
    // A worker's own find has nobody to call.
    let grid1 = server.official("grid1");
    let found = grid1.post("reports", &Resident::draft("墙上有小广告")).expect(201);
    let own = found["ticket_id"].as_i64().unwrap();
    let photo = grid1.upload_any();
    let body = json!({ "category": "E0201", "answer": "已清除。", "photo_ids": [photo] });
    assert_eq!(grid1.command(own, "solve", body)["course"]["call_back_due"], false);
}

fn a_late_call_back_presses(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (_, _, ticket) = closed(&server);
    let dispatcher = server.official("dispatcher");
    let due = clock(&dispatcher.ticket(ticket), "call_back")["due_at"].clone();
    assert_eq!(due, "2026-03-06T09:30:00.000+08:00", "two working days");
    server.advance_to(&due);
    assert_eq!(server.ring(), 1);
    let seen = dispatcher.ticket(ticket);
    assert_eq!((verbs(&seen).last(), &last_facts(&seen)["phase"]), (Some(&"breach"), &json!("call_back")));
    dispatcher.command(ticket, "call-back", said("yes", false));
    server.advance_seconds(6 * 86_400);
    assert_eq!(server.ring(), 0, "once the reporter was reached nothing is due any more");
}
