//! Reading tickets and reports for answers: every row authorised, names fetched in one go.

mod exposure;
mod followed;
mod lists;
mod mask;
mod report;
mod supervision;
mod ticket;

use std::collections::{BTreeSet, HashMap};

use suishoupai_core::flow::{AccountId, Event, Stage};
use suishoupai_core::geo::Datum;
use suishoupai_storage::db::photos::{self as photo_rows, Photo};
use suishoupai_storage::db::reports::{self as report_rows, Rating, Report};
use suishoupai_storage::db::tickets::{Besides, Loaded};
use suishoupai_storage::db::{Conn, accounts, history, tickets};

use crate::fail::Fail;
use crate::lang::Lang;
use crate::registry::Registry;
use crate::services::Services;
use crate::view::{PlaceView, Scene};

pub use exposure::{exposure, exposures, published};
pub use followed::{followed, follows, similar_reports, similar_tickets};
pub use lists::{counts, find, list, orders, own_unit, pool};
pub use mask::mask;
pub use report::{created, my_reports, opened_by_own_report, own_report, report_view, ticket_of_own_report};
pub use supervision::{supervision_order, supervision_orders};
pub use ticket::{ticket, ticket_acted_on, ticket_after};

/// Lists never have more lines than this on a page.
pub const MAX_PAGE: i64 = 100;

/// Everything about a ticket, as rows.
struct Dossier {
    loaded: Loaded,
    reports: Vec<Report>,
    evidence: Vec<(Stage, i64, Photo)>,
    history: Vec<(Event, String)>,
    ratings: Vec<Rating>,
    besides: Besides,
    names: HashMap<AccountId, (String, bool)>,
}

fn dossier(conn: &mut Conn, loaded: Loaded) -> Result<Dossier, Fail> {
    let id = loaded.ticket.id;
    // What was split off shows the report of the ticket from which it came, beside those of what was merged into it.
    let mut of = loaded.ticket.course.merged.clone();
    of.push(loaded.ticket.parent.unwrap_or(id));
    let reports = report_rows::of_any(conn, &of)?;
    let history = history::of_ticket(conn, id)?;
    let besides = tickets::besides(conn, id)?;
    let mut accounts: BTreeSet<AccountId> = history.iter().filter_map(|(event, _)| event.actor).collect();
    accounts.extend(reports.iter().map(|report| report.account));
    accounts.extend(loaded.ticket.holder.map(|holder| holder.account));
    Ok(Dossier {
        evidence: photo_rows::evidence_of(conn, id)?,
        ratings: if besides.is_rated { report_rows::ratings_of(conn, id)? } else { Vec::new() },
        besides,
        names: names(conn, accounts)?,
        loaded,
        reports,
        history,
    })
}

fn names(conn: &mut Conn, ids: BTreeSet<AccountId>) -> Result<HashMap<AccountId, (String, bool)>, Fail> {
    let ids: Vec<_> = ids.into_iter().collect();
    let rows = accounts::names(conn, &ids)?;
    Ok(rows.into_iter().map(|(id, name, is_official)| (id, (name, is_official))).collect())
}

fn scene<'a>(
    services: &'a Services,
    registry: &'a Registry,
    lang: Lang,
    names: HashMap<AccountId, (String, bool)>,
) -> Scene<'a> {
    Scene { lang, registry, links: &services.links, now: services.now(), names }
}

fn place(report: &Report) -> PlaceView {
    PlaceView {
        lon: report.sent.0,
        lat: report.sent.1,
        datum: Datum::parse(&report.datum).unwrap_or(Datum::Wgs84),
        lon_wgs84: report.place.lon,
        lat_wgs84: report.place.lat,
        address: report.address.clone(),
        landmark: report.landmark.clone(),
    }
}

fn next_cursor(rows: usize, limit: i64, last: Option<i64>) -> Option<String> {
    if rows as i64 == limit { last.map(|id| id.to_string()) } else { None }
}
