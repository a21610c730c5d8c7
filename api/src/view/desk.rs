//! What lies on a desk besides tickets, in answers.

use serde::Serialize;
use suishoupai_core::flow::{RequestKind, RequestState, Verb};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::desk::{HeldLine, Notice, RequestLine, SummonsLine};
use utoipa::ToSchema;

use super::{HeldView, Instant, Scene, UnitRef};

/// What a unit is told about a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticeView {
    /// Whom it is for.
    pub unit: UnitRef,
    /// Key of the ticket.
    pub ticket: i64,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Which line of its history.
    pub event_seq: i64,
    /// What happened.
    pub action: Verb,
    /// What happened, in the caller's language.
    pub action_name: String,
    /// When.
    #[schema(value_type = Instant)]
    pub at: Moment,
}

impl NoticeView {
    /// The view of a notice.
    pub fn of(scene: &Scene<'_>, notice: &Notice) -> Self {
        Self {
            unit: UnitRef::of(scene, notice.unit),
            ticket: notice.ticket,
            number: notice.number.clone(),
            title: notice.title.clone(),
            event_seq: notice.event_seq,
            action: notice.verb,
            action_name: scene.pick(notice.verb.zh(), notice.verb.en()),
            at: notice.at,
        }
    }
}

/// A page of notices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticePage {
    /// The newest first.
    pub items: Vec<NoticeView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A ticket that waits for the centre's look.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HeldLineView {
    /// Key of the ticket.
    pub ticket: i64,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// In which grid.
    pub grid: UnitRef,
    /// Its version, to be sent back with a command.
    pub version: i64,
    /// Why it waits.
    pub held: HeldView,
}

impl HeldLineView {
    /// The view of a line.
    pub fn of(scene: &Scene<'_>, line: &HeldLine) -> Self {
        Self {
            ticket: line.ticket,
            number: line.number.clone(),
            title: line.title.clone(),
            grid: UnitRef::of(scene, line.grid),
            version: line.version,
            held: HeldView::of(scene, &line.held),
        }
    }
}

/// A page of tickets that wait for the centre's look.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HeldPage {
    /// The oldest first.
    pub items: Vec<HeldLineView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A request that waits for a decision, or was decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestLineView {
    /// Key of the ticket.
    pub ticket: i64,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Number of the request within its ticket.
    pub seq: i32,
    /// What was asked for.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// In which unit's name.
    pub unit: UnitRef,
    /// When.
    #[schema(value_type = Instant)]
    pub asked_at: Moment,
}

impl RequestLineView {
    /// The view of a line.
    pub fn of(scene: &Scene<'_>, line: &RequestLine) -> Self {
        Self {
            ticket: line.ticket,
            number: line.number.clone(),
            title: line.title.clone(),
            seq: line.seq,
            kind: line.kind,
            state: line.state,
            unit: UnitRef::of(scene, line.unit),
            asked_at: line.asked_at,
        }
    }
}

/// A page of requests.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestPage {
    /// The oldest ticket first.
    pub items: Vec<RequestLineView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A summons to a meeting.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SummonsView {
    /// Key of the ticket.
    pub ticket: i64,
    /// 案卷号
    pub number: String,
    /// The beginning of the report.
    pub title: String,
    /// Who is summoned.
    pub unit: UnitRef,
    /// Who summons.
    pub by: UnitRef,
    /// When to meet.
    #[schema(value_type = Instant)]
    pub meet_at: Moment,
    /// Whether the unit said that it comes.
    pub answered: bool,
    /// Whether somebody of it signed in.
    pub signed_in: bool,
}

impl SummonsView {
    /// The view of a line.
    pub fn of(scene: &Scene<'_>, line: &SummonsLine) -> Self {
        Self {
            ticket: line.ticket,
            number: line.number.clone(),
            title: line.title.clone(),
            unit: UnitRef::of(scene, line.unit),
            by: UnitRef::of(scene, line.by),
            meet_at: line.meet_at,
            answered: line.answered_at.is_some(),
            signed_in: line.signed_in_at.is_some(),
        }
    }
}

/// The open summonses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SummonsPage {
    /// The next meeting first.
    pub items: Vec<SummonsView>,
}
