//! The reference data in memory: tree, mesh, catalogues, duties, calendars. Built whole and swapped at once, so
//! that a request sees either the old or the new, and an import needs no restart.

use std::collections::HashMap;
use std::sync::OnceLock;

use suishoupai_core::clock::{CalendarError, WorkCalendar};
use suishoupai_core::flow::{
    Catalogue, DutyList, DutyRule, Policy, PolicyBook, Role, Rules, Thresholds, Ticket,
};
use suishoupai_core::geo::{Mesh, MeshCell, parse_area};
use suishoupai_core::model::{District, Duty, Level, Unit, UnitId, UnitTree, WeeklyHours};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::abuse::Distrust;
use suishoupai_storage::db::reference::Reference;

use crate::config::Config;
use crate::http::kept::Kept;
use crate::view::{CategoryRef, UnitRef};

/// What answers name, by its key: a page of a list asks for a hundred and fifty.
pub type Named<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What belongs to one district.
#[derive(Debug)]
pub struct DistrictData {
    /// 名称
    pub name: String,
    /// Whether it is the demonstration.
    pub is_demo: bool,
    /// 事项分类
    pub catalogue: Catalogue,
    /// Its categories as answers name them.
    pub category_refs: Named<String, CategoryRef>,
    /// It as everybody is shown it, once somebody has asked.
    pub catalogue_shown: OnceLock<Kept>,
    /// 权责清单
    pub duties: DutyList,
    /// The working calendar.
    pub calendar: WorkCalendar,
    /// The weekly hours behind it.
    pub hours: WeeklyHours,
    /// The versions of the rules.
    pub policies: PolicyBook,
}

/// All reference data of the installation.
#[derive(Debug)]
pub struct Registry {
    /// The revision that was read.
    pub revision: i64,
    /// The units of all districts.
    pub tree: UnitTree,
    /// The units as answers name them.
    pub unit_refs: Named<UnitId, UnitRef>,
    /// The current mesh of all districts.
    pub mesh: Mesh,
    /// Which cell is the area of a grid.
    pub cell_of: HashMap<UnitId, i64>,
    /// The districts.
    pub districts: HashMap<District, DistrictData>,
    /// From when on a report is suspected.
    pub suspicion: Thresholds,
    /// From when on a reporter is distrusted.
    pub distrust: Distrust,
    lease_seconds: i64,
    not_fixed_days: u32,
}

impl Registry {
    /// Builds the registry. A cell whose area cannot be read is left out and said in the log; imports check areas,
    /// so that happens only after a manual change of the database.
    ///
    /// # Errors
    /// When the hours or days of a district make no calendar.
    pub fn build(reference: Reference, config: &Config) -> Result<Self, CalendarError> {
        let tree = UnitTree::new(reference.units);
        let mut cell_of = HashMap::new();
        let mut cells = Vec::with_capacity(reference.cells.len());
        for row in reference.cells {
            match parse_area(&row.area) {
                Some(area) => {
                    cell_of.insert(row.unit, row.id);
                    cells.push(MeshCell { code: row.code, unit: row.unit, area });
                }
                None => tracing::error!(cell = row.id, "the area of a grid cell cannot be read"),
            }
        }
        let mut districts = HashMap::new();
        for row in reference.districts {
            let own = |district: District| district == row.code;
            let categories = reference.categories.iter().filter(|(district, _)| own(*district));
            let catalogue: Catalogue =
                categories.map(|(_, found)| (found.code.clone(), found.clone())).collect();
            let duties = reference.duties.iter().filter(|(district, _)| own(*district));
            let policies = reference.policies.iter().filter(|policy| own(policy.district));
            let days = reference.days.iter().filter(|(district, _)| own(*district));
            let data = DistrictData {
                name: row.name,
                is_demo: row.is_demo,
                category_refs: catalogue
                    .iter()
                    .map(|(code, category)| (code.clone(), CategoryRef::new(category)))
                    .collect(),
                catalogue,
                catalogue_shown: OnceLock::new(),
                duties: DutyList::new(
                    duties.filter_map(|(_, duty)| resolve(duty, row.code, &tree)).collect(),
                ),
                calendar: WorkCalendar::new(row.hours.clone(), days.map(|(_, day)| day.clone()))?,
                hours: row.hours,
                policies: PolicyBook::new(
                    policies.map(|row| (row.valid_from, row.id, row.policy.clone())).collect(),
                ),
            };
            districts.insert(row.code, data);
        }
        Ok(Self {
            revision: reference.revision,
            unit_refs: tree.iter().map(|unit| (unit.id, UnitRef::new(unit))).collect(),
            tree,
            mesh: Mesh::build(cells),
            cell_of,
            districts,
            suspicion: config.spam.thresholds(),
            distrust: config.spam.distrust(),
            lease_seconds: i64::from(config.claims.lease_minutes) * 60,
            not_fixed_days: config.reports.not_fixed_days,
        })
    }

    /// The rules of a district; none for one that is not there.
    pub fn rules(&self, district: District) -> Option<Rules<'_>> {
        let data = self.districts.get(&district)?;
        Some(Rules {
            tree: &self.tree,
            duties: &data.duties,
            catalogue: &data.catalogue,
            calendar: &data.calendar,
            policies: &data.policies,
            lease_seconds: self.lease_seconds,
            not_fixed_days: self.not_fixed_days,
        })
    }

    /// The rules under which a ticket stands; those built in for a district that is not there.
    pub fn policy(&self, ticket: &Ticket, now: Moment) -> Policy {
        self.rules(ticket.district).map(|rules| rules.policy(ticket, now).clone()).unwrap_or_default()
    }

    /// Who sees tickets of sensitive kinds in a district, by the rules that hold now.
    pub fn sensitive_roles(&self, district: District, now: Moment) -> &[Role] {
        self.districts.get(&district).map_or(&[], |data| &data.policies.at(now).1.sensitive_roles)
    }

    /// The unit at a level above (or at) a unit.
    pub fn above(&self, unit: UnitId, level: Level) -> Option<&Unit> {
        self.tree.at_level(unit, level)
    }

    /// The unit and everything below it; for a department its squads.
    pub fn subtree(&self, unit: UnitId) -> Vec<UnitId> {
        let mut all = vec![unit];
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            all.extend_from_slice(self.tree.children(id));
            next += 1;
        }
        all
    }
}

/// A duty with its codes resolved; none where a code is not in the tree (the import refuses such a line).
fn resolve(duty: &Duty, district: District, tree: &UnitTree) -> Option<DutyRule> {
    let by_code = |code: &String| tree.by_code(district, code).map(|unit| unit.id);
    let territory = match &duty.territory {
        Some(code) => by_code(code)?,
        None => tree.root(district)?.id,
    };
    let lead = match &duty.lead {
        Some(code) => Some(by_code(code)?),
        None => None,
    };
    Some(DutyRule {
        categories: duty.categories.clone(),
        territory,
        mode: duty.mode,
        lead,
        assist: duty.assist.iter().filter_map(by_code).collect(),
    })
}
