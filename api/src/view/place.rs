//! Places, units and categories in answers.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use suishoupai_core::geo::Datum;
use suishoupai_core::model::{Category, District, Level, Unit, UnitId};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Scene;

/// A unit, named.
#[derive(Serialize, ToSchema)]
#[schema(as = UnitRef)]
struct NamedUnit<'a> {
    /// The key.
    id: i64,
    /// Its code.
    #[schema(example = "350203001001")]
    code: &'a str,
    /// 名称
    #[schema(example = "鸿山社区")]
    name: &'a str,
    /// 层级
    level: Level,
}

/// A unit, named, as the JSON that the registry has ready: a page names a hundred of them.
#[derive(Clone, Debug)]
pub struct UnitRef(Arc<RawValue>);

impl UnitRef {
    /// A unit of the tree.
    pub fn new(unit: &Unit) -> Self {
        let Unit { id, code, name, level, .. } = unit;
        Self(ready(&NamedUnit { id: *id, code, name, level: *level }))
    }

    /// The unit with this key; a unit that is no longer there keeps its key.
    pub fn of(scene: &Scene<'_>, id: UnitId) -> Self {
        scene.registry.unit_refs.get(&id).cloned().unwrap_or_else(|| Self::gone(id))
    }

    /// Writes the unit with this key.
    pub(super) fn write(scene: &Scene<'_>, id: UnitId, out: &mut Vec<u8>) {
        match scene.registry.unit_refs.get(&id) {
            Some(found) => out.extend_from_slice(found.0.get().as_bytes()),
            None => out.extend_from_slice(Self::gone(id).0.get().as_bytes()),
        }
    }

    fn gone(id: UnitId) -> Self {
        Self(ready(&NamedUnit { id, code: "", name: &id.to_string(), level: Level::Grid }))
    }
}

/// A category, named.
#[derive(Serialize, ToSchema)]
#[schema(as = CategoryRef)]
struct NamedCategory<'a> {
    /// Kind letter, major, minor.
    #[schema(example = "E0102")]
    code: &'a str,
    /// 小类名称
    #[schema(example = "暴露垃圾")]
    name: &'a str,
}

/// A category, named, as the JSON that the registry has ready.
#[derive(Clone, Debug)]
pub struct CategoryRef(Arc<RawValue>);

impl CategoryRef {
    /// A category of the catalogue.
    pub fn new(category: &Category) -> Self {
        Self(ready(&NamedCategory { code: &category.code, name: &category.minor_name }))
    }

    /// The category with this code; one that is no longer there keeps its code.
    pub fn of(scene: &Scene<'_>, district: District, code: &str) -> Self {
        Self::known(scene, district, code).cloned().unwrap_or_else(|| Self::gone(code))
    }

    /// Writes the category with this code.
    pub(super) fn write(scene: &Scene<'_>, district: District, code: &str, out: &mut Vec<u8>) {
        match Self::known(scene, district, code) {
            Some(found) => out.extend_from_slice(found.0.get().as_bytes()),
            None => out.extend_from_slice(Self::gone(code).0.get().as_bytes()),
        }
    }

    fn known<'s>(scene: &'s Scene<'_>, district: District, code: &str) -> Option<&'s Self> {
        scene.registry.districts.get(&district)?.category_refs.get(code)
    }

    fn gone(code: &str) -> Self {
        Self(ready(&NamedCategory { code, name: code }))
    }
}

fn ready(named: &impl Serialize) -> Arc<RawValue> {
    // Texts and numbers always have a form in JSON.
    to_raw_value(named).unwrap_or_else(|_| RawValue::NULL.to_owned()).into()
}

/// Shown and described as the members that are ready.
macro_rules! ready_as {
    ($($ready:ident: $named:ident;)+) => { $(
        impl Serialize for $ready {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl PartialSchema for $ready {
            fn schema() -> RefOr<Schema> {
                $named::schema()
            }
        }

        impl ToSchema for $ready {
            fn name() -> Cow<'static, str> {
                $named::name()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $named::schemas(schemas);
            }
        }
    )+ };
}

ready_as! {
    UnitRef: NamedUnit;
    CategoryRef: NamedCategory;
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
