//! 曝光台: one proposes, another decides, anybody sees, nothing private with it.

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_core::flow::Role;
use suishoupai_tests::{Caller, Engine, Official, Reply, Resident, Server, both, corners, jpeg, jpeg_taken};

use crate::common::{CENTRE, whole};
use crate::masks::{left_half, made, with_photo};

both!(
    a_picture_is_proposed_approved_seen_and_taken_down,
    nobody_decides_about_the_own_proposal,
    only_those_of_the_table_do_what_it_says,
    only_what_is_masked_or_said_to_be_clean_is_published,
    what_is_public_tells_nothing_private,
    what_is_on_the_board_stays_masked,
    the_board_is_read_in_pages_and_by_its_tag,
    retries_and_stale_versions_do_nothing_twice,
    an_altered_board_is_found
);

const PATH: &str = "exposures";

fn proposal(ticket: i64, photo: i64) -> Value {
    json!({ "ticket_id": ticket, "photo_id": photo, "text": "车辆占用盲道" })
}

/// A ticket with a masked photo: photo and ticket.
fn masked(server: &Server, bytes: &[u8]) -> (i64, i64) {
    let (_, photo, ticket) = with_photo(server, bytes);
    let grid1 = server.official("grid1");
    grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    made(server, &grid1, photo);
    (photo, ticket)
}

/// Proposes a masked picture as `grid1`; its entry.
fn proposed(server: &Server, bytes: &[u8]) -> i64 {
    let (photo, ticket) = masked(server, bytes);
    whole(&server.official("grid1").post(PATH, &proposal(ticket, photo)).expect(201)["id"])
}

fn try_to(who: &Official, entry: i64, verb: &str, body: Value) -> Reply {
    let mut body = body;
    let reply = who.get(&format!("{PATH}/{entry}"));
    body["version"] = if reply.status == 200 { reply.json()["version"].clone() } else { json!(1) };
    who.post(&format!("{PATH}/{entry}/{verb}"), &body)
}

fn public(server: &Server) -> Vec<Value> {
    server.nobody().get(PATH).expect(200)["items"].as_array().unwrap().clone()
}

fn a_picture_is_proposed_approved_seen_and_taken_down(engine: Engine) {
    let server = Server::start(engine);
    let (photo, ticket) = masked(&server, &jpeg(400, 300));
    let [grid1, chief, dispatcher] = ["grid1", "chief", "dispatcher"].map(|login| server.official(login));
    let entry = grid1.post(PATH, &proposal(ticket, photo)).expect(201);
    assert_eq!((&entry["state"], &entry["state_name"]), (&json!("proposed"), &json!("待审核")));
    assert_eq!((&entry["masked"], &entry["allowed_actions"]), (&json!(true), &json!([])));
    let id = whole(&entry["id"]);
    assert!(public(&server).is_empty(), "nothing is public that nobody has approved");
    let twice = grid1.post(PATH, &proposal(ticket, photo)).problem(409, "not_allowed_in_state");
    assert_eq!(twice["rule"], "on_the_board");
    assert_eq!(
        chief.get(&format!("{PATH}/{id}")).expect(200)["allowed_actions"],
        json!(["approve", "refuse"])
    );
    assert_eq!(whole(&chief.get("exposures/review?state=proposed").expect(200)["items"][0]["id"]), id);
    let approved = try_to(&chief, id, "approve", json!({ "words": "属实" })).expect(200);
    assert_eq!((&approved["state"], &approved["published_at"]), (&json!("published"), &json!(server.now())));

    let seen = public(&server);
    assert_eq!((seen.len(), &seen[0]["text"]), (1, &json!("车辆占用盲道")));
    assert_eq!(seen[0]["community"], "鸿山社区");
    let picture = server.nobody().get(seen[0]["display_url"].as_str().unwrap());
    let [upper, _, lower, _] = corners(&picture.body).corners;
    assert!(upper.iter().zip(lower).all(|(a, b)| a.abs_diff(b) < 20), "it is the masked one");
    try_to(&chief, id, "refuse", json!({ "reason": "x" })).problem(409, "not_allowed_in_state");

    let down = try_to(&dispatcher, id, "take-down", json!({ "reason": "当事人已整改" })).expect(200);
    assert_eq!((&down["state"], &down["ended_at"]), (&json!("taken_down"), &json!(server.now())));
    assert!(public(&server).is_empty());
    let lines = down["events"].as_array().unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["propose", "approve", "take_down"]);
    assert_eq!((&lines[2]["reason"], &lines[0]["actor_name"]), (&json!("当事人已整改"), &json!("林网格")));
    // It may be proposed again.
    let again = whole(&grid1.post(PATH, &proposal(ticket, photo)).expect(201)["id"]);
    let refused = try_to(&server.head(), again, "refuse", json!({ "reason": "不宜公开" })).expect(200);
    assert_eq!(refused["state"], "refused");
    assert!(public(&server).is_empty());
    let seen = server.verify();
    assert_eq!(
        (seen.exposures.chains, seen.exposures.lines, seen.exposures.breaks.len()),
        (2, 5, 0),
        "{seen:?}"
    );
}

fn nobody_decides_about_the_own_proposal(engine: Engine) {
    let server = Server::start(engine);
    let (photo, ticket) = masked(&server, &jpeg(400, 300));
    let chief = server.official("chief");
    let entry = whole(&chief.post(PATH, &proposal(ticket, photo)).expect(201)["id"]);
    for (verb, body) in [("approve", json!({})), ("refuse", json!({ "reason": "x" }))] {
        let own = try_to(&chief, entry, verb, body).problem(403, "forbidden");
        assert_eq!(own["rule"], "own_proposal");
    }
    assert!(public(&server).is_empty());
    try_to(&server.chief(), entry, "approve", json!({})).expect(200);
    // Whoever sees that it must not be there may take it down, also who proposed it.
    try_to(&chief, entry, "take-down", json!({ "reason": "x" })).expect(200);
}

fn only_those_of_the_table_do_what_it_says(engine: Engine) {
    let server = Server::start(engine);
    let (photo, ticket) = masked(&server, &jpeg(400, 300));
    let body = proposal(ticket, photo);
    server.resident().post(PATH, &body).problem(403, "forbidden");
    server.nobody().post(PATH, &body).problem(401, "unauthenticated");
    for login in ["inspector", "observer", "admin"] {
        server.official(login).post(PATH, &body).problem(403, "forbidden");
    }
    for login in ["grid3", "shizheng"] {
        server.official(login).post(PATH, &body).problem(404, "ticket_not_found");
    }
    let elsewhere = server.official("grid1").upload_any();
    let wrong = server.official("grid1").post(PATH, &proposal(ticket, elsewhere));
    wrong.problem(404, "photo_not_found");
    let entry = whole(&server.official("community").post(PATH, &body).expect(201)["id"]);
    for login in ["grid1", "community", "street", "inspector", "observer", "admin"] {
        let who = server.official(login);
        assert_eq!(who.get(&format!("{PATH}/{entry}")).expect(200)["allowed_actions"], json!([]), "{login}");
        for verb in ["approve", "refuse", "take-down"] {
            let body = if verb == "approve" { json!({}) } else { json!({ "reason": "x" }) };
            try_to(&who, entry, verb, body).problem(403, "forbidden");
        }
    }
    try_to(&server.official("dispatcher"), entry, "approve", json!({})).problem(403, "forbidden");
    for login in ["grid3", "shizheng"] {
        server.official(login).get(&format!("{PATH}/{entry}")).problem(404, "exposure_not_found");
    }
    for login in ["grid1", "street", "shizheng"] {
        server.official(login).get("exposures/review").problem(403, "forbidden");
    }
    server.nobody().get("exposures/review").problem(401, "unauthenticated");
    server.nobody().get(&format!("{PATH}/{entry}")).problem(401, "unauthenticated");
    server.resident().get(&format!("{PATH}/{entry}")).problem(403, "forbidden");
    try_to(&server.official("head"), entry, "approve", json!({})).expect(200);
}

fn only_what_is_masked_or_said_to_be_clean_is_published(engine: Engine) {
    let server = Server::start(engine);
    let (_, photo, ticket) = with_photo(&server, &jpeg(400, 300));
    let [grid1, chief] = ["grid1", "chief"].map(|login| server.official(login));
    let bare = grid1.post(PATH, &proposal(ticket, photo)).problem(422, "refused_by_rule");
    assert_eq!(bare["rule"], "not_masked");
    let mut clean = proposal(ticket, photo);
    clean["declared_clean"] = json!(true);
    let entry = whole(&grid1.post(PATH, &clean).expect(201)["id"]);
    // Masked after all: what was looked at is not what is there.
    grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    let changed = try_to(&chief, entry, "approve", json!({})).problem(409, "not_allowed_in_state");
    assert_eq!(changed["rule"], "picture_changed");
    made(&server, &grid1, photo);
    try_to(&chief, entry, "refuse", json!({ "reason": "请重新申报" })).expect(200);
    let again = whole(&grid1.post(PATH, &proposal(ticket, photo)).expect(201)["id"]);
    try_to(&chief, again, "approve", json!({})).expect(200);
    assert_eq!(public(&server).len(), 1);
}

fn what_is_public_tells_nothing_private(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg_taken((400, 300), Some("2026:03:04 09:12:30"), Some((118.08, 24.448)));
    let photo = resident.upload(&bytes);
    let mut draft = Resident::draft("匿名上报：张三乱停车");
    draft["photo_ids"] = json!([photo]);
    draft["anonymous"] = json!(true);
    draft["address"] = json!("大学路 1 号");
    let report = resident.post("reports", &draft).expect(201);
    let ticket = whole(&report["ticket_id"]);
    let grid1 = server.official("grid1");
    grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    made(&server, &grid1, photo);
    let entry = whole(&grid1.post(PATH, &proposal(ticket, photo)).expect(201)["id"]);
    try_to(&server.official("chief"), entry, "approve", json!({})).expect(200);
    let seen = public(&server);
    let mut names: Vec<&str> = seen[0].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["community", "display_url", "id", "published_at", "text", "thumbnail_url"]);
    // Keys and signatures in the links are digits by chance; what a reader sees is the rest.
    let mut told = seen[0].clone();
    for link in ["display_url", "thumbnail_url", "id"] {
        told[link] = json!(null);
    }
    let text = told.to_string();
    for private in
        ["张三", "大学路", "24.4", "118.0", "林网格", "网格 06", &ticket.to_string(), &resident.phone]
    {
        assert!(!text.contains(private), "{private}: {text}");
    }
    let picture = server.nobody().get(seen[0]["display_url"].as_str().unwrap()).body;
    assert!(!picture.windows(4).any(|part| part == b"Exif"));
    assert!(!picture.windows(bytes.len().min(64)).any(|part| part == &bytes[..bytes.len().min(64)]));

    // Found to be of a sensitive kind afterwards: it is off the board at once.
    grid1.command(ticket, "claim", json!({}));
    grid1.command(ticket, "file", json!({ "category": "E0606" }));
    assert!(public(&server).is_empty());
    let observer = server.official("observer").get("exposures/review").expect(200);
    assert_eq!(observer["items"], json!([]));
    server.official("observer").get(&format!("{PATH}/{entry}")).problem(404, "exposure_not_found");
    let chief = server.official("chief");
    try_to(&chief, entry, "take-down", json!({ "reason": "敏感" })).expect(200);
    let refused = chief.post(PATH, &proposal(ticket, photo)).problem(422, "refused_by_rule");
    assert_eq!(refused["rule"], "sensitive");
}

fn what_is_on_the_board_stays_masked(engine: Engine) {
    let server = Server::start(engine);
    let entry = proposed(&server, &jpeg(400, 300));
    let [chief, head] = ["chief", "head"].map(|login| server.official(login));
    let photo = whole(&chief.get(&format!("{PATH}/{entry}")).expect(200)["photo_id"]);
    let take_off = |status, code| {
        head.post(&format!("photos/{photo}/unmask"), &json!({ "reason": "x" })).problem(status, code)
    };
    assert_eq!(take_off(409, "not_allowed_in_state")["rule"], "on_the_board");
    try_to(&chief, entry, "approve", json!({})).expect(200);
    assert_eq!(take_off(409, "not_allowed_in_state")["rule"], "on_the_board");
    // It may grow: until it is made, there is no picture, and then the new one.
    let more = json!({ "areas": [{ "left": 0.6, "top": 0, "width": 0.4, "height": 1 }], "reason": "车牌" });
    let before = public(&server)[0]["display_url"].clone();
    chief.post(&format!("photos/{photo}/mask"), &more).expect(200);
    server.nobody().get(before.as_str().unwrap()).problem(401, "token_expired");
    made(&server, &chief, photo);
    let now = public(&server)[0]["display_url"].clone();
    assert_ne!(now, before);
    let [_, upper, _, lower] = corners(&server.nobody().get(now.as_str().unwrap()).body).corners;
    assert!(upper.iter().zip(lower).all(|(a, b)| a.abs_diff(b) < 20));
    try_to(&head, entry, "take-down", json!({ "reason": "x" })).expect(200);
    let own = server.chief();
    own.post(&format!("photos/{photo}/unmask"), &json!({ "reason": "x" })).expect(200);
}

fn the_board_is_read_in_pages_and_by_its_tag(engine: Engine) {
    let server = Server::start(engine);
    let chief = server.official("chief");
    let mut entries: Vec<i64> = (0..3).map(|n| proposed(&server, &jpeg(400, 300 + n))).collect();
    // Approved in another order than proposed, two at the same instant: the latest first.
    entries.swap(0, 1);
    for (number, entry) in entries.iter().enumerate() {
        server.advance_seconds(if number == 1 { 0 } else { 60 });
        try_to(&chief, *entry, "approve", json!({})).expect(200);
    }
    let mut expected = [entries[2], entries[0].max(entries[1]), entries[0].min(entries[1])].to_vec();
    let (mut read, mut path) = (Vec::new(), format!("{PATH}?limit=1&district=350203"));
    for _ in 0..4 {
        let page = server.nobody().get(&path).expect(200);
        read.extend(page["items"].as_array().unwrap().iter().map(|item| whole(&item["id"])));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("{PATH}?limit=1&cursor={next}");
    }
    assert_eq!(read, expected);
    assert_eq!(server.nobody().get("exposures?district=350206").expect(200)["items"], json!([]));
    for wrong in ["cursor=x", "cursor=1", "cursor=1.0", "limit=0", "limit=101", "district=1", "other=1"] {
        server.nobody().get(&format!("{PATH}?{wrong}")).problem(400, "invalid_query");
    }
    let first = server.nobody().get(PATH);
    assert_eq!(first.header("cache-control"), "public, max-age=60");
    let tag = first.header("etag").to_owned();
    let asked = || Caller::send(server.nobody().request(Method::GET, PATH).header("if-none-match", &tag));
    assert_eq!((asked().status, asked().body.len()), (304, 0));
    try_to(&chief, expected.remove(0), "take-down", json!({ "reason": "x" })).expect(200);
    assert_eq!(asked().status, 200);
}

fn retries_and_stale_versions_do_nothing_twice(engine: Engine) {
    let server = Server::start(engine);
    let (photo, ticket) = masked(&server, &jpeg(400, 300));
    let grid1 = server.official("grid1");
    let send = |body: &Value| {
        let request = grid1.request(Method::POST, PATH).header("idempotency-key", "exposure-1");
        Caller::send(request.json(body))
    };
    let first = send(&proposal(ticket, photo)).expect(201);
    assert_eq!(send(&proposal(ticket, photo)).expect(201)["id"], first["id"]);
    let mut other = proposal(ticket, photo);
    other["text"] = json!("别的");
    send(&other).problem(422, "idempotency_key_reused");
    let chief = server.official("chief");
    let path = format!("{PATH}/{}/approve", first["id"]);
    chief.post(&path, &json!({})).problem(428, "version_required");
    chief.post(&path, &json!({ "version": 7 })).problem(409, "stale_version");
    for bad in [json!({ "ticket_id": 0, "photo_id": 1, "text": "x" }), json!({ "photo_id": 1, "text": "x" })]
    {
        assert!(matches!(grid1.post(PATH, &bad).status, 400 | 404));
    }
    let long = "长".repeat(201);
    let body = json!({ "ticket_id": ticket, "photo_id": photo, "text": long });
    grid1.post(PATH, &body).problem(400, "invalid_body");
    assert_eq!(server.verify().exposures.lines, 1);
}

fn an_altered_board_is_found(engine: Engine) {
    let server = Server::start(engine);
    let entry = proposed(&server, &jpeg(400, 300));
    let head = server.officer(Role::CentreHead, CENTRE);
    try_to(&head, entry, "refuse", json!({ "reason": "x" })).expect(200);
    assert!(
        server.execute("UPDATE exposure_events SET verb = 'approve'").unwrap_err().contains("append-only")
    );
    assert!(server.verify().exposures.breaks.is_empty());
    server.execute("UPDATE exposures SET state = 'published', published_at = 1").unwrap();
    let seen = server.verify().exposures;
    assert_eq!((seen.breaks.len(), seen.breaks[0].id), (1, entry), "{seen:?}");
}
