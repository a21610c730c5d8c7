//! A small district with its people, and the commands that they give.

use std::collections::BTreeMap;

pub(super) use super::case::Case;
use crate::clock::WorkCalendar;
use crate::flow::{
    Actor, Assist, Catalogue, Channel, Command, DutyList, DutyRule, OnSpot, Opening, Outcome, PhotoRef,
    Policy, PolicyBook, Post, ReturnReason, Role, Rules, Stage,
};
use crate::model::{
    Category, CategoryKind, CategoryPattern, District, DutyMode, Level, Limit, LimitUnit, Unit, UnitId,
    UnitTree, WeeklyHours,
};
use crate::time::Moment;

/// The codes of 思明区 and of its neighbour 湖里区.
pub(super) const HOME: District = 350_203;
pub(super) const NEIGHBOUR: District = 350_206;

pub(super) const CENTRE: UnitId = 1;
/// 城管局 with its two squads, and 市政园林局.
pub(super) const D01: UnitId = 10;
pub(super) const SQUAD_1: UnitId = 11;
pub(super) const SQUAD_2: UnitId = 12;
pub(super) const D02: UnitId = 20;
/// Street 100 > communities 110 (grids 111, 112) and 120 (grid 121).
pub(super) const STREET: UnitId = 100;
pub(super) const COMMUNITY: UnitId = 110;
pub(super) const GRID: UnitId = 111;
pub(super) const GRID_NEXT: UnitId = 112;
pub(super) const GRID_FAR: UnitId = 121;
/// Street 200 > community 210 > grids 211 and 212.
pub(super) const OTHER_STREET: UnitId = 200;
pub(super) const OTHER_COMMUNITY: UnitId = 210;
pub(super) const OTHER_GRID: UnitId = 211;
pub(super) const HELPER_GRID: UnitId = 212;
/// The neighbouring district has a centre and a department only.
pub(super) const NEIGHBOUR_CENTRE: UnitId = 900;
pub(super) const NEIGHBOUR_DEPARTMENT: UnitId = 910;
/// No unit has this key.
pub(super) const NOWHERE: UnitId = 4040;

/// Leads D02, assisted by the first squad of D01.
pub(super) const MANHOLE: &str = "P0101";
/// 网格自办 everywhere.
pub(super) const RUBBISH: &str = "E0102";
/// D01 in the district, but the street itself in street 100; urgent.
pub(super) const STALLS: &str = "E0201";
/// No rule covers it, nor the two below.
pub(super) const UNRULED: &str = "E0301";
/// Somebody must be on the spot soon; urgent.
pub(super) const GAS: &str = "E0401";
/// Seen by named roles only.
pub(super) const QUARREL: &str = "E0605";

pub(super) const LEASE_SECONDS: i64 = 7200;
pub(super) const NOT_FIXED_DAYS: u32 = 7;

pub(super) struct World {
    pub tree: UnitTree,
    pub duties: DutyList,
    pub catalogue: Catalogue,
    pub calendar: WorkCalendar,
    pub policies: PolicyBook,
}

impl World {
    pub(super) fn new() -> Self {
        let catalogue = [
            category(MANHOLE, 8, LimitUnit::UrgentHours),
            category(RUBBISH, 4, LimitUnit::WorkingHours),
            Category { urgent: true, ..category(STALLS, 2, LimitUnit::WorkingDays) },
            category(UNRULED, 3, LimitUnit::WorkingDays),
            Category { urgent: true, must_report: true, ..category(GAS, 1, LimitUnit::UrgentHours) },
            Category { sensitive: true, ..category(QUARREL, 10, LimitUnit::Days) },
        ];
        Self {
            tree: UnitTree::new(units()),
            duties: DutyList::new(duty_rules()),
            catalogue: catalogue.into_iter().map(|found| (found.code.clone(), found)).collect(),
            calendar: WorkCalendar::new(WeeklyHours::default(), Vec::new()).unwrap(),
            policies: PolicyBook::default(),
        }
    }

    /// The same district under these rules, from the beginning of time.
    pub(super) fn under(policy: Policy) -> Self {
        let policies = PolicyBook::new(vec![(Moment::from_millis(0), 1, policy)]);
        Self { policies, ..Self::new() }
    }

    /// The same district, where the office is open from ten to eleven only.
    pub(super) fn with_short_days() -> Self {
        let open = || vec![(36_000, 39_600)];
        let days = [open(), open(), open(), open(), open(), vec![], vec![]];
        Self { calendar: WorkCalendar::new(WeeklyHours { days }, Vec::new()).unwrap(), ..Self::new() }
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules {
            tree: &self.tree,
            duties: &self.duties,
            catalogue: &self.catalogue,
            calendar: &self.calendar,
            policies: &self.policies,
            lease_seconds: LEASE_SECONDS,
            not_fixed_days: NOT_FIXED_DAYS,
        }
    }
}

pub(super) fn duty(pattern: &str, territory: UnitId, lead: Option<UnitId>, assist: &[UnitId]) -> DutyRule {
    DutyRule {
        categories: CategoryPattern::parse(pattern).unwrap(),
        territory,
        mode: if lead.is_some() { DutyMode::Unit } else { DutyMode::GridFirst },
        lead,
        assist: assist.to_vec(),
    }
}

pub(super) fn duty_rules() -> Vec<DutyRule> {
    vec![
        duty("P01*", CENTRE, Some(D02), &[SQUAD_1]),
        duty("E0102", CENTRE, None, &[]),
        duty("E0201", CENTRE, Some(D01), &[]),
        duty("E02*", STREET, Some(STREET), &[]),
    ]
}

fn category(code: &str, amount: u32, unit: LimitUnit) -> Category {
    Category {
        code: code.into(),
        kind: if code.starts_with('P') { CategoryKind::Component } else { CategoryKind::Event },
        major_code: code[1..3].to_owned(),
        major_name: format!("大类{}", &code[1..3]),
        minor_code: code[3..5].to_owned(),
        minor_name: format!("小类{}", &code[3..5]).into(),
        urgent: false,
        filing_condition: String::new(),
        limit: Limit { amount, unit },
        closing_condition: String::new(),
        anonymous_allowed: true,
        sensitive: false,
        must_report: false,
    }
}

fn units() -> Vec<Unit> {
    use Level::{Community, Department, Grid, Street};
    let of = |district, id, code: &str, name: &str, level, parent| Unit {
        id,
        district,
        code: code.into(),
        name: name.into(),
        level,
        parent,
        phone: None,
        center: None,
    };
    let home =
        |id, code: &str, name: &str, level, parent: UnitId| of(HOME, id, code, name, level, Some(parent));
    vec![
        of(HOME, CENTRE, "350203000000", "思明区", Level::District, None),
        home(D01, "D01", "城管局", Department, CENTRE),
        home(SQUAD_1, "D01-1", "城管一中队", Department, D01),
        home(SQUAD_2, "D01-2", "城管二中队", Department, D01),
        home(D02, "D02", "市政园林局", Department, CENTRE),
        home(STREET, "350203001000", "甲街道", Street, CENTRE),
        home(COMMUNITY, "350203001001", "甲一社区", Community, STREET),
        home(GRID, "35020300100101", "甲一01网格", Grid, COMMUNITY),
        home(GRID_NEXT, "35020300100102", "甲一02网格", Grid, COMMUNITY),
        home(120, "350203001002", "甲二社区", Community, STREET),
        home(GRID_FAR, "35020300100201", "甲二01网格", Grid, 120),
        home(OTHER_STREET, "350203002000", "乙街道", Street, CENTRE),
        home(OTHER_COMMUNITY, "350203002001", "乙一社区", Community, OTHER_STREET),
        home(OTHER_GRID, "35020300200101", "乙一01网格", Grid, OTHER_COMMUNITY),
        home(HELPER_GRID, "35020300200102", "乙一02网格", Grid, OTHER_COMMUNITY),
        of(NEIGHBOUR, NEIGHBOUR_CENTRE, "350206000000", "湖里区", Level::District, None),
        of(NEIGHBOUR, NEIGHBOUR_DEPARTMENT, "D01", "湖里城管局", Level::Department, Some(NEIGHBOUR_CENTRE)),
    ]
}

/// A person with one post. The account follows from role and unit, so that equal arguments mean one person.
pub(super) fn person(role: Role, unit: UnitId) -> Actor {
    Actor {
        account: Some(role as i64 * 10_000 + unit + 1),
        posts: vec![Post { role, unit }],
        stands_for: Vec::new(),
    }
}

/// Somebody else with the same post.
pub(super) fn colleague(role: Role, unit: UnitId) -> Actor {
    Actor { account: person(role, unit).account.map(|account| account + 500_000), ..person(role, unit) }
}

pub(super) fn resident() -> Actor {
    person(Role::Resident, 0)
}

pub(super) fn worker() -> Actor {
    person(Role::GridWorker, GRID)
}

pub(super) fn officer(department: UnitId) -> Actor {
    person(Role::DepartmentOfficer, department)
}

pub(super) fn dispatcher() -> Actor {
    person(Role::Dispatcher, CENTRE)
}

pub(super) fn inspector() -> Actor {
    person(Role::Inspector, CENTRE)
}

pub(super) fn chief() -> Actor {
    person(Role::DutyChief, CENTRE)
}

pub(super) fn head() -> Actor {
    person(Role::CentreHead, CENTRE)
}

pub(super) fn community() -> Actor {
    person(Role::CommunityOfficer, COMMUNITY)
}

pub(super) fn street() -> Actor {
    person(Role::StreetOfficer, STREET)
}

/// Somebody who stands right there.
pub(super) fn there() -> OnSpot {
    OnSpot { distance_m: Some(12), age_s: Some(30), reason: None }
}

pub(super) fn photo(stage: Stage) -> Vec<PhotoRef> {
    vec![PhotoRef::new(7, &[0xab; 32], stage)]
}

pub(super) fn start() -> Moment {
    "2026-11-23T09:00:00+08:00".parse().unwrap()
}

pub(super) fn opening(grid: UnitId) -> Opening {
    Opening {
        id: 1,
        district: HOME,
        grid,
        category: None,
        channel: Channel::Resident,
        reporter: resident().account.unwrap(),
        unit: None,
        facts: BTreeMap::from([("report".to_owned(), "cd".repeat(32))]),
        photos: photo(Stage::Before),
        parent: None,
        suspicions: Vec::new(),
    }
}

pub(super) fn file(category: &str) -> Command {
    Command::File { category: category.to_owned(), note: None }
}

pub(super) fn dispatch(lead: UnitId, assist: &[UnitId]) -> Command {
    Command::Dispatch { lead, assist: assists(assist), reason: "由其处置".to_owned() }
}

pub(super) fn assists(units: &[UnitId]) -> Vec<Assist> {
    units.iter().copied().map(Assist::from).collect()
}

pub(super) fn finish() -> Command {
    let (answer, note) = ("已清理".to_owned(), Some("内部备注".to_owned()));
    Command::Finish { answer, note, outcome: Outcome::default() }
}

pub(super) fn close() -> Command {
    Command::Close { note: None, spot: there() }
}

pub(super) fn rework() -> Command {
    Command::Rework { reason: "没清干净".to_owned(), spot: there() }
}

pub(super) fn give_back() -> Command {
    Command::Return { reason: ReturnReason::NotOurDuty, words: "不归我们管".to_owned() }
}

pub(super) fn delegate(to: UnitId) -> Command {
    Command::Delegate { to, reason: None }
}

pub(super) fn grant() -> Command {
    Command::Grant { words: "同意".to_owned() }
}

pub(super) fn escalate() -> Command {
    Command::Escalate { reason: "超出能力".to_owned() }
}
