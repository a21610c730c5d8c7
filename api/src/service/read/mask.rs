//! The mask of a photo, as officials see it.

use std::collections::BTreeSet;

use suishoupai_storage::db::accounts::Account;

use super::{names, scene};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::service::masks;
use crate::services::Services;
use crate::view::MaskView;

/// The mask of a photo with its history.
///
/// # Errors
/// 404 for a photo of another account of which the caller may see no ticket.
pub async fn mask(services: &Services, account: &Account, photo: i64, lang: Lang) -> Result<MaskView, Fail> {
    let registry = services.registry();
    let (masked, lines) = masks::lines(services, account, photo).await?;
    let accounts: BTreeSet<i64> = lines.iter().map(|(line, _)| line.actor).collect();
    let names = services.db.read(move |conn| names(conn, accounts)).await?;
    let scene = scene(services, &registry, lang, names);
    Ok(MaskView::of(&scene, &masked.photo, &masked.mask.areas, &lines))
}
