//! The caller's own devices, password and second factor.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::accounts::{SessionView, session_view};
use super::registrar::Registrar;
use super::{Id, ok};
use crate::auth::{Anyone, Auth, Staff};
use crate::extract::{Json, Path};
use crate::http::client::Client;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::sign_in::{own, sessions};
use crate::services::Services;
use crate::view::Instant;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(devices)
        .service(sign_out_everywhere)
        .service(sign_out)
        .service(change_password)
        .service(factor)
        .service(new_recovery_codes)
        .service(remove_factor);
}

/// A device that is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceView {
    /// The key.
    id: i64,
    /// How it signed in, such as `phone` or `password`.
    means: String,
    /// What it calls itself.
    device: String,
    /// When it signed in.
    #[schema(value_type = Instant)]
    signed_in_at: Moment,
    /// When it last asked for an access token.
    #[schema(value_type = Instant)]
    last_seen_at: Moment,
    /// When it has to sign in again.
    #[schema(value_type = Instant)]
    expires_at: Moment,
    /// Whether it is the one that asks.
    current: bool,
}

/// Devices that are signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceList {
    /// The one used last first; at most 50.
    items: Vec<DeviceView>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The present one.
    password: Words<256>,
    /// The new one: at least 8 characters, and none of those that are tried first.
    new_password: Words<256>,
}

/// Password and code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactorProof {
    /// The password.
    password: Words<256>,
    /// The code that the second factor shows, or a recovery code.
    code: Words<64>,
}

/// How it stands with the second factor.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorView {
    /// Whether a code is asked for.
    enabled: bool,
    /// Whether the caller's roles need one.
    required: bool,
    /// Recovery codes that have not been used.
    recovery_codes_left: i64,
}

/// Recovery codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Each is taken once instead of a code; they are not shown again.
    recovery_codes: Vec<String>,
}

/// The devices on which I am signed in.
#[utoipa::path(tag = "sign-in", operation_id = "devices", security(("token" = [])),
    responses((status = OK, body = DeviceList)))]
#[get("/me/devices")]
async fn devices(services: web::Data<Services>, caller: Auth<Anyone>) -> Result<HttpResponse, Problem> {
    let list = sessions::devices(&services, caller.account.id).await?;
    let view = |device: suishoupai_storage::db::identity::sessions::Device| DeviceView {
        current: caller.session == Some(device.id),
        id: device.id,
        means: device.means,
        device: device.device,
        signed_in_at: Moment::from_millis(device.created_at),
        last_seen_at: Moment::from_millis(device.last_at),
        expires_at: Moment::from_millis(device.expires_at),
    };
    Ok(ok(&DeviceList { items: list.into_iter().map(view).collect() }))
}

/// Signs one of my devices out, at once; it may be the one that asks.
#[utoipa::path(tag = "sign-in", operation_id = "sign_out", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = NO_CONTENT, description = "It is signed out.")))]
#[delete("/me/devices/{id}")]
async fn sign_out(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    sessions::sign_out(&services, caller.account.id, id.0.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Signs all my devices out, at once, the one that asks included.
#[utoipa::path(tag = "sign-in", operation_id = "sign_out_everywhere", security(("token" = [])),
    responses((status = NO_CONTENT, description = "All are signed out.")))]
#[delete("/me/devices")]
async fn sign_out_everywhere(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
) -> Result<HttpResponse, Problem> {
    sessions::sign_out_everywhere(&services, caller.account.id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes my password. All devices are signed out, and the one that asks is signed in anew.
#[utoipa::path(tag = "sign-in", operation_id = "change_password", security(("token" = [])),
    responses((status = OK, body = SessionView)))]
#[post("/me/password")]
async fn change_password(
    services: web::Data<Services>,
    caller: Auth<Staff>,
    body: Json<PasswordChange>,
    client: Client,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let PasswordChange { password, new_password } = body.into_inner();
    let passwords = (password.into_string(), new_password.into_string());
    let session = own::change_password(&services, &caller.account, passwords, &client).await?;
    Ok(ok(&session_view(&services, session, lang)))
}

/// How it stands with my second factor. It is set up at `/auth/second-factor`.
#[utoipa::path(tag = "sign-in", operation_id = "second_factor", security(("token" = [])),
    responses((status = OK, body = FactorView)))]
#[get("/me/second-factor")]
async fn factor(services: web::Data<Services>, caller: Auth<Staff>) -> Result<HttpResponse, Problem> {
    let own::Factor { enabled, required, recovery_left } = own::factor(&services, &caller.account).await?;
    Ok(ok(&FactorView { enabled, required, recovery_codes_left: recovery_left }))
}

/// Makes new recovery codes; those of before are no longer taken.
#[utoipa::path(tag = "sign-in", operation_id = "new_recovery_codes", security(("token" = [])),
    responses((status = OK, body = RecoveryCodes)))]
#[post("/me/second-factor/recovery-codes")]
async fn new_recovery_codes(
    services: web::Data<Services>,
    caller: Auth<Staff>,
    body: Json<FactorProof>,
    client: Client,
) -> Result<HttpResponse, Problem> {
    let FactorProof { password, code } = body.into_inner();
    let proof = (password.into_string(), code.into_string());
    let recovery_codes = own::new_recovery_codes(&services, &caller.account, proof, &client).await?;
    Ok(ok(&RecoveryCodes { recovery_codes }))
}

/// Takes my second factor away, where my roles do not need one.
#[utoipa::path(tag = "sign-in", operation_id = "remove_second_factor", security(("token" = [])),
    responses((status = NO_CONTENT, description = "It is gone.")))]
#[post("/me/second-factor/remove")]
async fn remove_factor(
    services: web::Data<Services>,
    caller: Auth<Staff>,
    body: Json<FactorProof>,
    client: Client,
) -> Result<HttpResponse, Problem> {
    let FactorProof { password, code } = body.into_inner();
    let proof = (password.into_string(), code.into_string());
    own::drop_factor(&services, &caller.account, proof, &client).await?;
    Ok(HttpResponse::NoContent().finish())
}
