//! In the pool and on the spot: claimed, verified, solved, filed.

use std::collections::BTreeMap;

use super::{Act, classify, end, fact, needs_photo, on_spot, outcome_facts, public};
use crate::flow::command::{OnSpot, Outcome};
use crate::flow::orders::{self, Assignment};
use crate::flow::refusal::Refusal;
use crate::flow::state::{Stage, State};
use crate::flow::step::Line;
use crate::flow::ticket::{Holder, Ticket};

pub(super) fn claim(ticket: &mut Ticket, act: &Act<'_>) -> Line {
    ticket.state = State::Claimed;
    ticket.holder = act.actor.account.map(|account| Holder {
        account,
        unit: act.post.unit,
        until: act.now.plus_seconds(act.rules.lease_seconds),
    });
    public(BTreeMap::new())
}

pub(super) fn back_to_pool(ticket: &mut Ticket) {
    ticket.state = State::Received;
    ticket.holder = None;
    ticket.responsible = ticket.grid;
}

pub(super) fn lapse(ticket: &mut Ticket, act: &Act<'_>) -> Result<Line, Refusal> {
    // The timer may have chosen the ticket before somebody else claimed it anew.
    if let Some(holder) = ticket.holder.filter(|_| !ticket.lease_is_over(act.now)) {
        return Err(Refusal::HeldBy { account: holder.account, until: holder.until });
    }
    back_to_pool(ticket);
    Ok(Line::default())
}

pub(super) fn arrive(
    ticket: &mut Ticket,
    spot: &OnSpot,
    words: Option<&String>,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if ticket.course.arrival.is_none() {
        return Err(Refusal::NothingToDo);
    }
    let facts = on_spot(spot, act.policy)?;
    ticket.course.arrival = None;
    Ok(Line { note: words.cloned(), ..public(facts) })
}

pub(super) fn verify(
    ticket: &mut Ticket,
    category: Option<&String>,
    note: Option<&String>,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let mut facts = BTreeMap::new();
    if let Some(category) = category {
        classify(ticket, category, act.now, act.rules)?;
        facts = fact("category", category);
    }
    ticket.state = State::Verified;
    ticket.holder = None;
    Ok(Line { note: note.cloned(), ..public(facts) })
}

pub(super) fn solve(
    ticket: &mut Ticket,
    category: &str,
    answer: &str,
    note: Option<&String>,
    outcome: &Outcome,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    needs_photo(act.photos, Stage::After)?;
    classify(ticket, category, act.now, act.rules)?;
    ticket.handler = act.actor.account;
    ticket.handler_unit = Some(act.post.unit);
    keep_rules(ticket, act);
    end(ticket, State::Closed, act.now);
    ticket.course.call_back_due = ticket.course.by_resident && act.policy.call_back;
    let mut facts = fact("category", category);
    outcome_facts(outcome, &mut facts);
    Ok(Line { words: Some(answer.to_owned()), note: note.cloned(), ..public(facts) })
}

/// Fixes what the ticket keeps from its filing on: the version of the rules and the handling limit.
fn keep_rules(ticket: &mut Ticket, act: &Act<'_>) {
    ticket.filed_at = Some(act.now);
    ticket.course.policy = Some(act.rules.policies.at(act.now).0);
    let found = ticket.category.as_ref().and_then(|code| act.rules.catalogue.get(code));
    ticket.course.limit = found.map(|category| category.limit);
}

pub(super) fn file(
    ticket: &mut Ticket,
    category: &str,
    note: Option<&String>,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    classify(ticket, category, act.now, act.rules)?;
    let routing = act
        .rules
        .duties
        .route(category, ticket.grid, act.rules.tree)
        .ok_or(Refusal::UnknownUnit(ticket.grid))?;
    let verified_by_grid = ticket.holder.is_some_and(|holder| holder.unit == ticket.grid);
    ticket.holder = None;
    keep_rules(ticket, act);
    let assist = routing.assist.iter().copied().map(Into::into).collect();
    let assignment = Assignment { lead: routing.lead, assist };
    orders::assign(ticket, &assignment, act.now, act.rules);
    ticket.state = State::Dispatched;
    if routing.grid_first && verified_by_grid {
        // The worker who verified it stands on the spot and belongs to the unit that handles it: signing for
        // the own order would be an empty gesture.
        orders::accept_lead(ticket, act.now);
        ticket.state = State::Handling;
        ticket.handler = act.actor.account;
        ticket.handler_unit = Some(act.post.unit);
    }
    let mut facts = orders::facts(&assignment);
    facts.insert("category".to_owned(), category.to_owned());
    Ok(Line { note: note.cloned(), because: routing.reasons, ..public(facts) })
}
