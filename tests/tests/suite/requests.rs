//! 延期与作废: what is asked for takes effect by somebody else's word.

use serde_json::{Value, json};
use suishoupai_core::flow::Role;
use suishoupai_tests::{Engine, Server, both};

use crate::common::{CENTRE, handled_by, last_facts, offered, refused, reported};

both!(
    the_first_extension_is_the_duty_chiefs,
    a_further_extension_needs_a_review_and_the_head,
    a_denied_request_changes_nothing,
    a_ticket_is_voided_by_a_second_person,
    a_request_that_nobody_decided_lapses_when_the_ticket_moves_on
);

/// A request for more time, in working days.
fn more(days: u32) -> Value {
    json!({ "limit": { "amount": days, "unit": "working_days" }, "reason": "连日下雨" })
}

fn words() -> Value {
    json!({ "words": "情况属实" })
}

/// A request of a ticket by its number, from 1.
fn request(ticket: &Value, seq: usize) -> &Value {
    &ticket["course"]["requests"][seq - 1]
}

fn the_first_extension_is_the_duty_chiefs(engine: Engine) {
    let server = Server::start(engine);
    let [shizheng, dispatcher] = ["shizheng", "dispatcher"].map(|login| server.official(login));
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    let chief = server.chief();
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-09T09:30:00.000+08:00");
    assert_eq!(refused(&chief, ticket, "grant", words()), "no_request");
    assert_eq!(refused(&shizheng, ticket, "ask-extension", more(4)), "extension_too_long");
    let asked = shizheng.command(ticket, "ask-extension", more(3));
    assert_eq!(
        (&request(&asked, 1)["kind"], &request(&asked, 1)["state"]),
        (&json!("extension"), &json!("asked"))
    );
    assert_eq!(asked["due_at"], "2026-03-09T09:30:00.000+08:00", "asking moves nothing");
    assert_eq!(server.told(CENTRE, ticket), ["ask_extension"]);
    assert_eq!(refused(&shizheng, ticket, "ask-extension", more(1)), "request_open");
    assert_eq!(refused(&shizheng, ticket, "ask-void", json!({ "reason": "x" })), "request_open");
    assert_eq!(refused(&dispatcher, ticket, "grant", words()), "not_yours");
    shizheng.try_command(ticket, "grant", words()).problem(403, "forbidden");
    assert!(offered(&chief, ticket, "grant") && !offered(&chief, ticket, "endorse"));
    let granted = chief.command(ticket, "grant", words());
    assert_eq!((&granted["state"], &granted["course"]["extensions"]), (&json!("handling"), &json!(1)));
    assert_eq!(granted["due_at"], "2026-03-12T09:30:00.000+08:00");
    assert_eq!(request(&granted, 1)["decision"], "情况属实");
    assert_eq!(server.told("D03", ticket).last(), Some(&"grant"), "who asked is told");
    let orders = shizheng.get("work-orders?state=accepted").expect(200);
    assert_eq!(orders["items"][0]["due_at"], granted["due_at"]);
}

fn a_further_extension_needs_a_review_and_the_head(engine: Engine) {
    let server = Server::start(engine);
    let shizheng = server.official("shizheng");
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    let (chief, head) = (server.chief(), server.head());
    shizheng.command(ticket, "ask-extension", more(3));
    chief.command(ticket, "grant", words());
    shizheng.command(ticket, "ask-extension", more(1));
    assert_eq!(refused(&chief, ticket, "grant", words()), "needs_head");
    assert_eq!(refused(&head, ticket, "grant", words()), "needs_endorsement");
    assert!(!offered(&head, ticket, "grant") && offered(&chief, ticket, "endorse"));
    head.try_command(ticket, "endorse", words()).problem(403, "forbidden");
    let endorsed = chief.command(ticket, "endorse", words());
    assert_eq!(request(&endorsed, 2)["state"], "endorsed");
    assert_eq!(refused(&chief, ticket, "endorse", words()), "no_request");
    let granted = head.command(ticket, "grant", words());
    assert_eq!(
        (&granted["course"]["extensions"], &granted["due_at"]),
        (&json!(2), &json!("2026-03-13T09:30:00.000+08:00"))
    );
    assert!(server.verify().breaks.is_empty());
}

fn a_denied_request_changes_nothing(engine: Engine) {
    let server = Server::start(engine);
    let shizheng = server.official("shizheng");
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    let due = shizheng.command(ticket, "ask-extension", more(1))["due_at"].clone();
    let denied = server.chief().command(ticket, "deny", json!({ "words": "天气已转好" }));
    assert_eq!((&request(&denied, 1)["state"], &denied["due_at"]), (&json!("denied"), &due));
    assert_eq!(denied["course"]["extensions"], 0);
    let again = shizheng.command(ticket, "ask-extension", more(1));
    assert_eq!(
        (&request(&again, 1)["state"], &request(&again, 2)["state"]),
        (&json!("denied"), &json!("asked"))
    );
    // A denied one does not count: this is still the first.
    assert_eq!(server.chief().command(ticket, "grant", words())["course"]["extensions"], 1);
}

fn a_ticket_is_voided_by_a_second_person(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported(&server, "测试一下");
    let [dispatcher, inspector] = ["dispatcher", "inspector"].map(|login| server.official(login));
    dispatcher.command(ticket, "ask-void", json!({ "reason": "测试数据" }));
    assert_eq!(refused(&dispatcher, ticket, "grant", words()), "own_work");
    assert!(!offered(&dispatcher, ticket, "grant") && !offered(&dispatcher, ticket, "deny"));
    inspector.try_command(ticket, "grant", words()).problem(403, "forbidden");
    // The request outlives the work that goes on meanwhile.
    server.official("grid1").claim_and_file(ticket, "P0201");
    let second = server.officer(Role::Dispatcher, CENTRE);
    let voided = second.command(ticket, "grant", words());
    assert_eq!((&voided["state"], voided["closed_at"].is_string()), (&json!("voided"), true));
    assert_eq!(voided["orders"][0]["state"], "released");
    assert_eq!(last_facts(&voided)["request"], "void");
    assert_eq!(resident.own(&report)["state"], "voided");
    assert_eq!(second.ticket(ticket)["allowed_actions"], json!([]));
    server.advance_seconds(30 * 86_400);
    assert_eq!(server.ring(), 0, "nothing of a voided ticket is ever due");
}

fn a_request_that_nobody_decided_lapses_when_the_ticket_moves_on(engine: Engine) {
    let server = Server::start(engine);
    let shizheng = server.official("shizheng");
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    shizheng.command(ticket, "ask-extension", more(1));
    let done = shizheng.finish(ticket, "已修补。");
    assert_eq!(request(&done, 1)["state"], "lapsed");
    assert!(request(&done, 1)["decided_at"].is_string() && request(&done, 1)["decision"].is_null());
    assert_eq!(refused(&server.chief(), ticket, "grant", words()), "no_request");
}
