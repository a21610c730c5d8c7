//! Changes are told as they happen, to those who may see them, and whoever was away misses none.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use serde_json::json;
use suishoupai_storage::db::schema::events;
use suishoupai_tests::{Engine, EventStream, Server, both};

use crate::common::eventually;
use crate::fan_out::listening;

both!(
    officials_are_told_of_what_they_see,
    whoever_comes_back_misses_nothing,
    a_reporter_is_told_of_the_own_report,
    streams_are_bounded_and_end,
    nothing_is_missed_where_many_write,
    another_process_tells_too
);

/// What is waited for at the most.
const SOON: Duration = Duration::from_secs(20);

fn verbs(stream: &mut EventStream, count: usize) -> Vec<(i64, String)> {
    let told = stream.changes(count);
    let read = |event: &suishoupai_tests::StreamEvent| {
        (event.data["ticket"].as_i64().unwrap(), event.data["verb"].as_str().unwrap().to_owned())
    };
    told.iter().map(read).collect()
}

fn officials_are_told_of_what_they_see(engine: Engine) {
    let server = Server::start(engine);
    let (worker, centre) = (server.official("grid1"), server.official("dispatcher"));
    let (mut own, _) = EventStream::ready(&worker, "events", None);
    let (mut all, _) = EventStream::ready(&centre, "events", None);
    let grid = server.grid_of_the_point();
    let (mut of_grid, _) = EventStream::ready(&centre, &format!("events?unit={grid}"), None);

    let resident = server.resident();
    let elsewhere = resident.report_at("别处的问题", server.place_in("350203001004"));
    let here = resident.report("路灯不亮");
    let ticket = |report: &serde_json::Value| {
        let id = report["id"].as_i64().unwrap();
        server.read(move |conn| {
            use suishoupai_storage::db::schema::reports;
            Ok(reports::table.find(id).select(reports::ticket_id).first::<i64>(conn)?)
        })
    };
    let (away, near) = (ticket(&elsewhere), ticket(&here));
    worker.command(near, "claim", json!({}));
    let expected = vec![(near, "open".to_owned()), (near, "claim".to_owned())];
    assert_eq!(verbs(&mut own, 2), expected);
    assert_eq!(verbs(&mut of_grid, 2), expected);
    let mut whole = vec![(away, "open".to_owned())];
    whole.extend(expected);
    assert_eq!(verbs(&mut all, 3), whole);

    // Another unit's, and nobody's who works on no tickets.
    let street = server.unit("350203003000");
    let refused = EventStream::open(&worker, &format!("events?unit={street}"), None).unwrap_err();
    refused.problem(404, "unit_not_found");
    EventStream::open(&resident, "events", None).unwrap_err().problem(403, "forbidden");
    EventStream::open(&server.nobody(), "events", None).unwrap_err().problem(401, "unauthenticated");
}

fn whoever_comes_back_misses_nothing(engine: Engine) {
    let server = Server::start(engine);
    let (centre, resident) = (server.official("dispatcher"), server.resident());
    let (mut stream, begin) = EventStream::ready(&centre, "events", None);
    resident.report("第一件");
    let first = stream.changes(1).remove(0);
    drop(stream);
    // More than are read together.
    for number in 0..130 {
        resident.report(&format!("第 {number} 件"));
    }
    let (mut back, place) = EventStream::ready(&centre, "events", Some(&first.id));
    assert_eq!(place, first.id);
    let missed = back.changes(130);
    let places: BTreeSet<_> = missed.iter().map(|event| event.data["ticket"].as_i64()).collect();
    assert_eq!(places.len(), 130);
    assert!(!places.contains(&first.data["ticket"].as_i64()));
    resident.report("又一件");
    let next = back.changes(1).remove(0);
    assert!(!places.contains(&next.data["ticket"].as_i64()));
    let (mut whole, _) = EventStream::ready(&centre, "events", Some(&begin));
    assert_eq!(whole.changes(132).last().unwrap().id, next.id);

    // What was swept is not known any more, nor is what never was.
    server.execute("DELETE FROM ticket_changes WHERE id < (SELECT max(id) FROM ticket_changes)").unwrap();
    for unknown in [first.id.as_str(), "0.0", "99999999999999.1"] {
        let mut stream = EventStream::open(&centre, "events", Some(unknown)).unwrap();
        let told = stream.next().unwrap();
        assert_eq!((told.event.as_str(), &told.id), ("reset", &next.id), "{unknown}");
    }
    let bad = EventStream::open(&centre, "events", Some("yesterday")).unwrap_err();
    bad.problem(400, "invalid_header");
}

fn a_reporter_is_told_of_the_own_report(engine: Engine) {
    let server = Server::start(engine);
    let (one, other) = (server.resident(), server.resident());
    let report = one.report("路灯不亮");
    let path = format!("reports/{}/events", report["id"]);
    EventStream::open(&other, &path, None).unwrap_err().problem(404, "report_not_found");
    let (mut stream, _) = EventStream::ready(&one, &path, None);
    other.report("别人的事");
    one.say(&report, "supplements", &json!({ "words": "在路口" })).expect(200);
    let mut told = stream.changes(1).remove(0);
    if engine == Engine::Postgres && told.data["verb"] == "open" {
        // On PostgreSQL a stream begins before whatever a transaction that is still running might precede, and other
        // tests have transactions of their own: it may begin with what was just before it, but with nothing else.
        told = stream.changes(1).remove(0);
    }
    assert_eq!(told.data["report"], report["id"]);
    assert_eq!(told.data["verb"], "supplement");
    assert_eq!(told.data["version"], 2);
    assert!(told.data["ticket"].is_null(), "{}", told.data);
}

fn streams_are_bounded_and_end(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.live.per_account = 2;
        config.live.connections = 3;
        config.live.heartbeat_seconds = 1;
    });
    let (centre, worker) = (server.official("dispatcher"), server.official("grid1"));
    let first = EventStream::ready(&centre, "events", None).0;
    let mut second = EventStream::ready(&centre, "events", None).0;
    let refused = EventStream::open(&centre, "events", None).unwrap_err();
    assert_eq!(refused.header("retry-after"), "10");
    refused.problem(429, "too_many_requests");
    let _third = EventStream::ready(&worker, "events", None).0;
    EventStream::open(&worker, "events", None).unwrap_err().problem(429, "too_many_requests");
    // A place is free again once the server has seen that somebody is gone.
    drop(first);
    eventually("a place is free", SOON, || EventStream::open(&centre, "events", None).is_ok());

    // A new password ends streams too.
    let now = server.now().plus_seconds(60);
    let end = move |conn: &mut suishoupai_storage::db::Conn| {
        suishoupai_storage::db::accounts::set_password(conn, "dispatcher", "", now)
    };
    assert!(suishoupai_tests::wait_for(server.services().db.write(end)).unwrap());
    assert_eq!(second.next(), None);
}

fn nothing_is_missed_where_many_write(engine: Engine) {
    let server = Server::start(engine);
    let centre = server.official("dispatcher");
    let (mut stream, begin) = EventStream::ready(&centre, "events", None);
    let residents: Vec<_> = (0..4).map(|_| server.resident()).collect();
    let count = 15;
    std::thread::scope(|scope| {
        for resident in &residents {
            scope.spawn(move || {
                for number in 0..count {
                    let report = resident.report(&format!("第 {number} 件"));
                    resident.say(&report, "supplements", &json!({ "words": "补充" })).expect(200);
                }
            });
        }
        let all = residents.len() * count * 2;
        let mut told = BTreeSet::new();
        for event in stream.changes(all) {
            let line = (event.data["ticket"].as_i64().unwrap(), event.data["seq"].as_i64().unwrap());
            assert!(line.1 == 1 || told.contains(&(line.0, line.1 - 1)), "in the order of each history");
            assert!(told.insert(line), "{line:?} was told twice");
        }
        let lines: BTreeSet<(i64, i64)> = server
            .read(|conn| {
                Ok(events::table.select((events::ticket_id, events::seq)).load::<(i64, i64)>(conn)?)
            })
            .into_iter()
            .collect();
        assert_eq!(told, lines);
    });
    let (mut again, _) = EventStream::ready(&centre, "events", Some(&begin));
    assert_eq!(again.changes(residents.len() * count * 2).len(), 120);
}

fn another_process_tells_too(engine: Engine) {
    let first = Server::start_with(engine, |config| {
        // On SQLite there is nobody to tell, so it looks.
        let url = config.data.database_url.as_ref().map_or("", |url| url.expose());
        config.live.poll_milliseconds = if url.starts_with("sqlite") { 100 } else { 60_000 };
    });
    let second = first.twin();
    if engine == Engine::Postgres {
        listening(&first, 2);
    }
    let (mut stream, _) = EventStream::ready(&second.official("dispatcher"), "events", None);
    for number in 0..3 {
        let sent = first.resident().report(&format!("第 {number} 件"));
        assert!(sent["id"].is_i64());
        stream.changes(1);
    }
}
