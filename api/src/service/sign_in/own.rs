//! What officials do with their own password and second factor while they are signed in. Each asks for the password again,
//! because a phone that lies about signed in must not be enough for it.

use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::identity::factors;

use super::official::{Attempt, Entry, Given, Known, needs_factor, verify};
use super::sessions::Session;
use super::told::{Event, What, tell};
use crate::fail::Fail;
use crate::http::client::Client;
use crate::lang::Text;
use crate::password::factor::{draw_recovery, recovery_hash};
use crate::problem::{Code, Problem};
use crate::services::Services;

/// The second factor of an account.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// Whether a code is asked for.
    pub enabled: bool,
    /// Whether the roles of the account need one.
    pub required: bool,
    /// Recovery codes that have not been used.
    pub recovery_left: i64,
}

/// How it stands with the second factor of an account.
///
/// # Errors
/// The database's.
pub async fn factor(services: &Services, account: &Account) -> Result<Factor, Fail> {
    let id = account.id;
    let read = move |conn: &mut Conn| {
        Ok::<_, Fail>((factors::of(conn, id)?.factor_since.is_some(), factors::recovery_left(conn, id)?))
    };
    let (enabled, recovery_left) = services.db.read(read).await?;
    Ok(Factor { enabled, required: needs_factor(services, account), recovery_left })
}

/// Changes the password; every device is signed out, and this one signed in anew.
///
/// # Errors
/// 401 for a wrong password, 422 for a new one that may not be chosen, 429 after failures.
pub async fn change_password(
    services: &Services,
    account: &Account,
    (old, new): (String, String),
    client: &Client,
) -> Result<Session, Fail> {
    let name = account.login.clone().unwrap_or_default();
    let known = verify(services, &name, old.clone(), client).await?;
    let attempt = Attempt { name, password: old, code: None, new_password: Some(new) };
    let entry = Entry::prepare(services, &known, &attempt, client).await?;
    let (writing, now) = (entry.clone(), services.now());
    services.db.write(move |conn| writing.write(conn, now)).await?;
    entry.done(services, known.account).await
}

/// New recovery codes in place of all of before, shown this once.
///
/// # Errors
/// 401 for a wrong password or code, 409 without a second factor, 429 after failures.
pub async fn new_recovery_codes(
    services: &Services,
    account: &Account,
    proof: (String, String),
    client: &Client,
) -> Result<Vec<String>, Fail> {
    let codes = draw_recovery();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| recovery_hash(code)).collect();
    proved(services, account, proof, client, move |conn, id, now| {
        factors::put_recovery(conn, id, &hashes)?;
        tell(conn, &Event::of(What::RecoveryCodesMade, id), now)
    })
    .await?;
    Ok(codes)
}

/// Takes the second factor away.
///
/// # Errors
/// As [`new_recovery_codes`]; 403 where the roles of the account need one.
pub async fn drop_factor(
    services: &Services,
    account: &Account,
    proof: (String, String),
    client: &Client,
) -> Result<(), Fail> {
    if needs_factor(services, account) {
        let text = Text::new("您的岗位必须使用动态验证码", "your role needs a second factor");
        return Err(Problem::new(Code::Forbidden).detail(text).into());
    }
    proved(services, account, proof, client, |conn, id, now| {
        factors::drop_factor(conn, id)?;
        tell(conn, &Event::of(What::FactorRemoved, id), now)
    })
    .await
}

/// Does something once password and code have been shown.
async fn proved(
    services: &Services,
    account: &Account,
    (password, code): (String, String),
    client: &Client,
    work: impl Fn(&mut Conn, i64, Moment) -> Result<(), Fail> + Send + 'static,
) -> Result<(), Fail> {
    let name = account.login.clone().unwrap_or_default();
    let Known { account, credentials, counted } = verify(services, &name, password, client).await?;
    let Some(sealed) = credentials.factor() else {
        return Err(counted.leave(services, Code::SecondFactorMissing).await);
    };
    let given = Given::read(services, sealed, &code)?;
    let (id, now) = (account.id, services.now());
    let done = services
        .db
        .write(move |conn| {
            if !given.prove(conn, id, now)? {
                return Ok(false);
            }
            counted.forgive(conn)?;
            work(conn, id, now)?;
            Ok::<_, Fail>(true)
        })
        .await?;
    if done { Ok(()) } else { Err(Code::SecondFactorWrong.into()) }
}
