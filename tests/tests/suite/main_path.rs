//! The closed loop: reported, claimed, filed, handled, checked, answered, rated, not fixed.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Resident, Server, both, corners, jpeg_from_phone};

use crate::common::{rendered, unit_of_lead};

both!(
    the_whole_loop,
    a_photo_is_shown_upright_and_without_metadata,
    the_pool_is_urgent_first_then_near,
    a_report_is_followed_without_an_account
);

fn a_photo_is_shown_upright_and_without_metadata(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let original = jpeg_from_phone();
    let first = resident.post_bytes("photos", "image/jpeg", &original).expect(201);
    assert_eq!(first["has_gps"], true);
    assert_eq!(first["orientation"], 6);
    assert!(first["taken_at"].as_str().unwrap().starts_with("2026-03-04T09:12:30"), "{first}");

    let photo = rendered(&server, &resident, first["id"].as_i64().unwrap());
    assert_eq!(photo["state"], "ready", "{photo}");
    for link in ["display_url", "thumbnail_url"] {
        let shown = server.nobody().get(photo[link].as_str().unwrap());
        assert_eq!((shown.status, shown.header("content-type")), (200, "image/jpeg"), "{}", shown.text());
        let picture = corners(&shown.body);
        assert!(picture.is_upright() && picture.width < picture.height, "{link}: {picture:?}");
        assert!(!shown.body.windows(4).any(|bytes| bytes == b"Exif"), "{link} has metadata");
    }
    let link = photo["display_url"].as_str().unwrap();
    server.nobody().get(&link.replace("signature=", "signature=x")).problem(401, "token_expired");
    server.nobody().get(link.split('?').next().unwrap()).problem(401, "unauthenticated");
    server.advance_seconds(2 * 3600);
    server.nobody().get(link).problem(401, "token_expired");
}

fn the_whole_loop(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let photo = resident.upload(&jpeg_from_phone());
    let mut draft = Resident::draft("鸿山公园门口路面有大坑，夜里很危险");
    draft["photo_ids"] = json!([photo]);
    draft["address"] = json!("鸿山公园正门");
    let report = resident.post("reports", &draft).expect(201);
    assert!(report["receipt_number"].as_str().unwrap().starts_with("350203-20260304-"), "{report}");
    assert_eq!(report["query_code"].as_str().unwrap().len(), 8);
    assert_eq!(report["state"], "received");
    assert_eq!(report["located"]["community"]["name"], "鸿山社区");
    assert_eq!(report["located"]["street"]["name"], "厦港街道");
    assert_eq!(report["located"]["grid"]["level"], "grid");

    let ticket = report["ticket_id"].as_i64().unwrap();
    let [grid1, shizheng] = ["grid1", "shizheng"].map(|login| server.official(login));
    assert!(pool(&grid1).contains(&ticket));
    assert_eq!(grid1.command(ticket, "claim", json!({}))["state"], "claimed");
    let filed = grid1.command(ticket, "file", json!({ "category": "P0201", "note": "坑约 0.5 平方米" }));
    assert_eq!(filed["state"], "dispatched");
    assert_eq!(unit_of_lead(&filed), "D03");
    assert_eq!(filed["responsible"]["level"], "grid", "the grid answers until the department has signed");
    assert!(filed["due_at"].is_string() && !pool(&grid1).contains(&ticket));
    let because = filed["events"].as_array().unwrap().last().unwrap()["because"].to_string();
    assert!(because.contains("权责清单") && because.contains("市政服务中心"), "{because}");

    let orders = shizheng.get("work-orders").expect(200);
    assert_eq!(orders["items"][0]["ticket"]["id"], ticket);
    let signed = shizheng.command(ticket, "accept", json!({}));
    assert_eq!(
        (signed["state"].as_str(), signed["responsible"]["code"].as_str()),
        (Some("handling"), Some("D03"))
    );
    let bare = shizheng.try_command(ticket, "finish", json!({ "answer": "已修补" }));
    assert_eq!(bare.problem(422, "refused_by_rule")["rule"], "needs_photo");
    assert_eq!(shizheng.finish(ticket, "路面已修补，恢复通行。")["state"], "checking");
    assert_eq!(server.official("inspector").close(ticket)["state"], "closed");

    let closed = resident.own(&report);
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["answer"], "路面已修补，恢复通行。");
    assert_eq!(closed["allowed_actions"], json!(["not_fixed", "rate"]), "{closed}");
    let rating = json!({ "solved": false, "stars": 2, "words": "一天就又坏了" });
    assert_eq!(resident.say(&report, "rating", &rating).expect(200)["ratings"][0]["stars"], 2);
    resident.say(&report, "rating", &rating).problem(409, "not_allowed_in_state");

    let again = resident.say(&report, "not-fixed", &json!({ "words": "又出现坑洞" })).expect(200);
    assert_eq!(again["state"], "handling");
    let back = shizheng.ticket(ticket);
    assert_eq!((back["responsible"]["code"].as_str(), back["reopens"].as_i64()), (Some("D03"), Some(1)));
    shizheng.finish(ticket, "已重新铺设。");
    server.official("inspector").close(ticket);
    let second = resident.say(&report, "rating", &json!({ "solved": true, "stars": 5 })).expect(200);
    assert_eq!(second["ratings"].as_array().unwrap().len(), 2);
    server.advance_seconds(8 * 86_400);
    let late = server.nobody().post("reports/follow", &follow(&report)).expect(200);
    assert_eq!(late["state"], "closed");
    let verified = server.verify();
    assert!(verified.breaks.is_empty() && verified.events > 10, "{verified:?}");
}

fn follow(report: &Value) -> Value {
    json!({ "receipt_number": report["receipt_number"], "query_code": report["query_code"] })
}

fn pool(worker: &Official) -> Vec<i64> {
    let page = worker.get("tickets/pool").expect(200);
    page["items"].as_array().unwrap().iter().map(|line| line["id"].as_i64().unwrap()).collect()
}

fn the_pool_is_urgent_first_then_near(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let (lon, lat) = (suishoupai_api::demo::POINT.lon, suishoupai_api::demo::POINT.lat);
    let grid_of = |lon: f64| {
        server.nobody().get(&format!("locate?lon={lon}&lat={lat}&datum=wgs84")).expect(200)["grid"]["id"]
            .clone()
    };
    // Which side of the point still lies in its grid depends on the mesh.
    let side = if grid_of(lon + 0.0003) == grid_of(lon) { 1.0 } else { -1.0 };
    let send = |text: &str, shift: f64, category: &str| {
        let mut draft = Resident::draft(text);
        draft["place"] = json!({ "lon": lon + side * shift, "lat": lat, "datum": "wgs84" });
        draft["category"] = json!(category);
        resident.post("reports", &draft).expect(201)["ticket_id"].as_i64().unwrap()
    };
    let far = send("远处的小广告", 0.0003, "E0201");
    let near = send("近处的小广告", 0.0, "E0201");
    let urgent = send("井盖不见了", 0.0002, "P0101");
    let grid1 = server.official("grid1");
    let page = grid1.get(&format!("tickets/pool?lon={lon}&lat={lat}&datum=wgs84")).expect(200);
    let ids: Vec<i64> =
        page["items"].as_array().unwrap().iter().map(|line| line["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [urgent, near, far], "{page}");
    assert_eq!(page["items"][1]["distance_m"], 0.0);
    assert_eq!(pool(&grid1), [urgent, far, near], "without a place the oldest comes first");
}

fn a_report_is_followed_without_an_account(engine: Engine) {
    let server = Server::start(engine);
    let report = server.resident().report("树倒了");
    let seen = server.nobody().post("reports/follow", &follow(&report)).expect(200);
    assert_eq!(seen["receipt_number"], report["receipt_number"]);
    assert_eq!(seen["allowed_actions"], json!([]), "whoever only knows the code may do nothing");
    let mut wrong = follow(&report);
    wrong["query_code"] = json!("AAAAAAAA");
    for _ in 0..10 {
        server.nobody().post("reports/follow", &wrong).problem(404, "report_not_found");
    }
    let refused = server.nobody().post("reports/follow", &follow(&report));
    refused.problem(429, "too_many_requests");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
}
