//! Nobody sees what is not theirs: it is as if it were not there.

use serde_json::json;
use suishoupai_tests::{Engine, Server, both};

both!(
    a_ticket_is_seen_by_those_whom_it_concerns,
    an_observer_reads_and_changes_nothing,
    reports_are_the_reporters_own
);

fn a_ticket_is_seen_by_those_whom_it_concerns(engine: Engine) {
    let server = Server::start(engine);
    let ticket = server.resident().report("窨井冒水")["ticket_id"].as_i64().unwrap();
    server.official("grid1").claim_and_file(ticket, "P0201");
    let path = format!("tickets/{ticket}");
    for login in
        ["grid1", "grid2", "community", "street", "shizheng", "dispatcher", "inspector", "observer", "admin"]
    {
        server.official(login).get(&path).expect(200);
    }
    for login in ["grid3", "shuiwu", "squad", "chengguan"] {
        let other = server.official(login);
        other.get(&path).problem(404, "ticket_not_found");
        let accept = other.post(&format!("{path}/accept"), &json!({ "version": 3 }));
        accept.problem(404, "ticket_not_found");
    }
    server.resident().get(&path).problem(403, "forbidden");
    server.nobody().get(&path).problem(401, "unauthenticated");
    let unit = server.unit("350203001004");
    server.official("grid1").get(&format!("tickets?unit={unit}")).problem(404, "unit_not_found");
}

fn an_observer_reads_and_changes_nothing(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let ticket = resident.report("路边有渣土")["ticket_id"].as_i64().unwrap();
    let observer = server.official("observer");
    assert_eq!(observer.ticket(ticket)["allowed_actions"], json!([]));
    let before = server.rows();
    let words = json!("x");
    let commands = [
        ("claim", json!({})),
        ("release", json!({})),
        ("solve", json!({ "category": "E0201", "answer": words })),
        ("file", json!({ "category": "E0201" })),
        ("refuse", json!({ "reason": "other", "words": words })),
        ("dispatch", json!({ "lead": 1, "reason": words })),
        ("accept", json!({})),
        ("return", json!({ "reason": "other", "words": words })),
        ("delegate", json!({ "to": 1 })),
        ("escalate", json!({ "reason": words })),
        ("release-assist", json!({ "unit": 1, "reason": words })),
        ("finish", json!({ "answer": words })),
        ("close", json!({})),
        ("rework", json!({ "reason": words })),
        ("arrive", json!({})),
        ("verify", json!({})),
        ("add-assist", json!({ "unit": 1, "reason": words })),
        ("arbitrate", json!({ "lead": 1, "reason": words })),
        (
            "whistle",
            json!({ "units": [1], "place": words, "meet_at": "2026-03-05T09:00:00+08:00", "words": words }),
        ),
        ("answer", json!({})),
        ("sign-in", json!({})),
        ("end-whistle", json!({ "words": words })),
        ("ask-reporter", json!({ "words": words })),
        ("resume", json!({})),
        ("ask-extension", json!({ "limit": { "amount": 1, "unit": "days" }, "reason": words })),
        ("ask-suspension", json!({ "review_at": "2026-03-05T09:00:00+08:00", "reason": words })),
        ("ask-deferral", json!({ "review_at": "2026-03-05T09:00:00+08:00", "reason": words })),
        ("ask-void", json!({ "reason": words })),
        ("endorse", json!({ "words": words })),
        ("grant", json!({ "words": words })),
        ("deny", json!({ "words": words })),
        ("call-back", json!({})),
        ("count", json!({ "counted": true, "reason": words })),
    ];
    for (verb, body) in commands {
        observer.try_command(ticket, verb, body).problem(403, "forbidden");
    }
    observer.post("admin/imports/units", &json!({})).problem(403, "forbidden");
    assert_eq!(server.rows(), before);
}

fn reports_are_the_reporters_own(engine: Engine) {
    let server = Server::start(engine);
    let (resident, other) = (server.resident(), server.resident());
    let photo = resident.upload_any();
    let report = resident.report("垃圾桶满了");
    let path = format!("reports/{}", report["id"]);
    other.get(&path).problem(404, "report_not_found");
    for (what, body) in [
        ("supplements", json!({ "words": "x" })),
        ("withdraw", json!({})),
        ("rating", json!({ "solved": true, "stars": 5 })),
        ("not-fixed", json!({ "words": "x" })),
    ] {
        other.say(&report, what, &body).problem(404, "report_not_found");
    }
    assert_eq!(other.get("reports").expect(200)["items"], json!([]));
    other.get(&format!("photos/{photo}")).problem(404, "photo_not_found");
    other.get(&format!("photos/{photo}/display")).problem(404, "photo_not_found");
    let mut draft = suishoupai_tests::Resident::draft("借用照片");
    draft["photo_ids"] = json!([photo]);
    other.post("reports", &draft).problem(404, "photo_not_found");
}
