//! A dispute: after the second return the district decides, its word binds, and it can become a duty.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Server, both};

use crate::common::{CENTRE, offered, refused, reported, stands, unit_of_lead};

both!(
    the_second_return_is_decided_by_the_district,
    a_decision_becomes_a_duty,
    a_squad_below_the_bound_unit_gives_back_to_it,
    a_duty_that_cannot_be_read_leaves_the_dispute_open
);

fn give_back(officer: &Official, ticket: i64) -> Value {
    officer.command(ticket, "return", json!({ "reason": "not_our_duty", "words": "不属于我单位" }))
}

/// A ticket that 市政 and 园林 have both given back.
fn disputed(server: &Server) -> i64 {
    let (_, _, ticket) = reported(server, "树池边人行道砖松动");
    let [grid1, shizheng, dispatcher, yuanlin] =
        ["grid1", "shizheng", "dispatcher", "yuanlin"].map(|login| server.official(login));
    assert_eq!(unit_of_lead(&grid1.claim_and_file(ticket, "P0202")), "D03");
    assert_eq!(give_back(&shizheng, ticket)["state"], "filed");
    let body = json!({ "lead": server.unit("D04"), "reason": "树池由园林负责" });
    dispatcher.command(ticket, "dispatch", body);
    yuanlin.command(ticket, "accept", json!({}));
    let back = give_back(&yuanlin, ticket);
    assert_eq!(stands(&back), ("arbitrating", "D04", CENTRE), "who has signed answers until another has");
    ticket
}

fn the_second_return_is_decided_by_the_district(engine: Engine) {
    let server = Server::start(engine);
    let ticket = disputed(&server);
    let [dispatcher, yuanlin] = ["dispatcher", "yuanlin"].map(|login| server.official(login));
    let body = json!({ "lead": server.unit("D04"), "reason": "以园林为主",
        "assist": [{ "unit": server.unit("D03"), "limit": { "amount": 1, "unit": "working_days" } }] });
    dispatcher
        .try_command(ticket, "dispatch", json!({ "lead": server.unit("D03"), "reason": "再派" }))
        .problem(409, "not_allowed_in_state");
    dispatcher.try_command(ticket, "arbitrate", body.clone()).problem(403, "forbidden");
    let chief = server.chief();
    assert!(offered(&chief, ticket, "arbitrate"));
    let decided = chief.command(ticket, "arbitrate", body);
    assert_eq!(stands(&decided), ("dispatched", "D04", "D04"));
    assert_eq!(decided["course"]["bound"], true);

    assert!(!offered(&yuanlin, ticket, "return") && !offered(&yuanlin, ticket, "escalate"));
    assert_eq!(refused(&yuanlin, ticket, "return", json!({ "reason": "other", "words": "x" })), "bound");
    assert_eq!(refused(&yuanlin, ticket, "escalate", json!({ "reason": "x" })), "bound");
    yuanlin.command(ticket, "accept", json!({}));
    assert_eq!(refused(&yuanlin, ticket, "return", json!({ "reason": "other", "words": "x" })), "bound");
    // The assistant's limit is its own: shorter than the lead's three days.
    let seen = server.official("shizheng").command(ticket, "accept", json!({}));
    let orders: Vec<_> =
        seen["orders"].as_array().unwrap().iter().filter(|o| o["state"] == "accepted").collect();
    assert!(orders[1]["due_at"].as_str() < orders[0]["due_at"].as_str(), "{orders:?}");
    assert!(server.verify().breaks.is_empty());
}

fn a_decision_becomes_a_duty(engine: Engine) {
    let server = Server::start(engine);
    let ticket = disputed(&server);
    let body = json!({ "lead": server.unit("D04"), "assist": [{ "unit": server.unit("D03") }],
        "reason": "今后此类由园林主办", "duty": { "categories": "P0202", "territory": "350203001000" } });
    server.head().command(ticket, "arbitrate", body);
    let (_, _, next) = reported(&server, "又一处人行道砖松动");
    let filed = server.official("grid1").claim_and_file(next, "P0202");
    assert_eq!(unit_of_lead(&filed), "D04");
    let assist: Vec<_> =
        filed["orders"].as_array().unwrap().iter().filter(|order| order["kind"] == "assist").collect();
    assert_eq!((assist.len(), &assist[0]["unit"]["code"]), (1, &json!("D03")));
    let because = filed["events"].as_array().unwrap().last().unwrap()["because"].to_string();
    assert!(because.contains("园林绿化中心"), "{because}");
    // The next dispute over the same kind is none: that the duty list says so is not a decision that binds.
    assert_eq!(filed["course"]["bound"], false);
}

fn a_squad_below_the_bound_unit_gives_back_to_it(engine: Engine) {
    let server = Server::start(engine);
    let ticket = disputed(&server);
    let chief = server.chief();
    chief.command(ticket, "arbitrate", json!({ "lead": server.unit("D01"), "reason": "由城管主办" }));
    let [chengguan, squad] = ["chengguan", "squad"].map(|login| server.official(login));
    chengguan.command(ticket, "accept", json!({}));
    chengguan.command(ticket, "delegate", json!({ "to": server.unit("D0101") }));
    let back = give_back(&squad, ticket);
    assert_eq!(stands(&back), ("handling", "D01", "D01"), "what is decided is not disputed again");
    assert_eq!((&back["returns"], &back["course"]["bound"]), (&json!(3), &json!(true)));
}

fn a_duty_that_cannot_be_read_leaves_the_dispute_open(engine: Engine) {
    let server = Server::start(engine);
    let ticket = disputed(&server);
    let chief = server.chief();
    let with = |duty: Value| json!({ "lead": server.unit("D04"), "reason": "x", "duty": duty });
    let before = server.rows();
    let mut nowhere = with(json!({ "categories": "P0202", "territory": "999999999999" }));
    let problem = chief.try_command(ticket, "arbitrate", nowhere.clone()).problem(404, "unit_not_found");
    assert_eq!(problem["errors"][0]["pointer"], "/duty/territory", "{problem}");
    nowhere["duty"] = json!({ "categories": "all of them" });
    chief.try_command(ticket, "arbitrate", nowhere).problem(400, "invalid_body");
    let mut centre = with(json!({ "categories": "P0202" }));
    centre["lead"] = json!(server.unit(CENTRE));
    assert_eq!(refused(&chief, ticket, "arbitrate", centre), "cannot_handle");
    assert_eq!(server.rows(), before);
    assert_eq!(chief.ticket(ticket)["state"], "arbitrating");
    let (_, _, next) = reported(&server, "又一处人行道砖松动");
    let filed = server.official("grid1").claim_and_file(next, "P0202");
    assert_eq!(unit_of_lead(&filed), "D03", "a refused decision writes no duty");
}
