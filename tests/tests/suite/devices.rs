//! Staying signed in, on several devices, until somebody ends it.

use serde_json::{Value, json};
use suishoupai_api::demo::PASSWORD;
use suishoupai_tests::{Caller, Engine, Reply, Server, both};

both!(
    a_refresh_token_gives_the_next_one,
    a_refresh_token_that_comes_back_ends_the_session,
    two_devices_that_refresh_at_once_both_go_on,
    sessions_end_by_their_time,
    one_device_or_all_are_signed_out_at_once,
    a_removal_or_another_post_holds_from_the_next_request_on,
    nobody_ends_the_sessions_of_others,
    refresh_tokens_are_kept_as_digests,
    the_keys_of_tokens_are_published,
);

fn sign_in(server: &Server, name: &str) -> Value {
    let body = json!({ "name": name, "password": PASSWORD });
    server.nobody().post("auth/password", &body).expect(200)
}

fn refresh(caller: &Caller, session: &Value) -> Reply {
    caller.post("auth/refresh", &json!({ "refresh_token": session["refresh_token"] }))
}

fn caller_of(server: &Server, session: &Value) -> Caller {
    server.nobody().with_token(session["access_token"].as_str().unwrap())
}

fn a_refresh_token_gives_the_next_one(engine: Engine) {
    let server = Server::start_with(engine, |config| config.auth.token_minutes = 15);
    let first = sign_in(&server, "grid1");
    server.advance_seconds(15 * 60);
    caller_of(&server, &first).get("me").problem(401, "token_expired");
    let second = refresh(&server.nobody(), &first).expect(200);
    assert_eq!(second["device_id"], first["device_id"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["refresh_expires_at"], first["refresh_expires_at"], "a session does not grow");
    assert_eq!(second["account"], first["account"]);
    caller_of(&server, &second).get("me").expect(200);
    let third = refresh(&server.nobody(), &second).expect(200);
    caller_of(&server, &third).get("me").expect(200);
    for nonsense in ["x", "eyJhbGciOiJub25lIn0.e30.", first["access_token"].as_str().unwrap()] {
        let reply = server.nobody().post("auth/refresh", &json!({ "refresh_token": nonsense }));
        assert!(matches!(reply.status, 400 | 401), "{}", reply.text());
    }
    let resident = server.resident();
    resident.get("me").expect(200);
}

fn a_refresh_token_that_comes_back_ends_the_session(engine: Engine) {
    let server = Server::start(engine);
    let (first, other) = (sign_in(&server, "grid1"), sign_in(&server, "grid1"));
    let second = refresh(&server.nobody(), &first).expect(200);
    server.advance_seconds(60);
    // A client that lost the answer, in a tunnel.
    let again = refresh(&server.nobody(), &first).expect(200);
    caller_of(&server, &again).get("me").expect(200);
    server.advance_seconds(1);
    refresh(&server.nobody(), &first).problem(401, "refresh_token_invalid");
    for session in [&second, &again] {
        refresh(&server.nobody(), session).problem(401, "refresh_token_invalid");
        caller_of(&server, session).get("me").problem(401, "token_invalid");
    }
    refresh(&server.nobody(), &other).expect(200);
}

fn two_devices_that_refresh_at_once_both_go_on(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let session = sign_in(&first, "grid1");
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6)
            .map(|turn| {
                let caller = if turn % 2 == 0 { first.nobody() } else { second.nobody() };
                let session = &session;
                scope.spawn(move || refresh(&caller, session))
            })
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let next: Vec<Value> = replies.iter().map(|reply| reply.expect(200)).collect();
    for session in &next {
        let others = next.iter().filter(|other| other["refresh_token"] == session["refresh_token"]);
        assert_eq!(others.count(), 1);
        refresh(&second.nobody(), session).expect(200);
    }
    // More often than any client would.
    let more: Vec<u16> = (0..4).map(|_| refresh(&first.nobody(), &session).status).collect();
    assert_eq!(more, [200, 200, 401, 401]);
    caller_of(&second, &next[0]).get("me").problem(401, "token_invalid");
}

fn sessions_end_by_their_time(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.auth.token_minutes = 15;
        config.auth.official_hours = 2;
        config.auth.resident_days = 3;
    });
    let official = sign_in(&server, "grid1");
    let phone = suishoupai_tests::new_phone();
    let nobody = server.nobody();
    nobody.post("auth/codes", &json!({ "phone": phone })).expect(202);
    let code = suishoupai_tests::code_for(&phone);
    let resident = nobody.post("auth/phone", &json!({ "phone": phone, "code": code })).expect(200);
    server.advance_seconds(2 * 3600 - 1);
    let official = refresh(&nobody, &official).expect(200);
    let resident = refresh(&nobody, &resident).expect(200);
    server.advance_seconds(1);
    refresh(&nobody, &official).problem(401, "refresh_token_invalid");
    let resident = refresh(&nobody, &resident).expect(200);
    server.advance_seconds(3 * 24 * 3600);
    refresh(&nobody, &resident).problem(401, "refresh_token_invalid");
}

fn one_device_or_all_are_signed_out_at_once(engine: Engine) {
    let server = Server::start(engine);
    let twin = server.twin();
    let sessions: Vec<Value> = (0..3).map(|_| sign_in(&server, "grid1")).collect();
    let callers: Vec<Caller> = sessions.iter().map(|session| caller_of(&server, session)).collect();
    let list = callers[0].get("me/devices").expect(200);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    for item in items {
        assert_eq!(item["current"], item["id"] == sessions[0]["device_id"], "{list}");
        assert_eq!(item["means"], "password");
    }
    let delete = |caller: &Caller, path: &str| Caller::send(caller.request(reqwest::Method::DELETE, path));
    let path = format!("me/devices/{}", sessions[1]["device_id"]);
    assert_eq!(delete(&callers[0], &path).status, 204);
    for server in [&server, &twin] {
        callers[1].at(server.base()).get("me").problem(401, "token_invalid");
        callers[2].at(server.base()).get("me").expect(200);
    }
    delete(&callers[0], &path).problem(404, "device_not_found");
    refresh(&server.nobody(), &sessions[1]).problem(401, "refresh_token_invalid");
    assert_eq!(delete(&callers[0], "me/devices").status, 204);
    for caller in &callers {
        caller.at(twin.base()).get("me").problem(401, "token_invalid");
    }
}

fn a_removal_or_another_post_holds_from_the_next_request_on(engine: Engine) {
    let server = Server::start(engine);
    let twin = server.twin();
    let admin = server.official("admin");
    let session = sign_in(&server, "dispatcher");
    let dispatcher = caller_of(&twin, &session);
    let id = session["account"]["id"].as_i64().unwrap();
    dispatcher.get("requests").expect(200);
    let put = |body: &Value| {
        let request = admin.request(reqwest::Method::PUT, &format!("admin/officials/{id}/posts"));
        Caller::send(request.json(body))
    };
    let posts = json!({ "posts": [{ "role": "community_officer", "unit_code": "350203001001" }] });
    assert_eq!(put(&posts).expect(200)["posts"][0]["role"], "community_officer");
    dispatcher.get("requests").problem(403, "forbidden");
    for (posts, why) in [
        (json!([{ "role": "grid_worker", "unit_code": "350203000000" }]), "wrong_level"),
        (json!([{ "role": "resident", "unit_code": "350203000000" }]), "wrong_role"),
        (json!([{ "role": "observer", "unit_code": "350205000000" }]), "unknown_unit"),
    ] {
        let refused = put(&json!({ "posts": posts })).problem(422, "refused_by_rule");
        assert_eq!(refused["errors"][0]["code"], why);
    }
    assert_eq!(put(&json!({ "posts": [] })).expect(200)["posts"], json!([]));
    dispatcher.get("tickets").problem(403, "forbidden");
    dispatcher.get("me").expect(200);
    server.advance_seconds(1);
    admin.post(&format!("admin/officials/{id}/disable"), &json!({})).expect(200);
    dispatcher.get("me").problem(401, "token_invalid");
    refresh(&twin.nobody(), &session).problem(401, "refresh_token_invalid");
    let body = json!({ "name": "dispatcher", "password": PASSWORD });
    twin.nobody().post("auth/password", &body).problem(401, "login_failed");
    server.advance_seconds(1);
    admin.post(&format!("admin/officials/{id}/enable"), &json!({})).expect(200);
    dispatcher.get("me").problem(401, "token_invalid");
    sign_in(&twin, "dispatcher");

    let list = admin.get("admin/officials?limit=100").expect(200);
    let items = list["items"].as_array().unwrap();
    let of = |login: &str| items.iter().find(|item| item["login"] == login).unwrap();
    assert_eq!(of("dispatcher")["is_active"], true);
    let page = admin.get("admin/officials?limit=2").expect(200);
    let next =
        admin.get(&format!("admin/officials?limit=2&cursor={}", page["next_cursor"].as_str().unwrap()));
    assert_eq!((&next.expect(200)["items"][0]["login"], items.len() > 4), (&items[2]["login"], true));
    let own = of("admin")["account"]["id"].as_i64().unwrap();
    admin.post(&format!("admin/officials/{own}/disable"), &json!({})).problem(422, "refused_by_rule");
    let resident = sign_in_resident(&server);
    for id in [1, resident] {
        admin.post(&format!("admin/officials/{id}/disable"), &json!({})).problem(404, "account_not_found");
    }
}

fn sign_in_resident(server: &Server) -> i64 {
    server.resident().get("me").expect(200)["id"].as_i64().unwrap()
}

fn nobody_ends_the_sessions_of_others(engine: Engine) {
    let server = Server::start(engine);
    let session = sign_in(&server, "grid1");
    let path = format!("me/devices/{}", session["device_id"]);
    for other in [server.official("grid2"), server.official("admin")] {
        Caller::send(other.request(reqwest::Method::DELETE, &path)).problem(404, "device_not_found");
    }
    caller_of(&server, &session).get("me").expect(200);
}

fn refresh_tokens_are_kept_as_digests(engine: Engine) {
    let server = Server::start(engine);
    let session = sign_in(&server, "grid1");
    let token = session["refresh_token"].as_str().unwrap().to_owned();
    let hashes: Vec<Vec<u8>> = server.read(|conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::refresh_tokens;
        Ok(refresh_tokens::table.select(refresh_tokens::hash).load(conn)?)
    });
    assert!(token.len() == 43 && !hashes.is_empty());
    assert!(hashes.iter().all(|hash| hash.len() == 32 && !token.as_bytes().starts_with(hash)));
}

fn the_keys_of_tokens_are_published(engine: Engine) {
    let server = Server::start(engine);
    let reply = server.nobody().get("/.well-known/jwks.json");
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    let keys = reply.expect(200);
    let key = &keys["keys"][0];
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    for (name, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")] {
        assert_eq!(key[name], value);
    }
    assert!(key.get("d").is_none());
}
