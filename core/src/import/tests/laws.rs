//! What holds for every file.

use jiff::civil::Date;
use proptest::prelude::*;

use super::*;
use crate::geo::LonLat;
use crate::model::{
    CalendarDay, Category, CategoryKind, CategoryPattern, Duty, DutyMode, Level, Limit, LimitUnit,
};

#[test]
fn the_demo_files_are_clean_and_the_same_when_written_and_read_again() {
    let (units, categories) = known();
    macro_rules! twice {
        ($read:ident, $text:expr, $compare:expr) => {{
            let first = rows($read($text).unwrap());
            let report = $compare(&$read($text).unwrap(), &[]);
            assert_eq!(report.counts, Counts { new: first.len(), ..Counts::default() });
            let again = $compare(&$read(&write_rows(&first)).unwrap(), &first);
            assert_eq!(again.counts, Counts { same: first.len(), ..Counts::default() });
            assert!(again.accepted.is_empty());
            assert_eq!(write_rows(&first), $text, "the committed file is as the product writes it");
        }};
    }
    twice!(read_categories, demo::CATEGORIES_CSV, compare_categories);
    twice!(read_calendar, demo::CALENDAR_CSV, compare_calendar);
    twice!(read_duties, demo::DUTIES_CSV, |lines: &_, old: &_| compare_duties(
        lines,
        old,
        &units,
        &categories
    ));
    let first = rows(read_units(demo::UNITS_CSV).unwrap());
    assert_eq!(compare_units(&read_units(demo::UNITS_CSV).unwrap(), &[]).counts.new, 141);
    let again = compare_units(&read_units(&write_rows(&first)).unwrap(), &first);
    assert_eq!(again.counts, Counts { same: 141, ..Counts::default() });
}

/// A text that a field can hold: no white space around it, and not empty.
fn text() -> impl Strategy<Value = String> {
    "[街道社区a-z,\"\n;'=+@ -]{1,40}"
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("not empty", |t| !t.is_empty())
}

fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace('\n', "x"))
}

prop_compose! {
    fn category()(
        (event, major, minor) in (any::<bool>(), 0..100_u8, 0..100_u8),
        (major_name, minor_name, filing_condition, closing_condition) in (name(), name(), text(), text()),
        (urgent, anonymous_allowed, sensitive, must_report) in any::<(bool, bool, bool, bool)>(),
        (amount, unit) in (1..=10_000_u32, prop::sample::select(&LimitUnit::ALL)),
    ) -> Category {
        let kind = if event { CategoryKind::Event } else { CategoryKind::Component };
        Category {
            code: format!("{}{major:02}{minor:02}", kind.letter()), kind,
            major_code: format!("{major:02}"), major_name, minor_code: format!("{minor:02}"), minor_name: minor_name.into(),
            urgent, filing_condition, limit: Limit { amount, unit }, closing_condition, anonymous_allowed, sensitive,
            must_report,
        }
    }
}

prop_compose! {
    fn duty()(
        pattern in prop::sample::select(vec!["*", "E*", "P01*", "E0101", "E0502"]),
        territory in prop::option::of(prop::sample::select(vec!["350203000000", "350203012000"])),
        lead in prop::option::of(Just("D01".to_owned())),
        assist in prop::sample::subsequence(vec!["D02".to_owned(), "D03".to_owned(), "D0101".to_owned()], 0..=3),
    ) -> Duty {
        Duty {
            categories: CategoryPattern::parse(pattern).unwrap(), territory: territory.map(str::to_owned),
            mode: if lead.is_some() { DutyMode::Unit } else { DutyMode::GridFirst }, lead, assist,
        }
    }
}

prop_compose! {
    fn department()(
        number in 0..1000_u32,
        name in name(),
        phone in prop::option::of("0592-555[0-9]{4}"),
        center in prop::option::of((73.0..136.0, 3.0..54.0).prop_map(|(lon, lat)| LonLat { lon, lat })),
    ) -> UnitRow {
        let parent_code = Some("350203000000".to_owned());
        UnitRow { code: format!("D{number}"), name, level: Level::Department, parent_code, phone, center }
    }
}

/// The rows without those that repeat a key.
fn unique<T: Row>(rows: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    rows.into_iter().filter(|row| seen.insert(row.key())).collect()
}

/// All lines are the same when the file that was written from the rows is compared with them.
macro_rules! all_same {
    ($rows:expr, $read:ident, $compare:expr) => {
        let rows = unique($rows);
        let report = $compare(&$read(&write_rows(&rows)).unwrap(), &rows);
        prop_assert_eq!(
            report.counts,
            Counts { same: rows.len(), ..Counts::default() },
            "{:?}",
            report.lines
        );
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_reads_back_the_same(
        categories in prop::collection::vec(category(), 0..8),
        duties in prop::collection::vec(duty(), 0..8),
        mut departments in prop::collection::vec(department(), 0..8),
        days in prop::collection::vec((0..36_000_i64, name(), any::<bool>()), 0..8),
    ) {
        let (units, codes) = (known_units(), vec!["E0101".to_owned(), "E0502".to_owned(), "P0101".to_owned()]);
        all_same!(categories, read_categories, compare_categories);
        all_same!(duties, read_duties, |lines: &_, old: &_| compare_duties(lines, old, &units, &codes));
        departments.push(UnitRow {
            code: "350203000000".to_owned(), name: "思明区".to_owned(), level: Level::District,
            parent_code: None, phone: None, center: None,
        });
        all_same!(departments, read_units, compare_units);
        let day = |(offset, name, is_off_day): (i64, String, bool)| {
            let date = Date::constant(2000, 1, 1) + jiff::Span::new().days(offset);
            CalendarDay { date, name, is_off_day }
        };
        all_same!(days.into_iter().map(day).collect(), read_calendar, compare_calendar);
    }

    #[test]
    fn no_text_panics(text in any::<String>(), body in "[DEP0-9*,;\"\r\n\u{0}街a-z.-]{0,300}") {
        let (units, codes) = (known_units(), vec!["E0101".to_owned()]);
        for header in ["", "code,name,level,parent_code,phone,lon,lat\n"] {
            for tail in [&text, &body] {
                let lines = read_units(&format!("{header}{tail}")).unwrap_or_default();
                prop_assert_eq!(compare_units(&lines, &[]).lines.len(), lines.len());
            }
        }
        for tail in [&text, &body] {
            let header = "category_code,territory_code,mode,lead_unit_code,assist_unit_codes\n";
            let lines = read_duties(&format!("{header}{tail}")).unwrap_or_default();
            prop_assert_eq!(compare_duties(&lines, &[], &units, &codes).lines.len(), lines.len());
            let header = demo::CATEGORIES_CSV.lines().next().unwrap();
            let lines = read_categories(&format!("{header}\n{tail}")).unwrap_or_default();
            prop_assert_eq!(compare_categories(&lines, &[]).lines.len(), lines.len());
            let lines = read_calendar(&format!("date,name,is_off_day\n{tail}")).unwrap_or_default();
            prop_assert_eq!(compare_calendar(&lines, &[]).lines.len(), lines.len());
        }
    }
}

fn known_units() -> HashSet<String> {
    ["350203000000", "350203012000", "D01", "D02", "D03", "D0101"].map(str::to_owned).into()
}
