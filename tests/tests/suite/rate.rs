//! Answers of operations that are counted say how it stands, and refusals say of which limit; limits hold however many
//! processes there are.

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_api::demo::PASSWORD;
use suishoupai_api::service::reports::pace;
use suishoupai_tests::{Caller, Engine, Reply, Resident, Server, both, new_phone, wait_for};

both!(
    codes_are_limited_by_phone_address_and_device,
    sign_in_says_what_is_left,
    wrong_codes_of_one_address_are_bounded,
    following_and_uploads_say_what_is_left,
    an_account_sends_so_many_reports_an_hour,
    reports_at_two_servers_come_to_one_sum,
);

fn policies(reply: &Reply) -> Vec<&str> {
    reply.header("ratelimit-policy").split(", ").filter(|policy| !policy.is_empty()).collect()
}

fn left(reply: &Reply) -> Vec<&str> {
    reply.header("ratelimit").split(", ").filter(|left| !left.is_empty()).collect()
}

/// The refusal by a limit, with the header of before and the one of the draft saying the same.
fn refused_by(reply: &Reply, policy: &str) -> u32 {
    reply.problem(429, "too_many_requests");
    let wait: u32 = reply.header("retry-after").parse().unwrap();
    assert!(left(reply).contains(&format!("\"{policy}\";r=0;t={wait}").as_str()), "{:?}", left(reply));
    assert!(policies(reply).iter().any(|named| named.starts_with(&format!("\"{policy}\";q="))));
    wait
}

fn code(server: &Server, phone: &str, device: Option<&str>) -> Reply {
    server.nobody().post("auth/codes", &json!({ "phone": phone, "device_id": device }))
}

fn codes_are_limited_by_phone_address_and_device(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.auth.device_codes_an_hour = 3;
        config.auth.address_codes_an_hour = 7;
    });
    let device = "9f1c2a4e-5b6d-4c7e-8f90-a1b2c3d4e5f6";
    let first = code(&server, "13812349001", Some(device));
    first.expect(202);
    assert_eq!(
        policies(&first),
        [
            "\"codes-interval\";q=1;w=60",
            "\"codes-address\";q=7;w=3600",
            "\"codes-device\";q=3;w=3600",
            "\"codes-phone\";q=10;w=86400",
        ]
    );
    // It is half past nine. How many codes went to the phone is not told.
    assert_eq!(
        left(&first),
        ["\"codes-interval\";r=0;t=60", "\"codes-address\";r=6;t=1800", "\"codes-device\";r=2;t=1800"]
    );
    assert_eq!(refused_by(&code(&server, "13812349001", Some(device)), "codes-interval"), 60);
    // A known phone and an unknown one get the same answer.
    let resident = Resident::sign_in(server.base());
    server.advance_seconds(60);
    let bare =
        |reply: Reply| (reply.expect(202), policies(&reply).join(", "), reply.header("ratelimit").to_owned());
    let known = bare(code(&server, &resident.phone, None));
    let unknown = bare(code(&server, "13812349002", None));
    assert_eq!(known.0, unknown.0);
    assert_eq!(known.1, unknown.1);
    assert_eq!((known.2.replace("r=4;", "r=3;"), known.1.contains("codes-device")), (unknown.2, false));
    for phone in ["13812349003", "13812349004"] {
        code(&server, phone, Some(device)).expect(202);
    }
    // Whichever phone it asks for, the device has had its codes; another one behind the same address goes on.
    assert!(refused_by(&code(&server, "13812349005", Some(device)), "codes-device") <= 3600);
    code(&server, "13812349005", Some("another-device")).expect(202);
    refused_by(&code(&server, "13812349006", Some("a-third-device")), "codes-address");
    for wrong in ["short", "mit Leerzeichen", ""] {
        code(&server, "13812349007", Some(wrong)).problem(400, "invalid_body");
    }
    server.advance_seconds(3600);
    code(&server, "13812349001", Some(device)).expect(202);
    // The device is counted by and not kept.
    let kept: Vec<String> = server.read(|conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::throttles;
        Ok(throttles::table.select(throttles::key).load(conn)?)
    });
    assert!(kept.iter().any(|key| key.starts_with("codes-by/")));
    assert!(kept.iter().all(|key| !key.contains(device)));
}

fn sign_in_says_what_is_left(engine: Engine) {
    let server = Server::start_with(engine, |config| config.auth.address_failures = 12);
    let nobody = server.nobody();
    let try_once =
        |password: &str| nobody.post("auth/password", &json!({ "name": "grid1", "password": password }));
    let right = try_once(PASSWORD);
    right.expect(200);
    assert_eq!(policies(&right), ["\"sign-in-address\";q=12;w=900"]);
    for left_over in (2..12).rev() {
        let wrong = try_once("falsch-falsch");
        wrong.problem(401, "login_failed");
        assert_eq!(left(&wrong), [format!("\"sign-in-address\";r={left_over};t=900")]);
    }
    assert_eq!(refused_by(&try_once(PASSWORD), "sign-in-name"), 60);
    nobody
        .post("auth/password", &json!({ "name": "niemand", "password": PASSWORD }))
        .problem(401, "login_failed");
    refused_by(&try_once(PASSWORD), "sign-in-address");

    server.advance_seconds(15 * 60);
    let session = try_once(PASSWORD).expect(200);
    let refreshed = nobody.post("auth/refresh", &json!({ "refresh_token": session["refresh_token"] }));
    assert_eq!(left(&refreshed), ["\"refresh\";r=239;t=900"]);
    let me = nobody.with_token(session["access_token"].as_str().unwrap()).get("me");
    me.expect(200);
    assert!(policies(&me).is_empty() && left(&me).is_empty(), "what is not counted says nothing");
}

fn wrong_codes_of_one_address_are_bounded(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.auth.address_wrong_codes = 3;
        config.http.trust_forwarded_for = true;
    });
    let phone = new_phone();
    let from = |address: &str, phone: &str, code: &str| {
        let request = server.nobody().request(Method::POST, "auth/phone").header("x-forwarded-for", address);
        Caller::send(request.json(&json!({ "phone": phone, "code": code })))
    };
    for (turn, other) in ["13812349013", "13812349014", "13812349015"].into_iter().enumerate() {
        let wrong = from("203.0.113.7", other, "000000");
        wrong.problem(401, "code_wrong");
        assert_eq!(left(&wrong), [format!("\"wrong-codes\";r={};t=900", 2 - turn)]);
    }
    code(&server, &phone, None).expect(202);
    let sent = suishoupai_tests::code_for(&phone);
    refused_by(&from("203.0.113.7", &phone, &sent), "wrong-codes");
    // The code is as good as before, and one that is right does not count.
    let right = from("203.0.113.8", &phone, &sent);
    right.expect(200);
    assert_eq!(left(&right), ["\"wrong-codes\";r=3;t=900"]);
}

fn following_and_uploads_say_what_is_left(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let report = resident.report("路灯不亮");
    let follow = |code: &Value| {
        let body = json!({ "receipt_number": report["receipt_number"], "query_code": code });
        server.nobody().post("reports/follow", &body)
    };
    assert_eq!(left(&follow(&json!("AAAAAAAA"))), ["\"follow\";r=9;t=1800"]);
    assert_eq!(left(&follow(&report["query_code"])), ["\"follow\";r=9;t=1800"]);
    let announced = resident.try_announce("image/jpeg", b"0123");
    announced.expect(201);
    assert_eq!(policies(&announced), ["\"announced-uploads\";q=100;w=900"]);
    assert_eq!(left(&announced), ["\"announced-uploads\";r=99;t=900"]);
    let created = resident.try_create(1000, "");
    assert_eq!(created.status, 201);
    let named =
        ["\"open-uploads\";q=20;w=86400", "\"open-upload-bytes\";q=536870912;qu=\"content-bytes\";w=86400"];
    assert_eq!(policies(&created), named);
    assert_eq!(left(&created), ["\"open-uploads\";r=19", "\"open-upload-bytes\";r=536869912"]);
}

fn an_account_sends_so_many_reports_an_hour(engine: Engine) {
    let server = Server::start_with(engine, |config| config.reports.account_reports_an_hour = 3);
    let (resident, other) = (server.resident(), server.resident());
    let send = |caller: &Caller, text: &str| caller.post("reports", &Resident::draft(text));
    for (turn, text) in ["路灯不亮", "井盖松动", "积水"].into_iter().enumerate() {
        let sent = send(&resident, text);
        sent.expect(201);
        assert_eq!(policies(&sent), ["\"reports\";q=3;w=3600"]);
        assert_eq!(left(&sent), [format!("\"reports\";r={};t=1800", 2 - turn)]);
    }
    assert_eq!(refused_by(&send(&resident, "树倒了"), "reports"), 1800);
    let form = reqwest::blocking::multipart::Form::new().text("text", "树倒了");
    let form = form.text("lon", "118.0").text("lat", "24.0").text("datum", "wgs84");
    let request = resident.request(Method::POST, "reports/form").multipart(form);
    refused_by(&Caller::send(request), "reports");
    assert_eq!(server.rows().reports, 3);
    send(&other, "树倒了").expect(201);
    // Other systems send for many.
    let body = json!({ "name": "12345 热线", "scopes": ["report"], "posts": [], "days": 30 });
    let made = server.official("admin").post("admin/service-keys", &body).expect(201);
    let hotline = server.nobody().with_token(made["key"].as_str().unwrap());
    for turn in 0..5 {
        let sent = send(&hotline, &format!("热线转来第 {turn} 件"));
        sent.expect(201);
        assert!(policies(&sent).is_empty());
    }
    server.advance_seconds(1800);
    send(&resident, "树倒了").expect(201);
}

fn reports_at_two_servers_come_to_one_sum(engine: Engine) {
    let first = Server::start_with(engine, |config| config.reports.account_reports_an_hour = 10);
    let second = first.twin();
    let resident = first.resident();
    let at = |server: &Server| resident.at(server.base()).post("reports", &Resident::draft("路灯不亮"));
    let share = |server: &Server| wait_for(pace::share(server.services())).unwrap();
    for _ in 0..6 {
        at(&first).expect(201);
    }
    share(&first);
    for _ in 0..3 {
        at(&second).expect(201);
    }
    share(&second);
    at(&second).expect(201);
    refused_by(&at(&second), "reports");
    share(&second);
    // One more passes before the first one knows of the others.
    at(&first).expect(201);
    share(&first);
    refused_by(&at(&first), "reports");
    first.advance_seconds(1800);
    for server in [&first, &second] {
        at(server).expect(201);
    }
}
