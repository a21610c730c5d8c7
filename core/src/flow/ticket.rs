//! 案卷: what the rules know of a ticket, of its work orders and of the person who acts.

use super::state::{OrderKind, OrderState, Role, State};
use crate::model::{District, UnitId, UnitTree};
use crate::time::Moment;

/// The key of an account.
pub type AccountId = i64;

/// The key of a ticket.
pub type TicketId = i64;

/// A post 岗位: a role held in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Post {
    /// As what.
    pub role: Role,
    /// Where; 0 for a resident, who belongs to no unit.
    pub unit: UnitId,
}

/// Who acts: an account with all its posts, or the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// None: the server itself.
    pub account: Option<AccountId>,
    /// All posts of the account.
    pub posts: Vec<Post>,
}

impl Actor {
    /// The server acting by itself: a lease that runs out, a timer.
    pub fn server() -> Self {
        Self { account: None, posts: vec![Post { role: Role::System, unit: 0 }] }
    }

    /// Whether one of the posts is of this role.
    pub fn has_role(&self, role: Role) -> bool {
        self.posts.iter().any(|post| post.role == role)
    }

    /// The units in which the account holds a role.
    pub fn units_as(&self, role: Role) -> impl Iterator<Item = UnitId> {
        self.posts.iter().filter(move |post| post.role == role).map(|post| post.unit)
    }
}

/// A claim: who holds the ticket, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub account: AccountId,
    /// In which unit's name.
    pub unit: UnitId,
    /// When the lease runs out.
    pub until: Moment,
}

/// 派遣单: one unit's task inside a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    /// Counts from 1 within the ticket.
    pub seq: i32,
    /// Who must do it.
    pub unit: UnitId,
    /// 主办 or 协办.
    pub kind: OrderKind,
    /// Where it stands.
    pub state: OrderState,
    /// When it was given.
    pub created_at: Moment,
    /// When it must be done.
    pub due_at: Moment,
    /// When the unit signed for it.
    pub accepted_at: Option<Moment>,
    /// When it ended, however.
    pub ended_at: Option<Moment>,
    /// What the unit wrote when it finished or gave back, for the inside.
    pub result: Option<String>,
}

/// The state of a ticket, as far as rules depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The key.
    pub id: TicketId,
    /// The district that owns it.
    pub district: District,
    /// Where it stands.
    pub state: State,
    /// Grows by one with each change; what a client read must still be true when it writes.
    pub version: i64,
    /// The grid in which the place lies.
    pub grid: UnitId,
    /// Code of the category; chosen at the latest when it is filed or solved.
    pub category: Option<String>,
    /// Shown first everywhere.
    pub urgent: bool,
    /// The one unit that answers for it now.
    pub responsible: UnitId,
    /// The claim, while there is one.
    pub holder: Option<Holder>,
    /// Who handled it last.
    pub handler: Option<AccountId>,
    /// The unit that handled it last.
    pub handler_unit: Option<UnitId>,
    /// The accounts that reported it.
    pub reporters: Vec<AccountId>,
    /// All its work orders, ended ones too, by `seq`.
    pub orders: Vec<WorkOrder>,
    /// How often a unit gave it back.
    pub returns: i32,
    /// How often a check failed.
    pub reworks: i32,
    /// How often a reporter said that it is not fixed.
    pub reopens: i32,
    /// In which round of closing it was last rated.
    pub rated_round: Option<i32>,
    /// When it was opened.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When it was filed.
    pub filed_at: Option<Moment>,
    /// When the lead must be done.
    pub due_at: Option<Moment>,
    /// When it was closed, refused or withdrawn.
    pub closed_at: Option<Moment>,
}

impl Ticket {
    /// The open order of the leading unit.
    pub fn lead_order(&self) -> Option<&WorkOrder> {
        self.orders.iter().find(|order| order.kind == OrderKind::Lead && order.state.is_open())
    }

    /// The open orders of assisting units.
    pub fn open_assists(&self) -> impl Iterator<Item = &WorkOrder> {
        self.orders.iter().filter(|order| order.kind == OrderKind::Assist && order.state.is_open())
    }

    /// Whether the claim has run out by `now`, though nobody has written that down yet.
    pub fn lease_is_over(&self, now: Moment) -> bool {
        self.state == State::Claimed && self.holder.is_none_or(|holder| holder.until <= now)
    }
}

/// Whether the actor may see the ticket at all; a ticket that may not be seen does not exist for the caller.
///
/// Reporters see theirs; territory posts what lies in their unit; departments what they have or had an order
/// for (a department sees its squads' orders); posts at the district see the whole district.
pub fn may_see(ticket: &Ticket, actor: &Actor, tree: &UnitTree) -> bool {
    let reported = actor.account.is_some_and(|account| ticket.reporters.contains(&account));
    reported
        || actor.posts.iter().any(|post| match post.role {
            Role::Resident => false,
            Role::System => true,
            Role::GridWorker | Role::CommunityOfficer | Role::StreetOfficer => {
                tree.is_within(ticket.grid, post.unit)
                    || ticket.orders.iter().any(|order| order.unit == post.unit)
            }
            Role::DepartmentOfficer => {
                ticket.orders.iter().any(|order| tree.is_within(order.unit, post.unit))
            }
            Role::Dispatcher | Role::Inspector | Role::Observer | Role::Administrator => {
                tree.is_within(ticket.grid, post.unit)
            }
        })
}
