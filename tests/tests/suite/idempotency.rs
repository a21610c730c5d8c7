//! A phone that sends again over a bad network gets the first answer, and makes nothing twice.

use std::thread;

use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};
use suishoupai_api::demo::POINT;
use suishoupai_tests::{Caller, Engine, Reply, Resident, Server, both, jpeg};

both!(
    the_same_key_gets_the_first_answer,
    the_same_key_with_another_body_is_refused,
    many_at_once_with_one_key_make_one_ticket,
    the_same_photo_is_stored_once,
    the_same_form_makes_one_report,
    what_an_administrator_makes_is_made_once,
    the_holder_may_claim_again
);

fn send(resident: &Resident, key: &str, body: &Value) -> Reply {
    Caller::send(resident.request(Method::POST, "reports").header("idempotency-key", key).json(body))
}

fn the_same_key_gets_the_first_answer(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let draft = Resident::draft("井盖响");
    let first = send(&resident, "phone-1-report-1", &draft).expect(201);
    server.advance_seconds(90);
    let again = send(&resident, "phone-1-report-1", &draft).expect(201);
    assert_eq!(first, again);
    assert_eq!(server.rows().reports, 1);
    let other = send(&server.resident(), "phone-1-report-1", &draft).expect(201);
    assert_ne!(first["id"], other["id"], "a key belongs to one account");
}

fn the_same_key_with_another_body_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    send(&resident, "phone-2-report-1", &Resident::draft("井盖响")).expect(201);
    let other = send(&resident, "phone-2-report-1", &Resident::draft("路灯不亮"));
    other.problem(422, "idempotency_key_reused");
    assert_eq!(server.rows().tickets, 1);
}

fn many_at_once_with_one_key_make_one_ticket(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let draft = Resident::draft("水管爆了");
    let replies: Vec<Reply> = thread::scope(|scope| {
        let one = || send(&resident, "phone-3-report-1", &draft);
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let answers: Vec<Value> = replies.iter().map(|reply| reply.expect(201)).collect();
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert_eq!((server.rows().tickets, server.rows().reports), (1, 1));
}

fn the_same_photo_is_stored_once(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let first = resident.post_bytes("photos", "image/jpeg", &bytes).expect(201);
    let again = resident.post_bytes("photos", "image/jpeg", &bytes).expect(200);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(server.rows().photos, 1);
    let other = server.resident().post_bytes("photos", "image/jpeg", &bytes).expect(201);
    assert_ne!(first["id"], other["id"], "each account has a photo of its own");
    assert_eq!(json!(server.rows().photos), json!(2));
}

fn the_same_form_makes_one_report(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let (lon, lat) = (POINT.lon.to_string(), POINT.lat.to_string());
    let send = || {
        let photo = Part::bytes(jpeg(48, 32)).file_name("IMG_0001.jpg").mime_str("image/jpeg").unwrap();
        let form = Form::new().text("text", "井盖缺失").text("lon", lon.clone()).text("lat", lat.clone());
        let form = form.text("datum", "wgs84").part("photos", photo);
        let request =
            resident.request(Method::POST, "reports/form").header("idempotency-key", "phone-4-form-1");
        Caller::send(request.multipart(form)).expect(201)
    };
    assert_eq!(send(), send());
    let rows = server.rows();
    assert_eq!((rows.reports, rows.photos), (1, 1));
}

fn what_an_administrator_makes_is_made_once(engine: Engine) {
    let server = Server::start(engine);
    let (admin, grid1) = (server.official("admin"), server.official("grid1"));
    let post = |path: &str, key: &str, body: &Value| {
        let request = admin.request(Method::POST, path).header("idempotency-key", key);
        Caller::send(request.json(body))
    };
    let (from, to) = (server.now().to_string(), server.now().plus_seconds(86_400).to_string());
    let unit = server.grid_of_the_point();
    let leave = json!({ "login": "grid1", "substitute": "grid2", "from": from, "to": to, "reason": "培训" });
    let shift = json!({ "unit": unit, "login": "grid1", "from": from, "to": to });
    let text = json!({ "title": "积水", "action": "finish", "categories": "E01*", "text": "已排净。" });
    let shifts = format!("shifts?unit={unit}");
    let rows = [
        ("admin/absences", &leave, "absences", "substitute"),
        ("admin/shifts", &shift, shifts.as_str(), "login"),
        ("admin/standard-texts", &text, "standard-texts", "title"),
    ];
    for (number, (path, body, list, changed)) in rows.into_iter().enumerate() {
        let before = grid1.get(list).expect(200)["items"].as_array().unwrap().len();
        let key = format!("desk-1-{number}");
        let first = post(path, &key, body).expect(201);
        assert_eq!(post(path, &key, body).expect(201), first, "{path}");
        assert_eq!(grid1.get(list).expect(200)["items"].as_array().unwrap().len(), before + 1, "{path}");
        let mut other = body.clone();
        other[changed] = json!("grid3");
        post(path, &key, &other).problem(422, "idempotency_key_reused");
    }
}

fn the_holder_may_claim_again(engine: Engine) {
    let server = Server::start(engine);
    let ticket = server.resident().report("路面油污")["ticket_id"].as_i64().unwrap();
    let grid1 = server.official("grid1");
    let claim = || grid1.post(&format!("tickets/{ticket}/claim"), &json!({})).expect(200);
    assert_eq!(claim()["version"], claim()["version"]);
}
