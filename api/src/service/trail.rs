//! 审计: what is written into the trail of sign-ins, and how it is searched.

use suishoupai_core::audit::AuditKind;
use suishoupai_core::model::District;
use suishoupai_storage::db::accounts;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self as rows, Entry, Filter, Kept};

use super::sign_in::Session;
use crate::audit;
use crate::fail::Fail;
use crate::problem::Code;
use crate::services::Services;

/// Writes down how a sign-in ended, before it is answered: a session is only given with its line in the trail. `means`
/// is `login` or `phone`, `name` who was named; of the latter a keyed digest is kept.
///
/// # Errors
/// Those of the sign-in; 503 where the trail cannot be written.
pub async fn signed_in(
    services: &Services,
    means: &str,
    name: &str,
    outcome: Result<Session, Fail>,
) -> Result<Session, Fail> {
    let now = services.now();
    let subject = Some(audit::named(services, means, name));
    match outcome {
        Ok(session) => {
            let line = audit::by(&session.account, AuditKind::SignIn, now);
            audit::note(services, Entry { subject, ..line }).await?;
            Ok(session)
        }
        Err(Fail::Problem(problem)) if is_refusal(problem.code()) => {
            let line = audit::entry(AuditKind::SignInFailed, first_district(services), now);
            let line = audit::with(Entry { subject, ..line }, "code", problem.code().as_str());
            audit::note(services, line).await?;
            Err(problem.into())
        }
        Err(other) => Err(other),
    }
}

/// Whether what the caller gave was looked at and found wrong. A try beyond the limits is not looked at, so it has no line:
/// the trail must not be filled by whoever goes on trying.
fn is_refusal(code: Code) -> bool {
    matches!(code, Code::LoginFailed | Code::CodeWrong)
}

/// The district to whose trail belongs what nobody knows whose it is.
pub fn first_district(services: &Services) -> District {
    services.registry().districts.keys().copied().min().unwrap_or_default()
}

/// A page of the trail, with the names of the officials in it.
///
/// # Errors
/// The database's.
pub async fn page(
    services: &Services,
    caller: &Account,
    filter: Filter,
) -> Result<Vec<(Kept, Option<String>)>, Fail> {
    let district = caller.district;
    services
        .db
        .read(move |conn| {
            let lines = rows::page(conn, district, &filter)?;
            let mut ids: Vec<i64> = lines.iter().filter_map(|kept| kept.line.account).collect();
            ids.sort_unstable();
            ids.dedup();
            let names = accounts::names(conn, &ids)?;
            let name =
                |id: i64| names.iter().find(|(known, _, _)| *known == id).map(|(_, name, _)| name.clone());
            let named = lines.into_iter().map(|kept| {
                let name = kept.line.account.and_then(name);
                (kept, name)
            });
            Ok::<_, Fail>(named.collect())
        })
        .await
}
