//! 单点登录: officials by the district's own identity provider.

use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::accounts::{SessionView, session_view};
use super::ok;
use super::registrar::Registrar;
use crate::extract::Json;
use crate::http::client::Client;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::sign_in::sso::{self, Return};
use crate::services::Services;
use crate::view::Instant;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(finish).service(begin);
}

/// A sign-in that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct SsoBegun {
    /// Where to send the browser.
    authorization_url: String,
    /// To be kept until the browser is back, and shown then; to nobody else.
    attempt: String,
    /// Until when it may be finished.
    #[schema(value_type = Instant)]
    expires_at: Moment,
}

/// What the browser comes back with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SsoReturn {
    /// That of the beginning.
    attempt: Words<1000>,
    /// `state` of the address to which the provider has sent the browser.
    state: Words<128>,
    /// `code` of that address.
    code: Words<2000>,
}

/// Begins to sign an official in at the identity provider of the district. 503 where none is configured.
#[utoipa::path(tag = "sign-in", operation_id = "begin_single_sign_on", responses((status = OK, body = SsoBegun)))]
#[post("/auth/sso")]
async fn begin(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let begun = sso::begin(&services).await?;
    Ok(ok(&SsoBegun { authorization_url: begun.url, attempt: begun.attempt, expires_at: begun.until }))
}

/// Signs an official in by what the identity provider has sent the browser back with.
///
/// The first time the provider's person is bound to the official of the same sign-in name. Where the roles need a second
/// factor, the provider must have asked for one.
#[utoipa::path(tag = "sign-in", operation_id = "finish_single_sign_on",
    responses((status = OK, body = SessionView)))]
#[post("/auth/sso/finish")]
async fn finish(
    services: web::Data<Services>,
    body: Json<SsoReturn>,
    client: Client,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SsoReturn { attempt, state, code } = body.into_inner();
    let back =
        Return { attempt: attempt.into_string(), state: state.into_string(), code: code.into_string() };
    let session = sso::finish(&services, back, &client).await?;
    Ok(ok(&session_view(&services, session, lang)))
}
