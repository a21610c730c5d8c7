//! 核查: by somebody else, with a photo, on the spot or with a reason; the handler's clock rests meanwhile.

use serde_json::json;
use suishoupai_tests::{Engine, Server, both};

use crate::common::{COMMUNITY, STREET, clock, finished_by_grid1, last_facts, refused, whole};

both!(
    a_check_needs_a_photo_of_the_place_or_a_reason,
    the_handlers_clock_rests_during_the_check,
    the_third_failed_check_is_told_to_the_next_level
);

fn a_check_needs_a_photo_of_the_place_or_a_reason(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = finished_by_grid1(&server);
    let grid2 = server.official("grid2");
    let photo = grid2.upload_any();
    let here = server.standing(20.0);
    let bare = json!({ "position": here });
    assert_eq!(refused(&grid2, ticket, "close", bare.clone()), "needs_photo");
    let with = |position: serde_json::Value| json!({ "position": position, "photo_ids": [photo] });
    let far = grid2.try_command(ticket, "close", with(server.standing(210.0)));
    assert_eq!(far.problem(422, "refused_by_rule")["rule"], "needs_reason");
    assert_eq!(refused(&grid2, ticket, "close", json!({ "photo_ids": [photo] })), "needs_reason");
    let mut unplaced = with(here.clone());
    unplaced["position"]["datum"] = json!(null);
    grid2.try_command(ticket, "close", unplaced).problem(422, "unknown_datum");
    let mut tomorrow = with(here.clone());
    tomorrow["position"]["taken_at"] = json!(server.now().plus_seconds(3600).to_string());
    assert_eq!(refused(&grid2, ticket, "close", tomorrow), "needs_reason");
    server.advance_seconds(901);
    assert_eq!(refused(&grid2, ticket, "close", with(here)), "needs_reason");
    let unchanged = grid2.ticket(ticket);
    assert_eq!(unchanged["state"], "checking");

    let mut reasoned = with(server.standing(210.0));
    reasoned["off_spot_reason"] = json!("现场封路，在路口拍摄");
    reasoned["reason"] = json!("照片看不清");
    let back = grid2.command(ticket, "rework", reasoned);
    let facts = last_facts(&back);
    assert_eq!(
        (&facts["on_spot"], &facts["off_spot_reason"]),
        (&json!("false"), &json!("现场封路，在路口拍摄"))
    );
    server.official("grid1").finish(ticket, "已重新整理。");
    let closed = grid2.command(ticket, "close", with(server.standing(199.0)));
    let facts = last_facts(&closed);
    assert_eq!((&facts["on_spot"], &facts["distance_m"]), (&json!("true"), &json!("199")));
    assert!(facts["off_spot_reason"].is_null(), "{facts}");
    let stages: Vec<_> = closed["evidence"].as_array().unwrap().iter().map(|one| &one["stage"]).collect();
    assert_eq!(json!(stages), json!(["after", "check", "after"]), "the same photo counts once");
    assert!(server.verify().breaks.is_empty());
}

fn the_handlers_clock_rests_during_the_check(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (_, _, ticket) = finished_by_grid1(&server);
    let [grid1, grid2] = ["grid1", "grid2"].map(|login| server.official(login));
    // Two working hours to handle it, from 09:30; none of it used.
    server.advance_seconds(3 * 3600);
    server.ring();
    let waiting = grid2.ticket(ticket);
    assert_eq!(clock(&waiting, "check")["due_at"], "2026-03-04T16:00:00.000+08:00");
    assert_eq!((&waiting["overdue"], &waiting["course"]["breaches"]), (&json!(false), &json!(0)));
    server.advance_to(&json!("2026-03-04T14:40:00.000+08:00"));
    server.ring();
    let back = grid2.rework(ticket, "还有几辆");
    let running = clock(&back, "handle");
    assert_eq!((&running["remaining_seconds"], &running["stopped"]), (&json!(7200), &json!(false)));
    assert_eq!(back["due_at"], "2026-03-04T16:40:00.000+08:00");
    server.advance_seconds(600);
    let again = grid1.finish(ticket, "已全部摆齐。");
    server.advance_seconds(600);
    let back = grid2.rework(ticket, "又多了");
    assert_eq!(clock(&back, "handle")["remaining_seconds"], 6600);
    assert_eq!(again["state"], "checking");
}

fn the_third_failed_check_is_told_to_the_next_level(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = finished_by_grid1(&server);
    let [grid1, inspector] = ["grid1", "inspector"].map(|login| server.official(login));
    for round in 1..=4 {
        let back = inspector.rework(ticket, "不合格");
        assert_eq!((whole(&back["reworks"]), &back["state"]), (round, &json!("handling")));
        let raised = last_facts(&back)["raised_to"].as_str().map(str::to_owned);
        let expected = match round {
            3 => Some(server.unit(COMMUNITY).to_string()),
            4 => Some(server.unit(STREET).to_string()),
            _ => None,
        };
        assert_eq!(raised, expected, "round {round}");
        assert_eq!(whole(&back["course"]["breaches"]), (round - 2).max(0));
        grid1.finish(ticket, "已整改。");
    }
    assert_eq!(server.told(COMMUNITY, ticket), ["rework"]);
    assert_eq!(server.told(STREET, ticket), ["rework"]);
    assert_eq!(inspector.close(ticket)["state"], "closed");
}
