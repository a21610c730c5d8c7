//! What lies on a desk besides tickets: notices, requests that wait for a decision, summonses.

use std::collections::HashMap;

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use suishoupai_core::flow::{RequestState, Role};
use suishoupai_core::model::UnitId;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::desk;
use utoipa::IntoParams;

use super::registrar::Registrar;
use super::{Cursor, Id, Limit, PageQuery, ok};
use crate::auth::{Auth, Official};
use crate::extract::Query;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;
use crate::view::{
    HeldLineView, HeldPage, NoticePage, NoticeView, RequestLineView, RequestPage, Scene, SummonsPage,
    SummonsView,
};

/// Summonses of one answer at the most.
const MOST: i64 = 100;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(notices).service(requests).service(summonses).service(held);
}

/// Whose desk.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NoticeQuery {
    /// Key of a unit of the caller, or below it; without it all of the caller's own units.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,15}\\.[0-9]{1,18}\\.[0-9]{1,9}$",
        example = "1795312800000.1043.7")]
    cursor: Option<NoticeCursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// Where a page of notices begins: instant, ticket, and line of its history.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NoticeCursor(i64, i64, i64);

impl TryFrom<String> for NoticeCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.split('.').map(|part| part.parse::<i64>().ok().filter(|number| *number >= 0));
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten(), parts.next()) {
            (Some(at), Some(ticket), Some(seq), None) => Ok(Self(at, ticket, seq)),
            _ => Err("must be the `next_cursor` of an earlier page"),
        }
    }
}

/// The units that a caller asks for: one that a post stands over, or those of all posts. A department answers for
/// its squads.
fn units_of(registry: &Registry, account: &Account, unit: Option<UnitId>) -> Result<Vec<UnitId>, Problem> {
    let posts = || account.posts.iter().filter(|post| post.role != Role::Resident);
    match unit {
        Some(unit) => {
            let over = posts().any(|post| registry.tree.is_within(unit, post.unit));
            if over { Ok(vec![unit]) } else { Err(Code::UnitNotFound.into()) }
        }
        None => {
            let of_post = |post: &suishoupai_core::flow::Post| match post.role {
                Role::DepartmentOfficer => registry.subtree(post.unit),
                _ => vec![post.unit],
            };
            Ok(posts().flat_map(of_post).collect())
        }
    }
}

fn scene<'a>(services: &'a Services, registry: &'a Registry, lang: Lang) -> Scene<'a> {
    Scene { lang, registry, links: &services.links, now: services.now(), names: HashMap::new() }
}

/// 提醒: what the caller's units are told about tickets, the newest first.
#[utoipa::path(tag = "tickets", operation_id = "notices", security(("token" = [])), params(NoticeQuery),
    responses((status = OK, body = NoticePage)))]
#[get("/notices")]
async fn notices(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<NoticeQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let registry = services.registry();
    let units = units_of(&registry, &caller.account, query.0.unit.map(|id| id.0))?;
    let limit = Limit::or_default(query.0.limit);
    let before = query.0.cursor.map(|NoticeCursor(at, ticket, seq)| (at, ticket, seq));
    let rows = services
        .db
        .read(move |conn| desk::notices_of(conn, &units, before, limit).map_err(Fail::from))
        .await?;
    let scene = scene(&services, &registry, lang);
    let last = rows.last().filter(|_| rows.len() as i64 == limit);
    Ok(ok(&NoticePage {
        next_cursor: last
            .map(|notice| format!("{}.{}.{}", notice.at.millis(), notice.ticket, notice.event_seq)),
        items: rows.iter().map(|notice| NoticeView::of(&scene, notice)).collect(),
    }))
}

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RequestQuery {
    /// In which state; without it those that wait for a decision.
    state: Option<RequestState>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,17}$", example = "1042")]
    cursor: Option<Cursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// The requests of the district in one state: extensions, suspensions, deferrals, voidings.
#[utoipa::path(tag = "tickets", operation_id = "requests", security(("token" = [])), params(RequestQuery),
    responses((status = OK, body = RequestPage)))]
#[get("/requests")]
async fn requests(
    services: web::Data<Services>,
    caller: Auth<crate::auth::DistrictDesk>,
    query: Query<RequestQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let registry = services.registry();
    let district = caller.account.district;
    let state = query.0.state.unwrap_or(RequestState::Asked);
    let (after, limit) = (query.0.cursor.map(|cursor| cursor.0), Limit::or_default(query.0.limit));
    let rows = services
        .db
        .read(move |conn| desk::requests_of(conn, district, state, after, limit).map_err(Fail::from))
        .await?;
    let scene = scene(&services, &registry, lang);
    let last = rows.last().filter(|_| rows.len() as i64 == limit);
    Ok(ok(&RequestPage {
        next_cursor: last.map(|line| line.ticket.to_string()),
        items: rows.iter().map(|line| RequestLineView::of(&scene, line)).collect(),
    }))
}

/// 待审核: the reports of the district that are suspected of being spam and wait for a look, the oldest first.
#[utoipa::path(tag = "tickets", operation_id = "held_tickets", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = HeldPage)))]
#[get("/reviews/spam")]
async fn held(
    services: web::Data<Services>,
    caller: Auth<crate::auth::DistrictDesk>,
    query: Query<PageQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let registry = services.registry();
    let district = caller.account.district;
    let (after, limit) = (query.0.cursor.map(|cursor| cursor.0), Limit::or_default(query.0.limit));
    let rows =
        services.db.read(move |conn| desk::held_of(conn, district, after, limit).map_err(Fail::from)).await?;
    let scene = scene(&services, &registry, lang);
    let last = rows.last().filter(|_| rows.len() as i64 == limit);
    Ok(ok(&HeldPage {
        next_cursor: last.map(|line| line.ticket.to_string()),
        items: rows.iter().map(|line| HeldLineView::of(&scene, line)).collect(),
    }))
}

/// Whose summonses.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SummonsQuery {
    /// Key of a unit of the caller, or below it; without it all of the caller's own units.
    #[param(value_type = Option<i64>, minimum = 1)]
    unit: Option<Id>,
}

/// 吹哨: the open meetings to which the caller's units are summoned, the next one first.
#[utoipa::path(tag = "tickets", operation_id = "summonses", security(("token" = [])), params(SummonsQuery),
    responses((status = OK, body = SummonsPage)))]
#[get("/summonses")]
async fn summonses(
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<SummonsQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let registry = services.registry();
    let units = units_of(&registry, &caller.account, query.0.unit.map(|id| id.0))?;
    let rows =
        services.db.read(move |conn| desk::summonses_of(conn, &units, MOST).map_err(Fail::from)).await?;
    let scene = scene(&services, &registry, lang);
    Ok(ok(&SummonsPage { items: rows.iter().map(|line| SummonsView::of(&scene, line)).collect() }))
}
