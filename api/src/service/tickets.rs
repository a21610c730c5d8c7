//! Every change of a ticket takes this one path: load in a write, ask the rules, save the step.

use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::{
    Actor, Command, PhotoRef, PhotoScene, Policy, Refusal, RefuseReason, Sighting, Stage, Step, TicketId,
    Verb, doubts, lapse_first, may_see, step, told,
};
use suishoupai_core::geo::{LonLat, distance_m};
use suishoupai_core::likeness::Use;
use suishoupai_core::model::Duty;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::photos::Named;
use suishoupai_storage::db::tickets::Loaded;
use suishoupai_storage::db::{Conn, abuse, accounts, photos, reference, reports, tickets};

use crate::audit;
use crate::callers;
use crate::fail::{Fail, refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::service::pictures::{self, Before};
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
    /// Where the caller stood, and when the phone took that.
    pub position: Option<Position>,
    /// A duty to be written down with the decision of a dispute.
    pub duty: Option<Duty>,
    /// What the photos are known to have been before, as [`carry_out`] looks it up.
    pub before: Before,
}

/// Where a phone was.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// In WGS-84.
    pub at: LonLat,
    /// When it was taken.
    pub taken_at: Moment,
}

/// Carries out a command durably.
///
/// # Errors
/// 404 for a ticket that the caller may not see, 409 for a stale version or a wrong state, 403 where the caller's
/// posts do not suffice, 422 where a rule refuses; nothing has changed then.
pub async fn carry_out(services: &Services, actor: Actor, order: Order) -> Result<Loaded, Problem> {
    let before = pictures::before(services, &order.photos, Vec::new()).await?;
    let order = Order { before, ..order };
    let registry = services.registry();
    let now = services.now();
    let changes_rules = order.duty.is_some();
    let is_false = calls_false(&order.command);
    let trail = overriding(&registry, &actor, &order, now);
    let loaded = services
        .db
        .write(move |conn| {
            let loaded = execute(conn, &registry, &actor, &order, now)?;
            audit_rows::append(conn, trail.as_slice())?;
            Ok::<_, Fail>(loaded)
        })
        .await
        .map_err(Problem::from)?;
    if is_false {
        // Whoever reported it may be distrusted from now on.
        callers::changed(services).await;
    }
    if changes_rules {
        services.refresh_registry().await?;
    }
    Ok(loaded)
}

/// What the audit trail says of a command that decides over what units or the rules had said.
pub(super) fn overriding(registry: &Registry, actor: &Actor, order: &Order, now: Moment) -> Option<Entry> {
    let (reason, rule) = match &order.command {
        Command::Arbitrate { reason, .. } => (reason, order.duty.is_some()),
        Command::Count { reason, .. } | Command::Unmerge { reason } | Command::Reveal { reason } => {
            (reason, false)
        }
        _ => return None,
    };
    let is_reveal = order.command.verb() == Verb::Reveal;
    let district = actor.posts.iter().find_map(|post| registry.tree.get(post.unit)).map(|unit| unit.district);
    let kind = if is_reveal { AuditKind::Reveal } else { AuditKind::Override };
    let entry = audit::entry(kind, district.unwrap_or_default(), now);
    let entry = audit::with(entry, "command", order.command.verb().as_str());
    let entry = if rule { audit::with(entry, "new_duty", true) } else { entry };
    let subject = Some(format!("ticket:{}", order.ticket));
    Some(Entry { account: actor.account, subject, why: Some(reason.clone()), ..entry })
}

/// Carries out a command inside a write; the ticket as it is after it.
///
/// # Errors
/// As [`carry_out`].
pub fn execute(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    order: &Order,
    now: Moment,
) -> Result<Loaded, Fail> {
    let mut loaded = tickets::find_for_update(conn, order.ticket)?.ok_or(Code::TicketNotFound)?;
    execute_on(conn, registry, &mut loaded, actor, order, now)?;
    Ok(loaded)
}

/// Carries out a command on a ticket that was loaded in this write; `loaded` becomes the state after it.
///
/// # Errors
/// As [`carry_out`].
pub fn execute_on(
    conn: &mut Conn,
    registry: &Registry,
    loaded: &mut Loaded,
    actor: &Actor,
    order: &Order,
    now: Moment,
) -> Result<(), Fail> {
    let sensitive_roles = registry.sensitive_roles(loaded.ticket.district, now);
    if !may_see(&loaded.ticket, actor, &registry.tree, sensitive_roles) {
        return Err(Code::TicketNotFound.into());
    }
    if order.version.is_some_and(|seen| seen != loaded.ticket.version) {
        return Err(stale(loaded).into());
    }
    let rules = registry.rules(loaded.ticket.district).ok_or(Code::TicketNotFound)?;
    let verb = order.command.verb();
    if verb == Verb::Claim && holds(loaded, actor, now) {
        // A phone that did not hear the answer claims again: it has what it asked for.
        return Ok(());
    }
    let lapse = lapse_first(&loaded.ticket, verb, actor, now).map_err(|why| refused(conn, loaded, &why))?;
    if lapse {
        lapse_claim(conn, registry, loaded, now)?;
    }
    let place = LonLat { lon: loaded.lon, lat: loaded.lat };
    let scene = PhotoScene { place, opened_at: Some(loaded.ticket.created_at), now };
    let policy = rules.policy(&loaded.ticket, now);
    let named = own_photos(conn, actor, &order.photos)?;
    let ticket = &loaded.ticket;
    let seen = |photo: &Named| {
        let origin = ticket.parent.unwrap_or(ticket.id);
        let used = Use { ticket: ticket.id, origin, photo: photo.id, stage: order.stage, at: now.millis() };
        let reuse = order.before.doubts(&photo.sha256, ticket.district, &used);
        sighted(photo, order.stage, order.position, &scene, policy).doubted(reuse)
    };
    let photos: Vec<PhotoRef> = named.iter().map(seen).collect();
    let command = on_the_spot(order, place, now);
    let outcome = step(&loaded.ticket, &command, actor, &photos, now, rules)
        .map_err(|why| refused(conn, loaded, &why))?;
    if let Command::Rate { solved, stars, words } = &order.command {
        save_rating(conn, loaded, actor, (*solved, *stars, words.clone()), now)?;
    }
    if calls_false(&order.command) {
        abuse::note_false(conn, loaded.ticket.id, &loaded.ticket.reporters, registry.distrust, now)?;
    }
    if let Some(duty) = &order.duty {
        reference::save_duties(conn, loaded.ticket.district, std::slice::from_ref(duty))?;
    }
    persist(conn, registry, loaded, outcome)
}

/// Whether a report is refused as one that should not have been sent.
const fn calls_false(command: &Command) -> bool {
    matches!(command, Command::Refuse { reason: RefuseReason::FalseReport | RefuseReason::Spam, .. })
}

/// Writes a step down, with the notices that follow from it.
///
/// # Errors
/// The database's.
pub fn persist(conn: &mut Conn, registry: &Registry, loaded: &mut Loaded, step: Step) -> Result<(), Fail> {
    let units = told(Some(&loaded.ticket), &step.ticket, &step.event, &registry.tree);
    Ok(tickets::save(conn, loaded, step, &units)?)
}

/// The command with how far from the ticket's place the caller stood.
pub(crate) fn on_the_spot(order: &Order, place: LonLat, now: Moment) -> Command {
    let mut command = order.command.clone();
    let spot = match &mut command {
        Command::Arrive { spot, .. }
        | Command::SignIn { spot }
        | Command::Close { spot, .. }
        | Command::Rework { spot, .. } => spot,
        _ => return command,
    };
    if let Some(position) = order.position {
        let metres = distance_m(position.at, place).round();
        // The earth is smaller than the range of the number.
        spot.distance_m = Some(metres as u32);
        // A phone whose clock runs ahead a little is forgiven; one from the future proves nothing.
        let age = (now.millis() - position.taken_at.millis()) / 1000;
        spot.age_s = (age >= -60).then(|| u32::try_from(age.max(0)).unwrap_or(u32::MAX));
    }
    command
}

fn holds(loaded: &Loaded, actor: &Actor, now: Moment) -> bool {
    let holder = loaded.ticket.holder.filter(|_| !loaded.ticket.lease_is_over(now));
    holder.is_some_and(|holder| actor.acts_as(holder.account))
}

/// Writes down that a claim has run out.
fn lapse_claim(conn: &mut Conn, registry: &Registry, loaded: &mut Loaded, now: Moment) -> Result<(), Fail> {
    let rules = registry.rules(loaded.ticket.district).ok_or(Code::TicketNotFound)?;
    let lapsed = step(&loaded.ticket, &Command::Lapse, &Actor::server(), &[], now, rules)
        .map_err(|why| refusal(&why))?;
    persist(conn, registry, loaded, lapsed)
}

/// Puts a ticket back into its pool if its claim has run out; says whether it had. The job calls it for each.
///
/// # Errors
/// The database's.
pub fn lapse(conn: &mut Conn, registry: &Registry, ticket: TicketId, now: Moment) -> Result<bool, Fail> {
    let Some(mut loaded) = tickets::find_for_update(conn, ticket)? else { return Ok(false) };
    let is_over = loaded.ticket.lease_is_over(now);
    if is_over {
        lapse_claim(conn, registry, &mut loaded, now)?;
    }
    Ok(is_over)
}

/// The caller's own photos with these keys, as they are bound into a history that has no place.
///
/// # Errors
/// 404 for a key that is not one of the caller's photos.
pub(super) fn attached(
    conn: &mut Conn,
    actor: &Actor,
    ids: &[i64],
    stage: Stage,
) -> Result<Vec<PhotoRef>, Fail> {
    let named = own_photos(conn, actor, ids)?;
    Ok(named.iter().map(|photo| PhotoRef::new(photo.id, &photo.sha256, stage)).collect())
}

fn own_photos(conn: &mut Conn, actor: &Actor, ids: &[i64]) -> Result<Vec<Named>, Fail> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let account = actor.account.ok_or(Code::Forbidden)?;
    let named = photos::named(conn, ids)?;
    let own = |id: &i64| {
        let photo = named.get(id).filter(|photo| photo.account == account);
        photo.copied().ok_or_else(|| unknown_photo(*id).into())
    };
    ids.iter().map(own).collect()
}

/// A photo as it is bound into the history of a ticket, with what is doubted about where and when it was taken.
pub(super) fn sighted(
    photo: &Named,
    stage: Stage,
    position: Option<Position>,
    scene: &PhotoScene,
    policy: &Policy,
) -> PhotoRef {
    let seen = Sighting {
        camera_at: photo.taken_at,
        camera_place: photo.gps,
        phone: position.map(|position| (position.at, position.taken_at)),
    };
    let doubts = doubts(&seen, stage, scene, policy);
    PhotoRef { doubts, ..PhotoRef::new(photo.id, &photo.sha256, stage) }
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
    matches!(verb, Verb::Claim | Verb::Supplement | Verb::Urge | Verb::Rate | Verb::NotFixed | Verb::Withdraw)
}
