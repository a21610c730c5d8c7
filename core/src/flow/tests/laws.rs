//! What must hold of a ticket after every accepted step, whatever the step was.

use super::fixture::{NOT_FIXED_DAYS, World};
use crate::flow::{Actor, State, Step, Ticket, Verb, allowed_actions, allows, may_see, permit};
use crate::time::Moment;

/// The laws of one accepted step.
#[track_caller]
pub(super) fn hold_after_step(before: &Ticket, done: &Step, world: &World) {
    let Step { ticket, event } = done;
    assert_eq!(ticket.version, before.version + 1, "the version grows by one");
    assert_eq!(event.seq, ticket.version, "the line's number is the version");
    assert_eq!((event.from, event.to), (Some(before.state), ticket.state));
    assert!(allows(before.state, event.verb, ticket.state), "{event:?} is not in the table");
    assert_eq!(event.responsible, ticket.responsible);
    assert_eq!(event.at, ticket.updated_at.millis());
    let same = |part: fn(&Ticket) -> (i64, i32, i64, Moment)| assert_eq!(part(ticket), part(before));
    same(|ticket| (ticket.id, ticket.district, ticket.grid, ticket.created_at));
    assert_eq!(ticket.reporters, before.reporters);
    history_of_orders_stays(before, ticket);
    hold_for_ticket(ticket, world);
}

/// Orders are never taken away, renumbered or given to another unit, and an ended one stays as it ended.
fn history_of_orders_stays(before: &Ticket, after: &Ticket) {
    assert!(after.orders.len() >= before.orders.len());
    for (old, new) in before.orders.iter().zip(&after.orders) {
        assert_eq!((old.seq, old.unit, old.kind), (new.seq, new.unit, new.kind));
        assert_eq!((old.created_at, old.due_at), (new.created_at, new.due_at));
        if !old.state.is_open() {
            assert_eq!(old, new, "an ended order does not change");
        }
    }
}

/// The laws of a ticket at rest.
#[track_caller]
pub(super) fn hold_for_ticket(ticket: &Ticket, world: &World) {
    let state = ticket.state;
    let unit = world.tree.get(ticket.responsible).expect("the responsible unit is one of the tree");
    assert_eq!(unit.district, ticket.district, "the responsible unit is one of the ticket's district");

    let leads: Vec<_> =
        ticket.orders.iter().filter(|order| order.kind == crate::flow::OrderKind::Lead).collect();
    let open_leads: Vec<_> = leads.iter().filter(|order| order.state.is_open()).collect();
    let in_work = matches!(state, State::Dispatched | State::Handling);
    assert_eq!(open_leads.len(), usize::from(in_work), "one open lead order while in work, else none");
    assert!(in_work || ticket.open_assists().next().is_none(), "no open assisting order outside work");
    if let Some(lead) = ticket.lead_order() {
        assert_eq!(lead.unit, ticket.responsible, "the lead answers for the ticket");
        assert_eq!(Some(lead.due_at), ticket.due_at, "the lead's deadline is the ticket's");
        assert_eq!(lead.accepted_at.is_some(), state == State::Handling, "signed for exactly when handled");
    }
    for (index, order) in ticket.orders.iter().enumerate() {
        assert_eq!(usize::try_from(order.seq), Ok(index + 1), "orders are numbered from 1 without gaps");
        assert_eq!(
            order.ended_at.is_none(),
            order.state.is_open(),
            "an order has an end when it is not open"
        );
    }
    let mut busy: Vec<_> = ticket.orders.iter().filter(|order| order.state.is_open()).collect();
    busy.sort_by_key(|order| order.unit);
    busy.dedup_by_key(|order| order.unit);
    assert_eq!(
        busy.len(),
        ticket.orders.iter().filter(|order| order.state.is_open()).count(),
        "no unit holds two open orders of one ticket"
    );

    assert_eq!(ticket.holder.is_some(), state == State::Claimed, "held exactly while claimed");
    let has_deadline = matches!(state, State::Dispatched | State::Handling | State::Checking);
    assert_eq!(ticket.due_at.is_some(), has_deadline, "a deadline exactly from dispatch to the check");
    assert_eq!(ticket.closed_at.is_some(), state.is_final(), "an end exactly in a final state");
    let handled = matches!(state, State::Handling | State::Checking | State::Closed);
    assert!(!handled || ticket.handler_unit.is_some(), "it is known who handled it");
    assert!(!handled || ticket.category.is_some(), "what was handled has a category");
}

/// The laws that tie what is offered to what is permitted and to what may be seen.
#[track_caller]
pub(super) fn hold_for_actor(ticket: &Ticket, actor: &Actor, now: Moment, world: &World) {
    let offered = allowed_actions(ticket, actor, &world.tree, NOT_FIXED_DAYS, now);
    let mut sorted = offered.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(offered, sorted, "in the order of the verbs, each once");
    assert!(
        offered.is_empty() || may_see(ticket, actor, &world.tree),
        "{actor:?} may {offered:?} what it may not see"
    );
    if ticket.lease_is_over(now) {
        return;
    }
    for verb in Verb::ALL {
        let permitted = permit(ticket, *verb, actor, &world.tree).is_ok();
        if offered.contains(verb) {
            assert!(permitted, "{verb:?} is offered to {actor:?} but not permitted");
        } else if permitted {
            // Held back although the table permits it, because the command could only be refused.
            let window = i64::from(NOT_FIXED_DAYS) * 86_400;
            let pointless = match verb {
                Verb::NotFixed => ticket.closed_at.is_none_or(|closed| now > closed.plus_seconds(window)),
                Verb::Rate => ticket.rated_round == Some(ticket.reopens),
                Verb::ReleaseAssist => ticket.open_assists().next().is_none(),
                Verb::Delegate => world.tree.children(ticket.responsible).is_empty(),
                Verb::Lapse => true,
                _ => false,
            };
            assert!(pointless, "{verb:?} is permitted to {actor:?} but not offered in {:?}", ticket.state);
        }
    }
}
