//! The doubts about photos, by table.

use crate::flow::{Doubt, PhotoFlag, PhotoScene, Policy, Sighting, Stage, doubts};
use crate::geo::LonLat;
use crate::time::Moment;

const PLACE: LonLat = LonLat { lon: 118.08, lat: 24.448 };
const NOW: Moment = Moment::from_millis(1_772_588_000_000);

/// A place so many metres north of the ticket's.
fn north(metres: f64) -> LonLat {
    LonLat { lat: PLACE.lat + metres / 111_195.0, ..PLACE }
}

fn ago(seconds: i64) -> Moment {
    NOW.plus_seconds(-seconds)
}

/// What is doubted of a photo, as (word, value).
fn doubted(seen: Sighting, stage: Stage, opened_ago: Option<i64>) -> Vec<(&'static str, Option<i64>)> {
    let scene = PhotoScene { place: PLACE, opened_at: opened_ago.map(ago), now: NOW };
    let found = doubts(&seen, stage, &scene, &Policy::default());
    found.iter().map(|doubt| (doubt.flag.as_str(), doubt.value)).collect()
}

/// The doubts that are to be found, with their values.
type Found = Vec<(&'static str, Option<i64>)>;

/// A photo taken here and a minute ago, as the camera says.
fn good() -> Sighting {
    Sighting { camera_at: Some(ago(60)), camera_place: Some(north(20.0)), phone: None }
}

#[test]
fn every_doubt_begins_beyond_its_threshold() {
    let camera = |metres| Sighting { camera_place: Some(north(metres)), ..good() };
    let taken = |seconds| Sighting { camera_at: Some(ago(seconds)), ..good() };
    let phone = |metres, seconds| Sighting { phone: Some((north(metres), ago(seconds))), ..good() };
    let rows: Vec<(Sighting, Stage, Option<i64>, Found)> = vec![
        (good(), Stage::Before, None, vec![]),
        (camera(299.0), Stage::Before, None, vec![]),
        (camera(302.0), Stage::Before, None, vec![("far_from_place", Some(302))]),
        (taken(86_400), Stage::Before, None, vec![]),
        (taken(86_401), Stage::Before, None, vec![("taken_long_before", Some(86_401))]),
        (taken(-300), Stage::Before, None, vec![]),
        (taken(-301), Stage::Before, None, vec![("taken_in_future", Some(301))]),
        // Older than the ticket: only of photos that must be younger.
        (taken(3600), Stage::Before, Some(60), vec![]),
        (taken(3600), Stage::After, Some(3300), vec![]),
        (taken(3600), Stage::After, Some(3299), vec![("taken_before_ticket", Some(301))]),
        (taken(3600), Stage::Check, Some(60), vec![("taken_before_ticket", Some(3540))]),
        (phone(100.0, 900), Stage::Check, Some(600), vec![]),
        (phone(0.0, 901), Stage::Check, Some(600), vec![("position_old", Some(901))]),
        (phone(0.0, -301), Stage::Check, Some(600), vec![("position_old", Some(-301))]),
        (
            phone(-330.0, 1),
            Stage::Before,
            None,
            vec![("sent_far_from_place", Some(330)), ("places_differ", Some(350))],
        ),
        (Sighting::default(), Stage::After, Some(60), vec![("no_position", None), ("no_camera_time", None)]),
        (
            Sighting { phone: Some((PLACE, NOW)), ..Sighting::default() },
            Stage::Before,
            None,
            vec![("no_camera_time", None)],
        ),
    ];
    for (seen, stage, opened_ago, expected) in rows {
        assert_eq!(doubted(seen, stage, opened_ago), expected, "{seen:?} {stage:?} {opened_ago:?}");
    }
}

#[test]
fn the_thresholds_are_those_of_the_rules() {
    let policy = Policy { photo_distance_m: 10, photo_age_s: 60, photo_ahead_s: 0, ..Policy::default() };
    let scene = PhotoScene { place: PLACE, opened_at: None, now: NOW };
    let strict = |seen| -> Vec<PhotoFlag> {
        doubts(&seen, Stage::Before, &scene, &policy).iter().map(|doubt| doubt.flag).collect()
    };
    assert_eq!(strict(good()), [PhotoFlag::FarFromPlace]);
    let late = Sighting { camera_at: Some(ago(61)), camera_place: Some(PLACE), phone: None };
    assert_eq!(strict(late), [PhotoFlag::TakenLongBefore]);
    assert_eq!(strict(Sighting { camera_at: Some(ago(-1)), ..late }), [PhotoFlag::TakenInFuture]);
}

#[test]
fn a_doubt_is_kept_as_a_word_with_its_value() {
    let far = Doubt { flag: PhotoFlag::FarFromPlace, value: Some(350) };
    assert_eq!(serde_json::to_string(&far).unwrap(), r#"{"flag":"far_from_place","value":350}"#);
    let none = Doubt { flag: PhotoFlag::NoPosition, value: None };
    assert_eq!(serde_json::to_string(&none).unwrap(), r#"{"flag":"no_position"}"#);
}
