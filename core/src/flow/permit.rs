//! Who may do what: the table applied to a ticket and an actor.

use super::course::Summoned;
use super::order_words::{OrderState, RequestKind, RequestState};
use super::refusal::Refusal;
use super::state::{Role, State};
use super::table::{Row, TABLE, Tie};
use super::ticket::{Actor, Post, Ticket};
use super::verb::Verb;
use crate::model::{Level, UnitId, UnitTree};
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
    if ticket.course.held.is_some() && !goes_on_while_held(verb) {
        return Err(Refusal::Held);
    }
    let rows = || TABLE.iter().filter(|row| row.verb == verb && row.from.contains(&ticket.state));
    // What is the own unit's comes before what is a squad's: a department that assists its own squad finishes its own
    // order, and not the squad's.
    for own_unit in [true, false] {
        for row in rows() {
            let fits = |post: &&Post| {
                row.roles.contains(&post.role)
                    && tied(ticket, actor, post, row.tie, tree)
                    && (!own_unit || names_unit(ticket, row.tie, post.unit))
            };
            if let Some(post) = actor.posts.iter().find(fits) {
                return Ok((row, *post));
            }
        }
    }
    Err(why_not(ticket, verb, actor, tree, rows().next().is_some()))
}

/// What can be done with a ticket that waits for the centre's look: deciding about it, and what its reporter says.
const fn goes_on_while_held(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Pass | Verb::Refuse | Verb::Withdraw | Verb::Supplement | Verb::Recount | Verb::Reveal
    )
}

/// Whether a tie is to exactly this unit; never for a tie that is not to one unit.
fn names_unit(ticket: &Ticket, tie: Tie, unit: UnitId) -> bool {
    match tie {
        Tie::Addressee => ticket.lead_order().is_some_and(|order| order.unit == unit),
        Tie::Responsible => ticket.responsible == unit,
        Tie::Assistant => ticket.open_assists().any(|order| order.unit == unit),
        Tie::AssistantUnsigned => {
            ticket.open_assists().any(|order| order.state == OrderState::Pending && order.unit == unit)
        }
        _ => false,
    }
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
        actor.posts.iter().any(|post| {
            row.roles.contains(&post.role)
                && match row.tie {
                    Tie::AssistantUnsigned => tied(ticket, actor, post, Tie::Assistant, tree),
                    // Who has to sign first, or has signed already.
                    Tie::Addressee | Tie::Responsible => answers_for(post, ticket.desk(tree), tree),
                    tie => tied(ticket, actor, post, tie, tree),
                }
        })
    });
    if !known || untimely {
        return Refusal::WrongState { state: ticket.state, verb };
    }
    let someone_else = Actor { account: None, posts: actor.posts.clone(), stands_for: Vec::new() };
    let would_be_allowed = TABLE.iter().any(|row| {
        row.verb == verb
            && row.from.contains(&ticket.state)
            && matches!(row.tie, Tie::TerritoryNotHandler | Tie::DistrictNotHandler | Tie::DistrictNotAsker)
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
        Tie::Holder => {
            ticket.holder.is_some_and(|holder| actor.acts_as(holder.account) && holder.unit == post.unit)
        }
        Tie::Territory | Tie::District => tree.is_within(ticket.grid, post.unit),
        Tie::TerritoryNotHandler | Tie::DistrictNotHandler => {
            !is_handler && tree.is_within(ticket.grid, post.unit)
        }
        Tie::DistrictNotAsker => {
            let asker = ticket.course.open_request().map(|request| request.asked_by);
            tree.is_within(ticket.grid, post.unit) && asker.is_none_or(|asker| !actor.acts_as(asker))
        }
        Tie::Addressee => {
            let pending = ticket.lead_order().filter(|order| order.state == OrderState::Pending);
            pending.is_some_and(|order| answers_for(post, order.unit, tree))
        }
        Tie::Responsible => answers_for(post, ticket.responsible, tree),
        Tie::Summoned => ticket.course.open_whistle().is_some_and(|whistle| {
            whistle.units.iter().any(|summoned| answers_for(post, summoned.unit, tree))
        }),
        Tie::Whistler => ticket.course.open_whistle().is_some_and(|whistle| whistle.by == post.unit),
        Tie::Assistant => ticket.open_assists().any(|order| answers_for(post, order.unit, tree)),
        Tie::AssistantUnsigned => ticket
            .open_assists()
            .any(|order| order.state == OrderState::Pending && answers_for(post, order.unit, tree)),
        Tie::Server => post.role == Role::System,
    }
}

/// Whether a post may act for a unit: it is its own, or it is a squad below its department.
pub(super) fn answers_for(post: &Post, unit: UnitId, tree: &UnitTree) -> bool {
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
    // Nobody has written the lapse down yet, but for everybody the ticket is back in the pool.
    let lapsed =
        ticket.lease_is_over(now).then(|| Ticket { state: State::Received, holder: None, ..ticket.clone() });
    let seen_as = lapsed.as_ref().unwrap_or(ticket);
    Verb::ALL
        .iter()
        .copied()
        .filter(|verb| has_point(ticket, *verb, actor, tree, not_fixed_days, now))
        .filter(|verb| permit(seen_as, *verb, actor, tree).is_ok())
        .collect()
}

/// Whether a command that the table permits could do anything: what could only be refused is not offered.
pub(super) fn has_point(
    ticket: &Ticket,
    verb: Verb,
    actor: &Actor,
    tree: &UnitTree,
    not_fixed_days: u32,
    now: Moment,
) -> bool {
    let course = &ticket.course;
    let request = course.open_request();
    match verb {
        Verb::NotFixed => within_window(ticket, not_fixed_days, now),
        Verb::Rate => ticket.rated_round != Some(ticket.reopens),
        Verb::ReleaseAssist => ticket.open_assists().next().is_some(),
        Verb::Delegate => !tree.children(ticket.desk(tree)).is_empty(),
        Verb::Return => {
            let handed = ticket.lead_order().is_some_and(|order| order.handed_by.is_some());
            !course.bound || handed || permit_as_assistant(ticket, actor, tree)
        }
        Verb::Escalate => !course.bound || !below_district(ticket, tree),
        Verb::Pass => course.held.is_some(),
        Verb::AskReporter => course.waiting.is_none(),
        Verb::Resume => {
            course.waiting.is_some() || matches!(ticket.state, State::Suspended | State::Deferred)
        }
        Verb::AskExtension | Verb::AskSuspension | Verb::AskDeferral | Verb::AskVoid => request.is_none(),
        Verb::Endorse => {
            request.is_some_and(|request| needs_endorsement(ticket, request.kind, request.state))
        }
        Verb::Grant => request.is_some_and(|request| {
            may_decide(ticket, request.kind, actor, tree)
                && !needs_endorsement(ticket, request.kind, request.state)
        }),
        Verb::Deny => request.is_some_and(|request| may_decide(ticket, request.kind, actor, tree)),
        Verb::Whistle => course.open_whistle().is_none(),
        Verb::Answer => summoned(ticket, actor, tree, |unit| unit.answered_at.is_none()),
        Verb::SignIn => summoned(ticket, actor, tree, |unit| unit.signed_in_at.is_none()),
        Verb::CallBack => course.call_back_due,
        Verb::Count => course.call_backs.iter().any(|call| call.round == ticket.reopens),
        Verb::Arrive => course.arrival.is_some(),
        Verb::Urge => !permit_as_reporter(ticket, actor) || may_urge(ticket, actor, now),
        // Others have reported it as well, and it goes on for them.
        Verb::Withdraw | Verb::Merge => course.merged.is_empty(),
        // What the server writes down when it is due is nobody's choice.
        Verb::Lapse
        | Verb::Warn
        | Verb::Breach
        | Verb::AssistLate
        | Verb::Review
        | Verb::Recount
        | Verb::Reveal
        | Verb::Absorb
        | Verb::Detach => false,
        _ => true,
    }
}

/// Whether nobody but the district stands above the unit on whose desk the ticket lies.
fn below_district(ticket: &Ticket, tree: &UnitTree) -> bool {
    let above = tree.get(ticket.desk(tree)).and_then(|unit| unit.parent).and_then(|parent| tree.get(parent));
    above.is_some_and(|unit| unit.level == Level::District)
}

fn permit_as_assistant(ticket: &Ticket, actor: &Actor, tree: &UnitTree) -> bool {
    actor.posts.iter().any(|post| tied(ticket, actor, post, Tie::Assistant, tree))
}

/// Whether the actor urges as one of the reporters, not as the centre.
fn permit_as_reporter(ticket: &Ticket, actor: &Actor) -> bool {
    actor.account.is_some_and(|account| ticket.reporters.contains(&account))
        && actor.posts.iter().any(|post| post.role == Role::Resident)
}

fn may_urge(ticket: &Ticket, actor: &Actor, now: Moment) -> bool {
    actor.account.is_some_and(|account| ticket.course.may_urge(account, now))
}

fn summoned(ticket: &Ticket, actor: &Actor, tree: &UnitTree, still: impl Fn(&Summoned) -> bool) -> bool {
    ticket.course.open_whistle().is_some_and(|whistle| {
        whistle
            .units
            .iter()
            .any(|unit| still(unit) && actor.posts.iter().any(|post| answers_for(post, unit.unit, tree)))
    })
}

/// Whether a request must be reviewed before it is decided: an extension that is not the first.
pub(super) fn needs_endorsement(ticket: &Ticket, kind: RequestKind, state: RequestState) -> bool {
    kind == RequestKind::Extension && ticket.course.extensions > 0 && state == RequestState::Asked
}

/// Who decides a request: the first extension, a suspension and a deferral the chiefs, further extensions the
/// head of the centre, a voiding any second person of the centre.
const fn deciders(ticket: &Ticket, kind: RequestKind) -> &'static [Role] {
    match kind {
        RequestKind::Extension if ticket.course.extensions > 0 => &[Role::CentreHead],
        RequestKind::Extension | RequestKind::Suspension | RequestKind::Deferral => {
            &[Role::DutyChief, Role::CentreHead]
        }
        RequestKind::Void => &[Role::DutyChief, Role::CentreHead, Role::Dispatcher],
    }
}

/// Whether one of the actor's posts in the ticket's district decides this kind of request.
pub(super) fn may_decide(ticket: &Ticket, kind: RequestKind, actor: &Actor, tree: &UnitTree) -> bool {
    let roles = deciders(ticket, kind);
    actor.posts.iter().any(|post| roles.contains(&post.role) && tree.is_within(ticket.grid, post.unit))
}

/// Whether "not fixed" may still be said.
pub(super) fn within_window(ticket: &Ticket, days: u32, now: Moment) -> bool {
    ticket.closed_at.is_some_and(|closed| now <= closed.plus_seconds(i64::from(days) * 86_400))
}
