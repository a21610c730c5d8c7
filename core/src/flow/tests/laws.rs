//! What must hold of a ticket after every accepted step, whatever the step was.

use super::fixture::{NOT_FIXED_DAYS, World};
use super::laws_of_clocks;
use crate::flow::{
    Actor, OrderKind, OrderState, RequestKind, State, Step, Ticket, Verb, allowed_actions, allows, may_see,
    permit,
};
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
    assert!(before.course.policy.is_none() || ticket.course.policy == before.course.policy);
    if event.verb == Verb::Unmerge {
        assert_eq!(ticket.responsible, ticket.grid, "the work ended with the merging, and it begins anew");
    } else if ticket.responsible != before.responsible {
        let signed = ticket.lead_order().filter(|order| order.state == OrderState::Accepted);
        assert_eq!(signed.map(|order| order.unit), Some(ticket.responsible), "首接负责: until another signs");
        // What is opened again goes to whoever handled it, and who solved it on the spot never had to sign.
        let moves = matches!(event.verb, Verb::Accept | Verb::NotFixed | Verb::CallBack);
        assert!(moves, "{:?} moves it without a signature", event.verb);
    }
    history_of_orders_stays(before, ticket);
    history_of_the_course_stays(before, ticket);
    hold_for_ticket(ticket, world);
    laws_of_clocks::hold_after_step(before, done, world);
}

/// Orders are never taken away, renumbered or given to another unit, and an ended one stays as it ended.
fn history_of_orders_stays(before: &Ticket, after: &Ticket) {
    assert!(after.orders.len() >= before.orders.len());
    for (old, new) in before.orders.iter().zip(&after.orders) {
        assert_eq!((old.seq, old.unit, old.kind), (new.seq, new.unit, new.kind));
        assert_eq!((old.created_at, old.handed_by), (new.created_at, new.handed_by));
        if !old.state.is_open() {
            assert_eq!(old, new, "an ended order does not change");
        }
    }
}

/// What was decided, ended or said stays as it was.
fn history_of_the_course_stays(before: &Ticket, after: &Ticket) {
    let (old, new) = (&before.course, &after.course);
    assert!(new.breaches >= old.breaches && new.extensions >= old.extensions);
    assert!(new.requests.len() >= old.requests.len() && new.whistles.len() >= old.whistles.len());
    for (old, new) in old.requests.iter().zip(&new.requests) {
        assert!(old.state.is_open() || old == new, "a decided request does not change");
        assert_eq!((old.seq, old.kind, old.asked_by), (new.seq, new.kind, new.asked_by));
    }
    for (old, new) in old.whistles.iter().zip(&new.whistles) {
        assert!(old.ended_at.is_none() || old == new, "an ended whistle does not change");
    }
    for (old, new) in old.call_backs.iter().zip(&new.call_backs) {
        assert_eq!((old.round, old.by, old.at, old.solved), (new.round, new.by, new.at, new.solved));
    }
}

/// The laws of a ticket at rest.
#[track_caller]
pub(super) fn hold_for_ticket(ticket: &Ticket, world: &World) {
    let state = ticket.state;
    for unit in [ticket.responsible, ticket.desk(&world.tree)] {
        let unit = world.tree.get(unit).expect("the unit is one of the tree");
        assert_eq!(unit.district, ticket.district, "the unit is one of the ticket's district");
    }
    hold_for_orders(ticket);
    hold_for_course(ticket);
    assert_eq!(ticket.holder.is_some(), state == State::Claimed, "held exactly while claimed");
    let in_work = matches!(state, State::Dispatched | State::Handling | State::Suspended | State::Deferred);
    let has_deadline = in_work || state == State::Checking;
    assert_eq!(ticket.due_at.is_some(), has_deadline, "a deadline exactly from dispatch to the check");
    assert_eq!(ticket.closed_at.is_some(), state.is_final(), "an end exactly in a final state");
    let handled = matches!(
        state,
        State::Handling | State::Suspended | State::Deferred | State::Checking | State::Closed
    );
    assert!(!handled || ticket.handler_unit.is_some(), "it is known who handled it");
    assert!(!handled || ticket.category.is_some(), "what was handled has a category");
    assert!(!has_deadline || ticket.course.policy.is_some(), "filed under a version of the rules");
    laws_of_clocks::hold_for_ticket(ticket, world);
}

fn hold_for_orders(ticket: &Ticket) {
    let state = ticket.state;
    let open: Vec<_> = ticket.orders.iter().filter(|order| order.state.is_open()).collect();
    let open_leads = open.iter().filter(|order| order.kind == OrderKind::Lead).count();
    let signed = matches!(state, State::Handling | State::Suspended | State::Deferred);
    let in_work = signed || state == State::Dispatched;
    assert_eq!(open_leads, usize::from(in_work), "one open lead order while in work, else none");
    assert!(in_work || ticket.open_assists().next().is_none(), "no open assisting order outside work");
    if let Some(lead) = ticket.lead_order() {
        assert!(!signed || lead.unit == ticket.responsible, "who has signed answers for the ticket");
        assert_eq!(Some(lead.due_at), ticket.due_at, "the lead's deadline is the ticket's");
        assert_eq!(lead.accepted_at.is_some(), signed, "signed for exactly when handled");
        assert_ne!(lead.handed_by, Some(lead.unit), "nobody hands on to itself");
    }
    for (index, order) in ticket.orders.iter().enumerate() {
        assert_eq!(usize::try_from(order.seq), Ok(index + 1), "orders are numbered from 1 without gaps");
        assert_eq!(
            order.ended_at.is_none(),
            order.state.is_open(),
            "an order has an end when it is not open"
        );
    }
    let mut busy: Vec<_> = open.iter().map(|order| order.unit).collect();
    busy.sort_unstable();
    busy.dedup();
    assert_eq!(busy.len(), open.len(), "no unit holds two open orders of one ticket");
}

fn hold_for_course(ticket: &Ticket) {
    let (state, course) = (ticket.state, &ticket.course);
    let open: Vec<_> = course.requests.iter().filter(|request| request.state.is_open()).collect();
    assert!(open.len() <= 1, "one request at a time");
    for request in &open {
        let fits = match request.kind {
            RequestKind::Void => !state.is_final(),
            _ => state == State::Handling,
        };
        assert!(fits, "{request:?} cannot be decided in {state:?}");
    }
    assert!(course.requests.iter().all(|request| request.state.is_open() == request.decided_at.is_none()));
    let whistles = course.whistles.iter().filter(|whistle| whistle.ended_at.is_none()).count();
    assert!(whistles <= usize::from(!state.is_final()), "one whistle at a time, none at the end");
    assert!(course.waiting.is_none() || matches!(state, State::Claimed | State::Handling));
    let resting = matches!(state, State::Suspended | State::Deferred);
    assert_eq!(course.review_at.is_some(), resting, "a day of review exactly while it rests");
    assert!(!course.call_back_due || state == State::Closed, "who is called back has a closed ticket");
    assert!(course.call_backs.iter().all(|call| call.round <= ticket.reopens));
    assert!(!course.bound || !matches!(state, State::Filed | State::Arbitrating), "what binds is not undone");
    let text = serde_json::to_string(course).unwrap();
    assert_eq!(&serde_json::from_str::<crate::flow::Course>(&text).unwrap(), course, "read back from {text}");
}

/// The laws that tie what is offered to what is permitted and to what may be seen.
#[track_caller]
pub(super) fn hold_for_actor(ticket: &Ticket, actor: &Actor, now: Moment, world: &World) {
    let offered = allowed_actions(ticket, actor, &world.tree, NOT_FIXED_DAYS, now);
    let mut sorted = offered.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(offered, sorted, "in the order of the verbs, each once");
    let sensitive_roles = &world.rules().policy(ticket, now).sensitive_roles;
    assert!(
        offered.is_empty() || ticket.sensitive || may_see(ticket, actor, &world.tree, sensitive_roles),
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
            assert!(
                pointless(ticket, *verb, now, world),
                "{verb:?} is permitted to {actor:?} but not offered in {:?}",
                ticket.state
            );
        }
    }
}

/// Whether a command is held back although the table permits it, because it could only be refused.
fn pointless(ticket: &Ticket, verb: Verb, now: Moment, world: &World) -> bool {
    let course = &ticket.course;
    let window = i64::from(NOT_FIXED_DAYS) * 86_400;
    let open_whistle = course.whistles.iter().find(|whistle| whistle.ended_at.is_none());
    match verb {
        Verb::NotFixed => ticket.closed_at.is_none_or(|closed| now > closed.plus_seconds(window)),
        Verb::Rate => ticket.rated_round == Some(ticket.reopens),
        Verb::ReleaseAssist => ticket.open_assists().next().is_none(),
        Verb::Delegate => world.tree.children(ticket.desk(&world.tree)).is_empty(),
        Verb::Return | Verb::Escalate => course.bound,
        Verb::Pass => course.held.is_none(),
        Verb::AskReporter => course.waiting.is_some(),
        Verb::Resume => course.waiting.is_none(),
        Verb::AskExtension | Verb::AskSuspension | Verb::AskDeferral | Verb::AskVoid => {
            course.open_request().is_some()
        }
        Verb::Endorse => {
            let further = |asked: &crate::flow::Request| {
                asked.kind == RequestKind::Extension && course.extensions > 0 && asked.endorsed_by.is_none()
            };
            !course.open_request().is_some_and(further)
        }
        // A voiding is decided by everybody who may decide anything.
        Verb::Grant | Verb::Deny => course.open_request().is_none_or(|asked| asked.kind != RequestKind::Void),
        Verb::Whistle => open_whistle.is_some(),
        Verb::Answer => open_whistle.is_none_or(|it| it.units.iter().any(|unit| unit.answered_at.is_some())),
        Verb::SignIn => open_whistle.is_none_or(|it| it.units.iter().any(|unit| unit.signed_in_at.is_some())),
        Verb::CallBack => !course.call_back_due,
        Verb::Count => course.call_backs.iter().all(|call| call.round != ticket.reopens),
        Verb::Arrive => course.arrival.is_none(),
        Verb::Urge => course.urged.iter().any(|urged| urged.at.date() == now.date()),
        Verb::Withdraw | Verb::Merge => !course.merged.is_empty(),
        Verb::Lapse
        | Verb::Warn
        | Verb::Breach
        | Verb::AssistLate
        | Verb::Review
        | Verb::Recount
        | Verb::Reveal
        | Verb::Absorb
        | Verb::Detach => true,
        _ => false,
    }
}
