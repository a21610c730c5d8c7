//! The map: exact numbers for those who may know them, nothing private for others.

use prost::Message;
use serde_json::{Value, json};
use suishoupai_api::demo::{DISTRICT, POINT};
use suishoupai_core::demo::seeds;
use suishoupai_storage::db::counts;
use suishoupai_tests::{Caller, Engine, Reply, Server, both, wait_for};

use crate::common::{COMMUNITY, STREET, reported};

both!(
    numbers_by_state_are_exact_at_every_instant,
    squares_are_exact_and_narrowed,
    everybody_is_shown_nothing_private,
    a_tile_has_the_mesh_the_tickets_and_the_numbers,
    what_is_unchanged_is_not_sent_again,
    bad_places_are_refused,
    the_public_is_shown_none_where_that_is_set
);

/// The whole district.
const WHOLE: &str = "bbox=118.0,24.3,118.3,24.6&datum=wgs84";

fn fold(server: &Server) {
    let mut walk = counts::Walk::default();
    while wait_for(counts::fold(&server.services().db, &mut walk)).unwrap() {}
}

fn check(server: &Server) {
    assert_eq!(server.read(counts::differences), Vec::<String>::new());
}

fn numbers_by_state_are_exact_at_every_instant(engine: Engine) {
    let server = Server::start(engine);
    let centre = server.official("dispatcher");
    let grid1 = server.official("grid1");
    let of = |who: &Caller, unit: i64| who.get(&format!("tickets/counts?unit={unit}")).expect(200);
    let whole = || centre.get("tickets/counts").expect(200);
    assert_eq!(whole()["tickets"], json!({}));
    let (_, _, first) = reported(&server, "路灯不亮");
    let (_, _, second) = reported(&server, "井盖缺失");
    assert_eq!(whole()["tickets"], json!({ "received": 2 }));
    check(&server);
    fold(&server);
    check(&server);
    assert_eq!(whole()["tickets"], json!({ "received": 2 }));
    grid1.claim_and_file(first, "E0101");
    grid1.command(second, "claim", json!({}));
    // Some of it is added up, some is not.
    for unit in [server.grid_of_the_point(), server.unit(COMMUNITY), server.unit(STREET)] {
        let told = of(&centre, unit);
        assert_eq!(told["tickets"]["claimed"], 1, "{told}");
        assert!(told["tickets"]["received"].is_null(), "{told}");
    }
    check(&server);
    let ticket = grid1.ticket(first);
    let lead = ticket["orders"][0]["unit"]["id"].as_i64().unwrap();
    let orders = of(&centre, lead)["orders"].clone();
    assert_eq!(orders.as_object().unwrap().values().filter_map(Value::as_i64).sum::<i64>(), 1, "{orders}");
    fold(&server);
    check(&server);
    assert_eq!(wait_for(server.services().db.read(|conn| counts::waiting(conn, 100))).unwrap(), 0);
    // Who looks at another's unit is told that there is none.
    let elsewhere = server.unit("350203003000");
    grid1.get(&format!("tickets/counts?unit={elsewhere}")).problem(404, "unit_not_found");
}

fn sum(found: &Value, what: &str) -> i64 {
    let features = found["features"].as_array().unwrap();
    features.iter().map(|feature| feature["properties"][what].as_i64().unwrap()).sum()
}

fn squares_are_exact_and_narrowed(engine: Engine) {
    let server = Server::start(engine);
    let (centre, grid1, resident) =
        (server.official("dispatcher"), server.official("grid1"), server.resident());
    let get = |query: &str| centre.get(&format!("map/clusters?{WHOLE}&{query}")).expect(200);
    let places: Vec<_> = seeds().into_iter().map(|(_, at)| at).step_by(9).collect();
    for at in &places {
        resident.report_at("垃圾", (at.lon, at.lat));
    }
    let (_, _, ticket) = reported(&server, "路灯不亮");
    grid1.claim_and_file(ticket, "E0101");
    let all = i64::try_from(places.len()).unwrap() + 1;
    for _ in 0..2 {
        for zoom in [0, 9, 12, 14, 16, 22] {
            let found = get(&format!("zoom={zoom}"));
            assert_eq!((sum(&found, "count"), sum(&found, "open")), (all, all), "{zoom}");
            assert_eq!(found["type"], "FeatureCollection");
        }
        assert!(
            get("zoom=16")["features"].as_array().unwrap().len()
                > get("zoom=9")["features"].as_array().unwrap().len()
        );
        let one = get("zoom=14&category=E0101");
        assert_eq!(sum(&one, "count"), 1);
        let at = &one["features"][0]["geometry"]["coordinates"];
        let near = |a: &Value, b: f64| (a.as_f64().unwrap() - b).abs() < 2e-6;
        assert!(near(&at[0], POINT.lon) && near(&at[1], POINT.lat), "{at}");
        assert_eq!(one["features"][0]["properties"]["share"], 1.0);
        assert_eq!(sum(&get("zoom=14&from=2026-03&to=2026-03"), "count"), all);
        assert_eq!(sum(&get("zoom=14&from=2026-03&to=2026-03&category=E0101"), "count"), 1);
        assert_eq!(sum(&get("zoom=14&from=2025-01&to=2026-02"), "count"), 0);
        assert_eq!(sum(&get("zoom=14&stage=closed"), "count"), 0);
        check(&server);
        fold(&server);
    }
    // A narrow view has what lies in its squares, in the datum of the map.
    let (lon, lat) = (POINT.lon, POINT.lat);
    let small =
        format!("bbox={},{},{},{}&datum=wgs84&zoom=16", lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4);
    let found = centre.get(&format!("map/clusters?{small}")).expect(200);
    assert!((1..=2).contains(&sum(&found, "count")), "{found}");
    let shifted =
        centre.get(&format!("map/clusters?{}&zoom=14&category=E0101", WHOLE.replace("wgs84", "gcj02")));
    let at = shifted.expect(200)["features"][0]["geometry"]["coordinates"].clone();
    assert!((at[0].as_f64().unwrap() - lon).abs() > 0.002, "{at}");
}

fn everybody_is_shown_nothing_private(engine: Engine) {
    let server = Server::start(engine);
    let (nobody, grid1) = (server.nobody(), server.official("grid1"));
    let (_, _, open) = reported(&server, "路灯不亮");
    let (_, _, sensitive) = reported(&server, "家庭纠纷");
    let (_, _, nothing) = reported(&server, "什么也没有");
    grid1.claim_and_file(open, "E0101");
    grid1.claim_and_file(sensitive, "E0606");
    grid1.command(nothing, "claim", json!({}));
    grid1.command(nothing, "refuse", json!({ "reason": "nothing_there", "words": "不属实" }));
    let of_all = |query: &str| nobody.get(&format!("map/public/clusters?{WHOLE}&zoom=18{query}"));
    let found = of_all("").expect(200);
    assert_eq!(sum(&found, "count"), 1, "{found}");
    let feature = &found["features"][0];
    let (at, square) = (&feature["geometry"]["coordinates"], &feature["properties"]["square"]);
    let number = |value: &Value| value.as_f64().unwrap();
    let side = number(&square[2]) - number(&square[0]);
    assert!(side > 0.005, "squares of some 500 metres: {side}");
    assert!((number(&at[0]) - (number(&square[0]) + side / 2.0)).abs() < 1e-9, "in the middle: {feature}");
    of_all("&category=E0606").problem(404, "category_not_found");
    assert_eq!(sum(&of_all("&category=E0101").expect(200), "count"), 1);
    // Posts below the district see the same.
    let own = grid1.get(&format!("map/clusters?{WHOLE}&zoom=18")).expect(200);
    assert_eq!(own["features"], found["features"]);
    // Who sees the whole district sees the others too.
    let whole = server.official("dispatcher").get(&format!("map/clusters?{WHOLE}&zoom=18")).expect(200);
    assert!(sum(&whole, "count") >= 2, "{whole}");
    nobody.get(&format!("map/clusters?{WHOLE}&zoom=18")).problem(401, "unauthenticated");

    let (x, y) = tile_of(16);
    let tile = nobody.get(&format!("map/public/tiles/16/{x}/{y}.mvt"));
    let layers: Vec<String> = read(&tile).layers.into_iter().map(|layer| layer.name).collect();
    assert!(!layers.contains(&"tickets".to_owned()), "{layers:?}");
    assert!(layers.contains(&"grid".to_owned()), "{layers:?}");
}

#[derive(Clone, PartialEq, Message)]
struct VectorTile {
    #[prost(message, repeated, tag = "3")]
    layers: Vec<TileLayer>,
}

#[derive(Clone, PartialEq, Message)]
struct TileLayer {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    features: Vec<TileFeature>,
    #[prost(string, repeated, tag = "3")]
    keys: Vec<String>,
    #[prost(uint32, tag = "5")]
    extent: u32,
}

#[derive(Clone, PartialEq, Message)]
struct TileFeature {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint32, repeated, tag = "2")]
    tags: Vec<u32>,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(uint32, repeated, tag = "4")]
    geometry: Vec<u32>,
}

fn read(tile: &Reply) -> VectorTile {
    assert_eq!(tile.status, 200, "{}", tile.text());
    assert_eq!(tile.header("content-type"), "application/vnd.mapbox-vector-tile");
    VectorTile::decode(tile.body.as_slice()).unwrap()
}

/// The tile of the demonstration's point.
fn tile_of(z: u32) -> (u32, u32) {
    let tiles = f64::from(1_u32 << z);
    let sine = POINT.lat.to_radians().sin();
    let y = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
    (((POINT.lon + 180.0) / 360.0 * tiles) as u32, (y * tiles) as u32)
}

fn a_tile_has_the_mesh_the_tickets_and_the_numbers(engine: Engine) {
    let server = Server::start(engine);
    let (centre, grid1) = (server.official("dispatcher"), server.official("grid1"));
    let (_, _, first) = reported(&server, "路灯不亮");
    let (_, _, sensitive) = reported(&server, "家庭纠纷");
    grid1.claim_and_file(first, "E0101");
    grid1.claim_and_file(sensitive, "E0606");
    let (x, y) = tile_of(16);
    let path = format!("map/tiles/16/{x}/{y}.mvt");
    let layer =
        |who: &Caller, name: &str| read(&who.get(&path)).layers.into_iter().find(|layer| layer.name == name);
    let grid = layer(&centre, "grid").unwrap();
    assert!(!grid.features.is_empty() && grid.features.iter().all(|feature| feature.kind == 3));
    assert!(grid.keys.contains(&"code".to_owned()), "{:?}", grid.keys);
    assert_eq!(grid.extent, 4096);
    let keys = |who: &Caller| -> Vec<u64> {
        let mut keys: Vec<u64> = layer(who, "tickets")
            .map_or(Vec::new(), |layer| layer.features.iter().map(|one| one.id).collect());
        keys.sort_unstable();
        keys
    };
    let (first, sensitive) = (first.unsigned_abs(), sensitive.unsigned_abs());
    assert!(keys(&centre).contains(&first));
    assert!(keys(&grid1).contains(&first));
    // Each is shown what a list would show.
    for who in [&*centre, &*grid1, &*server.official("observer")] {
        let listed = who.get("tickets?limit=100").expect(200);
        let listed: Vec<u64> =
            listed["items"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
        assert_eq!(keys(who).contains(&sensitive), listed.contains(&sensitive), "{listed:?}");
    }
    let lead = server.read(move |conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::work_orders;
        let of = work_orders::table.filter(work_orders::ticket_id.eq(first as i64));
        Ok(of.select(work_orders::unit_id).first::<i64>(conn)?)
    });
    let code = server.read(move |conn| {
        use diesel::prelude::*;
        use suishoupai_storage::db::schema::units;
        Ok(units::table.find(lead).select(units::code).first::<String>(conn)?)
    });
    if code.starts_with('D') {
        let officer = server.officer(suishoupai_core::flow::Role::DepartmentOfficer, &code);
        assert_eq!(keys(&officer), [first], "a department sees its orders");
    }
    let numbers = layer(&centre, "clusters").unwrap();
    assert!(numbers.keys.contains(&"count".to_owned()));
    // Far away there is nothing.
    let far = read(&centre.get("map/tiles/16/0/0.mvt"));
    assert!(far.layers.is_empty(), "{far:?}");
    assert!(read(&centre.get("map/tiles/5/26/13.mvt")).layers.iter().all(|layer| layer.name == "clusters"));
}

fn what_is_unchanged_is_not_sent_again(engine: Engine) {
    let server = Server::start(engine);
    let (nobody, centre) = (server.nobody(), server.official("dispatcher"));
    let (x, y) = tile_of(14);
    for (who, path, cache) in [
        (&nobody, format!("map/public/clusters?{WHOLE}&zoom=12"), "public, max-age=60"),
        (&nobody, format!("map/public/tiles/14/{x}/{y}.mvt"), "public, max-age=60"),
        (&*centre, format!("map/tiles/14/{x}/{y}.mvt"), "private, max-age=10"),
    ] {
        let first = who.get(&path);
        assert_eq!((first.status, first.header("cache-control")), (200, cache), "{path}");
        let tag = first.header("etag").to_owned();
        let again =
            |tag: &str| Caller::send(who.request(reqwest::Method::GET, &path).header("if-none-match", tag));
        let second = again(&tag);
        assert_eq!((second.status, second.body.len()), (304, 0), "{path}");
        reported(&server, "又一处");
        assert_eq!(again(&tag).status, 200, "{path}");
    }
    assert!(server.read(counts::tickets).iter().all(|one| one.district == DISTRICT));
}

fn bad_places_are_refused(engine: Engine) {
    let server = Server::start(engine);
    let centre = server.official("dispatcher");
    for query in [
        "bbox=1,2,3&datum=wgs84&zoom=12",
        "bbox=a,b,c,d&datum=wgs84&zoom=12",
        "bbox=118,24,119,NaN&datum=wgs84&zoom=12",
        "bbox=118,24,119,25&datum=wgs84&zoom=23",
        "bbox=118,24,119,25&datum=wgs84&zoom=12&from=2026-13&to=2026-13",
    ] {
        centre.get(&format!("map/clusters?{query}")).problem(400, "invalid_query");
    }
    for query in [
        "bbox=3,2,1,4&datum=wgs84&zoom=12",
        "bbox=118,24,181,25&datum=wgs84&zoom=12",
        "bbox=118,24,119,25&datum=wgs84&zoom=12&from=2026-03",
        "bbox=118,24,119,25&datum=wgs84&zoom=12&from=2020-01&to=2026-01",
    ] {
        centre.get(&format!("map/clusters?{query}")).problem(422, "refused_by_rule");
    }
    centre.get("map/clusters?bbox=118,24,119,25&zoom=12").problem(422, "unknown_datum");
    centre.get(&format!("map/clusters?{WHOLE}&zoom=12&category=X")).problem(404, "category_not_found");
    for path in ["map/tiles/23/0/0.mvt", "map/tiles/2/-1/0.mvt"] {
        centre.get(path).problem(400, "invalid_path");
    }
    for path in ["map/tiles/2/4/0.mvt", "map/tiles/2/0/4.mvt"] {
        centre.get(path).problem(404, "not_found");
    }
    server
        .nobody()
        .get(&format!("map/public/clusters?{WHOLE}&zoom=12&district=999999"))
        .problem(404, "not_found");
}

fn the_public_is_shown_none_where_that_is_set(engine: Engine) {
    let server = Server::start_with(engine, |config| config.privacy.public_map = false);
    let nobody = server.nobody();
    nobody.get(&format!("map/public/clusters?{WHOLE}&zoom=12")).problem(404, "not_found");
    nobody.get("map/public/tiles/14/13557/7049.mvt").problem(404, "not_found");
    server.official("dispatcher").get(&format!("map/clusters?{WHOLE}&zoom=12")).expect(200);
}
