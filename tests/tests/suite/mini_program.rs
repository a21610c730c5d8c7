//! Sign-in by a mini-program, whose platform is played by a small server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::json;
use suishoupai_api::config::Secret;
use suishoupai_tests::{Engine, Resident, Server, both};

both!(
    a_code_signs_a_resident_in_and_the_same_one_again,
    what_the_platform_refuses_or_breaks_is_told_apart,
    without_a_platform_nobody_signs_in_by_one
);

const SECRET: &str = "geheimnis-der-plattform";

/// Answers codes: `of-NAME` is that person's, once.
fn platform() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/sns/jscode2session", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut line = String::new();
            let mut reader = BufReader::new(&mut stream);
            reader.read_line(&mut line).unwrap();
            let mut head = String::new();
            while head != "\r\n" {
                head.clear();
                if reader.read_line(&mut head).unwrap() == 0 {
                    break;
                }
            }
            let target = line.split(' ').nth(1).unwrap().to_owned();
            let code = target.split("js_code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
            let is_new = !seen.lock().unwrap().contains(&target);
            seen.lock().unwrap().push(target);
            let (status, body) = match code.as_str() {
                "broken" => ("200 OK", "<html>".to_owned()),
                "busy" => ("200 OK", json!({ "errcode": -1, "errmsg": "system busy" }).to_string()),
                "down" => ("502 Bad Gateway", String::new()),
                "long" => ("200 OK", format!("{{\"openid\": \"{}\"}}", "x".repeat(70_000))),
                "moved" => ("302 Found", String::new()),
                code => match code.strip_prefix("of-").filter(|_| is_new) {
                    Some(name) => {
                        let name = name.split('-').next().unwrap();
                        (
                            "200 OK",
                            json!({ "openid": format!("openid-{name}"), "session_key": "k" }).to_string(),
                        )
                    }
                    None => ("200 OK", json!({ "errcode": 40029, "errmsg": "invalid code" }).to_string()),
                },
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\n{body}"
            );
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    (base, asked)
}

/// The platform of all tests, because settings cannot say what a test knows only when it runs.
static PLATFORM: LazyLock<(String, Arc<Mutex<Vec<String>>>)> = LazyLock::new(platform);

fn started(engine: Engine) -> Server {
    Server::start_with(engine, |config| {
        config.auth.mini_program_url = Some(PLATFORM.0.clone());
        config.auth.mini_program_id = Some("wx0123".to_owned());
        config.auth.mini_program_secret = Some(Secret::new(SECRET));
    })
}

fn a_code_signs_a_resident_in_and_the_same_one_again(engine: Engine) {
    let server = started(engine);
    let sign_in = |code: &str| server.nobody().post("auth/mini-program", &json!({ "code": code }));
    let first = sign_in(&format!("of-lin-{engine:?}1")).expect(200);
    let again = sign_in(&format!("of-lin-{engine:?}2")).expect(200);
    let other = sign_in(&format!("of-chen-{engine:?}1")).expect(200);
    assert_eq!(first["account"], again["account"]);
    assert_ne!(first["account"]["id"], other["account"]["id"]);
    assert_eq!(first["account"]["posts"][0]["role"], "resident");
    assert_ne!(first["device_id"], again["device_id"]);
    let caller = server.nobody().with_token(first["access_token"].as_str().unwrap());
    let report = caller.post("reports", &Resident::draft("路灯不亮")).expect(201);
    let other = server.nobody().with_token(other["access_token"].as_str().unwrap());
    other.get(&format!("reports/{}", report["id"])).problem(404, "report_not_found");
    assert_eq!(caller.get("me/devices").expect(200)["items"][0]["means"], "mini_program");
    let asked = PLATFORM.1.lock().unwrap();
    assert!(asked[0].contains("appid=wx0123&") && asked[0].contains(&format!("secret={SECRET}&")));
    drop(asked);
    // The name that the platform gave does not stand in the database.
    let kept: Vec<Vec<u8>> = server.read(|conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::subjects;
        Ok(subjects::table.select(subjects::subject).load(conn)?)
    });
    assert!(kept.len() == 2 && kept.iter().all(|subject| subject.len() == 32));
}

fn what_the_platform_refuses_or_breaks_is_told_apart(engine: Engine) {
    let server = started(engine);
    let sign_in = |code: &str| server.nobody().post("auth/mini-program", &json!({ "code": code }));
    let once = format!("of-wang-{engine:?}");
    sign_in(&once).expect(200);
    sign_in(&once).problem(401, "code_wrong");
    sign_in("falsch").problem(401, "code_wrong");
    for code in ["broken", "busy", "down", "long", "moved"] {
        let refused = sign_in(code);
        refused.problem(503, "unavailable");
        assert!(!refused.text().contains(SECRET));
    }
    sign_in("a&secret=b&js_code=of-lin-9").problem(401, "code_wrong");
}

fn without_a_platform_nobody_signs_in_by_one(engine: Engine) {
    let server = Server::start(engine);
    server.nobody().post("auth/mini-program", &json!({ "code": "x" })).problem(503, "unavailable");
}
