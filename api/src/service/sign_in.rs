//! Sign-in: residents by phone and code, officials by name and password (`official.rs`); and staying signed in
//! (`sessions.rs`); by those whom other servers know (`mini_program.rs`, `sso.rs`).

mod id_token;
pub mod mini_program;
pub mod official;
pub mod own;
mod remote;
pub mod sessions;
pub mod sso;
pub mod told;

use rand::RngExt;
use subtle::ConstantTimeEq;
use suishoupai_core::model::District;
use suishoupai_core::privacy::masked_number;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::{Conn, DbError, login};

use crate::audit;
use crate::config::CodeSender;
use crate::fail::Fail;
use crate::http::client::Client;
use crate::problem::{Code, Problem};
use crate::services::Services;
use sessions::{Means, Session};
use told::{Event, What, tell_alone};

const HOUR: i64 = 3600 * 1000;
const DAY: i64 = 24 * HOUR;

/// Sends a code to a phone. The answer is the same whether the phone is known or not.
///
/// # Errors
/// 429 when a code was sent a short while ago, or too many to this phone or from this address; 503 when no sender is
/// configured.
pub async fn send_code(services: &Services, phone: &str, client: &Client) -> Result<(), Fail> {
    if services.config.auth.code_sender == CodeSender::None {
        return Err(Code::Unavailable.into());
    }
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000));
    let index = services.sealer.index("phone", phone);
    let code_hash = services.sealer.index("code", &format!("{phone}/{code}"));
    let now = services.now();
    let expires = now.plus_seconds(i64::from(services.config.auth.code_minutes) * 60);
    let auth = &services.config.auth;
    let interval = i64::from(auth.code_interval_seconds) * 1000;
    let counters = [
        (format!("codes-to/{}", hex::encode(&index)), DAY, auth.phone_codes_a_day),
        (
            format!("codes-from/{}", hex::encode(services.sealer.index("address", &client.network))),
            HOUR,
            auth.address_codes_an_hour,
        ),
    ];
    services
        .db
        .write(move |conn| {
            let before = now.plus_millis(-interval);
            if let Some(sent_at) = login::save_code(conn, &index, &code_hash, expires, (now, before))? {
                return Err(too_many(sent_at + interval - now.millis()));
            }
            // A refusal undoes the whole transaction, so only codes that are sent count.
            for (key, window, most) in &counters {
                let (hits, until) = login::hit(conn, key, *window, now)?;
                if i64::from(hits) > i64::from(*most) {
                    return Err(too_many(until.millis() - now.millis()));
                }
            }
            Ok(())
        })
        .await?;
    // The log is the demo's sender. It is the one place where a code appears, and only the last digits of the
    // phone stand beside it.
    let ending = phone.get(phone.len().saturating_sub(4)..).unwrap_or_default();
    tracing::warn!(target: "suishoupai::code", "sign-in code {code} for the phone ending in {ending}");
    Ok(())
}

fn too_many(wait_millis: i64) -> Fail {
    let seconds = u32::try_from((wait_millis + 999).max(1000) / 1000).unwrap_or(u32::MAX);
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
pub async fn by_phone(
    services: &Services,
    phone: &str,
    code: &str,
    client: &Client,
) -> Result<Session, Fail> {
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
        let named = Some(audit::named(services, "phone", phone));
        let failed = Event::tried(What::Failed, None).naming(named).with(Means::Phone.as_str());
        tell_alone(services, failed).await?;
        return Err(Code::CodeWrong.into());
    }
    let account = resident(services, phone, index).await?;
    sessions::open(services, account, Means::Phone, client).await
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
