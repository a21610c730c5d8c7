//! Tickets as those see them who follow without having reported, and what may be the same as something.

use std::collections::HashMap;

use suishoupai_core::flow::{Event, Role, Stage, State, TicketId};
use suishoupai_core::geo::LonLat;
use suishoupai_core::likeness::{public_title, rounded};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::{followers as rows, similar as similar_rows};

use super::report::{answer, next};
use super::{dossier, next_cursor, scene};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::Code;
use crate::service::followers::public_ticket;
use crate::service::similar::{Sketch, before_sending, of_ticket};
use crate::services::Services;
use crate::view::{
    CategoryRef, EvidenceView, FollowedLine, FollowedPage, FollowedView, SimilarReport, SimilarReports,
    SimilarTicket, SimilarTickets, events, shown_link,
};

/// What may be the same as what a resident is about to report.
///
/// # Errors
/// As [`before_sending`].
pub async fn similar_reports(
    services: &Services,
    account: &Account,
    sketch: Sketch,
    lang: Lang,
) -> Result<SimilarReports, Fail> {
    let (district, found, photos_pending) = before_sending(services, account, sketch).await?;
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    let items = found.iter().map(|one| SimilarReport::of(&scene, district, one, account.id)).collect();
    Ok(SimilarReports { items, photos_pending })
}

/// What may be the same as a ticket.
///
/// # Errors
/// 404 for a ticket that the caller may not see.
pub async fn similar_tickets(
    services: &Services,
    account: &Account,
    ticket: TicketId,
    limit: usize,
    lang: Lang,
) -> Result<SimilarTickets, Fail> {
    let (district, found) = of_ticket(services, account, ticket, limit).await?;
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    Ok(SimilarTickets { items: found.iter().map(|one| SimilarTicket::of(&scene, district, one)).collect() })
}

/// A ticket that the caller follows or has reported.
///
/// # Errors
/// 404 for any other, and for one that is no longer open to everybody.
pub async fn followed(
    services: &Services,
    account: &Account,
    ticket: TicketId,
    lang: Lang,
) -> Result<FollowedView, Fail> {
    let (registry, who) = (services.registry(), account.id);
    let look = {
        let registry = registry.clone();
        move |conn: &mut suishoupai_storage::db::Conn| {
            let loaded = public_ticket(conn, &registry, ticket)?;
            let main = loaded.ticket.id;
            let following = rows::find(conn, main, who)?;
            if following.is_none() && !loaded.ticket.reporters.contains(&who) {
                return Err(Fail::from(Code::TicketNotFound));
            }
            let people = similar_rows::people(conn, &[main])?.remove(&main).map_or(1, |all| all.len());
            let shown = similar_rows::pictures(conn, vec![main])?.into_iter().find(|one| one.is_ready);
            Ok((dossier(conn, loaded)?, following, people, shown))
        }
    };
    let (data, following, people, shown) = services.db.read(look).await?;
    let scene = scene(services, &registry, lang, data.names.clone());
    let t = &data.loaded.ticket;
    let at = rounded(LonLat { lon: data.loaded.lon, lat: data.loaded.lat });
    let history: Vec<_> = data.history.iter().filter_map(without_reporters).collect();
    let photos = data.evidence.iter().filter(|(stage, ..)| *stage != Stage::Before);
    Ok(FollowedView {
        ticket_id: t.id,
        title: public_title(&data.loaded.title),
        category: t.category.as_deref().map(|code| CategoryRef::of(&scene, t.district, code)),
        state: t.state,
        state_name: scene.pick(t.state.zh(), t.state.en()),
        lon: at.lon,
        lat: at.lat,
        people: people.max(1),
        following: following.is_some(),
        followed_at: following.map(|one| Moment::from_millis(one.since)),
        next: next(&scene, t),
        answer: answer(t, &data.history),
        thumbnail_url: shown.map(|one| shown_link(&scene, &one, "thumbnail")),
        photos: photos.map(|row| EvidenceView::public(&scene, row)).collect(),
        timeline: events(&scene, &history, false),
        created_at: t.created_at,
        updated_at: t.updated_at,
    })
}

/// A line without what a reporter said and sent; none where nothing is left of it.
fn without_reporters((event, hash): &(Event, String)) -> Option<(Event, String)> {
    let mut event = event.clone();
    if event.role == Role::Resident {
        if event.from == Some(event.to) {
            return None;
        }
        event.words = None;
        event.photos.clear();
    }
    Some((event, hash.clone()))
}

/// What the caller follows, the last one first; what is no longer open to everybody is left out.
///
/// # Errors
/// The database's.
pub async fn follows(
    services: &Services,
    account: &Account,
    before: Option<i64>,
    limit: i64,
    lang: Lang,
) -> Result<FollowedPage, Fail> {
    let who = account.id;
    let lines =
        services.db.read(move |conn| rows::of_account(conn, who, before, limit).map_err(Fail::from)).await?;
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    let next_cursor = next_cursor(lines.len(), limit, lines.last().map(|line| line.id));
    let items = lines
        .into_iter()
        .filter(|line| !line.sensitive)
        .map(|line| {
            let state = State::parse(&line.state).ok_or(Code::Internal)?;
            Ok(FollowedLine {
                ticket_id: line.ticket,
                title: public_title(&line.title),
                state,
                state_name: scene.pick(state.zh(), state.en()),
                followed_at: Moment::from_millis(line.since),
                updated_at: Moment::from_millis(line.updated_at),
            })
        })
        .collect::<Result<_, Fail>>()?;
    Ok(FollowedPage { items, next_cursor })
}
