//! 审计: how the trail is searched.

use suishoupai_core::model::District;
use suishoupai_storage::db::accounts;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self as rows, Filter, Kept};

use crate::fail::Fail;
use crate::services::Services;

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
