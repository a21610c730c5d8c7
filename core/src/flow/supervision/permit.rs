//! Who may do what with a supervision order, and who may see it.

use super::order::SupervisionOrder;
use super::refusal::SupervisionRefusal;
use super::table::{Row, TABLE, Tie};
use super::words::{SupervisionState, SupervisionVerb};
use crate::flow::permit::answers_for;
use crate::flow::state::Role;
use crate::flow::ticket::{AccountId, Actor, Post};
use crate::model::{UnitId, UnitTree};

/// What permission depends on, of an order that is there or is to be issued.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// None: not issued yet.
    pub(super) state: Option<SupervisionState>,
    pub(super) recipient: UnitId,
    pub(super) replied_by: Option<AccountId>,
}

impl Standing {
    pub(super) fn of(order: &SupervisionOrder) -> Self {
        Self { state: Some(order.state), recipient: order.recipient, replied_by: order.replied_by }
    }
}

/// The row and the post by which the actor may do this.
///
/// # Errors
/// The reason why there is none.
pub(super) fn permit(
    standing: Standing,
    verb: SupervisionVerb,
    actor: &Actor,
    tree: &UnitTree,
) -> Result<(&'static Row, Post), SupervisionRefusal> {
    let rows = || TABLE.iter().filter(|row| row.verb == verb);
    let post_for = |row: &Row, tie: Tie| {
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
        return Err(SupervisionRefusal::WrongState { state, verb });
    }
    let but_for_the_reply =
        rows().any(|row| row.tie == Tie::DistrictNotReplier && post_for(row, Tie::District).is_some());
    Err(if but_for_the_reply { SupervisionRefusal::OwnReply } else { SupervisionRefusal::NotYours { verb } })
}

fn tied(standing: Standing, actor: &Actor, post: &Post, tie: Tie, tree: &UnitTree) -> bool {
    let of_district = || tree.is_within(standing.recipient, post.unit);
    match tie {
        Tie::District => of_district(),
        Tie::DistrictNotReplier => {
            of_district() && !standing.replied_by.is_some_and(|replier| actor.acts_as(replier))
        }
        Tie::Recipient => answers_for(post, standing.recipient, tree),
    }
}

/// Whether the actor may see the order at all: officials of the recipient and of every unit above it, so also those
/// of the district. An order that may not be seen does not exist for the caller.
pub fn may_see_order(order: &SupervisionOrder, actor: &Actor, tree: &UnitTree) -> bool {
    actor.posts.iter().any(|post| {
        !matches!(post.role, Role::Resident | Role::System) && tree.is_within(order.recipient, post.unit)
    })
}

/// What the actor may do now, in the order of [`SupervisionVerb::ALL`].
pub fn allowed_supervision(order: &SupervisionOrder, actor: &Actor, tree: &UnitTree) -> Vec<SupervisionVerb> {
    let may = |verb: &SupervisionVerb| permit(Standing::of(order), *verb, actor, tree).is_ok();
    SupervisionVerb::ALL.iter().copied().filter(may).collect()
}
