//! Imports by the district's administrator, while the server runs.

use serde_json::{Value, json};
use suishoupai_core::demo::{CALENDAR_CSV, CATEGORIES_CSV};
use suishoupai_tests::{Caller, Engine, Official, Reply, Server, both};

both!(
    the_same_file_again_changes_nothing,
    a_dry_run_only_tells,
    a_wrong_line_leaves_everything,
    a_new_category_counts_at_once,
    a_new_mesh_counts_at_once
);

fn import(admin: &Official, kind: &str, text: &str) -> Reply {
    let kind_only = kind.split('?').next().unwrap();
    let media = if kind_only == "grids" { "application/geo+json" } else { "text/csv" };
    admin.post_bytes(&format!("admin/imports/{kind}"), media, text.as_bytes())
}

/// The catalogue with another name for 路灯.
fn renamed() -> String {
    assert!(CATEGORIES_CSV.contains(",路灯,"));
    CATEGORIES_CSV.replace(",路灯,", ",路灯设施,")
}

fn names(server: &Server) -> String {
    server.nobody().get("categories").expect(200)["items"].to_string()
}

fn the_same_file_again_changes_nothing(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    for (kind, text) in [("categories", CATEGORIES_CSV), ("calendar", CALENDAR_CSV)] {
        let outcome = import(&admin, kind, text).expect(200);
        let counts = &outcome["counts"];
        assert_eq!((&counts["new"], &counts["changed"], &counts["wrong"]), (&json!(0), &json!(0), &json!(0)));
        assert!(counts["same"].as_u64().unwrap() > 10, "{counts}");
    }
}

fn a_dry_run_only_tells(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let outcome = import(&admin, "categories?dry_run=true", &renamed()).expect(200);
    assert_eq!((&outcome["applied"], &outcome["counts"]["changed"]), (&json!(false), &json!(1)));
    assert!(!names(&server).contains("路灯设施"));
}

fn a_wrong_line_leaves_everything(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let before = names(&server);
    let text = format!("{}X9999,nonsense,,,,,,,,,,,\n", renamed());
    let problem = import(&admin, "categories", &text).problem(422, "import_wrong_lines");
    let first = &problem["report"]["lines"][0];
    assert_eq!(first["status"], "wrong");
    assert_eq!(first["line"].as_u64().unwrap(), text.lines().count() as u64, "{first}");
    assert_eq!(names(&server), before);
    import(&admin, "categories", "code,kind\n").problem(400, "invalid_body");
    import(&admin, "nonsense", "x").problem(400, "invalid_path");
    import(&admin, "grids", "{}").problem(400, "invalid_query");
}

fn a_new_category_counts_at_once(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let first = server.nobody().get("categories");
    assert_eq!(first.header("cache-control"), "public, no-cache");
    let tag = first.header("etag").to_owned();
    let again = || {
        let request = server.nobody().request(reqwest::Method::GET, "categories");
        Caller::send(request.header("if-none-match", &tag))
    };
    let second = again();
    assert_eq!((second.status, second.body.len()), (304, 0), "nobody is sent twice what is the same");
    let outcome = import(&admin, "categories", &renamed()).expect(200);
    assert_eq!((&outcome["applied"], &outcome["counts"]["changed"]), (&json!(true), &json!(1)));
    assert!(names(&server).contains("路灯设施"));
    let changed = again();
    assert_eq!((changed.status, changed.body == first.body), (200, false));
}

/// The grid at the demonstration's point.
fn located(server: &Server) -> Value {
    let point = suishoupai_api::demo::POINT;
    let path = format!("locate?lon={}&lat={}&datum=wgs84", point.lon, point.lat);
    server.nobody().get(&path).expect(200)
}

fn a_new_mesh_counts_at_once(engine: Engine) {
    let server = Server::start(engine);
    let admin = server.official("admin");
    let report = server.resident().report("旧网格里的上报");
    let before = located(&server)["grid"]["code"].clone();
    assert_eq!(report["located"]["grid"]["code"], before);
    let point = suishoupai_api::demo::POINT;
    let (west, east) = (point.lon - 0.01, point.lon + 0.01);
    let (south, north) = (point.lat - 0.01, point.lat + 0.01);
    let ring = json!([[west, south], [east, south], [east, north], [west, north], [west, south]]);
    let mesh = json!({ "type": "FeatureCollection", "features": [{
        "type": "Feature",
        "properties": { "code": "35020300100199", "name": "大网格" },
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    }] });
    let outcome = import(&admin, "grids?datum=wgs84", &mesh.to_string()).expect(200);
    assert_eq!(outcome["applied"], true, "{outcome}");
    assert_eq!(located(&server)["grid"]["code"], "35020300100199");
    // What was reported before keeps the grid of its time.
    let old = server.official("admin").ticket(report["ticket_id"].as_i64().unwrap());
    assert_eq!(old["located"]["grid"]["code"], before);
}
