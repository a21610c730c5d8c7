//! The score by table and by property.

use proptest::prelude::*;

use super::*;
use crate::flow::{Doubt, PhotoFlag, Stage};
use crate::geo::{LonLat, distance_m};
use crate::time::Moment;

fn pair() -> Pair {
    Pair {
        distance_m: 8.0,
        apart_s: 3600,
        category: Sameness::Unknown,
        picture: None,
        words: 0.0,
        open: true,
    }
}

fn words_of(pair: &Pair) -> Vec<&'static str> {
    likeness(pair).reasons.iter().map(|reason| reason.as_str()).collect()
}

#[test]
fn what_is_worth_showing() {
    let p = pair();
    for (what, pair, shown) in [
        ("the same place, just now", p, true),
        ("the same place, another category", Pair { category: Sameness::Different, ..p }, false),
        (
            "the same place and picture, another category",
            Pair { category: Sameness::Different, picture: Some(2), ..p },
            true,
        ),
        ("a hundred metres away", Pair { distance_m: 100.0, ..p }, false),
        (
            "a hundred metres away, the same category",
            Pair { distance_m: 100.0, category: Sameness::Same, ..p },
            true,
        ),
        ("a hundred metres away, in the same words", Pair { distance_m: 100.0, words: 0.9, ..p }, true),
        ("the same place, long over", Pair { open: false, apart_s: 90 * DAY, ..p }, false),
        (
            "the same place and category, over for a week",
            Pair { open: false, apart_s: 7 * DAY, category: Sameness::Same, ..p },
            true,
        ),
        ("the same picture far away", Pair { distance_m: 5000.0, picture: Some(0), ..p }, true),
        ("far away", Pair { distance_m: 5000.0, category: Sameness::Same, words: 1.0, ..p }, false),
    ] {
        let score = likeness(&pair).score;
        assert_eq!(score >= WORTH_SHOWING, shown, "{what}: {score}");
    }
}

#[test]
fn the_reasons_are_said() {
    assert_eq!(words_of(&pair()), ["same_place", "time", "open"]);
    let all = Pair {
        distance_m: 43.0,
        apart_s: -3 * DAY,
        category: Sameness::SameMajor,
        picture: Some(9),
        words: 0.3,
        open: false,
    };
    assert_eq!(words_of(&all), ["near", "near_picture", "same_major", "same_words", "time", "over"]);
    let said: Vec<String> = likeness(&all).reasons.into_iter().map(Reason::zh).collect();
    assert_eq!(said, ["相距约 40 米", "照片近似", "事项大类相同", "描述相近", "时间相差 3 天", "已办结"]);
    assert_eq!(Reason::Near(40).en(), "about 40 m away");
    assert_eq!(words_of(&Pair { picture: Some(NEAR + 1), ..pair() }), words_of(&pair()));
}

#[test]
fn categories_are_compared_by_their_codes() {
    for (one, other, wanted) in [
        (Some("E0102"), Some("E0102"), Sameness::Same),
        (Some("E0102"), Some("E0103"), Sameness::SameMajor),
        (Some("E0102"), Some("E0202"), Sameness::Different),
        (Some("E0102"), Some("P0102"), Sameness::Different),
        (None, Some("P0102"), Sameness::Unknown),
        (None, None, Sameness::Unknown),
        (Some("E"), Some("P"), Sameness::Different),
    ] {
        assert_eq!(Sameness::of(one, other), wanted, "{one:?} {other:?}");
    }
}

#[test]
fn words_are_compared_without_signs() {
    assert!(alike("路面有个大坑！", "路面上有个大坑") > 0.5);
    assert!(alike("路面有个大坑", "垃圾桶满了") < 0.1);
    assert!(alike("Broken LAMP", "broken lamp.") > 0.99);
    assert!(alike("", "").abs() < f64::EPSILON);
    assert!(alike("坑", "坑").abs() < f64::EPSILON, "one character has no neighbour");
}

#[test]
fn titles_show_no_numbers_of_people() {
    for (title, shown) in [
        ("井盖坏了，请打 13905920001", "井盖坏了，请打 ***"),
        ("电话139-0592-0001联系", "电话***联系"),
        ("１３９０５９２０００１", "***"),
        ("3 号楼 502 门口路灯不亮", "3 号楼 502 门口路灯不亮"),
        ("", ""),
    ] {
        assert_eq!(public_title(title), shown);
    }
}

#[test]
fn days_are_counted_by_the_calendar() {
    let at = |text: &str| -> Moment { text.parse().unwrap() };
    let now = at("2026-03-04T00:30:00+08:00");
    assert_eq!(ago(at("2026-03-04T00:10:00+08:00"), now).1, "today");
    assert_eq!(ago(at("2026-03-03T23:50:00+08:00"), now), ("昨天".to_owned(), "yesterday".to_owned()));
    assert_eq!(ago(at("2026-03-01T12:00:00+08:00"), now).0, "3 天前");
    assert_eq!(ago(at("2026-01-04T12:00:00+08:00"), now).1, "59 days ago");
    assert_eq!(ago(at("2026-03-05T12:00:00+08:00"), now).1, "today", "a clock that runs ahead");
}

#[test]
fn who_came_later_is_said_to_have_been_seen_before() {
    let used = |ticket, stage, at| Use { ticket, origin: ticket, photo: 10 * ticket + at, stage, at };
    let (before, after) = (used(1, Stage::Before, 5), used(1, Stage::After, 9));
    let elsewhere = used(2, Stage::Before, 7);
    let split_off = Use { origin: 1, ..used(3, Stage::Before, 5) };
    for (one, other, wanted) in [
        (before, after, Some((after, before, SeenBefore::Repeated))),
        (after, used(1, Stage::Check, 9), Some((used(1, Stage::Check, 9), after, SeenBefore::Repeated))),
        // A supplement that is sent after the result.
        (used(1, Stage::Before, 20), after, None),
        (before, used(1, Stage::Before, 6), None),
        (before, elsewhere, Some((elsewhere, before, SeenBefore::Reused))),
        (after, elsewhere, Some((after, elsewhere, SeenBefore::Reused))),
        (used(4, Stage::Before, 5), before, Some((used(4, Stage::Before, 5), before, SeenBefore::Reused))),
        (before, split_off, None),
    ] {
        assert_eq!(seen_before(&one, &other), wanted, "{one:?} {other:?}");
        assert_eq!(seen_before(&other, &one), wanted, "the other way round");
    }
}

#[test]
fn what_is_handed_in_is_doubted_by_what_is_nearest() {
    let used = |ticket, stage, at| Use { ticket, origin: ticket, photo: 10 * ticket + at, stage, at };
    let after = used(1, Stage::After, 9);
    let others = [
        (used(2, Stage::Before, 3), 7),
        (used(3, Stage::After, 4), 2),
        (used(1, Stage::Before, 1), 5),
        // Nothing against it: handed in later, and of the same stage.
        (used(4, Stage::Before, 12), 0),
        (used(1, Stage::After, 8), 0),
    ];
    let bits = |flag, value| Doubt { flag, value: Some(value) };
    assert_eq!(
        doubts_of_reuse(&after, others.into_iter()),
        [bits(PhotoFlag::Reused, 2), bits(PhotoFlag::Repeated, 5)]
    );
    assert_eq!(doubts_of_reuse(&after, others.into_iter().skip(3)), []);
    for kind in SeenBefore::ALL {
        assert_eq!((kind.as_str(), kind.zh()), (kind.flag().as_str(), kind.flag().zh()));
    }
}

/// The number of the square as the index of the tickets has it.
fn tile(at: LonLat) -> i64 {
    (at.lat * 500.0).round() as i64 * 1_000_000 + (at.lon * 500.0).round() as i64
}

proptest! {
    #[test]
    fn the_squares_hold_the_circle(
        lon in 73.0..135.0_f64,
        lat in 3.0..53.9_f64,
        angle in 0.0..std::f64::consts::TAU,
        part in 0.0..0.999_f64,
    ) {
        let at = LonLat { lon, lat };
        let reach = part * AROUND_M / 111_195.0;
        let other = LonLat {
            lon: lon + reach * angle.cos() / lat.to_radians().cos(),
            lat: lat + reach * angle.sin(),
        };
        prop_assume!(distance_m(at, other) <= AROUND_M);
        let tiles = tiles_around(at, AROUND_M);
        prop_assert!(tiles.contains(&tile(other)) && tiles.len() <= 12);
        prop_assert!(distance_m(at, rounded(at)) < 8.0);
    }

    #[test]
    fn nearer_is_never_less_likely(
        one in 0.0..400.0_f64,
        other in 0.0..400.0_f64,
        apart_s in 0..10_000_000_i64,
        words in 0.0..1.0_f64,
        picture in prop::option::of(0..64_u32),
        open in any::<bool>(),
    ) {
        let pair = |distance_m| Pair { distance_m, apart_s, words, picture, open, ..pair() };
        let (near, far) = (one.min(other), one.max(other));
        prop_assert!(likeness(&pair(near)).score >= likeness(&pair(far)).score);
        let same = Pair { picture: Some(0), ..pair(near) };
        prop_assert!(likeness(&same).score >= likeness(&pair(near)).score);
    }
}
