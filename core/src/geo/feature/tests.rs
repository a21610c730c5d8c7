use proptest::prelude::*;

use super::*;
use crate::geo::{LonLat, distance_m};

const RING: &str = "[[118.08,24.45],[118.081,24.45],[118.081,24.451],[118.08,24.45]]";

fn feature(properties: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#)
}

fn polygon(ring: &str) -> String {
    format!(r#"{{"type":"Polygon","coordinates":[{ring}]}}"#)
}

fn file(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","name":"grids","features":[{}]}}"#, features.join(","))
}

fn reasons(properties: &str, geometry: &str) -> Vec<String> {
    let read = read_grids(&file(&[feature(properties, geometry)]), Datum::Wgs84).unwrap();
    assert_eq!(read.len(), 1);
    read[0].clone().unwrap_err().reasons
}

#[test]
fn good_and_wrong_features_keep_their_places() {
    let multi = format!(r#"{{"type":"MultiPolygon","coordinates":[[{RING}]]}}"#);
    let text = file(&[
        feature(r#"{"code":"35020300100101","name":" 一格 "}"#, &polygon(RING)),
        feature(r#"{"code":"3502"}"#, &polygon(RING)),
        feature(r#"{"code":350203001001002,"community_code":"350203001009","name":null}"#, &multi),
        "7".to_owned(),
    ]);
    let read = read_grids(&text, Datum::Wgs84).unwrap();
    let first = read[0].as_ref().unwrap();
    assert_eq!((first.index, first.code.as_str()), (1, "35020300100101"));
    assert_eq!((first.name.as_deref(), first.community_code.as_str()), (Some("一格"), "350203001001"));
    assert_eq!(first.area.0[0].exterior().0[0], Coord { x: 118.08, y: 24.45 });
    let second = read[1].as_ref().unwrap_err();
    assert_eq!(second.index, 2);
    assert_eq!(second.reasons, ["the property code must be 14 or 15 digits"]);
    let third = read[2].as_ref().unwrap();
    assert_eq!((third.code.as_str(), third.community_code.as_str()), ("350203001001002", "350203001009"));
    assert_eq!(third.name, None);
    assert_eq!(read[3].as_ref().unwrap_err().index, 4);
    assert_eq!(read_grids(&format!("\u{feff}{text}"), Datum::Wgs84).unwrap(), read);
}

#[test]
fn every_fault_has_its_reason() {
    let good = r#"{"code":"35020300100101"}"#;
    let all = reasons(r#"{"code":1.5,"name":7,"community_code":"1"}"#, "null");
    assert_eq!(all.len(), 4, "{all:?}");
    for (properties, geometry, expected) in [
        ("{}", polygon(RING), "code is missing"),
        ("null", polygon(RING), "code is missing"),
        (r#"{"code":null}"#, polygon(RING), "14 or 15 digits"),
        (good, r#"{"type":"Point","coordinates":[118,24]}"#.to_owned(), "is a Point"),
        (good, polygon("[[118.08,24.45],[118.081,24.45],[118.081,24.451]]"), "not closed"),
        (good, polygon("[[118.08,24.45],[118.08,24.45]]"), "fewer than 4"),
        (good, polygon("[[24.45,118.08],[24.45,118.081],[24.451,118.081],[24.45,118.08]]"), "swapped"),
        (good, polygon("[[118.08,1e999],[1,1]]"), "number"),
        (good, polygon("[[118.08],[1,1]]"), "pair of numbers"),
        (good, polygon("[118.08,24.45]"), "nested"),
        (good, polygon("[[0,0],[1,1],[1,0],[0,1],[0,0]]"), "crosses or touches itself"),
        (good, r#"{"type":"Polygon","coordinates":[]}"#.to_owned(), "no polygon"),
    ] {
        let text = file(&[feature(properties, &geometry)]);
        match read_grids(&text, Datum::Wgs84) {
            Ok(read) => {
                let wrong = read[0].clone().unwrap_err();
                assert!(
                    wrong.reasons.iter().any(|r| r.contains(expected)),
                    "{expected}: {:?}",
                    wrong.reasons
                );
            }
            Err(error) => assert!(error.to_string().contains(expected), "{expected}: {error}"),
        }
    }
}

#[test]
fn files_that_are_no_collection_are_refused() {
    for text in ["", "{}", "[]", "not json", r#"{"type":"FeatureCollection"}"#, r#"{"features":[]}"#] {
        assert!(matches!(read_grids(text, Datum::Wgs84), Err(GridFileError::NotGeoJson { .. })), "{text}");
    }
    let cut = read_grids(r#"{"type":"FeatureCollection","features":["#, Datum::Wgs84).unwrap_err();
    assert!(cut.to_string().contains("line 1"), "{cut}");
    let deep = format!(r#"{{"type":"FeatureCollection","features":[{}"#, "[".repeat(100_000));
    assert!(matches!(read_grids(&deep, Datum::Wgs84), Err(GridFileError::NotGeoJson { .. })));
    assert_eq!(read_grids(r#"{"features":[],"type":"FeatureCollection"}"#, Datum::Wgs84), Ok(vec![]));
    let huge = " ".repeat(MAX_TEXT + 1);
    assert_eq!(read_grids(&huge, Datum::Wgs84), Err(GridFileError::TooLarge { bytes: MAX_TEXT + 1 }));
    let many = file(&vec!["0".to_owned(); MAX_CELLS + 1]);
    assert_eq!(read_grids(&many, Datum::Wgs84), Err(GridFileError::TooMany));
}

#[test]
fn the_reference_system_must_fit_the_datum() {
    let named = |name: &str| format!(r#"{{"type":"name","properties":{{"name":"{name}"}}}}"#);
    let read = |crs: &str, datum| {
        read_grids(&format!(r#"{{"type":"FeatureCollection","crs":{crs},"features":[]}}"#), datum)
    };
    for name in ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4490", "epsg:4490"] {
        assert_eq!(read(&named(name), Datum::Wgs84), Ok(vec![]), "{name}");
        assert!(matches!(read(&named(name), Datum::Gcj02), Err(GridFileError::Crs { .. })));
    }
    for name in ["EPSG:3857", "urn:ogc:def:crs:EPSG::4547", "", "4326", "EPSG:43260"] {
        assert!(matches!(read(&named(name), Datum::Wgs84), Err(GridFileError::Crs { .. })), "{name}");
    }
    assert!(matches!(read(r#"{"type":"link"}"#, Datum::Wgs84), Err(GridFileError::Crs { .. })));
    assert_eq!(read("null", Datum::Gcj02), Ok(vec![]));
}

#[test]
fn other_datums_become_wgs84() {
    let text = file(&[feature(r#"{"code":"35020300100101"}"#, &polygon(RING))]);
    let read = read_grids(&text, Datum::Gcj02).unwrap();
    let corner = read[0].as_ref().unwrap().area.0[0].exterior().0[0];
    let shift = distance_m(LonLat { lon: corner.x, lat: corner.y }, LonLat { lon: 118.08, lat: 24.45 });
    assert!((shift - 583.0).abs() < 5.0, "{shift}");
}

#[test]
fn an_area_is_written_short() {
    let area = parse_area(&polygon(RING)).unwrap();
    let text = write_ring_geojson(&area);
    assert_eq!(text, format!(r#"{{"type":"MultiPolygon","coordinates":[[{RING}]]}}"#));
    for text in ["", "{}", "null", r#"{"type":"Point","coordinates":[1,2]}"#, &polygon("[[0,0],[1,1]]")] {
        assert_eq!(parse_area(text), None, "{text}");
    }
    let tiny = geo::Polygon::new(vec![(-1e-9, 0.123_456_789), (1.0, 0.0), (1.0, 1.0)].into(), vec![]);
    assert!(write_ring_geojson(&MultiPolygon(vec![tiny])).contains("[0,0.1234568]"));
}

proptest! {
    #[test]
    fn areas_survive_writing(
        lon in 74.0..135.0_f64, lat in 4.0..53.0_f64, wide in 1e-5..0.5_f64, high in 1e-5..0.5_f64
    ) {
        let ring = vec![(lon, lat), (lon + wide, lat), (lon + wide, lat + high), (lon, lat)];
        let area = MultiPolygon(vec![Polygon::new(ring.into(), vec![])]);
        let text = write_ring_geojson(&area);
        let again = parse_area(&text).unwrap();
        for (a, b) in area.0[0].exterior().0.iter().zip(&again.0[0].exterior().0) {
            prop_assert!((a.x - b.x).abs() <= 0.51e-7 && (a.y - b.y).abs() <= 0.51e-7);
        }
        prop_assert_eq!(write_ring_geojson(&again), text.clone());
        prop_assert_eq!(parse_area(&text), Some(again));
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"a-z0-9.]{0,80}", features in "[\\[\\]{},:\"a-z0-9.]{0,40}") {
        let _ = parse_area(&text);
        let _ = read_grids(&text, Datum::Bd09);
        let wrapped = format!(r#"{{"type":"FeatureCollection","features":[{features}]}}"#);
        let _ = read_grids(&wrapped, Datum::Bd09);
    }
}
