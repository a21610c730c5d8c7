//! 请上报人补充: while the reporter is asked, no clock of the work runs.

use serde_json::json;
use suishoupai_tests::{Engine, Server, both};

use crate::common::{clock, handled_by, offered, refused, reported, verbs};

both!(an_answer_lets_the_clock_run_on, a_wait_ends_by_itself, a_claim_is_not_lost_while_its_holder_waits);

fn ask() -> serde_json::Value {
    json!({ "words": "请补充具体楼栋" })
}

fn an_answer_lets_the_clock_run_on(engine: Engine) {
    let server = Server::start_for_days(engine);
    let shizheng = server.official("shizheng");
    let (resident, report, ticket) = handled_by(&server, &shizheng, "P0201");
    server.advance_seconds(1800);
    let asked = shizheng.command(ticket, "ask-reporter", ask());
    let stopped = clock(&asked, "handle");
    assert_eq!((&stopped["stopped"], &stopped["remaining_seconds"]), (&json!(true), &json!(22 * 3600)));
    assert!(asked["course"]["waiting_until"].is_string());
    assert_eq!(refused(&shizheng, ticket, "ask-reporter", ask()), "already_waiting");
    let seen = resident.own(&report);
    assert_eq!(seen["timeline"].as_array().unwrap().last().unwrap()["words"], "请补充具体楼栋");

    // From 10:00 to 16:00, of which 3.5 hours are open.
    server.advance_seconds(6 * 3600);
    assert_eq!(server.ring(), 0, "nothing is due meanwhile");
    resident.say(&report, "supplements", &json!({ "words": "3 号楼前" })).expect(200);
    let seen = shizheng.ticket(ticket);
    assert!(seen["course"]["waiting_until"].is_null());
    let running = clock(&seen, "handle");
    assert_eq!((&running["stopped"], &running["remaining_seconds"]), (&json!(false), &json!(22 * 3600)));
    assert_eq!(seen["due_at"], "2026-03-09T15:30:00.000+08:00");
    assert_eq!(server.told("D03", ticket).last(), Some(&"supplement"), "the handler is told of the answer");
    assert_eq!(refused(&shizheng, ticket, "resume", json!({})), "not_stopped");
}

fn a_wait_ends_by_itself(engine: Engine) {
    let server = Server::start_for_days(engine);
    let shizheng = server.official("shizheng");
    let (resident, report, ticket) = handled_by(&server, &shizheng, "P0201");
    let asked = shizheng.command(ticket, "ask-reporter", ask());
    let until = asked["course"]["waiting_until"].clone();
    assert_eq!(until, "2026-03-09T09:30:00.000+08:00", "three working days");
    server.advance_seconds(4 * 86_400);
    assert_eq!(server.ring(), 0);
    server.advance_to(&until);
    assert_eq!(server.ring(), 1);
    let seen = shizheng.ticket(ticket);
    assert_eq!(verbs(&seen).last(), Some(&"resume"));
    assert_eq!(
        (&seen["state"], &seen["due_at"]),
        (&json!("handling"), &json!("2026-03-12T09:30:00.000+08:00"))
    );
    assert!(seen["events"].as_array().unwrap().last().unwrap()["actor_name"].is_null(), "the server did it");
    // Words that come later are still taken down.
    server.advance_seconds(60);
    let late = server.nobody().with_token(resident.token());
    late.post(&format!("reports/{}/supplements", report["id"]), &json!({ "words": "在 3 号楼前" }))
        .expect(200);
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-12T09:30:00.000+08:00", "but stop nothing");
}

fn a_claim_is_not_lost_while_its_holder_waits(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (resident, report, ticket) = reported(&server, "有垃圾");
    let [grid1, grid2] = ["grid1", "grid2"].map(|login| server.official(login));
    grid1.command(ticket, "claim", json!({}));
    let asked = grid1.command(ticket, "ask-reporter", ask());
    assert_eq!(clock(&asked, "verify")["stopped"], true);
    server.advance_seconds(86_400);
    assert_eq!((server.lapse_claims(), server.ring()), (0, 0));
    grid2.try_command(ticket, "claim", json!({})).problem(409, "already_claimed");
    resident.say(&report, "supplements", &json!({ "words": "在路口" })).expect(200);
    let seen = grid1.ticket(ticket);
    let until = server.now().plus_seconds(1800).to_string();
    assert_eq!(
        (&seen["holder"]["until"], &clock(&seen, "verify")["stopped"]),
        (&json!(until), &json!(false))
    );
    assert!(offered(&grid1, ticket, "file"));
    server.advance_seconds(1801);
    assert_eq!(server.lapse_claims(), 1, "from then on the claim runs as any other");
}
