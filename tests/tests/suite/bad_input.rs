//! Bad input: each mistake gets its status, its code, and leaves nothing behind.

use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Official, Resident, Server, both, cut, huge_png, jpeg};

both!(
    a_wrong_report_is_refused,
    a_wrong_photo_is_refused,
    a_wrong_command_is_refused,
    a_wrong_caller_is_refused,
    a_wrong_address_is_refused,
    problems_are_told_in_both_languages
);

/// One mistake: what it is, the request, and the status and code of the answer.
type Mistake = (&'static str, RequestBuilder, u16, &'static str);

/// Sends each request; the answer must be the problem, and the tables as before. The problems.
fn refused(server: &Server, mistakes: Vec<Mistake>) -> Vec<Value> {
    let before = server.rows();
    let check = |(what, request, status, code): Mistake| {
        let reply = Caller::send(request);
        assert_eq!(reply.status, status, "{what}, expected {code}: {}", reply.text());
        let problem = reply.problem(status, code);
        assert_eq!(server.rows(), before, "{what} left something behind");
        problem
    };
    mistakes.into_iter().map(check).collect()
}

/// A report with one thing changed; `null` takes the thing out.
fn spoiled(pointer: &str, value: Value) -> Value {
    let mut draft = Resident::draft("路灯不亮");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = draft.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name)
    } else {
        object.insert(name.to_owned(), value)
    };
    draft
}

fn a_wrong_report_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let report = |body: Value| resident.request(Method::POST, "reports").json(&body);
    let with = |pointer: &str, value: Value| report(spoiled(pointer, value));
    let place = |lon: f64, lat: f64| with("/place", json!({ "lon": lon, "lat": lat, "datum": "wgs84" }));
    let raw = |body: &str| resident.request(Method::POST, "reports").body(body.to_owned());
    let as_json = |body: &str| raw(body).header("content-type", "application/json");
    let key = |key: &str| report(Resident::draft("路灯不亮")).header("idempotency-key", key);
    let problems = refused(
        &server,
        vec![
            ("an unknown field", with("/colour", json!("red")), 400, "invalid_body"),
            ("a missing field", with("/text", Value::Null), 400, "invalid_body"),
            ("a wrong type", with("/text", json!(7)), 400, "invalid_body"),
            ("no words", with("/text", json!("  ")), 400, "invalid_body"),
            ("NUL", with("/text", json!("a\u{0}b")), 400, "invalid_body"),
            ("too many words", with("/text", json!("长".repeat(2001))), 400, "invalid_body"),
            ("an unknown datum", with("/place/datum", json!("mars")), 422, "unknown_datum"),
            ("no datum", with("/place/datum", Value::Null), 422, "unknown_datum"),
            ("swapped axes", place(24.45, 118.08), 422, "bad_coordinate"),
            ("no such longitude", place(218.08, 24.45), 422, "bad_coordinate"),
            ("the sea", place(118.9, 24.0), 422, "outside_district"),
            ("an unknown category", with("/category", json!("E9999")), 404, "category_not_found"),
            ("an unknown photo", with("/photo_ids", json!([999_999])), 404, "photo_not_found"),
            (
                "too many photos",
                with("/photo_ids", json!((1..=10).collect::<Vec<i64>>())),
                422,
                "refused_by_rule",
            ),
            ("no JSON", as_json("{"), 400, "invalid_body"),
            ("deep JSON", as_json(&"[".repeat(100_000)), 400, "invalid_body"),
            ("another type", raw("text").header("content-type", "text/plain"), 415, "unsupported_media_type"),
            ("a large body", with("/text", json!("x".repeat(2 << 20))), 413, "body_too_large"),
            ("a short key", key("short"), 400, "invalid_header"),
            ("a key with blanks", key("not a good key"), 400, "invalid_header"),
        ],
    );
    assert_eq!(problems[0]["errors"][0]["pointer"], "/colour", "{}", problems[0]);
    assert!(problems[10]["nearest_m"].as_f64().unwrap() > 1000.0, "{}", problems[10]);
}

fn a_wrong_photo_is_refused(engine: Engine) {
    let server = Server::start_with(engine, |config| config.photos.max_bytes = 65_536);
    let resident = server.resident();
    let photo = |bytes: &[u8]| {
        let request = resident.request(Method::POST, "photos").header("content-type", "image/jpeg");
        request.body(bytes.to_vec())
    };
    let whole = jpeg(64, 48);
    refused(
        &server,
        vec![
            ("an empty photo", photo(b""), 422, "photo_empty"),
            ("a cut photo", photo(&cut(&whole)), 422, "photo_truncated"),
            ("a huge photo", photo(&huge_png()), 422, "photo_too_many_pixels"),
            ("text", photo(b"this is not a picture, whatever its name says"), 415, "photo_type_unsupported"),
            ("a large photo", photo(&[whole.clone(), vec![0; 70_000]].concat()), 413, "photo_too_large"),
        ],
    );
    let stored = server.stored();
    assert!(stored.is_empty(), "refused photos were stored: {stored:?}");
    resident.upload(&whole);
    assert_eq!(server.rows().photos, 1);
}

fn a_wrong_command_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let ticket = resident.report("路灯不亮")["ticket_id"].as_i64().unwrap();
    let grid1 = server.official("grid1");
    grid1.command(ticket, "claim", json!({}));
    let command = |who: &Official, verb: &str, body: Value| {
        who.request(Method::POST, &format!("tickets/{ticket}/{verb}")).json(&body)
    };
    let file = |body: Value| command(&grid1, "file", body);
    let good = || file(json!({ "category": "P0107" }));
    let problems = refused(
        &server,
        vec![
            ("a stale version", file(json!({ "category": "P0107", "version": 1 })), 409, "stale_version"),
            ("a stale If-Match", good().header("if-match", "\"1\""), 409, "stale_version"),
            ("no version", good(), 428, "version_required"),
            ("a bad If-Match", good().header("if-match", "\"two\""), 400, "invalid_header"),
            (
                "an unknown category",
                file(json!({ "category": "E9999", "version": 2 })),
                422,
                "refused_by_rule",
            ),
            ("a wrong field", file(json!({ "categorie": "P0107", "version": 2 })), 400, "invalid_body"),
            (
                "somebody else's ticket",
                command(&server.official("grid3"), "claim", json!({ "version": 2 })),
                404,
                "ticket_not_found",
            ),
            ("a held ticket", command(&server.official("grid2"), "claim", json!({})), 409, "already_claimed"),
            (
                "a foreign photo",
                file(json!({ "category": "P0107", "version": 2, "photo_ids": [999_999] })),
                404,
                "photo_not_found",
            ),
            (
                "the wrong role",
                command(&grid1, "close", json!({ "version": 2 })),
                409,
                "not_allowed_in_state",
            ),
        ],
    );
    assert_eq!((&problems[0]["version"], &problems[0]["state"]), (&json!(2), &json!("claimed")));
    assert_eq!(problems[4]["rule"], "unknown_category");
    let filed = Caller::send(good().header("if-match", "\"2\"")).expect(200);
    assert_eq!(filed["version"], 3);
}

fn a_wrong_caller_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let nobody = server.nobody();
    let draft = Resident::draft("路灯不亮");
    let send = |who: &Caller| who.request(Method::POST, "reports").json(&draft);
    let token = resident.token();
    let altered = format!("{}x", &token[..token.len() - 1]);
    let login = |name: &str| {
        nobody
            .request(Method::POST, "auth/password")
            .json(&json!({ "name": name, "password": "wrong-password" }))
    };
    let code = json!({ "phone": resident.phone, "code": "000000" });
    let other = server.official("community");
    refused(
        &server,
        vec![
            ("no token", send(&nobody), 401, "unauthenticated"),
            ("garbage", send(&nobody.with_token("garbage")), 401, "token_invalid"),
            ("an altered token", send(&nobody.with_token(&altered)), 401, "token_invalid"),
            ("the wrong role", send(&other), 403, "forbidden"),
            ("a wrong password", login("grid1"), 401, "login_failed"),
            ("an unknown name", login("nobody"), 401, "login_failed"),
            ("a used code", nobody.request(Method::POST, "auth/phone").json(&code), 401, "code_wrong"),
        ],
    );
    server.advance_seconds(8 * 3600);
    refused(&server, vec![("an expired token", send(&resident), 401, "token_expired")]);
    let reply = nobody.get("me");
    reply.problem(401, "unauthenticated");
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
}

fn a_wrong_address_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let official = server.official("grid1");
    let get = |path: &str| resident.request(Method::GET, path);
    refused(
        &server,
        vec![
            ("no such address", get("nothing-here"), 404, "not_found"),
            ("a number that is none", get("reports/abc"), 400, "invalid_path"),
            ("a negative number", get("reports/-1"), 400, "invalid_path"),
            ("no such report", get("reports/999999"), 404, "report_not_found"),
            ("a bad cursor", get("reports?cursor=0x1"), 400, "invalid_query"),
            ("a long page", get("reports?limit=101"), 400, "invalid_query"),
            ("an unknown parameter", get("reports?page=2"), 400, "invalid_query"),
            ("half a place", official.request(Method::GET, "tickets/pool?lon=118"), 422, "bad_coordinate"),
            ("no such ticket", official.request(Method::GET, "tickets/999999"), 404, "ticket_not_found"),
        ],
    );
    let reply = Caller::send(resident.request(Method::DELETE, "reports"));
    reply.problem(405, "method_not_allowed");
    let allow = reply.header("allow");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

fn problems_are_told_in_both_languages(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let draft = spoiled("/place/datum", json!("mars"));
    let zh = resident.post("reports", &draft).problem(422, "unknown_datum");
    let reply = resident.in_english().post("reports", &draft);
    let en = reply.problem(422, "unknown_datum");
    assert_eq!(reply.header("content-language"), "en");
    assert_eq!(zh["title"], "坐标系不明，请注明 wgs84、gcj02 或 bd09");
    assert_eq!(en["title"], "Unknown datum; state wgs84, gcj02 or bd09");
    assert_ne!(zh["errors"][0]["message"], en["errors"][0]["message"], "{zh} {en}");
}
