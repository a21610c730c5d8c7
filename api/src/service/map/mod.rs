//! The map: tickets by squares as GeoJSON, and tiles of vectors.
//!
//! Whoever has a post over the whole district is shown it as it is. All others are shown what everybody may know: numbers
//! of tickets that are not sensitive and stand for something, at the middle of squares of some 500 metres, so that no
//! home can be read from them. Tickets themselves are shown to whom each of them may be shown.

mod clusters;
mod mercator;
mod points;
mod tile;

use suishoupai_core::flow::Role;
use suishoupai_core::geo::{Datum, LonLat, convert};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::counts::{COARSEST, Narrow};

use crate::problem::{Code, Problem};
use crate::registry::Registry;

pub use clusters::clusters;
pub use tile::{TileId, tile};

/// A box in degrees: west, south, east, north.
pub type Bounds = (f64, f64, f64, f64);

/// Stages that stand for something: open, and closed.
const OF_SOMETHING: [i16; 2] = [0, 1];

/// How somebody sees a district.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eyes {
    /// All of it.
    Whole {
        /// Those of sensitive kinds too.
        sensitive: bool,
    },
    /// What everybody may know.
    Public,
}

impl Eyes {
    /// How an account sees its district.
    pub fn of(registry: &Registry, account: &Account, now: Moment) -> Self {
        let root = registry.tree.root(account.district).map(|unit| unit.id);
        let named = registry.sensitive_roles(account.district, now);
        let over_all = account.posts.iter().filter(|post| {
            Some(post.unit) == root && !matches!(post.role, Role::DepartmentOfficer | Role::Resident)
        });
        let mut seen = None;
        for post in over_all {
            seen = Some(seen.unwrap_or(false) || named.contains(&post.role));
        }
        seen.map_or(Self::Public, |sensitive| Self::Whole { sensitive })
    }
}

/// What is asked to be counted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only of this category.
    pub category: Option<String>,
    /// Only opened in these months, both included, counted from the year 0.
    pub months: Option<(i32, i32)>,
    /// Only open ones, or only closed ones.
    pub stage: Option<i16>,
}

impl Wanted {
    /// What is counted for these eyes.
    ///
    /// # Errors
    /// 404 for a category that the catalogue does not have.
    fn narrow(&self, registry: &Registry, district: District, eyes: Eyes) -> Result<Narrow, Problem> {
        let catalogue = &registry.districts.get(&district).ok_or(Code::NotFound)?.catalogue;
        let mut narrow = Narrow { months: self.months, ..Narrow::default() };
        if let Some(code) = &self.category {
            let found = catalogue.get(code).ok_or(Code::CategoryNotFound)?;
            if eyes == Eyes::Public && found.sensitive {
                return Err(Code::CategoryNotFound.into());
            }
            narrow.categories = Some(vec![code.clone()]);
        }
        narrow.stages = self.stage.into_iter().collect();
        match eyes {
            Eyes::Whole { sensitive } => narrow.sensitive = sensitive,
            Eyes::Public => {
                if narrow.stages.is_empty() {
                    narrow.stages = OF_SOMETHING.to_vec();
                }
                // A kind may have become sensitive after its tickets were opened.
                let hidden = catalogue.values().filter(|category| category.sensitive);
                narrow.without = hidden.map(|category| category.code.clone()).collect();
                narrow.without.sort_unstable();
            }
        }
        Ok(narrow)
    }
}

/// The level of squares for a zoom of the map: some 60 to 120 pixels wide.
fn level(zoom: u8, finest: u8) -> u8 {
    ((zoom.saturating_add(2)) & !1).clamp(COARSEST, finest)
}

/// A point of the database in the datum of a map.
fn in_datum(at: LonLat, datum: Datum) -> (f64, f64) {
    if datum == Datum::Wgs84 { (at.lon, at.lat) } else { convert(at.lon, at.lat, Datum::Wgs84, datum) }
}

/// A box of a map (west, south, east, north) as one of the database that holds it.
fn to_wgs84((west, south, east, north): Bounds, datum: Datum) -> Bounds {
    if datum == Datum::Wgs84 {
        return (west, south, east, north);
    }
    let corners = [(west, south), (west, north), (east, south), (east, north)]
        .map(|(lon, lat)| convert(lon, lat, datum, Datum::Wgs84));
    let least = |of: fn(&(f64, f64)) -> f64| corners.iter().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&(f64, f64)) -> f64| corners.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    (least(|corner| corner.0), least(|corner| corner.1), most(|corner| corner.0), most(|corner| corner.1))
}
