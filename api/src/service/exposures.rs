//! 曝光台: proposed, approved or refused by somebody else, taken down. Every change is load, ask the rules, save.

use suishoupai_core::flow::exposure::{
    ExposureCommand, ExposureId, Picture, Proposal, expose, may_see_exposure, propose,
};
use suishoupai_core::flow::{Actor, Ticket, TicketId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::exposures::{self as rows, Loaded};
use suishoupai_storage::db::photos::{self, MediaKind, Photo, PhotoState};
use suishoupai_storage::db::{Conn, tickets};

use super::once::once;
use super::reports::Repeat;
use crate::auth::actor;
use crate::fail::{Fail, exposure_refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// What is proposed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The ticket.
    pub ticket: TicketId,
    /// Its picture.
    pub photo: i64,
    /// What the public reads.
    pub text: String,
    /// Whether nothing needs a mask.
    pub declared_clean: bool,
}

/// Proposes a picture, or finds the entry that the first sending of the same request made.
///
/// # Errors
/// 404 for a ticket that the caller may not see or a photo that is not its evidence, 403 where the caller's posts do not
/// suffice, 409 and 422 where a rule refuses; nothing has changed then.
pub async fn create(
    services: &Services,
    account: &Account,
    draft: Draft,
    repeat: Option<Repeat>,
) -> Result<ExposureId, Fail> {
    let (registry, now) = (services.registry(), services.now());
    let [id] = services.db.ids::<1>().await?;
    let account = account.clone();
    services
        .db
        .write(move |conn| {
            once(conn, account.id, repeat.as_ref(), now, |conn| {
                let caller = actor(&account);
                create_in(conn, &registry, &caller, id, &draft, now)?;
                Ok(id)
            })
        })
        .await
}

fn create_in(
    conn: &mut Conn,
    registry: &Registry,
    caller: &Actor,
    id: ExposureId,
    draft: &Draft,
    now: Moment,
) -> Result<(), Fail> {
    let ticket = seen_ticket(conn, registry, caller, draft.ticket, now)?.ok_or_else(unknown_ticket)?;
    // Locked: it is not masked anew between what is looked at here and what is written.
    let photo = photos::find_for_update(conn, draft.photo)?.ok_or_else(unknown_photo)?;
    if !photos::tickets_of(conn, photo.id)?.contains(&ticket.id) {
        return Err(unknown_photo().into());
    }
    let picture = picture(conn, &photo, None)?;
    let proposal = Proposal { id, declared_clean: draft.declared_clean, text: draft.text.clone() };
    let step = propose(proposal, &ticket, &picture, caller, &registry.tree, now);
    Ok(rows::insert(conn, &step.map_err(|why| exposure_refusal(&why))?)?)
}

fn picture(conn: &mut Conn, photo: &Photo, of: Option<ExposureId>) -> Result<Picture, Fail> {
    Ok(Picture {
        photo: photo.id,
        sha256: photo.sha256,
        mask_version: photo.mask_version,
        is_masked: photo.is_masked(),
        // A video would show more than its picture.
        is_ready: photo.state == PhotoState::Ready && photo.kind == MediaKind::Photo,
        is_on_board: rows::is_on_board(conn, photo.id, of)?,
    })
}

/// The ticket, if the caller may see it as an official.
pub(super) fn seen_ticket(
    conn: &mut Conn,
    registry: &Registry,
    caller: &Actor,
    ticket: TicketId,
    now: Moment,
) -> Result<Option<Ticket>, Fail> {
    let found = tickets::find(conn, ticket)?.map(|loaded| loaded.ticket);
    Ok(found.filter(|ticket| {
        let roles = registry.sensitive_roles(ticket.district, now);
        may_see_exposure(ticket, caller, &registry.tree, roles)
    }))
}

fn unknown_ticket() -> Problem {
    let message = Text::new("没有这个案件", "there is no such ticket");
    Problem::new(Code::TicketNotFound).field("/ticket_id", "unknown_ticket", message)
}

fn unknown_photo() -> Problem {
    let message = Text::new("不是该案件的照片", "is not a photo of the ticket");
    Problem::new(Code::PhotoNotFound).field("/photo_id", "unknown_photo", message)
}

/// Carries out a command durably.
///
/// # Errors
/// 404 for an entry that the caller may not see, 409 for a stale version or a wrong state, 403 where the caller's posts do
/// not suffice, 422 where a rule refuses; nothing has changed then.
pub async fn carry_out(
    services: &Services,
    actor: Actor,
    (id, version): (ExposureId, i64),
    command: ExposureCommand,
) -> Result<(), Fail> {
    let (registry, now) = (services.registry(), services.now());
    services
        .db
        .write(move |conn| {
            let (loaded, ticket) = seen(conn, &registry, &actor, id, now)?;
            // The picture before the entry: in the same order as when it is proposed or its mask is taken off.
            let photo = photos::find_for_update(conn, loaded.entry.photo)?.ok_or(Code::Internal)?;
            let loaded = rows::find_for_update(conn, loaded.entry.id)?.ok_or(Code::ExposureNotFound)?;
            if version != loaded.entry.version {
                return Err(stale(&loaded).into());
            }
            let picture = picture(conn, &photo, Some(id))?;
            let step = expose(&loaded.entry, &command, &ticket, &picture, &actor, &registry.tree, now);
            let step = step.map_err(|why| {
                let problem = exposure_refusal(&why);
                problem.with("version", loaded.entry.version).with("state", loaded.entry.state.as_str())
            })?;
            Ok(rows::save(conn, &loaded, &step)?)
        })
        .await
}

/// An entry with its ticket, for an official who may see the ticket.
///
/// # Errors
/// 404 for any other.
pub(super) fn seen(
    conn: &mut Conn,
    registry: &Registry,
    caller: &Actor,
    id: ExposureId,
    now: Moment,
) -> Result<(Loaded, Ticket), Fail> {
    let loaded = rows::find(conn, id)?.ok_or(Code::ExposureNotFound)?;
    let ticket = seen_ticket(conn, registry, caller, loaded.entry.ticket, now)?;
    Ok((loaded, ticket.ok_or(Code::ExposureNotFound)?))
}

/// The client acted on what is no longer so: it is told the present state with the problem.
fn stale(loaded: &Loaded) -> Problem {
    let entry = &loaded.entry;
    Problem::new(Code::StaleVersion)
        .detail(Text::new(
            format!("曝光条目已更新到第 {} 版，当前为“{}”。", entry.version, entry.state.zh()),
            format!("The entry is at version {}, {}.", entry.version, entry.state.en()),
        ))
        .with("version", entry.version)
        .with("state", entry.state.as_str())
}
