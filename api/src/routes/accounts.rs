//! Sign-in and the caller's own account.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::flow::Role;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use utoipa::ToSchema;

use super::registrar::Registrar;
use super::sign_in_words::{DeviceId, Phone, SixDigits};
use super::{json, ok};
use crate::auth::{Anyone, Auth};
use crate::extract::Json;
use crate::http::client::Client;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::restrictions;
use crate::service::sign_in::official::{self, Attempt};
use crate::service::sign_in::sessions::{self, Session};
use crate::service::sign_in::{self, mini_program};
use crate::services::Services;
use crate::view::{Instant, OwnRestriction, UnitRef};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(send_code)
        .service(by_phone)
        .service(by_mini_program)
        .service(by_password)
        .service(confirm_factor)
        .service(begin_factor)
        .service(refresh)
        .service(me);
}

/// Where to send a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    phone: Phone,
    /// By which the application knows this device, the same each time: drawn by lot when it was installed, such as a UUID.
    /// It is counted by, and not kept.
    device_id: Option<DeviceId>,
}

/// A code has been sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeSent {
    /// How long it is good, seconds.
    expires_in: u32,
    /// After how many seconds another one may be asked for.
    retry_after: u32,
}

/// Phone and the code that was sent to it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhoneSignIn {
    phone: Phone,
    code: SixDigits,
}

/// A code of a mini-program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MiniProgramSignIn {
    /// What the platform gave to the page.
    code: Words<128>,
}

/// An official's name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordSignIn {
    name: Words<64>,
    /// At most 256 characters.
    #[schema(value_type = Words<256>)]
    password: Words<256>,
    /// The code that the second factor shows, or a recovery code; needed where there is a second factor.
    code: Option<Words<64>>,
    /// Takes the place of the password; needed where somebody else has set the present one.
    new_password: Option<Words<256>>,
}

impl PasswordSignIn {
    fn attempt(self) -> Attempt {
        Attempt {
            name: self.name.into_string(),
            password: self.password.into_string(),
            code: self.code.map(Words::into_string),
            new_password: self.new_password.map(Words::into_string),
        }
    }
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshBody {
    /// That of the last sign-in or refresh.
    refresh_token: Words<128>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// To be sent as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When the token expires.
    #[schema(value_type = Instant)]
    expires_at: Moment,
    /// Gives the next access token and the next refresh token at `/auth/refresh`, once.
    refresh_token: String,
    /// When one has to sign in again.
    #[schema(value_type = Instant)]
    refresh_expires_at: Moment,
    /// The key of this device in `/me/devices`.
    device_id: i64,
    /// Whose it is.
    account: AccountView,
}

/// A session, with the recovery codes of a new second factor.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorConfirmed {
    /// Signed in.
    session: SessionView,
    /// Each is taken once instead of a code; they are not shown again.
    recovery_codes: Vec<String>,
}

/// A second factor to be confirmed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorSetup {
    /// To be typed into an application for codes by time.
    secret: String,
    /// The same, to be scanned as a picture.
    uri: String,
}

/// An official's name and password, for a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactorBegin {
    name: Words<64>,
    /// At most 256 characters.
    #[schema(value_type = Words<256>)]
    password: Words<256>,
}

/// The first code of a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactorConfirm {
    name: Words<64>,
    /// At most 256 characters.
    #[schema(value_type = Words<256>)]
    password: Words<256>,
    /// The code that the application shows.
    code: SixDigits,
    /// Takes the place of the password; needed where somebody else has set the present one.
    new_password: Option<Words<256>>,
}

/// The caller's account.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountView {
    /// The key.
    id: i64,
    /// An official's name, or a resident's masked number.
    display_name: String,
    /// The district, six digits.
    #[schema(example = 350203)]
    district: i32,
    /// All posts.
    posts: Vec<PostView>,
    /// Why and until when no report of the caller is taken; absent where that is not so, and at sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    restriction: Option<OwnRestriction>,
}

/// 岗位
#[derive(Serialize, ToSchema)]
pub(crate) struct PostView {
    /// As what.
    role: Role,
    /// As what, in the caller's language.
    role_name: String,
    /// Where; absent for residents.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<UnitRef>,
}

pub(super) fn account_view(services: &Services, account: &Account, lang: Lang) -> AccountView {
    let registry = services.registry();
    let scene = crate::view::Scene {
        lang,
        registry: &registry,
        links: &services.links,
        now: services.now(),
        names: std::collections::HashMap::new(),
    };
    let posts = account.posts.iter().map(|post| PostView {
        role: post.role,
        role_name: scene.pick(post.role.zh(), post.role.en()),
        unit: (post.role != Role::Resident).then(|| UnitRef::of(&scene, post.unit)),
    });
    AccountView {
        id: account.id,
        display_name: account.display_name.clone(),
        district: account.district,
        posts: posts.collect(),
        restriction: None,
    }
}

pub(super) fn session_view(services: &Services, session: Session, lang: Lang) -> SessionView {
    SessionView {
        account: account_view(services, &session.account, lang),
        access_token: session.token,
        token_type: "Bearer",
        expires_at: session.expires,
        refresh_token: session.refresh,
        refresh_expires_at: session.refresh_expires,
        device_id: session.id,
    }
}

/// Sends a sign-in code to a phone. The answer is the same whether the phone is known or not.
#[utoipa::path(tag = "sign-in", operation_id = "send_code", responses((status = ACCEPTED, body = CodeSent)))]
#[post("/auth/codes")]
async fn send_code(
    services: web::Data<Services>,
    body: Json<CodeRequest>,
    client: Client,
) -> Result<HttpResponse, Problem> {
    let device = body.0.device_id.as_ref().map(|device| device.0.as_str());
    sign_in::send_code(&services, &body.0.phone.0, device, &client).await?;
    let auth = &services.config.auth;
    let sent = CodeSent { expires_in: auth.code_minutes * 60, retry_after: auth.code_interval_seconds };
    Ok(json(StatusCode::ACCEPTED, &sent))
}

/// Signs a resident in by phone and code; the first time makes the account.
#[utoipa::path(tag = "sign-in", operation_id = "sign_in_by_phone", responses((status = OK, body = SessionView)))]
#[post("/auth/phone")]
async fn by_phone(
    services: web::Data<Services>,
    body: Json<PhoneSignIn>,
    client: Client,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let session = sign_in::by_phone(&services, &body.0.phone.0, &body.0.code.0, &client).await?;
    Ok(ok(&session_view(&services, session, lang)))
}

/// Signs a resident in by the code of a mini-program; the first time makes the account. 503 where no platform is configured.
#[utoipa::path(tag = "sign-in", operation_id = "sign_in_by_mini_program",
    responses((status = OK, body = SessionView)))]
#[post("/auth/mini-program")]
async fn by_mini_program(
    services: web::Data<Services>,
    body: Json<MiniProgramSignIn>,
    client: Client,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let session = mini_program::by_mini_program(&services, body.0.code.as_str(), &client).await?;
    Ok(ok(&session_view(&services, session, lang)))
}

/// Signs an official in by name and password.
///
/// Where there is a second factor, 401 `second_factor_required` asks for its code beside the password; where one has to be
/// set up first, the answer is 403 `second_factor_setup_required`; where somebody else has set the password, 403
/// `password_change_required` asks for a new one beside it.
#[utoipa::path(tag = "sign-in", operation_id = "sign_in_by_password", responses((status = OK, body = SessionView)))]
#[post("/auth/password")]
async fn by_password(
    services: web::Data<Services>,
    body: Json<PasswordSignIn>,
    client: Client,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let session = official::by_password(&services, body.0.attempt(), &client).await?;
    Ok(ok(&session_view(&services, session, lang)))
}

/// Begins to set a second factor up: codes by time, RFC 6238. It is asked for once it has been confirmed.
#[utoipa::path(tag = "sign-in", operation_id = "begin_second_factor", responses((status = OK, body = FactorSetup)))]
#[post("/auth/second-factor")]
async fn begin_factor(
    services: web::Data<Services>,
    body: Json<FactorBegin>,
    client: Client,
) -> Result<HttpResponse, Problem> {
    let FactorBegin { name, password } = body.into_inner();
    let begun = official::begin_factor(&services, name.as_str(), password.into_string(), &client).await?;
    Ok(ok(&FactorSetup { secret: begun.secret, uri: begun.uri }))
}

/// Confirms a second factor by its first code, and signs in. The recovery codes are shown this once.
#[utoipa::path(tag = "sign-in", operation_id = "confirm_second_factor",
    responses((status = OK, body = FactorConfirmed)))]
#[post("/auth/second-factor/confirm")]
async fn confirm_factor(
    services: web::Data<Services>,
    body: Json<FactorConfirm>,
    client: Client,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let FactorConfirm { name, password, code, new_password } = body.into_inner();
    let attempt = Attempt {
        name: name.into_string(),
        password: password.into_string(),
        code: Some(code.0),
        new_password: new_password.map(Words::into_string),
    };
    let (session, recovery_codes) = official::confirm_factor(&services, attempt, &client).await?;
    Ok(ok(&FactorConfirmed { session: session_view(&services, session, lang), recovery_codes }))
}

/// Exchanges a refresh token for the next access token and the next refresh token.
///
/// The token of before is taken once more within a minute, of a client that lost the answer; later it signs the device
/// out, because then somebody has a copy.
#[utoipa::path(tag = "sign-in", operation_id = "refresh", responses((status = OK, body = SessionView)))]
#[post("/auth/refresh")]
async fn refresh(
    services: web::Data<Services>,
    body: Json<RefreshBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let session = sessions::refresh(&services, body.0.refresh_token.as_str()).await?;
    Ok(ok(&session_view(&services, session, lang)))
}

/// Who am I, what are my posts, and are my reports taken?
#[utoipa::path(tag = "sign-in", operation_id = "me", security(("token" = [])), responses((status = OK, body = AccountView)))]
#[get("/me")]
async fn me(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let restriction = restrictions::of(&services, &caller.account).await?;
    let restriction = restriction.map(|found| OwnRestriction::of(found, services.now()));
    Ok(ok(&AccountView { restriction, ..account_view(&services, &caller.account, lang) }))
}
