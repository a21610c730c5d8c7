//! Lists of supervision orders: by what presses, by state and unit, page by page, alike on both engines.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Server, both};

use crate::common::{COMMUNITY, STREET, whole};
use crate::supervision::{done, in_days, issued, order_for, seen, try_to, words};

both!(a_deadline_presses_until_there_is_a_reply, every_page_once_and_in_order, a_cursor_belongs_to_its_order);

fn pressure(who: &Official, order: i64) -> Value {
    seen(who, order)["pressure"].clone()
}

fn a_deadline_presses_until_there_is_a_reply(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [chief, shizheng] = ["chief", "shizheng"].map(|login| server.official(login));
    let [timely, late, owed] = [(); 3].map(|()| issued(&server, "D03"));
    let due = seen(&chief, timely)["due_at"].clone();
    assert_eq!(pressure(&chief, owed), "normal");
    server.advance_seconds(3 * 86_400);
    assert_eq!(pressure(&chief, owed), "due_soon", "three quarters of the time have passed");
    assert_eq!(done(&shizheng, timely, "reply", words())["pressure"], "normal");
    server.advance_to(&due);
    assert_eq!(pressure(&chief, owed), "overdue");
    assert_eq!(done(&shizheng, late, "reply", words())["pressure"], "overdue", "a late reply stays late");
    let keys = |query: &str| walked(&chief, query, 50);
    assert_eq!(keys("pressure=overdue"), [owed, late]);
    assert_eq!(keys("sort=urgency"), [late, owed]);
    assert_eq!(keys("pressure=normal"), Vec::<i64>::new());
    assert_eq!(keys("state=replied"), [late, timely]);
    done(&chief, late, "accept", json!({}));
    assert_eq!(keys("pressure=overdue"), [owed]);
    let past = json!({ "reason": "x", "due_at": due });
    try_to(&chief, late, "reopen", past).problem(422, "refused_by_rule");
    let again = json!({ "reason": "反弹", "due_at": in_days(&server, 8) });
    assert_eq!(done(&chief, late, "reopen", again)["pressure"], "normal");
    assert_eq!(keys("pressure=normal"), [late]);
}

/// The keys on all pages of a list.
fn walked(who: &Official, query: &str, limit: usize) -> Vec<i64> {
    let (mut keys, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = who.get(&format!("supervision-orders?{query}&limit={limit}{cursor}")).expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        keys.extend(items.iter().map(|line| whole(&line["id"])));
        let Some(next) = page["next_cursor"].as_str() else { return keys };
        assert_eq!(items.len(), limit, "a page that is not the last is full");
        cursor = format!("&cursor={next}");
    }
    panic!("the cursors lead round in a circle: {keys:?}");
}

/// Orders for several units with several deadlines, two of them the same: for D03 in 5 and 3 days, for its street in
/// 3 and for a community of that in 1.
fn filled(server: &Server) -> [i64; 4] {
    let dispatcher = server.official("dispatcher");
    [("D03", 5), ("D03", 3), (STREET, 3), (COMMUNITY, 1)].map(|(unit, days)| {
        let mut body = order_for(server, unit);
        body["due_at"] = in_days(server, days);
        whole(&dispatcher.post("supervision-orders", &body).expect(201)["id"])
    })
}

fn every_page_once_and_in_order(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [a, b, c, d] = filled(&server);
    let [dispatcher, shizheng, street, community] =
        ["dispatcher", "shizheng", "street", "community"].map(|login| server.official(login));
    done(&community, d, "reply", words());
    for limit in [1, 2, 3, 50] {
        assert_eq!(walked(&dispatcher, "sort=newest", limit), [d, c, b, a], "{limit} on a page");
        assert_eq!(
            walked(&dispatcher, "sort=urgency", limit),
            [b, c, a],
            "what was replied to does not press"
        );
        assert_eq!(walked(&dispatcher, "state=issued", limit), [c, b, a]);
        assert_eq!(walked(&shizheng, "sort=urgency", limit), [b, a]);
        assert_eq!(walked(&street, "", limit), [d, c], "a street sees what is for its communities");
        assert_eq!(walked(&community, "", limit), [d]);
    }
    let of = |code: &str| format!("unit={}", server.unit(code));
    assert_eq!(walked(&dispatcher, &of("D03"), 1), [b, a]);
    assert_eq!(walked(&dispatcher, &of(STREET), 1), [d, c]);
    assert_eq!(walked(&dispatcher, &format!("{}&state=replied", of(STREET)), 1), [d]);
    assert_eq!(walked(&street, &of(COMMUNITY), 1), [d]);
    community.get(&format!("supervision-orders?{}", of(STREET))).problem(404, "unit_not_found");
}

fn a_cursor_belongs_to_its_order(engine: Engine) {
    let server = Server::start(engine);
    filled(&server);
    let chief = server.official("chief");
    let next = |query: &str| {
        let page = chief.get(&format!("supervision-orders?{query}limit=2")).expect(200);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let (newest, urgency) = (next(""), next("sort=urgency&"));
    for query in [format!("sort=urgency&cursor={newest}"), format!("cursor={urgency}")] {
        chief.get(&format!("supervision-orders?{query}")).problem(422, "refused_by_rule");
    }
    for query in ["cursor=1.", "cursor=x.1", "cursor=0", "sort=oldest", "state=open", "limit=101", "page=2"] {
        chief.get(&format!("supervision-orders?{query}")).problem(400, "invalid_query");
    }
}

/// The pages with all that does not depend on the keys of a database.
fn pages(engine: Engine) -> Value {
    let server = Server::start_for_days(engine);
    let keys = filled(&server);
    let chief = server.official("chief");
    let mut all = Vec::new();
    for query in ["sort=urgency", "sort=newest", "pressure=normal&sort=urgency"] {
        let page = chief.get(&format!("supervision-orders?{query}&limit=3")).expect(200);
        for line in page["items"].as_array().unwrap() {
            let mut line = line.clone();
            line["id"] = json!(keys.iter().position(|key| line["id"] == json!(key)).unwrap());
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
