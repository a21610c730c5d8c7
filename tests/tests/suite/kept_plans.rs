//! PostgreSQL plans the statements of a page a few times on each connection and keeps the plan then: to plan one costs nearly
//! as much as to carry it out.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use suishoupai_api::demo::DISTRICT;
use suishoupai_api::simulate::Filling;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::lists::{self, Filter, Scope};
use suishoupai_storage::db::schema::tickets;
use suishoupai_storage::db::{Conn, DbError};
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
