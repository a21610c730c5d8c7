//! What each command does to the ticket, once the table has permitted it.

mod asking;
mod checking;
mod clocks;
mod field;
mod meeting;
mod merging;
mod work;

use std::collections::BTreeMap;

use super::command::{Command, OnSpot, Outcome};
use super::event::PhotoRef;
use super::order_words::{OrderState, RequestKind};
use super::orders;
use super::policy::Policy;
use super::refusal::Refusal;
use super::settle;
use super::state::{Stage, State};
use super::step::{Line, Rules};
use super::table::Tie;
use super::ticket::{Actor, Post, Ticket};
use crate::time::Moment;

/// Everything on which a command may depend besides the ticket.
pub(super) struct Act<'a> {
    pub actor: &'a Actor,
    pub post: Post,
    pub tie: Tie,
    pub photos: &'a [PhotoRef],
    pub now: Moment,
    pub rules: Rules<'a>,
    pub policy: &'a Policy,
}

pub(super) fn apply(ticket: &mut Ticket, command: &Command, act: &Act<'_>) -> Result<Line, Refusal> {
    match command {
        Command::Claim => Ok(field::claim(ticket, act)),
        Command::Release { reason } => {
            field::back_to_pool(ticket);
            Ok(Line { words: reason.clone(), ..Line::default() })
        }
        Command::Lapse => field::lapse(ticket, act),
        Command::Arrive { spot, words } => field::arrive(ticket, spot, words.as_ref(), act),
        Command::Verify { category, note } => field::verify(ticket, category.as_ref(), note.as_ref(), act),
        Command::Solve { category, answer, note, outcome } => {
            field::solve(ticket, category, answer, note.as_ref(), outcome, act)
        }
        Command::File { category, note } => field::file(ticket, category, note.as_ref(), act),
        Command::Refuse { reason, words } => {
            end(ticket, State::Refused, act.now);
            Ok(Line {
                reason: Some(reason.as_str().to_owned()),
                words: Some(words.clone()),
                ..public(BTreeMap::new())
            })
        }
        Command::Pass { words } => {
            if ticket.course.held.is_none() {
                return Err(Refusal::NothingToDo);
            }
            settle::let_go(ticket, act.rules);
            Ok(Line { note: words.clone(), ..public(BTreeMap::new()) })
        }
        Command::Dispatch { lead, assist, reason } => {
            work::dispatch(ticket, *lead, assist, reason, false, act)
        }
        Command::Arbitrate { lead, assist, reason } => {
            work::dispatch(ticket, *lead, assist, reason, true, act)
        }
        Command::Accept => Ok(work::accept(ticket, act)),
        Command::Return { reason, words } => work::give_back(ticket, *reason, words, act),
        Command::Delegate { to, reason } => work::delegate(ticket, *to, reason.as_ref(), act),
        Command::Escalate { reason } => work::escalate(ticket, reason, act),
        Command::AddAssist { assist, reason } => work::add_assist(ticket, assist, reason, act),
        Command::ReleaseAssist { unit, reason } => {
            orders::release_assist(ticket, *unit, act.now)?;
            Ok(Line { note: Some(reason.clone()), facts: fact("unit", unit), ..Line::default() })
        }
        Command::Whistle { units, place, meet_at, words } => {
            meeting::whistle(ticket, units, place, *meet_at, words, act)
        }
        Command::Answer { words } => meeting::answer(ticket, words.as_ref(), act),
        Command::SignIn { spot } => meeting::sign_in(ticket, spot, act),
        Command::EndWhistle { words, lead, assist } => {
            meeting::end_whistle(ticket, words, *lead, assist, act)
        }
        Command::AskReporter { words } => asking::ask_reporter(ticket, words, act),
        Command::Resume { reason } => asking::resume(ticket, reason.as_ref(), act),
        Command::AskExtension { limit, reason } => asking::ask_extension(ticket, *limit, reason, act),
        Command::AskSuspension { review_at, reason } => {
            asking::ask_rest(ticket, RequestKind::Suspension, *review_at, reason, act)
        }
        Command::AskDeferral { review_at, reason } => {
            asking::ask_rest(ticket, RequestKind::Deferral, *review_at, reason, act)
        }
        Command::AskVoid { reason } => asking::ask_void(ticket, reason, act),
        Command::Endorse { words } => asking::endorse(ticket, words, act),
        Command::Grant { words } => asking::grant(ticket, words, act),
        Command::Deny { words } => asking::deny(ticket, words, act),
        Command::Finish { answer, note, outcome } => {
            work::finish(ticket, answer, note.as_ref(), outcome, act)
        }
        Command::Close { note, spot } => checking::close(ticket, note.as_ref(), spot, act),
        Command::Rework { reason, spot } => checking::rework(ticket, reason, spot, act),
        Command::CallBack { call, words } => checking::call_back(ticket, call, words.as_ref(), act),
        Command::Count { counted, reason } => checking::count(ticket, *counted, reason, act),
        Command::Split { children, reason } => {
            ticket.course.children.extend_from_slice(children);
            let names: Vec<_> = children.iter().map(ToString::to_string).collect();
            Ok(Line { note: Some(reason.clone()), ..public(fact("children", names.join(","))) })
        }
        Command::NotFixed { words } => checking::not_fixed(ticket, words, act),
        Command::Urge { words } => merging::urge(ticket, words.as_ref(), act),
        Command::Merge { into, reason } => merging::merge(ticket, *into, reason, act),
        Command::Absorb { ticket: other } => merging::absorb(ticket, *other),
        Command::Unmerge { reason } => merging::unmerge(ticket, reason),
        Command::Detach { ticket: other } => merging::detach(ticket, *other),
        Command::Withdraw { words } => {
            if !ticket.course.merged.is_empty() {
                return Err(Refusal::OthersReported);
            }
            orders::end_all(ticket, OrderState::Released, None, act.now);
            end(ticket, State::Withdrawn, act.now);
            Ok(Line { words: words.clone(), ..public(BTreeMap::new()) })
        }
        Command::Supplement { words } => {
            asking::answered(ticket, act);
            Ok(Line { words: Some(words.clone()), ..public(BTreeMap::new()) })
        }
        Command::Rate { solved, stars, words } => checking::rate(ticket, *solved, *stars, words.as_ref()),
        Command::Alarm(alarm) => clocks::alarm(ticket, *alarm, act),
        Command::Recount => clocks::recount(ticket, act),
        Command::Reveal { reason } => {
            Ok(Line { note: Some(reason.clone()), facts: fact("contacts", "clear"), ..Line::default() })
        }
    }
}

/// A line that the reporter sees.
fn public(facts: BTreeMap<String, String>) -> Line {
    Line { public: true, facts, ..Line::default() }
}

fn fact(name: &str, value: impl ToString) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_string())])
}

fn needs_photo(photos: &[PhotoRef], stage: Stage) -> Result<(), Refusal> {
    if photos.iter().any(|photo| photo.stage == stage) { Ok(()) } else { Err(Refusal::NeedsPhoto) }
}

/// Sets the category with what follows from it.
fn classify(ticket: &mut Ticket, category: &str, now: Moment, rules: Rules<'_>) -> Result<(), Refusal> {
    let catalogue = rules.catalogue;
    let found = catalogue.get(category).ok_or_else(|| Refusal::UnknownCategory(category.to_owned()))?;
    let known = ticket.category.as_ref().and_then(|code| catalogue.get(code));
    let had_to_attend = known.is_some_and(|known| known.must_report);
    ticket.category = Some(category.to_owned());
    ticket.urgent = found.urgent;
    ticket.sensitive = found.sensitive;
    if !found.must_report {
        ticket.course.arrival = None;
    } else if !had_to_attend {
        // Only now is it known that somebody has to be there soon.
        settle::start_arrival(ticket, now, rules);
    }
    Ok(())
}

/// Ends the ticket: nobody holds it and nothing is due any more.
fn end(ticket: &mut Ticket, state: State, now: Moment) {
    ticket.state = state;
    ticket.holder = None;
    ticket.closed_at = Some(now);
}

/// The facts of where somebody stood, with the mark of what was done from elsewhere.
///
/// # Errors
/// [`Refusal::NeedsReason`] where it was done from elsewhere without a reason.
fn on_spot(spot: &OnSpot, policy: &Policy) -> Result<BTreeMap<String, String>, Refusal> {
    let near = spot.distance_m.is_some_and(|metres| metres <= policy.check_distance_m);
    let fresh = spot.age_s.is_some_and(|age| age <= policy.check_position_age_s);
    let mut facts = fact("on_spot", near && fresh);
    if let Some(metres) = spot.distance_m {
        facts.insert("distance_m".to_owned(), metres.to_string());
    }
    if let Some(reason) = &spot.reason {
        facts.insert("off_spot_reason".to_owned(), reason.clone());
    } else if !(near && fresh) {
        return Err(Refusal::NeedsReason { metres: policy.check_distance_m });
    }
    Ok(facts)
}

/// The facts of a result in figures.
fn outcome_facts(outcome: &Outcome, facts: &mut BTreeMap<String, String>) {
    for (index, quantity) in outcome.quantities.iter().enumerate() {
        let (whole, rest) = (quantity.thousandths / 1000, quantity.thousandths % 1000);
        let amount = format!("{whole}.{rest:03}");
        let amount = amount.trim_end_matches('0').trim_end_matches('.');
        let text = format!("{} {amount} {}", quantity.kind, quantity.unit);
        facts.insert(format!("quantity_{}", index + 1), text);
    }
    if let Some(enforcement) = &outcome.enforcement {
        facts.insert("enforcement".to_owned(), enforcement.clone());
    }
    if let Some(document) = &outcome.document {
        facts.insert("document".to_owned(), document.clone());
    }
}
