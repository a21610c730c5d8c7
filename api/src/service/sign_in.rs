//! Sign-in: residents by phone and code, officials by name and password (`official.rs`); and staying signed in
//! (`sessions.rs`); by those whom other servers know (`mini_program.rs`, `sso.rs`).

mod counted;
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
use crate::http::rate::{self, Policy};
use crate::problem::Code;
use crate::services::Services;
use sessions::{Means, Session};
use told::{Event, What, tell_alone};

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;
/// In which wrong codes from one address are counted, seconds.
const WRONG: u32 = 15 * 60;

/// Sends a code to a phone. The answer is the same whether the phone is known or not.
///
/// # Errors
/// 429 when a code was sent a short while ago, or too many to this phone, from this device or from this address; 503 when no
/// sender is configured.
pub async fn send_code(
    services: &Services,
    phone: &str,
    device: Option<&str>,
    client: &Client,
) -> Result<(), Fail> {
    if services.config.auth.code_sender == CodeSender::None {
        return Err(Code::Unavailable.into());
    }
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000));
    let index = services.sealer.index("phone", phone);
    let code_hash = services.sealer.index("code", &format!("{phone}/{code}"));
    let now = services.now();
    let expires = now.plus_seconds(i64::from(services.config.auth.code_minutes) * 60);
    let auth = &services.config.auth;
    let each = Policy::within("codes-interval", 1, auth.code_interval_seconds);
    let a_day = Policy::within("codes-phone", auth.phone_codes_a_day, DAY);
    let keyed = |kind: &str, value: &str| hex::encode(services.sealer.index(kind, value));
    let mut counters = vec![
        (format!("codes-to/{}", hex::encode(&index)), a_day),
        (
            format!("codes-from/{}", keyed("address", &client.network)),
            Policy::within("codes-address", auth.address_codes_an_hour, HOUR),
        ),
    ];
    // A device that does not say which it is, is bounded by its address alone.
    counters.extend(device.map(|device| {
        let policy = Policy::within("codes-device", auth.device_codes_an_hour, HOUR);
        (format!("codes-by/{}", keyed("device", device)), policy)
    }));
    let counted = services
        .db
        .write(move |conn| {
            let before = now.plus_millis(-each.window_millis());
            if let Some(sent_at) = login::save_code(conn, &index, &code_hash, expires, (now, before))? {
                let wait = sent_at + each.window_millis() - now.millis();
                return Err(each.exceeded(wait).into());
            }
            // A refusal undoes the whole transaction, so only codes that are sent count.
            let mut counted = Vec::with_capacity(counters.len());
            for (key, policy) in &counters {
                let (hits, until) = login::hit(conn, key, policy.window_millis(), now)?;
                if policy.is_over(hits) {
                    return Err(policy.exceeded(until.millis() - now.millis()).into());
                }
                counted.push(policy.after(hits, until, now));
            }
            Ok::<_, Fail>(counted)
        })
        .await?;
    rate::tell(each.left(0, each.window));
    counted.into_iter().for_each(rate::tell);
    // How many codes went to a phone before would tell whether somebody uses it here.
    rate::tell(a_day.unsaid());
    // The log is the demo's sender. It is the one place where a code appears, and only the last digits of the
    // phone stand beside it.
    let ending = phone.get(phone.len().saturating_sub(4)..).unwrap_or_default();
    tracing::warn!(target: "suishoupai::code", "sign-in code {code} for the phone ending in {ending}");
    Ok(())
}

/// What a try with a code led to.
enum Tried {
    Right,
    Wrong,
}

/// Signs a resident in by phone and code; makes the account on first use.
///
/// # Errors
/// 401 for a wrong, used, expired or exhausted code; 429 after many wrong ones from this address; 422 while the installation
/// has no district.
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
    let wrong = Policy::within("wrong-codes", services.config.auth.address_wrong_codes, WRONG);
    let address = format!("wrong-codes/{}", hex::encode(services.sealer.index("address", &client.network)));
    let (tried, hits, until) = services
        .db
        .write({
            let index = index.clone();
            move |conn| {
                // A try counts before it is looked at; one that was right is taken back.
                let (mut hits, until) = login::hit(conn, &address, wrong.window_millis(), now)?;
                if wrong.is_over(hits) {
                    return Err(wrong.exceeded(until.millis() - now.millis()).into());
                }
                let tried = try_code(conn, &index, &hash, tries, now)?;
                if matches!(tried, Tried::Right) {
                    login::take_back(conn, &address, wrong.window_millis(), now)?;
                    hits -= 1;
                }
                Ok::<_, Fail>((tried, hits, until))
            }
        })
        .await?;
    rate::tell(wrong.after(hits, until, now));
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
