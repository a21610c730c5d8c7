//! 派遣单: how work orders are given, handed over and ended.

use std::collections::BTreeMap;

use super::command::Assist;
use super::order_words::{OrderKind, OrderState};
use super::permit::answers_for;
use super::refusal::Refusal;
use super::step::Rules;
use super::ticket::{Post, Ticket, WorkOrder};
use super::timer::Timer;
use crate::model::{Level, Limit, UnitId, UnitTree};
use crate::time::Moment;

/// Which units get an order.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub lead: UnitId,
    pub assist: Vec<Assist>,
}

/// The facts of an assignment for the history.
pub(super) fn facts(assignment: &Assignment) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([("lead".to_owned(), assignment.lead.to_string())]);
    if !assignment.assist.is_empty() {
        let assist: Vec<_> = assignment.assist.iter().map(|assist| assist.unit.to_string()).collect();
        facts.insert("assist".to_owned(), assist.join(","));
    }
    facts
}

/// The handling limit: as fixed when the ticket was filed, else the category's.
pub(super) fn limit(ticket: &Ticket, rules: Rules<'_>) -> Option<Limit> {
    let of_category = || ticket.category.as_ref().and_then(|code| rules.catalogue.get(code));
    ticket.course.limit.or_else(|| of_category().map(|found| found.limit))
}

/// A clock for work given now.
pub(super) fn clock(ticket: &Ticket, own: Option<Limit>, now: Moment, rules: Rules<'_>) -> Option<Timer> {
    let limit = own.or_else(|| limit(ticket, rules))?;
    Some(Timer::start(now, limit, rules.policy(ticket, now).soon_percent, rules.calendar))
}

/// Refuses units that do not exist in the district, that cannot be given work, or that are named twice.
pub(super) fn check_named(assignment: &Assignment, ticket: &Ticket, tree: &UnitTree) -> Result<(), Refusal> {
    let mut seen = Vec::new();
    for id in std::iter::once(&assignment.lead).chain(assignment.assist.iter().map(|assist| &assist.unit)) {
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

/// Refuses a unit that does not stand below the one on whose desk the ticket lies.
pub(super) fn check_below(to: UnitId, ticket: &Ticket, tree: &UnitTree) -> Result<(), Refusal> {
    let unit =
        tree.get(to).filter(|unit| unit.district == ticket.district).ok_or(Refusal::UnknownUnit(to))?;
    let desk = ticket.desk(tree);
    if unit.id == desk || !tree.is_within(to, desk) {
        return Err(Refusal::NotBelow(to));
    }
    Ok(())
}

/// Ends what is open and gives new orders, with clocks that start now. The unit that was responsible stays so
/// until the new lead has signed.
pub(super) fn assign(ticket: &mut Ticket, assignment: &Assignment, now: Moment, rules: Rules<'_>) {
    end_all(ticket, OrderState::Released, None, now);
    let timer = clock(ticket, None, now, rules);
    push(ticket, assignment.lead, OrderKind::Lead, timer, None, now);
    for assist in &assignment.assist {
        let timer = clock(ticket, assist.limit, now, rules);
        push(ticket, assist.unit, OrderKind::Assist, timer, None, now);
    }
}

/// Gives an order to one more assisting unit.
pub(super) fn add_assist(ticket: &mut Ticket, assist: &Assist, now: Moment, rules: Rules<'_>) {
    let timer = clock(ticket, assist.limit, now, rules);
    push(ticket, assist.unit, OrderKind::Assist, timer, None, now);
}

/// Gives the lead to a unit with a clock that ran before.
pub(super) fn give_lead(ticket: &mut Ticket, to: UnitId, timer: Option<Timer>, now: Moment) {
    push(ticket, to, OrderKind::Lead, timer, None, now);
}

/// Hands the lead to another unit; the clock goes on and the assistants stay.
pub(super) fn hand_over(ticket: &mut Ticket, to: UnitId, back_to: Option<UnitId>, now: Moment) {
    let timer = ticket.lead_order().and_then(|order| order.timer.clone());
    for order in &mut ticket.orders {
        if order.kind == OrderKind::Lead && order.state.is_open() {
            close_order(order, OrderState::Released, None, now);
        }
    }
    release_own_assist(ticket, to, now);
    push(ticket, to, OrderKind::Lead, timer, back_to, now);
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

/// The lead gives its order back; the assistants stay.
pub(super) fn return_lead(ticket: &mut Ticket, words: &str, now: Moment) {
    for order in &mut ticket.orders {
        if order.kind == OrderKind::Lead && order.state.is_open() {
            close_order(order, OrderState::Returned, Some(words), now);
        }
    }
}

/// The lead signs for its order, and is responsible from then on.
pub(super) fn accept_lead(ticket: &mut Ticket, now: Moment) {
    let mut signed = None;
    for order in &mut ticket.orders {
        if order.kind == OrderKind::Lead && order.state == OrderState::Pending {
            order.state = OrderState::Accepted;
            order.accepted_at = Some(now);
            signed = Some(order.unit);
        }
    }
    if let Some(unit) = signed {
        ticket.responsible = unit;
    }
}

/// The assisting unit of the post signs for its order.
pub(super) fn accept_assist(ticket: &mut Ticket, post: Post, now: Moment, tree: &UnitTree) {
    for order in assists_of(ticket, post, tree, |order| order.state == OrderState::Pending) {
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
    for order in assists_of(ticket, post, tree, |order| order.state.is_open()) {
        close_order(order, state, result, now);
    }
}

/// Ends the assisting order of a unit that is about to lead, where it has one.
pub(super) fn release_own_assist(ticket: &mut Ticket, unit: UnitId, now: Moment) {
    for order in &mut ticket.orders {
        if order.kind == OrderKind::Assist && order.unit == unit && order.state.is_open() {
            close_order(order, OrderState::Released, None, now);
        }
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

/// The assisting orders of a kind for which a post speaks: those of its own unit, and only where there are none those of
/// the squads below it.
fn assists_of<'a>(
    ticket: &'a mut Ticket,
    post: Post,
    tree: &'a UnitTree,
    of_kind: fn(&WorkOrder) -> bool,
) -> impl Iterator<Item = &'a mut WorkOrder> {
    let wanted = move |order: &WorkOrder| order.kind == OrderKind::Assist && of_kind(order);
    let has_own = ticket.orders.iter().any(|order| wanted(order) && order.unit == post.unit);
    ticket.orders.iter_mut().filter(move |order| {
        wanted(order) && if has_own { order.unit == post.unit } else { answers_for(&post, order.unit, tree) }
    })
}

fn close_order(order: &mut WorkOrder, state: OrderState, result: Option<&str>, now: Moment) {
    order.state = state;
    order.ended_at = Some(now);
    order.result = result.map(str::to_owned);
}

fn push(
    ticket: &mut Ticket,
    unit: UnitId,
    kind: OrderKind,
    timer: Option<Timer>,
    handed_by: Option<UnitId>,
    now: Moment,
) {
    let seq = ticket.orders.iter().map(|order| order.seq).max().unwrap_or(0) + 1;
    ticket.orders.push(WorkOrder {
        seq,
        unit,
        kind,
        state: OrderState::Pending,
        created_at: now,
        due_at: timer.as_ref().map_or(now, Timer::due),
        accepted_at: None,
        ended_at: None,
        result: None,
        timer,
        handed_by,
    });
}

/// The clocks of all open orders.
pub(super) fn clocks(ticket: &mut Ticket) -> impl Iterator<Item = &mut Timer> {
    ticket.orders.iter_mut().filter(|order| order.state.is_open()).filter_map(|order| order.timer.as_mut())
}
