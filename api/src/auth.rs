//! Who calls, and what they may: the permission is a type in the handler's signature, out of the table of `access.rs`.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use suishoupai_core::flow::Actor;
use suishoupai_storage::db::accounts::Account;

pub use crate::access::*;
use crate::callers;
use crate::http::request_id::CallerId;
use crate::problem::{Code, Problem};
use crate::service::service_keys;
use crate::services::Services;
use crate::token::TokenError;

/// The caller, permitted as `P`.
#[derive(Debug)]
pub struct Auth<P> {
    /// The account.
    pub account: Account,
    /// The session by which it is signed in, where there is one.
    pub session: Option<i64>,
    permission: PhantomData<P>,
}

impl<P> Auth<P> {
    /// The caller as the rules see it.
    pub fn actor(&self) -> Actor {
        actor(&self.account)
    }
}

/// An account as the rules see it.
pub fn actor(account: &Account) -> Actor {
    Actor { account: Some(account.id), posts: account.posts.clone(), stands_for: account.stands_for.clone() }
}

impl<P: Permission> FromRequest for Auth<P> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let recognised = request.extensions_mut().remove::<Recognised>();
        let request = request.clone();
        Box::pin(async move {
            let found = match recognised {
                Some(Recognised(found)) => found,
                None => look_up(&request).await,
            };
            let (account, session) = found?;
            request.extensions_mut().insert(CallerId(account.id));
            let permitted =
                P::ROLES.is_empty() || account.posts.iter().any(|post| P::ROLES.contains(&post.role));
            if !permitted {
                return Err(Code::Forbidden.into());
            }
            Ok(Self { account, session, permission: PhantomData })
        })
    }
}

type Found = Result<(Account, Option<i64>), Problem>;

/// What was found out of who calls.
struct Recognised(Found);

/// Middleware: finds out who calls, where somebody says so, before anything else of the request is looked at. Without it
/// a fault of the path or of the body could be answered first, and tell strangers how to call what they may not.
///
/// # Errors
/// Only those of the services inside.
pub async fn recognise<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    // Whether the server is well is told without the database.
    if request.path().starts_with("/api/") && request.headers().contains_key(AUTHORIZATION) {
        let found = look_up(request.request()).await;
        request.extensions_mut().insert(Recognised(found));
    }
    next.call(request).await
}

async fn look_up(request: &HttpRequest) -> Found {
    let token = bearer(request)?;
    let services = request.app_data::<web::Data<Services>>().ok_or(Code::Internal)?;
    let route = if is_key(&token) { request.match_pattern().unwrap_or_default() } else { String::new() };
    caller(services, &token, (request.method().as_str(), route.as_str())).await
}

fn is_key(token: &str) -> bool {
    token.starts_with(service_keys::PREFIX)
}

/// The token of a request.
///
/// # Errors
/// 401 where there is none.
pub(crate) fn bearer(request: &HttpRequest) -> Result<String, Problem> {
    let header = request.headers().get(AUTHORIZATION).ok_or(Code::Unauthenticated)?;
    let text = header.to_str().map_err(|_| Code::TokenInvalid)?;
    let (scheme, token) = text.split_once(' ').ok_or(Code::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Code::Unauthenticated.into());
    }
    Ok(token.trim().to_owned())
}

/// Who holds a token, or a key of another system, as that account is now, and its session where it has one.
///
/// # Errors
/// 401 for what is not, or no longer, good; 403 for a key that is not for this method and route.
pub(crate) async fn caller(services: &Services, token: &str, called: (&str, &str)) -> Found {
    if is_key(token) {
        Ok((service_keys::authenticate(services, token, called).await?, None))
    } else {
        authenticate(services, token).await
    }
}

/// The account of a token, as it is now, and its session: a removal, a change of posts or signing out takes effect with the
/// next request.
async fn authenticate(services: &Services, token: &str) -> Found {
    let claims = services.tokens.verify(token, services.now()).map_err(|error| match error {
        TokenError::Expired => Code::TokenExpired,
        TokenError::Invalid => Code::TokenInvalid,
    })?;
    let found = callers::find(services, claims.account_id, claims.session).await?;
    let account = found.filter(|account| account.is_active).ok_or(Code::TokenInvalid)?;
    // Tokens carry whole seconds, so one issued within the second of the change counts as issued after it.
    if claims.issued.plus_millis(999) < account.tokens_from {
        return Err(Code::TokenInvalid.into());
    }
    Ok((account, claims.session))
}
