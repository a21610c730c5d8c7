//! An installation that was filled for measurements is one that could have grown so.

use std::collections::BTreeMap;

use diesel::prelude::*;
use suishoupai_api::simulate::Filling;
use suishoupai_core::flow::State;
use suishoupai_storage::db::schema::{evidence, notices, reports, tickets, work_orders};
use suishoupai_storage::db::tickets::some_after;
use suishoupai_tests::{Engine, Installation, both};

fn filling(tickets: u32, seed: u64) -> Filling {
    Filling { tickets, seed, until: "2026-04-01T00:00:00+08:00".parse().unwrap() }
}

both!(what_was_filled_is_in_order_and_is_not_filled_again);

fn what_was_filled_is_in_order_and_is_not_filled_again(engine: Engine) {
    let installation = Installation::fill(engine, filling(2_001, 5));
    assert_eq!(installation.filled.tickets, 2_001);
    assert_eq!(installation.faults(), Vec::<String>::new());

    let rows = installation.read(|conn| {
        Ok([
            tickets::table.count().get_result::<i64>(conn)?,
            reports::table.count().get_result(conn)?,
            work_orders::table.count().get_result(conn)?,
            evidence::table.count().get_result(conn)?,
            notices::table.count().get_result(conn)?,
        ])
    });
    assert_eq!(rows[..2], [2_001, 2_001]);
    assert!(rows.iter().all(|count| *count > 500), "{rows:?}");

    let all = installation.read(|conn| some_after(conn, 0, 10_000));
    let mut states: BTreeMap<State, usize> = BTreeMap::new();
    for loaded in &all {
        *states.entry(loaded.ticket.state).or_default() += 1;
    }
    for state in [State::Handling, State::Checking, State::Closed, State::Refused, State::Merged] {
        assert!(states.contains_key(&state), "{state:?}: {states:?}");
    }
    let lines: i64 = all.iter().map(|loaded| loaded.ticket.version).sum();
    assert_eq!(installation.filled.lines, lines as u64);

    let refused = installation.again().unwrap_err();
    assert!(format!("{refused:?}").contains("NotAllowedInState"), "{refused:?}");
    let after = installation.read(|conn| Ok(tickets::table.count().get_result::<i64>(conn)?));
    assert_eq!(after, 2_001);
}

#[derive(QueryableByName, Debug)]
struct Pages {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    all: i32,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    visible: i32,
}

/// Right after it was filled, PostgreSQL answers from indexes alone, and has nothing to go through that was added up.
#[test]
fn it_is_tidy_at_once() {
    let installation = Installation::fill(Engine::Postgres, filling(500, 2));
    let pages = |table: &str| {
        let sql = format!(
            "SELECT relpages AS \"all\", relallvisible AS visible FROM pg_class WHERE relname = '{table}'"
        );
        installation.read(|conn| Ok(diesel::sql_query(sql).get_result::<Pages>(conn)?))
    };
    for table in ["tickets", "events", "work_orders"] {
        let pages = pages(table);
        assert!(pages.all > 0 && pages.visible == pages.all, "{table}: {pages:?}");
    }
    for table in ["ticket_deltas", "order_deltas"] {
        assert_eq!(pages(table).all, 0, "{table}");
    }
}

both!(its_indexes_and_references_are_those_of_any_other);

/// Indexes are taken away while it is filled: afterwards nothing may be missing.
fn its_indexes_and_references_are_those_of_any_other(engine: Engine) {
    let parts = |installation: &Installation| {
        let sql = match engine {
            Engine::Sqlite => "SELECT name FROM sqlite_master ORDER BY name",
            Engine::Postgres => {
                "SELECT indexdef AS name FROM pg_indexes WHERE schemaname = 'public'
                 UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                 WHERE connamespace = 'public'::regnamespace ORDER BY name"
            }
        };
        installation.read(move |conn| Ok(diesel::sql_query(sql).load::<Part>(conn)?))
    };
    let filled = Installation::fill(engine, filling(40, 1));
    let plain = Installation::migrated(engine, filling(40, 1));
    assert_eq!(parts(&filled), parts(&plain));
    assert!(parts(&filled).len() > 60);
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Part {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[test]
fn the_seed_decides_everything_on_both_engines() {
    let told = |engine, seed| {
        let installation = Installation::fill(engine, filling(300, seed));
        let all = installation.read(|conn| some_after(conn, 0, 10_000));
        all.iter().map(|loaded| format!("{loaded:?}")).collect::<Vec<_>>()
    };
    let first = told(Engine::Sqlite, 7);
    assert_eq!(first.len(), 300);
    assert_eq!(first, told(Engine::Sqlite, 7));
    assert_eq!(first, told(Engine::Postgres, 7));
    assert_ne!(first, told(Engine::Sqlite, 8));
}
