//! 敏感与必报: kinds that only named roles see, and kinds that somebody must attend to at once.

use serde_json::{Value, json};
use suishoupai_core::flow::Role;
use suishoupai_tests::{Engine, Resident, Server, both};

use crate::common::{CENTRE, COMMUNITY, STREET, clock, last_facts, offered, refused, reported, verbs};

both!(
    a_sensitive_ticket_is_seen_by_named_roles_only,
    a_ticket_that_turns_out_sensitive_is_answered_once_more,
    what_must_be_reported_is_attended_to_on_the_spot,
    nobody_on_the_spot_is_told_upwards,
    what_turns_out_to_be_must_report_is_told_then
);

/// A resident's report of a category, the resident, and the key of the ticket.
fn reported_as(server: &Server, category: &str) -> (Resident, Value, i64) {
    let resident = server.resident();
    let mut draft = Resident::draft("请尽快派人");
    draft["category"] = json!(category);
    let report = resident.post("reports", &draft).expect(201);
    let ticket = report["ticket_id"].as_i64().unwrap();
    (resident, report, ticket)
}

fn a_sensitive_ticket_is_seen_by_named_roles_only(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported_as(&server, "E0606");
    let path = format!("tickets/{ticket}");
    let ordinary = reported(&server, "路灯不亮").2;
    let ids = |who: &suishoupai_tests::Official, what: &str| -> Vec<i64> {
        let page = who.get(what).expect(200);
        page["items"].as_array().unwrap().iter().map(|line| line["id"].as_i64().unwrap()).collect()
    };
    for login in ["grid1", "community", "observer", "admin", "chengguan"] {
        let who = server.official(login);
        who.get(&path).problem(404, "ticket_not_found");
        assert!(!ids(&who, "tickets").contains(&ticket), "{login}");
    }
    for login in ["grid1", "community"] {
        let who = server.official(login);
        assert_eq!(ids(&who, "tickets/pool"), [ordinary], "{login}");
        who.post(&format!("{path}/claim"), &json!({})).problem(404, "ticket_not_found");
    }
    let named = ["street", "dispatcher", "inspector"].map(|login| server.official(login));
    for who in named.iter().chain([&server.chief(), &server.head()]) {
        assert_eq!(who.get(&path).expect(200)["course"]["sensitive"], true);
        assert_eq!(ids(who, "tickets"), [ordinary, ticket]);
    }
    assert_eq!(ids(&named[0], "tickets/pool"), [ticket, ordinary]);
    named[0].claim_and_file(ticket, "E0606");
    let civil = server.officer(Role::DepartmentOfficer, "D17");
    assert_eq!(civil.command(ticket, "accept", json!({}))["state"], "handling");
    assert_eq!(ids(&civil, "tickets"), [ticket], "who works on it sees it");
    assert_eq!(resident.own(&report)["state"], "handling");
    server.official("grid1").get(&path).problem(404, "ticket_not_found");
}

fn a_ticket_that_turns_out_sensitive_is_answered_once_more(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "邻里争吵");
    let grid1 = server.official("grid1");
    grid1.command(ticket, "claim", json!({}));
    let filed = grid1.command(ticket, "file", json!({ "category": "E0606" }));
    assert_eq!((&filed["state"], &filed["allowed_actions"]), (&json!("dispatched"), &json!([])));
    grid1.get(&format!("tickets/{ticket}")).problem(404, "ticket_not_found");
    assert_eq!(server.official("street").ticket(ticket)["state"], "dispatched");
}

fn what_must_be_reported_is_attended_to_on_the_spot(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported_as(&server, "P0101");
    assert_eq!(server.told(STREET, ticket), ["open"]);
    assert_eq!(server.told(CENTRE, ticket), ["open"]);
    let grid1 = server.official("grid1");
    assert_eq!(
        clock(&grid1.ticket(ticket), "arrive")["due_at"],
        "2026-03-04T10:00:00.000+08:00",
        "30 minutes"
    );
    grid1.command(ticket, "claim", json!({}));
    assert_eq!(refused(&grid1, ticket, "arrive", json!({})), "needs_reason");
    assert_eq!(
        refused(&grid1, ticket, "arrive", json!({ "position": server.standing(400.0) })),
        "needs_reason"
    );
    let body =
        json!({ "position": server.standing(30.0), "words": "已设围挡", "photo_ids": [grid1.upload_any()] });
    let there = grid1.command(ticket, "arrive", body.clone());
    assert_eq!((&last_facts(&there)["on_spot"], &there["state"]), (&json!("true"), &json!("claimed")));
    let phases: Vec<_> =
        there["course"]["clocks"].as_array().unwrap().iter().map(|one| &one["phase"]).collect();
    assert_eq!(json!(phases), json!(["verify"]));
    assert!(!offered(&grid1, ticket, "arrive"));
    assert_eq!(refused(&grid1, ticket, "arrive", body), "nothing_to_do");
    let filed = grid1.command(ticket, "file", json!({ "category": "P0101" }));
    let phases: Vec<_> =
        filed["course"]["clocks"].as_array().unwrap().iter().map(|one| &one["phase"]).collect();
    assert_eq!(json!(phases), json!(["sign"]), "somebody has been there; it is not asked again");
}

fn nobody_on_the_spot_is_told_upwards(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported_as(&server, "P0101");
    let shizheng = server.official("shizheng");
    server.official("grid1").claim_and_file(ticket, "P0101");
    shizheng.command(ticket, "accept", json!({}));
    server.advance_seconds(1800);
    assert_eq!(server.ring(), 1);
    let seen = shizheng.ticket(ticket);
    assert_eq!((verbs(&seen).last(), &last_facts(&seen)["phase"]), (Some(&"breach"), &json!("arrive")));
    assert_eq!(clock(&seen, "arrive")["pressure"], "overdue");
    assert_eq!(server.told("D03", ticket).last(), Some(&"breach"));
    assert_eq!(server.told(CENTRE, ticket), ["open", "breach"], "nobody but the district stands above D03");
    assert_eq!((&seen["overdue"], &clock(&seen, "handle")["pressure"]), (&json!(false), &json!("normal")));
}

fn what_turns_out_to_be_must_report_is_told_then(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "地上有个洞");
    assert!(server.told(STREET, ticket).is_empty());
    let filed = server.official("grid1").claim_and_file(ticket, "P0101");
    assert_eq!(clock(&filed, "arrive")["stopped"], false);
    assert_eq!(server.told(STREET, ticket), ["file"]);
    assert_eq!(server.told(CENTRE, ticket), ["file"]);
    assert_eq!(server.told(COMMUNITY, ticket), Vec::<&str>::new());
}
