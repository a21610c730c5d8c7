//! Reports that are suspected of being spam are taken and held: the centre looks at them before any grid is shown them.

use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Resident, Server, both, jpeg};

use crate::common::{COMMUNITY, STREET};

both!(
    spam_is_taken_held_and_refused_with_a_reason,
    what_is_held_is_on_no_list_but_that_of_the_centre_until_it_passes,
    the_same_text_of_one_account_many_times_is_held,
    who_was_refused_as_false_lately_is_looked_at_first,
    pictures_of_others_are_looked_at,
    danger_own_finds_and_other_systems_do_not_wait,
);

const SPAM: &str = "低息贷款，无抵押，秒到账";

fn key(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn is_held(report: &Value) -> bool {
    let held = report["state_name"] == "待审核";
    // Applications that do not know of it go on with the state that they know.
    assert_eq!(report["state"], "received", "{report}");
    held
}

fn spam_is_taken_held_and_refused_with_a_reason(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let report = resident.report(SPAM);
    assert!(is_held(&report));
    let next = report["next"].as_str().unwrap();
    assert!(next.contains("审核") && next.contains("12345") && next.contains("110"), "{next}");
    let own = resident.own(&report);
    assert!(is_held(&own));
    assert_eq!(own["allowed_actions"], json!(["withdraw", "supplement"]));
    assert_eq!(resident.get("reports").expect(200)["items"][0]["state_name"], "待审核");
    let english = resident.in_english().get(&format!("reports/{}", report["id"])).expect(200);
    assert_eq!(english["state_name"], "held for review");
    resident.say(&report, "supplements", &json!({ "words": "请尽快" })).expect(200);
    resident.say(&report, "urge", &json!({})).problem(409, "not_allowed_in_state");

    let ticket = key(&report["ticket_id"]);
    let dispatcher = server.official("dispatcher");
    let list = dispatcher.get("reviews/spam").expect(200);
    let line = &list["items"][0];
    assert_eq!((key(&line["ticket"]), line["title"].as_str()), (ticket, Some(SPAM)));
    assert_eq!(line["held"]["reasons"], json!(["advertising"]));
    assert_eq!(line["held"]["reason_names"], json!(["疑似广告"]));
    let seen = dispatcher.ticket(ticket);
    assert_eq!((seen["state_name"].as_str(), &seen["course"]["held"]), (Some("待审核"), &line["held"]));
    assert_eq!(seen["allowed_actions"], json!(["refuse", "pass"]));
    assert_eq!(seen["course"]["clocks"], json!([]), "nobody is late with what nobody is shown");
    let file = json!({ "category": "P0101" });
    let refused = dispatcher.try_command(ticket, "file", file).problem(409, "not_allowed_in_state");
    assert_eq!(refused["rule"], "held");

    let words = json!({ "reason": "spam", "words": "与城市管理无关的广告" });
    dispatcher.command(ticket, "refuse", words);
    let own = resident.own(&report);
    assert_eq!(
        (own["state"].as_str(), own["answer"].as_str()),
        (Some("refused"), Some("与城市管理无关的广告"))
    );
    let last = own["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["action"].as_str(), last["reason"].as_str()), (Some("refuse"), Some("spam")));
    assert_eq!(dispatcher.get("reviews/spam").expect(200)["items"], json!([]));
    assert!(server.verify().breaks.is_empty());
}

fn what_is_held_is_on_no_list_but_that_of_the_centre_until_it_passes(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let report = resident.report(SPAM);
    let ticket = key(&report["ticket_id"]);
    let grid = server.official("grid1");
    let territory = [
        grid.clone(),
        server.officer(suishoupai_core::flow::Role::CommunityOfficer, COMMUNITY),
        // Named among those who see sensitive kinds.
        server.officer(suishoupai_core::flow::Role::StreetOfficer, STREET),
    ];
    let names = |caller: &Caller, path: &str| {
        let items = caller.get(path).expect(200)["items"].clone();
        items.as_array().unwrap().iter().any(|line| line["id"] == ticket)
    };
    let lists =
        ["tickets", "tickets?state=received", "tickets?sort=urgency", "tickets/pool", "tickets?q=无抵押"];
    for caller in &territory {
        caller.get(&format!("tickets/{ticket}")).problem(404, "ticket_not_found");
        let claim = json!({ "version": 1 });
        caller.post(&format!("tickets/{ticket}/claim"), &claim).problem(404, "ticket_not_found");
        for list in lists {
            let reply = caller.get(list);
            if reply.status == 200 {
                assert!(!names(caller, list), "{list}");
            }
        }
    }
    assert_eq!(server.told("350203000000", ticket), ["open"]);
    assert!(server.told(STREET, ticket).is_empty());
    let similar = server.resident().post("reports/similar", &Resident::draft(SPAM)).expect(200);
    assert_eq!(similar["items"], json!([]), "nor are strangers shown it");

    let chief = server.chief();
    chief.get(&format!("tickets/{ticket}")).expect(200);
    server.official("shizheng").get(&format!("tickets/{ticket}")).problem(404, "ticket_not_found");
    grid.post(&format!("tickets/{ticket}/pass"), &json!({ "version": 1 })).problem(403, "forbidden");
    server.advance_seconds(3600);
    assert_eq!(server.ring(), 0);
    let passed = chief.command(ticket, "pass", json!({ "words": "路面上的广告，属实" }));
    assert_eq!((passed["state_name"].as_str(), passed["course"].get("held")), (Some("待认领"), None));
    assert_eq!(passed["course"]["clocks"].as_array().unwrap().len(), 1);
    assert!(territory.iter().all(|caller| names(caller, "tickets/pool")));
    assert!(!is_held(&resident.own(&report)));
    let line = resident.own(&report)["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((line["action"].as_str(), line.get("note")), (Some("pass"), None));
    chief.try_command(ticket, "pass", json!({})).problem(409, "not_allowed_in_state");
    grid.claim_and_file(ticket, "P0101");
    assert!(server.verify().breaks.is_empty());
}

fn the_same_text_of_one_account_many_times_is_held(engine: Engine) {
    let server = Server::start_with(engine, |config| config.spam.same_text = 3);
    let (resident, other) = (server.resident(), server.resident());
    let texts = ["路灯不亮", "路灯 不亮！", "路灯不亮。", "井盖松动", "路灯不亮"];
    let held: Vec<bool> = texts.iter().map(|text| is_held(&resident.report(text))).collect();
    assert_eq!(held, [false, false, true, false, true]);
    assert!(!is_held(&other.report("路灯不亮")));
    // A phone that sends one report again and again says nothing more than once.
    let draft = Resident::draft("积水");
    for _ in 0..5 {
        let reply = crate::common::keyed_report(&other, "the-same-key", &draft).unwrap();
        assert!(!is_held(&reply.expect(201)));
    }
    server.advance_seconds(24 * 3600);
    assert!(!is_held(&server.resident().report("路灯不亮")));
    let list = server.official("dispatcher").get("reviews/spam").expect(200);
    let reasons: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|line| &line["held"]["reasons"]).collect();
    assert_eq!(reasons, [&json!(["same_text"]); 2]);
}

fn who_was_refused_as_false_lately_is_looked_at_first(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.spam.false_reports = 2;
        config.spam.false_days = 10;
        config.auth.token_minutes = 10_080 * 3;
    });
    let resident = server.resident();
    let dispatcher = server.official("dispatcher");
    let refuse = |report: &Value, reason: &str| {
        let words = json!({ "reason": reason, "words": "现场核实与描述不符" });
        dispatcher.command(key(&report["ticket_id"]), "refuse", words);
    };
    refuse(&resident.report("路灯不亮"), "nothing_there");
    refuse(&resident.report("井盖松动"), "false_report");
    assert!(!is_held(&resident.report("积水")), "once is not many times, and an honest error is none");
    server.advance_seconds(5 * 86_400);
    refuse(&resident.report("树倒了"), "false_report");
    let mut anonymous = Resident::draft("占道");
    anonymous["anonymous"] = json!(true);
    assert!(is_held(&resident.post("reports", &anonymous).expect(201)), "who is not shown is looked at too");
    assert!(!is_held(&server.resident().report("占道")));
    // Ten days after the first of the two there is one left.
    server.advance_seconds(5 * 86_400 + 1);
    assert!(!is_held(&resident.report("路面坑洞")));
}

fn pictures_of_others_are_looked_at(engine: Engine) {
    let server = Server::start_with(engine, |config| config.spam.photo_tickets = 2);
    let bytes = jpeg(64, 48);
    let send = |resident: &Resident, text: &str| {
        let mut draft = Resident::draft(text);
        draft["photo_ids"] = json!([resident.upload(&bytes)]);
        resident.post("reports", &draft).expect(201)
    };
    let [first, second, third] = [(); 3].map(|()| server.resident());
    let sent = [send(&first, "路灯不亮"), send(&first, "路灯还是不亮"), send(&second, "井盖松动")];
    // What others sent counts by tickets, the own ones do not.
    assert_eq!(sent.map(|report| is_held(&report)), [false, false, true]);
    assert!(!is_held(&send(&first, "路灯一直不亮")), "one ticket of somebody else");
    assert!(is_held(&send(&third, "积水")));
    let list = server.official("dispatcher").get("reviews/spam").expect(200);
    assert!(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|line| line["held"]["reasons"] == json!(["photo_of_others"]))
    );
    // Numbers alone are nothing without a picture.
    assert!(is_held(&third.report("123")));
    let mut draft = Resident::draft("123");
    draft["photo_ids"] = json!([third.upload_any()]);
    assert!(!is_held(&third.post("reports", &draft).expect(201)));
}

fn danger_own_finds_and_other_systems_do_not_wait(engine: Engine) {
    let server = Server::start(engine);
    let (resident, grid) = (server.resident(), server.official("grid1"));
    server.execute("UPDATE categories SET must_report = TRUE WHERE code = 'P0101'").unwrap();
    server.execute("UPDATE registry_revision SET value = value + 1").unwrap();
    suishoupai_tests::wait_for(server.services().refresh_registry()).unwrap();
    let mut draft = Resident::draft(SPAM);
    draft["category"] = json!("P0101");
    assert!(!is_held(&resident.post("reports", &draft).expect(201)));
    let find = grid.post("reports", &Resident::draft(SPAM)).expect(201);
    assert_eq!(find["state"], "claimed");
    let body = json!({ "name": "12345 热线", "scopes": ["report"], "posts": [], "days": 30 });
    let made = server.official("admin").post("admin/service-keys", &body).expect(201);
    let hotline = server.nobody().with_token(made["key"].as_str().unwrap());
    assert!(!is_held(&hotline.post("reports", &Resident::draft(SPAM)).expect(201)));
    let off = Server::start_with(engine, |config| config.spam.texts = false);
    assert!(!is_held(&off.resident().report(SPAM)));
}
