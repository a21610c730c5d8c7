//! The rules by table: lines behind a sound beginning, and the code of the message for the last of them.

use super::*;

/// What is wrong with the last line of a report, each code once.
fn verdict<T>(report: &ImportReport<T>) -> Vec<&'static str> {
    let mut last = codes(report).pop().unwrap();
    last.dedup();
    last
}

const UNITS: &str = "code,name,level,parent_code,phone,lon,lat
350203000000,思明区,district,,,118.0777,24.4481
D01,城市管理局,department,350203000000,,,
350203001000,厦港街道,street,350203000000,,,
350203001001,鸿山社区,community,350203001000,,,
35020300100101,鸿山一网格,grid,350203001001,,,
";

#[test]
fn units_that_are_refused() {
    let cases = [
        (",无名,department,D01,,,", "field_empty"),
        ("D02,,department,D01,,,", "field_empty"),
        ("D02,\"两\n行\",department,D01,,,", "name_invalid"),
        ("D02,水务,bureau,350203000000,,,", "field_invalid"),
        ("D02,水务,department,350203000000,", "field_count"),
        ("D02,水务,department,350203000000,,,,", "field_count"),
        ("D02,水\u{0},department,350203000000,,,", "control_character"),
        ("D02,水务,department,350203000000,call me,,", "phone_invalid"),
        ("D02,水务,department,350203000000,12,,", "phone_invalid"),
        ("D02,水务,department,350203000000,,118.1,", "center_half"),
        ("D02,水务,department,350203000000,,24.4,118.1", "field_invalid"),
        ("D02,水务,department,350203000000,,NaN,24.4", "field_invalid"),
        ("D,水务,department,350203000000,,,", "code_invalid"),
        ("d02,水务,department,350203000000,,,", "code_invalid"),
        ("D0123456789AB,水务,department,350203000000,,,", "code_invalid"),
        ("350203001,厦港,street,350203000000,,,", "code_invalid"),
        ("350203000000000,网格,street,350203000000,,,", "code_invalid"),
        ("350203003001,中华街道,street,350203000000,,,", "code_invalid"),
        ("350203001000x,中华街道,street,350203000000,,,", "code_invalid"),
        ("3502030010011,网格,grid,350203001001,,,", "code_invalid"),
        ("3502030010010001,网格,grid,350203001001,,,", "code_invalid"),
        ("350206001000,湖里街道,street,350203000000,,,", "district_other"),
        ("350206000000,湖里区,district,,,,", "district_second"),
        ("D01,城管局,department,350203000000,,,", "duplicate"),
        ("D02,水务,department,,,,", "parent_missing"),
        ("D02,水务,department,D99,,,", "parent_unknown"),
        ("350203001002,社区,community,350203000000,,,", "level_misfit"),
        ("D02,水务,department,350203001000,,,", "level_misfit"),
        ("D02,水务,department,D02,,,", "parent_cycle"),
        ("350203003001,仁安社区,community,350203001000,,,", "code_not_below"),
        ("35020300100201,网格,grid,350203001001,,,", "code_not_below"),
    ];
    for (line, code) in cases {
        let lines = read_units(&format!("{UNITS}{line}\n")).unwrap();
        let report = compare_units(&lines, &[]);
        assert_eq!(verdict(&report), [code], "{line}");
        assert!(!report.is_clean() && report.counts.wrong == 1 && report.counts.new == 5, "{line}");
    }
}

#[test]
fn a_tree_needs_one_district_and_no_circle() {
    let of = |body: &str| {
        let lines = read_units(&format!("code,name,level,parent_code,phone,lon,lat\n{body}")).unwrap();
        codes(&compare_units(&lines, &[]))
    };
    assert_eq!(
        of("D01,城管,department,D02,,,\nD02,水务,department,D01,,,\n"),
        vec![vec!["district_missing", "parent_cycle"], vec!["district_missing", "parent_cycle"]]
    );
    assert_eq!(of("350203000000,思明区,district,D01,,,\n"), [["parent_unwanted"]]);
    assert_eq!(
        of("350203000000,,district,,,,\nD01,城管,department,350203000000,,,\n"),
        [vec!["field_empty"], vec![]]
    );
    assert_eq!(of("350203000001,思明区,district,,,,\n"), [["code_invalid"]]);
}

#[test]
fn a_circle_through_what_is_there_is_found() {
    let existing = rows(read_units(demo::UNITS_CSV).unwrap());
    let moved = "code,name,level,parent_code,phone,lon,lat\nD01,城市管理局,department,D0101,0592-5550101,,\n";
    assert_eq!(codes(&compare_units(&read_units(moved).unwrap(), &existing)), [["parent_cycle"]]);
}

#[test]
fn parents_are_accepted_before_children() {
    let mut lines = read_units(demo::UNITS_CSV).unwrap();
    lines.reverse();
    let report = compare_units(&lines, &[]);
    assert!(report.is_clean() && report.accepted.len() == lines.len());
    let mut stored = HashSet::new();
    for unit in &report.accepted {
        assert!(unit.parent_code.as_ref().is_none_or(|parent| stored.contains(parent)), "{unit:?}");
        stored.insert(unit.code.clone());
    }
}

#[test]
fn a_grid_may_stand_below_a_grid() {
    let lines = read_units(&format!("{UNITS}350203001001011,微网格,grid,35020300100101,,,\n")).unwrap();
    assert!(compare_units(&lines, &[]).is_clean());
}

#[test]
fn categories_that_are_refused() {
    let header = demo::CATEGORIES_CSV.lines().next().unwrap();
    let good = "E0101,event,01,市容环境,01,暴露垃圾,false,有垃圾,4,working_hours,已清除,true,false,false";
    let cases = [
        ("E0101", "E0102", "code_disagrees"),
        ("event", "component", "code_disagrees"),
        (",01,市", ",02,市", "code_disagrees"),
        (",01,市", ",1,市", "field_invalid"),
        (",01,暴", ",0x,暴", "field_invalid"),
        ("event", "events", "field_invalid"),
        ("市容环境", "", "field_empty"),
        ("有垃圾", "", "field_empty"),
        ("已清除", " ", "field_empty"),
        (",4,", ",0,", "field_invalid"),
        (",4,", ",10001,", "field_invalid"),
        (",4,", ",-1,", "field_invalid"),
        (",4,", ",四,", "field_invalid"),
        ("working_hours", "hours", "field_invalid"),
        ("圾,false", "圾,no", "field_invalid"),
        ("true,false", "maybe,false", "field_invalid"),
        ("false,false", "false,perhaps", "field_invalid"),
    ];
    assert!(compare_categories(&read_categories(&format!("{header}\n{good}\n")).unwrap(), &[]).is_clean());
    for (from, to, code) in cases {
        let line = good.replacen(from, to, 1);
        let lines = read_categories(&format!("{header}\n{line}\n")).unwrap();
        assert_eq!(codes(&compare_categories(&lines, &[])), [[code]], "{line}");
    }
    let must_report = |text: &str| read_categories(text).unwrap().remove(0).row.unwrap().must_report;
    assert!(must_report(&format!("{header}\n{}\n", good.replacen("true,false,false", "true,false,true", 1))));
    assert!(!must_report(&format!("{header}\n{}\n", good.replacen("true,false,false", "true,false,", 1))));
    let (old_header, old_line) =
        (header.replace(",must_report", ""), good.replacen(",false,false", ",false", 1));
    assert!(
        !must_report(&format!("{old_header}\n{old_line}\n")),
        "a file without the column is read as before"
    );
    let twice = read_categories(&format!("{header}\n{good}\n{good}\n")).unwrap();
    assert_eq!(codes(&compare_categories(&twice, &[])), [vec![], vec!["duplicate"]]);
}

#[test]
fn duties_that_are_refused() {
    let (units, categories) = known();
    let cases = [
        ("E010,,unit,D01,", "field_invalid"),
        (",,unit,D01,", "field_invalid"),
        ("E0199,,unit,D01,", "category_unknown"),
        ("P09*,,unit,D01,", "category_unknown"),
        ("E0102,350203999000,unit,D01,", "territory_unknown"),
        ("E0102,D01,unit,D01,", "territory_invalid"),
        ("E0102,,unit,D99,", "unit_unknown"),
        ("E0102,,unit,D01,D02;D99", "unit_unknown"),
        ("E0102,,both,D01,", "field_invalid"),
        ("E0102,,unit,,", "lead_missing"),
        ("E0102,,grid_first,D01,", "lead_unwanted"),
        ("E0102,,unit,D01,D02;D01", "assist_is_lead"),
        ("E0102,,unit,D01,D02;D03；D02", "assist_repeated"),
        ("E01*,,grid_first,,", "duplicate"),
    ];
    for (line, code) in cases {
        let text = format!("{}\nE01*,,unit,D01,D02; D03\n{line}\n", demo::DUTIES_CSV.lines().next().unwrap());
        let report = compare_duties(&read_duties(&text).unwrap(), &[], &units, &categories);
        assert_eq!(codes(&report), [vec![], vec![code]], "{line}");
    }
    for pattern in ["*", "E*", "P04*", "E0102"] {
        let text = format!("{}\n{pattern},,unit,D01,\n", demo::DUTIES_CSV.lines().next().unwrap());
        assert!(
            compare_duties(&read_duties(&text).unwrap(), &[], &units, &categories).is_clean(),
            "{pattern}"
        );
    }
}

#[test]
fn calendar_days_that_are_refused() {
    let cases = [
        ("2026-02-30,春节,1", "field_invalid"),
        ("2026-2-3,春节,1", "field_invalid"),
        ("20260203,春节,1", "field_invalid"),
        ("2026/02/03,春节,1", "field_invalid"),
        ("1999-12-31,元旦,1", "field_invalid"),
        ("2101-01-01,元旦,1", "field_invalid"),
        ("2026-02-16T00:00,春节,1", "field_invalid"),
        ("2026-02-16,,1", "field_empty"),
        ("2026-02-16,春节,2", "field_invalid"),
        ("2026-02-16,春节,", "field_invalid"),
        ("2026-01-01,春节,0", "duplicate"),
    ];
    for (line, code) in cases {
        let lines = read_calendar(&format!("date,name,is_off_day\n2026-01-01,元旦,TRUE\n{line}\n")).unwrap();
        assert_eq!(codes(&compare_calendar(&lines, &[])), [vec![], vec![code]], "{line}");
    }
}
