//! What is suspected of being no report, and what is not.

use proptest::prelude::*;

use crate::flow::{Known, Suspicion, Thresholds, essence, suspicions};

const THRESHOLDS: Thresholds = Thresholds { same_text: 10, photo_tickets: 3, texts: true };

fn of_text(text: &str) -> Vec<Suspicion> {
    suspicions(text, Known::default(), THRESHOLDS)
}

#[test]
fn texts_are_judged_by_what_they_offer_and_not_by_what_they_tell_of() {
    use Suspicion::{Advertising, Links, NoWords};
    let rows: &[(&str, &[Suspicion])] = &[
        ("路灯不亮", &[]),
        ("臭", &[]),
        ("中山路 12 号门口积水，电话 13800000013", &[]),
        ("Street lamp is broken", &[]),
        ("https://spam.example/x?y=1", &[Links]),
        ("看 https://spam.example/x 快", &[Links]),
        ("看https://spam.example/x快", &[Links]),
        ("www.spam.example", &[Links]),
        ("小区监控视频见 https://video.example/1，有车占用消防通道", &[]),
        ("低息贷款，无抵押，秒到账", &[Advertising]),
        ("加 微 信 abc12345678 了解一下", &[Advertising]),
        ("代开发票请看 https://spam.example 一起发财致富好项目", &[Advertising]),
        ("诚招代理 日结", &[Advertising]),
        ("墙上有人贴小广告：办证加微信 13800000013", &[]),
        ("有人扫码刷单诈骗，请处理", &[]),
        ("路口共享单车扫码后打不开", &[]),
        ("1234567", &[NoWords]),
        ("。。。！！！", &[NoWords]),
        ("啊啊啊啊啊啊啊啊啊", &[NoWords]),
        ("哈哈哈哈", &[]),
    ];
    for (text, expected) in rows {
        assert_eq!(of_text(text), *expected, "{text}");
    }
}

#[test]
fn what_is_known_counts_from_its_threshold_on() {
    let rows = [
        (Known { same_text: 9, ..Known::default() }, None),
        (Known { same_text: 10, ..Known::default() }, Some(Suspicion::SameText)),
        (Known { photo_tickets: 2, ..Known::default() }, None),
        (Known { photo_tickets: 3, ..Known::default() }, Some(Suspicion::PhotoOfOthers)),
        (Known { false_before: true, ..Known::default() }, Some(Suspicion::FalseBefore)),
    ];
    for (known, expected) in rows {
        assert_eq!(suspicions("路灯不亮", known, THRESHOLDS), Vec::from_iter(expected), "{known:?}");
    }
    let off = Thresholds { same_text: 0, photo_tickets: 0, texts: false };
    let many = Known { same_text: u32::MAX, photo_tickets: u32::MAX, ..Known::default() };
    assert_eq!(suspicions("https://spam.example", many, off), []);
    let with_photo = Known { has_photo: true, ..Known::default() };
    assert_eq!(suspicions("123", with_photo, THRESHOLDS), [], "a picture says enough");
}

proptest! {
    #[test]
    fn more_of_a_thing_never_clears_it_and_each_is_said_once(
        text in "\\PC{0,60}", same in 0u32..30, photos in 0u32..9, false_before: bool, has_photo: bool,
    ) {
        let known = Known { same_text: same, false_before, photo_tickets: photos, has_photo };
        let found = suspicions(&text, known, THRESHOLDS);
        let more = Known { same_text: same + 1, photo_tickets: photos + 1, false_before: true, ..known };
        let worse = suspicions(&text, more, THRESHOLDS);
        prop_assert!(found.iter().all(|suspicion| worse.contains(suspicion)));
        prop_assert!(found.windows(2).all(|two| two[0] < two[1]));
    }

    #[test]
    fn texts_are_the_same_whatever_stands_between_their_letters(words in proptest::collection::vec("[a-z路灯不亮0-9]{1,5}", 1..5)) {
        let (spread, close) = (words.join("，！ "), words.concat().to_uppercase());
        prop_assert_eq!(essence(&spread), essence(&close));
    }
}
