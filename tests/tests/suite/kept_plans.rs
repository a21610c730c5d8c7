//! PostgreSQL plans the statements of a page a few times on each connection and keeps the plan then: to plan one costs nearly
//! as much as to carry it out.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use suishoupai_api::demo::DISTRICT;
use suishoupai_api::simulate::Filling;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::lists::{self, Filter, Scope};
use suishoupai_storage::db::schema::{evidence, tickets};
use suishoupai_storage::db::{Conn, DbError, photos};
use suishoupai_tests::{Engine, Installation};

/// So often PostgreSQL plans a statement anew before it thinks of keeping a plan.
const AT_FIRST: i64 = 5;

#[derive(QueryableByName, Debug)]
struct Plans {
    #[diesel(sql_type = BigInt)]
    anew: i64,
    #[diesel(sql_type = BigInt)]
    kept: i64,
}

#[derive(QueryableByName, Debug)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName, Debug)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

#[test]
fn the_plan_of_a_page_is_kept() {
    let until = "2026-04-01T00:00:00+08:00".parse().unwrap();
    let installation = Installation::fill(Engine::Postgres, Filling { tickets: 2_000, seed: 3, until });
    let first = Filter { limit: 50, ..Filter::default() };
    let next = Filter { before: Some(i64::MAX), ..first.clone() };
    let urgent = Filter { urgency: Some((i64::MIN, 0)), ..first.clone() };
    for filter in [first, next, urgent] {
        assert_kept(&installation, "page", move |conn| {
            let mut lines = 0;
            lists::page(conn, DISTRICT, &Scope::District(DISTRICT), &filter, |_| lines += 1)?;
            assert!(lines > 0);
            Ok(())
        });
    }
    let street = installation.read(|conn| {
        Ok(tickets::table.select(tickets::street_id).order(tickets::id.desc()).first::<i64>(conn)?)
    });
    assert_kept(&installation, "pool", move |conn| {
        lists::pool(conn, &Scope::Street(street), Moment::from_millis(0), false, 500).map(drop)
    });
}

/// Most photos were evidence of nothing yet when the statistics were taken, so that a walk along all of them seemed to end
/// early. A plan that is kept from then would go further with each photo that becomes evidence.
#[test]
fn the_photos_of_a_ticket_are_found_by_their_keys() {
    let until = "2026-04-01T00:00:00+08:00".parse().unwrap();
    let installation = Installation::fill(Engine::Postgres, Filling { tickets: 2_000, seed: 3, until });
    let plan = installation.read(|conn| {
        for sql in [MORE_PHOTOS, MORE_EVIDENCE, "ANALYZE photos", "ANALYZE evidence"] {
            diesel::sql_query(sql).execute(conn)?;
        }
        let ticket = evidence::table.select(evidence::ticket_id).first(conn)?;
        for _ in 0..3 * AT_FIRST {
            assert!(!photos::evidence_of(conn, ticket)?.is_empty());
        }
        let sql = "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%\"evidence\" INNER JOIN \"photos\"%' \
                   AND generic_plans > 0";
        let kept: Vec<Name> = diesel::sql_query(sql).load(conn)?;
        assert_eq!(kept.len(), 1, "{kept:?}");
        let explain = format!("EXPLAIN EXECUTE {}({ticket})", kept[0].name);
        Ok(diesel::sql_query(explain).load::<Line>(conn)?)
    });
    let plan: Vec<String> = plan.into_iter().map(|line| line.text).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("Nested Loop") && plan.contains("Index Cond: (id = evidence.photo_id)"), "{plan}");
}

/// 5,000 photos that came after all others.
const MORE_PHOTOS: &str = "INSERT INTO photos SELECT (jsonb_populate_record(NULL::photos, to_jsonb(one) || jsonb_build_object( \
     'id', 1000000000 + n, 'sha256', '\\x' || md5(n::text) || md5(n::text)))).* \
     FROM (SELECT * FROM photos ORDER BY id LIMIT 1) one, generate_series(1, 5000) n";

/// Eight pictures are evidence of every ticket.
const MORE_EVIDENCE: &str = "INSERT INTO evidence (ticket_id, photo_id, stage, district, event_seq, created_at) \
     SELECT tickets.id, one.id, 'after', tickets.district, 2, 0 \
     FROM (SELECT id FROM photos ORDER BY id LIMIT 8) one, tickets ON CONFLICT DO NOTHING";

/// Reads so often on one connection that PostgreSQL must have kept a plan for each statement.
fn assert_kept(
    installation: &Installation,
    what: &str,
    read: impl Fn(&mut Conn) -> Result<(), DbError> + Send + 'static,
) {
    let plans = installation.read(move |conn| {
        for _ in 0..3 * AT_FIRST {
            read(conn)?;
        }
        let sql = "SELECT custom_plans AS anew, generic_plans AS kept FROM pg_prepared_statements \
                   WHERE statement LIKE '%FROM tickets%'";
        Ok(diesel::sql_query(sql).load::<Plans>(conn)?)
    });
    assert!(!plans.is_empty(), "{what}");
    for one in plans {
        assert!(one.anew <= AT_FIRST && one.kept >= AT_FIRST, "{what}: {one:?}");
    }
}
