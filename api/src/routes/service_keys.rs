//! 接口密钥: the keys by which other systems call the API.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::identity::service_keys as rows;
use utoipa::ToSchema;

use super::officials::Posts;
use super::registrar::Registrar;
use super::{Id, Limit, PageQuery, json, ok};
use crate::auth::{Admin, Auth};
use crate::extract::{Json, Path, Query};
use crate::fail::Fail;
use crate::problem::Problem;
use crate::service::service_keys::{self, NewKey, Scope};
use crate::services::Services;
use crate::view::Instant;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(list).service(add).service(revoke);
}

/// For how many days a key is good: 1 to 730.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(try_from = "u32")]
#[schema(value_type = u32, minimum = 1, maximum = 730, example = 365)]
pub(crate) struct Days(u32);

impl TryFrom<u32> for Days {
    type Error = &'static str;

    fn try_from(days: u32) -> Result<Self, Self::Error> {
        if (1..=730).contains(&days) { Ok(Self(days)) } else { Err("must be from 1 to 730") }
    }
}

/// What a key is good for: at least one scope.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "Vec<Scope>")]
#[schema(value_type = Vec<Scope>, min_items = 1, max_items = 3)]
pub(crate) struct Scopes(Vec<Scope>);

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, Self::Error> {
        if (1..=3).contains(&scopes.len()) { Ok(Self(scopes)) } else { Err("must have 1 to 3 entries") }
    }
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyBody {
    /// Which system gets it; others see this name.
    name: Words<50>,
    /// For what it is good.
    scopes: Scopes,
    /// As what it acts; without posts, as a reporter who sees what it has reported.
    posts: Posts,
    /// For how many days it is good.
    days: Days,
}

/// A key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// The key of the row.
    id: i64,
    /// The account that it acts as.
    account_id: i64,
    /// Which system has it.
    name: String,
    /// For what it is good.
    scopes: Vec<Scope>,
    /// When it was made.
    #[schema(value_type = Instant)]
    created_at: Moment,
    /// From when on it is refused.
    #[schema(value_type = Instant)]
    expires_at: Moment,
    /// Whether it was taken back.
    revoked: bool,
}

/// Keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyPage {
    /// The oldest first.
    items: Vec<KeyView>,
    /// For the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyMade {
    /// Which.
    service_key: KeyView,
    /// To be sent as `Authorization: Bearer …`. It is not shown again.
    key: String,
}

fn view(key: rows::ServiceKey) -> KeyView {
    KeyView {
        id: key.id,
        account_id: key.account,
        scopes: Scope::of_row(&key.scopes),
        name: key.name,
        created_at: Moment::from_millis(key.created_at),
        expires_at: Moment::from_millis(key.expires_at),
        revoked: key.revoked_at.is_some(),
    }
}

/// The keys of other systems, those that were taken back included.
#[utoipa::path(tag = "administration", operation_id = "service_keys", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = KeyPage)))]
#[get("/admin/service-keys")]
async fn list(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    page: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (after, limit) = (page.0.cursor.map_or(0, |cursor| cursor.0), Limit::or_default(page.0.limit));
    let district = caller.account.district;
    let read = move |conn: &mut suishoupai_storage::db::Conn| Ok(rows::page(conn, district, after, limit)?);
    let found: Result<Vec<rows::ServiceKey>, Fail> = services.db.read(read).await;
    let found = found?;
    let last = found.last().filter(|_| i64::try_from(found.len()) == Ok(limit));
    let next_cursor = last.map(|key| key.id.to_string());
    Ok(ok(&KeyPage { items: found.into_iter().map(view).collect(), next_cursor }))
}

/// Makes a key for another system. It is shown this once, and is good at once.
#[utoipa::path(tag = "administration", operation_id = "add_service_key", security(("token" = [])),
    responses((status = CREATED, body = KeyMade)))]
#[post("/admin/service-keys")]
async fn add(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    body: Json<KeyBody>,
) -> Result<HttpResponse, Problem> {
    let KeyBody { name, scopes, posts, days } = body.into_inner();
    let new = NewKey { name: name.into_string(), scopes: scopes.0, posts: posts.wanted(), days: days.0 };
    let (row, key) = service_keys::add(&services, &caller.account, new).await?;
    Ok(json(StatusCode::CREATED, &KeyMade { service_key: view(row), key }))
}

/// Takes a key back; it is refused from the next request on.
#[utoipa::path(tag = "administration", operation_id = "revoke_service_key", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = NO_CONTENT, description = "It is refused.")))]
#[delete("/admin/service-keys/{id}")]
async fn revoke(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    service_keys::revoke(&services, &caller.account, id.0.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
