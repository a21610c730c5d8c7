//! The map: squares with their numbers, and tiles of vectors.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use suishoupai_core::geo::Datum;
use suishoupai_core::model::District;
use utoipa::{IntoParams, ToSchema};

use super::exposures::DistrictCode;
use super::places::known_datum;
use super::registrar::Registrar;
use crate::auth::{Auth, Official};
use crate::extract::{Path, Query};
use crate::fail::Fail;
use crate::http::kept::Kept;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::service::map::{self, Bounds, Eyes, TileId, Wanted};
use crate::services::Services;
use crate::view::Clusters;
use crate::words::Words;

/// What others than the caller must not be given is kept by the caller alone.
const OF_CALLER: &str = "private, max-age=10";
const OF_ALL: &str = "public, max-age=60";
const TILE_TYPE: &str = "application/vnd.mapbox-vector-tile";
/// The deepest zoom of a tile.
const DEEPEST: u8 = 22;
/// Months of a period at the most.
const MONTHS: i32 = 36;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(clusters).service(tile).service(public_clusters).service(public_tile);
}

/// A box of a map: west, south, east, north, in degrees. Whether there is such a box, [`ClusterQuery::view`] says.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct BoxOfMap(f64, f64, f64, f64);

impl TryFrom<String> for BoxOfMap {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "must be west,south,east,north in degrees";
        let parts: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse::<f64>()).collect();
        let [west, south, east, north] = parts.map_err(|_| wrong)?.try_into().map_err(|_| wrong)?;
        let is_number = [west, south, east, north].iter().all(|degrees| degrees.is_finite());
        if is_number { Ok(Self(west, south, east, north)) } else { Err(wrong) }
    }
}

/// A zoom of a map.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Zoom(u8);

impl TryFrom<i64> for Zoom {
    type Error = String;

    fn try_from(zoom: i64) -> Result<Self, Self::Error> {
        let zoom = u8::try_from(zoom).ok().filter(|zoom| *zoom <= DEEPEST);
        zoom.map(Self).ok_or_else(|| format!("must be from 0 to {DEEPEST}"))
    }
}

/// A month, counted from the year 0.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Month(i32);

impl TryFrom<String> for Month {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "must be a month such as 2026-03";
        let (year, month) = text.split_once('-').ok_or(wrong)?;
        let digits =
            |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(wrong);
        }
        let (year, month) =
            (year.parse::<i32>().map_err(|_| wrong)?, month.parse::<i32>().map_err(|_| wrong)?);
        if (1..=12).contains(&month) { Ok(Self(year * 12 + month - 1)) } else { Err(wrong) }
    }
}

/// Which tickets a map counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// On which something is still expected.
    Open,
    /// Closed.
    Closed,
}

/// Which squares.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClusterQuery {
    /// West, south, east and north in degrees.
    #[param(value_type = String, example = "118.05,24.42,118.21,24.51",
        pattern = "^-?[0-9]{1,3}(\\.[0-9]{1,12})?(,-?[0-9]{1,3}(\\.[0-9]{1,12})?){3}$")]
    bbox: BoxOfMap,
    /// The zoom of the map, by which the squares are as large as some hundred pixels.
    #[param(value_type = i64, minimum = 0, maximum = 22)]
    zoom: Zoom,
    /// Datum of the box and of the answer.
    #[param(value_type = super::reports::DatumWord, required = true)]
    datum: Option<String>,
    /// Only of this category.
    #[param(value_type = Option<Words<8>>)]
    category: Option<Words<8>>,
    /// Only opened in this month or later; with `to`.
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-03")]
    from: Option<Month>,
    /// Only opened in this month or earlier, at most 36 with `from`.
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-03")]
    to: Option<Month>,
    /// Only open or only closed ones.
    #[param(inline)]
    stage: Option<Stage>,
    /// Code of the district; needed by those who are not signed in, where there are several.
    #[param(value_type = Option<i32>, minimum = 100_000, maximum = 999_999)]
    district: Option<DistrictCode>,
}

/// What a tile shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TileQuery {
    /// Datum of the map; `wgs84` without it.
    #[param(value_type = Option<super::reports::DatumWord>)]
    datum: Option<String>,
    /// Only tickets of this category.
    #[param(value_type = Option<Words<8>>)]
    category: Option<Words<8>>,
    /// Only open or only closed tickets.
    #[param(inline)]
    stage: Option<Stage>,
    /// Code of the district; needed by those who are not signed in, where there are several.
    #[param(value_type = Option<i32>, minimum = 100_000, maximum = 999_999)]
    district: Option<DistrictCode>,
}

impl ClusterQuery {
    fn wanted(&self) -> Result<Wanted, Problem> {
        Ok(Wanted {
            category: self.category.clone().map(Words::into_string),
            months: period(self.from, self.to)?,
            stage: self.stage.map(stage),
        })
    }

    fn view(&self) -> Result<(Bounds, u8, Datum), Problem> {
        let BoxOfMap(west, south, east, north) = self.bbox;
        let is_box = (-180.0..=180.0).contains(&west)
            && (-180.0..=180.0).contains(&east)
            && (-90.0..=90.0).contains(&south)
            && (-90.0..=90.0).contains(&north)
            && west < east
            && south < north;
        if !is_box {
            let message = Text::new(
                "经度应在 -180 至 180 之间且西小于东，纬度应在 -90 至 90 之间且南小于北",
                "must lie within -180 to 180 and -90 to 90, with west below east and south below north",
            );
            return Err(Problem::new(Code::RefusedByRule).field("bbox", "out_of_range", message));
        }
        Ok(((west, south, east, north), self.zoom.0, known_datum(self.datum.as_deref(), "")?))
    }
}

const fn stage(stage: Stage) -> i16 {
    match stage {
        Stage::Open => 0,
        Stage::Closed => 1,
    }
}

fn period(from: Option<Month>, to: Option<Month>) -> Result<Option<(i32, i32)>, Problem> {
    match (from, to) {
        (None, None) => Ok(None),
        (Some(from), Some(to)) if from.0 <= to.0 && to.0 - from.0 < MONTHS => Ok(Some((from.0, to.0))),
        _ => {
            let message = Text::new(
                "from 与 to 须同时给出，from 不晚于 to，至多 36 个月",
                "from and to go together, from not after to, 36 months at the most",
            );
            Err(Problem::new(Code::RefusedByRule).field("to", "wrong_value", message))
        }
    }
}

/// The district that somebody means who is not signed in: the named one, or the only one.
///
/// # Errors
/// 404 where the map is not for the public; 422 where there are several and none is named.
fn meant(services: &Services, named: Option<DistrictCode>) -> Result<District, Problem> {
    if !services.config.privacy.public_map {
        return Err(Code::NotFound.into());
    }
    if let Some(code) = named {
        return Ok(code.0);
    }
    let registry = services.registry();
    let mut all = registry.districts.keys();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(*only),
        _ => {
            let message = Text::new("请给出区的代码", "state the code of the district");
            Err(Problem::new(Code::RefusedByRule).field("district", "missing", message))
        }
    }
}

/// Tickets by squares, as GeoJSON: exact numbers of every instant, at whatever volume.
///
/// Posts over the whole district are shown all of it, others what everybody may know. Categories and periods are told
/// for squares of some 500 metres and larger.
#[utoipa::path(tag = "map", operation_id = "clusters", security(("token" = [])), params(ClusterQuery),
    responses((status = OK, body = Clusters, content_type = "application/geo+json"), (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/map/clusters")]
async fn clusters(
    request: HttpRequest,
    services: web::Data<Services>,
    caller: Auth<Official>,
    query: Query<ClusterQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let account = &caller.account;
    let eyes = Eyes::of(&services.registry(), account, services.now());
    let found = map::clusters(&services, account.district, eyes, &query.wanted()?, query.view()?).await?;
    geojson(&request, &found, OF_CALLER)
}

/// Tickets by squares, as everybody may know them. Without sign-in; kept by caches for a minute.
#[utoipa::path(tag = "map", operation_id = "public_clusters", params(ClusterQuery),
    responses((status = OK, body = Clusters, content_type = "application/geo+json"), (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/map/public/clusters")]
async fn public_clusters(
    request: HttpRequest,
    services: web::Data<Services>,
    query: Query<ClusterQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let district = meant(&services, query.district)?;
    let found = map::clusters(&services, district, Eyes::Public, &query.wanted()?, query.view()?).await?;
    geojson(&request, &found, OF_ALL)
}

/// A tile of vectors (MVT) with the layers `grid`, `tickets` and `clusters`.
///
/// The mesh is there from zoom 10 on, tickets that the caller sees from zoom 14 on: at most 10,000, with their key as `id`,
/// `state`, `category` and `urgent`.
#[utoipa::path(tag = "map", operation_id = "tile", security(("token" = [])),
    params(("z" = u8, Path, maximum = 22), ("x" = u32, Path), ("y" = u32, Path), TileQuery),
    responses((status = OK, body = Vec<u8>, content_type = "application/vnd.mapbox-vector-tile"),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/map/tiles/{z}/{x}/{y}.mvt")]
async fn tile(
    request: HttpRequest,
    services: web::Data<Services>,
    caller: Auth<Official>,
    place: Path<(u8, u32, u32)>,
    query: Query<TileQuery>,
) -> Result<HttpResponse, Problem> {
    let (wanted, place) = of_tile(&query.0, place.0)?;
    let account = &caller.account;
    let bytes = map::tile(&services, account.district, Some(account), &wanted, place).await?;
    Ok(Kept::from(bytes).answer(&request, TILE_TYPE, OF_CALLER))
}

/// A tile of vectors with the layers `grid` and `clusters`, as everybody may know them. Without sign-in; kept by caches for
/// a minute.
#[utoipa::path(tag = "map", operation_id = "public_tile",
    params(("z" = u8, Path, maximum = 22), ("x" = u32, Path), ("y" = u32, Path), TileQuery),
    responses((status = OK, body = Vec<u8>, content_type = "application/vnd.mapbox-vector-tile"),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/map/public/tiles/{z}/{x}/{y}.mvt")]
async fn public_tile(
    request: HttpRequest,
    services: web::Data<Services>,
    place: Path<(u8, u32, u32)>,
    query: Query<TileQuery>,
) -> Result<HttpResponse, Problem> {
    let (wanted, place) = of_tile(&query.0, place.0)?;
    let district = meant(&services, query.0.district)?;
    let bytes = map::tile(&services, district, None, &wanted, place).await?;
    Ok(Kept::from(bytes).answer(&request, TILE_TYPE, OF_ALL))
}

fn of_tile(query: &TileQuery, (z, x, y): (u8, u32, u32)) -> Result<(Wanted, (TileId, Datum)), Problem> {
    let outside = |name: &'static str, code: Code| {
        let message = Text::new("没有这个瓦片", "there is no such tile");
        Problem::new(code).field(name, "wrong_value", message)
    };
    if z > DEEPEST {
        return Err(outside("z", Code::InvalidPath));
    }
    // How many there are depends on the zoom, which no schema can say.
    if x >= 1 << z || y >= 1 << z {
        return Err(outside(if x >= 1 << z { "x" } else { "y" }, Code::NotFound));
    }
    let datum = match &query.datum {
        Some(word) => known_datum(Some(word), "")?,
        None => Datum::Wgs84,
    };
    let wanted = Wanted {
        category: query.category.clone().map(Words::into_string),
        months: None,
        stage: query.stage.map(stage),
    };
    Ok((wanted, (TileId { z, x, y }, datum)))
}

fn geojson(request: &HttpRequest, body: &Clusters, cache: &'static str) -> Result<HttpResponse, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| Fail::internal(&error))?;
    Ok(Kept::from(bytes).answer(request, "application/geo+json", cache))
}
