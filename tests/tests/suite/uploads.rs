//! Photos sent straight to the store and verified, read in ranges and by tags, and a store that goes away.

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_api::config::StoreReading;
use suishoupai_tests::{Caller, Engine, S3Server, Server, both, cut, huge_png, jpeg, jpeg_from_phone};

use crate::common::{rendered, trouble};

both!(
    a_photo_goes_straight_to_the_store,
    nothing_counts_that_was_not_announced,
    an_upload_is_bound_to_its_account_and_expires,
    an_announcement_is_checked_and_bounded,
    a_photo_is_read_in_ranges_and_by_its_tag,
    an_upload_may_be_as_large_as_it_may_and_no_larger,
    a_bucket_that_goes_away_stops_only_photos,
    readers_are_sent_on_to_the_bucket,
    an_original_without_a_photo_is_swept
);

fn announced(caller: &Caller, bytes: &[u8]) -> Value {
    caller.try_announce("image/jpeg", bytes).expect(201)
}

/// Sends bytes by a form that must be taken.
fn sent(caller: &Caller, upload: &Value, bytes: &[u8]) {
    let answer = caller.send_form(upload, bytes);
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn a_photo_goes_straight_to_the_store(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg_from_phone();
    let upload = announced(&resident, &bytes);
    assert_eq!((&upload["method"], &upload["file_field"]), (&json!("POST"), &json!("file")));
    let is_own = upload["url"].as_str().unwrap().starts_with('/');
    assert_eq!(is_own, engine == Engine::Sqlite, "{upload}");
    resident.complete(&upload).problem(409, "upload_missing");
    sent(&resident, &upload, &bytes);
    assert_eq!(server.rows().photos, 0, "not a photo before it has been verified");

    let photo = resident.complete(&upload).expect(201);
    assert_eq!((&photo["media_type"], &photo["orientation"]), (&json!("image/jpeg"), &json!(6)));
    assert_eq!(resident.complete(&upload).expect(200)["id"], photo["id"]);
    let seen = rendered(&server, &resident, photo["id"].as_i64().unwrap());
    assert_eq!(seen["state"], "ready");
    assert_eq!(resident.get(&format!("photos/{}/original", photo["id"])).body, bytes);
    assert!(!server.stored().iter().any(|key| key.starts_with("upload/")), "{:?}", server.stored());

    // The same bytes announced again are the same photo.
    let again = announced(&resident, &bytes);
    sent(&resident, &again, &bytes);
    assert_eq!(resident.complete(&again).expect(200)["id"], photo["id"]);
    assert_eq!(server.rows().photos, 1);
    let mut draft = suishoupai_tests::Resident::draft("路灯不亮");
    draft["photo_ids"] = json!([photo["id"]]);
    resident.post("reports", &draft).expect(201);
}

fn nothing_counts_that_was_not_announced(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let mut other = bytes.clone();
    let end = other.len() - 10;
    other[end] ^= 1;

    let upload = announced(&resident, &bytes);
    sent(&resident, &upload, &other);
    let told = resident.complete(&upload).problem(422, "upload_mismatch");
    assert_eq!(told["errors"][0]["pointer"], "/sha256", "{told}");
    sent(&resident, &upload, &cut(&bytes));
    let told = resident.complete(&upload).problem(422, "upload_mismatch");
    assert_eq!(told["errors"][0]["pointer"], "/bytes", "{told}");
    let longer = resident.send_form(&upload, &[bytes.as_slice(), b"more"].concat());
    assert!((400..500).contains(&longer.status), "{} {}", longer.status, longer.text());
    let mut wrong = upload.clone();
    wrong["fields"]["Content-Type"] = json!("text/html");
    let refused = resident.send_form(&wrong, &bytes);
    assert!((400..500).contains(&refused.status), "{} {}", refused.status, refused.text());

    // What was announced and sent, but is no such picture.
    let text = b"this is not a picture, whatever its name says";
    for (media_type, bytes, status, code) in [
        ("image/jpeg", text.as_slice(), 415, "photo_type_unsupported"),
        ("image/png", &bytes, 422, "upload_mismatch"),
        ("image/png", &huge_png(), 422, "photo_too_many_pixels"),
        ("image/jpeg", &cut(&bytes), 422, "photo_truncated"),
    ] {
        let upload = resident.try_announce(media_type, bytes).expect(201);
        sent(&resident, &upload, bytes);
        resident.complete(&upload).problem(status, code);
    }
    assert_eq!(server.rows().photos, 0);
    assert!(server.stored().iter().all(|key| key.starts_with("upload/")), "{:?}", server.stored());

    // The right bytes, sent after all.
    sent(&resident, &upload, &bytes);
    resident.complete(&upload).expect(201);
}

fn an_upload_is_bound_to_its_account_and_expires(engine: Engine) {
    let server = Server::start(engine);
    let (resident, other) = (server.resident(), server.resident());
    let bytes = jpeg(64, 48);
    let upload = announced(&resident, &bytes);
    sent(&resident, &upload, &bytes);
    other.complete(&upload).problem(404, "upload_not_found");
    server.nobody().complete(&upload).problem(401, "unauthenticated");
    server.official("admin").complete(&upload).problem(404, "upload_not_found");
    if engine == Engine::Sqlite {
        let mut forged = upload.clone();
        forged["url"] = json!(upload["url"].as_str().unwrap().replace("signature=", "signature=0"));
        resident.send_form(&forged, &bytes).problem(401, "token_expired");
    }
    assert_eq!(server.sweep_uploads(), 0);

    server.advance_seconds(16 * 60);
    resident.complete(&upload).problem(410, "upload_expired");
    if engine == Engine::Sqlite {
        resident.send_form(&upload, &bytes).problem(401, "token_expired");
    }
    assert_eq!(server.stored().len(), 1);
    server.advance_seconds(3600);
    assert_eq!((server.sweep_uploads(), server.sweep_uploads()), (1, 0));
    assert!(server.stored().is_empty());
    resident.complete(&upload).problem(404, "upload_not_found");
    assert_eq!(server.rows().photos, 0);
}

fn an_announcement_is_checked_and_bounded(engine: Engine) {
    let server = Server::start_with(engine, |config| config.photos.max_bytes = 65_536);
    let resident = server.resident();
    let digest = "f6c0bc758758451f46b5a3e10862f6fb4f1b5abc11e086cc292cb0a5b38ef1a0";
    for (body, status, code) in [
        (json!({ "media_type": "image/gif", "bytes": 5, "sha256": digest }), 400, "invalid_body"),
        (json!({ "media_type": "image/jpeg", "bytes": 0, "sha256": digest }), 400, "invalid_body"),
        (json!({ "media_type": "image/jpeg", "bytes": -1, "sha256": digest }), 400, "invalid_body"),
        (json!({ "media_type": "image/jpeg", "bytes": 5, "sha256": &digest[1..] }), 400, "invalid_body"),
        (
            json!({ "media_type": "image/jpeg", "bytes": 5, "sha256": digest.to_uppercase() }),
            400,
            "invalid_body",
        ),
        (json!({ "media_type": "image/jpeg", "bytes": 5 }), 400, "invalid_body"),
        (json!({ "media_type": "image/jpeg", "bytes": 65_537, "sha256": digest }), 422, "refused_by_rule"),
        (json!({ "media_type": "image/jpeg", "bytes": u64::MAX, "sha256": digest }), 400, "invalid_body"),
    ] {
        resident.post("photos/uploads", &body).problem(status, code);
    }
    let good = json!({ "media_type": "image/jpeg", "bytes": 65_536, "sha256": digest });
    server.nobody().post("photos/uploads", &good).problem(401, "unauthenticated");
    for _ in 0..100 {
        resident.post("photos/uploads", &good).expect(201);
    }
    let refused = resident.post("photos/uploads", &good);
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(429, "too_many_requests");
    server.resident().post("photos/uploads", &good).expect(201);
}

fn a_photo_is_read_in_ranges_and_by_its_tag(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg_from_phone();
    let photo = resident.upload(&bytes);
    let seen = rendered(&server, &resident, photo);
    let original = format!("photos/{photo}/original");
    let part =
        |path: &str, range: &str| Caller::send(resident.request(Method::GET, path).header("range", range));

    let whole = resident.get(&original);
    assert_eq!(
        (whole.header("accept-ranges"), whole.header("cache-control")),
        ("bytes", "private, no-store")
    );
    assert_eq!(whole.body, bytes);
    let middle = part(&original, "bytes=10-19");
    assert_eq!((middle.status, middle.body.as_slice()), (206, &bytes[10..20]));
    assert_eq!(middle.header("content-range"), format!("bytes 10-19/{}", bytes.len()));
    assert_eq!(part(&original, "bytes=-7").body, bytes[bytes.len() - 7..]);
    assert_eq!(part(&original, "bytes=0-1,5-6").body, bytes, "several ranges are answered whole");
    let beyond = part(&original, &format!("bytes={}-", bytes.len()));
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", bytes.len()));
    beyond.problem(416, "range_not_satisfiable");
    server.resident().get(&original).problem(404, "photo_not_found");

    let link = seen["display_url"].as_str().unwrap();
    let shown = server.nobody().get(link);
    let cache = shown.header("cache-control");
    assert!(cache.starts_with("public, max-age=") && cache.ends_with(", immutable"), "{cache}");
    let tag = shown.header("etag").to_owned();
    let asked = |name: &'static str, value: &str| {
        Caller::send(server.nobody().request(Method::GET, link).header(name, value))
    };
    let unchanged = asked("if-none-match", &format!("\"x\", {tag}"));
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, tag.as_str()));
    assert_eq!(asked("if-none-match", "\"x\"").body, shown.body);
    assert_eq!(asked("range", "bytes=0-3").body, shown.body[..4]);
    let head = Caller::send(server.nobody().request(Method::HEAD, link));
    assert_eq!((head.status, head.header("content-length")), (200, shown.body.len().to_string().as_str()));
    let with_token = resident.get(link.split('?').next().unwrap());
    assert!(
        with_token.header("cache-control").starts_with("private"),
        "{}",
        with_token.header("cache-control")
    );
}

/// Twelve megabytes go in two parts to a bucket, and through a window in memory everywhere.
fn an_upload_may_be_as_large_as_it_may_and_no_larger(engine: Engine) {
    let server = Server::start_with(engine, |config| config.photos.max_bytes = 12_000_000);
    let resident = server.resident();
    let mut bytes = jpeg(64, 48);
    // What follows the end of the picture is kept with it.
    bytes.resize(12_000_000, 7);
    let photo = resident.upload(&bytes);
    assert!(resident.get(&format!("photos/{photo}/original")).body == bytes);
    bytes.push(7);
    resident.post_bytes("photos", "image/jpeg", &bytes).problem(413, "photo_too_large");
    bytes.pop();
    bytes[11_999_999] = 8;
    let upload = announced(&resident, &bytes);
    sent(&resident, &upload, &bytes);
    assert_eq!(resident.complete(&upload).expect(201)["bytes"], 12_000_000);
}

fn a_bucket_that_goes_away_stops_only_photos(engine: Engine) {
    let mut bucket = S3Server::start();
    let server = Server::start_on_s3(engine, &bucket, |_| ());
    let resident = server.resident();
    let kept = resident.upload(&jpeg(63, 48));
    assert_eq!(rendered(&server, &resident, kept)["state"], "ready");
    let before = jpeg(64, 48);
    let upload = announced(&resident, &before);
    sent(&resident, &upload, &before);
    bucket.stop();

    let refused = resident.post_bytes("photos", "image/jpeg", &jpeg(65, 48));
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(503, "unavailable");
    resident.complete(&upload).problem(503, "unavailable");
    resident.get(&format!("photos/{kept}/original")).problem(503, "unavailable");
    let report = resident.report("停电时也能上报");
    let (grid1, ticket) = (server.official("grid1"), report["ticket_id"].as_i64().unwrap());
    assert_eq!(grid1.get("tickets/pool").expect(200)["items"][0]["id"], ticket);
    assert_eq!(grid1.claim_and_file(ticket, "P0201")["state"], "dispatched");
    assert_eq!(resident.own(&report)["state"], "dispatched");
    // Said, but no reason to send requests elsewhere: every server has the same store.
    assert!(trouble(server.base(), "photo_store").contains("does not answer"));
    assert_eq!(server.nobody().get("/readyz").expect(200)["ready"], true);

    bucket.start_again();
    let photo = resident.complete(&upload).expect(201)["id"].as_i64().unwrap();
    bucket.stop();
    // Failed more often than a job may, it still waits for the bucket.
    for _ in 0..10 {
        server.drain();
        server.advance_seconds(70);
    }
    assert_eq!(resident.get(&format!("photos/{photo}")).expect(200)["state"], "received");
    bucket.start_again();
    server.advance_seconds(70);
    assert_eq!(rendered(&server, &resident, photo)["state"], "ready");
}

fn readers_are_sent_on_to_the_bucket(engine: Engine) {
    let bucket = S3Server::start();
    let server = Server::start_on_s3(engine, &bucket, |config| config.store.reading = StoreReading::Redirect);
    let resident = server.resident();
    let bytes = jpeg_from_phone();
    let photo = resident.upload(&bytes);
    let seen = rendered(&server, &resident, photo);
    let follow = |path: &str| {
        let answer = resident.get(path);
        assert_eq!(answer.status, 307, "{}", answer.text());
        let cache = answer.header("cache-control");
        assert!(cache.starts_with("private, max-age="), "{cache}");
        server.nobody().get(answer.header("location"))
    };
    assert_eq!(follow(&format!("photos/{photo}/original")).body, bytes);
    let link = seen["display_url"].as_str().unwrap();
    assert!(!follow(link).body.is_empty());
    server.resident().get(&format!("photos/{photo}/original")).problem(404, "photo_not_found");
    let signed = resident.get(&format!("photos/{photo}/original")).header("location").to_owned();
    let unsigned = server.nobody().get(signed.split('?').next().unwrap());
    assert_eq!(unsigned.status, 403, "{}", unsigned.text());
}

fn an_original_without_a_photo_is_swept(engine: Engine) {
    let server = Server::start_for_days(engine);
    let resident = server.resident();
    let [lost, again, used] = [64, 65, 66].map(|width| jpeg(width, 48));
    server.leave_behind(&lost);
    server.leave_behind(&again);
    let photo = resident.upload(&used);
    assert_eq!((server.sweep_orphans(), server.originals().len()), (0, 3), "they are noted first");
    server.advance_seconds(23 * 3600);
    assert_eq!(server.sweep_orphans(), 0);
    // The same bytes come again, and find their object.
    let rescued = resident.upload(&again);
    server.advance_seconds(2 * 3600);
    assert_eq!((server.sweep_orphans(), server.originals().len()), (1, 2));
    server.advance_seconds(48 * 3600);
    assert_eq!((server.sweep_orphans(), server.sweep_orphans()), (0, 0));
    for (photo, bytes) in [(photo, &used), (rescued, &again)] {
        assert!(&resident.get(&format!("photos/{photo}/original")).body == bytes);
    }
    // What was swept may come again too.
    let photo = resident.upload(&lost);
    assert!(resident.get(&format!("photos/{photo}/original")).body == lost);
}
