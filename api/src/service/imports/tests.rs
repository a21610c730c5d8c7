use suishoupai_core::demo::{CALENDAR_CSV, CATEGORIES_CSV, DUTIES_CSV, UNITS_CSV};
use suishoupai_storage::db::reference::{self, load_areas, load_units};
use suishoupai_storage::db::{DbError, Target, migrate};

use super::*;

const NOW: Moment = Moment::from_millis(1_770_000_000_000);
const DISTRICT: District = 350_203;

/// A folder with an empty database in it; the folder goes with the value.
struct Fixture {
    db: Db,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(dir.path().join("s.db").to_str().unwrap().to_owned());
        migrate(&target).unwrap();
        Self { db: Db::open(&target, 2, 16).unwrap(), _dir: dir }
    }

    async fn with_units() -> Self {
        let fixture = Self::empty();
        assert!(fixture.run(Kind::Units, UNITS_CSV).await.applied);
        fixture
    }

    async fn run(&self, kind: Kind, text: impl Into<String>) -> Outcome {
        let datum = Some(Datum::Wgs84);
        run(&self.db, Request { datum, ..Request::new(kind, text) }, NOW).await.unwrap()
    }

    async fn refused(&self, request: Request) -> Problem {
        match run(&self.db, request, NOW).await {
            Err(Fail::Problem(problem)) => problem,
            other => panic!("{other:?}"),
        }
    }

    async fn revision(&self) -> i64 {
        self.db.read(reference::revision).await.unwrap()
    }
}

fn counts(outcome: &Outcome) -> (usize, usize, usize, usize) {
    let counts = outcome.counts;
    (counts.new, counts.changed, counts.same, counts.wrong)
}

/// Squares of a thousandth of a degree at (column, row) in a corner of 鸿山社区, by sequence digits.
fn mesh(squares: &[(&str, f64, f64)]) -> String {
    let features = squares.iter().map(|(sequence, x, y)| {
        let at = |dx: f64, dy: f64| {
            let short = |degrees: f64| (degrees * 1e6).round() / 1e6;
            [short(118.08 + (x + dx) / 1000.0), short(24.44 + (y + dy) / 1000.0)]
        };
        let ring = [at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0), at(0.0, 0.0)];
        serde_json::json!({
            "type": "Feature",
            "properties": { "code": format!("350203001001{sequence}") },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    });
    let features: Vec<_> = features.collect();
    serde_json::json!({ "type": "FeatureCollection", "features": features }).to_string()
}

#[tokio::test]
async fn every_kind_of_lines_is_new_then_the_same_then_changed() {
    let fixture = Fixture::empty();
    let rows = [
        (Kind::Units, UNITS_CSV, "思明区,district", "思明新区,district"),
        (Kind::Categories, CATEGORIES_CSV, "雨水井盖,true", "雨水井盖,false"),
        (Kind::Duties, DUTIES_CSV, "P01*,,unit,D03,", "P01*,,unit,D04,"),
        (Kind::Calendar, CALENDAR_CSV, ",春节,1", ",新春,1"),
    ];
    for (kind, text, before, after) in rows {
        let lines = text.lines().count() - 1;
        let first = fixture.run(kind, text).await;
        assert_eq!(counts(&first), (lines, 0, 0, 0), "{kind:?}");
        assert!(first.applied && first.district == Some(DISTRICT), "{kind:?}");
        let revision = fixture.revision().await;

        let second = fixture.run(kind, text).await;
        assert_eq!(counts(&second), (0, 0, lines, 0), "{kind:?}");
        assert!(second.applied, "what is there already is applied");
        assert_eq!(fixture.revision().await, revision, "{kind:?}: nothing is written");

        assert!(text.contains(before), "{kind:?}: the file of the demonstration has changed");
        let third = fixture.run(kind, text.replacen(before, after, 1)).await;
        assert_eq!(counts(&third), (0, 1, lines - 1, 0), "{kind:?}");
        assert_eq!(third.lines[0].status, Status::Changed, "{kind:?}");
        assert!(fixture.revision().await > revision, "{kind:?}");
    }
    let all = fixture.db.read(reference::load).await.unwrap();
    assert_eq!((all.districts[0].code, all.districts[0].name.as_str()), (DISTRICT, "思明新区"));
    assert!(!all.districts[0].is_demo);
}

#[tokio::test]
async fn one_wrong_line_leaves_the_database_as_it_is() {
    let fixture = Fixture::empty();
    let revision = fixture.revision().await;
    let wrong = UNITS_CSV.replacen("350203001004,", "3502030010,", 1);
    let outcome = fixture.run(Kind::Units, wrong).await;
    assert_eq!((outcome.counts.wrong, outcome.applied), (1, false));
    assert_eq!(outcome.lines[0].key, "3502030010", "wrong lines come first");
    assert_eq!(fixture.revision().await, revision);
    let units = fixture.db.read(|conn| load_units(conn, None)).await.unwrap();
    assert!(units.is_empty());
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let fixture = Fixture::empty();
    let revision = fixture.revision().await;
    let request = Request { dry_run: true, ..Request::new(Kind::Units, UNITS_CSV) };
    let tried = run(&fixture.db, request, NOW).await.unwrap();
    assert_eq!((tried.applied, fixture.revision().await), (false, revision));
    let done = fixture.run(Kind::Units, UNITS_CSV).await;
    assert_eq!(tried, Outcome { dry_run: true, applied: false, ..done });
}

#[tokio::test]
async fn a_mesh_is_new_then_the_same_then_changed_and_what_it_leaves_out_ends() {
    let fixture = Fixture::with_units().await;
    let text = mesh(&[("01", 0.0, 0.0), ("02", 1.0, 0.0), ("03", 2.0, 0.0)]);
    let first = fixture.run(Kind::Grids, text.as_str()).await;
    assert_eq!(counts(&first), (3, 0, 0, 0));
    let units = fixture.db.read(|conn| load_units(conn, Some(DISTRICT))).await.unwrap();
    let grid = units.iter().find(|unit| *unit.code == *"35020300100102").unwrap();
    let community = units.iter().find(|unit| Some(unit.id) == grid.parent).unwrap();
    assert_eq!((&*grid.name, &*community.code), ("网格 02", "350203001001"));
    let revision = fixture.revision().await;

    let second = fixture.run(Kind::Grids, text).await;
    assert_eq!((counts(&second), second.missing.len()), ((0, 0, 3, 0), 0));
    assert_eq!(fixture.revision().await, revision, "nothing is written");

    let third = fixture.run(Kind::Grids, mesh(&[("01", 0.0, 0.0), ("02", 1.0, 1.0)])).await;
    assert_eq!(counts(&third), (0, 1, 1, 0));
    assert_eq!(third.missing, ["35020300100103"]);
    let areas = fixture.db.read(|conn| load_areas(conn, DISTRICT)).await.unwrap();
    let codes: Vec<&str> = areas.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["35020300100101", "35020300100102"]);

    let fourth = fixture.run(Kind::Grids, mesh(&[("01", 0.0, 0.0)])).await;
    assert_eq!((counts(&fourth), fourth.missing.len()), ((0, 0, 1, 0), 1));
    let areas = fixture.db.read(|conn| load_areas(conn, DISTRICT)).await.unwrap();
    assert_eq!(areas.len(), 1, "a file that only leaves cells out is written too");
    let back = fixture.run(Kind::Grids, mesh(&[("01", 0.0, 0.0), ("03", 1.0, 0.0)])).await;
    assert_eq!(counts(&back), (0, 1, 1, 0), "a grid that has no cell gets one again: {:?}", back.lines);
}

#[tokio::test]
async fn a_faulty_mesh_is_refused_and_says_where() {
    let fixture = Fixture::with_units().await;
    let revision = fixture.revision().await;
    let ring: Vec<(String, f64, f64)> = (0..9)
        .filter(|i| *i != 4)
        .map(|i| (format!("{:02}", i + 1), f64::from(i % 3), f64::from(i / 3)))
        .collect();
    let ring: Vec<(&str, f64, f64)> = ring.iter().map(|(code, x, y)| (code.as_str(), *x, *y)).collect();
    let square = mesh(&[("01", 0.0, 0.0)]);
    let open_ring = square.replacen("[118.08,24.44]]", "[118.08,24.4405]]", 1);
    let rows = [
        ("overlap", mesh(&[("01", 0.0, 0.0), ("02", 0.5, 0.0)]), "35020300100101"),
        ("gap", mesh(&ring), "35020300100101"),
        ("duplicate", mesh(&[("01", 0.0, 0.0), ("01", 1.0, 0.0)]), "35020300100101"),
        ("community_unknown", square.replace("350203001001", "350203001999"), "35020300199901"),
        (
            "code_not_below",
            square.replace(
                "{\"code\":\"35020300100101\"",
                "{\"community_code\":\"350203001004\",\"code\":\"35020300100101\"",
            ),
            "35020300100101",
        ),
        ("feature_invalid", open_ring, "35020300100101"),
    ];
    for (code, text, key) in rows {
        let outcome = fixture.run(Kind::Grids, text).await;
        assert_eq!((outcome.counts.wrong, outcome.applied), (1, false), "{code}: {:?}", outcome.lines);
        let line = &outcome.lines[0];
        assert_eq!((line.messages[0].code, line.key.as_str()), (code, key));
        assert!(!line.messages[0].zh.is_ascii(), "{code}: {:?}", line.messages);
    }
    assert_eq!(fixture.revision().await, revision);
}

#[tokio::test]
async fn a_cell_that_cannot_be_read_is_not_reported_as_a_gap_as_well() {
    let fixture = Fixture::with_units().await;
    let squares: Vec<(String, f64, f64)> =
        (0..9).map(|i| (format!("{:02}", i + 1), f64::from(i % 3), f64::from(i / 3))).collect();
    let squares: Vec<(&str, f64, f64)> = squares.iter().map(|(code, x, y)| (code.as_str(), *x, *y)).collect();
    let broken = mesh(&squares).replacen("\"35020300100105\"", "\"5\"", 1);
    let outcome = fixture.run(Kind::Grids, broken).await;
    assert_eq!(counts(&outcome), (8, 0, 0, 1));
}

#[tokio::test]
async fn what_cannot_be_imported_at_all_is_a_problem_that_names_the_field() {
    let fixture = Fixture::empty();
    let field = |problem: &Problem| problem.field_problems().first().map(|field| field.pointer.clone());
    let problem = fixture.refused(Request::new(Kind::Calendar, CALENDAR_CSV)).await;
    assert_eq!((problem.code(), field(&problem).as_deref()), (Code::InvalidQuery, Some("district")));
    assert!(problem.to_string().contains("import the units first"), "{problem}");

    let problem = fixture.refused(Request::new(Kind::Grids, mesh(&[]))).await;
    assert_eq!(field(&problem).as_deref(), Some("datum"));
    let other = Request { district: Some(350_205), ..Request::new(Kind::Units, UNITS_CSV) };
    let problem = fixture.refused(other).await;
    assert_eq!(field(&problem).as_deref(), Some("district"));

    fixture.run(Kind::Units, UNITS_CSV).await;
    let elsewhere = Request { district: Some(350_205), ..Request::new(Kind::Calendar, CALENDAR_CSV) };
    assert_eq!(field(&fixture.refused(elsewhere).await).as_deref(), Some("district"));
    let second = "code,name,level,parent_code,phone,lon,lat\n350205000000,海沧区,district,,,,\n";
    assert!(
        fixture.run(Kind::Units, second).await.counts.wrong == 0,
        "the file says which district it is of"
    );
    let problem = fixture.refused(Request::new(Kind::Calendar, CALENDAR_CSV)).await;
    assert!(problem.to_string().contains("350203, 350205"), "{problem}");

    for (kind, text) in [(Kind::Units, "a,b\n"), (Kind::Grids, "{}"), (Kind::Grids, mesh(&[]).as_str())] {
        let (district, datum) = (Some(DISTRICT), Some(Datum::Wgs84));
        let problem = fixture.refused(Request { district, datum, ..Request::new(kind, text) }).await;
        assert_eq!(problem.code(), Code::InvalidBody, "{kind:?} {text}");
    }
}

#[tokio::test]
async fn an_import_that_another_one_overtook_is_not_written() {
    let fixture = Fixture::with_units().await;
    let change = plan::Change { district: DISTRICT, rows: plan::NewRows::Units(Vec::new(), None) };
    let origin = plan::Origin { is_demo: false, is_synthetic: false, source: String::new() };
    let seen = fixture.revision().await;
    fixture.run(Kind::Calendar, CALENDAR_CSV).await;
    let late = fixture.db.write(move |conn| change.write(conn, seen, &origin, 0..0, NOW)).await;
    assert!(matches!(late, Err(Fail::Problem(problem)) if problem.code() == Code::StaleVersion));
}

#[tokio::test]
async fn the_answer_is_bounded() {
    let fixture = Fixture::with_units().await;
    let mut text = "date,name,is_off_day\n".to_owned();
    for day in 0..2_500 {
        let date = date_after(day);
        text.push_str(&format!("{date},休,1\n"));
    }
    let outcome = fixture.run(Kind::Calendar, text).await;
    assert_eq!((outcome.lines.len(), outcome.lines_left_out), (MAX_LINES_SHOWN, 500));
    let read: Result<Vec<_>, DbError> =
        fixture.db.read(|conn| reference::load_days(conn, Some(DISTRICT))).await;
    assert_eq!(read.unwrap().len(), 2_500);
}

/// The date so many days after 2026-01-01.
fn date_after(day: i64) -> String {
    let start: Moment = "2026-01-01T00:00:00+08:00".parse().unwrap();
    start.plus_seconds(day * 86_400).date().to_string()
}
