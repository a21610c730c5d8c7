use suishoupai_core::flow::Routing;
use suishoupai_core::geo::Located;
use suishoupai_storage::db::{DbError, Target, migrate};

use super::*;
use crate::config::Config;
use crate::registry::Registry;
use crate::service::imports::{self, Kind, Request};

const NOW: Moment = Moment::from_millis(1_770_000_000_000);

fn database() -> (Db, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::Sqlite(dir.path().join("s.db").to_str().unwrap().to_owned());
    migrate(&target).unwrap();
    (Db::open(&target, 2, 16).unwrap(), dir)
}

#[tokio::test]
async fn the_demonstration_is_loaded_once_and_every_part_of_it_works() {
    let (db, _dir) = database();
    let passwords = Passwords::default();
    let people = load(&db, &passwords, NOW).await.unwrap();
    let reference = db.read(reference::load).await.unwrap();
    let revision = reference.revision;
    assert!(reference.cells.len() >= TARGET_CELLS && reference.districts[0].is_demo);

    let registry = Registry::build(reference, &Config::default()).unwrap();
    let Located::Inside(cell) = registry.mesh.locate(POINT, 0.0) else { panic!("no cell holds the point") };
    assert_eq!(registry.above(cell.unit, Level::Community).unwrap().name.to_string(), "鸿山社区");
    let routing = |code: &str| -> Option<Routing> {
        registry.rules(DISTRICT).unwrap().duties.route(code, cell.unit, &registry.tree)
    };
    assert_eq!(registry.tree.get(routing("E0503").unwrap().lead).unwrap().code.to_string(), "D0101");

    // Another call, also on a database that has been used, changes nothing.
    assert_eq!(load(&db, &passwords, NOW.plus_seconds(60)).await.unwrap(), people);
    assert_eq!(db.read(reference::revision).await.unwrap(), revision);

    let find = |login: &'static str| db.read(move |conn| accounts::find_by_login(conn, login));
    let grid1 = find("grid1").await.unwrap().unwrap();
    let grid2 = find("grid2").await.unwrap().unwrap();
    assert_eq!(grid1.posts, [Post { role: Role::GridWorker, unit: cell.unit }]);
    assert_eq!(grid2.posts, grid1.posts, "two compete for the same tickets");
    assert!(find("grid3").await.unwrap().unwrap().posts.len() > 5, "a whole community");
    assert!(passwords.verify(PASSWORD.to_owned(), grid1.password_hash).await.unwrap());
}

#[tokio::test]
async fn every_role_of_an_official_is_in_the_table_and_every_post_exists() {
    let (db, _dir) = database();
    let people = load(&db, &Passwords::default(), NOW).await.unwrap();
    assert_eq!(people.len(), PEOPLE.len(), "everybody has a post");
    for role in Role::ALL.iter().filter(|role| !matches!(role, Role::Resident | Role::System)) {
        assert!(people.iter().any(|one| one.role == *role), "{role:?}");
    }
    let units: Vec<&str> = people.iter().map(|one| one.unit_name.as_str()).collect();
    assert!(units.iter().all(|name| !name.is_empty()), "{units:?}");
    assert!(units[0].starts_with("鸿山社区 网格 ") && units[0] == units[1], "{units:?}");
}

#[tokio::test]
async fn the_files_of_the_demonstration_import_without_a_change_afterwards() {
    let (db, _dir) = database();
    load(&db, &Passwords::default(), NOW).await.unwrap();
    let rows = [
        (Kind::Units, UNITS_CSV),
        (Kind::Categories, CATEGORIES_CSV),
        (Kind::Duties, DUTIES_CSV),
        (Kind::Calendar, CALENDAR_CSV),
    ];
    for (kind, text) in rows {
        let outcome = imports::run(&db, Request::new(kind, text), NOW).await.unwrap();
        let counts = outcome.counts;
        assert_eq!((counts.new, counts.changed, counts.wrong), (0, 0, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn a_real_district_is_not_mixed_with_the_demonstration() {
    let (db, _dir) = database();
    imports::run(&db, Request::new(Kind::Units, UNITS_CSV), NOW).await.unwrap();
    let Err(Fail::Problem(problem)) = load(&db, &Passwords::default(), NOW).await else { panic!() };
    assert_eq!(problem.code(), Code::NotAllowedInState);
    assert!(problem.to_string().contains("--data"), "{problem}");
    let found: Result<_, DbError> = db.read(|conn| accounts::find_by_login(conn, "admin")).await;
    assert!(found.unwrap().is_none());
}

#[tokio::test]
async fn a_real_district_is_not_imported_beside_the_demonstration() {
    let (db, _dir) = database();
    load(&db, &Passwords::default(), NOW).await.unwrap();
    let real = "code,name,level,parent_code,phone,lon,lat\n350205000000,海沧区,district,,,,\n";
    let refused = imports::run(&db, Request::new(Kind::Units, real), NOW).await;
    assert!(matches!(refused, Err(Fail::Problem(problem)) if problem.code() == Code::NotAllowedInState));
}
