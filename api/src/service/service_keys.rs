//! 接口密钥: other systems call the API by a key that acts as an account of its own, for a time and for some routes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::identity::service_keys::{self as rows, ServiceKey};
use utoipa::ToSchema;

use super::officials::{WantedPost, posts};
use super::sign_in::told::{Event, What, tell};
use crate::callers;
use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// With this a key begins, so that it is told from an access token, and found where it was left lying about.
pub const PREFIX: &str = "sspk_";
/// A longer text is no key.
const MAX_BYTES: usize = 64;
const DAY: i64 = 24 * 3600;

/// What a key is good for. None of them is for what concerns sign-in, or is kept by administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To read.
    Read,
    /// To send reports, with photos, and what a reporter does afterwards.
    Report,
    /// To give commands to tickets and orders.
    Command,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Read, Self::Report, Self::Command];

    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Report => "report",
            Self::Command => "command",
        }
    }

    /// The scopes in the words of a row.
    pub fn of_row(words: &str) -> Vec<Self> {
        let known = |word: &str| Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        words.split(',').filter_map(known).collect()
    }

    /// The scope that a route needs; none where it is not for keys.
    fn of_route(method: &str, path: &str) -> Option<Self> {
        let path = path.strip_prefix("/api/v1/")?;
        let part = path.split('/').next().unwrap_or_default();
        match part {
            "admin" | "audit" | "auth" => None,
            // Who reported is shown to people, who answer for it.
            _ if path.ends_with("/reveal-reporter") => None,
            "me" if path != "me" => None,
            _ if matches!(method, "GET" | "HEAD") => Some(Self::Read),
            "reports" | "photos" | "uploads" => Some(Self::Report),
            "tickets" | "supervision-orders" | "exposures" => Some(Self::Command),
            _ => None,
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Which system gets it.
    pub name: String,
    /// For what.
    pub scopes: Vec<Scope>,
    /// As what; without posts it acts as a reporter, who sees what it has reported.
    pub posts: Vec<WantedPost>,
    /// For how many days.
    pub days: u32,
}

fn digest(key: &str) -> Vec<u8> {
    // Drawn by lot from 256 bits, so the digest needs neither a key nor slowness.
    Sha256::digest(key.as_bytes()).to_vec()
}

/// Makes a key, which is shown this once.
///
/// # Errors
/// 422 for a post that does not fit.
pub async fn add(services: &Services, by: &Account, new: NewKey) -> Result<(ServiceKey, String), Fail> {
    let posts = posts(services, by.district, &new.posts)?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let hash = digest(&key);
    let [id, account] = services.db.ids::<2>().await?;
    let now = services.now();
    // A name that nobody can type at sign-in, and a password that nobody knows.
    let login = (!posts.is_empty()).then(|| (format!("key {account}"), services.passwords.of_nobody()));
    let holder = NewAccount {
        id: account,
        district: by.district,
        login,
        display_name: new.name.clone(),
        phone: None,
        posts,
    };
    let words: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let row = ServiceKey {
        id,
        account,
        name: new.name,
        scopes: words.join(","),
        created_at: now.millis(),
        expires_at: now.plus_seconds(i64::from(new.days) * DAY).millis(),
        revoked_at: None,
    };
    let (writing, owner) = (row.clone(), (by.district, by.id));
    services
        .db
        .write(move |conn| {
            accounts::insert(conn, &holder, now)?;
            rows::insert(conn, &writing, &hash, owner)?;
            tell(
                conn,
                &Event::of(What::KeyMade, writing.account).by(owner.1).with(writing.scopes.clone()),
                now,
            )
        })
        .await?;
    Ok((row, key))
}

/// Takes a key back, at once.
///
/// # Errors
/// 404 where the district has no such key.
pub async fn revoke(services: &Services, by: &Account, id: i64) -> Result<(), Fail> {
    let (district, by, now) = (by.district, by.id, services.now());
    let revoked = services
        .db
        .write(move |conn| {
            let account = rows::revoke(conn, district, id, now)?;
            if let Some(account) = account {
                accounts::set_active(conn, account, false, now)?;
                tell(conn, &Event::of(What::KeyRevoked, account).by(by), now)?;
            }
            Ok::<_, Fail>(account)
        })
        .await?;
    callers::changed(services).await;
    revoked.map(drop).ok_or_else(|| Code::ServiceKeyNotFound.into())
}

/// The account that a key acts as, if it is good for this route.
///
/// # Errors
/// 401 for a key that is not known, was taken back or has expired; 403 where it is not for such a route.
pub async fn authenticate(
    services: &Services,
    key: &str,
    (method, path): (&str, &str),
) -> Result<Account, Problem> {
    if key.len() > MAX_BYTES {
        return Err(Code::TokenInvalid.into());
    }
    let hash = digest(key);
    let found = services.db.read(move |conn| Ok::<_, Fail>(rows::find(conn, &hash)?)).await?;
    let found = found.filter(|key| key.revoked_at.is_none()).ok_or(Code::TokenInvalid)?;
    if Moment::from_millis(found.expires_at) <= services.now() {
        return Err(Code::TokenExpired.into());
    }
    let account = callers::find(services, found.account, None).await?;
    let account = account.filter(|account| account.is_active).ok_or(Code::TokenInvalid)?;
    let needed = Scope::of_route(method, path);
    if needed.is_some_and(|scope| Scope::of_row(&found.scopes).contains(&scope)) {
        Ok(account)
    } else {
        Err(Code::Forbidden.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_for_one_scope_or_for_no_key() {
        let rows = [
            ("GET", "/api/v1/tickets", Some(Scope::Read)),
            ("HEAD", "/api/v1/tickets/{id}", Some(Scope::Read)),
            ("GET", "/api/v1/me", Some(Scope::Read)),
            ("GET", "/api/v1/me/devices", None),
            ("POST", "/api/v1/reports", Some(Scope::Report)),
            ("PATCH", "/api/v1/uploads/{id}", Some(Scope::Report)),
            ("POST", "/api/v1/tickets/{id}/claim", Some(Scope::Command)),
            ("POST", "/api/v1/me/password", None),
            ("GET", "/api/v1/audit", None),
            ("POST", "/api/v1/tickets/{id}/reveal-reporter", None),
            ("GET", "/api/v1/admin/officials", None),
            ("POST", "/api/v1/admin/service-keys", None),
            ("POST", "/api/v1/anything-new", None),
            ("GET", "/metrics", None),
        ];
        for (method, path, expected) in rows {
            assert_eq!(Scope::of_route(method, path), expected, "{method} {path}");
        }
        for scope in Scope::ALL {
            assert_eq!(Scope::of_row(&format!("unknown,{}", scope.as_str())), [scope]);
        }
    }
}
