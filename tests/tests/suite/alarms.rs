//! What the clocks call for is written down once: level by level, also after hours of nobody looking, also by
//! several servers at once.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Server, both};

use crate::common::{CENTRE, COMMUNITY, STREET, clock, handled_by, reported, verbs};

both!(
    time_that_presses_is_told_level_by_level,
    hours_of_nobody_looking_are_caught_up_without_a_flood,
    a_clock_that_ended_in_time_is_not_told,
    a_late_handler_is_told_with_the_unit_above,
    two_servers_write_each_line_once
);

/// When the lines of a history were written, with their commands.
fn lines(ticket: &Value) -> Vec<(&str, &str)> {
    let all = ticket["events"].as_array().unwrap();
    all.iter().map(|line| (line["action"].as_str().unwrap(), line["at"].as_str().unwrap())).collect()
}

fn time_that_presses_is_told_level_by_level(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (_, _, ticket) = reported(&server, "路面积水");
    let dispatcher = server.official("dispatcher");
    let seen = dispatcher.ticket(ticket);
    let grid = seen["located"]["grid"]["code"].as_str().unwrap().to_owned();
    assert_eq!(clock(&seen, "accept")["due_at"], "2026-03-04T11:30:00.000+08:00", "two working hours");
    server.advance_seconds(5399);
    assert_eq!(server.ring(), 0);
    // Three quarters of the time have passed, then all of it, then a working day more, and another.
    for (at, told) in [
        ("2026-03-04T11:00:00.000+08:00", 1),
        ("2026-03-04T11:29:59.000+08:00", 0),
        ("2026-03-04T11:30:00.000+08:00", 1),
        ("2026-03-05T11:29:59.000+08:00", 0),
        ("2026-03-05T11:30:00.000+08:00", 1),
        ("2026-03-06T11:30:00.000+08:00", 1),
        ("2026-03-10T11:30:00.000+08:00", 0),
    ] {
        server.advance_to(&json!(at));
        assert_eq!(server.ring(), told, "at {at}");
        assert_eq!(server.ring(), 0, "at {at}, once more");
    }
    assert_eq!(server.told(&grid, ticket), ["open", "warn", "breach", "breach", "breach"]);
    for unit in [COMMUNITY, STREET, CENTRE] {
        assert_eq!(server.told(unit, ticket), ["breach"], "{unit}");
    }
    let seen = dispatcher.ticket(ticket);
    assert_eq!(
        (&seen["course"]["breaches"], &seen["course"]["raised_to"]["code"]),
        (&json!(3), &json!(CENTRE))
    );
    assert_eq!(clock(&seen, "accept")["pressure"], "overdue");
    let facts: Vec<_> = seen["events"].as_array().unwrap().iter().map(|line| &line["facts"]).collect();
    let unit = |code: &str| json!(server.unit(code).to_string());
    assert_eq!((&facts[2]["late_unit"], &facts[2]["raised_to"]), (&unit(&grid), &unit(COMMUNITY)));
    assert_eq!((&facts[4]["raised_to"], &facts[4]["breach"]), (&unit(CENTRE), &json!("3")));
    assert!(server.verify().breaks.is_empty());
}

fn hours_of_nobody_looking_are_caught_up_without_a_flood(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (_, _, late) = reported(&server, "路面积水");
    server.advance_seconds(2 * 86_400 + 1800);
    let (_, _, soon) = reported(&server, "路灯不亮");
    // 10:00 on Friday: the first was due on Wednesday at 11:30. At 11:35 the second one is due soon.
    server.advance_to(&json!("2026-03-06T11:35:00.000+08:00"));
    assert_eq!(server.ring(), 4);
    assert_eq!(server.ring(), 0);
    let dispatcher = server.official("dispatcher");
    let now = server.now().to_string();
    let seen = dispatcher.ticket(late);
    let all = lines(&seen);
    assert_eq!(verbs(&seen), ["open", "breach", "breach", "breach"], "no warning of what is long overdue");
    assert!(all[1..].iter().all(|(_, at)| *at == now), "nothing is dated back: {all:?}");
    let raised: Vec<_> =
        seen["events"].as_array().unwrap()[1..].iter().map(|line| &line["facts"]["raised_to"]).collect();
    assert_eq!(json!(raised), json!([COMMUNITY, STREET, CENTRE].map(|unit| server.unit(unit).to_string())));
    for unit in [COMMUNITY, STREET, CENTRE] {
        assert_eq!(server.told(unit, late), ["breach"], "{unit}");
    }
    assert_eq!(verbs(&dispatcher.ticket(soon)), ["open", "warn"]);
    assert!(server.verify().breaks.is_empty());
}

fn a_clock_that_ended_in_time_is_not_told(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (_, _, ticket) = reported(&server, "路面坑洞");
    let grid1 = server.official("grid1");
    server.advance_seconds(3600);
    grid1.claim_and_file(ticket, "P0201");
    let shizheng = server.official("shizheng");
    shizheng.command(ticket, "accept", json!({}));
    // The clocks of the pool, of the check on the spot and of the signature are over, each within its time.
    server.advance_to(&json!("2026-03-05T17:00:00.000+08:00"));
    assert_eq!(server.ring(), 0);
    assert_eq!(shizheng.ticket(ticket)["course"]["breaches"], 0);
    server.advance_to(&json!("2026-03-09T10:30:00.000+08:00"));
    assert_eq!(server.ring(), 1, "that of the work is");
}

fn a_late_handler_is_told_with_the_unit_above(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [chengguan, squad] = ["chengguan", "squad"].map(|login| server.official(login));
    let (_, _, ticket) = handled_by(&server, &chengguan, "P0305");
    chengguan.command(ticket, "delegate", json!({ "to": server.unit("D0101") }));
    let due = squad.command(ticket, "accept", json!({}))["due_at"].clone();
    assert_eq!(due, "2026-03-06T09:30:00.000+08:00");
    server.advance_to(&json!("2026-03-05T17:59:00.000+08:00"));
    assert_eq!(server.ring(), 1);
    server.advance_to(&due);
    assert_eq!(server.ring(), 1);
    assert_eq!(server.told("D0101", ticket), ["delegate", "warn", "breach"]);
    assert_eq!(server.told("D01", ticket), ["file", "breach"]);
    let seen = squad.ticket(ticket);
    assert_eq!((&seen["overdue"], &clock(&seen, "handle")["pressure"]), (&json!(true), &json!("overdue")));
    // More time takes the pressure off, and a new end can be passed anew.
    let more = json!({ "limit": { "amount": 1, "unit": "working_days" }, "reason": "缺吊车" });
    squad.command(ticket, "ask-extension", more);
    let granted = server.chief().command(ticket, "grant", json!({ "words": "同意" }));
    assert_eq!(
        (&granted["overdue"], &granted["due_at"]),
        (&json!(false), &json!("2026-03-09T09:30:00.000+08:00"))
    );
    assert_eq!(server.ring(), 0);
    server.advance_to(&granted["due_at"]);
    assert_eq!(server.ring(), 1);
    assert_eq!(verbs(&squad.ticket(ticket)).last(), Some(&"breach"));
    assert_eq!(
        server.told(CENTRE, ticket).last(),
        Some(&"breach"),
        "what D01 was told once goes one level up"
    );
}

fn two_servers_write_each_line_once(engine: Engine) {
    const TICKETS: usize = 60;
    let first = Server::start_for_days(engine);
    let second = first.twin();
    let resident = first.resident();
    let send = |number: usize| resident.report(&format!("第 {number} 处积水"))["ticket_id"].as_i64().unwrap();
    let tickets: Vec<i64> = (0..TICKETS).map(send).collect();
    let dispatcher = first.official("dispatcher");
    for (hours, lines) in [(2, 1), (24, 2)] {
        first.advance_seconds(hours * 3600);
        let start = Barrier::new(2);
        let written: usize = thread::scope(|scope| {
            let ring = |server: &'static str| {
                let (start, server) = (&start, if server == "first" { &first } else { &second });
                scope.spawn(move || {
                    start.wait();
                    server.ring()
                })
            };
            ["first", "second"].map(ring).into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(written, TICKETS, "each ticket has one line more, whoever wrote it");
        for ticket in &tickets {
            let seen = dispatcher.ticket(*ticket);
            assert_eq!(verbs(&seen)[1..].len(), lines, "{ticket}: {:?}", verbs(&seen));
            assert!(verbs(&seen)[1..].iter().all(|verb| *verb == "breach"));
        }
    }
    let told = first.told(COMMUNITY, tickets[0]);
    assert_eq!((told, first.told(STREET, tickets[0])), (vec!["breach"], vec!["breach"]));
    assert!(first.verify().breaks.is_empty());
    assert_eq!(second.rows(), first.rows());
}
