//! Who calls, and what they may: the permission is a type in the handler's signature.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use suishoupai_core::flow::{Actor, Role};
use suishoupai_storage::db::accounts::Account;

use crate::callers;
use crate::http::request_id::CallerId;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::token::TokenError;

/// A set of roles that a route is for. Which rows the caller may touch is decided in the rules.
pub trait Permission {
    /// One of these is needed; empty means any account.
    const ROLES: &'static [Role];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident),*;)+) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Permission for $name {
            const ROLES: &'static [Role] = &[$(Role::$role),*];
        }
    )+ };
}

permissions! {
    /// Any signed-in account.
    Anyone: ;
    /// Somebody with a post in the district's work, observers included.
    Official: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector, Observer, Administrator;
    /// Somebody who works on tickets.
    Worker: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector;
    /// Somebody who walks the grids.
    Field: GridWorker, CommunityOfficer, StreetOfficer;
    /// Somebody who handles: a unit that can be given work.
    Handler: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer;
    /// Those who follow what happens to tickets.
    Watcher: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector, Observer;
    /// Those who may verify and file.
    Filer: GridWorker, CommunityOfficer, StreetOfficer, Dispatcher, DutyChief;
    /// Those who may check a result.
    Checker: GridWorker, CommunityOfficer, StreetOfficer, Dispatcher, DutyChief, Inspector;
    /// Those who handle, and the centre.
    Manager: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief;
    /// As `Manager`, with the head of the centre.
    Resumer: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead;
    /// Those who may propose pictures for the exposure board.
    Exposer: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead;
    /// Those who may summon departments.
    Whistler: CommunityOfficer, StreetOfficer;
    /// The district centre.
    Centre: Dispatcher, DutyChief;
    /// Those at the district who read what its units ask for.
    DistrictDesk: Dispatcher, DutyChief, CentreHead, Inspector, Observer;
    /// Who reviews requests.
    DutyChiefOnly: DutyChief;
    /// The duty chief and the head of the centre.
    Chief: DutyChief, CentreHead;
    /// Those who may decide some request.
    Decider: Dispatcher, DutyChief, CentreHead;
    /// Those who call reporters back.
    Caller: Dispatcher, DutyChief, Inspector;
    /// The district's IT staff.
    Admin: Administrator;
    /// Residents, and grid workers for their own finds.
    Reporter: Resident, GridWorker;
    /// Residents.
    ResidentOnly: Resident;
}

/// The caller, permitted as `P`.
#[derive(Debug)]
pub struct Auth<P> {
    /// The account.
    pub account: Account,
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
        let token = bearer(request);
        let services = request.app_data::<web::Data<Services>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let services = services.ok_or(Code::Internal)?;
            let account = authenticate(&services, &token?).await?;
            request.extensions_mut().insert(CallerId(account.id));
            let permitted =
                P::ROLES.is_empty() || account.posts.iter().any(|post| P::ROLES.contains(&post.role));
            if !permitted {
                return Err(Code::Forbidden.into());
            }
            Ok(Self { account, permission: PhantomData })
        })
    }
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

/// The account of a token, as it is now: a removal or a change of posts takes effect with the next request.
///
/// # Errors
/// 401 for a token that is not, or no longer, good.
pub(crate) async fn authenticate(services: &Services, token: &str) -> Result<Account, Problem> {
    let claims = services.tokens.verify(token, services.now()).map_err(|error| match error {
        TokenError::Expired => Code::TokenExpired,
        TokenError::Invalid => Code::TokenInvalid,
    })?;
    let id = claims.account_id;
    let account =
        callers::find(services, id).await?.filter(|account| account.is_active).ok_or(Code::TokenInvalid)?;
    // Tokens carry whole seconds, so one issued within the second of the change counts as issued after it.
    if claims.issued.plus_millis(999) < account.tokens_from {
        return Err(Code::TokenInvalid.into());
    }
    Ok(account)
}
