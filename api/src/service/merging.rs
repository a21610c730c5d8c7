//! 并案: reports of the same thing go on as one ticket, and can be taken apart again.

use suishoupai_core::flow::{Actor, Command, Post, Role, TicketId, may_see, step};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::audit as audit_rows;
use suishoupai_storage::db::tickets::{self, Loaded};

use super::tickets::{Order, execute, overriding, persist};
use crate::fail::{Fail, refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// Carries out a merging or its undoing: the order's ticket is the one that is merged or taken out. The other
/// ticket is changed in the same transaction.
///
/// # Errors
/// As every command; 404 at `/into` for a ticket that the caller may not see, 422 where a sensitive ticket would come
/// under one that everybody sees, 409 where the other ticket is over.
pub async fn carry_out(services: &Services, actor: Actor, order: Order) -> Result<(), Problem> {
    let (registry, now) = (services.registry(), services.now());
    let trail = overriding(&registry, &actor, &order, now);
    services
        .db
        .write(move |conn| {
            match order.command {
                Command::Merge { into, .. } => merge(conn, &registry, &actor, (&order, into), now)?,
                _ => unmerge(conn, &registry, &actor, &order, now)?,
            }
            audit_rows::append(conn, trail.as_slice())?;
            Ok::<_, Fail>(())
        })
        .await
        .map_err(Problem::from)
}

fn merge(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    (order, into): (&Order, TicketId),
    now: Moment,
) -> Result<(), Fail> {
    let (merged, main) = both(conn, order.ticket, into)?;
    let merged = merged.ok_or(Code::TicketNotFound)?.ticket;
    let sensitive_roles = registry.sensitive_roles(merged.district, now);
    // Before anything is said of the other one, which would tell that this one is there.
    if !may_see(&merged, actor, &registry.tree, sensitive_roles) {
        return Err(Code::TicketNotFound.into());
    }
    let seen = main.filter(|main| {
        main.ticket.district == merged.district
            && may_see(&main.ticket, actor, &registry.tree, sensitive_roles)
    });
    let mut main = seen.ok_or_else(no_such_ticket)?;
    if merged.sensitive && !main.ticket.sensitive {
        return Err(too_open().into());
    }
    execute(conn, registry, actor, order, now)?;
    if into == order.ticket {
        return Ok(());
    }
    other_side(conn, registry, actor, &mut main, &Command::Absorb { ticket: order.ticket }, now)
}

fn unmerge(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    order: &Order,
    now: Moment,
) -> Result<(), Fail> {
    let main = tickets::goes_on_as(conn, order.ticket)?;
    let (_, main) = both(conn, order.ticket, main)?;
    execute(conn, registry, actor, order, now)?;
    let mut main = main.ok_or(Code::Internal)?;
    other_side(conn, registry, actor, &mut main, &Command::Detach { ticket: order.ticket }, now)
}

/// The two tickets, locked in the order of their keys, so that two mergings cannot wait for each other.
fn both(
    conn: &mut Conn,
    first: TicketId,
    second: TicketId,
) -> Result<(Option<Loaded>, Option<Loaded>), Fail> {
    let mut find = |id| tickets::find_for_update(conn, id);
    if first <= second {
        let found = find(first)?;
        Ok((found, find(second)?))
    } else {
        let found = find(second)?;
        Ok((find(first)?, found))
    }
}

/// Writes into the other ticket what happened, in the name of whoever did it.
fn other_side(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    main: &mut Loaded,
    command: &Command,
    now: Moment,
) -> Result<(), Fail> {
    let rules = registry.rules(main.ticket.district).ok_or(Code::TicketNotFound)?;
    let posts = vec![Post { role: Role::System, unit: 0 }];
    let on_behalf = Actor { posts, ..actor.clone() };
    let outcome = step(&main.ticket, command, &on_behalf, &[], now, rules).map_err(|why| refusal(&why))?;
    persist(conn, registry, main, outcome)
}

fn no_such_ticket() -> Problem {
    let message = Text::new("没有这个案卷", "there is no such ticket");
    Problem::new(Code::TicketNotFound).field("/into", "unknown_ticket", message)
}

fn too_open() -> Problem {
    let message =
        Text::new("敏感案件只能并入敏感案件", "a sensitive ticket can only be merged into a sensitive one");
    Problem::new(Code::RefusedByRule).field("/into", "not_sensitive", message)
}
