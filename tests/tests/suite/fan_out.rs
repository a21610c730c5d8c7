//! What is changed at one process is soon known at all.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_storage::db::news::LISTENER;
use suishoupai_tests::{Caller, Engine, Official, Server, both};

use crate::common::eventually;

both!(changes_are_found_by_looking, what_is_read_from_the_database_is_known_at_once);

/// The promise is 2 seconds; a busy machine may take longer, and the test still tells it from a minute.
const SOON: Duration = Duration::from_secs(20);

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many connections listen.
fn listeners(server: &Server) -> i64 {
    let sql = format!(
        "SELECT count(*) AS count FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = '{LISTENER}'"
    );
    server.read(move |conn| Ok(diesel::sql_query(sql).get_result::<Count>(conn)?.count))
}

/// Waits until so many servers listen.
pub(crate) fn listening(server: &Server, count: i64) {
    eventually("the servers listen", SOON, || listeners(server) == count);
}

/// Makes a holiday of a day.
fn holiday(admin: &Official, day: u32) {
    let path = format!("admin/calendar/days/2026-04-{day:02}");
    let body = json!({ "name": "停工日", "is_off_day": true });
    Caller::send(admin.request(Method::PUT, &path).json(&body)).expect(200);
}

fn revisions(servers: [&Server; 2]) -> [i64; 2] {
    servers.map(|server| server.services().registry().revision)
}

/// Changes something at one server until the other one has it, several times.
fn changes_arrive(first: &Server, second: &Server, days: std::ops::Range<u32>) {
    let admin = first.official("admin");
    for day in days {
        let before = revisions([first, second])[0];
        holiday(&admin, day);
        let changed = revisions([first, second])[0];
        assert!(changed > before, "the change holds at once where it was made");
        eventually("the other one has it", SOON, || revisions([first, second])[1] == changed);
    }
}

#[test]
fn a_change_is_told_to_the_other_servers() {
    // Both look once in a minute by themselves.
    let first = Server::start(Engine::Postgres);
    let second = first.twin();
    listening(&first, 2);
    changes_arrive(&first, &second, 1..6);
    changes_arrive(&second, &first, 6..11);
}

#[test]
fn a_lost_connection_is_made_anew_and_what_was_missed_is_looked_for() {
    let first = Server::start(Engine::Postgres);
    let second = first.twin();
    for round in 0..3 {
        listening(&first, 2);
        let kill = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = '{LISTENER}'"
        );
        first.execute(&kill).unwrap();
        changes_arrive(&first, &second, 1 + 3 * round..4 + 3 * round);
    }
}

fn changes_are_found_by_looking(engine: Engine) {
    let first = Server::start_with(engine, |config| config.jobs.poll_milliseconds = 50);
    let second = first.twin();
    changes_arrive(&first, &second, 1..4);
    changes_arrive(&second, &first, 4..7);
}

fn what_is_read_from_the_database_is_known_at_once(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    let admin = first.official("admin");
    let body = json!({ "title": "井盖", "action": "finish", "categories": "P0101", "text": "井盖已复位" });
    let made = admin.post("admin/standard-texts", &body).expect(201);
    let there = second.official("shizheng");
    let titles = |reply: Value| reply["items"].as_array().unwrap().len();
    assert_eq!(titles(there.get("standard-texts").expect(200)), 1);
    let path = format!("admin/standard-texts/{}", made["id"]);
    assert_eq!(Caller::send(admin.request(Method::DELETE, &path)).status, 204);
    assert_eq!(titles(there.get("standard-texts").expect(200)), 0);

    // A new password ends what was signed in before, at every server.
    second.advance_seconds(60);
    let now = second.now();
    let end = move |conn: &mut suishoupai_storage::db::Conn| {
        suishoupai_storage::db::accounts::set_password(conn, "shizheng", "", now)
    };
    let ended = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(ended.block_on(first.services().db.write(end)).unwrap());
    there.get("standard-texts").problem(401, "token_invalid");
}
