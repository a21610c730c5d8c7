//! What administrators keep: rules with their versions, the working calendar, the roster, standard texts; and what
//! lies on a desk because of them.

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_tests::{Caller, Engine, Official, Server, both};

use crate::common::{clock, handled_by, refused, reported, verbs};

both!(
    a_new_holiday_moves_open_deadlines_once_and_says_so,
    hours_can_be_changed_and_refuse_what_is_no_calendar,
    an_imported_calendar_moves_deadlines_too,
    a_ticket_keeps_the_rules_of_its_filing,
    rules_with_a_fault_are_refused_field_by_field,
    a_substitute_holds_what_the_colleague_holds_and_no_longer,
    a_leave_names_two_officials_and_overlaps_none,
    shifts_are_kept_by_unit,
    standard_texts_come_filled_in,
    a_report_of_two_problems_is_split,
    notices_requests_and_summonses_lie_on_their_desks,
    only_administrators_change_rules,
);

fn put(caller: &Caller, path: &str, body: &Value) -> suishoupai_tests::Reply {
    Caller::send(caller.request(Method::PUT, path).json(body))
}

fn delete(caller: &Caller, path: &str) -> suishoupai_tests::Reply {
    Caller::send(caller.request(Method::DELETE, path))
}

fn gone(caller: &Caller, path: &str) {
    let reply = delete(caller, path);
    assert_eq!((reply.status, reply.text().as_str()), (204, ""), "{path}");
}

fn holiday() -> Value {
    json!({ "name": "停工日", "is_off_day": true })
}

fn a_new_holiday_moves_open_deadlines_once_and_says_so(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (admin, shizheng) = (server.official("admin"), server.official("shizheng"));
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-09T09:30:00.000+08:00", "three working days");
    let path = "admin/calendar/days/2026-03-05";
    let preview = put(&admin, &format!("{path}?dry_run=true"), &holiday()).expect(200);
    assert_eq!((&preview["affected"], &preview["more"]), (&json!(1), &json!(false)));
    assert_eq!(preview["tickets"], json!([shizheng.ticket(ticket)["number"]]));
    server.drain();
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-09T09:30:00.000+08:00", "a preview moves nothing");

    put(&admin, path, &holiday()).expect(200);
    server.drain();
    let seen = shizheng.ticket(ticket);
    assert_eq!(seen["due_at"], "2026-03-10T09:30:00.000+08:00");
    assert_eq!(verbs(&seen).last(), Some(&"recount"));
    let facts = &seen["events"].as_array().unwrap().last().unwrap()["facts"];
    assert_eq!(facts["due_before"], "2026-03-09T09:30:00.000+08:00");
    assert_eq!(facts["due_at"], "2026-03-10T09:30:00.000+08:00");
    let lines = verbs(&seen).len();
    put(&admin, path, &holiday()).expect(200);
    server.drain();
    assert_eq!(verbs(&shizheng.ticket(ticket)).len(), lines, "the same again moves nothing");

    let days = admin.get("calendar").expect(200)["days"].clone();
    assert!(
        days.as_array().unwrap().iter().any(|day| day["date"] == "2026-03-05" && day["is_off_day"] == true)
    );
    delete(&admin, path).expect(200);
    server.drain();
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-09T09:30:00.000+08:00", "an ordinary day again");
    assert!(server.verify().breaks.is_empty());
}

fn hours_can_be_changed_and_refuse_what_is_no_calendar(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (admin, shizheng) = (server.official("admin"), server.official("shizheng"));
    let (_, _, ticket) = handled_by(&server, &shizheng, "E0104");
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-04T16:00:00.000+08:00", "four working hours");
    let day = json!(["08:00-12:00", "13:00-17:00"]);
    let week = json!({ "days": [day, day, day, day, day, [], []] });
    put(&admin, "admin/calendar/hours", &week).expect(200);
    server.drain();
    assert_eq!(
        shizheng.ticket(ticket)["due_at"],
        "2026-03-04T14:30:00.000+08:00",
        "the lunch break is shorter"
    );
    for wrong in [json!(["12:00-08:00"]), json!(["08:00-08:00"]), json!(["08:00-12:00", "10:00-14:00"])] {
        let week = json!({ "days": [wrong, day, day, day, day, [], []] });
        put(&admin, "admin/calendar/hours", &week).problem(422, "refused_by_rule");
    }
    let never = json!({ "days": [[], [], [], [], [], [], []] });
    put(&admin, "admin/calendar/hours", &never).problem(422, "refused_by_rule");
    put(&admin, "admin/calendar/hours", &json!({ "days": [] })).problem(400, "invalid_body");
    let late = json!({ "days": [["08:00-25:00"], day, day, day, day, [], []] });
    put(&admin, "admin/calendar/hours", &late).problem(400, "invalid_body");
    put(&admin, "admin/calendar/days/2026-02-30", &holiday()).problem(400, "invalid_path");
    put(&admin, "admin/calendar/days/1999-02-20", &holiday()).problem(422, "refused_by_rule");
}

fn an_imported_calendar_moves_deadlines_too(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (admin, shizheng) = (server.official("admin"), server.official("shizheng"));
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    let file = "date,name,is_off_day\n2026-03-06,停工日,1\n";
    admin.post_bytes("admin/imports/calendar", "text/csv", file.as_bytes()).expect(200);
    server.drain();
    assert_eq!(shizheng.ticket(ticket)["due_at"], "2026-03-10T09:30:00.000+08:00");
}

fn a_ticket_keeps_the_rules_of_its_filing(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (admin, shizheng) = (server.official("admin"), server.official("shizheng"));
    let (_, _, before) = handled_by(&server, &shizheng, "P0201");
    let body = json!({ "policy": { "returns_to_arbitration": 1 } });
    let preview = admin.post("admin/policies?dry_run=true", &body).expect(200);
    assert_eq!((&preview["to_be_filed"], &preview["keeping"]), (&json!(0), &json!(1)));
    assert_eq!(admin.get("policies").expect(200)["items"].as_array().unwrap().len(), 1, "nothing is written");
    admin.post("admin/policies", &body).expect(200);
    let versions = admin.get("policies").expect(200)["items"].clone();
    assert_eq!((&versions[0]["current"], &versions[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(versions[1]["policy"]["check_distance_m"], 200, "what is left out is as built in");

    server.advance_seconds(60);
    let (_, _, after) = handled_by(&server, &shizheng, "P0201");
    let words = json!({ "reason": "not_our_duty", "words": "不归我们" });
    assert_eq!(shizheng.command(before, "return", words.clone())["state"], "filed");
    assert_eq!(shizheng.command(after, "return", words)["state"], "arbitrating", "under the new rules");
}

fn rules_with_a_fault_are_refused_field_by_field(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let wrong = json!({ "policy": { "soon_percent": 0, "call_back_tries": 11 } });
    let problem = admin.post("admin/policies", &wrong).problem(422, "refused_by_rule");
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(json!(fields), json!(["/policy/soon_percent", "/policy/call_back_tries"]));
    let past = json!({ "valid_from": "2026-03-04T09:00:00+08:00", "policy": {} });
    admin.post("admin/policies", &past).problem(422, "refused_by_rule");
    admin.post("admin/policies", &json!({ "policy": { "unknown": 1 } })).problem(400, "invalid_body");
}

fn leave(server: &Server, who: &str, substitute: &str, days: i64) -> Value {
    let to = server.now().plus_seconds(days * 86_400).to_string();
    json!({ "login": who, "substitute": substitute, "from": server.now().to_string(), "to": to, "reason": "年假" })
}

fn a_substitute_holds_what_the_colleague_holds_and_no_longer(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (admin, grid1, grid3) =
        (server.official("admin"), server.official("grid1"), server.official("grid3"));
    let (_, _, ticket) = reported(&server, "有垃圾");
    grid1.command(ticket, "claim", json!({}));
    // The substitute's own post is in another community, where this ticket does not exist.
    let path = format!("tickets/{ticket}");
    grid3.get(&path).problem(404, "ticket_not_found");
    let made = admin.post("admin/absences", &leave(&server, "grid1", "grid3", 1)).expect(201);
    assert_eq!((&made["name"], &made["substitute"]), (&json!("林网格"), &json!("黄网格")));
    let seen = grid3.ticket(ticket);
    assert!(seen["allowed_actions"].as_array().unwrap().contains(&json!("file")));
    let filed = grid3.command(ticket, "file", json!({ "category": "E0104" }));
    assert_eq!(filed["state"], "dispatched");
    assert_eq!(filed["events"][2]["actor_name"], "黄网格", "the history names who did it");

    gone(&admin, &format!("admin/absences/{}", made["id"]));
    grid3.get(&path).problem(404, "ticket_not_found");
    assert_eq!(admin.get("absences").expect(200)["items"], json!([]));
    admin.post("admin/absences", &leave(&server, "grid1", "grid3", 1)).expect(201);
    server.advance_seconds(86_400);
    grid3.get(&path).problem(404, "ticket_not_found");
}

fn a_leave_names_two_officials_and_overlaps_none(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    admin.post("admin/absences", &leave(&server, "nobody", "grid2", 1)).problem(404, "account_not_found");
    admin.post("admin/absences", &leave(&server, "grid1", "grid1", 1)).problem(422, "refused_by_rule");
    admin.post("admin/absences", &leave(&server, "grid1", "grid2", 0)).problem(422, "refused_by_rule");
    admin.post("admin/absences", &leave(&server, "grid1", "grid2", 2)).expect(201);
    admin.post("admin/absences", &leave(&server, "grid1", "grid3", 1)).problem(422, "refused_by_rule");
    delete(&admin, "admin/absences/1").problem(404, "not_found");
}

fn shifts_are_kept_by_unit(engine: Engine) {
    let server = Server::start(engine);
    let (admin, grid1) = (server.official("admin"), server.official("grid1"));
    let unit = server.unit("350203001000");
    let to = server.now().plus_seconds(8 * 3600).to_string();
    let body = json!({ "unit": unit, "login": "street", "from": server.now().to_string(), "to": to });
    let made = admin.post("admin/shifts", &body).expect(201);
    assert_eq!(made["name"], "郑街道");
    let seen = grid1.get(&format!("shifts?unit={unit}")).expect(200);
    assert_eq!(seen["items"][0]["unit"]["code"], "350203001000");
    gone(&admin, &format!("admin/shifts/{}", made["id"]));
    assert_eq!(grid1.get(&format!("shifts?unit={unit}")).expect(200)["items"], json!([]));
    delete(&admin, &format!("admin/shifts/{}", made["id"])).problem(404, "not_found");
    grid1.get("shifts?unit=1").problem(404, "unit_not_found");
}

fn standard_texts_come_filled_in(engine: Engine) {
    let server = Server::start(engine);
    let (admin, shizheng) = (server.official("admin"), server.official("shizheng"));
    let (_, _, ticket) = handled_by(&server, &shizheng, "E0104");
    let text = |title: &str, categories: &str, text: &str| json!({ "title": title, "action": "finish", "categories": categories, "text": text });
    let body = "{street}{community}的{category}（{number}）已由{unit}处置，{大括号}";
    admin.post("admin/standard-texts", &text("积水", "E01*", body)).problem(422, "refused_by_rule");
    let body = "{street}{community}的{category}（{number}）由{unit}处置，今天 {today}，{";
    let made = admin.post("admin/standard-texts", &text("积水", "E01*", body)).expect(201);
    admin.post("admin/standard-texts", &text("井盖", "P0101", "井盖已复位")).expect(201);
    let found = shizheng.get(&format!("standard-texts?ticket={ticket}&action=finish")).expect(200);
    let number = shizheng.ticket(ticket)["number"].as_str().unwrap().to_owned();
    let filled = format!("中华街道鸿山社区的道路积水（{number}）由市政服务中心处置，今天 2026-03-04，{{");
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "the other one is for manholes");
    let street = shizheng.ticket(ticket)["located"]["street"]["name"].as_str().unwrap().to_owned();
    assert_eq!(items[0]["text"], filled.replace("中华街道", &street));
    assert_eq!(shizheng.get("standard-texts?action=file").expect(200)["items"], json!([]));
    gone(&admin, &format!("admin/standard-texts/{}", made["id"]));
    assert_eq!(shizheng.get("standard-texts").expect(200)["items"].as_array().unwrap().len(), 1);
}

fn a_report_of_two_problems_is_split(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported(&server, "积水，井盖也坏了");
    let grid1 = server.official("grid1");
    grid1.command(ticket, "claim", json!({}));
    let parts = json!([{ "words": "井盖破损", "category": "P0101" }, { "words": "路灯不亮" }]);
    let body = json!({ "parts": parts, "reason": "一单多事" });
    let split = grid1.command(ticket, "split", body.clone());
    let children: Vec<i64> =
        split["course"]["children"].as_array().unwrap().iter().map(|child| child.as_i64().unwrap()).collect();
    assert_eq!((children.len(), &split["state"]), (2, &json!("claimed")), "the rest stays in the same hands");
    let child = grid1.ticket(children[0]);
    assert_eq!((&child["course"]["parent"], &child["state"]), (&json!(ticket), &json!("claimed")));
    assert_eq!((&child["urgent"], &child["reports"][0]["text"]), (&json!(true), &json!("积水，井盖也坏了")));
    assert_eq!(child["evidence"].as_array().unwrap().len(), split["evidence"].as_array().unwrap().len());
    let filed = grid1.command(children[0], "file", json!({ "category": "P0101" }));
    assert_eq!(filed["state"], "dispatched", "a part goes its own way");
    assert_eq!(resident.own(&report)["state"], "claimed");
    let nothing = json!({ "parts": [], "reason": "无" });
    grid1.try_command(ticket, "split", nothing).problem(400, "invalid_body");
    let unknown = json!({ "parts": [{ "words": "什么", "category": "E9999" }], "reason": "无" });
    let rows = server.rows();
    grid1.try_command(ticket, "split", unknown).problem(422, "refused_by_rule");
    assert_eq!(server.rows(), rows, "with a wrong part nothing is split off");
    assert_eq!(refused(&grid1, children[0], "split", body), "wrong_state");
    assert!(server.verify().breaks.is_empty());
}

fn notices_requests_and_summonses_lie_on_their_desks(engine: Engine) {
    let server = Server::start(engine);
    let (shizheng, street, dispatcher) =
        (server.official("shizheng"), server.official("street"), server.official("dispatcher"));
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    assert!(clock(&shizheng.ticket(ticket), "handle")["due_at"].is_string());
    let more = json!({ "limit": { "amount": 1, "unit": "working_days" }, "reason": "等料" });
    shizheng.command(ticket, "ask-extension", more);
    let waiting = dispatcher.get("requests").expect(200)["items"].clone();
    assert_eq!((&waiting[0]["ticket"], &waiting[0]["kind"]), (&json!(ticket), &json!("extension")));
    assert_eq!(dispatcher.get("requests?state=granted").expect(200)["items"], json!([]));
    street.get("requests").problem(403, "forbidden");

    let shuiwu = server.official("shuiwu");
    shuiwu.get(&format!("tickets/{ticket}")).problem(404, "ticket_not_found");
    let meet = server.now().plus_seconds(3600).to_string();
    let units = json!([server.unit("D09")]);
    let body = json!({ "units": units, "place": "路口", "meet_at": meet, "words": "来看水管" });
    street.command(ticket, "whistle", body);
    let summons = shuiwu.get("summonses").expect(200)["items"].clone();
    assert_eq!((&summons[0]["ticket"], &summons[0]["answered"]), (&json!(ticket), &json!(false)));
    shuiwu.command(ticket, "answer", json!({}));
    assert_eq!(shuiwu.get("summonses").expect(200)["items"][0]["answered"], true);

    let told = |official: &Official| {
        let items = official.get("notices").expect(200)["items"].clone();
        let all: Vec<String> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|notice| notice["action"].as_str().unwrap().to_owned())
            .collect();
        all
    };
    assert_eq!(told(&shuiwu), ["whistle"]);
    assert!(told(&dispatcher).contains(&"ask_extension".to_owned()));
    let page = dispatcher.get("notices?limit=1").expect(200);
    let next = page["next_cursor"].as_str().unwrap().to_owned();
    let rest = dispatcher.get(&format!("notices?limit=100&cursor={next}")).expect(200);
    assert_eq!(1 + rest["items"].as_array().unwrap().len(), told(&dispatcher).len());
    shuiwu.get(&format!("notices?unit={}", server.unit("D03"))).problem(404, "unit_not_found");
}

fn only_administrators_change_rules(engine: Engine) {
    let server = Server::start(engine);
    for login in ["grid1", "street", "shizheng", "dispatcher", "inspector", "observer"] {
        let caller = server.official(login);
        caller.post("admin/policies", &json!({ "policy": {} })).problem(403, "forbidden");
        put(&caller, "admin/calendar/days/2026-03-05", &holiday()).problem(403, "forbidden");
        caller.post("admin/absences", &leave(&server, "grid1", "grid2", 1)).problem(403, "forbidden");
        delete(&caller, "admin/standard-texts/1").problem(403, "forbidden");
    }
    server.resident().get("policies").problem(403, "forbidden");
    server.nobody().get("calendar").problem(401, "unauthenticated");
}
