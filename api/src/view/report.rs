//! Reports in answers, as their reporter sees them.

use serde::Serialize;
use suishoupai_core::flow::{Channel, State, Verb};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::reports::Rating;
use utoipa::ToSchema;

use super::{CategoryRef, EventView, EvidenceView, Instant, Located, PlaceView};

/// The answer to a report.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReportCreated {
    /// The key.
    pub id: i64,
    /// 流水号
    #[schema(example = "350203-20261122-1042")]
    pub receipt_number: String,
    /// 查询码: follows the report without an account, together with the receipt number. Told only now.
    #[schema(example = "K7M2Q9TX")]
    pub query_code: String,
    /// The ticket that it opened.
    pub ticket_id: i64,
    /// Where its ticket stands.
    pub state: State,
    /// Where its ticket stands, in the caller's language.
    pub state_name: String,
    /// Grid, community and street.
    pub located: Located,
    /// What happens next, in words.
    pub next: String,
    /// When it came in.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
}

/// A report with its course.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReportView {
    /// The key.
    pub id: i64,
    /// 流水号
    pub receipt_number: String,
    /// How it came in.
    pub channel: Channel,
    /// The words.
    pub text: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    /// The place.
    pub place: PlaceView,
    /// Grid, community and street.
    pub located: Located,
    /// Whether the reporter stays unknown to the handlers.
    pub anonymous: bool,
    /// Where its ticket stands.
    pub state: State,
    /// Where its ticket stands, in the caller's language.
    pub state_name: String,
    /// The version of its ticket, to be sent back with a command.
    pub version: i64,
    /// What happens next, in words.
    pub next: String,
    /// The public answer of whoever handled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Whether it was found to be the same as another report, whose course is shown.
    pub merged: bool,
    /// Its photos, before and after.
    pub photos: Vec<EvidenceView>,
    /// Its course, as far as it is public.
    pub timeline: Vec<EventView>,
    /// What was said of the result.
    pub ratings: Vec<RatingView>,
    /// What the caller may do now; empty when it is read by receipt number and query code.
    pub allowed_actions: Vec<Verb>,
    /// When it came in.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When its ticket last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
}

/// 评价
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RatingView {
    /// Which closing it is about: 0 for the first.
    pub round: i32,
    /// Solved or not.
    pub solved: bool,
    /// 1 to 5.
    pub stars: i32,
    /// Words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// When.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
}

impl From<Rating> for RatingView {
    fn from(rating: Rating) -> Self {
        Self {
            round: rating.round,
            solved: rating.solved,
            stars: rating.stars,
            words: rating.words,
            created_at: Moment::from_millis(rating.created_at),
        }
    }
}

/// One line of the caller's own reports.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MyReportLine {
    /// The key.
    pub id: i64,
    /// 流水号
    pub receipt_number: String,
    /// The words.
    pub text: String,
    /// Where its ticket stands.
    pub state: State,
    /// Where its ticket stands, in the caller's language.
    pub state_name: String,
    /// When it came in.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When its ticket last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
}

/// A page of the caller's own reports.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MyReports {
    /// Newest first.
    pub items: Vec<MyReportLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
