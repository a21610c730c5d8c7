//! Who may do what with an entry of the board, and who may see what is not published.

use super::entity::Exposure;
use super::refusal::ExposureRefusal;
use super::table::{EXPOSURE_TABLE, ExposureRow, ExposureTie};
use super::words::{ExposureState, ExposureVerb};
use crate::flow::permit::answers_for;
use crate::flow::ticket::{AccountId, Actor, Post, Ticket, may_see};
use crate::model::UnitTree;

/// What permission depends on, of an entry that is there or is to be proposed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    /// None: not proposed yet.
    pub(super) state: Option<ExposureState>,
    pub(super) proposed_by: Option<AccountId>,
    pub(super) ticket: &'a Ticket,
}

/// The row and the post by which the actor may do this.
///
/// # Errors
/// The reason why there is none.
pub(super) fn permit(
    standing: Standing<'_>,
    verb: ExposureVerb,
    actor: &Actor,
    tree: &UnitTree,
) -> Result<(&'static ExposureRow, Post), ExposureRefusal> {
    let rows = || EXPOSURE_TABLE.iter().filter(|row| row.verb == verb);
    let post_for = |row: &ExposureRow, tie: ExposureTie| {
        let fits = |post: &&Post| row.roles.contains(&post.role) && tied(standing, actor, post, tie, tree);
        actor.posts.iter().find(fits).copied()
    };
    for row in rows().filter(|row| row.begins_in(standing.state)) {
        if let Some(post) = post_for(row, row.tie) {
            return Ok((row, post));
        }
    }
    // The right person at the wrong time is told the time, not the person.
    let untimely = rows().any(|row| !row.begins_in(standing.state) && post_for(row, row.tie).is_some());
    if let (true, Some(state)) = (untimely, standing.state) {
        return Err(ExposureRefusal::WrongState { state, verb });
    }
    let but_for_the_proposal = rows().any(|row| {
        row.tie == ExposureTie::DistrictNotProposer && post_for(row, ExposureTie::District).is_some()
    });
    Err(if but_for_the_proposal { ExposureRefusal::OwnProposal } else { ExposureRefusal::NotYours { verb } })
}

fn tied(standing: Standing<'_>, actor: &Actor, post: &Post, tie: ExposureTie, tree: &UnitTree) -> bool {
    let ticket = standing.ticket;
    let above = || tree.is_within(ticket.grid, post.unit);
    match tie {
        ExposureTie::Territory | ExposureTie::District => above(),
        ExposureTie::Handles => {
            answers_for(post, ticket.responsible, tree)
                || ticket.orders.iter().any(|order| answers_for(post, order.unit, tree))
        }
        ExposureTie::DistrictNotProposer => {
            above() && !standing.proposed_by.is_some_and(|proposer| actor.acts_as(proposer))
        }
    }
}

/// Whether the actor may see the entry with its history: whoever may see its ticket as an official.
pub fn may_see_exposure(
    ticket: &Ticket,
    actor: &Actor,
    tree: &UnitTree,
    sensitive_roles: &[crate::flow::Role],
) -> bool {
    let as_official = Actor { account: None, ..actor.clone() };
    may_see(ticket, &as_official, tree, sensitive_roles)
}

/// What the actor may do now, in the order of [`ExposureVerb::ALL`].
pub fn allowed_exposure(
    entry: &Exposure,
    ticket: &Ticket,
    actor: &Actor,
    tree: &UnitTree,
) -> Vec<ExposureVerb> {
    let standing = Standing { state: Some(entry.state), proposed_by: Some(entry.proposed_by), ticket };
    let may = |verb: &ExposureVerb| permit(standing, *verb, actor, tree).is_ok();
    ExposureVerb::ALL.iter().copied().filter(may).collect()
}
