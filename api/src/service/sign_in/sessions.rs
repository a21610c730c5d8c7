//! Staying signed in: a session for each device, with an access token of minutes and a refresh token that is exchanged
//! with every use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::identity::sessions::{self, Device, NewSession, Refreshed};
use suishoupai_storage::db::{Conn, login};

use super::told::{Event, What, tell};
use crate::audit;
use crate::callers;
use crate::fail::Fail;
use crate::http::client::Client;
use crate::http::rate::{self, Policy};
use crate::problem::Code;
use crate::services::Services;

/// Refreshes of one session; more are no client that works.
const REFRESHES: Policy = Policy::within("refresh", 240, 3600);

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A code that was sent to a phone.
    Phone,
    /// A code of a mini-program's platform.
    MiniProgram,
    /// An identity provider.
    SingleSignOn,
    /// Name and password, with a second factor where there is one.
    Password,
}

impl Means {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::MiniProgram => "mini_program",
            Self::SingleSignOn => "sso",
            Self::Password => "password",
        }
    }
}

/// What a client is given when it has signed in or refreshed.
#[derive(Clone, Debug)]
pub struct Session {
    /// The access token.
    pub token: String,
    /// When it expires.
    pub expires: Moment,
    /// The refresh token, good once.
    pub refresh: String,
    /// Until when the session may be refreshed.
    pub refresh_expires: Moment,
    /// The key of the session.
    pub id: i64,
    /// Whose it is.
    pub account: Account,
}

/// A session that is about to be opened.
#[derive(Clone)]
pub(super) struct Opening {
    new: NewSession,
    refresh: String,
    hash: Vec<u8>,
    named: Option<String>,
    now: Moment,
}

impl Opening {
    pub(super) async fn prepare(
        services: &Services,
        account: &Account,
        means: Means,
        client: &Client,
    ) -> Result<Self, Fail> {
        let [id] = services.db.ids::<1>().await?;
        // The clock may have been set back since older tokens were revoked; the new one must not count among them.
        let now = services.now().max(account.tokens_from);
        let auth = &services.config.auth;
        let seconds = match account.is_official {
            true => i64::from(auth.official_hours) * 3600,
            false => i64::from(auth.resident_days) * 24 * 3600,
        };
        let (refresh, hash) = draw();
        let new = NewSession {
            id,
            account: account.id,
            means: means.as_str(),
            device: client.device.clone(),
            expires: now.plus_seconds(seconds),
        };
        let named = named(services, account, means)?;
        Ok(Self { new, refresh, hash, named, now })
    }

    pub(super) fn write(&self, conn: &mut Conn) -> Result<(), Fail> {
        sessions::open(conn, &self.new, &self.hash, self.now)?;
        let event = Event::of(What::SignedIn, self.new.account).naming(self.named.clone());
        tell(conn, &event.with(self.new.means), self.now)
    }

    pub(super) fn done(self, services: &Services, account: Account) -> Result<Session, Fail> {
        let issued = services.tokens.issue(account.id, Some(self.new.id), self.now);
        let (token, expires) = issued.map_err(|error| Fail::internal(&error))?;
        let refresh_expires = self.new.expires;
        Ok(Session { token, expires, refresh: self.refresh, refresh_expires, id: self.new.id, account })
    }
}

/// By what the account was named at its sign-in, as the audit trail has it.
fn named(services: &Services, account: &Account, means: Means) -> Result<Option<String>, Fail> {
    Ok(match means {
        Means::Password => account.login.as_deref().map(|login| audit::named(services, "login", login)),
        Means::Phone => {
            let open = |sealed: &Vec<u8>| services.sealer.open("phone", sealed);
            let phone = account.phone_sealed.as_ref().map(open).transpose();
            let phone = phone.map_err(|error| Fail::internal(&error))?;
            phone.map(|phone| audit::named(services, "phone", &phone))
        }
        Means::MiniProgram | Means::SingleSignOn => None,
    })
}

/// Opens a session for an account that has shown who it is.
pub(super) async fn open(
    services: &Services,
    account: Account,
    means: Means,
    client: &Client,
) -> Result<Session, Fail> {
    let opening = Opening::prepare(services, &account, means, client).await?;
    let writing = opening.clone();
    services.db.write(move |conn| writing.write(conn)).await?;
    opening.done(services, account)
}

/// A refresh token and the digest by which it is kept. It is drawn by lot from 256 bits, so the digest needs no key.
fn draw() -> (String, Vec<u8>) {
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let hash = digest(&token);
    (token, hash)
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Exchanges a refresh token for an access token and the next refresh token.
///
/// # Errors
/// 401 for a token that is not known, whose session is over, or that has been exchanged before, which ends the session.
pub async fn refresh(services: &Services, token: &str) -> Result<Session, Fail> {
    let now = services.now();
    let grace = i64::from(services.config.auth.refresh_grace_seconds) * 1000;
    let old = digest(token);
    let (next, next_hash) = draw();
    let rotated = services
        .db
        .write(move |conn| {
            let outcome = sessions::rotate(conn, (&old, &next_hash), grace, now)?;
            let (account, session) = match outcome {
                Refreshed::Rotated { account, session, .. } => (account, session),
                Refreshed::Reused { account, session } => {
                    let event = Event::of(What::TokenReused, account).with(format!("session {session}"));
                    tell(conn, &event, now)?;
                    return Ok(Some((outcome, None, None)));
                }
                Refreshed::Unknown | Refreshed::Over => return Ok(None),
            };
            let window = REFRESHES.window_millis();
            let (hits, until) = login::hit(conn, &format!("refresh/{session}"), window, now)?;
            if REFRESHES.is_over(hits) {
                return Err(REFRESHES.exceeded(until.millis() - now.millis()).into());
            }
            let standing = REFRESHES.after(hits, until, now);
            Ok::<_, Fail>(Some((outcome, accounts::find(conn, account)?, Some(standing))))
        })
        .await?;
    if let Some((Refreshed::Reused { .. }, ..)) = rotated {
        callers::changed(services).await;
    }
    let Some((Refreshed::Rotated { session, created_at, expires_at, .. }, Some(account), standing)) = rotated
    else {
        return Err(Code::RefreshTokenInvalid.into());
    };
    standing.into_iter().for_each(rate::tell);
    // A password that was set from outside, or a removal, ends what began before it.
    if !account.is_active || created_at < account.tokens_from.millis() {
        return Err(Code::RefreshTokenInvalid.into());
    }
    let issued = services.tokens.issue(account.id, Some(session), now.max(account.tokens_from));
    let (token, expires) = issued.map_err(|error| Fail::internal(&error))?;
    let refresh_expires = Moment::from_millis(expires_at);
    Ok(Session { token, expires, refresh: next, refresh_expires, id: session, account })
}

/// The devices on which an account is signed in.
///
/// # Errors
/// The database's.
pub async fn devices(services: &Services, account: AccountId) -> Result<Vec<Device>, Fail> {
    let now = services.now();
    services.db.read(move |conn| Ok(sessions::devices(conn, account, now)?)).await
}

/// Signs one device of an account out.
///
/// # Errors
/// 404 where it has none such that is signed in.
pub async fn sign_out(services: &Services, account: AccountId, session: i64) -> Result<(), Fail> {
    let now = services.now();
    let ended = services
        .db
        .write(move |conn| {
            let ended = sessions::end(conn, account, session, now)?;
            if ended {
                let event = Event::of(What::SignedOut, account).with(format!("session {session}"));
                tell(conn, &event, now)?;
            }
            Ok::<_, Fail>(ended)
        })
        .await?;
    callers::changed(services).await;
    if ended { Ok(()) } else { Err(Code::DeviceNotFound.into()) }
}

/// Signs all devices of an account out.
///
/// # Errors
/// The database's.
pub async fn sign_out_everywhere(services: &Services, account: AccountId) -> Result<(), Fail> {
    let now = services.now();
    services
        .db
        .write(move |conn| {
            sessions::end_all(conn, account, None, now)?;
            tell(conn, &Event::of(What::SignedOutEverywhere, account), now)
        })
        .await?;
    callers::changed(services).await;
    Ok(())
}
