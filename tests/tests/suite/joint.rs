//! Several units on one ticket: own limits, own results, one lead.

use serde_json::{Value, json};
use suishoupai_core::flow::Role;
use suishoupai_tests::{Engine, Server, both};

use crate::common::{handled_by, last_facts, refused, verbs};

both!(
    an_assistant_that_is_late_does_not_make_the_lead_late,
    the_lead_finishes_when_every_assistant_is_in_or_released,
    an_assistant_gives_back_only_its_own_order
);

/// The order of a unit, the last one.
fn order<'a>(ticket: &'a Value, unit: &str) -> &'a Value {
    let orders = ticket["orders"].as_array().unwrap();
    orders.iter().rev().find(|order| order["unit"]["code"] == unit).unwrap()
}

fn an_assistant_that_is_late_does_not_make_the_lead_late(engine: Engine) {
    let server = Server::start_for_days(engine);
    let jiaojing = server.official("jiaojing");
    let (_, _, ticket) = handled_by(&server, &jiaojing, "P0206");
    let lead_due = jiaojing.ticket(ticket)["due_at"].clone();
    let body = json!({ "unit": server.unit("D10"), "reason": "需断电作业",
        "limit": { "amount": 2, "unit": "working_hours" } });
    let added = jiaojing.command(ticket, "add-assist", body.clone());
    assert_eq!(order(&added, "D10")["kind"], "assist");
    assert_eq!(order(&added, "D10")["due_at"], "2026-03-04T11:30:00.000+08:00");
    assert_eq!(added["due_at"], lead_due);
    assert_eq!(server.told("D10", ticket), ["add_assist"]);
    assert_eq!(refused(&jiaojing, ticket, "add-assist", body), "named_twice");

    server.advance_to(&order(&added, "D10")["due_at"]);
    assert_eq!(server.ring(), 1);
    assert_eq!(server.ring(), 0, "it is written down once");
    let seen = jiaojing.ticket(ticket);
    assert_eq!(verbs(&seen).last(), Some(&"assist_late"));
    assert_eq!(last_facts(&seen)["late_unit"], json!(server.unit("D10").to_string()));
    assert_eq!((&order(&seen, "D10")["late"], &order(&seen, "D05")["late"]), (&json!(true), &json!(false)));
    assert_eq!((&seen["overdue"], &seen["course"]["breaches"]), (&json!(false), &json!(0)));
    assert_eq!(server.told("D10", ticket), ["add_assist", "assist_late"]);
    assert_eq!(server.told("D05", ticket).last(), Some(&"assist_late"), "the lead knows whom it waits for");
    assert_eq!(server.told("D03", ticket), ["file"], "other assistants are left in peace");
}

fn the_lead_finishes_when_every_assistant_is_in_or_released(engine: Engine) {
    let server = Server::start(engine);
    let [jiaojing, shizheng, dispatcher] =
        ["jiaojing", "shizheng", "dispatcher"].map(|login| server.official(login));
    let (_, _, ticket) = handled_by(&server, &jiaojing, "P0206");
    let add = |unit: &str| json!({ "unit": server.unit(unit), "reason": "协助" });
    jiaojing.command(ticket, "add-assist", add("D10"));
    dispatcher.command(ticket, "add-assist", add("D01"));
    let photo = jiaojing.upload_any();
    let early = json!({ "answer": "已恢复", "photo_ids": [photo] });
    assert_eq!(refused(&jiaojing, ticket, "finish", early.clone()), "assists_open");
    shizheng.command(ticket, "accept", json!({}));
    let outcome = json!({ "quantities": [{ "kind": "护栏", "amount": 3.5, "unit": "m" }] });
    let done = shizheng.command(ticket, "finish", json!({ "answer": "立柱已换", "outcome": outcome }));
    assert_eq!((&done["state"], &order(&done, "D03")["state"]), (&json!("handling"), &json!("done")));
    assert_eq!(last_facts(&done)["quantity_1"], "护栏 3.5 m");
    let power = server.officer(Role::DepartmentOfficer, "D10");
    power.command(ticket, "finish", json!({ "answer": "已断电" }));
    assert_eq!(refused(&jiaojing, ticket, "finish", early), "assists_open");
    let release = json!({ "unit": server.unit("D01"), "reason": "不再需要" });
    let released = jiaojing.command(ticket, "release-assist", release.clone());
    assert_eq!(order(&released, "D01")["state"], "released");
    assert_eq!(refused(&jiaojing, ticket, "release-assist", release), "not_assisting");
    let finished = jiaojing.finish(ticket, "护栏已恢复。");
    assert_eq!((&finished["state"], &finished["responsible"]["code"]), (&json!("checking"), &json!("D05")));
}

fn an_assistant_gives_back_only_its_own_order(engine: Engine) {
    let server = Server::start(engine);
    let [jiaojing, shizheng] = ["jiaojing", "shizheng"].map(|login| server.official(login));
    let (_, _, ticket) = handled_by(&server, &jiaojing, "P0206");
    let body = json!({ "reason": "not_our_duty", "words": "非市政护栏" });
    let back = shizheng.command(ticket, "return", body.clone());
    assert_eq!((&back["state"], &back["responsible"]["code"]), (&json!("handling"), &json!("D05")));
    assert_eq!(
        (&order(&back, "D03")["state"], &order(&back, "D05")["state"]),
        (&json!("returned"), &json!("accepted"))
    );
    assert_eq!(back["returns"], 0, "only the lead's returns are disputes");
    shizheng.try_command(ticket, "return", body).problem(403, "forbidden");
    assert_eq!(jiaojing.finish(ticket, "护栏已恢复。")["state"], "checking");
}
