//! Residents in a mini-program: the platform gives the page a code, and tells the server whose it is.

use serde::Deserialize;
use suishoupai_core::model::District;
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::identity::subjects;
use suishoupai_storage::db::{Conn, DbError};

use super::remote::{self, failed, unavailable};
use super::sessions::{Means, Session, open};
use super::told::{Event, What, tell_alone};
use crate::fail::Fail;
use crate::http::client::Client;
use crate::problem::Code;
use crate::services::Services;

const PROVIDER: &str = "mini_program";
/// It does not know the code, or has seen it before.
const WRONG_CODES: [i64; 2] = [40029, 40163];
const NAME: &str = "小程序用户";

/// What the platform answers; the rest, such as its own session, is not needed.
#[derive(Deserialize)]
struct Answer {
    openid: Option<String>,
    #[serde(default)]
    errcode: i64,
}

/// Signs a resident in by the code of a mini-program; makes the account on first use.
///
/// # Errors
/// 401 for a code that the platform does not take; 503 where none is configured or it does not answer as it should.
pub async fn by_mini_program(services: &Services, code: &str, client: &Client) -> Result<Session, Fail> {
    let Some(openid) = ask(services, code).await? else {
        tell_alone(services, Event::tried(What::Failed, None).with(PROVIDER)).await?;
        return Err(Code::CodeWrong.into());
    };
    let subject = services.sealer.index(PROVIDER, &openid);
    let account = account(services, subject).await?;
    if !account.is_active {
        return Err(Code::CodeWrong.into());
    }
    open(services, account, Means::MiniProgram, client).await
}

/// Whose code it is; none where the platform does not take it. What goes wrong is never told with the address, in which
/// the secret stands.
async fn ask(services: &Services, code: &str) -> Result<Option<String>, Fail> {
    let auth = &services.config.auth;
    let (Some(url), Some(id), Some(secret)) =
        (&auth.mini_program_url, &auth.mini_program_id, &auth.mini_program_secret)
    else {
        return Err(Code::Unavailable.into());
    };
    let query = [
        ("appid", id.as_str()),
        ("secret", secret.expose()),
        ("js_code", code),
        ("grant_type", "authorization_code"),
    ];
    let answer = remote::http()?.get(url).query(&query).send().await.map_err(failed)?;
    let answer: Answer = remote::json(answer).await?;
    match (answer.errcode, answer.openid) {
        (0, Some(openid)) if !openid.is_empty() => Ok(Some(openid)),
        (code, _) if WRONG_CODES.contains(&code) => Ok(None),
        (code, _) => Err(unavailable(&format!("error {code}"))),
    }
}

async fn account(services: &Services, subject: Vec<u8>) -> Result<Account, Fail> {
    let registry = services.registry();
    let district: District = registry.districts.keys().copied().min().ok_or(Code::OutsideDistrict)?;
    let [id] = services.db.ids::<1>().await?;
    let now = services.now();
    let write = move |conn: &mut Conn| {
        let known = match subjects::find(conn, PROVIDER, &subject)? {
            Some(account) => accounts::find(conn, account)?,
            None => None,
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let new = NewAccount {
            id,
            district,
            login: None,
            display_name: NAME.to_owned(),
            phone: None,
            posts: Vec::new(),
        };
        accounts::insert(conn, &new, now)?;
        // Two sign-ins of somebody new at once: the second finds the first one's account.
        subjects::insert(conn, (PROVIDER, &subject), id, now).map_err(|error| match error {
            DbError::Constraint(_) => DbError::Conflict,
            other => other,
        })?;
        accounts::find(conn, id)?.ok_or(Fail::from(Code::AccountNotFound))
    };
    services.db.write(write).await
}
