//! The commands of officials, one route each. All take the same path: the function `order`.

pub mod centre;
pub mod check;
pub mod field;
pub mod handle;
pub mod meeting;
pub mod merging;
pub mod parts;
pub mod requests;

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use suishoupai_core::flow::{Assist, Command, Stage};
use suishoupai_core::model::Duty;
use utoipa::ToSchema;

use super::{Id, expected_version, ok, version_required};
use crate::auth::Auth;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::service::pictures::Before;
use crate::service::read;
use crate::service::tickets::{Order, Position, carry_out, is_safe_without_version};
use crate::services::Services;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .configure(field::register)
        .configure(handle::register)
        .configure(check::register)
        .configure(requests::register)
        .configure(meeting::register)
        .configure(merging::register)
        .configure(centre::register);
}

/// Keys of photos: at most 9, each once.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<i64>")]
#[schema(value_type = Vec<i64>, max_items = 9)]
pub(crate) struct PhotoIds(pub Vec<i64>);

impl TryFrom<Vec<i64>> for PhotoIds {
    type Error = &'static str;

    fn try_from(mut ids: Vec<i64>) -> Result<Self, Self::Error> {
        if ids.len() > 9 {
            return Err("must have at most 9 photos");
        }
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(*id));
        Ok(Self(ids))
    }
}

/// What comes along with a command.
struct With {
    photos: PhotoIds,
    stage: Stage,
    position: Option<Position>,
    duty: Option<Duty>,
}

impl Default for With {
    fn default() -> Self {
        Self::photos(PhotoIds::default(), Stage::Before)
    }
}

impl With {
    /// Photos of one stage.
    fn photos(photos: PhotoIds, stage: Stage) -> Self {
        Self { photos, stage, position: None, duty: None }
    }
}

/// The version that a command acts on.
///
/// # Errors
/// 428 where it is missing and the command needs one.
fn versioned(version: Option<i64>, command: &Command) -> Result<Option<i64>, Problem> {
    if version.is_none() && !is_safe_without_version(command.verb()) {
        return Err(version_required());
    }
    Ok(version)
}

/// The one path of all commands: the version that the client saw, the service, the ticket as it is afterwards.
async fn order<P>(
    services: &Services,
    caller: Auth<P>,
    request: &HttpRequest,
    ticket: i64,
    (version, command, with): (Option<i64>, Command, With),
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let version = versioned(expected_version(request, version)?, &command)?;
    let With { photos, stage, position, duty } = with;
    let before = Before::default();
    let order = Order { ticket, version, command, photos: photos.0, stage, position, duty, before };
    let loaded = carry_out(services, caller.actor(), order).await?;
    Ok(ok(&read::ticket_acted_on(services, &caller.account, loaded, lang).await?))
}

/// Keys of units: at most 9.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<i64>")]
#[schema(value_type = Vec<i64>, max_items = 9)]
pub(crate) struct UnitIds(Vec<i64>);

impl TryFrom<Vec<i64>> for UnitIds {
    type Error = &'static str;

    fn try_from(ids: Vec<i64>) -> Result<Self, Self::Error> {
        if ids.len() <= 9 { Ok(Self(ids)) } else { Err("must have at most 9 units") }
    }
}

impl UnitIds {
    /// As assisting units with the category's limit.
    fn read(self) -> Vec<Assist> {
        self.0.into_iter().map(Assist::from).collect()
    }
}
