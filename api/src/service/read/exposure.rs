//! The exposure board: as anybody sees it, and as officials do.

use std::collections::{BTreeSet, HashMap};

use suishoupai_core::flow::exposure::{Exposure, ExposureEvent, ExposureId, allowed_exposure};
use suishoupai_core::flow::{AccountId, Role, Ticket};
use suishoupai_core::model::District;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::exposures::{self as rows, Filter};
use suishoupai_storage::db::photos::{self, Photo};

use super::{names, next_cursor, scene};
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::Code;
use crate::service::exposures;
use crate::services::Services;
use crate::view::{
    ExposureEventView, ExposureLine, ExposurePage, ExposureView, PublishedPage, PublishedView,
};

/// What is published, the newest first.
///
/// # Errors
/// The database's.
pub async fn published(
    services: &Services,
    district: Option<District>,
    before: Option<(i64, ExposureId)>,
    limit: i64,
    lang: Lang,
) -> Result<PublishedPage, Fail> {
    let found = services
        .db
        .read(move |conn| rows::published(conn, district, before, limit).map_err(Fail::from))
        .await?;
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    let last = found.last().filter(|_| found.len() as i64 == limit);
    Ok(PublishedPage {
        next_cursor: last.map(|row| format!("{}.{}", row.published_at.millis(), row.id)),
        items: found.iter().map(|row| PublishedView::of(&scene, row)).collect(),
    })
}

/// Everything about an entry, as rows.
struct File {
    entry: Exposure,
    ticket: Ticket,
    photo: Photo,
    history: Vec<(ExposureEvent, String)>,
    names: HashMap<AccountId, (String, bool)>,
}

/// An entry with its history, for an official who may see its ticket.
///
/// # Errors
/// 404 for any other.
pub async fn exposure(
    services: &Services,
    account: &Account,
    id: ExposureId,
    lang: Lang,
) -> Result<ExposureView, Fail> {
    let registry = services.registry();
    let caller = actor(account);
    let file = {
        let (registry, caller, now) = (registry.clone(), caller.clone(), services.now());
        services
            .db
            .read(move |conn| {
                let (loaded, ticket) = exposures::seen(conn, &registry, &caller, id, now)?;
                let photo = photos::find(conn, loaded.entry.photo)?.ok_or(Code::Internal)?;
                let history = rows::history(conn, id)?;
                let accounts: BTreeSet<AccountId> = history.iter().map(|(line, _)| line.actor).collect();
                let names = names(conn, accounts)?;
                Ok::<_, Fail>(File { entry: loaded.entry, ticket, photo, history, names })
            })
            .await?
    };
    let scene = scene(services, &registry, lang, file.names);
    Ok(ExposureView {
        allowed_actions: allowed_exposure(&file.entry, &file.ticket, &caller, &registry.tree),
        events: file.history.iter().map(|line| ExposureEventView::of(&scene, line)).collect(),
        ..ExposureView::of(&scene, &file.entry, &file.photo)
    })
}

/// The entries of the caller's district, newest first; those of sensitive tickets only for roles that see them.
///
/// # Errors
/// The database's.
pub async fn exposures(
    services: &Services,
    account: &Account,
    filter: Filter,
    lang: Lang,
) -> Result<ExposurePage, Fail> {
    let (registry, now) = (services.registry(), services.now());
    let named = registry.sensitive_roles(account.district, now);
    let of_district = |role: &Role| !matches!(role, Role::Resident | Role::System);
    let sensitive = account.posts.iter().any(|post| of_district(&post.role) && named.contains(&post.role));
    let (district, limit) = (account.district, filter.limit);
    let found = services
        .db
        .read(move |conn| rows::page(conn, district, sensitive, &filter).map_err(Fail::from))
        .await?;
    let scene = scene(services, &registry, lang, HashMap::new());
    Ok(ExposurePage {
        next_cursor: next_cursor(found.len(), limit, found.last().map(|entry| entry.id)),
        items: found.iter().map(|entry| ExposureLine::of(&scene, entry)).collect(),
    })
}
