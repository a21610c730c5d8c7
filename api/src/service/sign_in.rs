//! Sign-in: residents by phone and code, officials by name and password.

use rand::RngExt;
use subtle::ConstantTimeEq;
use suishoupai_core::model::District;
use suishoupai_core::privacy::masked_number;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::{Conn, DbError, login};

use crate::config::CodeSender;
use crate::fail::Fail;
use crate::password::PasswordError;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// Failed sign-ins of one name within [`WINDOW`] after which further tries are refused.
const NAME_TRIES: i32 = 10;
const WINDOW: i64 = 15 * 60 * 1000;

/// A token with its end.
#[derive(Clone, Debug)]
pub struct Session {
    /// The access token.
    pub token: String,
    /// When it expires.
    pub expires: Moment,
    /// Whose it is.
    pub account: Account,
}

/// Sends a code to a phone. The answer is the same whether the phone is known or not.
///
/// # Errors
/// 429 when a code was sent a short while ago, 503 when no sender is configured.
pub async fn send_code(services: &Services, phone: &str) -> Result<(), Fail> {
    if services.config.auth.code_sender == CodeSender::None {
        return Err(Code::Unavailable.into());
    }
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000));
    let index = services.sealer.index("phone", phone);
    let code_hash = services.sealer.index("code", &format!("{phone}/{code}"));
    let now = services.now();
    let expires = now.plus_seconds(i64::from(services.config.auth.code_minutes) * 60);
    let interval = i64::from(services.config.auth.code_interval_seconds) * 1000;
    services
        .db
        .write(move |conn| {
            let before = now.plus_millis(-interval);
            match login::save_code(conn, &index, &code_hash, expires, (now, before))? {
                Some(sent_at) => Err(too_many(sent_at + interval - now.millis())),
                None => Ok(()),
            }
        })
        .await?;
    // The log is the demo's sender. It is the one place where a code appears, and only the last digits of the
    // phone stand beside it.
    let ending = phone.get(phone.len().saturating_sub(4)..).unwrap_or_default();
    tracing::warn!(target: "suishoupai::code", "sign-in code {code} for the phone ending in {ending}");
    Ok(())
}

fn too_many(wait_millis: i64) -> Fail {
    let seconds = u32::try_from((wait_millis + 999) / 1000).unwrap_or(u32::MAX);
    Problem::new(Code::TooManyRequests).retry_after(seconds).into()
}

/// What a try with a code led to.
enum Tried {
    Right,
    Wrong,
}

/// Signs a resident in by phone and code; makes the account on first use.
///
/// # Errors
/// 401 for a wrong, used, expired or exhausted code; 422 while the installation has no district.
pub async fn by_phone(services: &Services, phone: &str, code: &str) -> Result<Session, Fail> {
    let index = services.sealer.index("phone", phone);
    let hash = services.sealer.index("code", &format!("{phone}/{code}"));
    let tries = i32::try_from(services.config.auth.code_tries).unwrap_or(i32::MAX);
    let now = services.now();
    let tried = services
        .db
        .write({
            let index = index.clone();
            move |conn| try_code(conn, &index, &hash, tries, now)
        })
        .await?;
    if matches!(tried, Tried::Wrong) {
        return Err(Code::CodeWrong.into());
    }
    let account = resident(services, phone, index).await?;
    issue(services, account, now)
}

/// A wrong try is counted and committed, so that it cannot be repeated for free.
fn try_code(conn: &mut Conn, index: &[u8], hash: &[u8], tries: i32, now: Moment) -> Result<Tried, Fail> {
    let Some(known) = login::code_for_update(conn, index)? else { return Ok(Tried::Wrong) };
    let equal: bool = known.code_hash.ct_eq(hash).into();
    if known.tries >= tries || known.expires_at < now.millis() || !equal {
        login::count_try(conn, index)?;
        return Ok(Tried::Wrong);
    }
    login::drop_code(conn, index)?;
    Ok(Tried::Right)
}

async fn resident(services: &Services, phone: &str, index: Vec<u8>) -> Result<Account, Fail> {
    let registry = services.registry();
    let district: District = registry.districts.keys().copied().min().ok_or(Code::OutsideDistrict)?;
    let sealed = services.sealer.seal("phone", phone).map_err(|error| Fail::internal(&error))?;
    let display_name = masked_number(phone);
    let [id] = services.db.ids::<1>().await?;
    let now = services.now();
    let account = services
        .db
        .write(move |conn| {
            if let Some(known) = accounts::find_by_phone(conn, &index)? {
                return Ok(known);
            }
            let new = NewAccount {
                id,
                district,
                login: None,
                display_name: display_name.clone(),
                phone: Some((index.clone(), sealed.clone())),
                posts: Vec::new(),
            };
            // Two sign-ins of a new phone at once: the second finds the first one's account.
            accounts::insert(conn, &new, now).map_err(|error| match error {
                DbError::Constraint(_) => DbError::Conflict,
                other => other,
            })?;
            accounts::find(conn, id)?.ok_or(Fail::from(Code::AccountNotFound))
        })
        .await?;
    if account.is_active { Ok(account) } else { Err(Code::CodeWrong.into()) }
}

/// Signs an official in by name and password.
///
/// # Errors
/// 401 for a wrong name or password, the same for both; 429 after too many failures of one name.
pub async fn by_password(services: &Services, name: &str, password: String) -> Result<Session, Fail> {
    let now = services.now();
    let key = format!("login/{}", hex::encode(services.sealer.index("login", name)));
    let name = name.to_owned();
    // A try counts before it is looked at, so that many at once, at whichever processes, are no more than one after
    // the other; one that was right is taken back.
    let (hits, until, account) = services
        .db
        .write({
            let key = key.clone();
            move |conn| {
                let (hits, until) = login::hit(conn, &key, WINDOW, now)?;
                Ok::<_, Fail>((hits, until, accounts::find_by_login(conn, &name)?))
            }
        })
        .await?;
    if hits > NAME_TRIES {
        return Err(too_many(until.millis() - now.millis()));
    }
    let account = account.filter(|account| account.is_active);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let verified = services.passwords.verify(password, stored).await;
    let account = account.filter(|_| !matches!(verified, Ok(false)));
    if account.is_some() || verified.is_err() {
        // Right, or not looked at because the server is busy: nothing was guessed.
        services.db.write(move |conn| login::take_back(conn, &key, WINDOW, now).map_err(Fail::from)).await?;
    }
    verified.map_err(|error| match error {
        PasswordError::Busy => Fail::from(Problem::new(Code::Unavailable).retry_after(1)),
        other => Fail::internal(&other),
    })?;
    issue(services, account.ok_or(Code::LoginFailed)?, now)
}

fn issue(services: &Services, account: Account, now: Moment) -> Result<Session, Fail> {
    // The clock may have been set back since older tokens were revoked; the new one must not count among them.
    let now = now.max(account.tokens_from);
    let (token, expires) = services.tokens.issue(account.id, now).map_err(|error| Fail::internal(&error))?;
    Ok(Session { token, expires, account })
}
