//! Places, units and categories in answers.

use std::sync::Arc;

use serde::Serialize;
use suishoupai_core::geo::Datum;
use suishoupai_core::model::{District, Level, UnitId};
use utoipa::ToSchema;

use super::Scene;

/// A unit, named.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitRef {
    /// The key.
    pub id: i64,
    /// Its code.
    #[schema(value_type = String, example = "350203001001")]
    pub code: Arc<str>,
    /// 名称
    #[schema(value_type = String, example = "鸿山社区")]
    pub name: Arc<str>,
    /// 层级
    pub level: Level,
}

impl UnitRef {
    /// The unit with this key; a unit that is no longer there keeps its key.
    pub fn of(scene: &Scene<'_>, id: UnitId) -> Self {
        scene.registry.tree.get(id).map_or_else(
            || Self { id, code: "".into(), name: id.to_string().into(), level: Level::Grid },
            |unit| Self { id, code: unit.code.clone(), name: unit.name.clone(), level: unit.level },
        )
    }
}

/// A category, named.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CategoryRef {
    /// Kind letter, major, minor.
    #[schema(example = "E0102")]
    pub code: String,
    /// 小类名称
    #[schema(value_type = String, example = "暴露垃圾")]
    pub name: Arc<str>,
}

impl CategoryRef {
    /// The category with this code.
    pub fn of(scene: &Scene<'_>, district: District, code: impl Into<String>) -> Self {
        let code = code.into();
        let found = scene.registry.districts.get(&district).and_then(|data| data.catalogue.get(&code));
        let name = found.map_or_else(|| code.as_str().into(), |category| Arc::clone(&category.minor_name));
        Self { code, name }
    }
}

/// A place as it was sent, and in WGS-84.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlaceView {
    /// Longitude as sent, degrees.
    #[schema(example = 118.0855)]
    pub lon: f64,
    /// Latitude as sent, degrees.
    #[schema(example = 24.4453)]
    pub lat: f64,
    /// The datum in which it was sent.
    pub datum: Datum,
    /// Longitude in WGS-84, degrees.
    pub lon_wgs84: f64,
    /// Latitude in WGS-84, degrees.
    pub lat_wgs84: f64,
    /// Address in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Landmark in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landmark: Option<String>,
}

/// Where a point lies.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Located {
    /// The grid cell that it is in, or the nearest one.
    pub grid: UnitRef,
    /// The community of that grid.
    pub community: UnitRef,
    /// The street of that community.
    pub street: UnitRef,
    /// Distance to the cell in metres: 0 inside, at most the reach (200 m) outside.
    #[schema(example = 0.0)]
    pub distance_m: f64,
}

impl Located {
    /// The lineage of a grid.
    pub fn of(scene: &Scene<'_>, grid: UnitId, distance_m: f64) -> Self {
        let above = |level| {
            scene
                .registry
                .above(grid, level)
                .map_or_else(|| UnitRef::of(scene, grid), |unit| UnitRef::of(scene, unit.id))
        };
        Self {
            grid: UnitRef::of(scene, grid),
            community: above(Level::Community),
            street: above(Level::Street),
            distance_m: (distance_m * 10.0).round() / 10.0,
        }
    }
}
