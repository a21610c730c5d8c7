//! Whether two reports may be of the same thing: a score from place, time, category, pictures and words, with the
//! reasons for it. It decides nothing; people see it and judge.

mod index;
mod place;
mod reuse;
mod words;

pub use index::{Hit, NEAR, NearIndex, Print};
pub use place::{rounded, tiles_around};
pub use reuse::{SeenBefore, Use, doubts_of_reuse, seen_before};
pub use words::{ago, alike, public_title};

/// How far around a place is looked for the same thing, in metres.
pub const AROUND_M: f64 = 150.0;
/// Whoever stands closer than this stands at the same place: a phone's position is no better.
const SAME_PLACE_M: f64 = 15.0;
/// From this score on it is worth showing.
pub const WORTH_SHOWING: u8 = 45;
/// Pictures that differ in no more bits are the same one, sent again or made smaller on the way.
const SAME_PICTURE: u32 = 4;
const DAY: i64 = 86_400;

/// How two categories are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// One of them is not known.
    Unknown,
    /// The same.
    Same,
    /// Of the same 大类.
    SameMajor,
    /// Different ones.
    Different,
}

impl Sameness {
    /// Compares codes: kind letter, major, minor.
    pub fn of(one: Option<&str>, other: Option<&str>) -> Self {
        let (Some(one), Some(other)) = (one, other) else { return Self::Unknown };
        if one == other {
            Self::Same
        } else if one.get(..3).is_some_and(|major| other.get(..3) == Some(major)) {
            Self::SameMajor
        } else {
            Self::Different
        }
    }
}

/// What is known of two of them.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Metres between them.
    pub distance_m: f64,
    /// Seconds between them.
    pub apart_s: i64,
    /// Their categories.
    pub category: Sameness,
    /// In how many bits the nearest two of their pictures differ; none where that is not known or more than [`NEAR`].
    pub picture: Option<u32>,
    /// How alike their words are, from 0 to 1.
    pub words: f64,
    /// Whether the other one is still open.
    pub open: bool,
}

/// Something that speaks for or against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// At the same place.
    SamePlace,
    /// So many metres away, rounded to ten.
    Near(u32),
    /// The same picture.
    SamePicture,
    /// A picture that is nearly the same.
    NearPicture,
    /// Of the same category.
    SameCategory,
    /// Of the same 大类.
    SameMajor,
    /// Of another category.
    OtherCategory,
    /// In the same words.
    SameWords,
    /// So many days apart.
    Days(u32),
    /// Still open.
    Open,
    /// Over.
    Over,
}

impl Reason {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::SamePlace => "same_place",
            Reason::Near(_) => "near",
            Reason::SamePicture => "same_picture",
            Reason::NearPicture => "near_picture",
            Reason::SameCategory => "same_category",
            Reason::SameMajor => "same_major",
            Reason::OtherCategory => "other_category",
            Reason::SameWords => "same_words",
            Reason::Days(_) => "time",
            Reason::Open => "open",
            Reason::Over => "over",
        }
    }

    /// 中文
    pub fn zh(self) -> String {
        match self {
            Reason::SamePlace => "同一地点".to_owned(),
            Reason::Near(metres) => format!("相距约 {metres} 米"),
            Reason::SamePicture => "照片相同".to_owned(),
            Reason::NearPicture => "照片近似".to_owned(),
            Reason::SameCategory => "事项分类相同".to_owned(),
            Reason::SameMajor => "事项大类相同".to_owned(),
            Reason::OtherCategory => "事项分类不同".to_owned(),
            Reason::SameWords => "描述相近".to_owned(),
            Reason::Days(0) => "时间相差不到一天".to_owned(),
            Reason::Days(days) => format!("时间相差 {days} 天"),
            Reason::Open => "尚在办理".to_owned(),
            Reason::Over => "已办结".to_owned(),
        }
    }

    /// English
    pub fn en(self) -> String {
        match self {
            Reason::SamePlace => "at the same place".to_owned(),
            Reason::Near(metres) => format!("about {metres} m away"),
            Reason::SamePicture => "the same picture".to_owned(),
            Reason::NearPicture => "nearly the same picture".to_owned(),
            Reason::SameCategory => "of the same category".to_owned(),
            Reason::SameMajor => "of the same kind".to_owned(),
            Reason::OtherCategory => "of another category".to_owned(),
            Reason::SameWords => "in similar words".to_owned(),
            Reason::Days(0) => "less than a day apart".to_owned(),
            Reason::Days(1) => "a day apart".to_owned(),
            Reason::Days(days) => format!("{days} days apart"),
            Reason::Open => "still open".to_owned(),
            Reason::Over => "over".to_owned(),
        }
    }
}

/// How likely it is the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// From 0 to 100.
    pub score: u8,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The score of a pair: up to 40 for the place, 45 for the picture, 20 for the category, 10 each for time and words
/// and for being open; another category and being over speak against it.
pub fn likeness(pair: &Pair) -> Likeness {
    let all = [place(pair), picture(pair), category(pair), words(pair), time(pair), state(pair)];
    let sum: i32 = all.iter().flatten().map(|(points, _)| points).sum();
    // The same words about the same kind of thing are said everywhere; only a picture speaks across distances.
    let is_elsewhere = pair.distance_m > AROUND_M && picture(pair).is_none();
    Likeness {
        score: if is_elsewhere { 0 } else { sum.clamp(0, 100) as u8 },
        reasons: all.into_iter().flatten().map(|(_, reason)| reason).collect(),
    }
}

type Points = Option<(i32, Reason)>;

fn place(pair: &Pair) -> Points {
    let metres = pair.distance_m.max(0.0);
    if metres <= SAME_PLACE_M {
        return Some((40, Reason::SamePlace));
    }
    let nearness = ((AROUND_M - metres) / (AROUND_M - SAME_PLACE_M)).max(0.0);
    Some(((40.0 * nearness).round() as i32, Reason::Near(((metres / 10.0).round() * 10.0) as u32)))
}

fn picture(pair: &Pair) -> Points {
    pair.picture.filter(|bits| *bits <= NEAR).map(|bits| match bits {
        0..=SAME_PICTURE => (45, Reason::SamePicture),
        _ => (30, Reason::NearPicture),
    })
}

const fn category(pair: &Pair) -> Points {
    match pair.category {
        Sameness::Unknown => None,
        Sameness::Same => Some((20, Reason::SameCategory)),
        Sameness::SameMajor => Some((8, Reason::SameMajor)),
        Sameness::Different => Some((-20, Reason::OtherCategory)),
    }
}

fn words(pair: &Pair) -> Points {
    let points = match pair.words {
        alike if alike >= 0.5 => 10,
        alike if alike >= 0.25 => 5,
        _ => return None,
    };
    Some((points, Reason::SameWords))
}

fn time(pair: &Pair) -> Points {
    let days = pair.apart_s.unsigned_abs() / DAY.unsigned_abs();
    let points = match days {
        0..=1 => 10,
        2..=7 => 6,
        8..=30 => 3,
        _ => 0,
    };
    Some((points, Reason::Days(u32::try_from(days).unwrap_or(u32::MAX))))
}

const fn state(pair: &Pair) -> Points {
    Some(if pair.open { (10, Reason::Open) } else { (-10, Reason::Over) })
}

#[cfg(test)]
mod tests;
