//! Videos as evidence: taken or refused with a reason, made public without what they tell, and played in ranges.

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_tests::videos::{Clip, boxed, xyz};
use suishoupai_tests::{Caller, Engine, Resident, Server, both, corners, jpeg};

use crate::common::{handled_by, rendered};

both!(
    a_video_is_evidence_like_a_photo,
    the_public_copy_tells_nothing,
    a_wrong_video_is_refused_with_its_reason,
    a_video_comes_in_every_way,
    a_poster_comes_from_the_named_program
);

/// A video with a time, a place, a track of places and more.
fn telling() -> Clip {
    let mut in_movie = xyz("+24.4480+118.0800/");
    in_movie.extend(boxed(b"uuid", &[b"0123456789abcdefSECRET-XMP"]));
    Clip { in_movie, places: true, created: 3_855_431_550, ..Clip::default() }
}

fn upload(caller: &Caller, media_type: &str, bytes: &[u8]) -> Value {
    caller.post_bytes("photos", media_type, bytes).expect(201)
}

fn a_video_is_evidence_like_a_photo(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = telling().bytes();
    let video = upload(&resident, "video/mp4", &bytes);
    for (name, value) in [
        ("kind", json!("video")),
        ("media_type", json!("video/mp4")),
        ("duration_ms", json!(4000)),
        ("width", json!(640)),
        ("has_gps", json!(true)),
        ("taken_at", json!("2026-03-04T09:12:30.000+08:00")),
        ("state", json!("received")),
    ] {
        assert_eq!(video[name], value, "{name}: {video}");
    }
    assert!(video["playback_url"].is_null());
    let again = resident.post_bytes("photos", "video/mp4", &bytes).expect(200);
    assert_eq!(again["id"], video["id"]);

    let id = video["id"].as_i64().unwrap();
    let seen = rendered(&server, &resident, id);
    assert_eq!(seen["state"], "ready", "{seen}");
    let poster = corners(&server.nobody().get(seen["display_url"].as_str().unwrap()).body);
    assert_eq!((poster.width, poster.height), (960, 540));
    let photo = resident.upload_any();
    assert_eq!(resident.get(&format!("photos/{photo}")).expect(200)["kind"], "photo");
    resident.get(&format!("photos/{photo}/playback")).problem(404, "photo_not_found");

    let mut draft = Resident::draft("路口积水");
    draft["photo_ids"] = json!([id, photo]);
    let report = resident.post("reports", &draft).expect(201);
    let own = &resident.own(&report)["photos"];
    let found = |list: &Value| {
        let video = list.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone();
        assert_eq!((&video["kind"], &video["duration_ms"]), (&json!("video"), &json!(4000)), "{video}");
        assert_eq!(server.nobody().get(video["playback_url"].as_str().unwrap()).status, 200);
        video
    };
    assert!(found(own)["taken_at"].is_null(), "not on the public side");
    let ticket = server.official("grid1").ticket(report["ticket_id"].as_i64().unwrap());
    let evidence = found(&ticket["evidence"]);
    assert_eq!(evidence["taken_at"], "2026-03-04T09:12:30.000+08:00");
    assert!(evidence["gps_distance_m"].as_f64().unwrap() < 50.0, "{evidence}");

    // What was done may be shown by a video as well.
    let officer = server.official("shizheng");
    let (_, _, ticket) = handled_by(&server, &officer, "P0201");
    let after = upload(&officer, "video/mp4", &Clip { seed: 1, ..Clip::default() }.bytes());
    let body = json!({ "answer": "已修补。", "photo_ids": [after["id"]] });
    assert_eq!(officer.command(ticket, "finish", body)["state"], "checking");
    let chains = server.verify();
    assert!(chains.breaks.is_empty(), "{chains:?}");
}

fn the_public_copy_tells_nothing(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = Clip { brand: *b"qt  ", ..telling() }.bytes();
    let id = upload(&resident, "video/quicktime", &bytes)["id"].as_i64().unwrap();
    let seen = rendered(&server, &resident, id);
    let link = seen["playback_url"].as_str().unwrap();
    let whole = server.nobody().get(link);
    assert_eq!((whole.status, whole.header("content-type")), (200, "video/quicktime"));
    assert_eq!((whole.header("x-content-type-options"), whole.header("accept-ranges")), ("nosniff", "bytes"));
    assert_eq!(whole.body.len(), bytes.len());
    for told in [&b"SECRET"[..], b"118.08", b"udta", b"mebx"] {
        assert!(bytes.windows(told.len()).any(|found| found == told));
        assert!(
            !whole.body.windows(told.len()).any(|found| found == told),
            "{}",
            String::from_utf8_lossy(told)
        );
    }
    let part = |path: &str, caller: &Caller, range: &str| {
        Caller::send(caller.request(Method::GET, path).header("range", range.to_owned()))
    };
    let middle = part(link, &server.nobody(), "bytes=100-199");
    assert_eq!((middle.status, middle.body.as_slice()), (206, &whole.body[100..200]));
    assert_eq!(middle.header("content-range"), format!("bytes 100-199/{}", bytes.len()));
    assert_eq!(middle.header("content-type"), "video/quicktime");
    part(link, &server.nobody(), "bytes=9999999-").problem(416, "range_not_satisfiable");

    let original = format!("photos/{id}/original");
    let sealed = part(&original, &resident, "bytes=0-99");
    assert_eq!((sealed.status, sealed.body.as_slice()), (206, &bytes[..100]));
    assert_eq!(sealed.header("content-disposition"), format!("attachment; filename=\"{id}.mov\""));
    assert_eq!(resident.get(&original).body, bytes);
    server.resident().get(&original).problem(404, "photo_not_found");
    server.nobody().get(&format!("photos/{id}/playback")).problem(401, "unauthenticated");
    server.resident().get(&format!("photos/{id}/playback")).problem(404, "photo_not_found");
    // A link to the poster is none to the video.
    let (_, signed) = seen["display_url"].as_str().unwrap().split_once('?').unwrap();
    server.nobody().get(&format!("photos/{id}/playback?{signed}")).problem(401, "token_expired");
}

fn a_wrong_video_is_refused_with_its_reason(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.videos.max_seconds = 10;
        config.videos.max_bytes = 65_536;
        config.photos.max_bytes = 70_000;
    });
    let resident = server.resident();
    let clip = Clip::default();
    let whole = clip.bytes();
    let mut fake = whole.clone();
    let data = fake.windows(4).position(|four| four == b"mdat").unwrap() + 4;
    let index = fake.windows(4).position(|four| four == b"moov").unwrap() - 4;
    fake[data..index].fill(0x41);
    let padded = [whole.clone(), boxed(b"free", &[&[0; 65_536]])].concat();
    let rows: [(Vec<u8>, u16, &str, &str); 8] = [
        (whole[..whole.len() / 2].to_vec(), 422, "video_truncated", "too early"),
        (fake, 422, "video_damaged", "first picture"),
        (Clip { codec: *b"vp09", ..clip.clone() }.bytes(), 415, "video_codec_unsupported", "vp09"),
        (Clip { seconds: 11, ..clip.clone() }.bytes(), 422, "video_too_long", "10 s"),
        (Clip { width: 9000, ..clip.clone() }.bytes(), 422, "video_too_many_pixels", "9000"),
        (Clip { at_top: boxed(b"moof", &[]), ..clip.clone() }.bytes(), 422, "video_fragmented", "fragments"),
        (Clip { in_movie: boxed(b"pssh", &[]), ..clip.clone() }.bytes(), 422, "video_encrypted", "encrypted"),
        (padded, 413, "video_too_large", "MiB"),
    ];
    for (bytes, status, code, word) in rows {
        let english = resident.in_english();
        let told = english.post_bytes("photos", "video/mp4", &bytes).problem(status, code);
        assert!(told["detail"].as_str().unwrap().contains(word), "{told}");
        let chinese = resident.post_bytes("photos", "video/mp4", &bytes).problem(status, code);
        assert!(!chinese["detail"].as_str().unwrap().is_ascii(), "{chinese}");
    }
    // What is a photo has the bound of photos.
    let mut photo = jpeg(64, 48);
    photo.resize(70_000, 0);
    upload(&resident, "image/jpeg", &photo);
    photo.push(0);
    resident.post_bytes("photos", "image/jpeg", &photo).problem(413, "photo_too_large");
    assert!(server.stored().iter().all(|key| !key.ends_with(".mp4")), "{:?}", server.stored());
}

fn a_video_comes_in_every_way(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let clip = |seed: u8| Clip { seed, index_first: true, ..Clip::default() }.bytes();
    // Straight to the store.
    let bytes = clip(1);
    let announced = resident.try_announce("video/mp4", &bytes).expect(201);
    assert_eq!(resident.send_form(&announced, &bytes).status, 204);
    assert_eq!(resident.complete(&announced).expect(201)["kind"], "video");
    let too_long = json!({ "media_type": "video/mp4", "bytes": 52_428_801, "sha256": "0".repeat(64) });
    resident.post("photos/uploads", &too_long).problem(422, "refused_by_rule");
    // In pieces.
    let bytes = clip(2);
    let path = resident.create(bytes.len(), "filetype dmlkZW8vbXA0");
    resident.append(&path, 0, &bytes[..500]);
    let last = resident.append(&path, 500, &bytes[500..]);
    let id: i64 = last.header("photo-id").parse().unwrap();
    assert_eq!(rendered(&server, &resident, id)["state"], "ready");
    let cut = &bytes[..bytes.len() / 2];
    let path = resident.create(cut.len(), "");
    resident.try_append(&path, 0, cut).problem(422, "video_truncated");
    // With the report.
    let form = reqwest::blocking::multipart::Form::new()
        .text("text", "路口积水")
        .text("lon", suishoupai_api::demo::POINT.lon.to_string())
        .text("lat", suishoupai_api::demo::POINT.lat.to_string())
        .text("datum", "wgs84")
        .part("photos", reqwest::blocking::multipart::Part::bytes(clip(3)).file_name("a.mp4"));
    let reply = Caller::send(resident.request(Method::POST, "reports/form").multipart(form));
    let report = reply.expect(201);
    assert_eq!(resident.own(&report)["photos"][0]["kind"], "video");
}

fn a_poster_comes_from_the_named_program(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.videos.ffmpeg = config.data.dir.join("ffmpeg").to_str().map(str::to_owned);
    });
    let resident = server.resident();
    let made = |seed: u8| {
        let bytes = Clip { seed, ..Clip::default() }.bytes();
        let id = upload(&resident, "video/mp4", &bytes)["id"].as_i64().unwrap();
        let seen = rendered(&server, &resident, id);
        assert_eq!(seen["state"], "ready");
        corners(&server.nobody().get(seen["display_url"].as_str().unwrap()).body)
    };
    assert_eq!(made(1).width, 960, "without the program, a placeholder");
    let folder = server.folder();
    std::fs::write(folder.join("frame.jpg"), jpeg(320, 180)).unwrap();
    let script = format!("#!/bin/sh\nexec cat {}/frame.jpg\n", folder.display());
    std::fs::write(folder.join("ffmpeg"), script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder.join("ffmpeg"), mode).unwrap();
    let poster = made(2);
    assert_eq!((poster.width, poster.height, poster.is_upright()), (320, 180, true));
    std::fs::write(folder.join("frame.jpg"), b"no picture").unwrap();
    assert_eq!(made(3).width, 960);
}
