//! The audit trail: what is written into it, who reads it, and that nobody alters it.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_api::config::{Config, Secret};
use suishoupai_api::demo::PASSWORD;
use suishoupai_api::password::factor::FactorSecret;
use suishoupai_core::demo::CATEGORIES_CSV;
use suishoupai_storage::db::audit;
use suishoupai_tests::{Caller, Engine, Official, Server, both, wait_for};

use crate::common::reported;

both!(
    sign_ins_are_written_down_with_address_and_without_names,
    what_becomes_of_accounts_is_written_down,
    a_lock_has_one_line,
    only_auditors_read_it_and_they_read_nothing_else,
    what_administrators_and_the_centre_change_is_written_down,
    pages_and_filters_find_what_is_there,
    two_servers_append_to_one_chain,
    the_database_refuses_to_alter_the_trail,
    an_altered_trail_is_found,
    what_is_private_can_be_let_go_and_the_chain_holds
);

fn search(auditor: &Official, query: &str) -> Vec<Value> {
    let page = auditor.get(&format!("audit?{query}")).expect(200);
    page["items"].as_array().unwrap().clone()
}

fn wrong_password(server: &Server, name: &str) {
    let guess = json!({ "name": name, "password": "not-the-password" });
    server.nobody().post("auth/password", &guess).problem(401, "login_failed");
}

fn sign_ins_are_written_down_with_address_and_without_names(engine: Engine) {
    let server = Server::start(engine);
    let auditor = server.official("auditor");
    server.official("grid1");
    wrong_password(&server, "grid1");
    wrong_password(&server, "nobody-of-this-name");
    let resident = server.resident();
    let wrong = json!({ "phone": resident.phone, "code": "000000" });
    server.nobody().post("auth/phone", &wrong).problem(401, "code_wrong");

    let of_grid1 = search(&auditor, "login=grid1");
    let kinds: Vec<&str> = of_grid1.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["sign_in_failed", "sign_in"]);
    let account = of_grid1[1]["account_id"].to_string();
    assert_eq!(
        (&of_grid1[0]["from"], &of_grid1[0]["facts"], of_grid1[0].get("account_id")),
        (&json!("127.0.0.1"), &json!({ "means": "password", "account": account }), None)
    );
    assert_eq!((&of_grid1[1]["account_name"], &of_grid1[1]["kind_name"]), (&json!("林网格"), &json!("登录")));
    assert!(of_grid1[1]["request_id"].as_str().unwrap().len() >= 8, "{}", of_grid1[1]);
    assert_eq!(search(&auditor, "login=nobody-of-this-name").len(), 1);
    assert_eq!(search(&auditor, "kind=sign_in_failed").len(), 3);
    assert_eq!(search(&auditor, "kind=sign_in").len(), 3, "auditor, grid1 and the resident");

    let stored =
        server.read(|conn| audit::page(conn, 350_203, &audit::Filter { limit: 100, ..Default::default() }));
    for kept in &stored {
        let text = kept.line.content().unwrap();
        for personal in
            [resident.phone.as_str(), "grid1", "nobody-of-this-name", "127.0.0.1", "not-the-password"]
        {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
    }
    let seen = server.verify();
    assert_eq!((seen.audit.chains, seen.audit.lines, seen.audit.breaks.len()), (1, 6, 0));
}

fn what_becomes_of_accounts_is_written_down(engine: Engine) {
    let server = Server::start(engine);
    let (admin, auditor) = (server.official("admin"), server.official("auditor"));
    let me = admin.get("me").expect(200)["id"].clone();
    let posts = json!([{ "role": "observer", "unit_code": "350203000000" }]);
    let official = json!({ "login": "neu", "name": "新来", "posts": posts });
    let added = admin.post("admin/officials", &official).expect(201);
    let id = added["official"]["account"]["id"].as_i64().unwrap();
    let path = |what: &str| format!("admin/officials/{id}/{what}");
    Caller::send(admin.request(Method::PUT, &path("posts")).json(&json!({ "posts": posts }))).expect(200);
    for what in ["disable", "enable", "reset"] {
        assert_eq!(admin.post(&path(what), &json!({})).status / 100, 2, "{what}");
    }
    let made = search(&auditor, &format!("subject=account:{id}"));
    let told: Vec<(&str, &str)> = made
        .iter()
        .map(|line| (line["kind"].as_str().unwrap(), line["facts"]["what"].as_str().unwrap()))
        .collect();
    let expected = [
        ("password_change", "set"),
        ("account_change", "enabled"),
        ("account_change", "disabled"),
        ("role_change", "posts"),
        ("account_change", "added"),
    ];
    assert_eq!(told, expected);
    assert!(made.iter().all(|line| line["account_id"] == me && line["from"] == "127.0.0.1"), "{made:?}");

    let key = json!({ "name": "热线", "scopes": ["read"], "posts": [], "days": 1 });
    let key = admin.post("admin/service-keys", &key).expect(201)["service_key"]["id"].clone();
    let revoke = admin.request(Method::DELETE, &format!("admin/service-keys/{key}"));
    assert_eq!(Caller::send(revoke).status, 204);
    let keys = search(&auditor, "kind=account_change");
    assert_eq!(
        (&keys[0]["facts"]["what"], &keys[1]["facts"]),
        (&json!("service_key_revoked"), &json!({ "what": "service_key_made", "scopes": "read" }))
    );

    let grid1 = server.official("grid1");
    let mut proof = json!({ "name": "grid1", "password": PASSWORD });
    let setup = server.nobody().post("auth/second-factor", &proof).expect(200);
    let secret = FactorSecret::from_text(setup["secret"].as_str().unwrap()).unwrap();
    proof["code"] = json!(secret.code_at(server.now()));
    server.nobody().post("auth/second-factor/confirm", &proof).expect(200);
    assert_eq!(Caller::send(grid1.request(Method::DELETE, "me/devices")).status, 204);
    let account = search(&auditor, "login=grid1")[0]["account_id"].clone();
    let own = search(&auditor, &format!("account={account}"));
    let kinds: Vec<&str> = own.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["sign_out", "sign_in", "factor_change", "sign_in"]);
    assert!(server.verify().audit.breaks.is_empty());
}

fn a_lock_has_one_line(engine: Engine) {
    let server = Server::start(engine);
    let auditor = server.official("auditor");
    for _ in 0..10 {
        wrong_password(&server, "grid1");
    }
    let guess = json!({ "name": "grid1", "password": PASSWORD });
    for _ in 0..3 {
        server.nobody().post("auth/password", &guess).problem(429, "too_many_requests");
    }
    let lines = search(&auditor, "login=grid1");
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "sign_in_failed").count(), 10);
    assert_eq!((kinds.len(), kinds[0]), (11, "sign_in_locked"));
}

fn only_auditors_read_it_and_they_read_nothing_else(engine: Engine) {
    let server = Server::start(engine);
    for login in
        ["grid1", "street", "shizheng", "dispatcher", "chief", "head", "inspector", "observer", "admin"]
    {
        server.official(login).get("audit").problem(403, "forbidden");
    }
    server.resident().get("audit").problem(403, "forbidden");
    server.nobody().get("audit").problem(401, "unauthenticated");
    let (_, _, ticket) = reported(&server, "路灯不亮");
    let auditor = server.official("auditor");
    for path in ["tickets", "calendar", "exposures/review", &format!("tickets/{ticket}")] {
        auditor.get(path).problem(403, "forbidden");
    }
    auditor.post("admin/policies", &json!({ "policy": {} })).problem(403, "forbidden");
}

fn what_administrators_and_the_centre_change_is_written_down(engine: Engine) {
    let server = Server::start(engine);
    let (admin, auditor) = (server.official("admin"), server.official("auditor"));
    let put =
        |path: &str, body: &Value| Caller::send(admin.request(Method::PUT, path).json(body)).expect(200);
    let day = json!({ "name": "停工日", "is_off_day": true });
    put("admin/calendar/days/2026-03-05?dry_run=true", &day);
    assert!(search(&auditor, "kind=rule_change").is_empty(), "a dry run changes nothing");
    put("admin/calendar/days/2026-03-05", &day);
    admin.post("admin/policies", &json!({ "policy": {} })).expect(200);
    let rules = search(&auditor, "kind=rule_change");
    assert_eq!(rules.len(), 2);
    assert_eq!(
        (&rules[1]["subject"], &rules[1]["account_name"]),
        (&json!("calendar:2026-03-05"), &json!("刘管理"))
    );

    let span = (server.now().to_string(), server.now().plus_seconds(86_400).to_string());
    let leave =
        json!({ "login": "grid1", "substitute": "grid2", "from": span.0, "to": span.1, "reason": "年假" });
    let absence = admin.post("admin/absences", &leave).expect(201);
    let path = format!("admin/absences/{}", absence["id"]);
    assert_eq!(Caller::send(admin.request(Method::DELETE, &path)).status, 204);
    let posts = search(&auditor, &format!("subject=absence:{}", absence["id"]));
    assert_eq!(posts.len(), 2);
    assert_eq!((&posts[0]["facts"], &posts[1]["reason"]), (&json!({ "ended": "true" }), &json!("年假")));

    let renamed = CATEGORIES_CSV.replace(",路灯,", ",路灯设施,");
    admin.post_bytes("admin/imports/categories", "text/csv", renamed.as_bytes()).expect(200);
    let imported = &search(&auditor, "kind=import")[0];
    assert_eq!(
        (&imported["subject"], &imported["facts"]["changed"]),
        (&json!("import:categories"), &json!("1"))
    );

    let ((_, _, main), (_, _, other)) = (reported(&server, "井盖响"), reported(&server, "井盖响"));
    let dispatcher = server.official("dispatcher");
    dispatcher.command(other, "merge", json!({ "into": main, "reason": "同一井盖" }));
    assert!(search(&auditor, "kind=override").is_empty());
    dispatcher.command(other, "unmerge", json!({ "reason": "是马路对面的井盖" }));
    let overridden = &search(&auditor, "kind=override")[0];
    assert_eq!(overridden["subject"], json!(format!("ticket:{other}")));
    assert_eq!(
        (&overridden["reason"], &overridden["facts"]["command"]),
        (&json!("是马路对面的井盖"), &json!("unmerge"))
    );
    assert!(server.verify().audit.breaks.is_empty());
}

fn pages_and_filters_find_what_is_there(engine: Engine) {
    let server = Server::start(engine);
    let auditor = server.official("auditor");
    let first = server.now();
    for _ in 0..3 {
        server.advance_seconds(60);
        wrong_password(&server, "grid2");
    }
    let instant = |seconds| first.plus_seconds(seconds).to_string().replace('+', "%2B");
    assert_eq!(search(&auditor, &format!("from={}", instant(60))).len(), 3);
    assert_eq!(search(&auditor, &format!("from={}&to={}", instant(60), instant(120))).len(), 1);
    assert_eq!(search(&auditor, &format!("to={}", instant(1))).len(), 1, "the auditor's own sign-in");
    assert!(search(&auditor, &format!("from={}", instant(3600))).is_empty());
    let me = auditor.get("me").expect(200)["id"].clone();
    assert_eq!(search(&auditor, &format!("account={me}")).len(), 1);

    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = auditor.get(&format!("audit?limit=2{cursor}")).expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|line| line["seq"].as_i64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, [4, 3, 2, 1]);
    for bad in ["limit=101", "limit=0", "cursor=x", "kind=theft", "from=yesterday", "account=0"] {
        auditor.get(&format!("audit?{bad}")).problem(400, "invalid_query");
    }
}

fn two_servers_append_to_one_chain(engine: Engine) {
    let first = Server::start(engine);
    let second = first.twin();
    std::thread::scope(|scope| {
        for number in 0..12 {
            let server = if number % 2 == 0 { &first } else { &second };
            scope.spawn(move || {
                for turn in 0..5 {
                    wrong_password(server, &format!("stranger-{number}-{turn}"));
                }
            });
        }
    });
    let seen = first.verify();
    assert_eq!((seen.audit.lines, seen.audit.breaks.as_slice()), (60, [].as_slice()));
    assert_eq!(seen.audit_head.unwrap().0, 60);
}

fn the_database_refuses_to_alter_the_trail(engine: Engine) {
    let server = Server::start(engine);
    wrong_password(&server, "grid1");
    for sql in [
        "UPDATE audit_lines SET content = '{}'",
        "UPDATE audit_lines SET private = '{}'",
        "UPDATE audit_lines SET private = NULL, kind = 'sign_in'",
        "DELETE FROM audit_lines",
    ] {
        let refused = server.execute(sql).unwrap_err();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    if engine == Engine::Postgres {
        assert!(server.execute("TRUNCATE audit_lines").unwrap_err().contains("append-only"));
    }
    assert!(server.verify().audit.breaks.is_empty());
}

fn an_altered_trail_is_found(engine: Engine) {
    let server = Server::start(engine);
    for name in ["grid1", "grid2", "grid3"] {
        wrong_password(&server, name);
    }
    server
        .execute(match engine {
            Engine::Sqlite => "DROP TRIGGER audit_lines_no_update; DROP TRIGGER audit_lines_no_delete",
            Engine::Postgres => "DROP TRIGGER audit_lines_append_only ON audit_lines",
        })
        .unwrap();
    let broken = || -> Vec<i64> { server.verify().audit.breaks.iter().map(|found| found.seq).collect() };
    server
        .execute("UPDATE audit_lines SET private = replace(private, '127.0.0.1', '127.0.0.2') WHERE seq = 3")
        .unwrap();
    assert_eq!(broken(), [3]);
    server
        .execute(
            "UPDATE audit_lines SET content = replace(content, '\"password\"', '\"phone\"') WHERE seq = 2",
        )
        .unwrap();
    assert_eq!(broken(), [2, 3]);
    server.execute("DELETE FROM audit_lines WHERE seq = 1").unwrap();
    assert_eq!(broken()[0], 1);
}

fn what_is_private_can_be_let_go_and_the_chain_holds(engine: Engine) {
    let server = Server::start(engine);
    let auditor = server.official("auditor");
    server.advance_seconds(3600);
    wrong_password(&server, "grid1");
    let before = server.now();
    let gone = wait_for(server.services().db.write(move |conn| audit::let_go(conn, before, 100))).unwrap();
    assert_eq!(gone, 1, "the failure is not from before that instant");
    let lines = search(&auditor, "");
    assert_eq!((lines[0]["from"].clone(), lines[1].get("from")), (json!("127.0.0.1"), None));
    assert!(server.verify().audit.breaks.is_empty());
}

/// Grants as an operator would, and lets the server work as the lesser role.
fn as_lesser_role(config: &mut Config) {
    let url = config.data.database_url.take().unwrap();
    let roles = include_str!("../../../deploy/postgres-roles.sql");
    let mut owner = PgConnection::establish(url.expose()).unwrap();
    // Roles are of the whole cluster, which other tests use at the same time.
    owner.batch_execute("SELECT pg_advisory_lock(7370)").unwrap();
    owner.batch_execute(roles).unwrap();
    let lesser = format!("{}?options=-c%20role%3Dsuishoupai_server", url.expose());
    config.data.database_url = Some(Secret::new(lesser));
    config.data.migrate_at_start = false;
}

#[test]
fn the_servers_role_on_postgres_works_and_cannot_alter_what_is_written() {
    let server = Server::start_with(Engine::Postgres, as_lesser_role);
    let (_, _, ticket) = reported(&server, "路灯不亮");
    assert_eq!(server.official("grid1").claim_and_file(ticket, "P0201")["state"], "dispatched");
    let content = server.execute("SET ROLE suishoupai_server; UPDATE events SET content = ''").unwrap_err();
    assert!(content.contains("append-only"), "{content}");
    for table in ["audit_lines", "mask_events", "supervision_events", "exposure_events"] {
        for change in [
            format!("UPDATE {table} SET content = ''"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
        ] {
            let refused = server.execute(&format!("SET ROLE suishoupai_server; {change}")).unwrap_err();
            assert!(refused.contains("permission denied"), "{change}: {refused}");
        }
    }
}
