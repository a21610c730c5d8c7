//! 单点登录: officials who sign in at the district's own identity provider, by OpenID Connect: an authorization code with
//! PKCE (RFC 7636), and what the provider has published of itself.
//!
//! Between its two halves a sign-in lies with the client, sealed, so that nobody can fill a table by beginning many.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::identity::subjects;
use suishoupai_storage::db::{Conn, DbError, login};

use super::counted::{address_key, address_policy};
use super::id_token::{self, Expected, Identity, Refused};
use super::official::needs_factor;
use super::remote;
use super::sessions::{Means, Session, open};
use super::told::{Event, What, tell, tell_alone};
use crate::fail::Fail;
use crate::http::client::Client;
use crate::http::rate;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::words;

const PROVIDER: &str = "oidc";
/// For what an attempt is sealed.
const ATTEMPT: &str = "sso";
/// How long somebody may take at the provider, seconds.
const ATTEMPT_SECONDS: i64 = 600;
/// How long what a provider has published is taken for true, and how soon it is asked again for a key that is not known,
/// milliseconds.
const FRESH: i64 = 3600 * 1000;
const AGAIN: i64 = 60 * 1000;

/// What the provider has published of itself; asked for when it is needed.
#[derive(Debug, Default)]
pub struct Provider(tokio::sync::Mutex<Option<Known>>);

#[derive(Clone, Debug)]
struct Known {
    place: Arc<Place>,
    keys: Arc<JwkSet>,
    at: Moment,
}

/// OpenID Connect Discovery 1.0, section 3, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Place {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// The settings of a provider that is there.
struct Settings<'a> {
    issuer: &'a str,
    client_id: &'a str,
    redirect_url: &'a str,
}

fn settings(services: &Services) -> Result<Settings<'_>, Fail> {
    let auth = &services.config.auth;
    match (&auth.oidc_issuer, &auth.oidc_client_id, &auth.oidc_redirect_url) {
        (Some(issuer), Some(client_id), Some(redirect_url)) => {
            Ok(Settings { issuer, client_id, redirect_url })
        }
        _ => Err(Code::Unavailable.into()),
    }
}

/// What the provider has published: as of the last hour, or not older than `since`.
async fn known(services: &Services, settings: &Settings<'_>, since: Option<Moment>) -> Result<Known, Fail> {
    let waiting = tokio::time::timeout(remote::PATIENCE, services.sso.0.lock());
    let mut known = waiting.await.map_err(|_| remote::unavailable("others wait for it already"))?;
    let now = services.now();
    let is_good = |known: &Known| {
        let age = now.millis() - known.at.millis();
        (0..FRESH).contains(&age) && since.is_none_or(|since| known.at >= since || age < AGAIN)
    };
    if let Some(known) = known.as_ref().filter(|known| is_good(known)) {
        return Ok(known.clone());
    }
    let http = remote::http()?;
    let address = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
    let place: Place = remote::json(http.get(address).send().await.map_err(remote::failed)?).await?;
    let is_secret = settings.issuer.starts_with("https://");
    let addresses = [&place.authorization_endpoint, &place.token_endpoint, &place.jwks_uri];
    let fits =
        |address: &&String| address.starts_with("https://") || (!is_secret && address.starts_with("http://"));
    if place.issuer != settings.issuer || !addresses.iter().all(fits) {
        return Err(remote::unavailable("it says that it is another provider, or names unsafe addresses"));
    }
    let keys: JwkSet = remote::json(http.get(&place.jwks_uri).send().await.map_err(remote::failed)?).await?;
    let fresh = Known { place: Arc::new(place), keys: Arc::new(keys), at: now };
    *known = Some(fresh.clone());
    Ok(fresh)
}

/// What has to be known again when somebody comes back from the provider.
#[derive(Serialize, Deserialize)]
struct Attempt {
    nonce: String,
    verifier: String,
    until: i64,
}

/// A sign-in that has begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Where to sign in.
    pub url: String,
    /// To be shown when it is finished, and to nobody else.
    pub attempt: String,
    /// Until when it may be finished.
    pub until: Moment,
}

/// By this the provider's answer is known to belong to the attempt.
fn state_of(attempt: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.as_bytes()))
}

fn draw() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Begins a sign-in at the provider.
///
/// # Errors
/// 503 where none is configured or it does not answer as it should.
pub async fn begin(services: &Services) -> Result<Begun, Fail> {
    let settings = settings(services)?;
    let known = known(services, &settings, None).await?;
    let until = services.now().plus_seconds(ATTEMPT_SECONDS);
    let attempt = Attempt { nonce: draw(), verifier: draw(), until: until.millis() };
    let text = serde_json::to_string(&attempt).map_err(|error| Fail::internal(&error))?;
    let sealed = services.sealer.seal(ATTEMPT, &text).map_err(|error| Fail::internal(&error))?;
    let sealed = URL_SAFE_NO_PAD.encode(sealed);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.verifier.as_bytes()));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", settings.client_id)
        .append_pair("redirect_uri", settings.redirect_url)
        .append_pair("scope", &services.config.auth.oidc_scopes)
        .append_pair("state", &state_of(&sealed))
        .append_pair("nonce", &attempt.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let endpoint = &known.place.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    Ok(Begun { url: format!("{endpoint}{joint}{query}"), attempt: sealed, until })
}

/// With what somebody comes back from the provider.
#[derive(Clone, Debug)]
pub struct Return {
    /// That of [`Begun`].
    pub attempt: String,
    /// That of the address to which the provider has sent the browser.
    pub state: String,
    /// The provider's code.
    pub code: String,
}

/// Finishes a sign-in at the provider.
///
/// # Errors
/// 401 for an attempt or a code that is not good, 403 where there is no such official or the roles need a second factor
/// that the provider has not asked for; 429 after many failures from one address; 503 where the provider does not answer as
/// it should.
pub async fn finish(services: &Services, back: Return, client: &Client) -> Result<Session, Fail> {
    let settings = settings(services)?;
    let now = services.now();
    let key = address_key(services, client);
    let policy = address_policy(services);
    let window = policy.window_millis();
    let counting = key.clone();
    let (hits, until) =
        services.db.write(move |conn| Ok::<_, Fail>(login::hit(conn, &counting, window, now)?)).await?;
    if policy.is_over(hits) {
        return Err(policy.exceeded(until.millis() - now.millis()).into());
    }
    rate::tell(policy.after(hits, until, now));
    let outcome = shown(services, &settings, &back).await;
    if !matches!(outcome, Ok(None)) {
        // Only what was looked at and found wrong goes on being counted.
        services.db.write(move |conn| Ok::<_, Fail>(login::take_back(conn, &key, window, now)?)).await?;
    }
    let Some(identity) = outcome? else {
        tell_alone(services, Event::tried(What::Failed, None).with(PROVIDER)).await?;
        return Err(Code::CodeWrong.into());
    };
    let by_second_factor = identity.by_second_factor;
    let account = account(services, settings.issuer, identity).await?;
    if needs_factor(services, &account) && !by_second_factor {
        let text = Text::new(
            "您的岗位必须使用二次验证，请在统一登录平台开启后重试",
            "your role needs a second factor: have the provider ask for one",
        );
        return Err(Problem::new(Code::Forbidden).detail(text).into());
    }
    open(services, account, Means::SingleSignOn, client).await
}

/// Who has signed in; none where attempt, code or token is not good.
async fn shown(
    services: &Services,
    settings: &Settings<'_>,
    back: &Return,
) -> Result<Option<Identity>, Fail> {
    let Some(attempt) = attempt_of(services, back) else { return Ok(None) };
    let mut known = known(services, settings, None).await?;
    let Some(token) = exchange(services, settings, &known.place, &attempt, &back.code).await? else {
        return Ok(None);
    };
    let auth = &services.config.auth;
    let expected = Expected {
        issuer: settings.issuer,
        client_id: settings.client_id,
        nonce: &attempt.nonce,
        login_claim: &auth.oidc_login_claim,
    };
    let mut read = id_token::read(&token, &known.keys, &expected, services.now());
    if read == Err(Refused::UnknownKey) {
        known = self::known(services, settings, Some(services.now())).await?;
        read = id_token::read(&token, &known.keys, &expected, services.now());
    }
    match read {
        Ok(identity) => Ok(Some(identity)),
        Err(refused) => {
            tracing::warn!(?refused, "the provider's token is not believed");
            Ok(None)
        }
    }
}

fn attempt_of(services: &Services, back: &Return) -> Option<Attempt> {
    let is_own: bool = state_of(&back.attempt).as_bytes().ct_eq(back.state.as_bytes()).into();
    let sealed = URL_SAFE_NO_PAD.decode(back.attempt.as_bytes()).ok().filter(|_| is_own)?;
    let text = services.sealer.open(ATTEMPT, &sealed).ok()?;
    let attempt: Attempt = serde_json::from_str(&text).ok()?;
    (attempt.until > services.now().millis()).then_some(attempt)
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
}

/// The ID token for a code; none where the provider does not take the code.
async fn exchange(
    services: &Services,
    settings: &Settings<'_>,
    place: &Place,
    attempt: &Attempt,
    code: &str,
) -> Result<Option<String>, Fail> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", settings.redirect_url),
        ("code_verifier", &attempt.verifier),
        ("client_id", settings.client_id),
    ];
    let secret = services.config.auth.oidc_client_secret.as_ref();
    let ways = &place.token_endpoint_auth_methods_supported;
    // Where a provider says nothing, it takes the header (Discovery, section 3).
    let in_header = ways.is_empty() || ways.iter().any(|way| way == "client_secret_basic");
    if let Some(secret) = secret.filter(|_| !in_header) {
        form.push(("client_secret", secret.expose()));
    }
    let mut request = remote::http()?.post(&place.token_endpoint).form(&form);
    if let Some(secret) = secret.filter(|_| in_header) {
        // RFC 6749, section 2.3.1: both halves are encoded as in forms.
        let coded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        request = request.basic_auth(coded(settings.client_id), Some(coded(secret.expose())));
    }
    let answer = request.send().await.map_err(remote::failed)?;
    if answer.status().as_u16() == 400 {
        let denied: Result<Denied, _> = serde_json::from_slice(&remote::body(answer).await?);
        return match denied {
            Ok(denied) if denied.error == "invalid_grant" => Ok(None),
            _ => Err(remote::unavailable("it refuses this client")),
        };
    }
    Ok(Some(remote::json::<Tokens>(answer).await?.id_token))
}

/// The official of the provider's person: the one it was at the first sign-in, by name then. Later the name may change
/// there, and nobody else who gets it becomes this official.
async fn account(services: &Services, issuer: &str, identity: Identity) -> Result<Account, Fail> {
    let subject = services.sealer.index(PROVIDER, &format!("{issuer}\0{}", identity.subject));
    let login = identity.login.filter(|login| words::login(login).is_ok());
    let now = services.now();
    let found = services
        .db
        .write(move |conn| match subjects::find(conn, PROVIDER, &subject)? {
            Some(id) => Ok(accounts::find(conn, id)?),
            None => bind(conn, &subject, login.as_deref(), now),
        })
        .await?;
    found.filter(|account| account.is_official && account.is_active).ok_or_else(|| {
        let text =
            Text::new("本系统没有您的账号，请联系管理员", "you have no account here: ask an administrator");
        Problem::new(Code::Forbidden).detail(text).into()
    })
}

fn bind(conn: &mut Conn, subject: &[u8], login: Option<&str>, now: Moment) -> Result<Option<Account>, Fail> {
    let Some(login) = login else { return Ok(None) };
    let named = accounts::find_by_login(conn, login)?;
    let Some(account) = named.filter(|account| account.is_official && account.is_active) else {
        return Ok(None);
    };
    if subjects::has_one(conn, PROVIDER, account.id)? {
        return Ok(None);
    }
    // Two first sign-ins at once: the second finds what the first one wrote.
    subjects::insert(conn, (PROVIDER, subject), account.id, now).map_err(|error| match error {
        DbError::Constraint(_) => DbError::Conflict,
        other => other,
    })?;
    tell(conn, &Event::of(What::SubjectBound, account.id).with(PROVIDER), now)?;
    Ok(Some(account))
}
