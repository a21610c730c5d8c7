//! 打码: faces and plates on photos of tickets made unreadable, and the mask taken off again.

use actix_web::{HttpResponse, get, post, web};
use serde::Deserialize;
use suishoupai_core::flow::masking::{Area, WHOLE};
use suishoupai_storage::db::accounts::Account;
use utoipa::ToSchema;

use super::registrar::Registrar;
use super::{Id, ok};
use crate::auth::{Auth, Chief, Official, Worker};
use crate::extract::{Json, Path};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::masks::{Areas, add, take_off};
use crate::service::read;
use crate::services::Services;
use crate::view::MaskView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(mask).service(unmask).service(one);
}

/// A rectangle of the picture as it is shown, upright.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AreaBody {
    /// From the left side.
    #[schema(minimum = 0, maximum = 65535, example = 0.25)]
    left: f64,
    /// From the top.
    #[schema(minimum = 0, maximum = 65535, example = 0.4)]
    top: f64,
    /// Width, more than 0.
    #[schema(exclusive_minimum = 0, maximum = 65535, example = 0.1)]
    width: f64,
    /// Height, more than 0.
    #[schema(exclusive_minimum = 0, maximum = 65535, example = 0.08)]
    height: f64,
}

/// In what rectangles are given.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AreaUnit {
    /// Shares of width and height, 0 to 1.
    #[default]
    Share,
    /// Whole pixels of the display rendition.
    Pixel,
}

/// Rectangles: 1 to 50.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "Vec<AreaBody>")]
#[schema(value_type = Vec<AreaBody>, min_items = 1, max_items = 50)]
pub(crate) struct AreaBodies(Vec<AreaBody>);

impl TryFrom<Vec<AreaBody>> for AreaBodies {
    type Error = &'static str;

    fn try_from(areas: Vec<AreaBody>) -> Result<Self, Self::Error> {
        if (1..=50).contains(&areas.len()) { Ok(Self(areas)) } else { Err("must have 1 to 50 areas") }
    }
}

/// What is to be made unreadable.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskBody {
    /// Faces, plates and the like; added to what is masked already.
    areas: AreaBodies,
    /// In what they are given.
    #[serde(default)]
    #[schema(default = "share")]
    unit: AreaUnit,
    /// Why.
    reason: Words<500>,
}

impl MaskBody {
    fn read(&self) -> Result<Areas, Problem> {
        let each = || self.areas.0.iter().enumerate();
        match self.unit {
            AreaUnit::Share => each().map(share).collect::<Result<_, _>>().map(Areas::Shares),
            AreaUnit::Pixel => each().map(pixels).collect::<Result<_, _>>().map(Areas::Pixels),
        }
    }
}

fn share((index, area): (usize, &AreaBody)) -> Result<Area, Problem> {
    let edge = |from: f64, length: f64| {
        let whole = f64::from(WHOLE);
        let is_right = (0.0..=1.0).contains(&from) && length > 0.0 && from + length <= 1.0 + 1e-9;
        // Outwards, so that what is touched in part is covered; the range keeps it within the integers.
        let low = (from * whole).floor() as u32;
        let high = ((from + length) * whole).ceil().min(whole) as u32;
        is_right.then_some((low, high.saturating_sub(low).max(1)))
    };
    let both = edge(area.left, area.width).zip(edge(area.top, area.height));
    let found = both.and_then(|((left, width), (top, height))| Area::new(left, top, width, height));
    found.ok_or_else(|| {
        let message = Text::new(
            "应为照片内的区域：各边在 0 到 1 之间，宽和高大于 0",
            "must lie within the picture: sides from 0 to 1, width and height more than 0",
        );
        Problem::new(Code::RefusedByRule).field(format!("/areas/{index}"), "outside_picture", message)
    })
}

fn pixels((index, area): (usize, &AreaBody)) -> Result<[u32; 4], Problem> {
    let whole =
        |value: f64| (value.fract() == 0.0 && (0.0..=65_535.0).contains(&value)).then_some(value as u32);
    let all = [area.left, area.top, area.width, area.height].map(whole);
    if let [Some(left), Some(top), Some(width), Some(height)] = all {
        return Ok([left, top, width, height]);
    }
    let message = Text::new("应为整数像素", "must be whole pixels");
    Err(Problem::new(Code::RefusedByRule).field(format!("/areas/{index}"), "wrong_value", message))
}

/// 打码: makes areas of a photo unreadable for everybody.
///
/// For whoever works on one of its tickets. From the answer on nobody gets the renditions of before; those with the mask
/// are made at once after (`state`). What is masked stays so; areas given again change nothing. The original is untouched.
#[utoipa::path(tag = "photos", operation_id = "mask_photo", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = MaskView)))]
#[post("/photos/{id}/mask")]
async fn mask(
    services: web::Data<Services>,
    caller: Auth<Worker>,
    id: Path<Id>,
    body: Json<MaskBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let areas = body.read()?;
    add(&services, &caller.account, id.0.0, areas, body.reason.into_string()).await?;
    answer(&services, &caller.account, id.0.0, lang).await
}

/// Why a mask is taken off.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnmaskBody {
    /// Why.
    reason: Words<500>,
}

/// 撤销打码: takes the mask off a photo; by a chief of the district who has not masked it.
#[utoipa::path(tag = "photos", operation_id = "unmask_photo", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = MaskView)))]
#[post("/photos/{id}/unmask")]
async fn unmask(
    services: web::Data<Services>,
    caller: Auth<Chief>,
    id: Path<Id>,
    body: Json<UnmaskBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    take_off(&services, &caller.account, id.0.0, body.into_inner().reason.into_string()).await?;
    answer(&services, &caller.account, id.0.0, lang).await
}

/// The mask of a photo, with who changed it when and why; for officials who uploaded it or may see one of its tickets.
#[utoipa::path(tag = "photos", operation_id = "photo_mask", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = MaskView)))]
#[get("/photos/{id}/mask")]
async fn one(
    services: web::Data<Services>,
    caller: Auth<Official>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    answer(&services, &caller.account, id.0.0, lang).await
}

async fn answer(
    services: &Services,
    account: &Account,
    id: i64,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&read::mask(services, account, id, lang).await?))
}
