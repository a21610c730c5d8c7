//! The course of a ticket in answers: its clocks, what was asked for, who was summoned, what the reporter said.

use serde::Serialize;
use suishoupai_core::clock::WorkCalendar;
use suishoupai_core::flow::{
    CalledBack, Held, Phase, Pressure, Request, RequestKind, RequestState, Satisfaction, Solved, Suspicion,
    Ticket, Timer, Whistle,
};
use suishoupai_core::model::Limit;
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::{Instant, Scene, UnitRef};

/// A clock.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// Of which phase.
    pub phase: Phase,
    /// Of which phase, in the caller's language.
    pub phase_name: String,
    /// When it ends; absent while it is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub due_at: Option<Moment>,
    /// Whether it is stopped.
    pub stopped: bool,
    /// The time left, whole seconds; below zero once it is late.
    pub remaining_seconds: i64,
    /// Whether that is counted in open time of the working calendar.
    pub in_working_time: bool,
    /// Whether time presses.
    pub pressure: Pressure,
}

impl ClockView {
    fn of(scene: &Scene<'_>, phase: Phase, timer: &Timer, calendar: &WorkCalendar) -> Self {
        Self {
            phase,
            phase_name: scene.pick(phase.zh(), phase.en()),
            due_at: timer.running_due(),
            stopped: timer.is_stopped(),
            remaining_seconds: timer.remaining(scene.now, calendar).div_euclid(1000),
            in_working_time: timer.is_working(),
            pressure: timer.pressure(scene.now),
        }
    }
}

/// Why a report waits for the centre's look.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HeldView {
    /// Since when.
    #[schema(value_type = Instant)]
    pub since: Moment,
    /// What speaks for its being no report.
    pub reasons: Vec<Suspicion>,
    /// The same in words, in the caller's language.
    pub reason_names: Vec<String>,
}

impl HeldView {
    /// The view of what is suspected.
    pub fn of(scene: &Scene<'_>, held: &Held) -> Self {
        let name = |suspicion: &Suspicion| scene.pick(suspicion.zh(), suspicion.en());
        Self {
            since: held.since,
            reasons: held.why.clone(),
            reason_names: held.why.iter().map(name).collect(),
        }
    }
}

/// Something asked for, and what was decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// Counts from 1 within the ticket.
    pub seq: i32,
    /// What.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// In which unit's name.
    pub unit: UnitRef,
    /// When.
    #[schema(value_type = Instant)]
    pub asked_at: Moment,
    /// By how much, for an extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The day of review, for a suspension or deferral.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub review_at: Option<Moment>,
    /// Why.
    pub reason: String,
    /// When it was decided or lapsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub decided_at: Option<Moment>,
    /// The words of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

impl RequestView {
    fn of(scene: &Scene<'_>, request: &Request) -> Self {
        Self {
            seq: request.seq,
            kind: request.kind,
            state: request.state,
            state_name: scene.pick(request.state.zh(), request.state.en()),
            unit: UnitRef::of(scene, request.unit),
            asked_at: request.asked_at,
            limit: request.limit,
            review_at: request.review_at,
            reason: request.reason.clone(),
            decided_at: request.decided_at,
            decision: request.decision.clone(),
        }
    }
}

/// A summoned unit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SummonedView {
    /// Which.
    pub unit: UnitRef,
    /// When it said that it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub answered_at: Option<Moment>,
    /// When somebody of it signed in on the spot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub signed_in_at: Option<Moment>,
    /// Whether the meeting ended without it.
    pub absent: bool,
}

/// A whistle.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WhistleView {
    /// Counts from 1 within the ticket.
    pub seq: i32,
    /// Who summons.
    pub by: UnitRef,
    /// Where to meet.
    pub place: String,
    /// When to meet.
    #[schema(value_type = Instant)]
    pub meet_at: Moment,
    /// Why.
    pub words: String,
    /// Who is summoned.
    pub units: Vec<SummonedView>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub ended_at: Option<Moment>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

impl WhistleView {
    fn of(scene: &Scene<'_>, whistle: &Whistle) -> Self {
        let units = whistle.units.iter().map(|unit| SummonedView {
            unit: UnitRef::of(scene, unit.unit),
            answered_at: unit.answered_at,
            signed_in_at: unit.signed_in_at,
            absent: whistle.ended_at.is_some() && unit.signed_in_at.is_none(),
        });
        Self {
            seq: whistle.seq,
            by: UnitRef::of(scene, whistle.by),
            place: whistle.place.clone(),
            meet_at: whistle.meet_at,
            words: whistle.words.clone(),
            units: units.collect(),
            ended_at: whistle.ended_at,
            outcome: whistle.outcome.clone(),
        }
    }
}

/// A call-back that reached the reporter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallBackView {
    /// In which round of closing, from 0.
    pub round: i32,
    /// When.
    #[schema(value_type = Instant)]
    pub at: Moment,
    /// Whether the problem is gone.
    pub solved: Solved,
    /// Satisfied with the result.
    pub result: Satisfaction,
    /// Satisfied with the way to it.
    pub process: Satisfaction,
    /// Whether it counts in scoring.
    pub counted: bool,
    /// Why it does or does not, as decided by a reviewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_reason: Option<String>,
}

impl From<&CalledBack> for CallBackView {
    fn from(call: &CalledBack) -> Self {
        Self {
            round: call.round,
            at: call.at,
            solved: call.solved,
            result: call.result,
            process: call.process,
            counted: call.counted,
            counted_reason: call.counted_reason.clone(),
        }
    }
}

/// The course of a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CourseView {
    /// On whose desk it lies.
    pub desk: UnitRef,
    /// Its clocks: of the present phase, and until somebody is on the spot.
    pub clocks: Vec<ClockView>,
    /// Why it waits for the centre's look, as suspected spam.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldView>,
    /// The handling limit, fixed when it was filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The district has decided who handles it; that unit cannot give it back.
    pub bound: bool,
    /// Until when it waits for words of its reporter at the longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub waiting_until: Option<Moment>,
    /// The day of review of a suspension or deferral.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub review_at: Option<Moment>,
    /// How often a limit was broken.
    pub breaches: u32,
    /// The unit up to which that has been told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_to: Option<UnitRef>,
    /// How often the handling limit was extended.
    pub extensions: u32,
    /// Whether the reporter is still to be called back.
    pub call_back_due: bool,
    /// Visible only to named roles.
    pub sensitive: bool,
    /// Key of the ticket from which it was split off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<i64>,
    /// Keys of the tickets split off from it.
    pub children: Vec<i64>,
    /// Key of the ticket that goes on for it, while it is merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<i64>,
    /// Keys of the tickets merged into it.
    pub merged: Vec<i64>,
    /// How often the centre has urged.
    pub urges: u32,
    /// What was asked for.
    pub requests: Vec<RequestView>,
    /// Who was summoned.
    pub whistles: Vec<WhistleView>,
    /// What the reporter said when called back.
    pub call_backs: Vec<CallBackView>,
}

impl CourseView {
    /// The view of a ticket's course.
    pub fn of(scene: &Scene<'_>, ticket: &Ticket) -> Self {
        let course = &ticket.course;
        let calendar = scene.registry.districts.get(&ticket.district).map(|data| &data.calendar);
        let phase = ticket.phase().or(ticket.lead_order().map(|_| Phase::Handle)).zip(ticket.timer());
        let arrival = course.arrival.as_ref().map(|timer| (Phase::Arrive, timer));
        let clocks = phase.into_iter().chain(arrival);
        Self {
            desk: UnitRef::of(scene, ticket.desk(&scene.registry.tree)),
            clocks: clocks
                .zip(calendar.into_iter().cycle())
                .map(|((phase, timer), calendar)| ClockView::of(scene, phase, timer, calendar))
                .collect(),
            held: course.held.as_ref().map(|held| HeldView::of(scene, held)),
            limit: course.limit,
            bound: course.bound,
            waiting_until: course.waiting.map(|waiting| waiting.until),
            review_at: course.review_at,
            breaches: course.breaches,
            raised_to: course.raised_to.map(|unit| UnitRef::of(scene, unit)),
            extensions: course.extensions,
            call_back_due: course.call_back_due,
            sensitive: ticket.sensitive,
            parent: ticket.parent,
            children: course.children.clone(),
            merged_into: ticket.merged_into,
            merged: course.merged.clone(),
            urges: course.urges,
            requests: course.requests.iter().map(|request| RequestView::of(scene, request)).collect(),
            whistles: course.whistles.iter().map(|whistle| WhistleView::of(scene, whistle)).collect(),
            call_backs: course.call_backs.iter().map(CallBackView::from).collect(),
        }
    }
}
