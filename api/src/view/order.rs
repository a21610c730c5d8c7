//! Work orders in answers.

use serde::Serialize;
use suishoupai_core::flow::{OrderKind, OrderState, WorkOrder};
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::{Instant, Scene, TicketLine, UnitRef};

/// 派遣单: one unit's task inside a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// Counts from 1 within the ticket.
    pub seq: i32,
    /// Whose it is.
    pub unit: UnitRef,
    /// 主办 or 协办.
    pub kind: OrderKind,
    /// Where it stands.
    pub state: OrderState,
    /// Where it stands, in the caller's language.
    pub state_name: String,
    /// When it was given.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// When it must be done.
    #[schema(value_type = Instant)]
    pub due_at: Moment,
    /// When the unit signed for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub accepted_at: Option<Moment>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub ended_at: Option<Moment>,
    /// What the unit wrote, for the inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Whether it ended, or still is, past its deadline.
    pub late: bool,
    /// The unit that handed it down or up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_by: Option<UnitRef>,
}

impl OrderView {
    /// The view of an order.
    pub fn of(scene: &Scene<'_>, order: &WorkOrder) -> Self {
        Self {
            seq: order.seq,
            unit: UnitRef::of(scene, order.unit),
            kind: order.kind,
            state: order.state,
            state_name: scene.pick(order.state.zh(), order.state.en()),
            created_at: order.created_at,
            due_at: order.due_at,
            accepted_at: order.accepted_at,
            ended_at: order.ended_at,
            result: order.result.clone(),
            late: order.is_late(scene.now),
            handed_by: order.handed_by.map(|unit| UnitRef::of(scene, unit)),
        }
    }
}

/// One of a unit's work orders, with its ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderLineView {
    /// Number of the order within its ticket.
    pub seq: i32,
    /// Whose it is.
    pub unit: UnitRef,
    /// 主办 or 协办.
    pub kind: OrderKind,
    /// Where it stands.
    pub state: OrderState,
    /// When it must be done.
    #[schema(value_type = Instant)]
    pub due_at: Moment,
    /// Whether that has passed.
    pub overdue: bool,
    /// The ticket.
    pub ticket: TicketLine,
}

/// A page of work orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderPage {
    /// By deadline.
    pub items: Vec<OrderLineView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
