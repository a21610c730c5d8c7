//! Tickets as officials read them: the pool, a territory, work orders, one ticket.

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use suishoupai_core::flow::{OrderState, Pressure, State};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::search::{self, Sought};
use suishoupai_storage::db::lists::Filter;
use utoipa::{IntoParams, ToSchema};

use super::places::{coordinate, known_datum};
use super::registrar::Registrar;
use super::{Cursor, Id, Limit, ok, ok_written};
use crate::auth::{Auth, Field, Handler, Official};
use crate::extract::{Path, Query};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::read;
use crate::services::Services;
use crate::view::{CountsView, OrderPage, TicketPage, TicketView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(pool).service(counts).service(list).service(orders).service(one);
}

/// Whose pool, and from where it is seen.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PoolQuery {
    /// Key of a grid, community or street of the caller; without it the first post's.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
    /// Longitude of the caller, degrees; with `lat` and `datum`.
    #[param(minimum = -180, maximum = 180)]
    lon: Option<f64>,
    /// Latitude of the caller, degrees.
    #[param(minimum = -90, maximum = 90)]
    lat: Option<f64>,
    /// Datum of the two.
    #[param(value_type = Option<super::reports::DatumWord>)]
    datum: Option<String>,
    /// Lines at the most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The pool of a territory: what waits to be claimed, urgent first, then near or old.
#[utoipa::path(tag = "tickets", operation_id = "pool", security(("token" = [])), params(PoolQuery),
    responses((status = OK, body = TicketPage)))]
#[get("/tickets/pool")]
async fn pool(
    services: web::Data<Services>,
    caller: Auth<Field>,
    query: Query<PoolQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let near = match (query.lon, query.lat) {
        (Some(lon), Some(lat)) => Some(coordinate(lon, lat, query.datum.as_deref(), "")?.to_wgs84()),
        (None, None) => {
            query.datum.as_deref().map(|datum| known_datum(Some(datum), "")).transpose()?;
            None
        }
        _ => {
            let message = Text::new("lon 与 lat 须同时给出", "lon and lat go together");
            return Err(Problem::new(Code::BadCoordinate).field("lon", "missing", message));
        }
    };
    let unit = query.unit.map(|id| id.0);
    let limit = Limit::or_default(query.limit);
    Ok(ok_written(read::pool(&services, &caller.account, unit, near, limit, lang).await?))
}

/// Which tickets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Key of a unit of the caller, or below it; without it the first post's.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
    /// Only in this state.
    state: Option<State>,
    /// Only of this category.
    #[param(value_type = Option<Words<8>>)]
    category: Option<Words<8>>,
    /// Only what presses so.
    pressure: Option<Pressure>,
    /// Only with photos that were seen before in this way.
    seen_before: Option<SeenBefore>,
    /// Only where all of these words stand in the report, its address or landmark; a Chinese word has two characters or
    /// more. Together with `state` and `category`, newest first.
    #[param(value_type = Option<Words<60>>, example = "路灯 不亮")]
    q: Option<Words<60>>,
    /// `newest` first (also without it), or by `urgency`: what has a running clock, the earliest deadline first.
    #[param(inline)]
    sort: Option<Sort>,
    /// `next_cursor` of the page before, in the same order.
    #[param(value_type = Option<String>, pattern = "^(-?[0-9]{1,15}\\.)?[1-9][0-9]{0,17}$", example = "1042")]
    cursor: Option<ListCursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// Newest first.
    Newest,
    /// The earliest deadline of the present phase first.
    Urgency,
}

/// Where a page of tickets begins: a key, or a deadline and a key.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ListCursor(Option<i64>, i64);

impl TryFrom<String> for ListCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "must be the `next_cursor` of an earlier page";
        let (due, key) = match text.split_once('.') {
            Some((due, key)) => (Some(due.parse().map_err(|_| wrong)?), key),
            None => (None, text.as_str()),
        };
        Ok(Self(due, Cursor::try_from(key.to_owned())?.0))
    }
}

/// Where a list begins: before a key, or after a deadline and a key.
type Beginning = (Option<i64>, Option<(i64, i64)>);

impl ListCursor {
    /// Where a list begins: before a key in the order by age, or after a deadline and a key in that by urgency.
    ///
    /// # Errors
    /// 422 for a cursor of the other order, which would silently begin somewhere else.
    pub(super) fn beginning(cursor: Option<Self>, sort: Option<Sort>) -> Result<Beginning, Problem> {
        let by_urgency = sort == Some(Sort::Urgency);
        if cursor.is_some_and(|ListCursor(due, _)| due.is_some() != by_urgency) {
            let message = Text::new("游标属于另一种排序", "the cursor is of another order");
            return Err(Problem::new(Code::RefusedByRule).field("cursor", "wrong_value", message));
        }
        if by_urgency {
            let from = cursor.map_or((i64::MIN, 0), |ListCursor(due, key)| (due.unwrap_or(i64::MIN), key));
            return Ok((None, Some(from)));
        }
        Ok((cursor.map(|ListCursor(_, key)| key), None))
    }
}

/// The tickets of a territory, or those for which a department has or had an order; newest or most urgent first.
#[utoipa::path(tag = "tickets", operation_id = "tickets", security(("token" = [])), params(ListQuery),
    responses((status = OK, body = TicketPage)))]
#[get("/tickets")]
async fn list(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<ListQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let (before, urgency) = ListCursor::beginning(query.cursor, query.sort)?;
    let sought = query.q.as_ref().map(|words| sought(&query, words.as_str())).transpose()?;
    let filter = Filter {
        state: query.state,
        category: query.category.map(Words::into_string),
        before,
        pressure: query.pressure.map(|pressure| (pressure, services.now())),
        urgency,
        sensitive: false,
        seen_before: query.seen_before,
        limit: Limit::or_default(query.limit),
    };
    let unit = query.unit.map(|id| id.0);
    let page = match sought {
        Some(sought) => read::find(&services, &caller.account, unit, (sought, filter), lang).await?,
        None => read::list(&services, &caller.account, unit, filter, lang).await?,
    };
    Ok(ok_written(page))
}

/// What is sought.
///
/// # Errors
/// 422 for a single character, and for what a search cannot be narrowed by.
fn sought(query: &ListQuery, words: &str) -> Result<Sought, Problem> {
    let refused = |field: &'static str, message: Text| {
        Err(Problem::new(Code::RefusedByRule).field(field, "wrong_value", message))
    };
    if query.sort == Some(Sort::Urgency) || query.pressure.is_some() || query.seen_before.is_some() {
        let message = Text::new(
            "与 q 一起只能用 state 与 category 筛选，按新旧排列",
            "goes with state and category only, newest first",
        );
        return refused("q", message);
    }
    match search::sought(words) {
        Some(sought) => Ok(sought),
        None => refused("q", Text::new("请至少输入两个字", "a Chinese word needs two characters")),
    }
}

/// Whose numbers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountsQuery {
    /// Key of a unit of the caller, or below it; without it the first post's.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
}

/// How many tickets and work orders a unit has, by state: exact at every instant, at whatever volume.
#[utoipa::path(tag = "tickets", operation_id = "ticket_counts", security(("token" = [])), params(CountsQuery),
    responses((status = OK, body = CountsView)))]
#[get("/tickets/counts")]
async fn counts(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<CountsQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&read::counts(&services, &caller.account, query.0.unit.map(|id| id.0), lang).await?))
}

/// Where a page of work orders begins: deadline and ticket.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct OrderCursor(i64, i64);

impl TryFrom<String> for OrderCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let part = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
        text.split_once('.')
            .and_then(|(due, ticket)| Some(Self(part(due)?, part(ticket)?)))
            .ok_or("must be the `next_cursor` of an earlier page")
    }
}

/// Which work orders.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderQuery {
    /// Key of a unit of the caller, or below it; without it the first post's.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
    /// In which state; without it those to be accepted.
    state: Option<OrderState>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,15}\\.[0-9]{1,18}$", example = "1795312800000.1043")]
    cursor: Option<OrderCursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The work orders of a unit (of a department with its squads) in one state, by deadline.
#[utoipa::path(tag = "tickets", operation_id = "work_orders", security(("token" = [])), params(OrderQuery),
    responses((status = OK, body = OrderPage)))]
#[get("/work-orders")]
async fn orders(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    query: Query<OrderQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let state = query.state.unwrap_or(OrderState::Pending);
    let after = query.cursor.map(|OrderCursor(due, ticket)| (due, ticket));
    let limit = Limit::or_default(query.limit);
    let unit = query.unit.map(|id| id.0);
    Ok(ok(&read::orders(&services, &caller.account, unit, state, after, limit, lang).await?))
}

/// One ticket with its reports, evidence, orders and history, and what the caller may do with it.
#[utoipa::path(tag = "tickets", operation_id = "ticket", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = TicketView)))]
#[get("/tickets/{id}")]
async fn one(
    services: web::Data<Services>,
    caller: Auth<Official>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let view = read::ticket(&services, &caller.account, id.0.0, lang).await?;
    let etag = format!("\"{}\"", view.version);
    let mut response = ok(&view);
    if let Ok(value) = etag.parse() {
        response.headers_mut().insert(ETAG, value);
    }
    Ok(response)
}
