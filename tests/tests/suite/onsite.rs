//! 现场核验: what camera and phone say is compared with the ticket's place and time, written into the history, and shown
//! to officials only.

use serde_json::{Value, json};
use suishoupai_api::demo::POINT;
use suishoupai_tests::{Engine, Resident, Server, both, jpeg_taken};

use crate::common::whole;

both!(
    photos_of_every_stage_are_compared_with_the_place_and_the_time,
    a_phone_far_from_the_place_is_noted_and_nothing_of_it_is_public,
    the_thresholds_are_those_of_the_rules,
    what_was_doubted_goes_along_when_a_ticket_is_split
);

/// A place so many metres north of the demonstration's point.
fn north(metres: f64) -> (f64, f64) {
    (POINT.lon, POINT.lat + metres / 111_195.0)
}

/// The flags of the last photo of a ticket, as (word, value).
fn flags(ticket: &Value) -> Vec<(String, Option<i64>)> {
    flags_of(ticket["evidence"].as_array().unwrap().last().unwrap())
}

fn flags_of(evidence: &Value) -> Vec<(String, Option<i64>)> {
    let flags = evidence["flags"].as_array().cloned().unwrap_or_default();
    flags.iter().map(|one| (one["flag"].as_str().unwrap().to_owned(), one["value"].as_i64())).collect()
}

fn flag(word: &str, value: impl Into<Option<i64>>) -> (String, Option<i64>) {
    (word.to_owned(), value.into())
}

fn photos_of_every_stage_are_compared_with_the_place_and_the_time(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    // The clock stands at 09:30 on 2026-03-04.
    let before = resident.upload(&jpeg_taken((80, 60), Some("2026:03:04 09:25:00"), Some(north(400.0))));
    let stripped = resident.upload(&jpeg_taken((81, 60), None, None));
    let mut draft = Resident::draft("单车占道");
    draft["photo_ids"] = json!([before, stripped]);
    let report = resident.post("reports", &draft).expect(201);
    let ticket = whole(&report["ticket_id"]);
    let grid1 = server.official("grid1");
    let seen = grid1.claim_and_file(ticket, "E0501");
    assert_eq!(flags_of(&seen["evidence"][0]), [flag("far_from_place", 400)]);
    assert_eq!(flags_of(&seen["evidence"][1]), [flag("no_position", None), flag("no_camera_time", None)]);
    assert_eq!(seen["evidence"][0]["flags"][0]["name"], "拍摄地点距现场较远");

    // A photo of the result that is older than the report, handed in from far away.
    server.advance_seconds(600);
    let after = grid1.upload(&jpeg_taken((82, 60), Some("2026:03:03 08:00:00"), Some(north(10.0))));
    let body = json!({ "answer": "已摆放整齐。", "photo_ids": [after], "position": server.standing(1500.0) });
    let finished = grid1.command(ticket, "finish", body);
    let day_and_more = 25 * 3600 + 40 * 60;
    assert_eq!(
        flags(&finished),
        [
            flag("sent_far_from_place", 1500),
            flag("places_differ", 1490),
            flag("taken_long_before", day_and_more),
            flag("taken_before_ticket", day_and_more - 600)
        ]
    );

    // The check: from tomorrow, by the camera.
    let grid2 = server.official("grid2");
    let check = grid2.upload(&jpeg_taken((83, 60), Some("2026:03:05 09:40:00"), None));
    let body = json!({ "photo_ids": [check], "position": server.standing(20.0) });
    let closed = grid2.command(ticket, "close", body);
    assert_eq!(flags(&closed), [flag("taken_in_future", 86_400)]);
    assert_eq!(closed["state"], "closed", "a doubt refuses nothing");

    // All of it is in the hashed lines, and none of it is the reporter's.
    let lines = server.read(move |conn| suishoupai_storage::db::history::of_ticket(conn, ticket));
    let doubted: usize = lines.iter().flat_map(|(line, _)| &line.photos).map(|it| it.doubts.len()).sum();
    assert_eq!(doubted, 1 + 2 + 4 + 1);
    assert!(server.verify().breaks.is_empty());
    let own = resident.own(&report).to_string();
    for word in ["flags", "far_from_place", "taken_at", "gps"] {
        assert!(!own.contains(word), "{word}: {own}");
    }
}

fn a_phone_far_from_the_place_is_noted_and_nothing_of_it_is_public(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let photo = resident.upload(&jpeg_taken((90, 60), Some("2026:03:04 09:29:00"), Some(north(0.0))));
    let mut draft = Resident::draft("路灯不亮");
    draft["photo_ids"] = json!([photo]);
    draft["position"] = server.standing(2000.0);
    let report = resident.post("reports", &draft).expect(201);
    let ticket = whole(&report["ticket_id"]);
    let seen = server.official("grid1").ticket(ticket);
    assert_eq!(flags(&seen), [flag("sent_far_from_place", 2000), flag("places_differ", 2000)]);
    assert!(!resident.own(&report).to_string().contains("flags"));
    let mut wrong = draft.clone();
    wrong["position"]["datum"] = json!(null);
    resident.post("reports", &wrong).problem(422, "unknown_datum");
    // Where the phone was is not kept, only how far away.
    let lines = server.read(move |conn| suishoupai_storage::db::history::of_ticket(conn, ticket));
    let text = lines[0].0.content().unwrap();
    assert!(text.contains("sent_far_from_place") && !text.contains("24."), "{text}");
}

fn the_thresholds_are_those_of_the_rules(engine: Engine) {
    let server = Server::start(engine);
    let rules = json!({ "policy": { "photo_distance_m": 1000, "photo_age_s": 60 } });
    server.official("admin").post("admin/policies", &rules).expect(200);
    server.advance_seconds(60);
    let resident = server.resident();
    let photo = resident.upload(&jpeg_taken((91, 60), Some("2026:03:04 09:29:00"), Some(north(900.0))));
    let mut draft = Resident::draft("路灯不亮");
    draft["photo_ids"] = json!([photo]);
    let report = resident.post("reports", &draft).expect(201);
    let seen = server.official("grid1").ticket(whole(&report["ticket_id"]));
    assert_eq!(flags(&seen), [flag("taken_long_before", 120)]);
}

fn what_was_doubted_goes_along_when_a_ticket_is_split(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let photo = resident.upload(&jpeg_taken((92, 60), Some("2026:03:04 09:29:00"), Some(north(800.0))));
    let mut draft = Resident::draft("垃圾和井盖");
    draft["photo_ids"] = json!([photo]);
    let report = resident.post("reports", &draft).expect(201);
    let ticket = whole(&report["ticket_id"]);
    let grid1 = server.official("grid1");
    grid1.command(ticket, "claim", json!({}));
    let body = json!({ "parts": [{ "category": "E0102", "words": "垃圾" }], "reason": "两个问题" });
    let split = grid1.command(ticket, "split", body);
    let part = whole(&split["course"]["children"][0]);
    assert_eq!(flags(&grid1.ticket(part)), [flag("far_from_place", 800)]);
}
