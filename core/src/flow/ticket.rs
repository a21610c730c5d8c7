//! 案卷: what the rules know of a ticket, of its work orders and of the person who acts.

use super::course::Course;
use super::order_words::{OrderKind, OrderState, Pressure};
use super::state::{Phase, Role, State};
use super::timer::Timer;
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
    /// All posts of the account, and of those for whom it stands in now.
    pub posts: Vec<Post>,
    /// The accounts for which it stands in now: colleagues on leave.
    pub stands_for: Vec<AccountId>,
}

impl Actor {
    /// The server acting by itself: a lease that runs out, a timer.
    pub fn server() -> Self {
        Self { account: None, posts: vec![Post { role: Role::System, unit: 0 }], stands_for: Vec::new() }
    }

    /// Whether the account is this one or stands in for it.
    pub fn acts_as(&self, account: AccountId) -> bool {
        self.account == Some(account) || self.stands_for.contains(&account)
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
    /// Its clock; none for orders given before clocks were kept.
    pub timer: Option<Timer>,
    /// The unit that handed it down or up, to which it goes back when it is returned.
    pub handed_by: Option<UnitId>,
}

impl WorkOrder {
    /// Whether it ended, or at `now` still is, past its deadline.
    pub fn is_late(&self, now: Moment) -> bool {
        match (self.ended_at, &self.timer) {
            (Some(ended), _) => ended > self.due_at,
            (None, Some(timer)) => timer.pressure(now) == Pressure::Overdue,
            (None, None) => now > self.due_at,
        }
    }
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
    /// When it was closed, refused, withdrawn, voided or merged.
    pub closed_at: Option<Moment>,
    /// Visible only to named roles.
    pub sensitive: bool,
    /// The ticket from which it was split off.
    pub parent: Option<TicketId>,
    /// The ticket that goes on for it, while it is merged.
    pub merged_into: Option<TicketId>,
    /// When the present phase must be over; none while no clock runs.
    pub stage_due_at: Option<Moment>,
    /// From when the present phase is due soon.
    pub soon_at: Option<Moment>,
    /// When the server next has to look at it.
    pub alarm_at: Option<Moment>,
    /// What else the rules keep.
    pub course: Course,
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

    /// The phase whose clock counts; none where nothing is expected of anybody.
    pub fn phase(&self) -> Option<Phase> {
        match self.state {
            // No grid is to answer for what it is not shown.
            State::Received => self.course.held.is_none().then_some(Phase::Accept),
            State::Claimed => Some(Phase::Verify),
            State::Verified => Some(Phase::File),
            State::Filed => Some(Phase::Dispatch),
            State::Arbitrating => Some(Phase::Arbitrate),
            State::Dispatched => Some(Phase::Sign),
            State::Handling => Some(Phase::Handle),
            State::Checking => Some(Phase::Check),
            State::Closed => self.course.call_back_due.then_some(Phase::CallBack),
            State::Suspended
            | State::Deferred
            | State::Refused
            | State::Withdrawn
            | State::Voided
            | State::Merged => None,
        }
    }

    /// The clock of the present phase.
    pub fn timer(&self) -> Option<&Timer> {
        match self.state {
            State::Handling | State::Suspended | State::Deferred => {
                self.lead_order().and_then(|order| order.timer.as_ref())
            }
            _ => self.course.timer.as_ref(),
        }
    }

    /// Whether time presses at `now`.
    pub fn pressure(&self, now: Moment) -> Pressure {
        self.timer().map_or(Pressure::Normal, |timer| timer.pressure(now))
    }

    /// The unit on whose desk it lies: the grid's pool, the centre, who is to sign, or who handles it.
    pub fn desk(&self, tree: &UnitTree) -> UnitId {
        let centre = || tree.root(self.district).map_or(self.responsible, |unit| unit.id);
        match self.state {
            State::Received if self.course.held.is_some() => centre(),
            State::Received => self.grid,
            State::Claimed => self.holder.map_or(self.grid, |holder| holder.unit),
            // Once closed it waits for the call-back, which is the centre's.
            State::Verified | State::Filed | State::Arbitrating | State::Closed => centre(),
            State::Dispatched => self.lead_order().map_or(self.responsible, |order| order.unit),
            State::Checking => self.grid,
            _ => self.responsible,
        }
    }

    /// Whether the claim has run out by `now`, though nobody has written that down yet.
    pub fn lease_is_over(&self, now: Moment) -> bool {
        self.state == State::Claimed && self.holder.is_none_or(|holder| holder.until <= now)
    }
}

/// Whether the actor may see the ticket at all; a ticket that may not be seen does not exist for the caller.
///
/// Reporters see theirs; territory posts what lies in their unit; departments what they have or had an order
/// for (a department sees its squads' orders) and what they are summoned to; posts at the district see the whole
/// district. A ticket of a sensitive kind is seen by its reporter, by units with an order, by who holds it, and
/// by the roles that the district names. What is held as suspected spam is seen by its reporter and at the district only, and
/// by those who decide about it whether they are named or not.
pub fn may_see(ticket: &Ticket, actor: &Actor, tree: &UnitTree, sensitive_roles: &[Role]) -> bool {
    let reported = actor.account.is_some_and(|account| ticket.reporters.contains(&account));
    reported || actor.posts.iter().any(|post| post_sees(ticket, actor, post, tree, sensitive_roles))
}

fn post_sees(ticket: &Ticket, actor: &Actor, post: &Post, tree: &UnitTree, sensitive_roles: &[Role]) -> bool {
    let ordered = |order: &WorkOrder| match post.role {
        Role::DepartmentOfficer => tree.is_within(order.unit, post.unit),
        _ => order.unit == post.unit,
    };
    let summoned = || {
        let whistles = ticket.course.whistles.iter();
        whistles.flat_map(|whistle| &whistle.units).any(|summoned| tree.is_within(summoned.unit, post.unit))
    };
    match post.role {
        Role::Resident => return false,
        Role::System => return true,
        Role::GridWorker | Role::CommunityOfficer | Role::StreetOfficer | Role::DepartmentOfficer => {
            let holds = ticket.holder.is_some_and(|holder| actor.acts_as(holder.account));
            if holds || ticket.orders.iter().any(ordered) || summoned() {
                return true;
            }
        }
        _ => {}
    }
    let held = ticket.course.held.is_some();
    if held && matches!(post.role, Role::GridWorker | Role::CommunityOfficer | Role::StreetOfficer) {
        return false;
    }
    let decides = held && matches!(post.role, Role::Dispatcher | Role::DutyChief | Role::CentreHead);
    let named = !ticket.sensitive || decides || sensitive_roles.contains(&post.role);
    named && post.role != Role::DepartmentOfficer && tree.is_within(ticket.grid, post.unit)
}
