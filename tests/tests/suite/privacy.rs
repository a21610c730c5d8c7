//! Personal data: masked, shown for a reason, closed off, removed after its term, exported and erased.

use serde_json::{Value, json};
use suishoupai_api::clock::Clock;
use suishoupai_api::demo::PASSWORD;
use suishoupai_api::jobs;
use suishoupai_api::password::factor::FactorSecret;
use suishoupai_core::privacy::REMOVED;
use suishoupai_storage::db::{accounts, reports};
use suishoupai_tests::{Caller, Engine, Official, Process, Resident, Server, both, caller, wait_for};

use crate::common::{eventually, reported};

both!(
    a_reporter_is_shown_for_a_reason_that_is_written_down,
    an_anonymous_reporter_is_shown_to_nobody,
    who_is_not_signed_in_sees_no_numbers_and_no_exact_place,
    a_reporter_is_closed_off_long_after_the_end,
    old_tickets_are_anonymised_and_their_chains_hold,
    an_altered_anonymised_text_is_found,
    a_resident_gets_the_own_data_and_nobody_elses,
    a_resident_is_erased_when_nothing_is_under_way,
    consent_is_stored_and_an_outdated_one_refused,
    keys_are_exchanged_while_everything_stays_readable
);

/// Seconds.
pub(crate) const DAY: i64 = 86_400;

/// A resident's report with a name, and its ticket.
fn with_contact(server: &Server, anonymous: bool) -> (Resident, Value, i64) {
    let resident = server.resident();
    let mut draft = Resident::draft("路灯不亮，请打13911112222找我，身份证35020319900101123X");
    draft["contact_name"] = json!("张三丰");
    draft["anonymous"] = json!(anonymous);
    draft["address"] = json!("鸿山路1号楼502室");
    let report = resident.post("reports", &draft).expect(201);
    let ticket = report["ticket_id"].as_i64().unwrap();
    (resident, report, ticket)
}

/// Asks who sent a report; the answer, whatever it is.
pub(crate) fn reveal(who: &Caller, ticket: i64, report: &Value) -> suishoupai_tests::Reply {
    let body = json!({ "receipt_number": report["receipt_number"], "reason": "联系不上，需电话核实" });
    who.post(&format!("tickets/{ticket}/reveal-reporter"), &body)
}

fn a_reporter_is_shown_for_a_reason_that_is_written_down(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = with_contact(&server, false);
    let grid1 = server.official("grid1");
    let ends = format!("139****{}", &resident.phone[7..]);
    assert_eq!(grid1.ticket(ticket)["reports"][0]["reporter"], json!(format!("张** {ends}")));
    let shown = reveal(&grid1, ticket, &report).expect(200);
    assert_eq!((&shown["contact_name"], &shown["phone"]), (&json!("张三丰"), &json!(resident.phone)));

    let auditor = server.official("auditor");
    let trail = auditor.get("audit?kind=reveal").expect(200);
    let line = &trail["items"][0];
    assert_eq!(line["subject"], json!(format!("report:{}", report["id"])));
    assert_eq!(
        (&line["reason"], &line["account_name"], &line["from"]),
        (&json!("联系不上，需电话核实"), &json!("林网格"), &json!("127.0.0.1"))
    );
    assert!(!trail.to_string().contains(&resident.phone));

    for login in ["observer", "admin", "auditor"] {
        reveal(&server.official(login), ticket, &report).problem(403, "forbidden");
    }
    reveal(&server.official("grid3"), ticket, &report).problem(404, "ticket_not_found");
    let (_, other, _) = reported(&server, "井盖响");
    reveal(&grid1, ticket, &other).problem(404, "report_not_found");
    let path = format!("tickets/{ticket}/reveal-reporter");
    let blank = json!({ "receipt_number": report["receipt_number"], "reason": " " });
    grid1.post(&path, &blank).problem(400, "invalid_body");
    assert_eq!(auditor.get("audit?kind=reveal").expect(200)["items"].as_array().unwrap().len(), 1);
}

fn an_anonymous_reporter_is_shown_to_nobody(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = with_contact(&server, true);
    for login in
        ["grid1", "community", "street", "dispatcher", "chief", "head", "inspector", "observer", "admin"]
    {
        let official = server.official(login);
        let seen = official.ticket(ticket).to_string();
        for known in ["张", resident.phone.as_str(), &format!("****{}", &resident.phone[7..])] {
            assert!(!seen.contains(known), "{login} sees {known}: {seen}");
        }
    }
    reveal(&server.official("grid1"), ticket, &report).problem(422, "refused_by_rule");
}

fn who_is_not_signed_in_sees_no_numbers_and_no_exact_place(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, _) = with_contact(&server, false);
    let follow = json!({ "receipt_number": report["receipt_number"], "query_code": report["query_code"] });
    let seen = server.nobody().post("reports/follow", &follow).expect(200);
    assert_eq!(seen["text"], "路灯不亮，请打139****2222找我，身份证350****123X");
    let own = resident.own(&report);
    for axis in ["lon", "lat", "lon_wgs84", "lat_wgs84"] {
        let exact = own["place"][axis].as_f64().unwrap();
        assert_eq!(seen["place"][axis].as_f64().unwrap(), (exact * 1000.0).round() / 1000.0, "{axis}");
        assert!((exact * 1000.0).fract() != 0.0, "the place of the demonstration is not a round one");
    }
    assert_eq!(seen["place"].get("address"), None);
    assert_eq!(
        (&own["place"]["address"], own["text"].as_str().unwrap().contains("13911112222")),
        (&json!("鸿山路1号楼502室"), true)
    );
}

/// A closed ticket with a contact.
pub(crate) fn closed(server: &Server) -> (Resident, Value, i64) {
    let (resident, report, ticket) = with_contact(server, false);
    let (grid1, grid2) = (server.official("grid1"), server.official("grid2"));
    resident.say(&report, "supplements", &json!({ "words": "我叫张三丰，13911112222" })).expect(200);
    assert_eq!(grid1.claim_and_file(ticket, "E0501")["state"], "handling");
    assert_eq!(grid1.finish(ticket, "已处理，已回电13911112222。")["state"], "checking");
    assert_eq!(grid2.close(ticket)["state"], "closed");
    let rating = json!({ "solved": true, "stars": 5, "words": "谢谢，张三丰" });
    resident.say(&report, "rating", &rating).expect(200);
    (resident, report, ticket)
}

fn start_for_years(engine: Engine) -> Server {
    Server::start_with(engine, |config| config.auth.token_minutes = 10_080)
}

fn a_reporter_is_closed_off_long_after_the_end(engine: Engine) {
    let server = start_for_years(engine);
    let (_, report, ticket) = closed(&server);
    server.advance_seconds(179 * DAY);
    let grid1 = server.official("grid1");
    assert!(grid1.ticket(ticket)["reports"][0]["reporter"].is_string());
    reveal(&grid1, ticket, &report).expect(200);
    server.advance_seconds(2 * DAY);
    assert_eq!(grid1.ticket(ticket)["reports"][0].get("reporter"), None);
    reveal(&grid1, ticket, &report).problem(422, "refused_by_rule");
}

/// Has everything done that has been kept for its term.
pub(crate) fn retain(server: &Server) -> Value {
    let admin = server.official("admin");
    let run = admin.post("admin/privacy-runs", &json!({})).expect(202);
    done(server, &admin, "admin/privacy-runs", &run)
}

/// The run once it is done.
fn done(server: &Server, who: &Caller, path: &str, run: &Value) -> Value {
    let mut found = Value::Null;
    eventually("the run is done", std::time::Duration::from_secs(30), || {
        wait_for(jobs::drain(server.services())).unwrap();
        let page = who.get(path).expect(200);
        let items = page["items"].as_array().unwrap();
        found = items.iter().find(|one| one["id"] == run["id"]).unwrap().clone();
        found["state"] == "done"
    });
    found
}

fn old_tickets_are_anonymised_and_their_chains_hold(engine: Engine) {
    let server = start_for_years(engine);
    let (resident, report, ticket) = closed(&server);
    let (_, _, open) = with_contact(&server, false);
    assert_eq!(retain(&server)["report"]["tickets_anonymised"], 0);
    let before = server.official("grid1").ticket(ticket)["events"].clone();
    server.advance_seconds(1100 * DAY);
    let run = retain(&server);
    assert_eq!(
        (&run["report"]["tickets_anonymised"], &run["report"]["reports_anonymised"]),
        (&json!(1), &json!(1))
    );
    assert!(run["report"]["audit_lines_let_go"].as_u64().unwrap() > 5, "{run}");
    assert_eq!(retain(&server)["report"]["tickets_anonymised"], 0, "once");

    let verified = server.verify();
    assert!(verified.breaks.is_empty() && verified.audit.breaks.is_empty(), "{verified:?}");
    let seen = server.official("grid1").ticket(ticket);
    assert_eq!(seen["reports"][0]["text"], REMOVED);
    assert_eq!(seen["reports"][0]["place"].get("address"), None);
    let text = seen.to_string();
    for personal in ["张三丰", "13911112222", "502室", &resident.phone] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    let after = &seen["events"];
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len());
    for (after, before) in after.as_array().unwrap().iter().zip(before.as_array().unwrap()) {
        assert_eq!(
            (&after["hash"], &after["action"], &after["at"]),
            (&before["hash"], &before["action"], &before["at"])
        );
    }
    assert!(text.contains("已回电139****2222"), "{text}");
    let key = report["id"].as_i64().unwrap();
    let row = server.read(move |conn| reports::find(conn, key)).unwrap();
    assert_eq!((row.contact_sealed, row.place.lon), (None, (row.place.lon * 1000.0).round() / 1000.0));
    assert!(
        server.official("grid1").ticket(open)["reports"][0]["text"].as_str().unwrap().contains("13911112222")
    );
}

fn an_altered_anonymised_text_is_found(engine: Engine) {
    let server = start_for_years(engine);
    let (_, _, ticket) = closed(&server);
    server.advance_seconds(1100 * DAY);
    retain(&server);
    assert!(server.verify().breaks.is_empty());
    // The triggers let the texts of anonymised lines be changed; the trail tells what they were changed to.
    let alter = format!(
        "UPDATE events SET content = replace(content, '已处理', '未处理') WHERE ticket_id = {ticket}"
    );
    server.execute(&alter).unwrap();
    let broken = server.verify().breaks;
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(broken[0].what.contains("audit trail"), "{broken:?}");
    let hash = format!("UPDATE events SET seq = seq + 100 WHERE ticket_id = {ticket}");
    assert!(server.execute(&hash).unwrap_err().contains("append-only"));

    let (_, _, other) = reported(&server, "井盖响");
    for sql in [
        format!("INSERT INTO anonymised VALUES ({other}, 350203, 1, 0)"),
        format!("UPDATE reports SET text = '没事' WHERE ticket_id = {other}"),
    ] {
        server.execute(&sql).unwrap();
    }
    let broken: Vec<i64> = server.verify().breaks.iter().map(|found| found.ticket).collect();
    assert_eq!(broken, [ticket, other], "a row without its line of the trail covers nothing");
}

fn a_resident_gets_the_own_data_and_nobody_elses(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, _) = closed(&server);
    let run = resident.post("me/privacy-requests", &json!({ "kind": "export" })).expect(202);
    let again = resident.post("me/privacy-requests", &json!({ "kind": "export" })).expect(202);
    assert!(again["id"] == run["id"] || again["state"] == "waiting");
    let finished = done(&server, &resident, "me/privacy-requests", &run);
    assert_eq!(finished["report"], json!({ "reports": 1, "reports_left_out": 0 }));
    let path = format!("me/privacy-requests/{}/data", run["id"]);
    let file = resident.get(&path).expect(200);
    assert_eq!(file["account"]["phone"], json!(resident.phone));
    let told = &file["reports"][0];
    assert_eq!(
        (&told["receipt_number"], &told["contact_name"]),
        (&report["receipt_number"], &json!("张三丰"))
    );
    let words: Vec<&Value> = told["timeline"].as_array().unwrap().iter().map(|line| &line["words"]).collect();
    assert!(words.contains(&&json!("我叫张三丰，13911112222")), "{words:?}");

    server.resident().get(&path).problem(404, "not_found");
    server.official("admin").get(&path).problem(403, "forbidden");
    server
        .official("grid1")
        .post("me/privacy-requests", &json!({ "kind": "export" }))
        .problem(403, "forbidden");
    resident.post("me/privacy-requests", &json!({ "kind": "sale" })).problem(400, "invalid_body");
    let stored = server.read(|conn| suishoupai_storage::db::privacy::page(conn, 350_203, None, 10));
    let sealed = stored[stored.len() - 1].data_sealed.clone().unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("13911112222"), "it is sealed at rest");
}

fn a_resident_is_erased_when_nothing_is_under_way(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (resident, _, first) = closed(&server);
    let second = resident.report("路面坑洞");
    let run = resident.post("me/privacy-requests", &json!({ "kind": "erasure" })).expect(202);
    wait_for(jobs::drain(server.services())).unwrap();
    let reported = |count: u64| {
        let seen = resident.get("me/privacy-requests").expect(200)["items"][0].clone();
        seen["report"]["tickets_under_way"] == count && seen["state"] == "waiting"
    };
    eventually("it waits for the other ticket", std::time::Duration::from_secs(30), || reported(1));
    assert_eq!(server.official("grid1").ticket(first)["reports"][0]["text"], REMOVED);

    resident.say(&second, "withdraw", &json!({})).expect(200);
    retain(&server);
    let admin = server.official("admin");
    let finished = done(&server, &admin, "admin/privacy-runs", &run);
    assert_eq!(finished["report"], json!({ "tickets_anonymised": 2, "tickets_under_way": 0 }));
    resident.get("me").problem(401, "token_invalid");
    let phone = resident.phone.clone();
    let index = server.services().sealer.index("phone", &phone);
    assert!(server.read(move |conn| accounts::find_by_phone(conn, &index)).is_none());
    let verified = server.verify();
    assert!(verified.breaks.is_empty() && verified.audit.breaks.is_empty(), "{verified:?}");
    let trail = server.official("auditor").get("audit?kind=erasure").expect(200);
    assert_eq!(trail["items"].as_array().unwrap().len(), 2, "asked, and done");
}

fn consent_is_stored_and_an_outdated_one_refused(engine: Engine) {
    let server =
        Server::start_with(engine, |config| config.privacy.consent_version = Some("2026-11".to_owned()));
    let terms = server.nobody().get("privacy").expect(200);
    assert_eq!((&terms["consent_version"], &terms["anonymise_days"]), (&json!("2026-11"), &json!(1095)));
    let resident = server.resident();
    let mut draft = Resident::draft("路灯不亮");
    draft["consent_version"] = json!("2025-01");
    resident.post("reports", &draft).problem(422, "refused_by_rule");
    draft["consent_version"] = json!("2026-11");
    let report = resident.post("reports", &draft).expect(201)["id"].as_i64().unwrap();
    let row = server.read(move |conn| reports::find(conn, report)).unwrap();
    assert_eq!(row.consent_version.as_deref(), Some("2026-11"));
    resident.report("没有说明");
}

fn keys_are_exchanged_while_everything_stays_readable(engine: Engine) {
    let mut process = Process::with_demo(engine);
    let base = process.serve().to_owned();
    let resident = Resident::sign_in(&base);
    let mut draft = Resident::draft("路灯不亮");
    draft["contact_name"] = json!("张三丰");
    resident.post("reports", &draft).expect(201);
    let mut proof = json!({ "name": "grid2", "password": PASSWORD });
    let setup = caller(&base).post("auth/second-factor", &proof).expect(200);
    assert_eq!(process.terminate(), Some(0));
    let sealed = |key: u8| {
        format!("key {key} seals\nkey {key}\tnames\t1\nkey {key}\tphones\t1\nkey {key}\tsecond factors\t1\n")
    };
    assert_eq!(process.run(&["keys", "list"]), (Some(0), sealed(1)));
    let (code, said) = process.run(&["keys", "add"]);
    assert!(code == Some(0) && said.starts_with("key 2 is in "), "{said}");
    let (code, said) = process.run(&["keys", "rotate"]);
    assert!(code == Some(0) && said.contains("key 2"), "{said}");

    let base = process.serve().to_owned();
    eventually("everything is sealed with the new key", std::time::Duration::from_secs(60), || {
        process.run(&["keys", "list"]).1 == sealed(2)
    });
    let secret = FactorSecret::from_text(setup["secret"].as_str().unwrap()).unwrap();
    proof["code"] = json!(secret.code_at(Clock::System.now()));
    caller(&base).post("auth/second-factor/confirm", &proof).expect(200);
    // What was sealed is read, and the account is found: its token still names it.
    assert_eq!(resident.at(&base).get("reports").expect(200)["items"].as_array().unwrap().len(), 1);
    let officer = Official::sign_in(&base, "grid1");
    let pool = officer.get("tickets/pool").expect(200);
    let ticket = pool["items"][0]["id"].as_i64().unwrap();
    let reports = officer.ticket(ticket)["reports"].clone();
    let shown = reveal(&officer, ticket, &reports[0]).expect(200);
    assert_eq!((&shown["contact_name"], &shown["phone"]), (&json!("张三丰"), &json!(resident.phone)));
    assert_eq!(process.terminate(), Some(0));
    assert_eq!(process.run(&["verify"]).0, Some(0));
}
