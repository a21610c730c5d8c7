//! The five-level tree of units.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::geo::LonLat;

/// The six-digit administrative code of a district (GB/T 2260), such as 350203 for 思明区.
pub type District = i32;

/// The key of a unit in the database.
pub type UnitId = i64;

/// The five levels. A department may have squads (中队) below it and a grid may have micro-grids; they are of
/// the level of their parent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 区
    District,
    /// 部门
    Department,
    /// 街道
    Street,
    /// 社区
    Community,
    /// 网格
    Grid,
}

impl Level {
    /// All levels, from the top down.
    pub const ALL: [Level; 5] =
        [Level::District, Level::Department, Level::Street, Level::Community, Level::Grid];

    /// The word used in files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::District => "district",
            Level::Department => "department",
            Level::Street => "street",
            Level::Community => "community",
            Level::Grid => "grid",
        }
    }

    /// The level with this word.
    pub fn parse(word: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == word)
    }

    /// Whether a unit of this level may stand directly below one of `parent`.
    pub const fn fits_below(self, parent: Level) -> bool {
        matches!(
            (self, parent),
            (Level::Department | Level::Street, Level::District)
                | (Level::Department, Level::Department)
                | (Level::Community, Level::Street)
                | (Level::Grid, Level::Community | Level::Grid)
        )
    }
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The key in the database.
    pub id: UnitId,
    /// The district it belongs to.
    pub district: District,
    /// District, street and community: 12 digits (the statistical code); grid: 14 or 15 digits; department and
    /// squad: any short code unique in the district, such as `D01`.
    pub code: Arc<str>,
    /// 名称
    pub name: Arc<str>,
    /// 层级
    pub level: Level,
    /// The unit above; none for the district itself.
    pub parent: Option<UnitId>,
    /// A duty telephone that may be shown to the public.
    pub phone: Option<String>,
    /// A point to centre a map on, WGS-84.
    pub center: Option<LonLat>,
}

/// All units of one installation, by key and by code, with the questions that rules ask of the tree.
#[derive(Clone, Debug, Default)]
pub struct UnitTree {
    units: HashMap<UnitId, Unit>,
    by_code: HashMap<(District, String), UnitId>,
    children: HashMap<UnitId, Vec<UnitId>>,
    roots: HashMap<District, UnitId>,
}

impl UnitTree {
    /// The tree of these units.
    pub fn new(units: impl IntoIterator<Item = Unit>) -> Self {
        let mut tree = Self::default();
        for unit in units {
            tree.by_code.insert((unit.district, unit.code.to_string()), unit.id);
            if unit.level == Level::District {
                tree.roots.entry(unit.district).or_insert(unit.id);
            }
            if let Some(parent) = unit.parent {
                tree.children.entry(parent).or_default().push(unit.id);
            }
            tree.units.insert(unit.id, unit);
        }
        for below in tree.children.values_mut() {
            below.sort_by(|a, b| tree.units[a].code.cmp(&tree.units[b].code));
        }
        tree
    }

    /// The unit with this key.
    pub fn get(&self, id: UnitId) -> Option<&Unit> {
        self.units.get(&id)
    }

    /// The unit with this code in a district.
    pub fn by_code(&self, district: District, code: &str) -> Option<&Unit> {
        self.by_code.get(&(district, code.to_owned())).and_then(|id| self.units.get(id))
    }

    /// All units, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// The units directly below, ordered by code.
    pub fn children(&self, id: UnitId) -> &[UnitId] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The unit itself and everything above it, from the bottom up.
    pub fn lineage(&self, id: UnitId) -> impl Iterator<Item = &Unit> {
        // A tree in the database cannot be trusted to be free of cycles; 32 is far beyond any real depth.
        std::iter::successors(self.get(id), |unit| unit.parent.and_then(|parent| self.get(parent))).take(32)
    }

    /// Whether `id` is `top` or stands anywhere below it.
    pub fn is_within(&self, id: UnitId, top: UnitId) -> bool {
        self.lineage(id).any(|unit| unit.id == top)
    }

    /// The ancestor of `id` (or `id` itself) at a level, the highest one where a level repeats.
    pub fn at_level(&self, id: UnitId, level: Level) -> Option<&Unit> {
        self.lineage(id).filter(|unit| unit.level == level).last()
    }

    /// The district's own unit.
    pub fn root(&self, district: District) -> Option<&Unit> {
        self.roots.get(&district).and_then(|id| self.units.get(id))
    }
}
