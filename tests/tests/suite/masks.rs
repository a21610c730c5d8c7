//! 打码: what is masked is masked for everybody at once, by whoever works on the ticket, and taken off by somebody else.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Official, Resident, Server, both, corners, jpeg};

use crate::common::{rendered, whole};

both!(
    a_masked_photo_is_masked_for_everybody_and_its_original_stays,
    a_mask_grows_and_is_taken_off_by_another_chief,
    who_works_on_the_ticket_masks_and_nobody_else,
    a_picture_that_somebody_else_sent_too_is_theirs,
    rectangles_that_are_none_are_refused,
    an_altered_mask_is_found
);

/// A report with a photo of 400 × 300, rendered: the resident, the photo, the ticket.
pub(crate) fn with_photo(server: &Server, bytes: &[u8]) -> (Resident, i64, i64) {
    let resident = server.resident();
    let photo = resident.upload(bytes);
    let mut draft = Resident::draft("车辆乱停");
    draft["photo_ids"] = json!([photo]);
    let report = resident.post("reports", &draft).expect(201);
    assert_eq!(rendered(server, &resident, photo)["state"], "ready");
    (resident, photo, whole(&report["ticket_id"]))
}

/// The left half of the picture.
pub(crate) fn left_half() -> Value {
    json!({ "areas": [{ "left": 0, "top": 0, "width": 0.5, "height": 1 }], "reason": "人脸" })
}

/// The mask once its renditions are made.
pub(crate) fn made(server: &Server, who: &Official, photo: i64) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        server.drain();
        let mask = who.get(&format!("photos/{photo}/mask")).expect(200);
        if mask["state"] != "received" {
            return mask;
        }
        assert!(Instant::now() < deadline, "not rendered: {mask}");
        std::thread::yield_now();
    }
}

/// The colours near the corners of what a link leads to.
fn seen(server: &Server, link: &Value) -> [[u8; 3]; 4] {
    let shown = server.nobody().get(link.as_str().unwrap());
    assert_eq!(shown.status, 200, "{}", shown.text());
    corners(&shown.body).corners
}

fn near(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 20)
}

fn a_masked_photo_is_masked_for_everybody_and_its_original_stays(engine: Engine) {
    let server = Server::start(engine);
    let bytes = jpeg(400, 300);
    let (resident, photo, ticket) = with_photo(&server, &bytes);
    let grid1 = server.official("grid1");
    let before = grid1.ticket(ticket)["evidence"][0].clone();
    assert_eq!(before["masked"], false);
    let old = before["display_url"].as_str().unwrap().to_owned();
    let old_answer = server.nobody().get(&old);
    let tag = old_answer.header("etag").to_owned();
    let [red, green, blue, yellow] = corners(&old_answer.body).corners;
    let objects = server.stored();

    let masked = grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    assert_eq!((&masked["version"], &masked["areas"][0]["width"]), (&json!(1), &json!(0.5)));
    // From the answer on the renditions of before are nobody's.
    server.nobody().get(&old).problem(401, "token_expired");
    let with_tag =
        resident.request(Method::GET, &format!("photos/{photo}/display")).header("if-none-match", &tag);
    assert_ne!(Caller::send(with_tag).status, 304);
    let mask = made(&server, &grid1, photo);
    server.nobody().get(&old).problem(401, "token_expired");
    for kind in ["display_url", "thumbnail_url"] {
        let now = seen(&server, &mask[kind]);
        // Upper and lower left are one colour, the mean of red and blue; the right half is as it was.
        assert!(near(now[0], now[2]) && !near(now[0], red) && !near(now[2], blue), "{kind}: {now:?}");
        assert!(near(now[1], green) && near(now[3], yellow), "{kind}: {now:?}");
    }
    let whose: [&Caller; 2] = [&resident, &grid1];
    for who in whose {
        let shown = who.get(&format!("photos/{photo}/display"));
        assert!(shown.header("cache-control").contains("no-cache"), "{}", shown.header("cache-control"));
        assert_ne!(shown.header("etag"), tag);
        assert!(!near(corners(&shown.body).corners[0], red));
        assert!(who.get(&format!("photos/{photo}/original")).body == bytes, "the original is untouched");
    }
    let report = resident.get("reports").expect(200)["items"][0]["id"].clone();
    let own = resident.get(&format!("reports/{report}")).expect(200);
    assert_eq!(
        (&own["photos"][0]["masked"], &own["photos"][0]["display_url"]),
        (&json!(true), &mask["display_url"])
    );

    // In the store, what shows too much is gone.
    let after = server.stored();
    let gone = |kind: &str| {
        let old = objects.iter().find(|key| key.starts_with(kind)).unwrap();
        !after.contains(old) && after.iter().filter(|key| key.starts_with(kind)).count() == 1
    };
    assert!(gone("display/") && gone("thumbnail/"), "{objects:?} {after:?}");

    // Sent again, it is no second line.
    let again = grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    assert_eq!((&again["version"], again["events"].as_array().unwrap().len()), (&json!(1), 1));
    let line = &again["events"][0];
    assert_eq!((&line["actor_name"], &line["reason"]), (&json!("林网格"), &json!("人脸")));
    assert_eq!((&line["ticket"], line["hash"].as_str().unwrap().len()), (&json!(ticket), 64));
    let seen = server.verify();
    assert_eq!((seen.masks.chains, seen.masks.lines, seen.masks.breaks.len()), (1, 1, 0), "{seen:?}");
    assert!(seen.breaks.is_empty());
}

fn a_mask_grows_and_is_taken_off_by_another_chief(engine: Engine) {
    let server = Server::start(engine);
    let (_, photo, _) = with_photo(&server, &jpeg(400, 300));
    let [grid1, chief, head] = ["grid1", "chief", "head"].map(|login| server.official(login));
    let path = format!("photos/{photo}/mask");
    // Pixels of the display rendition: the lower right quarter.
    let quarter = json!({ "areas": [{ "left": 200, "top": 150, "width": 200, "height": 150 }], "unit": "pixel",
        "reason": "车牌" });
    let first = chief.post(&path, &quarter).expect(200);
    assert_eq!(first["areas"][0], json!({ "left": 0.5, "top": 0.5, "width": 0.5, "height": 0.5 }));
    let second = grid1.post(&path, &left_half()).expect(200);
    assert_eq!((&second["version"], second["areas"].as_array().unwrap().len()), (&json!(2), 2));
    let mask = made(&server, &grid1, photo);
    let now = seen(&server, &mask["display_url"]);
    assert!(near(now[0], now[2]) && near(now[1], [20, 200, 20]), "{now:?}");

    let reason = json!({ "reason": "误打" });
    let take_off = format!("photos/{photo}/unmask");
    grid1.post(&take_off, &reason).problem(403, "forbidden");
    let own = chief.post(&take_off, &reason).problem(403, "forbidden");
    assert_eq!(own["rule"], "own_mask");
    assert_eq!(head.post(&take_off, &reason).expect(200)["areas"], json!([]));
    assert_eq!(head.post(&take_off, &reason).expect(200)["version"], 3, "asked again, it is done");
    let other = json!({ "reason": "再撤" });
    assert_eq!(head.post(&take_off, &other).problem(409, "not_allowed_in_state")["rule"], "not_masked");
    let mask = made(&server, &head, photo);
    assert!(near(seen(&server, &mask["display_url"])[0], [220, 20, 20]));
    let lines = mask["events"].as_array().unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["mask", "mask", "unmask"]);
    assert_eq!(server.stored().iter().filter(|key| key.starts_with("display/")).count(), 1);
    assert!(server.verify().masks.breaks.is_empty());
}

fn who_works_on_the_ticket_masks_and_nobody_else(engine: Engine) {
    let server = Server::start(engine);
    let (resident, photo, ticket) = with_photo(&server, &jpeg(400, 300));
    server.official("grid1").claim_and_file(ticket, "P0201");
    let path = format!("photos/{photo}/mask");
    resident.post(&path, &left_half()).problem(403, "forbidden");
    server.nobody().post(&path, &left_half()).problem(401, "unauthenticated");
    for login in ["observer", "admin"] {
        server.official(login).post(&path, &left_half()).problem(403, "forbidden");
        server.official(login).get(&path).expect(200);
    }
    for login in ["grid3", "shuiwu", "squad"] {
        server.official(login).post(&path, &left_half()).problem(404, "photo_not_found");
        server.official(login).get(&path).problem(404, "photo_not_found");
    }
    // A photo that is evidence for nothing is nobody's to mask; who uploaded it sees that it has no mask.
    let own = server.official("grid1");
    let loose = own.upload(&jpeg(64, 64));
    let unmasked = own.get(&format!("photos/{loose}/mask")).expect(200);
    assert_eq!((&unmasked["version"], &unmasked["areas"]), (&json!(0), &json!([])));
    server.official("dispatcher").get(&format!("photos/{loose}/mask")).problem(404, "photo_not_found");
    own.post(&format!("photos/{loose}/mask"), &left_half()).problem(404, "photo_not_found");
    for (login, width) in
        [("shizheng", 0.1), ("community", 0.2), ("street", 0.3), ("dispatcher", 0.4), ("inspector", 0.45)]
    {
        let body = json!({ "areas": [{ "left": 0, "top": 0, "width": width, "height": 1 }], "reason": "x" });
        server.official(login).post(&path, &body).expect(200);
    }
    assert_eq!(server.verify().masks.lines, 5);
}

fn a_picture_that_somebody_else_sent_too_is_theirs(engine: Engine) {
    let server = Server::start(engine);
    let bytes = jpeg(400, 300);
    let (_, photo, _) = with_photo(&server, &bytes);
    let (other, same, _) = with_photo(&server, &bytes);
    assert_ne!(photo, same);
    let grid1 = server.official("grid1");
    grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    made(&server, &grid1, photo);
    let untouched = other.get(&format!("photos/{same}")).expect(200);
    assert!(near(seen(&server, &untouched["display_url"])[0], [220, 20, 20]));
    assert_eq!(server.stored().iter().filter(|key| key.starts_with("display/")).count(), 2);
}

fn rectangles_that_are_none_are_refused(engine: Engine) {
    let server = Server::start(engine);
    let (_, photo, _) = with_photo(&server, &jpeg(400, 300));
    let grid1 = server.official("grid1");
    let path = format!("photos/{photo}/mask");
    let area = |left: f64, width: f64| json!({ "left": left, "top": 0.0, "width": width, "height": 0.5 });
    let post = |areas: Value| grid1.post(&path, &json!({ "areas": areas, "reason": "x" }));
    for areas in [json!([]), json!([{ "left": 0, "top": 0, "width": 1 }]), json!(vec![area(0.0, 0.1); 51])] {
        post(areas).problem(400, "invalid_body");
    }
    for areas in [json!([area(0.0, 0.0)]), json!([area(0.9, 0.2)]), json!([area(-0.1, 0.2)])] {
        post(areas).problem(422, "refused_by_rule");
    }
    let pixels = |left: f64, width: f64| json!({ "areas": [{ "left": left, "top": 0, "width": width, "height": 9 }], "unit": "pixel", "reason": "x" });
    grid1.post(&path, &pixels(0.5, 9.0)).problem(422, "refused_by_rule");
    let outside = grid1.post(&path, &pixels(395.0, 9.0)).problem(422, "refused_by_rule");
    assert_eq!(outside["errors"][0]["pointer"], "/areas/0");
    grid1.post(&path, &json!({ "areas": [area(0.0, 0.1)] })).problem(400, "invalid_body");
    for start in [0, 40] {
        let many: Vec<Value> = (start..start + 40).map(|n| area(f64::from(n) / 100.0, 0.01)).collect();
        let reply = grid1.post(&path, &json!({ "areas": many, "reason": "x" }));
        if start == 0 {
            reply.expect(200);
        } else {
            assert_eq!(reply.problem(422, "refused_by_rule")["rule"], "too_many_areas");
        }
    }
    assert_eq!(server.verify().masks.lines, 1);
}

fn an_altered_mask_is_found(engine: Engine) {
    let server = Server::start(engine);
    let (_, photo, _) = with_photo(&server, &jpeg(400, 300));
    let grid1 = server.official("grid1");
    grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    made(&server, &grid1, photo);
    let refused = server.execute(&format!("DELETE FROM mask_events WHERE photo_id = {photo}")).unwrap_err();
    assert!(refused.contains("append-only"), "{refused}");
    let breaks = || server.verify().masks.breaks.len();
    assert_eq!(breaks(), 0);
    // The mask dropped by the row alone, as if it had never been.
    server.execute("UPDATE photos SET mask_version = 0, mask_hash = NULL, rendition = NULL").unwrap();
    assert_eq!(breaks(), 1);
    server.execute("UPDATE photos SET sha256 = mask_events.hash FROM mask_events").unwrap();
    let seen = server.verify();
    assert!(seen.breaks[0].what.contains("is not the one that the line names"), "{seen:?}");
}
