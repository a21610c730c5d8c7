//! Lists of tickets and work orders, as officials see them.

use std::collections::HashMap;
use std::sync::Arc;

use suishoupai_core::flow::{OrderState, Role, State};
use suishoupai_core::geo::{LonLat, distance_m};
use suishoupai_core::model::{District, Level, UnitId};
use suishoupai_core::search::Sought;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::lists::{self, Filter, OrderLine, Scope, Summary};
use suishoupai_storage::db::{Conn, counts, search};

use super::{next_cursor, scene};
use crate::fail::Fail;
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;
use crate::view::{CountsView, Lines, OrderLineView, OrderPage, Scene, TicketLine, UnitRef, Written};

/// Of a pool, so many of the most urgent tickets are sorted by distance.
const POOL_WINDOW: i64 = 500;

/// Whose tickets the caller asks for: those of a unit that one of the caller's posts stands over.
///
/// Without a unit, the first post's. Grid workers may look at a whole grid, territory officers at what lies in
/// their territory, departments at what they have orders for, posts of the district at everything.
///
/// # Errors
/// 404 for a unit that no post of the caller stands over.
fn scope(registry: &Registry, account: &Account, unit: Option<UnitId>) -> Result<(i32, Scope), Problem> {
    let posts = account.posts.iter().filter(|post| post.role != Role::Resident);
    let mut over =
        posts.map(|post| post.unit).filter(|own| unit.is_none_or(|unit| registry.tree.is_within(unit, *own)));
    let own = over.next().ok_or_else(|| {
        Problem::new(Code::UnitNotFound).field(
            "unit",
            "not_yours",
            Text::new("不是您所在单位或其下级", "must be a unit of one of your posts, or below it"),
        )
    })?;
    let unit = registry.tree.get(unit.unwrap_or(own)).ok_or(Code::UnitNotFound)?;
    let scope = match unit.level {
        Level::District => Scope::District(unit.district),
        Level::Department => Scope::Orders(registry.subtree(unit.id)),
        Level::Street => Scope::Street(unit.id),
        Level::Community => Scope::Community(unit.id),
        Level::Grid => Scope::Grid(unit.id),
    };
    Ok((unit.district, scope))
}

/// Refuses a unit that is not the caller's.
///
/// # Errors
/// 404 for a unit that no post of the caller stands over.
pub fn own_unit(services: &Services, account: &Account, unit: Option<UnitId>) -> Result<(), Problem> {
    scope(&services.registry(), account, unit).map(drop)
}

/// Whether the caller is of a role that sees tickets of sensitive kinds.
fn sees_sensitive(registry: &Registry, account: &Account, district: i32, now: Moment) -> bool {
    let roles = registry.sensitive_roles(district, now);
    account.posts.iter().any(|post| roles.contains(&post.role))
}

/// A page of tickets, newest or most urgent first.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn list(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    filter: Filter,
    lang: Lang,
) -> Result<Written, Fail> {
    let registry = services.registry();
    let (district, scope) = scope(&registry, account, unit)?;
    let limit = filter.limit;
    let by_urgency = filter.urgency.is_some();
    let filter = Filter { sensitive: sees_sensitive(&registry, account, district, services.now()), ..filter };
    read_page(services, registry, (district, lang), move |conn, lines| {
        let mut last = None;
        lists::page(conn, district, &scope, &filter, |row| {
            lines.add(row, None);
            last = Some((row.id, row.stage_due_at));
        })?;
        let last = last.filter(|_| lines.count() as i64 == limit);
        Ok(last.and_then(|(id, due)| match by_urgency {
            true => Some(format!("{}.{id}", due?.millis())),
            false => Some(id.to_string()),
        }))
    })
    .await
}

/// Reads a page, and writes it down on the thread that reads: to hand over its lines, and to give back their memory on
/// another thread than that which took it, would cost as much as to write them.
///
/// `page` adds the lines and answers where the next page begins.
async fn read_page(
    services: &Services,
    registry: Arc<Registry>,
    (district, lang): (District, Lang),
    page: impl FnOnce(&mut Conn, &mut Lines<'_>) -> Result<Option<String>, Fail> + Send + 'static,
) -> Result<Written, Fail> {
    let (own, body) = (services.clone(), Written::again());
    let write = move |conn: &mut Conn| {
        let scene = scene(&own, &registry, lang, HashMap::new());
        let mut lines = Lines::begin(&scene, district, body);
        let next_cursor = page(conn, &mut lines)?;
        lines.end(next_cursor.as_deref()).map_err(|error| Fail::internal(&error))
    };
    services.db.read(write).await
}

/// The tickets in whose reports something stands, newest first.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn find(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    (sought, filter): (Sought, Filter),
    lang: Lang,
) -> Result<Written, Fail> {
    let registry = services.registry();
    let (district, scope) = scope(&registry, account, unit)?;
    let limit = filter.limit;
    let filter = Filter { sensitive: sees_sensitive(&registry, account, district, services.now()), ..filter };
    read_page(services, registry, (district, lang), move |conn, lines| {
        let rows = search::page(conn, district, &scope, &sought, &filter)?;
        rows.iter().for_each(|row| lines.add(row, None));
        Ok(next_cursor(rows.len(), limit, rows.last().map(|row| row.id)))
    })
    .await
}

/// How many tickets and orders a unit has, by state.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn counts(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    lang: Lang,
) -> Result<CountsView, Fail> {
    let registry = services.registry();
    let (district, scope) = scope(&registry, account, unit)?;
    let mut own = account.posts.iter().filter(|post| post.role != Role::Resident).map(|post| post.unit);
    let unit =
        unit.or_else(|| own.next()).and_then(|unit| registry.tree.get(unit)).ok_or(Code::UnitNotFound)?;
    let (unit, level) = (unit.id, unit.level);
    let sensitive = sees_sensitive(&registry, account, district, services.now());
    let (units, is_territory) = match scope {
        Scope::Orders(units) => (units, false),
        _ => (vec![unit], true),
    };
    let (tickets, orders) = services
        .db
        .read(move |conn| {
            let tickets = match is_territory {
                true => Some(counts::in_territory(conn, district, level, unit, sensitive)?),
                false => None,
            };
            Ok::<_, Fail>((tickets, counts::of_orders(conn, district, &units)?))
        })
        .await?;
    let scene = scene(services, &registry, lang, HashMap::new());
    Ok(CountsView {
        unit: UnitRef::of(&scene, unit),
        tickets: tickets.map(|all| all.into_iter().map(|(state, n)| (state.as_str(), n)).collect()),
        orders: orders.into_iter().map(|(state, n)| (state.as_str(), n)).collect(),
    })
}

/// The pool of the caller's territory: urgent first, then near (where the caller says where he is) or old.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn pool(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    near: Option<LonLat>,
    limit: i64,
    lang: Lang,
) -> Result<Written, Fail> {
    let registry = services.registry();
    let (district, scope) = scope(&registry, account, unit)?;
    let now = services.now();
    let sensitive = sees_sensitive(&registry, account, district, now);
    read_page(services, registry, (district, lang), move |conn, lines| {
        let rows = lists::pool(conn, &scope, now, sensitive, POOL_WINDOW)?;
        for (distance, row) in
            by_distance(rows, near).into_iter().take(usize::try_from(limit).unwrap_or_default())
        {
            // A claim that ran out counts as back in the pool before anybody has written that down.
            lines.add(&Summary { state: State::Received, ..row }, distance);
        }
        Ok(None)
    })
    .await
}

/// Urgent ones first, then near ones where there is a place to be near to, then old ones; each with its distance in metres.
fn by_distance(rows: Vec<Summary>, near: Option<LonLat>) -> Vec<(Option<f64>, Summary)> {
    let distance = |row: &Summary| {
        let at = LonLat { lon: row.lon, lat: row.lat };
        near.map(|near| distance_m(near, at))
    };
    let mut rows: Vec<(Option<f64>, Summary)> = rows.into_iter().map(|row| (distance(&row), row)).collect();
    rows.sort_by(|(a, x), (b, y)| {
        let nearer = a.unwrap_or_default().total_cmp(&b.unwrap_or_default());
        y.urgent.cmp(&x.urgent).then(nearer).then(x.id.cmp(&y.id))
    });
    rows
}

/// The work orders of a unit in one state, by deadline.
///
/// # Errors
/// 404 for a unit that is not the caller's; 400 for a bad cursor.
pub async fn orders(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    state: OrderState,
    after: Option<(i64, i64)>,
    limit: i64,
    lang: Lang,
) -> Result<OrderPage, Fail> {
    let registry = services.registry();
    let mine = account.posts.iter().filter(|post| post.role != Role::Resident).map(|post| post.unit);
    let (district, _) = scope(&registry, account, unit)?;
    let unit = unit.or_else(|| mine.into_iter().next()).ok_or(Code::UnitNotFound)?;
    // A department answers for its squads; a territory unit only for itself.
    let is_department = registry.tree.get(unit).is_some_and(|unit| unit.level == Level::Department);
    let units = if is_department { registry.subtree(unit) } else { vec![unit] };
    let rows = services
        .db
        .read(move |conn| lists::orders(conn, &units, state, after, limit).map_err(Fail::from))
        .await?;
    let scene = scene(services, &registry, lang, HashMap::new());
    let full = rows.len() as i64 == limit;
    let last = rows.last().filter(|_| full);
    Ok(OrderPage {
        next_cursor: last.map(|line| format!("{}.{}", line.due_at.millis(), line.ticket.id)),
        items: rows.into_iter().map(|line| order_line(&scene, district, line)).collect(),
    })
}

fn order_line(scene: &Scene<'_>, district: i32, line: OrderLine) -> OrderLineView {
    OrderLineView {
        seq: line.seq,
        unit: UnitRef::of(scene, line.unit),
        kind: line.kind,
        state: line.state,
        due_at: line.due_at,
        overdue: line.state.is_open() && line.due_at < scene.now,
        ticket: TicketLine::of(scene, district, line.ticket, None),
    }
}
