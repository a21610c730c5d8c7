//! 吹哨报到: a street summons departments to a place and time, and what comes of it becomes work orders.

use serde_json::{Value, json};
use suishoupai_storage::db::desk;
use suishoupai_tests::{Engine, Server, both};

use crate::common::{last_facts, offered, refused, reported, stands, unit_of_lead};

both!(
    summoned_units_answer_and_sign_in_on_the_spot,
    what_comes_of_it_becomes_work_orders,
    a_whistle_may_end_without_new_orders
);

/// A summons of 城管, 住建 and 市政 in an hour.
fn summons(server: &Server) -> Value {
    let units = ["D01", "D07", "D03"].map(|code| server.unit(code));
    let meet_at = server.now().plus_seconds(3600).to_string();
    json!({ "units": units, "place": "鸿山公园正门", "meet_at": meet_at, "words": "违建与坑洞并存，请现场会商" })
}

/// A filed ticket with an open whistle of the street.
fn whistled(server: &Server) -> i64 {
    let (_, _, ticket) = reported(server, "违建");
    server.official("grid1").claim_and_file(ticket, "E0107");
    server.official("street").command(ticket, "whistle", summons(server));
    ticket
}

fn summoned_units_answer_and_sign_in_on_the_spot(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "违建");
    let [grid1, street, chengguan, zhujian, shizheng] =
        ["grid1", "street", "chengguan", "zhujian", "shizheng"].map(|login| server.official(login));
    grid1.claim_and_file(ticket, "E0107");
    shizheng.get(&format!("tickets/{ticket}")).problem(404, "ticket_not_found");
    grid1.try_command(ticket, "whistle", summons(&server)).problem(403, "forbidden");
    let mut past = summons(&server);
    past["meet_at"] = json!(server.now().to_string());
    assert_eq!(refused(&street, ticket, "whistle", past), "meeting_past");
    let blown = street.command(ticket, "whistle", summons(&server));
    assert_eq!(blown["state"], "dispatched", "a whistle moves nothing by itself");
    assert_eq!(refused(&street, ticket, "whistle", summons(&server)), "whistle_open");
    assert_eq!(server.told("D03", ticket), ["whistle"]);

    // Who is summoned sees the ticket, though it has no order.
    assert!(offered(&shizheng, ticket, "answer") && offered(&shizheng, ticket, "sign_in"));
    shizheng.command(ticket, "answer", json!({ "words": "派员前往" }));
    assert_eq!(refused(&shizheng, ticket, "answer", json!({})), "already_done");
    server
        .official("yuanlin")
        .post(&format!("tickets/{ticket}/answer"), &json!({ "version": 1 }))
        .problem(404, "ticket_not_found");
    server.advance_seconds(3000);
    let near = zhujian.command(ticket, "sign-in", json!({ "position": server.standing(150.0) }));
    assert_eq!(last_facts(&near)["on_spot"], "true");
    let far = json!({ "position": server.standing(260.0) });
    assert_eq!(refused(&chengguan, ticket, "sign-in", far.clone()), "needs_reason");
    assert_eq!(refused(&chengguan, ticket, "sign-in", json!({})), "needs_reason");
    let mut reasoned = far;
    reasoned["off_spot_reason"] = json!("在停车场等候");
    let marked = chengguan.command(ticket, "sign-in", reasoned);
    let facts = last_facts(&marked);
    assert_eq!((&facts["on_spot"], &facts["off_spot_reason"]), (&json!("false"), &json!("在停车场等候")));
    assert!(facts["distance_m"].as_str().unwrap().parse::<u32>().unwrap() > 255, "{facts}");
    let units = marked["course"]["whistles"][0]["units"].as_array().unwrap().clone();
    let there: Vec<_> = units.iter().map(|unit| unit["signed_in_at"].is_string()).collect();
    assert_eq!(there, [true, true, false]);
    let answered: Vec<_> = units.iter().map(|unit| unit["answered_at"].is_string()).collect();
    assert_eq!(answered, [true, true, true], "who is there has also answered");

    let unit = server.unit("D03");
    let waiting = server.read(move |conn| desk::summonses_of(conn, &[unit], 10));
    assert_eq!((waiting.len(), waiting[0].ticket, waiting[0].signed_in_at), (1, ticket, None));
}

fn what_comes_of_it_becomes_work_orders(engine: Engine) {
    let server = Server::start(engine);
    let ticket = whistled(&server);
    let [street, community, zhujian, shizheng] =
        ["street", "community", "zhujian", "shizheng"].map(|login| server.official(login));
    zhujian.command(ticket, "sign-in", json!({ "position": server.standing(10.0) }));
    shizheng.command(ticket, "answer", json!({}));
    let outcome = json!({ "words": "由住建牵头拆除，市政恢复路面", "lead": server.unit("D07"),
        "assist": [{ "unit": server.unit("D03"), "limit": { "amount": 2, "unit": "working_days" } }] });
    community.try_command(ticket, "end-whistle", outcome.clone()).problem(403, "forbidden");
    let ended = street.command(ticket, "end-whistle", outcome.clone());
    assert_eq!((ended["state"].as_str(), unit_of_lead(&ended)), (Some("dispatched"), "D07"));
    let orders = ended["orders"].as_array().unwrap();
    let states: Vec<_> = orders.iter().map(|o| (&o["unit"]["code"], &o["kind"], &o["state"])).collect();
    assert_eq!(
        json!(states),
        json!([
            ["D01", "lead", "released"],
            ["D07", "assist", "released"],
            ["D07", "lead", "pending"],
            ["D03", "assist", "pending"],
        ])
    );
    let whistle = &ended["course"]["whistles"][0];
    let absent: Vec<_> =
        whistle["units"].as_array().unwrap().iter().map(|u| (&u["unit"]["code"], &u["absent"])).collect();
    assert_eq!(json!(absent), json!([["D01", true], ["D07", false], ["D03", true]]));
    assert_eq!((&whistle["outcome"], whistle["ended_at"].is_string()), (&outcome["words"], true));
    let facts = last_facts(&ended);
    let text = |unit: &str| server.unit(unit).to_string();
    assert_eq!(facts["present"], text("D07"));
    assert_eq!(facts["absent"], format!("{},{}", text("D01"), text("D03")));
    street.try_command(ticket, "end-whistle", outcome).problem(403, "forbidden");
    shizheng
        .try_command(ticket, "sign-in", json!({ "position": server.standing(10.0) }))
        .problem(403, "forbidden");
    assert_eq!(stands(&zhujian.command(ticket, "accept", json!({}))), ("handling", "D07", "D07"));
    assert!(server.verify().breaks.is_empty());
}

fn a_whistle_may_end_without_new_orders(engine: Engine) {
    let server = Server::start(engine);
    let ticket = whistled(&server);
    let [street, chengguan, zhujian] = ["street", "chengguan", "zhujian"].map(|login| server.official(login));
    chengguan.command(ticket, "accept", json!({}));
    zhujian.command(ticket, "accept", json!({}));
    let ended = street.command(ticket, "end-whistle", json!({ "words": "维持原分工" }));
    assert_eq!(stands(&ended), ("handling", "D01", "D01"));
    street.command(ticket, "whistle", summons(&server));
    let more = json!({ "words": "请市政协助", "assist": [{ "unit": server.unit("D03") }] });
    let ended = street.command(ticket, "end-whistle", more);
    assert_eq!(stands(&ended), ("handling", "D01", "D01"), "the lead goes on with its clock");
    let seqs: Vec<_> =
        ended["course"]["whistles"].as_array().unwrap().iter().map(|one| &one["seq"]).collect();
    assert_eq!(json!(seqs), json!([1, 2]));
    assert_eq!(server.told("D03", ticket), ["whistle", "whistle", "end_whistle"]);
    let open = server.read(|conn| desk::summonses_of(conn, &(1..10_000).collect::<Vec<i64>>(), 10));
    assert!(open.is_empty(), "{open:?}");
}
