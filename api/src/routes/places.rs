//! Places, units and the catalogue: open to everybody.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::geo::{Coordinate, CoordinateError, Datum};
use suishoupai_core::model::{CategoryKind, District, Level, Limit};
use utoipa::{IntoParams, ToSchema};

use super::ok;
use super::registrar::Registrar;
use crate::extract::Query;
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::registry::DistrictData;
use crate::service::places;
use crate::services::Services;
use crate::view::{Located, Scene};

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(locate).service(categories).service(units);
}

/// A datum that is known.
///
/// # Errors
/// `unknown_datum`, also where it is missing.
pub(crate) fn known_datum(datum: Option<&str>, at: &str) -> Result<Datum, Problem> {
    datum.and_then(Datum::parse).ok_or_else(|| {
        let message = Text::new(
            "请注明坐标系：wgs84、gcj02、bd09（CGCS2000 按 wgs84）",
            "state wgs84, gcj02 or bd09 (CGCS2000 counts as wgs84)",
        );
        Problem::new(Code::UnknownDatum).field(format!("{at}datum"), "unknown_datum", message)
    })
}

/// A coordinate of which the datum may be missing or unknown: that is refused with a problem of its own.
///
/// # Errors
/// `unknown_datum`, `bad_coordinate`.
pub(crate) fn coordinate(lon: f64, lat: f64, datum: Option<&str>, at: &str) -> Result<Coordinate, Problem> {
    let datum = known_datum(datum, at)?;
    Coordinate::new(lon, lat, datum).map_err(|error| {
        let (field, zh) = match error {
            CoordinateError::NotFinite => ("lon", "经纬度应为有限的数"),
            CoordinateError::AxesSwapped { .. } => ("lon", "经纬度似乎写反了：lon 为经度，lat 为纬度"),
            CoordinateError::Longitude { .. } => ("lon", "经度应在 -180 到 180 之间"),
            CoordinateError::Latitude { .. } => ("lat", "纬度应在 -90 到 90 之间"),
        };
        let message = Text::new(zh, error.to_string());
        Problem::new(Code::BadCoordinate).field(format!("{at}{field}"), "wrong_value", message)
    })
}

/// A point with its datum.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PointQuery {
    /// Longitude, degrees.
    #[param(minimum = -180, maximum = 180, example = 118.0855)]
    lon: f64,
    /// Latitude, degrees.
    #[param(minimum = -90, maximum = 90, example = 24.4453)]
    lat: f64,
    /// Datum of the two.
    #[param(value_type = super::reports::DatumWord, required = true)]
    datum: Option<String>,
}

/// In which grid, community and street does a point lie?
#[utoipa::path(tag = "places", operation_id = "locate", params(PointQuery), responses((status = OK, body = Located)))]
#[get("/locate")]
async fn locate(
    services: web::Data<Services>,
    query: Query<PointQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let point = coordinate(query.0.lon, query.0.lat, query.0.datum.as_deref(), "")?;
    let registry = services.registry();
    let spot = places::locate(&registry, &point, services.config.reports.reach_m)?;
    let scene = scene(&services, &registry, lang);
    Ok(ok(&Located::of(&scene, spot.grid, spot.distance_m)))
}

fn scene<'a>(services: &'a Services, registry: &'a crate::registry::Registry, lang: Lang) -> Scene<'a> {
    Scene {
        lang,
        registry,
        links: &services.links,
        now: services.now(),
        names: std::collections::HashMap::new(),
    }
}

/// Which district; needed only where the installation serves several.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DistrictQuery {
    /// Six digits.
    #[param(minimum = 100000, maximum = 999999, example = 350203)]
    district: Option<District>,
}

/// One category of the catalogue 事项分类.
#[derive(Serialize, ToSchema)]
pub(crate) struct CategoryView {
    /// Kind letter, major, minor.
    #[schema(example = "E0102")]
    code: String,
    /// 部件 or 事件.
    kind: CategoryKind,
    /// 大类名称
    major_name: String,
    /// 小类名称
    name: String,
    /// Urgent or not.
    urgent: bool,
    /// 立案条件
    filing_condition: String,
    /// 处置时限
    limit: Limit,
    /// 结案条件
    closing_condition: String,
    /// Whether it may be reported anonymously.
    anonymous_allowed: bool,
}

/// The catalogue.
#[derive(Serialize, ToSchema)]
pub(crate) struct Categories {
    /// By code.
    items: Vec<CategoryView>,
}

/// The catalogue of a district. It seldom changes, so a client that has it asks with the `ETag` that came with it.
#[utoipa::path(tag = "places", operation_id = "categories", params(DistrictQuery),
    responses((status = OK, body = Categories),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/categories")]
async fn categories(
    services: web::Data<Services>,
    query: Query<DistrictQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let registry = services.registry();
    let district = query.0.district.or_else(|| registry.districts.keys().copied().min());
    let data = district.and_then(|code| registry.districts.get(&code)).ok_or(Code::UnitNotFound)?;
    let shown = match data.catalogue_shown.get() {
        Some(shown) => shown,
        None => {
            let body = serde_json::to_vec(&shown(data)).map_err(|error| Problem::internal(&error))?;
            data.catalogue_shown.get_or_init(|| body.into())
        }
    };
    Ok(shown.answer(&request, "application/json", ASK_AGAIN))
}

/// Kept, but never shown without asking whether it is still so: a report under a category that has gone is refused.
const ASK_AGAIN: &str = "public, no-cache";

fn shown(data: &DistrictData) -> Categories {
    let mut items: Vec<CategoryView> = data
        .catalogue
        .values()
        .map(|category| CategoryView {
            code: category.code.clone(),
            kind: category.kind,
            major_name: category.major_name.clone(),
            name: category.minor_name.to_string(),
            urgent: category.urgent,
            filing_condition: category.filing_condition.clone(),
            limit: category.limit,
            closing_condition: category.closing_condition.clone(),
            anonymous_allowed: category.anonymous_allowed,
        })
        .collect();
    items.sort_by(|a, b| a.code.cmp(&b.code));
    Categories { items }
}

/// Below which unit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnitQuery {
    /// The key of a unit; without it the districts.
    #[param(value_type = Option<i64>, minimum = 1)]
    parent: Option<super::Id>,
}

/// A unit of the tree.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitView {
    /// The key.
    id: i64,
    /// Its code.
    code: String,
    /// 名称
    name: String,
    /// 层级
    level: Level,
    /// A duty telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// How many units stand directly below.
    children: usize,
}

/// Units of the tree.
#[derive(Serialize, ToSchema)]
pub(crate) struct Units {
    /// By code.
    items: Vec<UnitView>,
}

/// The units directly below a unit.
#[utoipa::path(tag = "places", operation_id = "units", params(UnitQuery), responses((status = OK, body = Units)))]
#[get("/units")]
async fn units(services: web::Data<Services>, query: Query<UnitQuery>) -> Result<HttpResponse, Problem> {
    let registry = services.registry();
    let ids: Vec<i64> = match query.0.parent {
        Some(super::Id(parent)) => {
            registry.tree.get(parent).ok_or(Code::UnitNotFound)?;
            registry.tree.children(parent).to_vec()
        }
        None => {
            let mut roots: Vec<_> = registry.tree.iter().filter(|unit| unit.parent.is_none()).collect();
            roots.sort_by(|a, b| a.code.cmp(&b.code));
            roots.into_iter().map(|unit| unit.id).collect()
        }
    };
    let items = ids.iter().filter_map(|id| registry.tree.get(*id)).map(|unit| UnitView {
        id: unit.id,
        code: unit.code.to_string(),
        name: unit.name.to_string(),
        level: unit.level,
        phone: unit.phone.clone(),
        children: registry.tree.children(unit.id).len(),
    });
    Ok(ok(&Units { items: items.collect() }))
}
