//! Other systems call by keys of their own, for what those are good for and no longer.

use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Resident, Server, both};

both!(
    a_key_reaches_what_it_is_for,
    a_key_ends_by_its_time_or_when_it_is_taken_back,
    keys_are_kept_as_digests
);

fn make(server: &Server, scopes: &Value, posts: &Value) -> (i64, Caller) {
    let body = json!({ "name": "12345 热线", "scopes": scopes, "posts": posts, "days": 30 });
    let made = server.official("admin").post("admin/service-keys", &body).expect(201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sspk_") && key.len() == 48, "{key}");
    (made["service_key"]["id"].as_i64().unwrap(), server.nobody().with_token(key))
}

fn a_key_reaches_what_it_is_for(engine: Engine) {
    let server = Server::start(engine);
    let observer = json!([{ "role": "observer", "unit_code": "350203000000" }]);
    let (_, reader) = make(&server, &json!(["read"]), &observer);
    let (_, hotline) = make(&server, &json!(["read", "report"]), &json!([]));
    let (_, centre) =
        make(&server, &json!(["command"]), &json!([{ "role": "dispatcher", "unit_code": "350203000000" }]));

    let report = hotline.post("reports", &Resident::draft("热线转来：路灯不亮")).expect(201);
    let path = format!("tickets/{}", report["ticket_id"]);
    hotline.get(&format!("reports/{}", report["id"])).expect(200);
    hotline.get(&path).problem(403, "forbidden");
    reader.get(&path).expect(200);
    assert_eq!(reader.get("me").expect(200)["display_name"], "12345 热线");
    reader.post("reports", &Resident::draft("只读")).problem(403, "forbidden");
    centre.get(&path).problem(403, "forbidden");
    let dispatch = json!({ "version": 1, "lead": 1, "reason": "x" });
    reader.post(&format!("{path}/dispatch"), &dispatch).problem(403, "forbidden");
    // The scope lets it through to the rules, which refuse it by the state.
    let urge = json!({ "version": 1, "words": "请抓紧" });
    assert_ne!(centre.post(&format!("{path}/urge"), &urge).status, 403);

    let admin_posts = json!([{ "role": "administrator", "unit_code": "350203000000" }]);
    let (_, all) = make(&server, &json!(["read", "report", "command"]), &admin_posts);
    for path in ["admin/officials", "admin/service-keys", "me/devices", "me/second-factor"] {
        all.get(path).problem(403, "forbidden");
    }
    all.post("admin/service-keys", &json!({ "name": "x", "scopes": ["read"], "posts": [], "days": 1 }))
        .problem(403, "forbidden");
    let grid = json!({ "name": "x", "scopes": ["read"], "days": 1,
        "posts": [{ "role": "grid_worker", "unit_code": "350203000000" }] });
    server.official("admin").post("admin/service-keys", &grid).problem(422, "refused_by_rule");
}

fn a_key_ends_by_its_time_or_when_it_is_taken_back(engine: Engine) {
    let server = Server::start_for_days(engine);
    let twin = server.twin();
    let posts = json!([{ "role": "observer", "unit_code": "350203000000" }]);
    let (id, first) = make(&server, &json!(["read"]), &posts);
    let (_, second) = make(&server, &json!(["read"]), &posts);
    let admin = server.official("admin");
    let revoke =
        |id: i64| Caller::send(admin.request(reqwest::Method::DELETE, &format!("admin/service-keys/{id}")));
    assert_eq!(revoke(id).status, 204);
    for server in [&server, &twin] {
        first.at(server.base()).get("tickets").problem(401, "token_invalid");
        second.at(server.base()).get("tickets").expect(200);
    }
    revoke(id).problem(404, "service_key_not_found");
    let list = admin.get("admin/service-keys").expect(200);
    let revoked: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|key| &key["revoked"]).collect();
    assert_eq!(revoked, [&json!(true), &json!(false)]);
    server.advance_seconds(30 * 24 * 3600 - 1);
    second.get("tickets").expect(200);
    server.advance_seconds(1);
    second.get("tickets").problem(401, "token_expired");
    for wrong in
        ["sspk_", "sspk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &format!("sspk_{}", "A".repeat(5000))]
    {
        server.nobody().with_token(wrong).get("tickets").problem(401, "token_invalid");
    }
}

fn keys_are_kept_as_digests(engine: Engine) {
    let server = Server::start(engine);
    let (_, caller) = make(&server, &json!(["read"]), &json!([]));
    let hashes: Vec<Vec<u8>> = server.read(|conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::service_keys;
        Ok(service_keys::table.select(service_keys::hash).load(conn)?)
    });
    assert_eq!((hashes.len(), hashes[0].len()), (1, 32));
    assert!(!caller.token().as_bytes().windows(32).any(|part| part == hashes[0]));
    // Nobody signs in as the holder of a key.
    let sign_in = json!({ "name": "key 1", "password": "irgendetwas" });
    server.nobody().post("auth/password", &sign_in).problem(401, "login_failed");
}
