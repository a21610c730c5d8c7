//! What may be the same: shown before a report is sent and while one is verified, and followed instead of reported.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Resident, Scenery, Server, both};

use crate::common::{rendered, reported, whole};

both!(
    a_resident_is_shown_what_others_have_reported,
    pictures_tell_what_is_the_same,
    a_picture_that_another_process_stored_is_found,
    nothing_private_is_shown,
    bad_sketches_are_refused,
    a_resident_follows_instead_of_reporting,
    following_goes_on_when_tickets_are_merged,
    what_may_not_be_followed,
    a_verifier_is_shown_what_to_merge
);

/// A sketch so many metres north of the demonstration's point.
fn sketch(server: &Server, metres: f64) -> Value {
    let mut place = server.standing(metres);
    place.as_object_mut().unwrap().remove("taken_at");
    json!({ "place": place })
}

fn similar(who: &Resident, sketch: &Value) -> Vec<Value> {
    who.post("reports/similar", sketch).expect(200)["items"].as_array().unwrap().clone()
}

fn keys(items: &[Value]) -> Vec<i64> {
    items.iter().map(|item| whole(&item["ticket_id"])).collect()
}

fn reasons(item: &Value) -> Vec<&str> {
    item["reasons"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap()).collect()
}

/// Reports with a photo; the ticket, and the photo once it is rendered.
fn reported_with(server: &Server, who: &Resident, text: &str, photo: &[u8]) -> (i64, i64) {
    let photo = who.upload(photo);
    rendered(server, who, photo);
    let mut draft = Resident::draft(text);
    draft["photo_ids"] = json!([photo]);
    (whole(&who.post("reports", &draft).expect(201)["ticket_id"]), photo)
}

fn a_resident_is_shown_what_others_have_reported(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (_, _, ticket) = reported(&server, "路面有个大坑，请打 13905920001");
    server.advance_seconds(86_400);
    let me = server.resident();
    let mut asked = sketch(&server, 20.0);
    let seen = similar(&me, &asked);
    assert_eq!(keys(&seen), [ticket]);
    let one = &seen[0];
    assert_eq!(
        (one["title"].as_str(), one["state"].as_str()),
        (Some("路面有个大坑，请打 ***"), Some("received"))
    );
    assert_eq!((one["distance_m"].as_f64(), one["people"].as_i64()), (Some(20.0), Some(1)));
    assert_eq!((&one["yours"], &one["may_follow"]), (&json!(false), &json!(true)));
    assert_eq!(reasons(one), ["near", "time", "open"]);
    assert!(one["summary"].as_str().unwrap().contains("昨天"), "{one}");
    let english = me.in_english().post("reports/similar", &asked).expect(200);
    assert!(english["items"][0]["summary"].as_str().unwrap().contains("yesterday"), "{english}");

    // A hundred metres away, the place alone does not say enough; words and category do.
    asked = sketch(&server, 100.0);
    assert!(keys(&similar(&me, &asked)).is_empty());
    asked["text"] = json!("这里路面有个大坑");
    assert_eq!(keys(&similar(&me, &asked)), [ticket]);
    server.official("grid1").claim_and_file(ticket, "P0201");
    asked["category"] = json!("E0201");
    assert!(keys(&similar(&me, &asked)).is_empty());
    asked["category"] = json!("P0201");
    assert!(reasons(&similar(&me, &asked)[0]).contains(&"same_category"));
    // The same place in the datum of the maps that phones show.
    let (lon, lat) = (asked["place"]["lon"].as_f64().unwrap(), asked["place"]["lat"].as_f64().unwrap());
    let (lon, lat) = suishoupai_core::geo::convert(
        lon,
        lat,
        suishoupai_core::geo::Datum::Wgs84,
        suishoupai_core::geo::Datum::Gcj02,
    );
    asked["place"] = json!({ "lon": lon, "lat": lat, "datum": "gcj02" });
    assert_eq!(keys(&similar(&me, &asked)), [ticket]);
    let (_, _, second) = reported(&server, "路面有坑");
    let near = sketch(&server, 0.0);
    assert_eq!(keys(&similar(&me, &near)).len(), 2);
    assert!(keys(&similar(&me, &near)).contains(&second));
    let few = json!({ "place": near["place"], "limit": 1 });
    assert_eq!(similar(&me, &few).len(), 1);
}

fn pictures_tell_what_is_the_same(engine: Engine) {
    let server = Server::start(engine);
    server.know_pictures();
    let (one, other, me) = (server.resident(), server.resident(), server.resident());
    let (same, photo) = reported_with(&server, &one, "井盖坏了", &Scenery::of(1).jpeg(640, 480, 90));
    let (_, _) = reported_with(&server, &other, "垃圾桶满了", &Scenery::of(2).jpeg(640, 480, 90));
    let copy = me.upload(&Scenery::of(1).darker(0.85).jpeg(400, 300, 70));
    rendered(&server, &me, copy);

    let mut asked = sketch(&server, 90.0);
    assert!(keys(&similar(&me, &asked)).is_empty());
    asked["photo_ids"] = json!([copy]);
    let answer = me.post("reports/similar", &asked).expect(200);
    assert_eq!(answer["photos_pending"], false);
    let seen = answer["items"].as_array().unwrap();
    assert_eq!(keys(seen), [same], "{answer}");
    assert!(reasons(&seen[0])[1].ends_with("_picture"), "{:?}", reasons(&seen[0]));
    let link = seen[0]["thumbnail_url"].as_str().unwrap();
    assert!(link.contains(&format!("/{photo}/")), "{link}");
    let shown = server.nobody().get(link);
    assert_eq!((shown.status, shown.header("content-type")), (200, "image/jpeg"));
    // The link is for the thumbnail and for nothing else.
    let full = server.nobody().get(&link.replace("thumbnail", "display"));
    assert!(matches!(full.status, 401 | 403 | 404), "{}", full.status);
    // The same picture, from where nothing else speaks for it.
    let mut far = sketch(&server, 600.0);
    far["photo_ids"] = json!([copy]);
    assert_eq!(keys(&similar(&me, &far)), [same]);
}

fn a_picture_that_another_process_stored_is_found(engine: Engine) {
    let server = Server::start(engine);
    let twin = server.twin();
    // Both know what is there, which is nothing; what comes is stored by one, and asked of the other.
    server.know_pictures();
    twin.know_pictures();
    let (one, me) = (server.resident(), twin.resident());
    let copy = me.upload(&Scenery::of(7).darker(0.85).jpeg(400, 300, 70));
    rendered(&twin, &me, copy);
    let mut far = sketch(&server, 600.0);
    far["photo_ids"] = json!([copy]);
    assert!(keys(&similar(&me, &far)).is_empty());
    let (ticket, _) = reported_with(&server, &one, "井盖坏了", &Scenery::of(7).jpeg(640, 480, 90));
    assert_eq!(keys(&similar(&me, &far)), [ticket]);
    // One that starts now reads all of it.
    let late = server.twin();
    late.know_pictures();
    let other = late.resident();
    let mine = other.upload(&Scenery::of(7).jpeg(320, 240, 80));
    rendered(&late, &other, mine);
    far["photo_ids"] = json!([mine]);
    assert_eq!(keys(&similar(&other, &far)), [ticket]);
}

fn nothing_private_is_shown(engine: Engine) {
    let server = Server::start(engine);
    let (first, me) = (server.resident(), server.resident());
    let mut draft = Resident::draft("邻居打人");
    let sensitive = server.services().registry().districts[&350_203]
        .catalogue
        .values()
        .find(|category| category.sensitive)
        .map(|category| category.code.clone())
        .unwrap();
    draft["category"] = json!(sensitive);
    first.post("reports", &draft).expect(201);
    let (_, report, withdrawn) = {
        let resident = server.resident();
        let report = resident.report("看错了");
        let ticket = whole(&report["ticket_id"]);
        resident.say(&report, "withdraw", &json!({})).expect(200);
        (resident, report, ticket)
    };
    let asked = sketch(&server, 0.0);
    assert!(keys(&similar(&me, &asked)).is_empty(), "{withdrawn} {report}");
    let (_, _, open) = reported(&server, "路灯不亮");
    let seen = similar(&me, &asked);
    assert_eq!(keys(&seen), [open]);
    let text = seen[0].to_string();
    for hidden in ["reporter", "receipt", "account", "version", "number"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let lon = seen[0]["lon"].as_f64().unwrap() * 10_000.0;
    assert!((lon - lon.round()).abs() < 1e-6, "to about ten metres");
}

fn bad_sketches_are_refused(engine: Engine) {
    let server = Server::start(engine);
    let me = server.resident();
    let good = sketch(&server, 0.0);
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        me.post("reports/similar", &body)
    };
    me.post("reports/similar", &json!({})).problem(400, "invalid_body");
    with("place", json!({ "lon": 118.08, "lat": 24.44 })).problem(422, "unknown_datum");
    with("place", json!({ "lon": 10.0, "lat": 24.44, "datum": "wgs84" })).problem(422, "outside_district");
    with("category", json!("X9999")).problem(404, "category_not_found");
    with("photo_ids", json!([1])).problem(404, "photo_not_found");
    with("photo_ids", json!([server.resident().upload_any()])).problem(404, "photo_not_found");
    with("photo_ids", json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).problem(400, "invalid_body");
    with("limit", json!(0)).problem(400, "invalid_body");
    with("limit", json!(21)).problem(400, "invalid_body");
    with("text", json!("")).problem(400, "invalid_body");
    with("more", json!(1)).problem(400, "invalid_body");
    server.nobody().post("reports/similar", &good).problem(401, "unauthenticated");
    server.official("observer").post("reports/similar", &good).problem(403, "forbidden");
    server.official("grid1").post("reports/similar", &good).expect(200);
}

fn a_resident_follows_instead_of_reporting(engine: Engine) {
    let server = Server::start(engine);
    let (reporter, report, ticket) = reported(&server, "路面坑洞");
    reporter.say(&report, "supplements", &json!({ "words": "我家在一号楼" })).expect(200);
    let me = server.resident();
    let path = format!("tickets/{ticket}");
    let before = server.official("dispatcher").ticket(ticket);
    for _ in 0..2 {
        let followed = me.post(&format!("{path}/follow"), &json!({})).expect(200);
        assert_eq!((&followed["following"], &followed["people"]), (&json!(true), &json!(2)));
    }
    let after = server.official("dispatcher").ticket(ticket);
    assert_eq!((whole(&after["followers"]), whole(&before["followers"])), (1, 0));
    assert_eq!(after["version"], before["version"], "nobody's command is stale because somebody follows");
    let seen = similar(&me, &sketch(&server, 0.0));
    assert_eq!(
        (&seen[0]["people"], &seen[0]["yours"], &seen[0]["may_follow"]),
        (&json!(2), &json!(true), &json!(false))
    );
    let other = server.resident();
    assert_eq!(similar(&other, &sketch(&server, 0.0))[0]["yours"], false);

    let shizheng = server.official("shizheng");
    server.official("grid1").claim_and_file(ticket, "P0201");
    shizheng.command(ticket, "accept", json!({}));
    shizheng.finish(ticket, "已修补。");
    server.official("inspector").close(ticket);
    let lines = me.get("follows").expect(200);
    assert_eq!(lines["items"][0]["state"], "closed");
    let view = me.get(&format!("follows/{ticket}")).expect(200);
    assert_eq!((view["state"].as_str(), view["answer"].as_str()), (Some("closed"), Some("已修补。")));
    let done: Vec<&str> =
        view["timeline"].as_array().unwrap().iter().filter_map(|line| line["action"].as_str()).collect();
    assert!(done.contains(&"open") && done.contains(&"finish") && !done.contains(&"supplement"), "{done:?}");
    assert!(!view.to_string().contains("一号楼"), "what a reporter said is the reporter's");
    let stages: Vec<&Value> =
        view["photos"].as_array().unwrap().iter().map(|photo| &photo["stage"]).collect();
    assert!(stages.contains(&&json!("after")) && !stages.contains(&&json!("before")));

    // Who follows already may say so again though it is over; nobody else may begin.
    me.post(&format!("{path}/follow"), &json!({})).expect(200);
    other.post(&format!("{path}/follow"), &json!({})).problem(409, "not_allowed_in_state");
    reporter.post(&format!("{path}/follow"), &json!({})).expect(200);
    assert_eq!(reporter.get("follows").expect(200)["items"], json!([]), "whoever reported it has it already");
    other.get(&format!("follows/{ticket}")).problem(404, "ticket_not_found");
    for _ in 0..2 {
        assert_eq!(me.post(&format!("{path}/unfollow"), &json!({})).status, 204);
    }
    me.get(&format!("follows/{ticket}")).problem(404, "ticket_not_found");
    assert_eq!(me.get("follows").expect(200)["items"], json!([]));
    assert!(server.verify().breaks.is_empty());
}

fn following_goes_on_when_tickets_are_merged(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, main) = reported(&server, "井盖响");
    let (_, _, same) = reported(&server, "井盖响个不停");
    let (me, late) = (server.resident(), server.resident());
    me.post(&format!("tickets/{same}/follow"), &json!({})).expect(200);
    let dispatcher = server.official("dispatcher");
    dispatcher.command(same, "merge", json!({ "into": main, "reason": "同一井盖" }));
    let view = me.get(&format!("follows/{same}")).expect(200);
    assert_eq!((whole(&view["ticket_id"]), whole(&view["people"])), (main, 3));
    assert_eq!(keys(me.get("follows").expect(200)["items"].as_array().unwrap()), [main]);
    let through = late.post(&format!("tickets/{same}/follow"), &json!({})).expect(200);
    assert_eq!((whole(&through["ticket_id"]), whole(&through["people"])), (main, 4));
    assert_eq!(whole(&dispatcher.ticket(main)["followers"]), 2);
    assert_eq!(similar(&late, &sketch(&server, 0.0))[0]["people"], 4);
    me.post(&format!("tickets/{main}/follow"), &json!({})).expect(200);
    assert_eq!(whole(&dispatcher.ticket(main)["followers"]), 2, "once is enough");
    assert_eq!(me.post(&format!("tickets/{main}/unfollow"), &json!({})).status, 204);
    me.get(&format!("follows/{same}")).problem(404, "ticket_not_found");
    dispatcher.command(same, "unmerge", json!({ "reason": "是马路对面的井盖" }));
    assert_eq!(whole(&dispatcher.ticket(same)["followers"]), 0);
}

fn what_may_not_be_followed(engine: Engine) {
    let server = Server::start(engine);
    let me = server.resident();
    let follow = |ticket: i64| me.post(&format!("tickets/{ticket}/follow"), &json!({}));
    follow(999_999_999).problem(404, "ticket_not_found");
    let (reporter, report, ticket) = reported(&server, "看错了");
    me.post(&format!("tickets/{ticket}/follow"), &json!({})).expect(200);
    reporter.say(&report, "withdraw", &json!({})).expect(200);
    follow(ticket).problem(404, "ticket_not_found");
    me.get(&format!("follows/{ticket}")).problem(404, "ticket_not_found");
    server.official("grid1").post(&format!("tickets/{ticket}/follow"), &json!({})).problem(403, "forbidden");
    server.nobody().post(&format!("tickets/{ticket}/follow"), &json!({})).problem(401, "unauthenticated");
    server.nobody().get("follows").problem(401, "unauthenticated");
    me.get("follows?cursor=x").problem(400, "invalid_query");

    // Filed under a kind that only some may see, it is no longer there for those who follow it.
    let (_, _, quarrel) = reported(&server, "楼下吵架");
    follow(quarrel).expect(200);
    let registry = server.services().registry();
    let kinds = &registry.districts[&350_203].catalogue;
    let kind = kinds.values().find(|category| category.sensitive).unwrap().code.clone();
    let grid1 = server.official("grid1");
    grid1.command(quarrel, "claim", json!({}));
    grid1.try_command(quarrel, "file", json!({ "category": kind })).expect(200);
    me.get(&format!("follows/{quarrel}")).problem(404, "ticket_not_found");
    let left = me.get("follows").expect(200);
    assert!(!keys(left["items"].as_array().unwrap()).contains(&quarrel), "{left}");
}

fn a_verifier_is_shown_what_to_merge(engine: Engine) {
    let server = Server::start(engine);
    let (one, other) = (server.resident(), server.resident());
    let (first, photo) = reported_with(&server, &one, "井盖坏了", &Scenery::of(3).jpeg(640, 480, 90));
    let (second, _) = reported_with(&server, &other, "窨井没有盖子", &Scenery::of(3).jpeg(500, 375, 80));
    let grid1 = server.official("grid1");
    let seen = grid1.get(&format!("tickets/{second}/similar")).expect(200);
    let items = seen["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{seen}");
    let found = &items[0];
    assert_eq!((whole(&found["ticket"]["id"]), whole(&found["people"])), (first, 1));
    assert_eq!(reasons(found), ["same_place", "same_picture", "time", "open"]);
    assert!(whole(&found["score"]) >= 90, "{found}");
    assert_eq!(found["ticket"]["distance_m"], 0.0);
    assert!(found["thumbnail_url"].as_str().unwrap().contains(&format!("/{photo}/")), "{found}");
    assert_eq!(server.nobody().get(found["display_url"].as_str().unwrap()).status, 200);
    // One call merges.
    let into = whole(&found["ticket"]["id"]);
    let dispatcher = server.official("dispatcher");
    dispatcher.command(second, "merge", json!({ "into": into, "reason": "同一井盖" }));
    let after = dispatcher.get(&format!("tickets/{first}/similar?limit=3")).expect(200);
    assert_eq!(after["items"], json!([]), "what was merged is not the same as itself");

    server.official("shuiwu").get(&format!("tickets/{first}/similar")).problem(404, "ticket_not_found");
    server.resident().get(&format!("tickets/{first}/similar")).problem(403, "forbidden");
    grid1.get(&format!("tickets/{first}/similar?limit=21")).problem(400, "invalid_query");
}
