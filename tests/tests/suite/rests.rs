//! 挂账与缓办: no clock runs until the day of review, and the ticket stays in sight.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Server, both};

use crate::common::{clock, handled_by, offered, refused, verbs};

both!(
    a_suspended_ticket_wakes_on_its_day_of_review,
    a_deferral_is_ended_early,
    the_time_that_was_left_is_left_afterwards
);

fn listed(official: &Official, query: &str) -> Vec<i64> {
    let page = official.get(&format!("tickets?{query}")).expect(200);
    page["items"].as_array().unwrap().iter().map(|line| line["id"].as_i64().unwrap()).collect()
}

/// A request for a rest of so many days.
fn rest(server: &Server, days: i64) -> Value {
    let review_at = server.now().plus_seconds(days * 86_400).to_string();
    json!({ "review_at": review_at, "reason": "等待专项资金" })
}

fn a_suspended_ticket_wakes_on_its_day_of_review(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [shizheng, dispatcher, street] =
        ["shizheng", "dispatcher", "street"].map(|login| server.official(login));
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    for days in [0, 366] {
        assert_eq!(refused(&shizheng, ticket, "ask-suspension", rest(&server, days)), "bad_review_day");
    }
    let asked = shizheng.command(ticket, "ask-suspension", rest(&server, 20));
    let review = asked["course"]["requests"][0]["review_at"].clone();
    let rested = server.head().command(ticket, "grant", json!({ "words": "同意" }));
    assert_eq!((&rested["state"], &rested["course"]["review_at"]), (&json!("suspended"), &review));
    let stopped = clock(&rested, "handle");
    assert_eq!((&stopped["stopped"], stopped["due_at"].is_null()), (&json!(true), true), "{stopped}");
    let left = stopped["remaining_seconds"].clone();
    // It is out of the urgent lists but not out of sight.
    assert_eq!(listed(&dispatcher, "state=suspended"), [ticket]);
    assert_eq!(listed(&street, "state=suspended"), [ticket]);
    assert_eq!(listed(&dispatcher, "sort=urgency"), Vec::<i64>::new());
    assert_eq!(refused_states(&shizheng, ticket), ["finish", "ask-extension"]);

    server.advance_seconds(19 * 86_400);
    assert_eq!(server.ring(), 0, "nothing is due while it rests");
    server.advance_to(&review);
    assert_eq!(server.ring(), 1);
    assert_eq!(server.told("D03", ticket).last(), Some(&"review"));
    let shizheng = server.official("shizheng");
    let awake = shizheng.ticket(ticket);
    assert_eq!((&awake["state"], verbs(&awake).last()), (&json!("handling"), Some(&"review")));
    assert_eq!(clock(&awake, "handle")["remaining_seconds"], left, "it goes on with what was left");
    assert!(awake["course"]["review_at"].is_null());
    assert_eq!(shizheng.finish(ticket, "资金到位，已修复。")["state"], "checking");
    assert!(server.verify().breaks.is_empty());
}

/// Which of some commands of the work are refused because the ticket rests.
fn refused_states(officer: &Official, ticket: i64) -> Vec<&'static str> {
    let photo = officer.upload_any();
    let finish = json!({ "answer": "x", "photo_ids": [photo] });
    let more = json!({ "limit": { "amount": 1, "unit": "working_days" }, "reason": "x" });
    let tried = [("finish", finish), ("ask-extension", more)];
    let is_refused =
        |(verb, body): &(&'static str, Value)| refused(officer, ticket, verb, body.clone()) == "wrong_state";
    tried.iter().filter(|one| is_refused(one)).map(|(verb, _)| *verb).collect()
}

fn a_deferral_is_ended_early(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [shizheng, dispatcher] = ["shizheng", "dispatcher"].map(|login| server.official(login));
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    dispatcher.command(ticket, "ask-deferral", rest(&server, 3));
    let chief = server.chief();
    let put_off = chief.command(ticket, "grant", json!({ "words": "活动期间缓办" }));
    assert_eq!(put_off["state"], "deferred");
    assert!(offered(&shizheng, ticket, "resume") && offered(&dispatcher, ticket, "resume"));
    server.advance_seconds(86_400);
    let back = shizheng.command(ticket, "resume", json!({ "reason": "活动提前结束" }));
    assert_eq!((&back["state"], &back["course"]["review_at"]), (&json!("handling"), &Value::Null));
    assert_eq!(back["due_at"], "2026-03-10T09:30:00.000+08:00", "one working day of rest moves it by one");
    assert_eq!(refused(&shizheng, ticket, "resume", json!({})), "not_stopped");
    server.advance_seconds(2 * 86_400);
    server.ring();
    assert!(
        !verbs(&shizheng.ticket(ticket)).contains(&"review"),
        "a review that is no longer due is not held"
    );
}

fn the_time_that_was_left_is_left_afterwards(engine: Engine) {
    let server = Server::start_for_days(engine);
    let shizheng = server.official("shizheng");
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    // Resting twice, once over the weekend: 22.5 open hours in all, whatever the rests.
    server.advance_seconds(3600);
    for (days, left) in [(3, 21.5 * 3600.0), (1, 21.5 * 3600.0)] {
        shizheng.command(ticket, "ask-suspension", rest(&server, days));
        let chief = server.chief();
        let rested = chief.command(ticket, "grant", json!({ "words": "同意" }));
        assert_eq!(clock(&rested, "handle")["remaining_seconds"].as_f64(), Some(left));
        server.advance_to(&rested["course"]["review_at"]);
        assert_eq!(server.ring(), 1);
    }
    let awake = shizheng.ticket(ticket);
    assert_eq!(clock(&awake, "handle")["remaining_seconds"].as_f64(), Some(21.5 * 3600.0));
}
