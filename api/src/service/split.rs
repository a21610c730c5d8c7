//! 拆分: several problems in one report become tickets of their own, which keep the report and its photos.

use std::collections::BTreeMap;

use suishoupai_core::flow::{
    Actor, Channel, Command, Event, Opening, PhotoRef, Stage, State, Step, open, step, told,
};
use suishoupai_core::model::Level;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::photos::Photo;
use suishoupai_storage::db::tickets::{Loaded, Opened, Place};
use suishoupai_storage::db::{Conn, history, photos, tickets};

use super::reports::numbered;
use super::tickets::{Order, execute, persist};
use crate::fail::{Fail, refusal};
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// A ticket splits into so many at the most.
pub const MOST_PARTS: usize = 5;

/// One problem that is split off.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its category, where it is known.
    pub category: Option<String>,
    /// What it is, in words.
    pub words: String,
}

/// Splits parts off a ticket. Each waits in the pool of the same grid; where the caller holds the claim of the
/// ticket, the parts are claimed by the caller too.
///
/// # Errors
/// As every command.
pub async fn split_off(
    services: &Services,
    actor: Actor,
    order: Order,
    parts: Vec<Part>,
) -> Result<(), Problem> {
    let ids: [i64; MOST_PARTS] = services.db.ids().await.map_err(Fail::from)?;
    let (registry, now) = (services.registry(), services.now());
    let command = match order.command {
        Command::Split { reason, .. } => {
            Command::Split { children: ids.iter().copied().take(parts.len()).collect(), reason }
        }
        other => other,
    };
    let order = Order { command, ..order };
    services
        .db
        .write(move |conn| {
            // First the parent: it checks who may do this, and holds the row for the rest.
            execute(conn, &registry, &actor, &order, now)?;
            let parent = tickets::find(conn, order.ticket)?.ok_or(Code::TicketNotFound)?;
            for (id, part) in ids.into_iter().zip(&parts) {
                open_part(conn, &registry, &actor, &parent, (id, part), now)?;
            }
            Ok::<_, Fail>(())
        })
        .await
        .map_err(Problem::from)
}

fn open_part(
    conn: &mut Conn,
    registry: &Registry,
    actor: &Actor,
    parent: &Loaded,
    (id, part): (i64, &Part),
    now: Moment,
) -> Result<(), Fail> {
    let ticket = &parent.ticket;
    let rules = registry.rules(ticket.district).ok_or(Code::TicketNotFound)?;
    // Parts of a part hang from the ticket that holds the report.
    let origin = ticket.parent.unwrap_or(ticket.id);
    let evidence = photos::evidence_of(conn, ticket.id)?;
    let history = history::of_ticket(conn, ticket.id)?;
    let before = evidence.into_iter().filter(|(stage, _, _)| *stage == Stage::Before);
    let opening = Opening {
        id,
        district: ticket.district,
        grid: ticket.grid,
        category: part.category.clone(),
        channel: if ticket.course.by_resident { Channel::Resident } else { Channel::GridWorker },
        reporter: ticket.reporters.first().copied().ok_or(Code::Internal)?,
        unit: None,
        facts: BTreeMap::from([("split_from".to_owned(), parent.number.clone())]),
        photos: before.map(|(stage, seq, photo)| again(&history, stage, seq, &photo)).collect(),
        parent: Some(origin),
        suspicions: Vec::new(),
    };
    let first = open(opening, now, rules).map_err(|why| refusal(&why))?;
    insert(conn, registry, parent, part, &first, now)?;
    if ticket.state == State::Claimed {
        let mut loaded = tickets::find(conn, id)?.ok_or(Code::Internal)?;
        let claimed = step(&loaded.ticket, &Command::Claim, actor, &[], now, rules);
        persist(conn, registry, &mut loaded, claimed.map_err(|why| refusal(&why))?)?;
    }
    Ok(())
}

/// A photo of the history of the ticket from which something is split off, with what was doubted of it there.
fn again(history: &[(Event, String)], stage: Stage, seq: i64, photo: &Photo) -> PhotoRef {
    let line = history.iter().map(|(event, _)| event).find(|event| event.seq == seq);
    let named = line.and_then(|event| event.photos.iter().find(|it| it.id == photo.id && it.stage == stage));
    named.cloned().unwrap_or_else(|| PhotoRef::new(photo.id, &photo.sha256, stage))
}

fn insert(
    conn: &mut Conn,
    registry: &Registry,
    parent: &Loaded,
    part: &Part,
    first: &Step,
    now: Moment,
) -> Result<(), Fail> {
    let ticket = &first.ticket;
    let above = |level| registry.above(ticket.grid, level).map_or(ticket.grid, |unit| unit.id);
    let place = Place {
        number: numbered(ticket.district, ticket.id, now),
        title: part.words.chars().take(60).collect(),
        community: above(Level::Community),
        street: above(Level::Street),
        lon: parent.lon,
        lat: parent.lat,
    };
    let units = told(None, ticket, &first.event, &registry.tree);
    Ok(tickets::insert(conn, &[Opened { step: first, place, told: units }])?)
}
