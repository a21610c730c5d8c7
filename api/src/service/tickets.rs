//! Every change of a ticket takes this one path: load in a write, ask the rules, save the step.

use suishoupai_core::flow::{
    Actor, Command, PhotoRef, Refusal, Stage, TicketId, Verb, lapse_first, may_see, step,
};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::tickets::Loaded;
use suishoupai_storage::db::{Conn, accounts, photos, reports, tickets};

use crate::fail::{Fail, refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// A command with what came along.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which ticket.
    pub ticket: TicketId,
    /// The version that the client has seen; none only for commands that are safe without.
    pub version: Option<i64>,
    /// What to do.
    pub command: Command,
    /// Keys of photos that the caller has uploaded.
    pub photos: Vec<i64>,
    /// At which stage they were taken.
    pub stage: Stage,
}

/// Carries out a command durably.
///
/// # Errors
/// 404 for a ticket that the caller may not see, 409 for a stale version or a wrong state, 403 where the caller's
/// posts do not suffice, 422 where a rule refuses; nothing has changed then.
pub async fn carry_out(services: &Services, actor: Actor, order: Order) -> Result<(), Problem> {
    let registry = services.registry();
    let now = services.now();
    services.db.write(move |conn| execute(conn, &registry, &actor, &order, now)).await.map_err(Problem::from)
}

fn execute(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    order: &Order,
    now: Moment,
) -> Result<(), Fail> {
    let mut loaded = tickets::find_for_update(conn, order.ticket)?.ok_or(Code::TicketNotFound)?;
    if !may_see(&loaded.ticket, actor, &registry.tree) {
        return Err(Code::TicketNotFound.into());
    }
    if order.version.is_some_and(|seen| seen != loaded.ticket.version) {
        return Err(stale(&loaded).into());
    }
    let rules = registry.rules(loaded.ticket.district).ok_or(Code::TicketNotFound)?;
    let verb = order.command.verb();
    if verb == Verb::Claim && holds(&loaded, actor, now) {
        // A phone that did not hear the answer claims again: it has what it asked for.
        return Ok(());
    }
    let lapse = lapse_first(&loaded.ticket, verb, actor, now).map_err(|why| refused(conn, &loaded, &why))?;
    if lapse {
        lapse_claim(conn, registry, &mut loaded, now)?;
    }
    let photos = attached(conn, actor, order)?;
    let outcome = step(&loaded.ticket, &order.command, actor, &photos, now, rules)
        .map_err(|why| refused(conn, &loaded, &why))?;
    if let Command::Rate { solved, stars, words } = &order.command {
        save_rating(conn, &loaded, actor, (*solved, *stars, words.clone()), now)?;
    }
    tickets::save(conn, &mut loaded, outcome)?;
    Ok(())
}

fn holds(loaded: &Loaded, actor: &Actor, now: Moment) -> bool {
    let holder = loaded.ticket.holder.filter(|_| !loaded.ticket.lease_is_over(now));
    holder.is_some_and(|holder| Some(holder.account) == actor.account)
}

/// Writes down that a claim has run out.
fn lapse_claim(conn: &mut Conn, registry: &Registry, loaded: &mut Loaded, now: Moment) -> Result<(), Fail> {
    let rules = registry.rules(loaded.ticket.district).ok_or(Code::TicketNotFound)?;
    let lapsed = step(&loaded.ticket, &Command::Lapse, &Actor::server(), &[], now, rules)
        .map_err(|why| refusal(&why))?;
    tickets::save(conn, loaded, lapsed)?;
    Ok(())
}

/// Puts a ticket back into its pool if its claim has run out; the job calls it for each.
///
/// # Errors
/// The database's.
pub async fn lapse(services: &Services, ticket: TicketId) -> Result<(), Fail> {
    let registry = services.registry();
    let now = services.now();
    services
        .db
        .write(move |conn| {
            let Some(mut loaded) = tickets::find_for_update(conn, ticket)? else { return Ok(()) };
            if loaded.ticket.lease_is_over(now) {
                lapse_claim(conn, &registry, &mut loaded, now)?;
            }
            Ok(())
        })
        .await
}

fn attached(conn: &mut Conn, actor: &Actor, order: &Order) -> Result<Vec<PhotoRef>, Fail> {
    if order.photos.is_empty() {
        return Ok(Vec::new());
    }
    let account = actor.account.ok_or(Code::Forbidden)?;
    let found = photos::owned(conn, account, &order.photos)?;
    if let Some(missing) = order.photos.iter().find(|id| !found.iter().any(|photo| photo.id == **id)) {
        return Err(unknown_photo(*missing).into());
    }
    Ok(found
        .iter()
        .map(|photo| PhotoRef { id: photo.id, sha256: hex::encode(photo.sha256), stage: order.stage })
        .collect())
}

/// A photo id that is not one of the caller's.
pub fn unknown_photo(id: i64) -> Problem {
    let message = Text::new(
        format!("没有您上传的照片 {id}，请先上传"),
        format!("{id} is not a photo that you have uploaded; upload it first"),
    );
    Problem::new(Code::PhotoNotFound).field("/photo_ids", "unknown_photo", message)
}

fn save_rating(
    conn: &mut Conn,
    loaded: &Loaded,
    actor: &Actor,
    (solved, stars, words): (bool, u8, Option<String>),
    now: Moment,
) -> Result<(), Fail> {
    let ticket = &loaded.ticket;
    let Some(account) = actor.account else { return Ok(()) };
    let round = ticket.reopens;
    let rating = reports::Rating { round, solved, stars: i32::from(stars), words, created_at: now.millis() };
    reports::insert_rating(conn, ticket.id, ticket.district, account, &rating)?;
    Ok(())
}

/// The client acted on what is no longer so: it is told the present state with the problem.
fn stale(loaded: &Loaded) -> Problem {
    let ticket = &loaded.ticket;
    Problem::new(Code::StaleVersion)
        .detail(Text::new(
            format!("案件已更新到第 {} 版，当前为“{}”。", ticket.version, ticket.state.zh()),
            format!("The ticket is at version {}, {}.", ticket.version, ticket.state.en()),
        ))
        .with("version", ticket.version)
        .with("state", ticket.state.as_str())
}

fn refused(conn: &mut Conn, loaded: &Loaded, why: &Refusal) -> Fail {
    let problem =
        refusal(why).with("version", loaded.ticket.version).with("state", loaded.ticket.state.as_str());
    let Refusal::HeldBy { account, until } = why else { return problem.into() };
    match accounts::names(conn, &[*account]) {
        Ok(names) => {
            let name = names.into_iter().map(|(_, name, _)| name).next().unwrap_or_default();
            problem.with("held_by", name).with("held_until", until.to_string()).into()
        }
        Err(error) => error.into(),
    }
}

/// The commands whose outcome depends on nothing but the state, so that a client need not have read a version.
pub const fn is_safe_without_version(verb: Verb) -> bool {
    matches!(verb, Verb::Claim | Verb::Supplement | Verb::Rate | Verb::NotFixed | Verb::Withdraw)
}
