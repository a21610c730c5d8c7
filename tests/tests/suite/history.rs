//! The history is append-only, and what is altered behind the server's back is found.

use serde_json::json;
use suishoupai_tests::{Engine, Server, both};

both!(
    the_database_refuses_to_alter_history,
    an_altered_line_is_named,
    an_altered_ticket_is_named,
    an_altered_report_is_named
);

/// A server with two tickets of two lines each, and their keys.
fn with_history(engine: Engine) -> (Server, [i64; 2]) {
    let server = Server::start(engine);
    let resident = server.resident();
    let grid1 = server.official("grid1");
    let tickets = ["路灯不亮", "井盖响"].map(|text| resident.report(text)["ticket_id"].as_i64().unwrap());
    for ticket in tickets {
        grid1.command(ticket, "claim", json!({}));
    }
    let seen = server.verify();
    assert_eq!((seen.tickets, seen.events, seen.breaks.len()), (2, 4, 0));
    (server, tickets)
}

fn the_database_refuses_to_alter_history(engine: Engine) {
    let (server, [ticket, _]) = with_history(engine);
    for sql in [
        format!("UPDATE events SET content = '{{}}' WHERE ticket_id = {ticket}"),
        format!("DELETE FROM events WHERE ticket_id = {ticket}"),
        "DELETE FROM events".to_owned(),
    ] {
        let refused = server.execute(&sql).unwrap_err();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    assert!(server.verify().breaks.is_empty());
}

/// Takes off what protects the history, as somebody who owns the database can.
fn unprotect(server: &Server, engine: Engine) {
    let sql = match engine {
        Engine::Sqlite => "DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete",
        Engine::Postgres => "DROP TRIGGER events_append_only ON events",
    };
    server.execute(sql).unwrap();
}

fn an_altered_line_is_named(engine: Engine) {
    let (server, [first, second]) = with_history(engine);
    unprotect(&server, engine);
    let alter = "UPDATE events SET content = replace(content, 'claim', 'close')";
    server.execute(&format!("{alter} WHERE ticket_id = {second} AND seq = 2")).unwrap();
    let seen = server.verify();
    assert_eq!(seen.breaks.len(), 1, "{seen:?}");
    assert_eq!((seen.breaks[0].ticket, seen.breaks[0].seq), (second, 2));
    server.execute(&format!("DELETE FROM events WHERE ticket_id = {first} AND seq = 2")).unwrap();
    let broken: Vec<i64> = server.verify().breaks.iter().map(|found| found.ticket).collect();
    assert_eq!(broken, [first, second]);
}

fn an_altered_ticket_is_named(engine: Engine) {
    let (server, [first, _]) = with_history(engine);
    server.execute(&format!("UPDATE tickets SET state = 'closed' WHERE id = {first}")).unwrap();
    let seen = server.verify();
    assert_eq!(seen.breaks.iter().map(|found| found.ticket).collect::<Vec<_>>(), [first], "{seen:?}");
}

fn an_altered_report_is_named(engine: Engine) {
    let (server, [_, second]) = with_history(engine);
    server.execute(&format!("UPDATE reports SET text = '没事' WHERE ticket_id = {second}")).unwrap();
    let seen = server.verify();
    assert_eq!(seen.breaks.iter().map(|found| found.ticket).collect::<Vec<_>>(), [second], "{seen:?}");
}
