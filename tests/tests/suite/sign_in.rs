//! Officials sign in with passwords that are not easily guessed, and a second factor where their role needs one.

use serde_json::{Value, json};
use suishoupai_api::demo::PASSWORD;
use suishoupai_api::password::factor::FactorSecret;
use suishoupai_tests::{Caller, Engine, Reply, Server, both};

both!(
    a_password_that_was_set_by_somebody_else_is_changed_first,
    passwords_that_are_tried_first_are_refused,
    locks_grow_with_failures_and_end_with_success,
    one_address_cannot_try_many_names,
    a_second_factor_is_set_up_and_asked_for,
    a_code_is_good_once_at_whichever_server,
    recovery_codes_are_good_once_each,
    a_role_that_needs_a_second_factor_cannot_do_without,
    codes_of_the_second_factor_cannot_be_tried_out,
    a_wrong_name_and_a_wrong_password_look_the_same,
    changing_the_password_signs_the_others_out,
    codes_to_a_phone_are_few_a_day,
    members_that_are_not_asked_for_are_refused,
);

fn try_password(caller: &Caller, name: &str, password: &str) -> Reply {
    caller.post("auth/password", &json!({ "name": name, "password": password }))
}

/// The code that a phone with this secret shows now.
fn code(server: &Server, secret: &str) -> String {
    FactorSecret::from_text(secret).unwrap().code_at(server.now())
}

/// Sets a second factor up for an official of the demonstration; its secret and the recovery codes.
fn with_factor(server: &Server, name: &str) -> (String, Vec<String>) {
    let nobody = server.nobody();
    let mut body = json!({ "name": name, "password": PASSWORD });
    let setup = nobody.post("auth/second-factor", &body).expect(200);
    let secret = setup["secret"].as_str().unwrap().to_owned();
    assert!(
        setup["uri"].as_str().unwrap().contains(&format!("suishoupai:{name}?secret={secret}&")),
        "{setup}"
    );
    body["code"] = json!(code(server, &secret));
    let confirmed = nobody.post("auth/second-factor/confirm", &body).expect(200);
    assert!(confirmed["session"]["access_token"].is_string());
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

fn a_password_that_was_set_by_somebody_else_is_changed_first(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let posts = json!([{ "role": "dispatcher", "unit_code": "350203000000" }]);
    let added = admin.post("admin/officials", &json!({ "login": "neu", "name": "新来", "posts": posts }));
    let added = added.expect(201);
    let made = added["password"].as_str().unwrap();
    let nobody = server.nobody();
    try_password(&nobody, "neu", made).problem(403, "password_change_required");
    let with = |new: &str| {
        nobody.post("auth/password", &json!({ "name": "neu", "password": made, "new_password": new }))
    };
    let refused = with(made).problem(422, "password_refused");
    assert_eq!(refused["errors"][0]["code"], "same");
    assert_eq!(with("password123").problem(422, "password_refused")["errors"][0]["pointer"], "/new_password");
    with("eine Katze im Sack").expect(200);
    try_password(&nobody, "neu", made).problem(401, "login_failed");
    let session = try_password(&nobody, "neu", "eine Katze im Sack").expect(200);
    assert_eq!(session["account"]["posts"][0]["role"], "dispatcher");

    let reset = format!("admin/officials/{}/reset", added["official"]["account"]["id"]);
    let again = admin.post(&reset, &json!({})).expect(200);
    try_password(&nobody, "neu", "eine Katze im Sack").problem(401, "login_failed");
    try_password(&nobody, "neu", again["password"].as_str().unwrap())
        .problem(403, "password_change_required");
    let token = session["access_token"].as_str().unwrap();
    nobody.with_token(token).get("me").problem(401, "token_invalid");
}

fn passwords_that_are_tried_first_are_refused(engine: Engine) {
    let server = Server::start(engine);
    let grid = server.official("grid1");
    for (new, why) in [
        ("kurz", "length"),
        ("Password1", "common"),
        ("woaini1314", "common"),
        ("88888888", "row"),
        ("grid1-1", "length"),
        ("grid1grid1", "contains_name"),
    ] {
        let body = json!({ "password": PASSWORD, "new_password": new });
        let refused = grid.post("me/password", &body).problem(422, "password_refused");
        assert_eq!(refused["errors"][0]["code"], why, "{new}");
    }
    try_password(&server.nobody(), "grid1", PASSWORD).expect(200);
}

fn locks_grow_with_failures_and_end_with_success(engine: Engine) {
    let server = Server::start(engine);
    let nobody = server.nobody();
    for _ in 0..10 {
        try_password(&nobody, "grid1", "falsch-falsch").problem(401, "login_failed");
    }
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        let refused = try_password(&nobody, "grid1", PASSWORD);
        refused.problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), (minutes * 60).to_string());
        server.advance_seconds(minutes * 60);
        if minutes < 60 {
            try_password(&nobody, "grid1", "falsch-falsch").problem(401, "login_failed");
        } else {
            break;
        }
    }
    try_password(&nobody, "grid2", PASSWORD).expect(200);
    try_password(&nobody, "grid1", PASSWORD).expect(200);
    for _ in 0..9 {
        try_password(&nobody, "grid1", "falsch-falsch").problem(401, "login_failed");
    }
    try_password(&nobody, "grid1", PASSWORD).expect(200);
}

fn one_address_cannot_try_many_names(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.auth.address_failures = 5;
        config.http.trust_forwarded_for = true;
    });
    let from = |address: &str, name: &str, password: &str| {
        let request = server.nobody().request(reqwest::Method::POST, "auth/password");
        let body = json!({ "name": name, "password": password });
        Caller::send(request.header("x-forwarded-for", address).json(&body))
    };
    for name in 0..5 {
        from("203.0.113.7", &format!("niemand{name}"), "falsch-falsch").problem(401, "login_failed");
        from("203.0.113.8", "grid2", PASSWORD).expect(200);
    }
    from("203.0.113.7", "grid1", PASSWORD).problem(429, "too_many_requests");
    from("198.51.100.1, 203.0.113.7", "grid1", PASSWORD).problem(429, "too_many_requests");
    from("203.0.113.8", "grid1", PASSWORD).expect(200);
    server.advance_seconds(15 * 60);
    from("203.0.113.7", "grid1", PASSWORD).expect(200);
}

fn a_second_factor_is_set_up_and_asked_for(engine: Engine) {
    let server = Server::start(engine);
    let nobody = server.nobody();
    let before = server.official("chief");
    let state = before.get("me/second-factor").expect(200);
    assert_eq!(state, json!({ "enabled": false, "required": false, "recovery_codes_left": 0 }));
    let body = json!({ "name": "chief", "password": PASSWORD });
    let confirm = json!({ "name": "chief", "password": PASSWORD, "code": "000000" });
    nobody.post("auth/second-factor/confirm", &confirm).problem(409, "second_factor_missing");
    // Begun and not confirmed is not asked for.
    nobody.post("auth/second-factor", &body).expect(200);
    try_password(&nobody, "chief", PASSWORD).expect(200);
    let (secret, _) = with_factor(&server, "chief");
    nobody.post("auth/second-factor", &body).problem(409, "second_factor_exists");
    nobody.post("auth/second-factor/confirm", &confirm).problem(409, "second_factor_exists");
    try_password(&nobody, "chief", PASSWORD).problem(401, "second_factor_required");
    try_password(&nobody, "chief", "falsch-falsch").problem(401, "login_failed");
    let with = |code: &str| {
        nobody.post("auth/password", &json!({ "name": "chief", "password": PASSWORD, "code": code }))
    };
    let used = code(&server, &secret);
    with(&used).problem(401, "second_factor_wrong");
    server.advance_seconds(30);
    with(&code(&server, &secret)).expect(200);
    let state = before.get("me/second-factor").expect(200);
    assert_eq!(state, json!({ "enabled": true, "required": false, "recovery_codes_left": 10 }));

    server.advance_seconds(30);
    let wrong = json!({ "password": PASSWORD, "code": "aaaa-aaaa-aaaa-aaaa" });
    before.post("me/second-factor/remove", &wrong).problem(401, "second_factor_wrong");
    let proof = json!({ "password": PASSWORD, "code": code(&server, &secret) });
    assert_eq!(before.post("me/second-factor/remove", &proof).status, 204);
    try_password(&nobody, "chief", PASSWORD).expect(200);
    before.post("me/second-factor/remove", &proof).problem(409, "second_factor_missing");
}

fn a_code_is_good_once_at_whichever_server(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let (secret, _) = with_factor(&first, "chief");
    first.advance_seconds(30);
    let body = json!({ "name": "chief", "password": PASSWORD, "code": code(&first, &secret) });
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6)
            .map(|turn| {
                let caller = if turn % 2 == 0 { first.nobody() } else { second.nobody() };
                let body = &body;
                scope.spawn(move || caller.post("auth/password", body))
            })
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let with = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((with(200), with(401)), (1, 5), "{replies:?}");
}

fn recovery_codes_are_good_once_each(engine: Engine) {
    let server = Server::start(engine);
    let nobody = server.nobody();
    let (secret, codes) = with_factor(&server, "chief");
    assert_eq!(codes.len(), 10);
    let with = |code: &str| {
        nobody.post("auth/password", &json!({ "name": "chief", "password": PASSWORD, "code": code }))
    };
    let session = with(&codes[0].to_uppercase().replace('-', " ")).expect(200);
    with(&codes[0]).problem(401, "second_factor_wrong");
    let chief = nobody.with_token(session["access_token"].as_str().unwrap());
    assert_eq!(chief.get("me/second-factor").expect(200)["recovery_codes_left"], 9);
    server.advance_seconds(30);
    let proof = json!({ "password": PASSWORD, "code": code(&server, &secret) });
    let fresh = chief.post("me/second-factor/recovery-codes", &proof).expect(200);
    with(&codes[1]).problem(401, "second_factor_wrong");
    with(fresh["recovery_codes"][9].as_str().unwrap()).expect(200);
    // Neither the secret nor a code stands in the database as it is.
    let kept = server.read(|conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::{credentials, recovery_codes};
        let sealed: Vec<Option<Vec<u8>>> =
            credentials::table.select(credentials::factor_sealed).load(conn)?;
        let hashes: Vec<Vec<u8>> = recovery_codes::table.select(recovery_codes::hash).load(conn)?;
        Ok((sealed, hashes))
    });
    let all: Vec<u8> = kept.0.into_iter().flatten().chain(kept.1).flatten().collect();
    let has = |text: &str| all.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!all.is_empty() && !has(&secret) && !has(fresh["recovery_codes"][0].as_str().unwrap()));
}

fn a_role_that_needs_a_second_factor_cannot_do_without(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.auth.second_factor_roles = Some("administrator, duty_chief".to_owned());
    });
    let nobody = server.nobody();
    try_password(&nobody, "grid1", PASSWORD).expect(200);
    for name in ["admin", "chief"] {
        try_password(&nobody, name, PASSWORD).problem(403, "second_factor_setup_required");
        try_password(&nobody, name, "falsch-falsch").problem(401, "login_failed");
    }
    let (secret, _) = with_factor(&server, "chief");
    server.advance_seconds(30);
    let with = json!({ "name": "chief", "password": PASSWORD, "code": code(&server, &secret) });
    let session = nobody.post("auth/password", &with).expect(200);
    let chief = nobody.with_token(session["access_token"].as_str().unwrap());
    assert_eq!(chief.get("me/second-factor").expect(200)["required"], true);
    server.advance_seconds(30);
    let proof = json!({ "password": PASSWORD, "code": code(&server, &secret) });
    chief.post("me/second-factor/remove", &proof).problem(403, "forbidden");

    // Who has lost the phone and the codes is helped by an administrator.
    let id = session["account"]["id"].as_i64().unwrap();
    let (admin_secret, _) = with_factor(&server, "admin");
    server.advance_seconds(30);
    let with = json!({ "name": "admin", "password": PASSWORD, "code": code(&server, &admin_secret) });
    let admin = nobody.post("auth/password", &with).expect(200);
    let admin = nobody.with_token(admin["access_token"].as_str().unwrap());
    let reset = admin.post(&format!("admin/officials/{id}/reset"), &json!({ "second_factor": true }));
    let made = reset.expect(200)["password"].as_str().unwrap().to_owned();
    try_password(&nobody, "chief", &made).problem(403, "second_factor_setup_required");
    let setup = nobody.post("auth/second-factor", &json!({ "name": "chief", "password": made })).expect(200);
    let mut confirm = json!({ "name": "chief", "password": made,
        "code": code(&server, setup["secret"].as_str().unwrap()) });
    nobody.post("auth/second-factor/confirm", &confirm).problem(403, "password_change_required");
    confirm["new_password"] = json!("drei Chinesen mit dem Kontrabass");
    nobody.post("auth/second-factor/confirm", &confirm).expect(200);
}

fn codes_of_the_second_factor_cannot_be_tried_out(engine: Engine) {
    let server = Server::start(engine);
    let nobody = server.nobody();
    let (secret, _) = with_factor(&server, "chief");
    server.advance_seconds(60);
    let right = code(&server, &secret);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let with = |code: Option<&str>| {
        nobody.post("auth/password", &json!({ "name": "chief", "password": PASSWORD, "code": code }))
    };
    for _ in 0..10 {
        // That the password is right does not take failures back.
        with(None).problem(401, "second_factor_required");
        with(Some(wrong)).problem(401, "second_factor_wrong");
    }
    with(None).problem(429, "too_many_requests");
    with(Some(&right)).problem(429, "too_many_requests");
}

fn a_wrong_name_and_a_wrong_password_look_the_same(engine: Engine) {
    let server = Server::start(engine);
    server.execute("UPDATE accounts SET is_active = FALSE WHERE login = 'street'").unwrap();
    let nobody = server.nobody();
    let bare = |reply: &Reply| {
        let mut problem = reply.problem(401, "login_failed");
        problem["request_id"] = Value::Null;
        problem
    };
    let known = bare(&try_password(&nobody, "grid1", "falsch-falsch"));
    assert_eq!(bare(&try_password(&nobody, "niemand", "falsch-falsch")), known);
    assert_eq!(bare(&try_password(&nobody, "street", PASSWORD)), known, "not active any more");
    // The same work too, told by counting it: a clock would tell of the machine.
    let work = |name: &str| {
        let before = server.services().passwords.computed();
        bare(&try_password(&nobody, name, "falsch-falsch"));
        server.services().passwords.computed() - before
    };
    assert_eq!(["grid1", "niemand", "street"].map(work), [1, 1, 1]);
    // Also when tries are refused.
    for name in ["grid1", "niemand"] {
        let refusals = (0..12).filter(|_| try_password(&nobody, name, "falsch-falsch").status == 429);
        assert_eq!(refusals.count(), 4, "{name}");
    }
    let (one, other) = (&suishoupai_tests::new_phone(), &suishoupai_tests::new_phone());
    let sign_in = |phone: &str| {
        let sent = nobody.post("auth/codes", &json!({ "phone": phone })).expect(202);
        let code = suishoupai_tests::code_for(phone);
        nobody.post("auth/phone", &json!({ "phone": phone, "code": code })).expect(200);
        sent
    };
    let first = sign_in(one);
    server.advance_seconds(61);
    let again = nobody.post("auth/codes", &json!({ "phone": one })).expect(202);
    assert_eq!((&first, &again), (&sign_in(other), &first), "known or not, the answer is the same");
    let wrong = |phone: &str| {
        let reply = nobody.post("auth/phone", &json!({ "phone": phone, "code": "999999" }));
        let mut problem = reply.problem(401, "code_wrong");
        problem["request_id"] = Value::Null;
        problem
    };
    assert_eq!(wrong(one), wrong("13812349819"));
}

fn changing_the_password_signs_the_others_out(engine: Engine) {
    let server = Server::start(engine);
    let (here, there) = (server.official("grid1"), server.official("grid1"));
    here.post("me/password", &json!({ "password": "falsch-falsch", "new_password": "ein neuer Anfang" }))
        .problem(401, "login_failed");
    server.advance_seconds(1);
    let body = json!({ "password": PASSWORD, "new_password": "ein neuer Anfang" });
    let session = here.post("me/password", &body).expect(200);
    there.get("me").problem(401, "token_invalid");
    here.get("me").problem(401, "token_invalid");
    let here = server.nobody().with_token(session["access_token"].as_str().unwrap());
    assert_eq!(here.get("me/devices").expect(200)["items"].as_array().unwrap().len(), 1);
    try_password(&server.nobody(), "grid1", PASSWORD).problem(401, "login_failed");
    try_password(&server.nobody(), "grid1", "ein neuer Anfang").expect(200);
}

fn codes_to_a_phone_are_few_a_day(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.auth.phone_codes_a_day = 3;
        config.auth.address_codes_an_hour = 5;
    });
    let nobody = server.nobody();
    let send = |phone: &str| nobody.post("auth/codes", &json!({ "phone": phone }));
    for _ in 0..3 {
        send("13812349821").expect(202);
        send("13812349821").problem(429, "too_many_requests");
        server.advance_seconds(60);
    }
    send("13812349821").problem(429, "too_many_requests");
    for phone in ["13812349822", "13812349823"] {
        send(phone).expect(202);
    }
    let refused = send("13812349824");
    refused.problem(429, "too_many_requests");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() <= 3600);
    server.advance_seconds(3600);
    send("13812349824").expect(202);
    send("13812349821").problem(429, "too_many_requests");
    server.advance_seconds(24 * 3600);
    send("13812349821").expect(202);
}

fn members_that_are_not_asked_for_are_refused(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let posts = json!([{ "role": "dispatcher", "unit_code": "350203000000" }]);
    let official = json!({ "login": "neu", "name": "新来", "posts": posts });
    for (name, value) in [
        ("is_active", json!(true)),
        ("id", json!(1)),
        ("district", json!(350_205)),
        ("password", json!("mein eigenes Passwort")),
        ("password_hash", json!("$argon2id$")),
    ] {
        let mut body = official.clone();
        body[name] = value;
        admin.post("admin/officials", &body).problem(400, "invalid_body");
    }
    for (path, body) in [
        ("auth/password", json!({ "name": "grid1", "password": PASSWORD, "role": "administrator" })),
        ("auth/phone", json!({ "phone": "13812349831", "code": "123456", "posts": posts })),
        ("auth/refresh", json!({ "refresh_token": "x", "account_id": 1 })),
    ] {
        server.nobody().post(path, &body).problem(400, "invalid_body");
    }
    let mut report = suishoupai_tests::Resident::draft("路灯不亮");
    for (name, value) in [("state", json!("closed")), ("reporter", json!(1)), ("account_id", json!(1))] {
        report[name] = value;
        server.resident().post("reports", &report).problem(400, "invalid_body");
        report.as_object_mut().unwrap().remove(name);
    }
    admin.post("admin/officials", &official).expect(201);
    admin.post("admin/officials", &official).problem(409, "login_taken");
}
