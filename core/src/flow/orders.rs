//! 派遣单: how work orders are given, handed over and ended.

use std::collections::BTreeMap;

use super::command::Refusal;
use super::permit::answers_for;
use super::state::{OrderKind, OrderState};
use super::step::Rules;
use super::ticket::{Post, Ticket, WorkOrder};
use crate::model::{Level, UnitId, UnitTree};
use crate::time::Moment;

/// Which units get an order.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub lead: UnitId,
    pub assist: Vec<UnitId>,
}

/// The facts of an assignment for the history.
pub(super) fn facts(assignment: &Assignment) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([("lead".to_owned(), assignment.lead.to_string())]);
    if !assignment.assist.is_empty() {
        let assist: Vec<_> = assignment.assist.iter().map(ToString::to_string).collect();
        facts.insert("assist".to_owned(), assist.join(","));
    }
    facts
}

/// When work given now must be done: the category's handling limit on the working calendar.
pub(super) fn due(ticket: &Ticket, now: Moment, rules: Rules<'_>) -> Moment {
    let limit = ticket.category.as_ref().and_then(|code| rules.catalogue.get(code)).map(|found| found.limit);
    limit.map_or(now, |limit| rules.calendar.deadline(now, limit))
}

/// Refuses units that do not exist in the district, that cannot be given work, or that are named twice.
pub(super) fn check_named(assignment: &Assignment, ticket: &Ticket, tree: &UnitTree) -> Result<(), Refusal> {
    let mut seen = Vec::new();
    for id in std::iter::once(&assignment.lead).chain(&assignment.assist) {
        let unit =
            tree.get(*id).filter(|unit| unit.district == ticket.district).ok_or(Refusal::UnknownUnit(*id))?;
        if unit.level == Level::District {
            return Err(Refusal::CannotHandle(*id));
        }
        if seen.contains(id) {
            return Err(Refusal::NamedTwice(*id));
        }
        seen.push(*id);
    }
    Ok(())
}

/// Refuses a unit that does not stand below the responsible one.
pub(super) fn check_below(to: UnitId, ticket: &Ticket, tree: &UnitTree) -> Result<(), Refusal> {
    let unit =
        tree.get(to).filter(|unit| unit.district == ticket.district).ok_or(Refusal::UnknownUnit(to))?;
    if unit.id == ticket.responsible || !tree.is_within(to, ticket.responsible) {
        return Err(Refusal::NotBelow(to));
    }
    Ok(())
}

/// Ends what is open and gives new orders; the lead becomes responsible.
pub(super) fn assign(ticket: &mut Ticket, assignment: &Assignment, due_at: Moment, now: Moment) {
    end_all(ticket, OrderState::Released, None, now);
    push(ticket, assignment.lead, OrderKind::Lead, due_at, now);
    for unit in &assignment.assist {
        push(ticket, *unit, OrderKind::Assist, due_at, now);
    }
    ticket.responsible = assignment.lead;
    ticket.due_at = Some(due_at);
}

/// Hands the lead to another unit; the deadline does not move and the assistants stay.
pub(super) fn hand_over(ticket: &mut Ticket, to: UnitId, now: Moment) {
    let due_at = ticket.lead_order().map_or(now, |order| order.due_at);
    for order in &mut ticket.orders {
        let replaced = order.kind == OrderKind::Lead || order.unit == to;
        if replaced && order.state.is_open() {
            close_order(order, OrderState::Released, None, now);
        }
    }
    push(ticket, to, OrderKind::Lead, due_at, now);
    ticket.responsible = to;
}

/// Ends every open order.
pub(super) fn end_all(ticket: &mut Ticket, state: OrderState, result: Option<&str>, now: Moment) {
    for order in ticket.orders.iter_mut().filter(|order| order.state.is_open()) {
        // Giving back or finishing is the lead's word; assistants are merely released with it.
        match order.kind {
            OrderKind::Lead => close_order(order, state, result, now),
            OrderKind::Assist => close_order(order, OrderState::Released, None, now),
        }
    }
}

/// The lead signs for its order.
pub(super) fn accept_lead(ticket: &mut Ticket, now: Moment) {
    for order in &mut ticket.orders {
        if order.kind == OrderKind::Lead && order.state == OrderState::Pending {
            order.state = OrderState::Accepted;
            order.accepted_at = Some(now);
        }
    }
}

/// The assisting unit of the post signs for its order.
pub(super) fn accept_assist(ticket: &mut Ticket, post: Post, now: Moment, tree: &UnitTree) {
    for order in assists_of(ticket, post, tree).filter(|order| order.state == OrderState::Pending) {
        order.state = OrderState::Accepted;
        order.accepted_at = Some(now);
    }
}

/// The assisting unit of the post ends its order.
pub(super) fn end_assist(
    ticket: &mut Ticket,
    post: Post,
    state: OrderState,
    result: Option<&str>,
    now: Moment,
    tree: &UnitTree,
) {
    for order in assists_of(ticket, post, tree) {
        close_order(order, state, result, now);
    }
}

/// Takes the order off an assisting unit.
pub(super) fn release_assist(ticket: &mut Ticket, unit: UnitId, now: Moment) -> Result<(), Refusal> {
    let order = ticket
        .orders
        .iter_mut()
        .find(|order| order.kind == OrderKind::Assist && order.unit == unit && order.state.is_open())
        .ok_or(Refusal::NotAssisting(unit))?;
    close_order(order, OrderState::Released, None, now);
    Ok(())
}

fn assists_of<'a>(
    ticket: &'a mut Ticket,
    post: Post,
    tree: &'a UnitTree,
) -> impl Iterator<Item = &'a mut WorkOrder> {
    ticket.orders.iter_mut().filter(move |order| {
        order.kind == OrderKind::Assist && order.state.is_open() && answers_for(&post, order.unit, tree)
    })
}

fn close_order(order: &mut WorkOrder, state: OrderState, result: Option<&str>, now: Moment) {
    order.state = state;
    order.ended_at = Some(now);
    order.result = result.map(str::to_owned);
}

fn push(ticket: &mut Ticket, unit: UnitId, kind: OrderKind, due_at: Moment, now: Moment) {
    let seq = ticket.orders.iter().map(|order| order.seq).max().unwrap_or(0) + 1;
    ticket.orders.push(WorkOrder {
        seq,
        unit,
        kind,
        state: OrderState::Pending,
        created_at: now,
        due_at,
        accepted_at: None,
        ended_at: None,
        result: None,
    });
}
