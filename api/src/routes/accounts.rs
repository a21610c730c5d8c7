//! Sign-in and the caller's own account.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::flow::Role;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{json, ok};
use crate::auth::{Anyone, Auth};
use crate::extract::Json;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::sign_in::{self, Session};
use crate::service::trail;
use crate::services::Services;
use crate::view::{Instant, UnitRef};
use crate::words::Words;

pub(super) fn register(config: &mut ServiceConfig<'_>) {
    config.service(send_code).service(by_phone).service(by_password).service(me);
}

/// A Chinese mobile number: 11 digits, beginning with 1.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^1[3-9][0-9]{9}$", example = "13800000013")]
pub(crate) struct Phone(String);

impl TryFrom<String> for Phone {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.as_bytes();
        let fits = bytes.len() == 11
            && bytes[0] == b'1'
            && (b'3'..=b'9').contains(&bytes[1])
            && bytes.iter().all(u8::is_ascii_digit);
        if fits { Ok(Self(text)) } else { Err("must be a mobile number of 11 digits, such as 13800000013") }
    }
}

/// A code of 6 digits.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9]{6}$", example = "042719")]
pub(crate) struct SixDigits(String);

impl TryFrom<String> for SixDigits {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err("must be 6 digits") }
    }
}

/// Where to send a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    phone: Phone,
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

/// An official's name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordSignIn {
    name: Words<64>,
    /// At most 256 characters.
    #[schema(value_type = Words<256>)]
    password: Words<256>,
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
    /// Whose it is.
    account: AccountView,
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

fn account_view(services: &Services, account: &Account, lang: Lang) -> AccountView {
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
    }
}

fn session_view(services: &Services, session: Session, lang: Lang) -> HttpResponse {
    ok(&SessionView {
        account: account_view(services, &session.account, lang),
        access_token: session.token,
        token_type: "Bearer",
        expires_at: session.expires,
    })
}

/// Sends a sign-in code to a phone. The answer is the same whether the phone is known or not.
#[utoipa::path(tag = "sign-in", operation_id = "send_code", responses((status = ACCEPTED, body = CodeSent)))]
#[post("/auth/codes")]
async fn send_code(services: web::Data<Services>, body: Json<CodeRequest>) -> Result<HttpResponse, Problem> {
    sign_in::send_code(&services, &body.0.phone.0).await?;
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
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let (phone, code) = (&body.0.phone.0, &body.0.code.0);
    let outcome = sign_in::by_phone(&services, phone, code).await;
    let session = trail::signed_in(&services, "phone", phone, outcome).await?;
    Ok(session_view(&services, session, lang))
}

/// Signs an official in by name and password.
#[utoipa::path(tag = "sign-in", operation_id = "sign_in_by_password", responses((status = OK, body = SessionView)))]
#[post("/auth/password")]
async fn by_password(
    services: web::Data<Services>,
    body: Json<PasswordSignIn>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let PasswordSignIn { name, password } = body.into_inner();
    let outcome = sign_in::by_password(&services, name.as_str(), password.into_string()).await;
    let session = trail::signed_in(&services, "login", name.as_str(), outcome).await?;
    Ok(session_view(&services, session, lang))
}

/// Who am I, and what are my posts?
#[utoipa::path(tag = "sign-in", operation_id = "me", security(("token" = [])), responses((status = OK, body = AccountView)))]
#[get("/me")]
async fn me(services: web::Data<Services>, caller: Auth<Anyone>, lang: Lang) -> HttpResponse {
    ok(&account_view(&services, &caller.account, lang))
}
