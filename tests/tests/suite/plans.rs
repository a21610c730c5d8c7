//! No list costs more because there is more history: every list's statements are taken as they are sent, and their
//! plans are read. `SSP_PLAN_TICKETS=1000000` asks the same of an installation of that size.

use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;
use suishoupai_api::demo::DISTRICT;
use suishoupai_api::simulate::Filling;
use suishoupai_core::flow::{OrderState, Pressure, RequestState, State};
use suishoupai_core::likeness::{SeenBefore, tiles_around};
use suishoupai_core::model::{Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::lists::{self, Filter, Scope};
use suishoupai_storage::db::schema::{reports, tickets, work_orders};
use suishoupai_storage::db::{Conn, DbError, counts, desk, followers, search, similar};
use suishoupai_storage::db::{reports as report_rows, restrictions, supervision};
use suishoupai_tests::{Engine, Installation, both};

/// Tables that grow with the history.
const GROWING: [&str; 9] = [
    "tickets",
    "work_orders",
    "events",
    "notices",
    "reports",
    "requests",
    "summons",
    "evidence",
    "evidence_seen_before",
];
/// Rows that a page may visit besides those that are open, whatever the history.
const VISITED: f64 = 2_000.0;

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Seen {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            self.0.lock().unwrap().push(query.to_string());
        }
    }
}

/// What a list may do besides following an index.
#[derive(Clone, Copy, PartialEq)]
enum May {
    /// Nothing.
    Follow,
    /// Sort what is open, or what is rare: that does not grow with the history.
    SortFew,
}

/// What the planner says, one line of it.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Whose lists are read.
struct Places {
    street: UnitId,
    community: UnitId,
    grid: UnitId,
    /// The two units with the most orders.
    units: Vec<UnitId>,
    category: String,
    account: i64,
    now: Moment,
    /// A ticket in the middle, with a deadline.
    middle: i64,
    place: (f64, f64),
}

both!(no_list_goes_through_the_history);

fn no_list_goes_through_the_history(engine: Engine) {
    let count = std::env::var("SSP_PLAN_TICKETS").ok().and_then(|count| count.parse().ok()).unwrap_or(8_000);
    let until: Moment = "2026-04-01T00:00:00+08:00".parse().unwrap();
    let installation = Installation::fill(engine, Filling { tickets: count, seed: 7, until });
    let faults = installation.read(move |conn| {
        let places = places(conn, until)?;
        let over: Vec<&str> =
            State::ALL.iter().filter(|state| state.is_final()).map(|state| state.as_str()).collect();
        let open: i64 = tickets::table.filter(tickets::state.ne_all(over)).count().get_result(conn)?;
        let most = 2.0 * open as f64 + VISITED;
        assert!(most < f64::from(count) / 2.0, "{open} of {count} are open");
        let mut checked = Checked { conn, faults: Vec::new(), statements: 0, most };
        pages(&mut checked, &places)?;
        desks(&mut checked, &places)?;
        assert!(checked.statements > 100, "{} statements", checked.statements);
        Ok(checked.faults)
    });
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

fn places(conn: &mut Conn, now: Moment) -> Result<Places, DbError> {
    let (street, community, grid, lon, lat): (i64, i64, i64, f64, f64) = tickets::table
        .select((tickets::street_id, tickets::community_id, tickets::grid_id, tickets::lon, tickets::lat))
        .order(tickets::id.desc())
        .first(conn)?;
    let per_unit: Vec<(UnitId, i64)> = work_orders::table
        .group_by(work_orders::unit_id)
        .select((work_orders::unit_id, diesel::dsl::count_star()))
        .order(diesel::dsl::count_star().desc())
        .limit(2)
        .load(conn)?;
    let category: Option<String> = tickets::table
        .filter(tickets::category.is_not_null())
        .group_by(tickets::category)
        .select(tickets::category)
        .order(diesel::dsl::count_star().desc())
        .first(conn)?;
    let account = reports::table.select(reports::account_id).first(conn)?;
    let middle: Option<i64> = tickets::table.select(diesel::dsl::max(tickets::id)).first(conn)?;
    Ok(Places {
        street,
        community,
        grid,
        units: per_unit.into_iter().map(|(unit, _)| unit).collect(),
        category: category.unwrap(),
        account,
        now,
        middle: middle.unwrap(),
        place: (lon, lat),
    })
}

struct Checked<'a> {
    conn: &'a mut Conn,
    faults: Vec<String>,
    statements: usize,
    /// Rows that a statement may visit.
    most: f64,
}

impl Checked<'_> {
    /// Reads a list and the plans of its statements.
    fn list(
        &mut self,
        name: &str,
        may: May,
        read: impl FnOnce(&mut Conn) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let seen = Seen::default();
        self.conn.set_instrumentation(seen.clone());
        read(self.conn)?;
        self.conn.set_instrumentation(None::<Box<dyn Instrumentation>>);
        let statements = std::mem::take(&mut *seen.0.lock().unwrap());
        for statement in statements.iter().filter(|statement| statement.starts_with("SELECT")) {
            self.statements += 1;
            let (sql, binds) = statement.split_once(" -- binds: ").unwrap_or((statement, "[]"));
            let (plan, bad) = match self.conn {
                Conn::Sqlite(_) => sqlite_plan(self.conn, sql, may)?,
                Conn::Pg(_) => postgres_plan(self.conn, &with_literals(sql, binds), self.most)?,
            };
            if let Some(bad) = bad {
                self.faults.push(format!("## {name}: {bad}\n{statement}\n{plan}"));
            }
        }
        Ok(())
    }
}

/// The plan of SQLite, which does not depend on what is bound, and what is wrong with it.
fn sqlite_plan(conn: &mut Conn, sql: &str, may: May) -> Result<(String, Option<String>), DbError> {
    let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn)?;
    let lines: Vec<String> = lines.into_iter().map(|line| line.detail).collect();
    // By the district alone everything is entered, which only a page in the order of the index leaves in time.
    let in_order =
        sql.contains("ORDER BY") && !lines.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
    let bad = lines.iter().find(|line| {
        let whole = line.starts_with("SEARCH tickets ") && line.ends_with("(district=?)");
        if whole && !in_order && !line.contains("tickets_held") {
            return true;
        }
        let scanned = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        let sorted = line.contains("TEMP B-TREE FOR ORDER BY") || line.contains("TEMP B-TREE FOR RIGHT PART");
        scanned.is_some_and(|table| GROWING.contains(&table)) || sorted && may == May::Follow
    });
    Ok((lines.join("\n"), bad.cloned()))
}

/// The plan of PostgreSQL with what it visited, and what is wrong with it. It may sort what it has found, and go
/// through a table that is small, as all that is counted.
fn postgres_plan(conn: &mut Conn, sql: &str, most: f64) -> Result<(String, Option<String>), DbError> {
    #[derive(QueryableByName)]
    struct Plan {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        plan: String,
    }
    conn.batch_execute("SET plan_cache_mode = force_custom_plan")?;
    let lines: Vec<Plan> = diesel::sql_query(format!("EXPLAIN (ANALYZE, FORMAT TEXT) {sql}")).load(conn)?;
    let text = lines.into_iter().map(|line| line.plan).collect::<Vec<_>>().join("\n");
    let mut bad = None;
    let mut visited = 0.0;
    for line in text.lines() {
        let node = line.trim_start_matches([' ', '-', '>']);
        if node.contains("Scan ") && !node.starts_with("Bitmap Index Scan ") {
            visited += actual(node, "rows=") * actual(node, "loops=");
        }
        if let Some(removed) = node.strip_prefix("Rows Removed by Filter: ") {
            visited += removed.trim().parse::<f64>().unwrap_or_default();
        }
    }
    if visited > most {
        bad = Some(format!("{visited} rows visited"));
    }
    Ok((text, bad))
}

/// A number of what has actually happened, as `(actual time=… rows=3 loops=1)` tells.
fn actual(node: &str, name: &str) -> f64 {
    let told = node.split("(actual").nth(1).and_then(|told| told.split(name).nth(1));
    told.and_then(|rest| rest.split([' ', ')']).next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// A statement of PostgreSQL with its values in the place of `$1`, `$2`, …
fn with_literals(sql: &str, binds: &str) -> String {
    let values: Vec<Value> = serde_json::from_str(&binds.replace("None", "null"))
        .unwrap_or_else(|error| panic!("{binds}: {error}"));
    let literal = |value: &Value| match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(|one| one.to_string()).collect();
            format!("'{{{}}}'", all.join(","))
        }
        other => other.to_string(),
    };
    let numbered: Vec<_> = values.iter().enumerate().collect();
    numbered
        .iter()
        .rev()
        .fold(sql.to_owned(), |sql, (at, value)| sql.replace(&format!("${}", at + 1), &literal(value)))
}

fn pages(checked: &mut Checked<'_>, places: &Places) -> Result<(), DbError> {
    let scopes = [
        ("district", Scope::District(DISTRICT)),
        ("street", Scope::Street(places.street)),
        ("community", Scope::Community(places.community)),
        ("grid", Scope::Grid(places.grid)),
        ("orders", Scope::Orders(places.units.clone())),
    ];
    for (of, scope) in &scopes {
        for (name, may, filter) in filters(places) {
            let filter = Filter { limit: 50, ..filter };
            // A grid has so few that its categories need no index.
            let few = matches!(scope, Scope::Grid(_)) || may == May::SortFew;
            let may = if few { May::SortFew } else { May::Follow };
            checked.list(&format!("{of}, {name}"), may, |conn| {
                lists::page(conn, DISTRICT, scope, &filter, |_| ())
            })?;
        }
        let few = matches!(scope, Scope::Grid(_));
        let may = if few { May::SortFew } else { May::Follow };
        checked.list(&format!("pool of {of}"), may, |conn| {
            lists::pool(conn, scope, places.now, false, 500).map(drop)
        })?;
    }
    Ok(())
}

fn filters(places: &Places) -> Vec<(String, May, Filter)> {
    let mut all = vec![
        ("all".to_owned(), May::Follow, Filter::default()),
        ("sensitive too".to_owned(), May::Follow, Filter { sensitive: true, ..Filter::default() }),
        ("next page".to_owned(), May::Follow, Filter { before: Some(places.middle), ..Filter::default() }),
        (
            "category".to_owned(),
            May::Follow,
            Filter { category: Some(places.category.clone()), ..Filter::default() },
        ),
        ("urgency".to_owned(), May::Follow, Filter { urgency: Some((i64::MIN, 0)), ..Filter::default() }),
        (
            "urgency, next page".to_owned(),
            May::Follow,
            Filter { urgency: Some((places.now.millis(), places.middle)), ..Filter::default() },
        ),
    ];
    for pressure in [Pressure::Overdue, Pressure::DueSoon, Pressure::Normal] {
        let by_age = Filter { pressure: Some((pressure, places.now)), ..Filter::default() };
        let urgent = Filter { urgency: Some((i64::MIN, 0)), ..by_age.clone() };
        all.push((format!("{pressure:?}"), May::SortFew, by_age));
        all.push((format!("{pressure:?} by urgency"), May::Follow, urgent));
    }
    for state in State::ALL {
        let one = Filter { state: Some(*state), ..Filter::default() };
        // The rows of a filter that few or none fulfil are all that are visited.
        all.push((format!("{state:?}"), May::Follow, one.clone()));
        let both = Filter { category: Some(places.category.clone()), ..one };
        all.push((format!("{state:?} and category"), May::Follow, both));
    }
    for kind in [SeenBefore::Reused, SeenBefore::Repeated] {
        let seen = Filter { seen_before: Some(kind), ..Filter::default() };
        all.push((format!("{kind:?}"), May::SortFew, seen));
    }
    all
}

fn desks(checked: &mut Checked<'_>, places: &Places) -> Result<(), DbError> {
    let units = &places.units;
    let from = (places.now.millis(), places.middle);
    for state in OrderState::ALL {
        for (name, after) in [("first page", None), ("next page", Some(from))] {
            checked.list(&format!("orders {state:?}, {name}"), May::Follow, |conn| {
                lists::orders(conn, units, *state, after, 50).map(drop)
            })?;
        }
    }
    for before in [None, Some((from.0, from.1, 1))] {
        checked.list("notices", May::Follow, |conn| desk::notices_of(conn, units, before, 50).map(drop))?;
    }
    for state in RequestState::ALL {
        for after in [None, Some(places.middle / 2)] {
            checked.list(&format!("requests {state:?}"), May::Follow, |conn| {
                desk::requests_of(conn, DISTRICT, *state, after, 50).map(drop)
            })?;
        }
    }
    for after in [None, Some(places.middle)] {
        checked.list("held for review", May::Follow, |conn| {
            desk::held_of(conn, DISTRICT, after, 50).map(drop)
        })?;
        checked.list("restrictions", May::Follow, |conn| {
            restrictions::page(conn, DISTRICT, after, 50).map(drop)
        })?;
    }
    checked.list("summonses", May::Follow, |conn| desk::summonses_of(conn, units, 50).map(drop))?;
    for before in [None, Some(places.middle)] {
        checked.list("my reports", May::Follow, |conn| {
            report_rows::mine(conn, places.account, before, 50).map(drop)
        })?;
        checked.list("followed", May::SortFew, |conn| {
            followers::of_account(conn, places.account, before, 50).map(drop)
        })?;
    }
    checked.list("alarms", May::Follow, |conn| desk::alarmed(conn, places.now, 50).map(drop))?;
    checked.list("next alarm", May::Follow, |conn| desk::next_alarm(conn).map(drop))?;
    checked.list("claims that ran out", May::Follow, |conn| lists::lapsed(conn, places.now, 50).map(drop))?;
    let (lon, lat) = places.place;
    let tiles = tiles_around(suishoupai_core::geo::LonLat { lon, lat }, 100.0);
    checked.list("near", May::SortFew, |conn| {
        similar::near(conn, DISTRICT, tiles, places.now.plus_millis(-86_400_000), false).map(drop)
    })?;
    numbers(checked, places)?;
    let filter = supervision::Filter { limit: 50, ..Default::default() };
    checked.list("supervision orders", May::SortFew, |conn| {
        supervision::page(conn, &supervision::Scope::District(DISTRICT), &filter).map(drop)
    })
}

/// What is sought in texts, the numbers that are kept, and the map.
fn numbers(checked: &mut Checked<'_>, places: &Places) -> Result<(), DbError> {
    let filter = Filter { limit: 50, ..Filter::default() };
    // In a street a frequent word is found by going through the newest texts of the district, as many as that takes.
    for (of, scope) in [
        ("district", Scope::District(DISTRICT)),
        ("grid", Scope::Grid(places.grid)),
        ("orders", Scope::Orders(places.units.clone())),
    ] {
        for words in ["垃圾", "路灯 不亮", "没有这样的事"] {
            let sought = suishoupai_core::search::sought(words).unwrap();
            checked.list(&format!("{words} in {of}"), May::SortFew, |conn| {
                search::page(conn, DISTRICT, &scope, &sought, &filter).map(drop)
            })?;
        }
    }
    checked.list("numbers of states", May::Follow, |conn| counts::tickets(conn).map(drop))?;
    for (level, unit) in [(Level::District, 0), (Level::Street, places.street), (Level::Grid, places.grid)] {
        checked.list(&format!("numbers of {level:?}"), May::Follow, |conn| {
            counts::in_territory(conn, DISTRICT, level, unit, false).map(drop)
        })?;
    }
    checked.list("numbers of orders", May::Follow, |conn| {
        counts::of_orders(conn, DISTRICT, &places.units).map(drop)
    })?;
    let (lon, lat) = places.place;
    let near = (lon - 0.002, lat - 0.002, lon + 0.002, lat + 0.002);
    checked.list("squares", May::SortFew, |conn| {
        counts::cells(conn, DISTRICT, counts::Window::around(14, near), &counts::Narrow::default()).map(drop)
    })?;
    checked.list("a tile", May::SortFew, |conn| {
        counts::spots(conn, DISTRICT, near, (Some(0), None), 10_000).map(drop)
    })
}
