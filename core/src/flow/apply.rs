//! What each command does to the ticket, once the table has permitted it.

use std::collections::BTreeMap;

use super::command::{Command, Refusal};
use super::event::PhotoRef;
use super::orders::{self, Assignment};
use super::permit::within_window;
use super::state::{OrderState, Stage, State};
use super::step::{Line, Rules};
use super::table::Tie;
use super::ticket::{Actor, Holder, Post, Ticket};
use crate::model::Level;
use crate::time::Moment;

#[expect(clippy::too_many_arguments, reason = "private to the step: everything that a command may depend on")]
pub(super) fn apply(
    ticket: &mut Ticket,
    command: &Command,
    tie: Tie,
    actor: &Actor,
    post: Post,
    photos: &[PhotoRef],
    now: Moment,
    rules: Rules<'_>,
) -> Result<Line, Refusal> {
    match command {
        Command::Claim => Ok(claim(ticket, actor, post, now, rules)),
        Command::Release { reason } => {
            back_to_pool(ticket);
            Ok(Line { words: reason.clone(), ..Line::default() })
        }
        Command::Lapse => {
            // The timer may have chosen the ticket before somebody else claimed it anew.
            if let Some(holder) = ticket.holder.filter(|_| !ticket.lease_is_over(now)) {
                return Err(Refusal::HeldBy { account: holder.account, until: holder.until });
            }
            back_to_pool(ticket);
            Ok(Line::default())
        }
        Command::Solve { category, answer, note } => {
            needs_after_photo(photos)?;
            classify(ticket, category, rules)?;
            ticket.handler = actor.account;
            ticket.handler_unit = Some(post.unit);
            ticket.filed_at = Some(now);
            end(ticket, State::Closed, now);
            Ok(Line { words: Some(answer.clone()), note: note.clone(), ..public(category_fact(category)) })
        }
        Command::File { category, note } => file(ticket, category, note.as_ref(), actor, post, now, rules),
        Command::Refuse { reason, words } => {
            end(ticket, State::Refused, now);
            Ok(Line {
                reason: Some(reason.as_str().to_owned()),
                words: Some(words.clone()),
                ..public(BTreeMap::new())
            })
        }
        Command::Dispatch { lead, assist, reason } => {
            let assignment = Assignment { lead: *lead, assist: assist.clone() };
            orders::check_named(&assignment, ticket, rules.tree)?;
            orders::assign(ticket, &assignment, orders::due(ticket, now, rules), now);
            ticket.state = State::Dispatched;
            Ok(Line { note: Some(reason.clone()), ..public(orders::facts(&assignment)) })
        }
        Command::Accept => Ok(accept(ticket, tie, actor, post, now, rules)),
        Command::Return { reason, words } => {
            if tie == Tie::Assistant {
                orders::end_assist(ticket, post, OrderState::Returned, Some(words), now, rules.tree);
            } else {
                orders::end_all(ticket, OrderState::Returned, Some(words), now);
                ticket.returns += 1;
                to_centre(ticket, rules);
            }
            Ok(Line {
                reason: Some(reason.as_str().to_owned()),
                note: Some(words.clone()),
                ..Line::default()
            })
        }
        Command::Delegate { to, reason } => {
            orders::check_below(*to, ticket, rules.tree)?;
            orders::hand_over(ticket, *to, now);
            ticket.state = State::Dispatched;
            Ok(Line { note: reason.clone(), ..public(fact("to_unit", to)) })
        }
        Command::Escalate { reason } => escalate(ticket, reason, now, rules),
        Command::ReleaseAssist { unit, reason } => {
            orders::release_assist(ticket, *unit, now)?;
            Ok(Line { note: Some(reason.clone()), facts: fact("unit", unit), ..Line::default() })
        }
        Command::Finish { answer, note } => {
            finish(ticket, answer, note.as_ref(), tie, actor, post, photos, now, rules)
        }
        Command::Close { note } => {
            orders::end_all(ticket, OrderState::Released, None, now);
            end(ticket, State::Closed, now);
            Ok(Line { note: note.clone(), ..public(BTreeMap::new()) })
        }
        Command::Rework { reason } => {
            ticket.reworks += 1;
            reopen_at_handler(ticket, ticket.due_at.unwrap_or(now), now);
            Ok(Line { note: Some(reason.clone()), ..public(BTreeMap::new()) })
        }
        Command::NotFixed { words } => {
            if !within_window(ticket, rules.not_fixed_days, now) {
                return Err(Refusal::WindowOver { days: rules.not_fixed_days });
            }
            ticket.reopens += 1;
            ticket.closed_at = None;
            reopen_at_handler(ticket, orders::due(ticket, now, rules), now);
            Ok(Line { words: Some(words.clone()), ..public(BTreeMap::new()) })
        }
        Command::Withdraw { words } => {
            orders::end_all(ticket, OrderState::Released, None, now);
            end(ticket, State::Withdrawn, now);
            Ok(Line { words: words.clone(), ..public(BTreeMap::new()) })
        }
        Command::Supplement { words } => Ok(Line { words: Some(words.clone()), ..public(BTreeMap::new()) }),
        Command::Rate { solved, stars, words } => {
            if ticket.rated_round == Some(ticket.reopens) {
                return Err(Refusal::AlreadyRated);
            }
            ticket.rated_round = Some(ticket.reopens);
            let facts = BTreeMap::from([
                ("solved".to_owned(), solved.to_string()),
                ("stars".to_owned(), stars.to_string()),
            ]);
            Ok(Line { words: words.clone(), ..public(facts) })
        }
    }
}

fn public(facts: BTreeMap<String, String>) -> Line {
    Line { public: true, facts, ..Line::default() }
}

fn fact(name: &str, value: impl ToString) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_string())])
}

fn category_fact(category: &str) -> BTreeMap<String, String> {
    fact("category", category)
}

fn needs_after_photo(photos: &[PhotoRef]) -> Result<(), Refusal> {
    if photos.iter().any(|photo| photo.stage == Stage::After) { Ok(()) } else { Err(Refusal::NeedsPhoto) }
}

fn classify(ticket: &mut Ticket, category: &str, rules: Rules<'_>) -> Result<(), Refusal> {
    let found = rules.catalogue.get(category).ok_or_else(|| Refusal::UnknownCategory(category.to_owned()))?;
    ticket.category = Some(category.to_owned());
    ticket.urgent = found.urgent;
    Ok(())
}

fn claim(ticket: &mut Ticket, actor: &Actor, post: Post, now: Moment, rules: Rules<'_>) -> Line {
    ticket.state = State::Claimed;
    ticket.holder = actor.account.map(|account| Holder {
        account,
        unit: post.unit,
        until: now.plus_seconds(rules.lease_seconds),
    });
    public(BTreeMap::new())
}

fn back_to_pool(ticket: &mut Ticket) {
    ticket.state = State::Received;
    ticket.holder = None;
    ticket.responsible = ticket.grid;
}

/// Ends the ticket: nobody holds it and nothing is due any more.
fn end(ticket: &mut Ticket, state: State, now: Moment) {
    ticket.state = state;
    ticket.holder = None;
    ticket.due_at = None;
    ticket.closed_at = Some(now);
}

/// Puts the ticket on the desk of the district centre.
fn to_centre(ticket: &mut Ticket, rules: Rules<'_>) {
    ticket.state = State::Filed;
    ticket.due_at = None;
    if let Some(centre) = rules.tree.root(ticket.district) {
        ticket.responsible = centre.id;
    }
}

fn file(
    ticket: &mut Ticket,
    category: &str,
    note: Option<&String>,
    actor: &Actor,
    post: Post,
    now: Moment,
    rules: Rules<'_>,
) -> Result<Line, Refusal> {
    classify(ticket, category, rules)?;
    let routing =
        rules.duties.route(category, ticket.grid, rules.tree).ok_or(Refusal::UnknownUnit(ticket.grid))?;
    let verified_by_grid = ticket.holder.is_some_and(|holder| holder.unit == ticket.grid);
    ticket.holder = None;
    ticket.filed_at = Some(now);
    let assignment = Assignment { lead: routing.lead, assist: routing.assist };
    orders::assign(ticket, &assignment, orders::due(ticket, now, rules), now);
    ticket.state = State::Dispatched;
    if routing.grid_first && verified_by_grid {
        // The worker who verified it stands on the spot and belongs to the unit that handles it: signing for
        // the own order would be an empty gesture.
        orders::accept_lead(ticket, now);
        ticket.state = State::Handling;
        ticket.handler = actor.account;
        ticket.handler_unit = Some(post.unit);
    }
    let mut facts = orders::facts(&assignment);
    facts.insert("category".to_owned(), category.to_owned());
    Ok(Line { note: note.cloned(), because: routing.reasons, ..public(facts) })
}

fn accept(ticket: &mut Ticket, tie: Tie, actor: &Actor, post: Post, now: Moment, rules: Rules<'_>) -> Line {
    if tie == Tie::AssistantUnsigned {
        orders::accept_assist(ticket, post, now, rules.tree);
        return Line::default();
    }
    orders::accept_lead(ticket, now);
    ticket.state = State::Handling;
    ticket.handler = actor.account;
    ticket.handler_unit = Some(ticket.responsible);
    public(BTreeMap::new())
}

fn escalate(ticket: &mut Ticket, reason: &str, now: Moment, rules: Rules<'_>) -> Result<Line, Refusal> {
    let above = rules
        .tree
        .get(ticket.responsible)
        .and_then(|unit| unit.parent)
        .and_then(|parent| rules.tree.get(parent))
        .ok_or(Refusal::NobodyAbove)?;
    let line = Line { note: Some(reason.to_owned()), ..public(fact("to_unit", above.id)) };
    if above.level == Level::District {
        orders::end_all(ticket, OrderState::Released, Some(reason), now);
        to_centre(ticket, rules);
    } else {
        orders::hand_over(ticket, above.id, now);
        ticket.state = State::Dispatched;
    }
    Ok(line)
}

#[expect(clippy::too_many_arguments, reason = "private to the step: everything that a command may depend on")]
fn finish(
    ticket: &mut Ticket,
    answer: &str,
    note: Option<&String>,
    tie: Tie,
    actor: &Actor,
    post: Post,
    photos: &[PhotoRef],
    now: Moment,
    rules: Rules<'_>,
) -> Result<Line, Refusal> {
    if tie == Tie::Assistant {
        let result = note.map_or(answer, String::as_str);
        orders::end_assist(ticket, post, OrderState::Done, Some(result), now, rules.tree);
        return Ok(Line { note: Some(result.to_owned()), ..Line::default() });
    }
    needs_after_photo(photos)?;
    let waiting = ticket.open_assists().count();
    if waiting > 0 {
        return Err(Refusal::AssistsOpen(waiting));
    }
    orders::end_all(ticket, OrderState::Done, Some(note.map_or(answer, String::as_str)), now);
    ticket.handler = actor.account;
    ticket.handler_unit = Some(ticket.responsible);
    ticket.state = State::Checking;
    Ok(Line { words: Some(answer.to_owned()), note: note.cloned(), ..public(BTreeMap::new()) })
}

/// Gives the ticket back to the unit that handled it, as work in progress with a new order.
fn reopen_at_handler(ticket: &mut Ticket, due: Moment, now: Moment) {
    let unit = ticket.handler_unit.unwrap_or(ticket.grid);
    orders::assign(ticket, &Assignment { lead: unit, assist: Vec::new() }, due, now);
    orders::accept_lead(ticket, now);
    ticket.state = State::Handling;
}
