//! Evidence that was seen before. It is said, and never refused: two people may send the same picture in good faith.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::flow::{Doubt, PhotoFlag, Stage, TicketId};

/// How a piece of evidence was seen before.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SeenBefore {
    /// Under another ticket.
    Reused,
    /// At an earlier stage of the same ticket: the result looks as it looked before.
    Repeated,
}

impl SeenBefore {
    /// Both.
    pub const ALL: [SeenBefore; 2] = [SeenBefore::Reused, SeenBefore::Repeated];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            SeenBefore::Reused => "reused",
            SeenBefore::Repeated => "repeated",
        }
    }

    /// The value with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// As what a photo is doubted then.
    pub const fn flag(self) -> PhotoFlag {
        match self {
            SeenBefore::Reused => PhotoFlag::Reused,
            SeenBefore::Repeated => PhotoFlag::Repeated,
        }
    }

    /// 中文
    pub const fn zh(self) -> &'static str {
        self.flag().zh()
    }

    /// English
    pub const fn en(self) -> &'static str {
        self.flag().en()
    }
}

/// A photo as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// In which ticket.
    pub ticket: TicketId,
    /// The ticket that holds the report: that from which `ticket` was split off, else itself.
    pub origin: TicketId,
    /// Which photo.
    pub photo: i64,
    /// At which stage.
    pub stage: Stage,
    /// When, in milliseconds.
    pub at: i64,
}

/// Which of two uses of near pictures is to be said to have been seen before, and how; none where nothing is wrong
/// with it. It does not matter which of the two is given first.
pub fn seen_before(one: &Use, other: &Use) -> Option<(Use, Use, SeenBefore)> {
    if one.ticket == other.ticket {
        let (earlier, later) = if one.stage <= other.stage { (one, other) } else { (other, one) };
        // What a reporter sends afterwards says nothing against the result that was there by then.
        let is_later = earlier.stage < later.stage && earlier.at <= later.at;
        return is_later.then_some((*later, *earlier, SeenBefore::Repeated));
    }
    // What was split off keeps the photos of the report.
    if one.origin == other.origin {
        return None;
    }
    let key = |used: &Use| (used.at, used.ticket, used.photo);
    let (earlier, later) = if key(one) <= key(other) { (one, other) } else { (other, one) };
    Some((*later, *earlier, SeenBefore::Reused))
}

/// What is doubted of a picture that is handed in as `used`. `others` are the uses of near pictures, each with the number
/// of differing bits; of several of a kind the nearest counts.
pub fn doubts_of_reuse(used: &Use, others: impl Iterator<Item = (Use, u32)>) -> Vec<Doubt> {
    let mut nearest: BTreeMap<SeenBefore, u32> = BTreeMap::new();
    for (other, bits) in others {
        let Some((later, _, kind)) = seen_before(used, &other) else { continue };
        if later == *used {
            let least = nearest.entry(kind).or_insert(bits);
            *least = bits.min(*least);
        }
    }
    nearest
        .into_iter()
        .map(|(kind, bits)| Doubt { flag: kind.flag(), value: Some(i64::from(bits)) })
        .collect()
}
