use std::collections::{BTreeMap, HashMap, HashSet};

use super::*;
use crate::model::{CategoryPattern, LimitUnit};

fn records(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

/// How many communities each street has in the statistical codes of 2016.
const COMMUNITIES: [(&str, &str, usize); 10] = [
    ("350203001000", "厦港街道", 7),
    ("350203003000", "中华街道", 6),
    ("350203005000", "滨海街道", 5),
    ("350203006000", "鹭江街道", 7),
    ("350203007000", "开元街道", 12),
    ("350203008000", "梧村街道", 11),
    ("350203009000", "筼筜街道", 15),
    ("350203010000", "莲前街道", 23),
    ("350203011000", "嘉莲街道", 11),
    ("350203012000", "鼓浪屿街道", 2),
];

#[test]
fn ten_streets_and_ninety_nine_communities() {
    let units = records(UNITS_CSV);
    let streets: Vec<_> = units.iter().filter(|r| &r[2] == "street").map(|r| (&r[0], &r[1])).collect();
    assert_eq!(streets, COMMUNITIES.map(|(code, name, _)| (code, name)));
    let mut of_street: BTreeMap<&str, usize> = BTreeMap::new();
    for community in units.iter().filter(|r| &r[2] == "community") {
        assert_eq!(&community[0][..9], &community[3][..9], "a community's code begins with its street's");
        assert!(community[1].ends_with("社区"), "{community:?}");
        *of_street.entry(&community[3]).or_default() += 1;
    }
    assert_eq!(of_street, COMMUNITIES.map(|(code, _, count)| (code, count)).into());
    assert_eq!(of_street.values().sum::<usize>(), 99);
    let departments = units.iter().filter(|r| &r[2] == "department").map(|r| r[3].len());
    assert_eq!(
        departments.fold([0, 0], |[all, squads], n| [all + 1, squads + usize::from(n == 3)]),
        [31, 11]
    );
}

#[test]
fn every_telephone_is_fictitious() {
    for unit in records(UNITS_CSV) {
        assert!(unit[4].starts_with("0592-555") && unit[4].len() == 12, "{unit:?}");
    }
}

#[test]
fn the_catalogue_has_both_kinds_and_every_unit_of_hours_and_days() {
    let categories = records(CATEGORIES_CSV);
    let count = |test: &dyn Fn(&csv::StringRecord) -> bool| categories.iter().filter(|r| test(r)).count();
    assert_eq!((count(&|r| &r[1] == "component"), count(&|r| &r[1] == "event")), (34, 42));
    for unit in [LimitUnit::UrgentHours, LimitUnit::WorkingHours, LimitUnit::WorkingDays, LimitUnit::Days] {
        assert!(count(&|r| &r[9] == unit.as_str()) >= 5, "{unit:?}");
    }
    assert!(
        count(&|r| &r[6] == "true" && &r[9] != "urgent_hours") == 0,
        "what is urgent runs round the clock"
    );
    assert!(count(&|r| &r[12] == "true") >= 3, "some categories are sensitive");
    let must_report: Vec<_> = categories.iter().filter(|r| &r[13] == "true").collect();
    let names: Vec<_> = must_report.iter().map(|r| &r[5]).collect();
    let dangers =
        ["雨水井盖", "架空线缆", "焚烧垃圾树叶", "燃气泄漏", "路面塌陷", "自来水管破裂", "消防通道堵塞"];
    assert_eq!(names, dangers);
    assert!(must_report.iter().all(|r| &r[6] == "true"), "what must be reported at once is urgent");
}

#[test]
fn every_category_has_a_duty_in_the_whole_district_and_every_code_exists() {
    let codes: Vec<String> = records(CATEGORIES_CSV).iter().map(|r| r[0].to_owned()).collect();
    let units: HashSet<String> = records(UNITS_CSV).iter().map(|r| r[0].to_owned()).collect();
    let mut covered: HashSet<&str> = HashSet::new();
    for duty in records(DUTIES_CSV) {
        let pattern = CategoryPattern::parse(&duty[0]).unwrap();
        let matching: Vec<_> = codes.iter().filter(|code| pattern.covers(code)).collect();
        assert!(!matching.is_empty(), "{duty:?}");
        if duty[1].is_empty() {
            covered.extend(matching.iter().map(|code| code.as_str()));
        }
        let named = [&duty[1], &duty[3]].into_iter().chain(duty[4].split(';'));
        for unit in named.filter(|code| !code.is_empty()) {
            assert!(units.contains(unit), "{unit} in {duty:?}");
        }
    }
    assert_eq!(covered.len(), codes.len());
}

#[test]
fn duties_of_every_sort_are_there() {
    let duties = records(DUTIES_CSV);
    let count = |test: &dyn Fn(&csv::StringRecord) -> bool| duties.iter().filter(|r| test(r)).count();
    assert_eq!(duties.len(), 82);
    assert_eq!(count(&|r| &r[2] == "grid_first"), 10);
    assert_eq!(count(&|r| !r[4].is_empty()), 38, "with assisting units");
    assert_eq!(count(&|r| !r[1].is_empty()), 17, "of one territory");
}

#[test]
fn the_calendar_covers_eight_years() {
    let mut years: BTreeMap<String, usize> = BTreeMap::new();
    for day in records(CALENDAR_CSV) {
        *years.entry(day[0][..4].to_owned()).or_default() += 1;
    }
    let counted: Vec<_> = years.iter().map(|(year, days)| (year.as_str(), *days)).collect();
    let expected =
        [("2018", 3), ("2019", 28), ("2020", 37), ("2021", 38), ("2022", 39), ("2023", 33), ("2024", 36)];
    assert_eq!(counted, [&expected[..], &[("2025", 33), ("2026", 39)]].concat());
}

#[test]
fn every_community_has_a_seed_of_its_own_near_its_street() {
    let seeds = seeds();
    assert_eq!(seeds.len(), 99);
    let distinct: HashSet<String> = seeds.iter().map(|(_, p)| format!("{:.4},{:.4}", p.lon, p.lat)).collect();
    assert_eq!(distinct.len(), 99, "no two communities share a seed");
    let known: HashMap<String, (f64, f64)> = records(UNITS_CSV)
        .iter()
        .filter(|r| &r[2] == "community" && !r[5].is_empty())
        .map(|r| (r[0].to_owned(), (r[5].parse().unwrap(), r[6].parse().unwrap())))
        .collect();
    assert_eq!(known.len(), 71);
    for (code, point) in &seeds {
        assert!((118.05..118.20).contains(&point.lon) && (24.42..24.51).contains(&point.lat), "{code}");
        if let Some(&(lon, lat)) = known.get(code) {
            assert_eq!((point.lon, point.lat), (lon, lat), "a known point is kept");
        }
    }
}
