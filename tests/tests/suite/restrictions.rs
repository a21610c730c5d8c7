//! Reporters whose reports are not taken for a while: ordered by a report, with one appeal, decided by somebody else.

use serde_json::{Value, json};
use suishoupai_core::flow::Role;
use suishoupai_tests::{Caller, Engine, Resident, Server, both};

use crate::common::CENTRE;

both!(
    a_restricted_reporter_is_told_why_and_the_term_ends_by_itself,
    an_appeal_is_decided_once_and_not_by_who_ordered,
    only_residents_of_the_district_are_restricted_and_nobody_is_shown,
    everything_about_it_is_in_the_trail,
);

fn order(report: &Value, days: u32) -> Value {
    json!({ "receipt_number": report["receipt_number"], "reason": "一个月内五次虚假上报", "days": days })
}

fn try_report(caller: &Caller) -> suishoupai_tests::Reply {
    caller.post("reports", &Resident::draft("路灯不亮"))
}

fn a_restricted_reporter_is_told_why_and_the_term_ends_by_itself(engine: Engine) {
    let server = Server::start_for_days(engine);
    let resident = server.resident();
    let report = resident.report("虚假上报");
    assert!(resident.get("me").expect(200).get("restriction").is_none());
    let admin = server.official("admin");
    let made = admin.post("admin/restrictions", &order(&report, 3)).expect(201);
    assert_eq!(
        (&made["ticket"], &made["holds"], made["until"].as_str()),
        (&report["ticket_id"], &json!(true), Some("2026-03-07T09:30:00.000+08:00"))
    );

    let refused = try_report(&resident).problem(403, "reporting_restricted");
    assert_eq!(
        (&refused["until"], refused["reason"].as_str()),
        (&made["until"], Some("一个月内五次虚假上报"))
    );
    assert_eq!(
        (&refused["may_appeal"], refused["appeal_at"].as_str()),
        (&json!(true), Some("/api/v1/me/restriction/appeal"))
    );
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("12345") && detail.contains("110") && detail.contains("申诉"), "{detail}");
    let form = reqwest::blocking::multipart::Form::new().text("text", "路灯不亮");
    let form = form.text("lon", "118.0").text("lat", "24.0").text("datum", "wgs84");
    let request = resident.request(reqwest::Method::POST, "reports/form").multipart(form);
    Caller::send(request).problem(403, "reporting_restricted");
    assert_eq!(server.rows().reports, 1);
    // What was reported before goes on, and so do others.
    resident.say(&report, "supplements", &json!({ "words": "补充" })).expect(200);
    try_report(&server.resident()).expect(201);
    let own = resident.get("me").expect(200)["restriction"].clone();
    assert_eq!(
        (&own["until"], &own["reason"], own["appeal_at"].as_str()),
        (&made["until"], &made["reason"], Some("/api/v1/me/restriction/appeal"))
    );

    admin.post("admin/restrictions", &order(&report, 3)).problem(409, "not_allowed_in_state");
    server.advance_seconds(3 * 86_400 - 1);
    try_report(&resident).problem(403, "reporting_restricted");
    server.advance_seconds(1);
    try_report(&resident).expect(201);
    assert!(resident.get("me").expect(200).get("restriction").is_none());
    resident.post("me/restriction/appeal", &json!({ "words": "冤枉" })).problem(404, "restriction_not_found");
    assert_eq!(admin.get("restrictions").expect(200)["items"][0]["holds"], false);
    admin.post("admin/restrictions", &order(&report, 3)).expect(201);
}

fn an_appeal_is_decided_once_and_not_by_who_ordered(engine: Engine) {
    let server = Server::start(engine);
    let (first, second) = (server.resident(), server.resident());
    let admin = server.official("admin");
    let restrict = |resident: &Resident| {
        let made = admin.post("admin/restrictions", &order(&resident.report("虚假上报"), 30)).expect(201);
        format!("restrictions/{}/decide", made["id"])
    };
    let (of_first, of_second) = (restrict(&first), restrict(&second));
    let decide = |decision: &str| json!({ "decision": decision, "words": "经复核" });
    let (chief, head) = (server.chief(), server.head());
    let kept = chief.post(&of_first, &decide("kept")).problem(409, "not_allowed_in_state");
    assert_eq!(kept["rule"], "no_appeal");
    let appeal = json!({ "words": "每次都附了照片" });
    let after = first.post("me/restriction/appeal", &appeal).expect(200);
    assert_eq!((after["appeal"].as_str(), after.get("appeal_at")), (Some("每次都附了照片"), None));
    let again = first.post("me/restriction/appeal", &appeal).problem(409, "not_allowed_in_state");
    assert_eq!(again["rule"], "appealed_before");
    assert_eq!(try_report(&first).problem(403, "reporting_restricted")["may_appeal"], false);

    // Administrators do not decide, not even those who are chiefs too.
    admin.post(&of_first, &decide("kept")).problem(403, "forbidden");
    let both = server.officer(Role::Administrator, CENTRE);
    let id = both.get("me").expect(200)["id"].clone();
    server
        .execute(&format!(
            "INSERT INTO posts (account_id, role, unit_id) VALUES ({id}, 'duty_chief', {})",
            server.unit(CENTRE)
        ))
        .unwrap();
    server.accounts_changed();
    let third = server.resident();
    let made = both.post("admin/restrictions", &order(&third.report("虚假上报"), 30)).expect(201);
    let own = both
        .post(&format!("restrictions/{}/decide", made["id"]), &decide("lifted"))
        .problem(403, "forbidden");
    assert_eq!(own["rule"], "own_order");

    let decided = head.post(&of_first, &decide("kept")).expect(200);
    assert_eq!((decided["decision"].as_str(), decided["holds"].as_bool()), (Some("kept"), Some(true)));
    try_report(&first).problem(403, "reporting_restricted");
    let seen = first.get("me").expect(200)["restriction"].clone();
    assert_eq!((seen["decision"].as_str(), seen["decision_words"].as_str()), (Some("kept"), Some("经复核")));
    let late = chief.post(&of_first, &decide("lifted")).problem(409, "not_allowed_in_state");
    assert_eq!(late["rule"], "decided_before");
    // What was ordered in error is lifted without an appeal.
    let lifted = chief.post(&of_second, &decide("lifted")).expect(200);
    assert_eq!((lifted["decision"].as_str(), lifted["holds"].as_bool()), (Some("lifted"), Some(false)));
    try_report(&second).expect(201);
    assert!(second.get("me").expect(200).get("restriction").is_none());
    second.post("me/restriction/appeal", &appeal).problem(404, "restriction_not_found");
}

fn only_residents_of_the_district_are_restricted_and_nobody_is_shown(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let find = server.official("grid1").post("reports", &Resident::draft("自查")).expect(201);
    let refused = admin.post("admin/restrictions", &order(&find, 3)).problem(422, "refused_by_rule");
    assert_eq!(refused["errors"][0]["code"], "not_a_resident");
    let body = json!({ "name": "12345 热线", "scopes": ["report"], "posts": [], "days": 30 });
    let made = admin.post("admin/service-keys", &body).expect(201);
    let hotline = server.nobody().with_token(made["key"].as_str().unwrap());
    let report = hotline.post("reports", &Resident::draft("热线转来")).expect(201);
    admin.post("admin/restrictions", &order(&report, 3)).problem(422, "refused_by_rule");
    let unknown = json!({ "receipt_number": "350203-20260304-1" });
    admin.post("admin/restrictions", &order(&unknown, 3)).problem(404, "report_not_found");
    crate::access::add_district(&server);
    let resident = server.resident();
    let spam = server.resident().report("低息贷款，无抵押，秒到账");
    assert_eq!(spam["state_name"], "待审核");
    admin.post("admin/restrictions", &order(&spam, 3)).expect(201);
    let mut draft = Resident::draft("虚假上报");
    draft["anonymous"] = json!(true);
    draft["contact_name"] = json!("欧阳某");
    let report = resident.post("reports", &draft).expect(201);
    for days in [0, 366] {
        admin.post("admin/restrictions", &order(&report, days)).problem(400, "invalid_body");
    }
    admin.post("admin/restrictions", &order(&report, 365)).expect(201);
    for caller in [&admin, &server.chief(), &server.head()] {
        let list = caller.get("restrictions").expect(200).to_string();
        assert!(
            list.contains("虚假上报") && !list.contains(&resident.phone) && !list.contains("欧阳"),
            "{list}"
        );
        assert!(!list.contains("account"), "{list}");
    }
    server.official("dispatcher").get("restrictions").problem(403, "forbidden");
    resident.get("restrictions").problem(403, "forbidden");
    try_report(&resident).problem(403, "reporting_restricted");
}

fn everything_about_it_is_in_the_trail(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let made = server
        .official("admin")
        .post("admin/restrictions", &order(&resident.report("虚假上报"), 30))
        .expect(201);
    resident.post("me/restriction/appeal", &json!({ "words": "请复核" })).expect(200);
    let path = format!("restrictions/{}/decide", made["id"]);
    server.chief().post(&path, &json!({ "decision": "lifted", "words": "属实" })).expect(200);
    let auditor = server.officer(Role::Auditor, CENTRE);
    let lines = auditor.get("audit?kind=restriction").expect(200)["items"].clone();
    let lines = lines.as_array().unwrap();
    let mut said: Vec<_> = lines
        .iter()
        .map(|line| (line["facts"]["action"].as_str().unwrap(), line["reason"].as_str().unwrap_or_default()))
        .collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [("appealed", "请复核"), ("lifted", "属实"), ("restricted", "一个月内五次虚假上报")],
        "{lines:?}"
    );
    let subject = format!("restriction:{}", made["id"]);
    assert!(lines.iter().all(|line| line["subject"] == subject.as_str()));
    assert!(server.verify().breaks.is_empty());
}
