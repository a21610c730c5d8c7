//! 打码: areas of a photo made unreadable for everybody, with who, when and why. The original stays as it is.

use suishoupai_core::flow::masking::{Area, MaskEvent, MaskSubject, WHOLE, mask, unmask};
use suishoupai_core::flow::{Actor, Ticket, may_see};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::masks::{self, Masked};
use suishoupai_storage::db::photos::{self, MediaKind, PhotoState};
use suishoupai_storage::db::{Conn, exposures, jobs, tickets};

use super::photos::mask_job;
use crate::auth::actor;
use crate::fail::{Fail, mask_refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// Rectangles as a client gives them.
#[derive(Clone, Debug)]
pub enum Areas {
    /// In millionths of the upright picture.
    Shares(Vec<Area>),
    /// Left, top, width and height in pixels of the display rendition.
    Pixels(Vec<[u32; 4]>),
}

/// Adds areas to the mask of a photo, durably. From then on nobody gets the renditions of before; those with the mask are
/// made by a job. Areas that are masked already change nothing.
///
/// # Errors
/// 404 for a photo that is not evidence of a ticket which the caller may see, 403 where the caller's posts do not suffice,
/// 409 where it has no renditions, 422 for a video and for an area outside the picture.
pub async fn add(
    services: &Services,
    account: &Account,
    photo: i64,
    areas: Areas,
    reason: String,
) -> Result<(), Fail> {
    let (registry, now) = (services.registry(), services.now());
    let caller = actor(account);
    let [job] = services.db.ids::<1>().await?;
    services
        .db
        .write(move |conn| {
            let (mut masked, seen) = of_seen_tickets(conn, &registry, &caller, photo, now)?;
            if masked.photo.kind == MediaKind::Video {
                return Err(is_video().into());
            }
            if masked.photo.state == PhotoState::Failed {
                return Err(no_renditions().into());
            }
            let added = shares(&areas, &masked)?;
            let subject = subject(&masked, &seen);
            let line = mask(subject, &added, &reason, &caller, &registry.tree, now);
            let line = line.map_err(|why| mask_refusal(&why))?;
            line.map_or(Ok(()), |line| save(conn, &mut masked, &line, job, now))
        })
        .await?;
    services.jobs_waiting.notify_one();
    Ok(())
}

/// Takes the mask off, durably; not by one of those who masked.
///
/// # Errors
/// As [`add`]; 409 where there is no mask, or the picture is on the exposure board.
pub async fn take_off(
    services: &Services,
    account: &Account,
    photo: i64,
    reason: String,
) -> Result<(), Fail> {
    let (registry, now) = (services.registry(), services.now());
    let caller = actor(account);
    let [job] = services.db.ids::<1>().await?;
    services
        .db
        .write(move |conn| {
            let (mut masked, seen) = of_seen_tickets(conn, &registry, &caller, photo, now)?;
            if repeats(conn, &masked, &caller, &reason)? {
                return Ok(());
            }
            let on_board = exposures::is_on_board(conn, photo, None)?;
            let line = unmask(subject(&masked, &seen), on_board, &reason, &caller, &registry.tree, now);
            save(conn, &mut masked, &line.map_err(|why| mask_refusal(&why))?, job, now)
        })
        .await?;
    services.jobs_waiting.notify_one();
    Ok(())
}

/// Whether the last thing that was done is just this: a client that did not hear the answer asks again.
fn repeats(conn: &mut Conn, masked: &Masked, caller: &Actor, reason: &str) -> Result<bool, Fail> {
    if !masked.mask.areas.is_empty() {
        return Ok(false);
    }
    let last = masks::history(conn, masked.photo.id)?.pop();
    Ok(last.is_some_and(|(line, _)| Some(line.actor) == caller.account && line.reason == reason))
}

fn subject<'a>(masked: &'a Masked, seen: &'a [Ticket]) -> MaskSubject<'a> {
    MaskSubject { photo: masked.photo.id, sha256: &masked.photo.sha256, mask: &masked.mask, tickets: seen }
}

fn save(conn: &mut Conn, masked: &mut Masked, line: &MaskEvent, job: i64, now: Moment) -> Result<(), Fail> {
    masks::save(conn, masked, line)?;
    Ok(jobs::enqueue(conn, job, &mask_job(line.seq), masked.photo.id, now)?)
}

/// The photo, locked, with the tickets for which it is evidence and which the caller may see.
fn of_seen_tickets(
    conn: &mut Conn,
    registry: &Registry,
    caller: &Actor,
    photo: i64,
    now: Moment,
) -> Result<(Masked, Vec<Ticket>), Fail> {
    let masked = masks::find_for_update(conn, photo)?.ok_or(Code::PhotoNotFound)?;
    let mut seen = Vec::new();
    for ticket in photos::tickets_of(conn, photo)? {
        let found = tickets::find(conn, ticket)?.map(|loaded| loaded.ticket);
        seen.extend(found.filter(|ticket| {
            let roles = registry.sensitive_roles(ticket.district, now);
            may_see(ticket, caller, &registry.tree, roles)
        }));
    }
    if seen.is_empty() { Err(Code::PhotoNotFound.into()) } else { Ok((masked, seen)) }
}

/// The mask of a photo with its lines, for an official who may see one of its tickets, or who uploaded it.
///
/// # Errors
/// 404 for any other.
pub async fn lines(
    services: &Services,
    account: &Account,
    photo: i64,
) -> Result<(Masked, Vec<(MaskEvent, String)>), Fail> {
    let (registry, now) = (services.registry(), services.now());
    let caller = actor(account);
    services
        .db
        .read(move |conn| {
            let masked = masks::find(conn, photo)?.ok_or(Code::PhotoNotFound)?;
            if Some(masked.photo.account) == caller.account {
                return Ok((masked, masks::history(conn, photo)?));
            }
            for ticket in photos::tickets_of(conn, photo)? {
                let found = tickets::find(conn, ticket)?;
                let sees = found.is_some_and(|loaded| {
                    let roles = registry.sensitive_roles(loaded.ticket.district, now);
                    may_see(&loaded.ticket, &caller, &registry.tree, roles)
                });
                if sees {
                    return Ok((masked, masks::history(conn, photo)?));
                }
            }
            Err(Fail::from(Code::PhotoNotFound))
        })
        .await
}

/// The areas in millionths; pixels are those of the display rendition, which must have been made for that.
fn shares(areas: &Areas, masked: &Masked) -> Result<Vec<Area>, Problem> {
    let pixels = match areas {
        Areas::Shares(areas) => return Ok(areas.clone()),
        Areas::Pixels(pixels) => pixels,
    };
    let (width, height) = masked.photo.display.ok_or_else(no_renditions)?;
    let of_pixels = |(index, [left, top, across, down]): (usize, &[u32; 4])| {
        let scaled = |from: u32, length: u32, side: i32| {
            let side = u64::try_from(side).unwrap_or(1).max(1);
            let whole = u64::from(WHOLE);
            let low = u64::from(from) * whole / side;
            // What is touched in part is covered whole.
            let high = (u64::from(from) + u64::from(length)).min(side) * whole;
            let high = high.div_ceil(side);
            let fits = u64::from(from) + u64::from(length) <= side && length > 0;
            let both = u32::try_from(low).ok().zip(u32::try_from(high.saturating_sub(low)).ok());
            both.filter(|_| fits)
        };
        let across = scaled(*left, *across, width);
        let down = scaled(*top, *down, height);
        let area =
            across.zip(down).and_then(|((left, width), (top, height))| Area::new(left, top, width, height));
        area.ok_or_else(|| outside(index, (width, height)))
    };
    pixels.iter().enumerate().map(of_pixels).collect()
}

fn outside(index: usize, (width, height): (i32, i32)) -> Problem {
    let message = Text::new(
        format!("超出照片范围，照片为 {width} × {height} 像素"),
        format!("lies outside the picture, which has {width} x {height} pixels"),
    );
    Problem::new(Code::RefusedByRule).field(format!("/areas/{index}"), "outside_picture", message)
}

/// What moves would have to be masked in every frame.
fn is_video() -> Problem {
    Problem::new(Code::RefusedByRule).detail(Text::new(
        "视频不能打码，请截取画面作为照片上传后打码。",
        "Videos cannot be masked; upload a frame of it as a photo, and mask that.",
    ))
}

fn no_renditions() -> Problem {
    Problem::new(Code::NotAllowedInState).detail(Text::new(
        "照片正在处理或无法显示，请稍后再试。",
        "The picture is still being made, or cannot be shown; try again later.",
    ))
}
