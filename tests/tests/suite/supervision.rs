//! 督办单: their lives, who may do what, what is refused, and that their history cannot be altered unseen.

use std::thread;

use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};
use suishoupai_core::flow::Role;
use suishoupai_tests::{Caller, Engine, Official, Reply, Resident, Server, both};

use crate::common::{CENTRE, COMMUNITY, STREET, reported, whole};

both!(
    a_whole_life_with_another_inspection_and_a_reopening,
    others_see_and_do_nothing,
    nobody_decides_about_the_own_reply,
    a_photo_of_a_reply_is_seen_with_the_order,
    a_ticket_that_the_reader_may_not_see_is_only_counted,
    a_change_needs_the_present_version,
    of_two_at_once_one_changes_it,
    the_same_key_makes_one_order,
    bad_input_leaves_nothing_behind,
    the_history_is_append_only,
    an_altered_line_or_order_is_found
);

const PATH: &str = "supervision-orders";

/// So many days from now, as an instant.
pub(crate) fn in_days(server: &Server, days: i64) -> Value {
    json!(server.now().plus_seconds(days * 86_400).to_string())
}

/// An order for a unit with words only, due in four days.
pub(crate) fn order_for(server: &Server, unit: &str) -> Value {
    json!({ "unit_code": unit, "text": "限期整改", "due_at": in_days(server, 4) })
}

/// Issues an order; its key.
pub(crate) fn issued(server: &Server, unit: &str) -> i64 {
    whole(&server.official("dispatcher").post(PATH, &order_for(server, unit)).expect(201)["id"])
}

pub(crate) fn seen(who: &Official, order: i64) -> Value {
    who.get(&format!("{PATH}/{order}")).expect(200)
}

/// Does something with the version of the moment; the answer, whatever it is. `body` may name a version itself.
pub(crate) fn try_to(who: &Official, order: i64, verb: &str, body: Value) -> Reply {
    let mut body = body;
    let reply = who.get(&format!("{PATH}/{order}"));
    body["version"] = if reply.status == 200 { reply.json()["version"].clone() } else { json!(1) };
    who.post(&format!("{PATH}/{order}/{verb}"), &body)
}

pub(crate) fn done(who: &Official, order: i64, verb: &str, body: Value) -> Value {
    try_to(who, order, verb, body).expect(200)
}

pub(crate) fn words() -> Value {
    json!({ "words": "已整改到位" })
}

fn a_whole_life_with_another_inspection_and_a_reopening(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [dispatcher, chief, head, shizheng] =
        ["dispatcher", "chief", "head", "shizheng"].map(|login| server.official(login));
    let tickets = ["路面坑洞", "路灯不亮"].map(|text| reported(&server, text).2);
    let mut body = order_for(&server, "D03");
    body["tickets"] = json!([tickets[1], tickets[0], tickets[1]]);
    let first = dispatcher.post(PATH, &body).expect(201);
    let order = whole(&first["id"]);
    assert_eq!(first["number"], format!("DB-350203-20260304-{order}"));
    assert_eq!((&first["state"], &first["state_name"]), (&json!("issued"), &json!("已下发")));
    assert_eq!((&first["unit"]["code"], &first["version"]), (&json!("D03"), &json!(1)));
    let named: Vec<i64> = first["tickets"].as_array().unwrap().iter().map(|it| whole(&it["id"])).collect();
    assert_eq!(named, tickets, "each once, by key");
    assert_eq!(seen(&shizheng, order)["allowed_actions"], json!(["reply"]));
    let of_ticket = dispatcher.ticket(tickets[0])["supervision_orders"].clone();
    assert_eq!(of_ticket[0]["number"], first["number"]);

    assert_eq!(done(&shizheng, order, "reply", words())["state"], "replied");
    server.advance_seconds(3600);
    let next = in_days(&server, 2);
    let again = json!({ "reason": "仍有残留", "due_at": next });
    let sent_back = done(&chief, order, "reinspect", again);
    assert_eq!((&sent_back["state"], &sent_back["rounds"]), (&json!("reinspecting"), &json!(2)));
    assert_eq!((&sent_back["due_at"], sent_back.get("replied_at")), (&next, None));
    done(&shizheng, order, "reply", words());
    let accepted = done(&head, order, "accept", json!({ "words": "属实" }));
    assert_eq!((&accepted["state"], &accepted["accepted_at"]), (&json!("accepted"), &json!(server.now())));
    assert_eq!(accepted["allowed_actions"], json!(["reopen"]));
    let again = json!({ "reason": "问题反弹", "due_at": in_days(&server, 9) });
    let reopened = done(&dispatcher, order, "reopen", again);
    assert_eq!((&reopened["state"], &reopened["rounds"]), (&json!("issued"), &json!(3)));
    done(&shizheng, order, "reply", words());
    let last = done(&chief, order, "accept", json!({}));

    let lines = last["events"].as_array().unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    let life = ["issue", "reply", "reinspect", "reply", "accept", "reopen", "reply", "accept"];
    assert_eq!(actions, life);
    assert_eq!((&lines[2]["words"], &lines[2]["actor_name"]), (&json!("仍有残留"), &json!("吴值班")));
    assert_eq!(last["version"], 8);
    assert_eq!(dispatcher.ticket(tickets[1])["supervision_orders"][0]["state"], "accepted");
    let english = head.in_english().get(&format!("{PATH}/{order}")).expect(200);
    assert_eq!(english["events"][2]["action_name"], "send back");
    let verified = server.verify().supervision;
    assert_eq!((verified.orders, verified.events, verified.breaks.len()), (1, 8, 0));
}

fn others_see_and_do_nothing(engine: Engine) {
    let server = Server::start(engine);
    let order = issued(&server, "D03");
    let path = format!("{PATH}/{order}");
    for login in ["shuiwu", "chengguan", "squad", "community", "street", "grid1"] {
        let other = server.official(login);
        other.get(&path).problem(404, "supervision_order_not_found");
        try_to(&other, order, "reply", words()).problem(404, "supervision_order_not_found");
        assert_eq!(other.get(PATH).expect(200)["items"], json!([]), "{login}");
    }
    for login in ["dispatcher", "chief", "head", "inspector", "observer", "admin", "shizheng"] {
        let who = server.official(login);
        assert_eq!(seen(&who, order)["id"], json!(order));
        assert_eq!(whole(&who.get(PATH).expect(200)["items"][0]["id"]), order, "{login}");
    }
    for login in ["inspector", "observer", "admin"] {
        assert_eq!(seen(&server.official(login), order)["allowed_actions"], json!([]));
    }
    server.resident().get(&path).problem(403, "forbidden");
    server.nobody().get(&path).problem(401, "unauthenticated");
    for login in ["shizheng", "street", "inspector", "observer", "admin", "grid1"] {
        server.official(login).post(PATH, &order_for(&server, "D03")).problem(403, "forbidden");
    }
    let shizheng = server.official("shizheng");
    done(&shizheng, order, "reply", words());
    let again = json!({ "reason": "x", "due_at": in_days(&server, 1) });
    for (verb, body) in [("accept", json!({})), ("reinspect", again.clone()), ("reopen", again)] {
        try_to(&shizheng, order, verb, body).problem(403, "forbidden");
    }
    let twice = try_to(&shizheng, order, "reply", words()).problem(409, "not_allowed_in_state");
    assert_eq!((&twice["state"], &twice["rule"]), (&json!("replied"), &json!("wrong_state")));

    // Above the recipient an order is seen; a reply is the recipient's, or a department's for its squad.
    let of_community = issued(&server, COMMUNITY);
    let street = server.official("street");
    assert_eq!(seen(&street, of_community)["allowed_actions"], json!([]));
    try_to(&street, of_community, "reply", words()).problem(403, "forbidden");
    done(&server.official("community"), of_community, "reply", words());
    let of_squad = issued(&server, "D0101");
    done(&server.official("chengguan"), of_squad, "reply", words());
}

fn nobody_decides_about_the_own_reply(engine: Engine) {
    let server = Server::start(engine);
    let order = issued(&server, "D03");
    let shizheng = server.official("shizheng");
    let account = whole(&shizheng.get("me").expect(200)["id"]);
    let unit = server.unit(CENTRE);
    server.execute(&format!("INSERT INTO posts VALUES ({account}, 'duty_chief', {unit})")).unwrap();
    server.accounts_changed();
    done(&shizheng, order, "reply", words());
    let refused = try_to(&shizheng, order, "accept", json!({})).problem(403, "forbidden");
    assert_eq!(refused["rule"], "own_reply");
    assert_eq!(seen(&shizheng, order)["allowed_actions"], json!([]));
    done(&server.official("chief"), order, "accept", json!({}));
    let again = json!({ "reason": "x", "due_at": in_days(&server, 1) });
    assert_eq!(try_to(&shizheng, order, "reopen", again).problem(403, "forbidden")["rule"], "own_reply");
}

fn a_photo_of_a_reply_is_seen_with_the_order(engine: Engine) {
    let server = Server::start(engine);
    let order = issued(&server, "D03");
    let [shizheng, chief, shuiwu] = ["shizheng", "chief", "shuiwu"].map(|login| server.official(login));
    let (photo, foreign) = (shizheng.upload_any(), chief.upload_any());
    let with = |photos: Value| json!({ "words": "见照片", "photo_ids": photos });
    try_to(&shizheng, order, "reply", with(json!([foreign]))).problem(404, "photo_not_found");
    done(&shizheng, order, "reply", with(json!([photo, photo])));
    server.drain();
    let view = seen(&chief, order);
    assert_eq!((&view["photos"][0]["id"], &view["photos"][0]["event"]), (&json!(photo), &json!(2)));
    assert_eq!(view["events"][1]["photos"], json!([photo]));
    let link = view["photos"][0]["thumbnail_url"].as_str().unwrap();
    let path = &link[link.find("/api/").unwrap()..];
    assert_eq!(server.nobody().get(path).status, 200, "{link}");
    chief.get(&format!("photos/{photo}")).expect(200);
    assert_eq!(chief.get(&format!("photos/{photo}/original")).status, 200);
    shuiwu.get(&format!("photos/{photo}")).problem(404, "photo_not_found");
}

fn a_ticket_that_the_reader_may_not_see_is_only_counted(engine: Engine) {
    let server = Server::start(engine);
    let [dispatcher, shizheng] = ["dispatcher", "shizheng"].map(|login| server.official(login));
    let (hidden, shown) = (reported(&server, "路灯不亮").2, reported(&server, "路面坑洞").2);
    server.official("grid1").claim_and_file(shown, "P0201");
    let mut body = order_for(&server, "D03");
    body["tickets"] = json!([hidden, shown]);
    let order = whole(&dispatcher.post(PATH, &body).expect(201)["id"]);
    let of = |who: &Official| {
        let view = seen(who, order);
        let keys = view["tickets"].as_array().unwrap().iter().map(|it| whole(&it["id"])).collect::<Vec<_>>();
        (keys, whole(&view["further_tickets"]))
    };
    assert_eq!(of(&dispatcher), (vec![hidden, shown], 0));
    assert_eq!(of(&shizheng), (vec![shown], 1));
    // Who sees the ticket sees by which orders it is supervised, though not the orders themselves.
    let grid1 = server.official("grid1");
    assert_eq!(grid1.ticket(hidden)["supervision_orders"][0]["id"], json!(order));
    grid1.get(&format!("{PATH}/{order}")).problem(404, "supervision_order_not_found");
}

fn a_change_needs_the_present_version(engine: Engine) {
    let server = Server::start(engine);
    let order = issued(&server, "D03");
    let shizheng = server.official("shizheng");
    let path = format!("{PATH}/{order}/reply");
    let reply = |header: Option<&str>| {
        let request = shizheng.request(Method::POST, &path).json(&words());
        Caller::send(header.into_iter().fold(request, |request, text| request.header("if-match", text)))
    };
    reply(None).problem(428, "version_required");
    reply(Some("\"two\"")).problem(400, "invalid_header");
    let stale = reply(Some("\"7\"")).problem(409, "stale_version");
    assert_eq!((&stale["version"], &stale["state"]), (&json!(1), &json!("issued")));
    let etag = shizheng.get(&format!("{PATH}/{order}")).header("etag").to_owned();
    assert_eq!(etag, "\"1\"");
    let answered = reply(Some(&etag));
    assert_eq!((answered.expect(200)["version"].clone(), answered.header("etag")), (json!(2), "\"2\""));
    let late = json!({ "words": "x", "version": 1 });
    shizheng.post(&path, &late).problem(409, "stale_version");
}

fn of_two_at_once_one_changes_it(engine: Engine) {
    let server = Server::start(engine);
    let order = issued(&server, "D03");
    done(&server.official("shizheng"), order, "reply", words());
    let chiefs: Vec<Official> = (0..6).map(|_| server.chief()).collect();
    let body = json!({ "version": 2 });
    let statuses: Vec<u16> = thread::scope(|scope| {
        let accept = |who: &Official| who.post(&format!("{PATH}/{order}/accept"), &body).status;
        let threads: Vec<_> = chiefs.iter().map(|who| scope.spawn(move || accept(who))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|seen| **seen == status).count();
    assert_eq!((count(200), count(409)), (1, 5), "{statuses:?}");
    assert_eq!(seen(&chiefs[0], order)["version"], 3);
    assert!(server.verify().supervision.breaks.is_empty());
}

fn the_same_key_makes_one_order(engine: Engine) {
    let server = Server::start(engine);
    let dispatcher = server.official("dispatcher");
    let send = |body: &Value| {
        let request = dispatcher.request(Method::POST, PATH).header("idempotency-key", "desk-1-order-1");
        Caller::send(request.json(body))
    };
    let body = order_for(&server, "D03");
    let first = send(&body).expect(201);
    server.advance_seconds(90);
    assert_eq!(send(&body).expect(201), first);
    assert_eq!(server.rows().supervision_orders, 1);
    send(&order_for(&server, "D09")).problem(422, "idempotency_key_reused");
    assert_eq!(server.rows().supervision_orders, 1);
}

fn bad_input_leaves_nothing_behind(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let mut draft = Resident::draft("请尽快派人");
    draft["category"] = json!("E0606");
    let secret = resident.post("reports", &draft).expect(201)["ticket_id"].clone();
    let policy = json!({ "policy": { "sensitive_roles": ["inspector"] } });
    server.official("admin").post("admin/policies", &policy).expect(200);
    server.advance_seconds(60);
    let dispatcher = server.official("dispatcher");
    let with = |name: &str, value: Value| {
        let mut body = order_for(&server, "D03");
        body[name] = value;
        if body[name].is_null() {
            body.as_object_mut().unwrap().remove(name);
        }
        dispatcher.request(Method::POST, PATH).json(&body)
    };
    let keys = |keys: Vec<i64>| with("tickets", json!(keys));
    let mistakes: Vec<(&str, RequestBuilder, u16, &str, &str)> = vec![
        ("an unknown unit", with("unit_code", json!("D99")), 404, "unit_not_found", "/unit_code"),
        ("a blank unit", with("unit_code", json!(" ")), 400, "invalid_body", "/unit_code"),
        ("the district", with("unit_code", json!(CENTRE)), 422, "refused_by_rule", "/unit_code"),
        ("a past deadline", with("due_at", in_days(&server, -1)), 422, "refused_by_rule", "/due_at"),
        ("no time at all", with("due_at", in_days(&server, 0)), 422, "refused_by_rule", "/due_at"),
        ("a far deadline", with("due_at", in_days(&server, 367)), 422, "refused_by_rule", "/due_at"),
        ("no deadline", with("due_at", Value::Null), 400, "invalid_body", "/due_at"),
        (
            "a deadline without offset",
            with("due_at", json!("2026-03-09T09:00:00")),
            400,
            "invalid_body",
            "/due_at",
        ),
        ("nothing to do", with("text", Value::Null), 422, "refused_by_rule", "/text"),
        ("many words", with("text", json!("长".repeat(2001))), 400, "invalid_body", "/text"),
        ("an unknown ticket", keys(vec![999_999]), 404, "ticket_not_found", "/tickets"),
        ("an impossible ticket", keys(vec![i64::MIN]), 404, "ticket_not_found", "/tickets"),
        ("a ticket not seen", with("tickets", json!([secret])), 404, "ticket_not_found", "/tickets"),
        ("many tickets", keys((1..=51).collect()), 400, "invalid_body", "/tickets"),
        ("an unknown member", with("urgent", json!(true)), 400, "invalid_body", "/urgent"),
    ];
    let before = server.rows();
    for (what, request, status, code, pointer) in mistakes {
        let reply = Caller::send(request);
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        assert_eq!(reply.problem(status, code)["errors"][0]["pointer"], pointer, "{what}");
        assert_eq!(server.rows(), before, "{what} left something behind");
    }
    dispatcher.get(&format!("{PATH}/999999")).problem(404, "supervision_order_not_found");
    dispatcher.get(&format!("{PATH}/0")).problem(400, "invalid_path");
    let officer = server.officer(Role::StreetOfficer, STREET);
    officer.get(&format!("{PATH}?unit={}", server.unit("D03"))).problem(404, "unit_not_found");
}

fn the_history_is_append_only(engine: Engine) {
    let server = Server::start(engine);
    let order = issued(&server, "D03");
    for sql in [
        format!("UPDATE supervision_events SET content = '{{}}' WHERE order_id = {order}"),
        format!("DELETE FROM supervision_events WHERE order_id = {order}"),
    ] {
        let refused = server.execute(&sql).unwrap_err();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    if engine == Engine::Postgres {
        let refused = server.execute("TRUNCATE supervision_events").unwrap_err();
        assert!(refused.contains("append-only"), "{refused}");
    }
    assert!(server.verify().supervision.breaks.is_empty());
}

fn an_altered_line_or_order_is_found(engine: Engine) {
    let server = Server::start(engine);
    let ticket = reported(&server, "路面坑洞").2;
    let mut body = order_for(&server, "D03");
    body["tickets"] = json!([ticket]);
    let dispatcher = server.official("dispatcher");
    let mut orders = vec![whole(&dispatcher.post(PATH, &body).expect(201)["id"])];
    orders.extend((0..5).map(|_| issued(&server, "D03")));
    for order in &orders {
        done(&server.official("shizheng"), *order, "reply", words());
    }
    assert!(server.verify().supervision.breaks.is_empty());
    let unprotect = match engine {
        Engine::Sqlite => {
            "DROP TRIGGER supervision_events_no_update; DROP TRIGGER supervision_events_no_delete"
        }
        Engine::Postgres => "DROP TRIGGER supervision_events_append_only ON supervision_events",
    };
    server.execute(unprotect).unwrap();
    let alter = "UPDATE supervision_events SET content = replace(content, '已整改', '未整改')";
    for sql in [
        format!("DELETE FROM supervision_tickets WHERE order_id = {}", orders[0]),
        format!("{alter} WHERE order_id = {} AND seq = 2", orders[1]),
        format!("UPDATE supervision_orders SET due_at = due_at + 1 WHERE id = {}", orders[2]),
        format!("DELETE FROM supervision_events WHERE order_id = {} AND seq = 1", orders[3]),
        format!("UPDATE supervision_orders SET pressing_at = 1 WHERE id = {}", orders[4]),
    ] {
        server.execute(&sql).unwrap();
    }
    let found = server.verify();
    assert!(found.breaks.is_empty(), "tickets are as they were");
    let broken: Vec<_> = found.supervision.breaks.iter().map(|found| (found.order, found.seq)).collect();
    let expected = [(orders[0], 3), (orders[1], 2), (orders[2], 3), (orders[3], 1), (orders[4], 3)];
    assert_eq!(broken, expected, "{found:?}");
}
