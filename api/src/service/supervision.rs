//! 督办单: issued, replied to, accepted, sent back, reopened. Every change is load, ask the rules, save.

use suishoupai_core::flow::supervision::{
    Around, Issue, SupervisionCommand, SupervisionId, issue, may_see_order, supervise,
};
use suishoupai_core::flow::{Actor, Stage, TicketId, may_see};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::supervision::{self as rows, Loaded};
use suishoupai_storage::db::{Conn, tickets};

use super::once::once;
use super::reports::{Repeat, numbered};
use super::tickets::attached;
use crate::auth::actor;
use crate::fail::{Fail, supervision_refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// What is to be issued.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Code of the unit that must reply.
    pub unit_code: String,
    /// Keys of the tickets that it is about.
    pub tickets: Vec<TicketId>,
    /// What is to be done, in words.
    pub text: Option<String>,
    /// When the reply must be there.
    pub due_at: Moment,
}

/// Issues an order for the caller's district, or finds the one that the first sending of the same request made.
///
/// # Errors
/// 404 for an unknown unit or a ticket that the caller may not see, 403 where the caller's posts do not suffice, 422
/// where a rule refuses; nothing has changed then.
pub async fn create(
    services: &Services,
    account: &Account,
    draft: Draft,
    repeat: Option<Repeat>,
) -> Result<SupervisionId, Fail> {
    let (registry, now) = (services.registry(), services.now());
    let [id] = services.db.ids::<1>().await?;
    let account = account.clone();
    services
        .db
        .write(move |conn| {
            once(conn, account.id, repeat.as_ref(), now, |conn| {
                let caller = actor(&account);
                create_in(conn, &registry, &caller, (account.district, id, &draft), now)?;
                Ok(id)
            })
        })
        .await
}

fn create_in(
    conn: &mut Conn,
    registry: &Registry,
    caller: &Actor,
    (district, id, draft): (District, SupervisionId, &Draft),
    now: Moment,
) -> Result<(), Fail> {
    let recipient = registry.tree.by_code(district, &draft.unit_code).ok_or_else(unknown_unit)?.id;
    let new = Issue {
        id,
        district,
        recipient,
        text: draft.text.clone(),
        tickets: draft.tickets.clone(),
        due_at: draft.due_at,
    };
    let around = around(registry, district, now);
    let step = issue(new, caller, around).map_err(|why| supervision_refusal(&why))?;
    for ticket in &step.order.tickets {
        let found = tickets::find(conn, *ticket)?.filter(|found| found.ticket.district == district);
        let roles = registry.sensitive_roles(district, now);
        if !found.is_some_and(|found| may_see(&found.ticket, caller, &registry.tree, roles)) {
            return Err(unknown_ticket(*ticket).into());
        }
    }
    Ok(rows::insert(conn, &step, &format!("DB-{}", numbered(district, id, now)))?)
}

fn around(registry: &Registry, district: District, now: Moment) -> Around<'_> {
    let policies = registry.districts.get(&district).map(|data| data.policies.at(now).1);
    let soon_percent = policies.map_or(100, |policy| policy.soon_percent);
    Around { tree: &registry.tree, soon_percent, now }
}

fn unknown_unit() -> Problem {
    let message = Text::new("本区没有这个单位代码", "the district has no unit with this code");
    Problem::new(Code::UnitNotFound).field("/unit_code", "unknown_unit", message)
}

fn unknown_ticket(id: TicketId) -> Problem {
    let message = Text::new(format!("没有案件 {id}"), format!("there is no ticket {id}"));
    Problem::new(Code::TicketNotFound).field("/tickets", "unknown_ticket", message)
}

/// A command on an order with what came along.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which order.
    pub id: SupervisionId,
    /// The version that the client has seen.
    pub version: i64,
    /// What to do.
    pub command: SupervisionCommand,
    /// Keys of photos that the caller has uploaded.
    pub photos: Vec<i64>,
}

/// Carries out a command durably.
///
/// # Errors
/// 404 for an order that the caller may not see, 409 for a stale version or a wrong state, 403 where the caller's
/// posts do not suffice, 422 where a rule refuses; nothing has changed then.
pub async fn carry_out(services: &Services, actor: Actor, order: Order) -> Result<(), Fail> {
    let (registry, now) = (services.registry(), services.now());
    services.db.write(move |conn| execute(conn, &registry, &actor, &order, now)).await
}

fn execute(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    order: &Order,
    now: Moment,
) -> Result<(), Fail> {
    let found = rows::find_for_update(conn, order.id)?;
    let seen = found.filter(|found| may_see_order(&found.order, actor, &registry.tree));
    let mut loaded = seen.ok_or(Code::SupervisionOrderNotFound)?;
    if order.version != loaded.order.version {
        return Err(stale(&loaded).into());
    }
    let photos = attached(conn, actor, &order.photos, Stage::After)?;
    let around = around(registry, loaded.order.district, now);
    let step = supervise(&loaded.order, &order.command, actor, &photos, around).map_err(|why| {
        let problem = supervision_refusal(&why);
        problem.with("version", loaded.order.version).with("state", loaded.order.state.as_str())
    })?;
    Ok(rows::save(conn, &mut loaded, step)?)
}

/// The client acted on what is no longer so: it is told the present state with the problem.
fn stale(loaded: &Loaded) -> Problem {
    let order = &loaded.order;
    Problem::new(Code::StaleVersion)
        .detail(Text::new(
            format!("督办单已更新到第 {} 版，当前为“{}”。", order.version, order.state.zh()),
            format!("The supervision order is at version {}, {}.", order.version, order.state.en()),
        ))
        .with("version", order.version)
        .with("state", order.state.as_str())
}
