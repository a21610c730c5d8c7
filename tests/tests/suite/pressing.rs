//! Lists by what presses: the filter, the order by urgency, their cursors, alike on both engines.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Server, both};

use crate::common::reported;

both!(a_filter_and_an_order_by_what_presses, a_cursor_belongs_to_its_order);

/// Tickets of several deadlines: overdue, due soon, in time, at rest, and two with the same deadline.
fn filled(server: &Server) -> Vec<(i64, &'static str)> {
    let grid1 = server.official("grid1");
    let shizheng = server.official("shizheng");
    let mut all = Vec::new();
    let mut add = |text: &'static str| {
        let ticket = reported(server, text).2;
        all.push((ticket, text));
        ticket
    };
    add("积水甲");
    add("积水乙");
    server.advance_seconds(1800);
    add("积水丙");
    let resting = add("坑洞丁");
    grid1.claim_and_file(resting, "P0201");
    shizheng.command(resting, "accept", json!({}));
    let review_at = server.now().plus_seconds(9 * 86_400).to_string();
    shizheng.command(resting, "ask-suspension", json!({ "review_at": review_at, "reason": "等待材料" }));
    server.chief().command(resting, "grant", json!({ "words": "同意" }));
    let long = add("坑洞戊");
    grid1.claim_and_file(long, "P0201");
    shizheng.command(long, "accept", json!({}));
    // 11:45: the first two were due at 11:30, the third is due at 12:00, the last one next week.
    server.advance_to(&json!("2026-03-04T11:45:00.000+08:00"));
    server.ring();
    add("积水己");
    all
}

/// The texts of all pages of a list.
fn walked(official: &Official, query: &str, limit: usize) -> Vec<String> {
    let (mut texts, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = official.get(&format!("tickets?{query}&limit={limit}{cursor}")).expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        texts.extend(items.iter().map(|line| line["title"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { return texts };
        assert_eq!(items.len(), limit, "a page that is not the last is full");
        cursor = format!("&cursor={next}");
    }
    panic!("the cursors lead round in a circle: {texts:?}");
}

fn a_filter_and_an_order_by_what_presses(engine: Engine) {
    let server = Server::start_for_days(engine);
    filled(&server);
    let urgent = ["积水甲", "积水乙", "积水丙", "积水己", "坑洞戊"];
    let dispatcher = server.official("dispatcher");
    for limit in [1, 2, 3, 50] {
        assert_eq!(walked(&dispatcher, "sort=urgency", limit), urgent, "{limit} on a page");
        assert_eq!(walked(&dispatcher, "sort=urgency&pressure=overdue", limit), urgent[..2]);
        assert_eq!(walked(&dispatcher, "pressure=overdue", limit), ["积水乙", "积水甲"], "newest first");
        assert_eq!(walked(&dispatcher, "pressure=due_soon", limit), ["积水丙"]);
        assert_eq!(walked(&dispatcher, "pressure=normal", limit), ["积水己", "坑洞戊"]);
        assert_eq!(walked(&dispatcher, "sort=newest", limit).len(), 6);
    }
    let page = dispatcher.get("tickets?sort=urgency").expect(200);
    let pressures: Vec<_> = page["items"].as_array().unwrap().iter().map(|line| &line["pressure"]).collect();
    assert_eq!(json!(pressures), json!(["overdue", "overdue", "due_soon", "normal", "normal"]));
    let states = ["street", "community", "grid1"];
    for login in states {
        assert_eq!(walked(&server.official(login), "sort=urgency&state=received", 2), urgent[..4], "{login}");
    }
    assert_eq!(walked(&server.official("shizheng"), "sort=urgency", 1), ["坑洞戊"]);
}

fn a_cursor_belongs_to_its_order(engine: Engine) {
    let server = Server::start_for_days(engine);
    filled(&server);
    let dispatcher = server.official("dispatcher");
    let next = |query: &str| {
        let page = dispatcher.get(&format!("tickets?{query}limit=2")).expect(200);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let (newest, urgency) = (next(""), next("sort=urgency&"));
    assert!(urgency.contains('.') && !newest.contains('.'), "{urgency} {newest}");
    for query in [
        format!("sort=urgency&cursor={newest}"),
        format!("cursor={urgency}"),
        format!("sort=newest&cursor={urgency}"),
        "sort=urgency&cursor=1.".to_owned(),
        "sort=urgency&cursor=x.1".to_owned(),
        "sort=urgency&cursor=9999999999999999999.1".to_owned(),
        "sort=oldest".to_owned(),
        "pressure=high".to_owned(),
    ] {
        let reply = dispatcher.get(&format!("tickets?{query}"));
        // What is well formed but of another order is refused by a rule; the rest cannot be read at all.
        let of_other_order = reply.status == 422;
        let (status, code) = if of_other_order { (422, "refused_by_rule") } else { (400, "invalid_query") };
        reply.problem(status, code);
    }
}

/// The pages with all that does not depend on the keys of a database.
fn pages(engine: Engine) -> Value {
    let server = Server::start_for_days(engine);
    let keys = filled(&server);
    let dispatcher = server.official("dispatcher");
    let mut all = Vec::new();
    for query in ["sort=urgency", "sort=newest", "pressure=overdue", "pressure=normal&sort=urgency"] {
        let page = dispatcher.get(&format!("tickets?{query}&limit=3")).expect(200);
        for line in page["items"].as_array().unwrap() {
            let mut line = line.clone();
            let number = keys.iter().position(|(key, _)| line["id"] == json!(key)).unwrap();
            line["id"] = json!(number);
            line["number"] = Value::Null;
            all.push(line);
        }
        all.push(json!(page["next_cursor"].is_string()));
    }
    json!(all)
}

#[test]
fn both_engines_give_the_same_pages() {
    assert_eq!(pages(Engine::Sqlite), pages(Engine::Postgres));
}
