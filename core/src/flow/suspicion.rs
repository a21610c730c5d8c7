//! 疑似垃圾信息: what speaks for a report being no report. It refuses nothing: what is suspected is looked at by the centre
//! before anybody is sent out for it.

use serde::{Deserialize, Serialize};

use super::words::words;
use crate::time::Moment;

words! {
    /// Why a report is looked at by the centre first.
    Suspicion {
        /// The account has sent the same text many times lately.
        SameText = "same_text", "短时间内多次发送相同内容", "the same text many times";
        /// Nothing but addresses of pages.
        Links = "links", "内容只有网址", "nothing but links";
        /// It offers something.
        Advertising = "advertising", "疑似广告", "looks like advertising";
        /// Nothing that could be read, and no picture.
        NoWords = "no_words", "没有可读的内容", "nothing that could be read";
        /// Reports of the account were refused as false or as spam lately.
        FalseBefore = "false_before", "近期多次虚假上报", "false reports lately";
        /// Its picture is one that others sent with several tickets.
        PhotoOfOthers = "photo_of_others", "照片多次用于他人的案卷", "a picture of others' tickets";
    }
}

/// From when on something is suspected; 0 suspects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// The same text of one account so many times, this one included.
    pub same_text: u32,
    /// A picture in so many tickets of others.
    pub photo_tickets: u32,
    /// Whether what a text looks like is looked at.
    pub texts: bool,
}

/// What is known of a report besides its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// How often the account has sent this text lately, this time included.
    pub same_text: u32,
    /// Whether too many of its reports were refused as false lately.
    pub false_before: bool,
    /// In how many tickets of others one of its pictures is.
    pub photo_tickets: u32,
    /// Whether it has a picture.
    pub has_photo: bool,
}

/// A ticket that waits for the centre's look, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when.
    pub since: Moment,
    /// Why, at least one.
    pub why: Vec<Suspicion>,
}

/// Words by which somebody offers something or asks to be called. Two of them make an advertisement, or one with an address
/// or a long number.
const LURES: &[&str] = &[
    "加微信",
    "加我微信",
    "加v",
    "加vx",
    "微信号",
    "加qq",
    "qq群",
    "扫码",
    "点击链接",
    "点击领取",
    "免费领取",
    "限时优惠",
    "低息",
    "秒到账",
    "无抵押",
    "日结",
    "刷单",
    "返利",
    "稳赚",
    "包赔",
    "代开发票",
    "代办",
    "博彩",
    "彩金",
    "棋牌",
    "下注",
    "招代理",
    "诚招",
    "批发价",
    "包邮",
    "优惠券",
    "红包",
];
/// Who says so reports an advertisement, or a fraud.
const ABOUT: &[&str] = &[
    "小广告",
    "张贴",
    "乱贴",
    "喷涂",
    "粘贴",
    "牛皮癣",
    "清理",
    "清除",
    "投诉",
    "举报",
    "诈骗",
    "被骗",
    "骗子",
    "传单",
    "有人",
    "墙上",
    "路边",
    "门口",
];
/// Fewer letters beside addresses say nothing.
const FEW_LETTERS: usize = 6;
/// From so many letters on that are all the same one or two, nobody has written anything.
const MONOTONOUS: usize = 8;
/// A number of so many digits calls somebody.
const LONG_NUMBER: usize = 7;

/// What speaks against a report, each thing once, in the order of the words; empty where nothing does.
pub fn suspicions(text: &str, known: Known, thresholds: Thresholds) -> Vec<Suspicion> {
    let reaches = |count: u32, threshold: u32| threshold > 0 && count >= threshold;
    let checks = [
        (Suspicion::SameText, reaches(known.same_text, thresholds.same_text)),
        (Suspicion::Links, thresholds.texts && is_links_only(text)),
        (Suspicion::Advertising, thresholds.texts && is_advertising(text)),
        // A picture says enough.
        (Suspicion::NoWords, thresholds.texts && !known.has_photo && says_nothing(text)),
        (Suspicion::FalseBefore, known.false_before),
        (Suspicion::PhotoOfOthers, reaches(known.photo_tickets, thresholds.photo_tickets)),
    ];
    checks.into_iter().filter(|(_, holds)| *holds).map(|(suspicion, _)| suspicion).collect()
}

/// A text by what it says: letters and digits in lower case. Two with the same essence are the same text.
pub fn essence(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The text without addresses of pages, and how many there were.
fn without_links(text: &str) -> (String, usize) {
    let (mut rest, mut links) = (String::new(), 0);
    // An address is a run of ASCII, also where Chinese stands right before or behind it.
    for run in text.split_inclusive(|letter: char| !letter.is_ascii_graphic()) {
        let word = run.trim_end_matches(|letter: char| !letter.is_ascii_graphic());
        let lower = word.to_ascii_lowercase();
        if lower.contains("://") || lower.starts_with("www.") {
            links += 1;
            rest.push_str(run.get(word.len()..).unwrap_or_default());
        } else {
            rest.push_str(run);
        }
    }
    (rest, links)
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| letter.is_alphabetic())
}

fn is_links_only(text: &str) -> bool {
    let (rest, links) = without_links(text);
    links > 0 && letters(&rest).count() < FEW_LETTERS
}

fn is_advertising(text: &str) -> bool {
    let plain: String =
        text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect();
    if ABOUT.iter().any(|word| plain.contains(word)) {
        return false;
    }
    let lures = LURES.iter().filter(|word| plain.contains(**word)).count();
    let calls = || {
        let longest = plain.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max();
        longest.is_some_and(|digits| digits >= LONG_NUMBER) || without_links(text).1 > 0
    };
    lures >= 2 || (lures == 1 && calls())
}

fn says_nothing(text: &str) -> bool {
    let mut all: Vec<char> = letters(text).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    count == 0 || (count >= MONOTONOUS && all.len() <= 2)
}
