//! Changes as they happen: streams of server-sent events.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, ContentType, HeaderName};
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::live::Cursor;
use utoipa::IntoParams;

use super::Id;
use super::registrar::Registrar;
use crate::auth::{Anyone, Auth, Watcher, bearer};
use crate::extract::{Path, Query};
use crate::lang::Text;
use crate::live::{Of, follow};
use crate::problem::{Code, Problem};
use crate::service::read;
use crate::services::Services;

const LAST_EVENT_ID: &str = "last-event-id";
/// Proxies of the kind of nginx keep answers back without it.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(tickets).service(report);
}

/// Which changes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Key of a unit of the caller, or below it: only what lies in it, or for a department has an order of it.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
}

/// Changes of the tickets that the caller sees, as they happen.
///
/// A stream of server-sent events. First comes `ready`, or `reset` where the place of `Last-Event-ID` is not known any
/// more and lists have to be read anew; then a `change` for every line of a history: `ticket`, `number`, `seq`, `verb`,
/// `at`, and the `version` and `state` of the ticket by now. A client that comes back with the last `id` as
/// `Last-Event-ID` misses nothing.
#[utoipa::path(tag = "tickets", operation_id = "ticket_events", security(("token" = [])),
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "The last `id` that was read.",
        pattern = "^[0-9]{1,18}\\.[0-9]{1,18}$", example = "0.1042")),
    responses((status = OK, body = String, content_type = "text/event-stream")))]
#[get("/events")]
async fn tickets(
    request: HttpRequest,
    services: web::Data<Services>,
    caller: Auth<Watcher>,
    query: Query<EventsQuery>,
) -> Result<HttpResponse, Problem> {
    let unit = query.0.unit.map(|id| id.0);
    if unit.is_some() {
        read::own_unit(&services, &caller.account, unit)?;
    }
    stream(&request, &services, caller.account, Of::Tickets(unit)).await
}

/// What happens to one of the caller's own reports, as it happens.
///
/// A stream of server-sent events as that of `/events`; a `change` has `report`, `verb`, `at`, `version` and `state`.
#[utoipa::path(tag = "reports", operation_id = "report_events", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1),
        ("Last-Event-ID" = Option<String>, Header, description = "The last `id` that was read.",
        pattern = "^[0-9]{1,18}\\.[0-9]{1,18}$", example = "0.1042")),
    responses((status = OK, body = String, content_type = "text/event-stream")))]
#[get("/reports/{id}/events")]
async fn report(
    request: HttpRequest,
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    let id = id.0.0;
    let ticket = read::opened_by_own_report(&services, &caller.account, id).await?;
    stream(&request, &services, caller.account, Of::Report { id, ticket }).await
}

async fn stream(
    request: &HttpRequest,
    services: &Services,
    account: Account,
    of: Of,
) -> Result<HttpResponse, Problem> {
    let last = last_event_id(request)?;
    let events = follow(services, (bearer(request)?, account), of, last).await?;
    Ok(HttpResponse::Ok()
        .insert_header(ContentType("text/event-stream".parse().map_err(|_| Code::Internal)?))
        .insert_header((CACHE_CONTROL, "no-store"))
        // What is packed is kept back until there is enough of it, and a packer for each stream takes much memory.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((BUFFERING, "no"))
        .streaming(events))
}

/// The place after which the client reads on.
///
/// # Errors
/// 400 for what is no place.
fn last_event_id(request: &HttpRequest) -> Result<Option<Cursor>, Problem> {
    let Some(header) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let place = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    place.map(Some).ok_or_else(|| {
        let message = Text::new("应为收到的上一个事件的 id", "must be the id of an earlier event");
        Problem::new(Code::InvalidHeader).field("Last-Event-ID", "wrong_value", message)
    })
}
