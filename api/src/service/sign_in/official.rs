//! Officials: name and password, a second factor, and locks after failures.

use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::identity::factors::{self, Credentials};
use suishoupai_storage::db::identity::lockouts::Tried;
use suishoupai_storage::db::identity::sessions as rows;

use super::counted::{Counted, Counting, NAME_POLICY};
use super::sessions::{Means, Opening, Session};
use super::told::{Event, What, tell, tell_alone};
use crate::audit;
use crate::callers;
use crate::fail::Fail;
use crate::http::client::Client;
use crate::http::rate;
use crate::lang::Text;
use crate::password::factor::{FactorSecret, recovery_hash};
use crate::password::{PasswordError, rules};
use crate::problem::{Code, Problem};
use crate::services::Services;

/// For what the secret of a second factor is sealed.
const FACTOR: &str = "factor";
/// Which entry it is in the application on the phone.
const ISSUER: &str = "suishoupai";

/// What somebody signs in with.
#[derive(Clone)]
pub struct Attempt {
    /// The sign-in name.
    pub name: String,
    /// The password.
    pub password: String,
    /// A code of the second factor, or a recovery code.
    pub code: Option<String>,
    /// The password that takes the place of the present one.
    pub new_password: Option<String>,
}

/// Somebody whose password was right.
pub(super) struct Known {
    pub(super) account: Account,
    pub(super) credentials: Credentials,
    pub(super) counted: Counted,
}

/// Looks at name and password. A try counts before it is looked at, so that many at once, at whichever processes, are no
/// more than one after the other.
pub(super) async fn verify(
    services: &Services,
    name: &str,
    password: String,
    client: &Client,
) -> Result<Known, Fail> {
    let counted = Counted::new(services, name, client);
    let (Counting { tried, address_locks, standing }, account) = services
        .db
        .write({
            let (counted, name) = (counted.clone(), name.to_owned());
            move |conn| {
                let tried = counted.count(conn)?;
                Ok::<_, Fail>((tried, accounts::find_by_login(conn, &name)?))
            }
        })
        .await?;
    rate::tell(standing);
    // A lock has one line: the trail must not be filled by whoever goes on trying.
    if address_locks {
        tell_alone(services, Event::tried(What::Locked, None).with("address")).await?;
    }
    let locks = match tried? {
        Tried::Counted { locks } => locks,
        Tried::Refused(until) => {
            return Err(NAME_POLICY.exceeded(until.millis() - counted.at.millis()).into());
        }
    };
    let active = account.as_ref().filter(|account| account.is_active);
    let stored = active.and_then(|account| account.password_hash.clone());
    match services.passwords.verify(password, stored).await {
        Ok(true) => {}
        Ok(false) => {
            let named = Some(audit::named(services, "login", name));
            let event = |what| Event::tried(what, account.as_ref().map(|account| account.id));
            let event = |what| event(what).naming(named.clone()).with(Means::Password.as_str());
            tell_alone(services, event(What::Failed)).await?;
            if locks {
                tell_alone(services, event(What::Locked)).await?;
            }
            return Err(Code::LoginFailed.into());
        }
        // Not looked at because the server is busy: nothing was guessed.
        Err(PasswordError::Busy) => {
            return Err(counted.leave(services, Problem::new(Code::Unavailable).retry_after(1)).await);
        }
        Err(other) => return Err(counted.leave(services, Fail::internal(&other)).await),
    }
    let account = account.ok_or(Code::LoginFailed)?;
    let id = account.id;
    let credentials = services.db.read(move |conn| Ok::<_, Fail>(factors::of(conn, id)?)).await?;
    Ok(Known { account, credentials, counted })
}

/// Whether an account needs a second factor, by its roles.
pub fn needs_factor(services: &Services, account: &Account) -> bool {
    let registry = services.registry();
    let in_demo = registry.districts.get(&account.district).is_some_and(|district| district.is_demo);
    // The settings were checked when the server started.
    let roles = services.config.auth.factor_roles(in_demo).unwrap_or_default();
    account.posts.iter().any(|post| roles.contains(&post.role))
}

/// A new password that keeps to the rules, as its hash.
pub(super) async fn acceptable(
    services: &Services,
    account: &Account,
    (old, new): (&str, Option<String>),
) -> Result<Option<String>, Fail> {
    let Some(new) = new else { return Ok(None) };
    if new == old {
        let text = Text::new("新密码不得与原密码相同", "the new password must not be the present one");
        let refused = Problem::new(Code::PasswordRefused).field("/new_password", "same", text);
        return Err(refused.into());
    }
    let login = account.login.as_deref().unwrap_or_default();
    rules::check(&new, login).map_err(|weak| weak.at("/new_password"))?;
    let hash = services.passwords.hash(new).await.map_err(|error| match error {
        PasswordError::Busy => Fail::from(Problem::new(Code::Unavailable).retry_after(1)),
        other => Fail::internal(&other),
    })?;
    Ok(Some(hash))
}

/// The password was right, and the code was not.
fn wrong_factor(account: i64) -> Event {
    Event::tried(What::Failed, Some(account)).with("second_factor")
}

/// What a code is, before it is looked up.
#[derive(Clone)]
pub(super) enum Given {
    Step(i64),
    Recovery(Vec<u8>),
    Wrong,
}

impl Given {
    pub(super) fn read(services: &Services, sealed: &[u8], code: &str) -> Result<Self, Fail> {
        let text = services.sealer.open(FACTOR, sealed).map_err(|error| Fail::internal(&error))?;
        let secret = FactorSecret::from_text(&text).ok_or(Code::Internal)?;
        let code = code.trim();
        Ok(if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            secret.step_of(code, services.now()).map_or(Self::Wrong, Self::Step)
        } else {
            Self::Recovery(recovery_hash(code))
        })
    }

    /// Uses the code up; false where it is none that may be used.
    pub(super) fn prove(&self, conn: &mut Conn, account: i64, now: Moment) -> Result<bool, Fail> {
        let proved = match self {
            Self::Step(step) => factors::use_step(conn, account, *step)?,
            Self::Recovery(hash) => factors::use_recovery(conn, account, hash, now)?,
            Self::Wrong => false,
        };
        match self {
            Self::Recovery(_) if proved => tell(conn, &Event::of(What::RecoveryCodeUsed, account), now)?,
            _ if !proved => tell(conn, &wrong_factor(account), now)?,
            _ => {}
        }
        Ok(proved)
    }
}

/// What is written when everything is right.
#[derive(Clone)]
pub(super) struct Entry {
    account: i64,
    new_hash: Option<String>,
    counted: Counted,
    opening: Opening,
}

impl Entry {
    /// Prepares a sign-in; refuses it where the password has to be changed or the new one may not be chosen.
    pub(super) async fn prepare(
        services: &Services,
        known: &Known,
        attempt: &Attempt,
        client: &Client,
    ) -> Result<Self, Fail> {
        let Known { account, credentials, counted } = known;
        if credentials.must_change && attempt.new_password.is_none() {
            return Err(counted.leave(services, Code::PasswordChangeRequired).await);
        }
        let passwords = (attempt.password.as_str(), attempt.new_password.clone());
        let new_hash = match acceptable(services, account, passwords).await {
            Ok(hash) => hash,
            Err(refused) => return Err(counted.leave(services, refused).await),
        };
        let opening = Opening::prepare(services, account, Means::Password, client).await?;
        Ok(Self { account: account.id, new_hash, counted: counted.clone(), opening })
    }

    pub(super) fn write(&self, conn: &mut Conn, now: Moment) -> Result<(), Fail> {
        if let Some(hash) = &self.new_hash {
            set_password(conn, self.account, hash, now)?;
        }
        self.counted.forgive(conn)?;
        self.opening.write(conn)
    }

    pub(super) async fn done(self, services: &Services, account: Account) -> Result<Session, Fail> {
        if self.new_hash.is_some() {
            callers::changed(services).await;
        }
        self.opening.done(services, account)
    }
}

/// A password that its owner chose; whatever was signed in before is signed out.
pub(super) fn set_password(conn: &mut Conn, account: i64, hash: &str, now: Moment) -> Result<(), Fail> {
    accounts::set_password_of(conn, account, hash, now)?;
    factors::set_must_change(conn, account, false)?;
    rows::end_all(conn, account, None, now)?;
    tell(conn, &Event::of(What::PasswordChanged, account), now)
}

/// Signs an official in by name and password, with the second factor where there is one.
///
/// # Errors
/// 401 for a wrong name or password, the same for both, and for a missing or wrong code; 403 where the password has to be
/// changed or a second factor to be set up first; 422 for a new password that may not be chosen; 429 after failures.
pub async fn by_password(services: &Services, attempt: Attempt, client: &Client) -> Result<Session, Fail> {
    let known = verify(services, &attempt.name, attempt.password.clone(), client).await?;
    let given = match (known.credentials.factor(), &attempt.code) {
        (Some(sealed), Some(code)) => Some(Given::read(services, sealed, code)?),
        (Some(_), None) => return Err(known.counted.leave(services, Code::SecondFactorRequired).await),
        (None, _) if needs_factor(services, &known.account) => {
            return Err(known.counted.leave(services, Code::SecondFactorSetupRequired).await);
        }
        (None, _) => None,
    };
    let entry = Entry::prepare(services, &known, &attempt, client).await?;
    let (writing, id, now) = (entry.clone(), known.account.id, services.now());
    let proved = services
        .db
        .write(move |conn| {
            if let Some(given) = &given
                && !given.prove(conn, id, now)?
            {
                return Ok(false);
            }
            writing.write(conn, now)?;
            Ok::<_, Fail>(true)
        })
        .await?;
    if proved { entry.done(services, known.account).await } else { Err(Code::SecondFactorWrong.into()) }
}

/// A second factor that has yet to be confirmed.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The secret, to be typed.
    pub secret: String,
    /// The same, to be scanned.
    pub uri: String,
}

/// Begins to set a second factor up. Whoever has one already has to take it away first.
///
/// # Errors
/// As [`by_password`]; 409 where there is one.
pub async fn begin_factor(
    services: &Services,
    name: &str,
    password: String,
    client: &Client,
) -> Result<Setup, Fail> {
    let Known { account, counted, .. } = verify(services, name, password, client).await?;
    let secret = FactorSecret::draw();
    let sealed = services.sealer.seal(FACTOR, &secret.to_text()).map_err(|error| Fail::internal(&error))?;
    let begun = services
        .db
        .write(move |conn| {
            counted.forgive(conn)?;
            Ok::<_, Fail>(factors::begin(conn, account.id, &sealed)?)
        })
        .await?;
    if !begun {
        return Err(Code::SecondFactorExists.into());
    }
    Ok(Setup { secret: secret.to_text(), uri: secret.uri(ISSUER, name) })
}

/// Confirms a second factor by its first code, and signs in; with the recovery codes, which are shown this once.
///
/// # Errors
/// As [`by_password`]; 409 where none has been begun, or it has been confirmed already.
pub async fn confirm_factor(
    services: &Services,
    attempt: Attempt,
    client: &Client,
) -> Result<(Session, Vec<String>), Fail> {
    let known = verify(services, &attempt.name, attempt.password.clone(), client).await?;
    let missing = match (&known.credentials.factor_sealed, known.credentials.factor_since) {
        (_, Some(_)) => Some(Code::SecondFactorExists),
        (None, None) => Some(Code::SecondFactorMissing),
        _ => None,
    };
    if let Some(code) = missing {
        return Err(known.counted.leave(services, code).await);
    }
    let sealed = known.credentials.factor_sealed.clone().unwrap_or_default();
    let Given::Step(step) = Given::read(services, &sealed, attempt.code.as_deref().unwrap_or_default())?
    else {
        tell_alone(services, wrong_factor(known.account.id)).await?;
        return Err(Code::SecondFactorWrong.into());
    };
    let codes = crate::password::factor::draw_recovery();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| recovery_hash(code)).collect();
    let entry = Entry::prepare(services, &known, &attempt, client).await?;
    let (writing, id, now) = (entry.clone(), known.account.id, services.now());
    let confirmed = services
        .db
        .write(move |conn| {
            if !factors::confirm(conn, id, step, now)? {
                return Ok(false);
            }
            factors::put_recovery(conn, id, &hashes)?;
            tell(conn, &Event::of(What::FactorAdded, id), now)?;
            writing.write(conn, now)?;
            Ok::<_, Fail>(true)
        })
        .await?;
    if !confirmed {
        return Err(Code::SecondFactorExists.into());
    }
    Ok((entry.done(services, known.account).await?, codes))
}
