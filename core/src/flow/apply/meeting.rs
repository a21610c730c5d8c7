//! 吹哨: a territory unit summons departments to a place and time; what comes of it becomes work orders.

use std::collections::BTreeMap;

use super::{Act, fact, on_spot, public};
use crate::flow::command::{Assist, OnSpot};
use crate::flow::course::{Summoned, Whistle};
use crate::flow::orders::{self, Assignment};
use crate::flow::permit::answers_for;
use crate::flow::refusal::Refusal;
use crate::flow::state::State;
use crate::flow::step::Line;
use crate::flow::ticket::Ticket;
use crate::flow::verb::Verb;
use crate::model::UnitId;
use crate::time::Moment;

fn names(units: impl IntoIterator<Item = UnitId>) -> String {
    units.into_iter().map(|unit| unit.to_string()).collect::<Vec<_>>().join(",")
}

pub(super) fn whistle(
    ticket: &mut Ticket,
    units: &[UnitId],
    place: &str,
    meet_at: Moment,
    words: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if ticket.course.open_whistle().is_some() {
        return Err(Refusal::WhistleOpen);
    }
    if meet_at <= act.now {
        return Err(Refusal::MeetingPast);
    }
    let Some((first, rest)) = units.split_first() else { return Err(Refusal::NothingToDo) };
    let named = Assignment { lead: *first, assist: rest.iter().copied().map(Assist::from).collect() };
    orders::check_named(&named, ticket, act.rules.tree)?;
    let summoned = |unit: &UnitId| Summoned {
        unit: *unit,
        answered_at: None,
        signed_in_at: None,
        signed_in_by: None,
        distance_m: None,
    };
    ticket.course.whistles.push(Whistle {
        seq: i32::try_from(ticket.course.whistles.len()).unwrap_or(i32::MAX - 1) + 1,
        by: act.post.unit,
        place: place.to_owned(),
        meet_at,
        words: words.to_owned(),
        units: units.iter().map(summoned).collect(),
        ended_at: None,
        outcome: None,
    });
    let facts = BTreeMap::from([
        ("units".to_owned(), names(units.iter().copied())),
        ("place".to_owned(), place.to_owned()),
        ("meet_at".to_owned(), meet_at.to_string()),
    ]);
    Ok(Line { note: Some(words.to_owned()), facts, ..Line::default() })
}

/// The summoned units for which the post may speak and that have not done the step yet.
fn mine<'a>(
    ticket: &'a mut Ticket,
    act: &Act<'_>,
    still: impl Fn(&Summoned) -> bool,
) -> Result<Vec<&'a mut Summoned>, Refusal> {
    let whistle = ticket.course.whistles.iter_mut().find(|whistle| whistle.ended_at.is_none());
    let units = &mut whistle.ok_or(Refusal::NoWhistle)?.units;
    let of_post = |unit: &&mut Summoned| answers_for(&act.post, unit.unit, act.rules.tree) && still(unit);
    let found: Vec<_> = units.iter_mut().filter(of_post).collect();
    if found.is_empty() { Err(Refusal::AlreadyDone) } else { Ok(found) }
}

pub(super) fn answer(ticket: &mut Ticket, words: Option<&String>, act: &Act<'_>) -> Result<Line, Refusal> {
    let mut units = mine(ticket, act, |unit| unit.answered_at.is_none())?;
    for unit in &mut units {
        unit.answered_at = Some(act.now);
    }
    let facts = fact("units", names(units.iter().map(|unit| unit.unit)));
    Ok(Line { note: words.cloned(), facts, ..Line::default() })
}

pub(super) fn sign_in(ticket: &mut Ticket, spot: &OnSpot, act: &Act<'_>) -> Result<Line, Refusal> {
    let mut facts = on_spot(spot, act.policy)?;
    let mut units = mine(ticket, act, |unit| unit.signed_in_at.is_none())?;
    for unit in &mut units {
        // Whoever is there has also answered.
        unit.answered_at = unit.answered_at.or(Some(act.now));
        unit.signed_in_at = Some(act.now);
        unit.signed_in_by = act.actor.account;
        unit.distance_m = spot.distance_m;
    }
    facts.insert("units".to_owned(), names(units.iter().map(|unit| unit.unit)));
    Ok(Line { facts, ..Line::default() })
}

pub(super) fn end_whistle(
    ticket: &mut Ticket,
    words: &str,
    lead: Option<UnitId>,
    assist: &[Assist],
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    let mut facts = BTreeMap::new();
    if let Some(lead) = lead {
        if !matches!(ticket.state, State::Filed | State::Dispatched | State::Handling) {
            return Err(Refusal::WrongState { state: ticket.state, verb: Verb::EndWhistle });
        }
        if ticket.course.bound {
            return Err(Refusal::Bound);
        }
        let assignment = Assignment { lead, assist: assist.to_vec() };
        orders::check_named(&assignment, ticket, act.rules.tree)?;
        orders::assign(ticket, &assignment, act.now, act.rules);
        ticket.state = State::Dispatched;
        facts = orders::facts(&assignment);
    } else if !assist.is_empty() {
        // A rest stops every clock; an order given now would have one that runs.
        if !matches!(ticket.state, State::Dispatched | State::Handling) {
            return Err(Refusal::WrongState { state: ticket.state, verb: Verb::AddAssist });
        }
        for unit in assist {
            super::work::add_assist(ticket, unit, words, act)?;
        }
        facts = fact("assist", names(assist.iter().map(|assist| assist.unit)));
    }
    let whistle = ticket.course.whistles.iter_mut().find(|whistle| whistle.ended_at.is_none());
    let whistle = whistle.ok_or(Refusal::NoWhistle)?;
    whistle.ended_at = Some(act.now);
    whistle.outcome = Some(words.to_owned());
    let came = |unit: &&Summoned| unit.signed_in_at.is_some();
    facts.insert("present".to_owned(), names(whistle.units.iter().filter(came).map(|unit| unit.unit)));
    let absent = whistle.units.iter().filter(|unit| !came(unit)).map(|unit| unit.unit);
    facts.insert("absent".to_owned(), names(absent));
    Ok(Line { words: Some(words.to_owned()), ..public(facts) })
}
