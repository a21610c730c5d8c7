//! Reports are found by words in them.

use serde_json::Value;
use suishoupai_tests::{Caller, Engine, Server, both};

use crate::common::{COMMUNITY, reported};

both!(words_are_found_with_filters, pages_follow_each_other, texts_of_before_are_looked_at);

fn titles(found: &Value) -> Vec<String> {
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

fn words_are_found_with_filters(engine: Engine) {
    let server = Server::start(engine);
    let (centre, grid1) = (server.official("dispatcher"), server.official("grid1"));
    let seek = |who: &Caller, query: &str| who.get(&format!("tickets?{query}"));
    let (_, _, lamp) = reported(&server, "学校门口路灯不亮");
    reported(&server, "路边的灯不错，亮");
    reported(&server, "垃圾堆在路灯旁，车牌闽DＡ123");
    let away = server.resident().report_at("别处的路灯", server.place_in("350203001004"));
    assert!(away["id"].is_i64());
    grid1.claim_and_file(lamp, "E0101");

    assert_eq!(titles(&seek(&centre, "q=路灯").expect(200)).len(), 3);
    // All pairs are in the second one, but not one after the other.
    assert_eq!(titles(&seek(&centre, "q=路灯不亮").expect(200)), ["学校门口路灯不亮"]);
    assert_eq!(titles(&seek(&centre, "q=路灯 垃圾").expect(200)), ["垃圾堆在路灯旁，车牌闽DＡ123"]);
    assert_eq!(titles(&seek(&centre, "q=da123").expect(200)).len(), 1);
    assert_eq!(titles(&seek(&centre, "q=路灯&category=E0101").expect(200)), ["学校门口路灯不亮"]);
    assert_eq!(titles(&seek(&centre, "q=路灯&state=received").expect(200)).len(), 2);
    assert_eq!(
        titles(&seek(&centre, &format!("q=路灯&unit={}", server.unit(COMMUNITY))).expect(200)).len(),
        2
    );
    assert_eq!(titles(&seek(&grid1, "q=路灯").expect(200)).len(), 2, "of the own grid");
    assert_eq!(titles(&seek(&centre, "q=没有这样的事").expect(200)), Vec::<String>::new());
    // What a search engine would take for its own language is only a text.
    for odd in ["q=路灯\" OR \"垃圾", "q='; DROP TABLE tickets; --xx", "q=路灯*%25_", "q=NEAR(路灯)"]
    {
        let found = seek(&centre, odd);
        assert_eq!(found.status, 200, "{odd}: {}", found.text());
    }
    seek(&centre, "q=灯").problem(422, "refused_by_rule");
    seek(&centre, "q=。。").problem(422, "refused_by_rule");
    seek(&centre, "q=路灯&sort=urgency").problem(422, "refused_by_rule");
    seek(&centre, "q=路灯&pressure=overdue").problem(422, "refused_by_rule");

    // A department finds what it has orders for.
    let lead = grid1.ticket(lamp)["orders"][0]["unit"]["code"].as_str().unwrap_or_default().to_owned();
    if lead.starts_with('D') {
        let officer = server.officer(suishoupai_core::flow::Role::DepartmentOfficer, &lead);
        assert_eq!(titles(&seek(&officer, "q=路灯").expect(200)), ["学校门口路灯不亮"]);
    }
    // A sensitive one is found by those who see it.
    let (_, _, secret) = reported(&server, "家庭纠纷求助");
    grid1.claim_and_file(secret, "E0606");
    let observer = server.official("observer");
    let listed = titles(&observer.get("tickets").expect(200));
    let found = titles(&seek(&observer, "q=家庭纠纷").expect(200));
    assert_eq!(found.is_empty(), !listed.contains(&"家庭纠纷求助".to_owned()), "{listed:?}");
}

fn pages_follow_each_other(engine: Engine) {
    let server = Server::start(engine);
    let (centre, resident) = (server.official("dispatcher"), server.resident());
    for number in 0..25 {
        resident.report(&format!("路灯 {number} 号不亮"));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = centre.get(&format!("tickets?q=路灯&limit=10{cursor}")).expect(200);
        seen.extend(titles(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..25).rev().map(|number| format!("路灯 {number} 号不亮")).collect();
    assert_eq!(seen, expected);
}

fn texts_of_before_are_looked_at(engine: Engine) {
    let server = Server::start(engine);
    let (centre, resident) = (server.official("dispatcher"), server.resident());
    for number in 0..3 {
        resident.report(&format!("旧报 {number} 路灯"));
    }
    let all = match engine {
        Engine::Sqlite => "INSERT INTO ticket_texts (ticket_texts) VALUES ('delete-all')",
        Engine::Postgres => "DELETE FROM ticket_texts",
    };
    server.execute(all).unwrap();
    assert_eq!(titles(&centre.get("tickets?q=路灯").expect(200)).len(), 0);
    server.look_at_old_texts();
    server.drain();
    assert_eq!(titles(&centre.get("tickets?q=路灯").expect(200)).len(), 3);
}
