//! One ticket, as officials see it.

use suishoupai_core::flow::{Actor, Doubt, Stage, TicketId, Verb, allowed_actions, may_see};
use suishoupai_core::model::UnitId;
use suishoupai_core::privacy::Terms;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::evidence::{self, SeenRow};
use suishoupai_storage::db::photos::Photo;
use suishoupai_storage::db::reports::Report;
use suishoupai_storage::db::tickets::Loaded;
use suishoupai_storage::db::{Conn, supervision, tickets};
use suishoupai_storage::seal::Sealer;

use super::{Dossier, dossier, place, scene};
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::Code;
use crate::registry::Registry;
use crate::services::Services;
use crate::view::{
    CategoryRef, CourseView, EvidenceView, HolderView, Located, OrderView, OtherTicket, RatingView,
    ReportInTicket, Scene, SeenBeforeView, SupervisionRef, TicketView, UnitRef, add_found, events,
};

/// A ticket for an official.
///
/// # Errors
/// 404 for one that the caller may not see.
pub async fn ticket(services: &Services, account: &Account, id: i64, lang: Lang) -> Result<TicketView, Fail> {
    view(services, account, What::Seen(id), lang).await
}

/// A ticket for an official who has just acted on it. It is answered also where the act took it out of the caller's
/// sight, as filing under a sensitive category does: a 404 would say that nothing had been done.
///
/// # Errors
/// The database's.
pub async fn ticket_after(
    services: &Services,
    account: &Account,
    id: i64,
    lang: Lang,
) -> Result<TicketView, Fail> {
    view(services, account, What::After(id), lang).await
}

/// As [`ticket_after`], where the act has left the ticket at hand.
///
/// # Errors
/// The database's.
pub async fn ticket_acted_on(
    services: &Services,
    account: &Account,
    loaded: Loaded,
    lang: Lang,
) -> Result<TicketView, Fail> {
    view(services, account, What::ActedOn(Box::new(loaded)), lang).await
}

/// Which ticket is shown.
enum What {
    /// If the caller may see it.
    Seen(TicketId),
    /// In any case.
    After(TicketId),
    /// In any case, and it need not be read.
    ActedOn(Box<Loaded>),
}

async fn view(services: &Services, account: &Account, what: What, lang: Lang) -> Result<TicketView, Fail> {
    let registry = services.registry();
    let caller = actor(account);
    let (data, supervision, seen) = {
        let (registry, caller, now) = (registry.clone(), caller.clone(), services.now());
        services
            .db
            .read(move |conn| {
                let has_acted = !matches!(what, What::Seen(_));
                let loaded = match what {
                    What::ActedOn(loaded) => *loaded,
                    What::Seen(id) | What::After(id) => {
                        tickets::find(conn, id)?.ok_or(Code::TicketNotFound)?
                    }
                };
                let id = loaded.ticket.id;
                let sensitive_roles = registry.sensitive_roles(loaded.ticket.district, now);
                if !has_acted && !may_see(&loaded.ticket, &caller, &registry.tree, sensitive_roles) {
                    return Err(Fail::from(Code::TicketNotFound));
                }
                let data = dossier(conn, loaded)?;
                let seen_before = match data.besides.is_seen_before {
                    true => seen_before(conn, id, &caller, &registry, now)?,
                    false => Vec::new(),
                };
                let supervision = match data.besides.is_supervised {
                    true => supervision::of_ticket(conn, id)?,
                    false => Vec::new(),
                };
                Ok((data, supervision, seen_before))
            })
            .await?
    };
    let scene = scene(services, &registry, lang, data.names.clone());
    let days = services.config.reports.not_fixed_days;
    let allowed = allowed_actions(&data.loaded.ticket, &caller, &registry.tree, days, scene.now);
    let mut view = ticket_view(&scene, &data, allowed, services.config.privacy.terms(), &services.sealer);
    add_found(&scene, &mut view, seen.iter().map(|(row, _)| row.clone()));
    let supervision_orders = supervision.iter().map(|order| SupervisionRef::of(&scene, order)).collect();
    let seen_before =
        seen.iter().map(|(row, other)| SeenBeforeView::of(&scene, row, other.clone())).collect();
    Ok(TicketView { supervision_orders, seen_before, followers: data.besides.followers, ..view })
}

/// What of the evidence was seen before, each with the ticket where that was, if the caller may see it.
fn seen_before(
    conn: &mut Conn,
    ticket: TicketId,
    caller: &Actor,
    registry: &Registry,
    now: Moment,
) -> Result<Vec<(SeenRow, Option<OtherTicket>)>, Fail> {
    let rows = evidence::seen_of(conn, ticket)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let others = tickets::find_all(conn, rows.iter().map(|row| row.other_ticket).collect())?;
    let visible = |row: &SeenRow| {
        let other = others.iter().find(|other| other.ticket.id == row.other_ticket)?;
        let roles = registry.sensitive_roles(other.ticket.district, now);
        may_see(&other.ticket, caller, &registry.tree, roles)
            .then(|| OtherTicket { id: other.ticket.id, number: other.number.clone() })
    };
    Ok(rows.into_iter().map(|row| (row.clone(), visible(&row))).collect())
}

/// `terms` say until when officials are shown who reported.
fn ticket_view(
    scene: &Scene<'_>,
    data: &Dossier,
    allowed: Vec<Verb>,
    terms: Terms,
    sealer: &Sealer,
) -> TicketView {
    let t = &data.loaded.ticket;
    let shows_reporter = !terms.is_closed_off(t.state, t.updated_at, scene.now);
    let place = suishoupai_core::geo::LonLat { lon: data.loaded.lon, lat: data.loaded.lat };
    let evidence =
        |row: &(Stage, i64, Photo)| EvidenceView::official(scene, row, place, doubts_of(data, row));
    let mut path: Vec<UnitId> = data.history.iter().map(|(event, _)| event.responsible).collect();
    path.dedup();
    TicketView {
        id: t.id,
        number: data.loaded.number.clone(),
        state: t.state,
        state_name: scene.state_name(t.state, t.course.held.is_some()),
        version: t.version,
        category: t.category.as_deref().map(|code| CategoryRef::of(scene, t.district, code)),
        urgent: t.urgent,
        located: Located::of(scene, t.grid, data.reports.first().map_or(0.0, |report| report.distance_m)),
        responsible: UnitRef::of(scene, t.responsible),
        path: path.into_iter().map(|unit| UnitRef::of(scene, unit)).collect(),
        holder: t.holder.map(|holder| HolderView {
            name: scene.official(holder.account).unwrap_or_default(),
            unit: UnitRef::of(scene, holder.unit),
            until: holder.until,
        }),
        reports: data
            .reports
            .iter()
            .map(|report| report_in_ticket(scene, report, shows_reporter, sealer))
            .collect(),
        evidence: data.evidence.iter().map(evidence).collect(),
        orders: t.orders.iter().map(|order| OrderView::of(scene, order)).collect(),
        events: events(scene, &data.history, true),
        ratings: data.ratings.iter().cloned().map(RatingView::from).collect(),
        returns: t.returns,
        reworks: t.reworks,
        reopens: t.reopens,
        allowed_actions: allowed,
        created_at: t.created_at,
        updated_at: t.updated_at,
        filed_at: t.filed_at,
        due_at: t.due_at,
        overdue: scene.is_overdue(t.state, t.due_at),
        closed_at: t.closed_at,
        course: CourseView::of(scene, t),
        supervision_orders: Vec::new(),
        seen_before: Vec::new(),
        followers: 0,
    }
}

/// What the history says against a photo.
fn doubts_of<'a>(data: &'a Dossier, (stage, seq, photo): &(Stage, i64, Photo)) -> &'a [Doubt] {
    let line = data.history.iter().map(|(event, _)| event).find(|event| event.seq == *seq);
    let named = line.and_then(|event| event.photos.iter().find(|it| it.id == photo.id && it.stage == *stage));
    named.map_or(&[], |named| &named.doubts)
}

fn report_in_ticket(
    scene: &Scene<'_>,
    report: &Report,
    shows_reporter: bool,
    sealer: &Sealer,
) -> ReportInTicket {
    let shown = shows_reporter && !report.anonymous;
    ReportInTicket {
        receipt_number: report.receipt.clone(),
        text: report.text.clone(),
        place: place(report),
        reporter: shown.then(|| reporter(scene, report, sealer)),
        anonymous: report.anonymous,
        created_at: report.created_at,
    }
}

/// Name and number, masked: the name's first character, and the ends of the number.
fn reporter(scene: &Scene<'_>, report: &Report, sealer: &Sealer) -> String {
    let account = scene.names.get(&report.account).map(|(name, _)| name.clone()).unwrap_or_default();
    let contact = report.contact_sealed.as_deref().and_then(|sealed| sealer.open("contact", sealed).ok());
    match contact.as_deref().and_then(|name| name.chars().next()) {
        Some(first) => format!("{first}** {account}"),
        None => account,
    }
}
