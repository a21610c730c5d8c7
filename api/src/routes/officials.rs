//! The officials of the district, as its administrators keep them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, put, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::flow::Role;
use suishoupai_storage::db::accounts::Account;
use utoipa::ToSchema;

use super::accounts::{AccountView, account_view};
use super::registrar::Registrar;
use super::{Id, Limit, PageQuery, json, ok};
use crate::auth::{Admin, Auth};
use crate::extract::{Json, Path, Query};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::officials::{self, MOST_POSTS, WantedPost};
use crate::services::Services;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(list).service(add).service(set_posts).service(disable).service(enable).service(reset);
}

/// A sign-in name.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9_-]{2,32}$", example = "zhang")]
pub(crate) struct Login(String);

impl TryFrom<String> for Login {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        crate::words::login(&text).map(|()| Self(text))
    }
}

/// 岗位
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostBody {
    /// As what.
    role: Role,
    /// The code of the unit, which must be of the level of the role.
    unit_code: Words<20>,
}

/// The posts of an official.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostsBody {
    /// All of them; those that are not named are taken away.
    posts: Posts,
}

/// Posts, at most 100.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "Vec<PostBody>")]
#[schema(value_type = Vec<PostBody>, max_items = 100)]
pub(crate) struct Posts(Vec<PostBody>);

impl TryFrom<Vec<PostBody>> for Posts {
    type Error = String;

    fn try_from(posts: Vec<PostBody>) -> Result<Self, Self::Error> {
        if posts.len() <= MOST_POSTS {
            Ok(Self(posts))
        } else {
            Err(format!("must have at most {MOST_POSTS} entries"))
        }
    }
}

impl Posts {
    pub(super) fn wanted(self) -> Vec<WantedPost> {
        let wanted = |post: PostBody| WantedPost { role: post.role, unit_code: post.unit_code.into_string() };
        self.0.into_iter().map(wanted).collect()
    }
}

/// A new official.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfficialBody {
    /// The sign-in name.
    login: Login,
    /// The name that others see.
    name: Words<50>,
    /// What the official works as, and where.
    posts: Posts,
}

/// An official.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfficialView {
    /// The sign-in name.
    login: String,
    /// Whether it may sign in.
    is_active: bool,
    /// Whether there is a second factor.
    second_factor: bool,
    /// The account.
    account: AccountView,
}

/// Officials.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfficialPage {
    /// By key.
    items: Vec<OfficialView>,
    /// For the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An official with the password for the first sign-in.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfficialAdded {
    /// Who.
    official: OfficialView,
    /// Good until it is changed, which the first sign-in asks for. It is not shown again.
    password: String,
}

/// What is given anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetBody {
    /// Whether the second factor is taken away too.
    second_factor: Option<bool>,
}

/// A password for one sign-in.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasswordMade {
    /// Good until it is changed, which the next sign-in asks for. It is not shown again.
    password: String,
}

fn view(services: &Services, account: &Account, second_factor: bool, lang: Lang) -> OfficialView {
    OfficialView {
        login: account.login.clone().unwrap_or_default(),
        is_active: account.is_active,
        second_factor,
        account: account_view(services, account, lang),
    }
}

/// The officials of the district.
#[utoipa::path(tag = "administration", operation_id = "officials", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = OfficialPage)))]
#[get("/admin/officials")]
async fn list(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    page: Query<PageQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let (after, limit) = (page.0.cursor.map_or(0, |cursor| cursor.0), Limit::or_default(page.0.limit));
    let found = officials::page(&services, caller.account.district, after, limit).await?;
    let last = found.last().filter(|_| i64::try_from(found.len()) == Ok(limit));
    let next_cursor = last.map(|(account, _)| account.id.to_string());
    let items = found.iter().map(|(account, factor)| view(&services, account, *factor, lang)).collect();
    Ok(ok(&OfficialPage { items, next_cursor }))
}

/// Adds an official. The password is shown this once, and has to be changed at the first sign-in.
#[utoipa::path(tag = "administration", operation_id = "add_official", security(("token" = [])),
    responses((status = CREATED, body = OfficialAdded)))]
#[post("/admin/officials")]
async fn add(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    body: Json<OfficialBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let OfficialBody { login, name, posts } = body.into_inner();
    let names = (login.0, name.into_string());
    let (account, password) = officials::add(&services, &caller.account, names, posts.wanted()).await?;
    let official = view(&services, &account, false, lang);
    Ok(json(StatusCode::CREATED, &OfficialAdded { official, password }))
}

/// Gives an official these posts and no others; it holds from the next request on.
#[utoipa::path(tag = "administration", operation_id = "set_posts", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = AccountView)))]
#[put("/admin/officials/{id}/posts")]
async fn set_posts(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
    body: Json<PostsBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let wanted = body.into_inner().posts.wanted();
    let account = officials::set_posts(&services, &caller.account, id.0.0, wanted).await?;
    Ok(ok(&account_view(&services, &account, lang)))
}

/// Keeps an official from signing in; whoever is signed in by this account is signed out at once.
#[utoipa::path(tag = "administration", operation_id = "disable_official", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = AccountView)))]
#[post("/admin/officials/{id}/disable")]
async fn disable(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let account = officials::set_active(&services, &caller.account, id.0.0, false).await?;
    Ok(ok(&account_view(&services, &account, lang)))
}

/// Lets an official sign in again.
#[utoipa::path(tag = "administration", operation_id = "enable_official", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = AccountView)))]
#[post("/admin/officials/{id}/enable")]
async fn enable(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let account = officials::set_active(&services, &caller.account, id.0.0, true).await?;
    Ok(ok(&account_view(&services, &account, lang)))
}

/// Gives an official a new password for one sign-in, and takes the second factor away where that is asked for.
#[utoipa::path(tag = "administration", operation_id = "reset_official", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = PasswordMade)))]
#[post("/admin/officials/{id}/reset")]
async fn reset(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    id: Path<Id>,
    body: Json<ResetBody>,
) -> Result<HttpResponse, Problem> {
    let with_factor = body.0.second_factor.unwrap_or_default();
    let password = officials::reset(&services, &caller.account, id.0.0, with_factor).await?;
    Ok(ok(&PasswordMade { password }))
}
