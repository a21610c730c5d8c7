//! Tickets in answers.

use serde::Serialize;
use suishoupai_core::flow::{Pressure, State, Verb};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::lists::Summary;
use utoipa::ToSchema;

use super::{
    CategoryRef, CourseView, EventView, EvidenceView, Instant, Located, OrderView, PlaceView, RatingView,
    Scene, SeenBeforeView, SupervisionRef, UnitRef,
};

/// One line of a list of tickets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicketLine {
    /// The key.
    pub id: i64,
    /// 案卷号
    pub number: String,
    /// Where it stands.
    pub state: State,
    /// Where it stands, in the caller's language.
    #[schema(value_type = String)]
    pub state_name: &'static str,
    /// The version, to be sent back with a command.
    pub version: i64,
    /// The beginning of the report.
    pub title: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    /// Urgent or not.
    pub urgent: bool,
    /// The grid.
    pub grid: UnitRef,
    /// The one unit that answers for it.
    pub responsible: UnitRef,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
    /// Metres from the place given with the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
    /// When it was opened.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When it last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
    /// When the lead must be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub due_at: Option<Moment>,
    /// Whether that has passed.
    pub overdue: bool,
    /// When the present phase must be over; absent while no clock runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub stage_due_at: Option<Moment>,
    /// Whether time presses.
    pub pressure: Pressure,
}

impl TicketLine {
    /// The view of a summary.
    pub fn of(scene: &Scene<'_>, district: i32, row: Summary, distance_m: Option<f64>) -> Self {
        let pressure = row.pressure(scene.now);
        Self {
            id: row.id,
            number: row.number,
            state: row.state,
            state_name: scene.word(row.state.zh(), row.state.en()),
            version: row.version,
            title: row.title,
            category: row.category.map(|code| CategoryRef::of(scene, district, &code)),
            urgent: row.urgent,
            grid: UnitRef::of(scene, row.grid),
            responsible: UnitRef::of(scene, row.responsible),
            lon: row.lon,
            lat: row.lat,
            distance_m: distance_m.map(f64::round),
            created_at: row.created_at,
            updated_at: row.updated_at,
            due_at: row.due_at,
            overdue: scene.is_overdue(row.state, row.due_at),
            stage_due_at: row.stage_due_at,
            pressure,
        }
    }
}

/// A page of tickets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicketPage {
    /// The tickets.
    pub items: Vec<TicketLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A report as its handlers see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReportInTicket {
    /// 流水号
    pub receipt_number: String,
    /// The words.
    pub text: String,
    /// The place.
    pub place: PlaceView,
    /// Name and phone, masked; absent for an anonymous report, and some time after the end of the ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporter: Option<String>,
    /// Whether the reporter stays unknown to the handlers.
    pub anonymous: bool,
    /// When it came in.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
}

/// A ticket as officials see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicketView {
    /// The key.
    pub id: i64,
    /// 案卷号
    pub number: String,
    /// Where it stands.
    pub state: State,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// The version, to be sent back with a command as `version` or `If-Match`.
    pub version: i64,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    /// Urgent or not.
    pub urgent: bool,
    /// Grid, community and street.
    pub located: Located,
    /// The one unit that answers for it.
    pub responsible: UnitRef,
    /// The units that have answered for it, in order.
    pub path: Vec<UnitRef>,
    /// Who holds the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderView>,
    /// Its reports, the first one first.
    pub reports: Vec<ReportInTicket>,
    /// Its photos.
    pub evidence: Vec<EvidenceView>,
    /// Photos of it that were seen before, under another ticket or at an earlier stage. It refuses nothing.
    pub seen_before: Vec<SeenBeforeView>,
    /// How many residents follow it without having reported it.
    pub followers: i64,
    /// Its work orders, ended ones too.
    pub orders: Vec<OrderView>,
    /// Its history.
    pub events: Vec<EventView>,
    /// What its reporters said of the result.
    pub ratings: Vec<RatingView>,
    /// How often a unit gave it back.
    pub returns: i32,
    /// How often a check failed.
    pub reworks: i32,
    /// How often a reporter said that it is not fixed.
    pub reopens: i32,
    /// The commands that the caller may give now.
    pub allowed_actions: Vec<Verb>,
    /// When it was opened.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When it last changed.
    #[schema(value_type = Instant)]
    pub updated_at: Moment,
    /// When it was filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub filed_at: Option<Moment>,
    /// When the lead must be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub due_at: Option<Moment>,
    /// Whether that has passed.
    pub overdue: bool,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub closed_at: Option<Moment>,
    /// Clocks, requests, meetings, call-backs.
    pub course: CourseView,
    /// 督办单 about it, the oldest first.
    pub supervision_orders: Vec<SupervisionRef>,
}

/// Who holds a claim.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HolderView {
    /// Name of the worker.
    pub name: String,
    /// In which unit's name.
    pub unit: UnitRef,
    /// When the lease runs out.
    #[schema(value_type = Instant)]
    pub until: Moment,
}
