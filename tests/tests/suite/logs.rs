//! The log: one line for each request and job, one object for each line, and no secret in it.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_api::demo::PASSWORD;
use suishoupai_tests::{Caller, Engine, Official, Process, Resident, both, caller, jpeg};

both!(
    every_request_is_one_line_and_nothing_secret_is_in_it,
    the_whole_main_path_leaves_nothing_of_persons_in_the_log
);

/// The request with an id of its own.
fn send(who: &Caller, id: &str, method: Method, path: &str, body: Option<&Value>) -> u16 {
    let mut request = who.request(method, path).header("x-request-id", id);
    if let Some(body) = body {
        request = request.json(body);
    }
    let reply = Caller::send(request);
    assert_eq!(reply.header("x-request-id"), id);
    reply.status
}

fn every_request_is_one_line_and_nothing_secret_is_in_it(engine: Engine) {
    let mut process = Process::with_demo(engine);
    process.set("log.format", "json");
    process.set("log.level", "debug");
    let base = process.serve().to_owned();
    let resident = Resident::sign_in(&base);
    let mut draft = Resident::draft("井盖松动，王某某 13911112222");
    let upload = resident.request(Method::POST, "photos").header("x-request-id", "the-upload-1");
    let photo = Caller::send(upload.header("content-type", "image/jpeg").body(jpeg(40, 30))).expect(201);
    draft["photo_ids"] = json!([photo["id"]]);
    draft["contact_name"] = json!("联系人张三丰");
    let key = "key-of-the-report-77";
    let report = resident.request(Method::POST, "reports").header("idempotency-key", key).json(&draft);
    let report = Caller::send(report).expect(201);
    let official = Official::sign_in(&base, "grid1");
    let ticket = format!("tickets/{}", report["ticket_id"]);
    assert_eq!(send(&official, "the-reading-1", Method::GET, &ticket, None), 200);
    let nobody = caller(&base);
    assert_eq!(send(&nobody, "the-stranger-1", Method::GET, &ticket, None), 401);
    let follow = json!({ "receipt_number": report["receipt_number"], "query_code": report["query_code"] });
    assert_eq!(send(&nobody, "the-follower-1", Method::POST, "reports/follow", Some(&follow)), 200);
    let guess = json!({ "name": "grid1", "password": "hunter2-of-grid1" });
    assert_eq!(send(&nobody, "the-guess-1", Method::POST, "auth/password", Some(&guess)), 401);
    let wrong = json!({ "phone": resident.phone, "code": "000000" });
    assert!(send(&nobody, "the-guess-2", Method::POST, "auth/phone", Some(&wrong)) >= 400);
    let query = format!("/nowhere?phone={}", resident.phone);
    assert_eq!(send(&nobody, "the-lost-one", Method::GET, &query, None), 404);
    // The job is done by the time that its rendition is there.
    while resident.get(&format!("photos/{}", photo["id"])).json()["state"] == "received" {
        std::thread::yield_now();
    }
    assert_eq!(process.terminate(), Some(0));

    let lines = process.log();
    let parsed: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(parsed.iter().all(Value::is_object));
    let mut answered: BTreeMap<&str, &Value> = BTreeMap::new();
    for line in parsed.iter().filter(|line| line["message"] == "answered") {
        assert!(
            answered.insert(line["span"]["request_id"].as_str().unwrap(), line).is_none(),
            "twice: {line}"
        );
        assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line}");
    }
    for (id, method, route, status, has_account) in [
        ("the-upload-1", "POST", "/api/v1/photos", 201, true),
        ("the-reading-1", "GET", "/api/v1/tickets/{id}", 200, true),
        ("the-stranger-1", "GET", "/api/v1/tickets/{id}", 401, false),
        ("the-follower-1", "POST", "/api/v1/reports/follow", 200, false),
        ("the-guess-1", "POST", "/api/v1/auth/password", 401, false),
        ("the-lost-one", "GET", "-", 404, false),
    ] {
        let line = answered.get(id).unwrap_or_else(|| panic!("no line of {id}"));
        assert_eq!(
            (&line["method"], &line["route"], &line["status"]),
            (&json!(method), &json!(route), &json!(status))
        );
        assert_eq!(line["account"].is_i64(), has_account, "{line}");
    }
    let job = parsed.iter().find(|line| line["message"] == "a job was tried").unwrap();
    assert_eq!(
        (&job["span"]["request_id"], &job["outcome"]),
        (&json!("the-upload-1"), &json!("done")),
        "{job}"
    );

    let secrets = [
        resident.phone.as_str(),
        resident.token(),
        official.token(),
        report["query_code"].as_str().unwrap(),
        PASSWORD,
        "hunter2",
        "13911112222",
        "张三丰",
        "王某某",
        key,
    ];
    // The code of the sender `log` is there by design, in lines of their own.
    for line in lines.iter().filter(|line| !line.contains("\"target\":\"suishoupai::code\"")) {
        for secret in secrets {
            assert!(!line.contains(secret), "{secret} is in the log: {line}");
        }
    }
}

/// The codes that were sent, by the lines that are there to tell them.
fn codes_told(lines: &[String]) -> Vec<String> {
    let told = lines.iter().filter(|line| line.contains("\"target\":\"suishoupai::code\""));
    let code = |line: &String| -> Option<String> {
        let (_, rest) = line.split_once("sign-in code ")?;
        Some(rest.chars().take(6).collect())
    };
    told.filter_map(code).collect()
}

fn the_whole_main_path_leaves_nothing_of_persons_in_the_log(engine: Engine) {
    let mut process = Process::with_demo(engine);
    process.set("log.format", "json");
    process.set("log.level", "debug");
    let base = process.serve().to_owned();
    let resident = Resident::sign_in(&base);
    let mut draft = Resident::draft("路灯不亮，王某某 13911112222，35020319900101123X");
    draft["contact_name"] = json!("联系人张三丰");
    draft["address"] = json!("鸿山路1号楼502室");
    let report = resident.post("reports", &draft).expect(201);
    let ticket = report["ticket_id"].as_i64().unwrap();
    let officials = ["grid1", "grid2", "auditor", "admin"].map(|login| Official::sign_in(&base, login));
    let [grid1, grid2, auditor, admin] = &officials;
    resident.say(&report, "supplements", &json!({ "words": "王某某，13911112222" })).expect(200);
    grid1.claim_and_file(ticket, "E0501");
    let reveal = json!({ "receipt_number": report["receipt_number"], "reason": "给王某某回电" });
    grid1.post(&format!("tickets/{ticket}/reveal-reporter"), &reveal).expect(200);
    grid1.finish(ticket, "已处理，已回电13911112222。");
    grid2.close(ticket);
    resident
        .say(&report, "rating", &json!({ "solved": true, "stars": 5, "words": "谢谢王某某" }))
        .expect(200);
    auditor.get("audit?login=grid1").expect(200);
    admin.post("admin/privacy-runs", &json!({})).expect(202);
    for kind in ["export", "erasure"] {
        resident.post("me/privacy-requests", &json!({ "kind": kind })).expect(202);
    }
    // The erasure is the last job; when it is done, the account is gone.
    while resident.get("me").status == 200 {
        std::thread::yield_now();
    }
    let guess = json!({ "name": "grid1", "password": "hunter2-of-grid1" });
    caller(&base).post("auth/password", &guess).problem(401, "login_failed");
    assert_eq!(process.terminate(), Some(0));

    let lines = process.log();
    let codes = codes_told(&lines);
    assert_eq!(codes.len(), 1);
    let tokens = officials.iter().map(|official| official.token()).chain([resident.token()]);
    let mut secrets: Vec<&str> = tokens.collect();
    let masked = format!("139****{}", &resident.phone[7..]);
    secrets.extend([resident.phone.as_str(), masked.as_str(), PASSWORD, "hunter2"]);
    secrets.push(report["query_code"].as_str().unwrap());
    secrets.extend(["13911112222", "35020319900101123X", "张三丰", "王某某", "502室"]);
    secrets.extend(["林网格", "陈网格", "方审计", "刘管理", "grid1", "auditor"]);
    assert!(lines.len() > 20, "{lines:?}");
    for line in lines.iter().filter(|line| !line.contains("\"target\":\"suishoupai::code\"")) {
        // Fractions of seconds may be any digits.
        let mut parsed: Value = serde_json::from_str(line).unwrap();
        for name in ["timestamp", "duration_ms"] {
            parsed.as_object_mut().unwrap().remove(name);
        }
        let text = parsed.to_string();
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in the log: {text}");
        }
        // Six digits may also stand within the id of a request.
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        assert!(words.all(|word| word != codes[0]), "the code is in the log: {text}");
    }
}
