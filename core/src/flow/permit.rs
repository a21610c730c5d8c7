//! Who may do what: the table applied to a ticket and an actor.

use super::command::Refusal;
use super::state::{OrderState, Role, State, Verb};
use super::table::{Row, TABLE, Tie};
use super::ticket::{Actor, Post, Ticket};
use crate::model::{Level, UnitTree};
use crate::time::Moment;

/// The row and the post by which the actor may carry out `verb` now.
///
/// # Errors
/// The reason why there is none.
pub fn permit(
    ticket: &Ticket,
    verb: Verb,
    actor: &Actor,
    tree: &UnitTree,
) -> Result<(&'static Row, Post), Refusal> {
    let rows = || TABLE.iter().filter(|row| row.verb == verb && row.from.contains(&ticket.state));
    for row in rows() {
        let fits = |post: &&Post| row.roles.contains(&post.role) && tied(ticket, actor, post, row.tie, tree);
        if let Some(post) = actor.posts.iter().find(fits) {
            return Ok((row, *post));
        }
    }
    Err(why_not(ticket, verb, actor, tree, rows().next().is_some()))
}

fn why_not(ticket: &Ticket, verb: Verb, actor: &Actor, tree: &UnitTree, known: bool) -> Refusal {
    if verb == Verb::Claim
        && ticket.state == State::Claimed
        && let Some(holder) = ticket.holder
    {
        return Refusal::HeldBy { account: holder.account, until: holder.until };
    }
    // The right person at the wrong time, such as a second officer of the unit who signs after the first: it is
    // the ticket that has moved on, not the post that lacks a right.
    let untimely = TABLE.iter().filter(|row| row.verb == verb).any(|row| {
        let tie = if row.tie == Tie::AssistantUnsigned { Tie::Assistant } else { row.tie };
        actor.posts.iter().any(|post| row.roles.contains(&post.role) && tied(ticket, actor, post, tie, tree))
    });
    if !known || untimely {
        return Refusal::WrongState { state: ticket.state, verb };
    }
    let someone_else = Actor { account: None, posts: actor.posts.clone() };
    let would_be_allowed = TABLE.iter().any(|row| {
        row.verb == verb
            && row.from.contains(&ticket.state)
            && matches!(row.tie, Tie::TerritoryNotHandler | Tie::DistrictNotHandler)
            && someone_else.posts.iter().any(|post| {
                row.roles.contains(&post.role) && tied(ticket, &someone_else, post, row.tie, tree)
            })
    });
    if would_be_allowed { Refusal::OwnWork } else { Refusal::NotYours { verb } }
}

fn tied(ticket: &Ticket, actor: &Actor, post: &Post, tie: Tie, tree: &UnitTree) -> bool {
    let is_handler = actor.account.is_some() && actor.account == ticket.handler;
    match tie {
        Tie::Reporter => actor.account.is_some_and(|account| ticket.reporters.contains(&account)),
        Tie::Holder => ticket
            .holder
            .is_some_and(|holder| Some(holder.account) == actor.account && holder.unit == post.unit),
        Tie::Territory | Tie::District => tree.is_within(ticket.grid, post.unit),
        Tie::TerritoryNotHandler | Tie::DistrictNotHandler => {
            !is_handler && tree.is_within(ticket.grid, post.unit)
        }
        Tie::Responsible => answers_for(post, ticket.responsible, tree),
        Tie::Assistant => ticket.open_assists().any(|order| answers_for(post, order.unit, tree)),
        Tie::AssistantUnsigned => ticket
            .open_assists()
            .any(|order| order.state == OrderState::Pending && answers_for(post, order.unit, tree)),
        Tie::Server => post.role == Role::System,
    }
}

/// Whether a post may act for a unit: it is its own, or it is a squad below its department.
pub(super) fn answers_for(post: &Post, unit: crate::model::UnitId, tree: &UnitTree) -> bool {
    post.unit == unit
        || (tree.get(post.unit).is_some_and(|own| own.level == Level::Department)
            && tree.is_within(unit, post.unit))
}

/// The commands that the actor may give now, in the order of [`Verb::ALL`]: what a client offers as buttons.
pub fn allowed_actions(
    ticket: &Ticket,
    actor: &Actor,
    tree: &UnitTree,
    not_fixed_days: u32,
    now: Moment,
) -> Vec<Verb> {
    let mut seen_as = ticket.clone();
    if ticket.lease_is_over(now) {
        // Nobody has written the lapse down yet, but for everybody the ticket is back in the pool.
        seen_as.state = State::Received;
        seen_as.holder = None;
    }
    Verb::ALL
        .iter()
        .copied()
        .filter(|verb| match verb {
            Verb::NotFixed => within_window(ticket, not_fixed_days, now),
            Verb::Rate => ticket.rated_round != Some(ticket.reopens),
            Verb::ReleaseAssist => ticket.open_assists().next().is_some(),
            Verb::Delegate => !tree.children(ticket.responsible).is_empty(),
            // A lapse is written down by the server when it is due; it is nobody's choice.
            Verb::Lapse => false,
            _ => true,
        })
        .filter(|verb| permit(&seen_as, *verb, actor, tree).is_ok())
        .collect()
}

/// Whether "not fixed" may still be said.
pub(super) fn within_window(ticket: &Ticket, days: u32, now: Moment) -> bool {
    ticket.closed_at.is_some_and(|closed| now <= closed.plus_seconds(i64::from(days) * 86_400))
}
