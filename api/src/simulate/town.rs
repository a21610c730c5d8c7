//! The simulated district: where things happen, what happens, and how its units are.

use std::collections::BTreeMap;

use suishoupai_core::flow::Ticket;
use suishoupai_core::geo::LonLat;
use suishoupai_core::model::{Category, CategoryKind, Level, UnitId};

use super::chance::{Chance, Weighted};
use super::people::{People, Who};
use crate::demo::DISTRICT;
use crate::registry::Registry;

/// Out of a day's reports, how many come in each hour.
const HOURS: [f64; 24] = [
    1.0, 0.5, 0.3, 0.3, 0.5, 1.5, 4.0, 8.0, 9.0, 7.0, 6.0, 5.0, 4.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 7.0, 5.5,
    4.0, 2.5, 1.5,
];

/// How a unit is to work with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Temper {
    /// The share of the time limit that it takes, on the average, beyond the least.
    pub(super) pace: f64,
    /// The mean time until it signs, in working minutes.
    pub(super) signs_in: f64,
    /// How probably it gives a first order back.
    pub(super) returns: f64,
}

/// The district.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) people: People,
    /// Middles of cells.
    places: Weighted<LonLat>,
    categories: Weighted<String>,
    hours: Weighted<usize>,
    departments: Vec<UnitId>,
    tempers: BTreeMap<UnitId, Temper>,
}

impl Town {
    /// The town of a seed.
    pub(super) fn new(registry: &Registry, people: People, chance: &mut Chance) -> Self {
        let tree = &registry.tree;
        let mut units: Vec<_> = tree.iter().filter(|unit| unit.district == DISTRICT).collect();
        units.sort_by(|a, b| a.code.cmp(&b.code));
        let mut busy = BTreeMap::new();
        let mut tempers = BTreeMap::new();
        for unit in &units {
            // Squaring a wait makes a few communities far busier than most.
            busy.insert(unit.id, 0.2 + chance.wait(1.0).powi(2));
            let temper = Temper {
                pace: 0.18 + 0.2 * chance.part(),
                signs_in: 8.0 + 20.0 * chance.part(),
                returns: if unit.level == Level::Department {
                    0.02 + 0.12 * chance.part().powi(2)
                } else {
                    0.01
                },
            };
            tempers.insert(unit.id, temper);
        }
        let places = registry.mesh.cells().iter().filter_map(|cell| {
            let community = tree.at_level(cell.unit, Level::Community)?;
            let weight = *busy.get(&community.id)? * (0.3 + *busy.get(&cell.unit)?);
            Some((weight, middle(cell.area.0.first()?.exterior().0.iter().map(|p| (p.x, p.y)))?))
        });
        let places = Weighted::new(places);
        let known = registry.districts.get(&DISTRICT).map(|data| data.catalogue.values());
        let mut catalogue: Vec<&Category> = known.into_iter().flatten().collect();
        catalogue.sort_by(|a, b| a.code.cmp(&b.code));
        let categories =
            catalogue.iter().map(|found| (weight(found) * (0.3 + chance.part()), found.code.clone()));
        let departments = units.iter().filter(|unit| {
            unit.level == Level::Department
                && tree.root(DISTRICT).is_some_and(|root| unit.parent == Some(root.id))
        });
        Self {
            categories: Weighted::new(categories),
            hours: Weighted::new(HOURS.into_iter().zip(0..)),
            departments: departments.map(|unit| unit.id).collect(),
            people,
            places,
            tempers,
        }
    }

    /// A place where something is wrong, within some 30 m of the middle of a cell.
    pub(super) fn place(&self, chance: &mut Chance) -> Option<LonLat> {
        let middle = self.places.draw(chance)?;
        let mut off = || (chance.part() - 0.5) * 0.0006;
        Some(LonLat { lon: middle.lon + off(), lat: middle.lat + off() })
    }

    /// What is wrong, as the code of a category.
    pub(super) fn category(&self, chance: &mut Chance) -> String {
        self.categories.draw(chance).cloned().unwrap_or_default()
    }

    /// When in a day somebody reports, in milliseconds after midnight.
    pub(super) fn time_of_day(&self, chance: &mut Chance) -> i64 {
        let hour = self.hours.draw(chance).copied().unwrap_or(12) as i64;
        hour * 3_600_000 + (chance.part() * 3_600_000.0) as i64
    }

    /// By when in a day this part of its reports has come in, in milliseconds after midnight.
    pub(super) fn by_then(part: f64) -> i64 {
        let mut left = part.clamp(0.0, 1.0) * HOURS.iter().sum::<f64>();
        for (hour, reports) in HOURS.into_iter().enumerate() {
            if left < reports {
                return hour as i64 * 3_600_000 + (left / reports * 3_600_000.0) as i64;
            }
            left -= reports;
        }
        86_399_999
    }

    /// A department, or the street of a ticket: whom the centre tries next.
    pub(super) fn handler(
        &self,
        registry: &Registry,
        ticket: &Ticket,
        chance: &mut Chance,
    ) -> Option<UnitId> {
        if chance.hit(0.4) {
            return registry.tree.at_level(ticket.grid, Level::Street).map(|street| street.id);
        }
        chance.one(&self.departments).copied()
    }

    /// A department that has nothing to do with a ticket yet, nor has a squad of its own.
    pub(super) fn helper(&self, registry: &Registry, ticket: &Ticket, chance: &mut Chance) -> Option<UnitId> {
        let open = || ticket.orders.iter().filter(|order| order.state.is_open());
        let busy = |unit: UnitId| open().any(|order| registry.tree.is_within(order.unit, unit));
        chance.one(&self.departments).copied().filter(|unit| !busy(*unit))
    }

    /// How a unit is to work with.
    pub(super) fn temper(&self, unit: UnitId) -> Temper {
        let usual = Temper { pace: 0.25, signs_in: 15.0, returns: 0.02 };
        self.tempers.get(&unit).copied().unwrap_or(usual)
    }

    /// Somebody who acts for a unit.
    pub(super) fn somebody(&self, unit: UnitId, chance: &mut Chance) -> Option<Who> {
        if let Some(workers) = self.people.workers.get(&unit) {
            return Some(workers[usize::from(chance.hit(0.15))]);
        }
        chance.one(self.people.officers.get(&unit)?).copied()
    }
}

/// How much is reported of a category: what happens in the street far more than what breaks.
fn weight(category: &Category) -> f64 {
    match (category.kind, category.major_code.as_str()) {
        _ if category.sensitive => 0.15,
        (CategoryKind::Event, "01" | "05") => 6.0,
        (CategoryKind::Event, "02") => 4.0,
        (CategoryKind::Event, "04") => 0.3,
        (CategoryKind::Event, _) => 1.5,
        (CategoryKind::Component, _) => 1.0,
    }
}

fn middle(points: impl Iterator<Item = (f64, f64)>) -> Option<LonLat> {
    let (mut lon, mut lat, mut count) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        lon += x;
        lat += y;
        count += 1.0;
    }
    (count > 0.0).then(|| LonLat { lon: lon / count, lat: lat / count })
}
