//! Whether what lies in the database is whole: every ticket with an owner, a clock, and a history that leads to it.

use std::sync::Arc;

use suishoupai_core::flow::{
    Event, Holder, OrderKind, OrderState, State, Ticket, TicketId, Timer, next_alarm,
};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::tickets::Loaded;
use suishoupai_storage::db::{Conn, Db, DbError, counts, history, tickets};

use super::replay::replay;
use super::tally::Tally;
use crate::fail::Fail;
use crate::registry::Registry;

/// Tickets looked at with one connection before others get their turn.
const PAGE: i64 = 500;
/// How many faults are listed at the most.
const MOST: usize = 200;

/// Audits all tickets as they stand at `now`; nothing in the list means that all is well.
///
/// # Errors
/// The database's.
pub async fn audit(db: &Db, registry: &Arc<Registry>, now: Moment) -> Result<Vec<String>, Fail> {
    Ok(look(db, registry, now).await?.1)
}

/// Audits and counts in one walk.
pub(super) async fn look(
    db: &Db,
    registry: &Arc<Registry>,
    now: Moment,
) -> Result<(Tally, Vec<String>), Fail> {
    let ((tally, mut faults), verified) =
        tokio::try_join!(walk(db, registry, now), async { Ok(history::verify(db).await?) })?;
    let broken = verified.breaks.into_iter();
    // Broken chains come first: they must not fall out of a list that is cut.
    let mut all: Vec<String> =
        broken.map(|found| format!("ticket {} line {}: {}", found.ticket, found.seq, found.what)).collect();
    all.extend(db.read(counts::differences).await?);
    all.append(&mut faults);
    all.truncate(MOST);
    Ok((tally, all))
}

async fn walk(db: &Db, registry: &Arc<Registry>, now: Moment) -> Result<(Tally, Vec<String>), Fail> {
    let mut seen = (Tally::default(), Vec::new());
    let mut after = Some(i64::MIN);
    while let Some(last) = after {
        let registry = Arc::clone(registry);
        (after, seen) = db
            .read(move |conn| {
                let (mut tally, mut faults) = seen;
                let next = page(conn, &registry, last, now, &mut tally, &mut faults)?;
                faults.truncate(MOST);
                Ok::<_, Fail>((next, (tally, faults)))
            })
            .await?;
    }
    Ok(seen)
}

/// Audits the next tickets with keys above `after`, and answers the last key, or `None` when there are no more.
fn page(
    conn: &mut Conn,
    registry: &Registry,
    after: TicketId,
    now: Moment,
    tally: &mut Tally,
    faults: &mut Vec<String>,
) -> Result<Option<TicketId>, DbError> {
    let found = tickets::some_after(conn, after, PAGE)?;
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(None) };
    let histories = history::of_tickets(conn, first.ticket.id..=last.ticket.id)?;
    for (ticket, table) in tickets::disagreeing(conn, &found)? {
        faults.push(format!("ticket {ticket}: the rows of {table} are not those of its course"));
    }
    for loaded in &found {
        let history = histories.get(&loaded.ticket.id).map_or(&[][..], Vec::as_slice);
        one(registry, loaded, history, now, tally, faults);
    }
    Ok(Some(last.ticket.id))
}

fn one(
    registry: &Registry,
    loaded: &Loaded,
    history: &[Event],
    now: Moment,
    tally: &mut Tally,
    faults: &mut Vec<String>,
) {
    let ticket = &loaded.ticket;
    let mut found = owner(ticket, registry);
    found.extend(clocks(ticket, registry, now));
    found.extend(replay(ticket, history, registry));
    let state = ticket.state.as_str();
    faults.extend(found.into_iter().map(|what| format!("ticket {} ({state}): {what}", ticket.id)));
    tally.add(ticket, history, registry, now);
}

/// One unit answers for it, and who is to act next is known.
fn owner(ticket: &Ticket, registry: &Registry) -> Vec<String> {
    let tree = &registry.tree;
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let known = |unit| tree.get(unit).is_some_and(|unit| unit.district == ticket.district);
    must(known(ticket.responsible), "the responsible unit is not in the tree");
    must(known(ticket.desk(tree)), "it lies on the desk of a unit that is not in the tree");
    must(
        ticket.orders.iter().all(|order| known(order.unit)),
        "an order is of a unit that is not in the tree",
    );
    let leads = ticket.orders.iter().filter(|order| order.kind == OrderKind::Lead && order.state.is_open());
    let leads: Vec<_> = leads.collect();
    let lead = leads.first();
    must(leads.len() <= 1, "two units lead");
    let in_work =
        matches!(ticket.state, State::Dispatched | State::Handling | State::Suspended | State::Deferred);
    must(in_work == lead.is_some(), "an order to lead is open exactly while there is work");
    must(in_work || ticket.open_assists().next().is_none(), "an assisting order outlives the work");
    if ticket.state == State::Dispatched {
        must(lead.is_some_and(|order| order.state == OrderState::Pending), "nobody is to sign");
    } else if let Some(order) = lead {
        must(order.state == OrderState::Accepted, "nobody has signed");
        must(order.unit == ticket.responsible, "who signed is not responsible");
    }
    must(
        (ticket.state == State::Claimed) == ticket.holder.is_some(),
        "it is held exactly while it is claimed",
    );
    must(ticket.holder.is_none_or(|Holder { unit, .. }| known(unit)), "its holder's unit is not in the tree");
    must(ticket.state.is_final() == ticket.closed_at.is_some(), "it has an end exactly when it is over");
    wrong
}

/// The instants of the row are those of its clocks, and nothing that is due has been left.
fn clocks(ticket: &Ticket, registry: &Registry, now: Moment) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(rules) = registry.rules(ticket.district) else { return vec!["its district is unknown".into()] };
    let running = ticket.timer().filter(|timer| !timer.is_stopped());
    if ticket.stage_due_at != running.map(Timer::due) || ticket.soon_at != running.map(Timer::soon) {
        wrong.push("its deadlines are not those of its clock".to_owned());
    }
    let policy = rules.policy(ticket, ticket.updated_at);
    let next = next_alarm(ticket, ticket.updated_at, policy, rules.calendar).map(|(at, _)| at);
    if ticket.alarm_at != next {
        wrong.push(format!("its alarm is at {:?}, its clocks call at {next:?}", ticket.alarm_at));
    }
    if ticket.alarm_at.is_some_and(|at| at < now) {
        wrong.push("a clock has called and nobody has listened".to_owned());
    }
    let phase = ticket.phase().filter(|phase| policy.limit(*phase, ticket.urgent).is_some());
    let handled = ticket.state == State::Handling;
    if (phase.is_some() || handled) && ticket.timer().is_none() {
        wrong.push("no clock runs".to_owned());
    }
    for order in ticket.orders.iter().filter(|order| order.state.is_open()) {
        if order.timer.as_ref().is_some_and(|timer| timer.due() != order.due_at) {
            wrong.push(format!("order {} is not due when its clock ends", order.seq));
        }
    }
    if matches!(ticket.state, State::Suspended | State::Deferred) && ticket.course.review_at.is_none() {
        wrong.push("it rests without a day of review".to_owned());
    }
    wrong
}
