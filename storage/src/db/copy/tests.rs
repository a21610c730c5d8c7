//! A move between real databases of both engines.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use proptest::prelude::*;

use super::*;
use crate::db::tests::engine::Engine;

/// An SQLite file with rows of every kind of value, in tables that depend on each other.
fn grown() -> Engine {
    let engine = Engine::sqlite();
    let Conn::Sqlite(mut conn) = connect(&engine.target(), Use::Write).unwrap() else { unreachable!() };
    conn.batch_execute(
        "INSERT INTO districts VALUES (350203, '思明区', '{}', 1, 5);
         INSERT INTO units VALUES (9, 350203, 'c', '社区', 'community', NULL, NULL, 118.0799949, 24.4479949);
         INSERT INTO units VALUES (1, 350203, 'g1', '网格一', 'grid', 9, '', -0.0, 1e-300);
         INSERT INTO units VALUES (2, 350203, 'g2', '网格二', 'grid', 9, NULL, NULL, NULL);
         INSERT INTO units VALUES (3, 350203, 'g3', '微网格', 'grid', 2, NULL, NULL, NULL);
         INSERT INTO categories VALUES (350203, 'E01', 'event', '1', 'a', '1', 'b', 1, '', 1, 'days', '', 0, 1, 0);
         INSERT INTO calendar_days VALUES (350203, '2026-01-01', '元旦', 1), (350203, '2026-01-02', '补班', 0);
         INSERT INTO accounts VALUES (7, 350203, 'official', 'a', '甲', NULL, x'00ff10', NULL, 1, 0, -9223372036854775808, 5, NULL);
         INSERT INTO posts VALUES (7, 'grid_worker', 1), (7, 'grid_worker', 2), (7, 'Observer', 9);
         INSERT INTO idempotency VALUES (7, 'a', x'01', 201, '{\"b\":1}', 1), (7, 'B', x'', 201, '', 1), (7, 'é', x'02', 200, 'x', 2);
         INSERT INTO throttles VALUES ('z', 1, 2), ('Z', 3, 4), ('中', 9223372036854775807, 2147483647);
         UPDATE id_blocks SET next_id = 77000; UPDATE registry_revision SET value = 12",
    )
    .unwrap();
    drop(conn);
    engine
}

/// All rows of all tables as text, by either engine.
fn rows_of(target: &Target, tables: &[Table]) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let mut all = Vec::new();
    let mut conn = connect(target, Use::Write).unwrap();
    for table in tables {
        let parts: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let name = format!("\"{}\"", column.name);
                match (column.kind, &conn) {
                    (plan::Kind::Bytes, Conn::Sqlite(_)) => {
                        format!("CASE WHEN {name} IS NOT NULL THEN lower(hex({name})) END")
                    }
                    (plan::Kind::Bytes, Conn::Pg(_)) => format!("encode({name}, 'hex')"),
                    (plan::Kind::Boolean, Conn::Pg(_)) => format!("({name}::int)::text"),
                    (plan::Kind::Real, _) => format!("CASE WHEN {name} IS NULL THEN NULL ELSE 'real' END"),
                    _ => format!("CAST({name} AS TEXT)"),
                }
            })
            .map(|part| format!("COALESCE({part}, 'NULL')"))
            .collect();
        let sql = format!("SELECT {} AS line FROM \"{}\"", parts.join(" || '|' || "), table.name);
        let lines: Vec<Line> = match &mut conn {
            Conn::Sqlite(conn) => diesel::sql_query(sql).load(conn).unwrap(),
            Conn::Pg(conn) => diesel::sql_query(sql).load(conn).unwrap(),
        };
        let mut lines: Vec<String> =
            lines.into_iter().map(|row| format!("{}: {}", table.name, row.line)).collect();
        lines.sort();
        all.extend(lines);
    }
    all
}

fn places(target: &Target) -> Vec<(Option<f64>, Option<f64>)> {
    use crate::db::schema::units;
    let mut conn = connect(target, Use::Write).unwrap();
    units::table.select((units::lon, units::lat)).order(units::id).load(&mut conn).unwrap()
}

fn tables(from: &Target, to: &Target) -> Vec<Table> {
    let (Conn::Sqlite(mut source), Conn::Pg(mut target)) =
        (connect(from, Use::Read).unwrap(), connect(to, Use::Write).unwrap())
    else {
        unreachable!()
    };
    plan::plan(&mut source, &mut target).unwrap()
}

fn assert_same(from: &Target, to: &Target) {
    let tables = tables(from, to);
    assert_eq!(rows_of(from, &tables), rows_of(to, &tables));
    assert_eq!(places(from), places(to), "to the last bit");
}

#[test]
fn every_table_of_the_migrations_is_covered_and_comes_after_those_it_names() {
    let (from, to) = (Engine::sqlite(), Engine::postgres());
    let tables = tables(&from.target(), &to.target());
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let schema = include_str!("../schema.rs").lines();
    let mut in_code: BTreeSet<&str> = schema
        .filter(|line| line.starts_with("    ") && line.ends_with(") {"))
        .filter_map(|line| line.trim().split_once(" (").map(|(name, _)| name))
        .collect();
    assert!(in_code.len() > 20, "{in_code:?}");
    for following in plan::FOLLOWING {
        assert!(in_code.remove(following), "{following} is no table any more");
    }
    assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), in_code);
    let at = |name| names.iter().position(|one| *one == name).unwrap();
    for (parent, child) in [
        ("districts", "units"),
        ("units", "tickets"),
        ("meshes", "grid_cells"),
        ("grid_cells", "reports"),
        ("tickets", "events"),
        ("photos", "evidence"),
        ("accounts", "posts"),
    ] {
        assert!(at(parent) < at(child), "{names:?}");
    }
    assert!(tables.iter().all(|table| table.names_itself == (table.name == "units")));
}

#[test]
fn a_column_that_only_one_side_has_is_refused_by_name() {
    for (sqlite, postgres, hint) in [
        (
            "CREATE TABLE wishes (id INTEGER NOT NULL PRIMARY KEY) STRICT",
            "SELECT 1",
            "wishes.id is only in the source",
        ),
        ("SELECT 1", "ALTER TABLE units ADD COLUMN colour TEXT", "units.colour is only in the target"),
    ] {
        let (from, to) = (Engine::sqlite(), Engine::postgres());
        connect(&from.target(), Use::Write).unwrap().batch_execute(sqlite).unwrap();
        connect(&to.target(), Use::Write).unwrap().batch_execute(postgres).unwrap();
        let error =
            move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn everything_arrives_and_the_keys_go_on() {
    let (from, to) = (grown(), Engine::postgres());
    let moved = move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap();
    assert_same(&from.target(), &to.target());
    let units = moved.tables.iter().find(|table| table.table == "units").unwrap();
    assert_eq!((units.rows, units.before), (4, 0));
    let mut conn = connect(&to.target(), Use::Write).unwrap();
    assert_eq!(crate::db::ids::reserve(&mut conn, 1).unwrap().start, 77_000);
    let orphan = conn.batch_execute("INSERT INTO units VALUES (8, 350203, 'x', 'x', 'grid', 99)");
    assert!(orphan.is_err(), "keys are looked at again at once");
    let again =
        move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap_err().to_string();
    assert!(again.contains("the target is not empty"), "{again}");
}

#[test]
fn a_source_that_somebody_has_open_is_refused() {
    let (from, to) = (grown(), Engine::postgres());
    let serving = connect(&from.target(), Use::Read).unwrap();
    let error =
        move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap_err().to_string();
    assert!(error.contains("is in use; stop the server"), "{error}");
    drop(serving);
    move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap();
}

#[test]
fn only_what_can_be_moved_is_tried() {
    let (sqlite, postgres) = (Engine::sqlite().target(), Target::Postgres("postgres://nowhere/x".to_owned()));
    for (from, to, hint) in [
        (&postgres, &sqlite, "from sqlite://"),
        (&sqlite, &sqlite, "from sqlite://"),
        (&Target::Sqlite("/nonexistent.db".to_owned()), &postgres, "there is no database /nonexistent.db"),
    ] {
        let error = move_to_postgres(from, to, |_| Ok(()), || Ok(())).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn a_schema_that_is_not_the_programs_is_refused() {
    let to = Engine::postgres();
    for (sql, hint) in [
        (
            "DELETE FROM __diesel_schema_migrations WHERE version > '20261122000000'",
            "run `suishoupai migrate`",
        ),
        (
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
            "is newer than this program",
        ),
    ] {
        let from = grown();
        connect(&from.target(), Use::Write).unwrap().batch_execute(sql).unwrap();
        let error =
            move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn an_unfinished_move_keeps_servers_out_and_takes_only_its_source() {
    let (from, other, to) = (grown(), grown(), Engine::postgres());
    let change =
        |engine: &Engine, sql| connect(&engine.target(), Use::Write).unwrap().batch_execute(sql).unwrap();
    change(&other, "UPDATE id_blocks SET next_id = 78000");
    let stop = |_: &TableMoved| Err(DbError::Conflict);
    assert!(move_in_pages(&from.target(), &to.target(), 2, &mut |table| stop(table), || Ok(())).is_err());
    for outcome in [migrate(&to.target()).map(|_| ()), crate::db::check(&to.target())] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("run the same `suishoupai migrate-engine` again"), "{error}");
    }
    let error =
        move_to_postgres(&other.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap_err().to_string();
    assert!(error.contains("or the source has changed"), "{error}");
    change(&from, "UPDATE id_blocks SET next_id = 79000");
    let error =
        move_to_postgres(&from.target(), &to.target(), |_| Ok(()), || Ok(())).unwrap_err().to_string();
    assert!(error.contains("or the source has changed"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_move_that_breaks_off_again_and_again_ends_as_one_that_does_not(
        page in 1usize..4,
        breaks in prop::collection::vec(0usize..25, 1..4),
    ) {
        let (from, to) = (grown(), Engine::postgres());
        for after in breaks {
            let mut seen = 0;
            let outcome = move_in_pages(&from.target(), &to.target(), page, &mut |_| {
                seen += 1;
                if seen > after { Err(DbError::Conflict) } else { Ok(()) }
            }, || Ok(()));
            prop_assert!(outcome.is_err());
        }
        let moved = move_in_pages(&from.target(), &to.target(), page, &mut |_| Ok(()), || Ok(())).unwrap();
        prop_assert!(moved.tables.iter().any(|table| table.before > 0));
        assert_same(&from.target(), &to.target());
    }
}
