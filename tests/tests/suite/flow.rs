//! The other ways through the flow: own finds, refusals, leases, returns, hand-overs, checks.

use serde_json::json;
use suishoupai_tests::{Engine, Official, Resident, Server, both};

use crate::common::{reported, unit_of_lead, verbs};

both!(
    an_own_find_is_solved_on_the_spot,
    a_refused_report_tells_the_reason,
    a_released_ticket_can_be_claimed_by_a_colleague,
    a_claim_runs_out,
    a_returned_ticket_is_dispatched_with_a_reason,
    work_is_delegated_to_a_squad_and_escalated,
    an_assisting_unit_must_end_its_order,
    a_failed_check_sends_the_work_back,
    nobody_checks_the_own_work,
    a_report_is_withdrawn_while_nobody_works,
    a_report_is_supplemented
);

fn an_own_find_is_solved_on_the_spot(engine: Engine) {
    let server = Server::start(engine);
    let grid1 = server.official("grid1");
    let found = grid1.post("reports", &Resident::draft("墙上有小广告")).expect(201);
    assert_eq!(found["state"], "claimed");
    let ticket = found["ticket_id"].as_i64().unwrap();
    assert_eq!(grid1.ticket(ticket)["holder"]["name"], "林网格");
    let body = json!({ "category": "E0201", "answer": "已当场清除。" });
    let bare = grid1.try_command(ticket, "solve", body.clone());
    assert_eq!(bare.problem(422, "refused_by_rule")["rule"], "needs_photo");
    let mut body = body;
    body["photo_ids"] = json!([grid1.upload_any()]);
    let solved = grid1.command(ticket, "solve", body);
    assert_eq!(solved["state"], "closed");
    assert_eq!(solved["evidence"][0]["stage"], "after");
    let mut elsewhere = Resident::draft("别的网格");
    let (lon, lat) = server.place_in("350203001004");
    elsewhere["place"] = json!({ "lon": lon, "lat": lat, "datum": "wgs84" });
    grid1.post("reports", &elsewhere).problem(422, "refused_by_rule");
}

fn a_refused_report_tells_the_reason(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported(&server, "路边有垃圾");
    let grid1 = server.official("grid1");
    grid1.command(ticket, "claim", json!({}));
    let body = json!({ "reason": "nothing_there", "words": "到场时已清理干净。" });
    assert_eq!(grid1.command(ticket, "refuse", body)["state"], "refused");
    let seen = resident.own(&report);
    assert_eq!(
        (seen["state"].as_str(), seen["answer"].as_str()),
        (Some("refused"), Some("到场时已清理干净。"))
    );
    let last = seen["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["reason_name"], "现场不存在该问题");
    assert!(last["actor_name"].is_null(), "a resident is not told the name: {last}");
    resident.say(&report, "rating", &json!({ "solved": true, "stars": 4 })).expect(200);
}

fn a_released_ticket_can_be_claimed_by_a_colleague(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "路灯不亮");
    let [grid1, grid2] = ["grid1", "grid2"].map(|login| server.official(login));
    grid1.command(ticket, "claim", json!({}));
    let held = grid2.try_command(ticket, "claim", json!({})).problem(409, "already_claimed");
    assert_eq!(held["held_by"], "林网格");
    grid2.try_command(ticket, "release", json!({})).problem(403, "forbidden");
    assert_eq!(grid1.command(ticket, "release", json!({ "reason": "临时有事" }))["state"], "received");
    assert_eq!(grid2.command(ticket, "claim", json!({}))["holder"]["name"], "陈网格");
}

fn a_claim_runs_out(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "路面积水");
    let [grid1, grid2] = ["grid1", "grid2"].map(|login| server.official(login));
    grid1.command(ticket, "claim", json!({}));
    server.advance_seconds(29 * 60);
    grid2.try_command(ticket, "claim", json!({})).problem(409, "already_claimed");
    server.advance_seconds(61);
    // Nobody has written the lapse down yet, and it counts all the same.
    grid1.try_command(ticket, "file", json!({ "category": "E0104" })).problem(409, "not_allowed_in_state");
    assert_eq!(grid2.command(ticket, "claim", json!({}))["holder"]["name"], "陈网格");
    server.advance_seconds(31 * 60);
    assert_eq!(server.lapse_claims(), 1);
    let seen = grid2.ticket(ticket);
    assert_eq!((seen["state"].as_str(), seen["holder"].is_null()), (Some("received"), true));
    assert_eq!(verbs(&seen), ["open", "claim", "lapse", "claim", "lapse"]);
}

fn a_returned_ticket_is_dispatched_with_a_reason(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "人行道砖松动");
    let [grid1, shizheng, dispatcher, yuanlin] =
        ["grid1", "shizheng", "dispatcher", "yuanlin"].map(|login| server.official(login));
    grid1.claim_and_file(ticket, "P0202");
    let path = format!("tickets/{ticket}/return");
    let version = shizheng.ticket(ticket)["version"].clone();
    let body = json!({ "version": version, "reason": "too_far", "words": "太远" });
    shizheng.post(&path, &body).problem(400, "invalid_body");
    let body = json!({ "reason": "not_our_duty", "words": "属于园林绿化用地" });
    let returned = shizheng.command(ticket, "return", body);
    assert_eq!((returned["state"].as_str(), returned["returns"].as_i64()), (Some("filed"), Some(1)));
    shizheng.try_command(ticket, "dispatch", json!({ "lead": 1, "reason": "x" })).problem(403, "forbidden");
    let body = json!({ "lead": server.unit("D04"), "reason": "树池周边由园林负责" });
    let again = dispatcher.command(ticket, "dispatch", body);
    assert_eq!((again["state"].as_str(), unit_of_lead(&again)), (Some("dispatched"), "D04"));
    assert_eq!(again["responsible"]["level"], "grid", "the first receiver answers until the next has signed");
    let last = again["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["note"], "树池周边由园林负责");
    let signed = yuanlin.command(ticket, "accept", json!({}));
    assert_eq!(
        (signed["state"].as_str(), signed["responsible"]["code"].as_str()),
        (Some("handling"), Some("D04"))
    );
}

fn work_is_delegated_to_a_squad_and_escalated(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "店招松动");
    let [grid1, chengguan, squad] = ["grid1", "chengguan", "squad"].map(|login| server.official(login));
    let due = grid1.claim_and_file(ticket, "P0306")["due_at"].clone();
    squad.get(&format!("tickets/{ticket}")).problem(404, "ticket_not_found");
    let outside = json!({ "to": server.unit("D03") });
    let refused = chengguan.try_command(ticket, "delegate", outside).problem(422, "refused_by_rule");
    assert_eq!(refused["rule"], "not_below");
    let body = json!({ "to": server.unit("D0101"), "reason": "辖区中队处置" });
    let handed = chengguan.command(ticket, "delegate", body);
    assert_eq!((handed["state"].as_str(), unit_of_lead(&handed)), (Some("dispatched"), "D0101"));
    assert_eq!(handed["responsible"]["level"], "grid", "nobody has signed yet");
    assert_eq!(handed["due_at"], due, "the deadline does not move");
    let signed = squad.command(ticket, "accept", json!({}));
    assert_eq!(
        (signed["state"].as_str(), signed["responsible"]["code"].as_str()),
        (Some("handling"), Some("D0101"))
    );
    let up = squad.command(ticket, "escalate", json!({ "reason": "需要登高车" }));
    assert_eq!((up["state"].as_str(), unit_of_lead(&up)), (Some("dispatched"), "D01"));
    assert_eq!(up["responsible"]["code"], "D0101", "the squad answers until its department has signed");
    let up = chengguan.command(ticket, "escalate", json!({ "reason": "需要区里协调" }));
    assert_eq!(
        (up["state"].as_str(), up["course"]["desk"]["level"].as_str()),
        (Some("filed"), Some("district"))
    );
    assert_eq!(up["responsible"]["code"], "D0101", "the centre decides, the squad answers");
}

fn an_assisting_unit_must_end_its_order(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = reported(&server, "护栏倒了");
    let [grid1, jiaojing, shizheng] = ["grid1", "jiaojing", "shizheng"].map(|login| server.official(login));
    let filed = grid1.claim_and_file(ticket, "P0206");
    let kinds: Vec<_> = filed["orders"].as_array().unwrap().iter().map(|order| &order["kind"]).collect();
    assert_eq!(json!(kinds), json!(["lead", "assist"]));
    jiaojing.command(ticket, "accept", json!({}));
    let body = json!({ "answer": "已扶正", "photo_ids": [jiaojing.upload_any()] });
    let early = jiaojing.try_command(ticket, "finish", body).problem(409, "not_allowed_in_state");
    assert_eq!(early["rule"], "assists_open");
    shizheng.command(ticket, "accept", json!({}));
    assert_eq!(shizheng.command(ticket, "finish", json!({ "answer": "已更换立柱" }))["state"], "handling");
    assert_eq!(jiaojing.finish(ticket, "护栏已恢复。")["state"], "checking");
}

/// A ticket that `grid1` has handled and that waits for its check.
fn handled_by_grid1(server: &Server) -> (Official, i64) {
    let (_, _, ticket) = reported(server, "单车占道");
    let grid1 = server.official("grid1");
    let filed = grid1.claim_and_file(ticket, "E0501");
    assert_eq!(filed["state"], "handling", "grid first: the worker on the spot goes on");
    assert_eq!(grid1.finish(ticket, "已摆放整齐。")["state"], "checking");
    (grid1, ticket)
}

fn a_failed_check_sends_the_work_back(engine: Engine) {
    let server = Server::start(engine);
    let (grid1, ticket) = handled_by_grid1(&server);
    let inspector = server.official("inspector");
    let back = inspector.rework(ticket, "照片看不清");
    assert_eq!((back["state"].as_str(), back["reworks"].as_i64()), (Some("handling"), Some(1)));
    grid1.finish(ticket, "已重新拍照。");
    let closed = inspector.try_check(ticket, "close", json!({ "note": "合格" })).expect(200);
    assert_eq!(closed["state"], "closed");
}

fn nobody_checks_the_own_work(engine: Engine) {
    let server = Server::start(engine);
    let (grid1, ticket) = handled_by_grid1(&server);
    let own = grid1.try_check(ticket, "close", json!({})).problem(403, "forbidden");
    assert_eq!(own["rule"], "own_work");
    assert!(!grid1.ticket(ticket)["allowed_actions"].to_string().contains("close"));
    assert_eq!(server.official("grid2").close(ticket)["state"], "closed");
}

fn a_report_is_withdrawn_while_nobody_works(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported(&server, "噪声");
    let gone = resident.say(&report, "withdraw", &json!({ "words": "已经安静了" })).expect(200);
    assert_eq!(gone["state"], "withdrawn");
    let grid1 = server.official("grid1");
    grid1.try_command(ticket, "claim", json!({})).problem(409, "not_allowed_in_state");
    let (resident, report, ticket) = reported(&server, "路面坑洞");
    grid1.claim_and_file(ticket, "P0201");
    server.official("shizheng").command(ticket, "accept", json!({}));
    resident.say(&report, "withdraw", &json!({})).problem(409, "not_allowed_in_state");
}

fn a_report_is_supplemented(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported(&server, "树枝断了");
    let body = json!({ "words": "现在压到车了", "photo_ids": [resident.upload_any()] });
    let seen = resident.say(&report, "supplements", &body).expect(200);
    assert_eq!((seen["text"].as_str(), seen["photos"].as_array().unwrap().len()), (Some("树枝断了"), 1));
    let ticket = server.official("grid1").ticket(ticket);
    assert_eq!(ticket["events"][1]["words"], "现在压到车了");
    assert_eq!(ticket["version"], 2);
}
