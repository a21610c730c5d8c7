//! Evidence that was seen before. It is said, and never refused: two people may send the same picture in good faith.

use serde::{Deserialize, Serialize};

use crate::flow::{Stage, TicketId};

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

    /// 中文
    pub const fn zh(self) -> &'static str {
        match self {
            SeenBefore::Reused => "照片曾用于其他案卷",
            SeenBefore::Repeated => "与本案此前阶段的照片相同或近似",
        }
    }

    /// English
    pub const fn en(self) -> &'static str {
        match self {
            SeenBefore::Reused => "sent before under another ticket",
            SeenBefore::Repeated => "looks like a photo of an earlier stage",
        }
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
