//! Reading tickets and reports for answers: every row authorised, names fetched in one go.

use std::collections::{BTreeSet, HashMap};

use suishoupai_core::flow::{AccountId, Event, Role, Stage, State, Ticket, Verb, allowed_actions, may_see};
use suishoupai_core::geo::Datum;
use suishoupai_core::model::{Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::lists::{self, Filter, OrderLine, Scope, Summary};
use suishoupai_storage::db::photos::{self as photo_rows, Photo};
use suishoupai_storage::db::reports::{self as report_rows, Rating, Report};
use suishoupai_storage::db::tickets::{self, Loaded};
use suishoupai_storage::db::{Conn, history};
use suishoupai_storage::seal::Sealer;

use super::reports::Receipt;
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;
use crate::view::{
    CategoryRef, EvidenceView, HolderView, Located, MyReportLine, MyReports, OrderLineView, OrderPage,
    OrderView, PlaceView, RatingView, ReportCreated, ReportInTicket, ReportView, Scene, TicketLine,
    TicketPage, TicketView, UnitRef, events,
};

/// Lists never have more lines than this on a page.
pub const MAX_PAGE: i64 = 100;
/// Of a pool, so many of the most urgent tickets are sorted by distance.
const POOL_WINDOW: i64 = 500;

/// Everything about a ticket, as rows.
struct Dossier {
    loaded: Loaded,
    reports: Vec<Report>,
    evidence: Vec<(Stage, i64, Photo)>,
    history: Vec<(Event, String)>,
    ratings: Vec<Rating>,
    names: HashMap<AccountId, (String, bool)>,
}

fn dossier(conn: &mut Conn, loaded: Loaded) -> Result<Dossier, Fail> {
    let id = loaded.ticket.id;
    let reports = report_rows::of_ticket(conn, id)?;
    let history = history::of_ticket(conn, id)?;
    let mut accounts: BTreeSet<AccountId> = history.iter().filter_map(|(event, _)| event.actor).collect();
    accounts.extend(reports.iter().map(|report| report.account));
    accounts.extend(loaded.ticket.holder.map(|holder| holder.account));
    Ok(Dossier {
        evidence: photo_rows::evidence_of(conn, id)?,
        ratings: report_rows::ratings_of(conn, id)?,
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

/// A ticket for an official.
///
/// # Errors
/// 404 for one that the caller may not see.
pub async fn ticket(services: &Services, account: &Account, id: i64, lang: Lang) -> Result<TicketView, Fail> {
    let registry = services.registry();
    let caller = actor(account);
    let data = {
        let (registry, caller) = (registry.clone(), caller.clone());
        services
            .db
            .read(move |conn| {
                let loaded = tickets::find(conn, id)?.ok_or(Code::TicketNotFound)?;
                if !may_see(&loaded.ticket, &caller, &registry.tree) {
                    return Err(Fail::from(Code::TicketNotFound));
                }
                dossier(conn, loaded)
            })
            .await?
    };
    let scene = scene(services, &registry, lang, data.names.clone());
    let days = services.config.reports.not_fixed_days;
    let allowed = allowed_actions(&data.loaded.ticket, &caller, &registry.tree, days, scene.now);
    Ok(ticket_view(&scene, &data, allowed, &services.sealer))
}

fn scene<'a>(
    services: &'a Services,
    registry: &'a Registry,
    lang: Lang,
    names: HashMap<AccountId, (String, bool)>,
) -> Scene<'a> {
    Scene { lang, registry, links: &services.links, now: services.now(), names }
}

fn ticket_view(scene: &Scene<'_>, data: &Dossier, allowed: Vec<Verb>, sealer: &Sealer) -> TicketView {
    let t = &data.loaded.ticket;
    let place = suishoupai_core::geo::LonLat { lon: data.loaded.lon, lat: data.loaded.lat };
    let mut path: Vec<UnitId> = data.history.iter().map(|(event, _)| event.responsible).collect();
    path.dedup();
    TicketView {
        id: t.id,
        number: data.loaded.number.clone(),
        state: t.state,
        state_name: scene.pick(t.state.zh(), t.state.en()),
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
        reports: data.reports.iter().map(|report| report_in_ticket(scene, report, sealer)).collect(),
        evidence: data.evidence.iter().map(|row| EvidenceView::official(scene, row, place)).collect(),
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
    }
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

fn report_in_ticket(scene: &Scene<'_>, report: &Report, sealer: &Sealer) -> ReportInTicket {
    ReportInTicket {
        receipt_number: report.receipt.clone(),
        text: report.text.clone(),
        place: place(report),
        reporter: (!report.anonymous).then(|| reporter(scene, report, sealer)),
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

/// A report for its reporter.
///
/// # Errors
/// 404 for one that is not the caller's.
pub async fn own_report(
    services: &Services,
    account: &Account,
    id: i64,
    lang: Lang,
) -> Result<ReportView, Fail> {
    let owner = account.id;
    let report = services
        .db
        .read(move |conn| {
            let found = report_rows::find(conn, id)?.filter(|report| report.account == owner);
            found.ok_or(Fail::from(Code::ReportNotFound))
        })
        .await?;
    report_view(services, report, Some(account), lang).await
}

/// The ticket of one of the caller's own reports.
///
/// # Errors
/// 404 for one that is not the caller's.
pub async fn ticket_of_own_report(services: &Services, account: &Account, id: i64) -> Result<i64, Fail> {
    let owner = account.id;
    services
        .db
        .read(move |conn| {
            let found = report_rows::find(conn, id)?.filter(|report| report.account == owner);
            found.map(|report| report.ticket).ok_or(Fail::from(Code::ReportNotFound))
        })
        .await
}

/// A report with its course; without an account the caller may do nothing with it.
///
/// # Errors
/// The database's.
pub async fn report_view(
    services: &Services,
    report: Report,
    account: Option<&Account>,
    lang: Lang,
) -> Result<ReportView, Fail> {
    let registry = services.registry();
    let ticket = report.ticket;
    let data = services
        .db
        .read(move |conn| {
            let loaded = tickets::find(conn, ticket)?.ok_or(Code::TicketNotFound)?;
            dossier(conn, loaded)
        })
        .await?;
    let scene = scene(services, &registry, lang, data.names.clone());
    let t = &data.loaded.ticket;
    let days = services.config.reports.not_fixed_days;
    let allowed = account
        .map(|account| allowed_actions(t, &actor(account), &registry.tree, days, scene.now))
        .unwrap_or_default();
    let resident = [Verb::Supplement, Verb::Withdraw, Verb::Rate, Verb::NotFixed];
    Ok(ReportView {
        id: report.id,
        receipt_number: report.receipt.clone(),
        channel: report.channel,
        text: report.text.clone(),
        category: t.category.as_deref().map(|code| CategoryRef::of(&scene, t.district, code)),
        place: place(&report),
        located: Located::of(&scene, report.grid, report.distance_m),
        anonymous: report.anonymous,
        state: t.state,
        state_name: scene.pick(t.state.zh(), t.state.en()),
        version: t.version,
        next: next(&scene, t),
        answer: answer(t, &data.history),
        photos: data.evidence.iter().map(|row| EvidenceView::public(&scene, row)).collect(),
        timeline: events(&scene, &data.history, false),
        ratings: data.ratings.iter().cloned().map(RatingView::from).collect(),
        allowed_actions: allowed.into_iter().filter(|verb| resident.contains(verb)).collect(),
        created_at: report.created_at,
        updated_at: t.updated_at,
    })
}

/// The last public words of whoever solved, finished or refused it, once the matter has ended or is being checked.
fn answer(ticket: &Ticket, history: &[(Event, String)]) -> Option<String> {
    if !matches!(ticket.state, State::Checking | State::Closed | State::Refused) {
        return None;
    }
    let answers = history.iter().rev().map(|(event, _)| event);
    answers
        .filter(|event| event.public && matches!(event.verb, Verb::Solve | Verb::Finish | Verb::Refuse))
        .find_map(|event| event.words.clone())
}

/// What happens next, for the reporter.
fn next(scene: &Scene<'_>, ticket: &Ticket) -> String {
    let unit = scene.registry.tree.get(ticket.responsible).map(|unit| unit.name.clone()).unwrap_or_default();
    match ticket.state {
        State::Received => scene.pick(
            "网格员将认领并到现场核实。",
            "A grid worker of this grid will claim it and look at it on the spot.",
        ),
        State::Claimed => scene.pick("网格员正在核实。", "A grid worker is verifying it."),
        State::Filed => {
            scene.pick("已立案，区指挥中心将派遣责任单位。", "Filed; the district centre will dispatch it.")
        }
        State::Dispatched => scene.pick(
            &format!("已派遣至{unit}，等待签收。"),
            &format!("Dispatched to {unit}, which has to accept it."),
        ),
        State::Handling => scene.pick(&format!("{unit}正在处置。"), &format!("{unit} is handling it.")),
        State::Checking => scene.pick("已处置，等待核查。", "Handled; somebody else will check the result."),
        State::Closed => scene.pick(
            "已结案。请评价；如未解决，可在规定期限内反映。",
            "Closed. Please rate it; if it is not fixed, say so within the window.",
        ),
        State::Refused => {
            scene.pick("不予立案，原因见办理情况。", "Not filed; the reason is in the timeline.")
        }
        State::Withdrawn => scene.pick("您已撤回。", "You have withdrawn it."),
    }
}

/// The answer to a new report.
pub fn created(services: &Services, receipt: &Receipt, lang: Lang) -> ReportCreated {
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    let state = if receipt.own_find { State::Claimed } else { State::Received };
    let next = if receipt.own_find {
        scene.pick("已由您认领，请现场处置或立案。", "It is in your hands: solve it on the spot or file it.")
    } else {
        scene.pick(
            "网格员将认领并到现场核实。",
            "A grid worker of this grid will claim it and look at it on the spot.",
        )
    };
    ReportCreated {
        id: receipt.report,
        receipt_number: receipt.number.clone(),
        query_code: receipt.query_code.clone(),
        ticket_id: receipt.ticket,
        state,
        state_name: scene.pick(state.zh(), state.en()),
        located: Located::of(&scene, receipt.grid, receipt.distance_m),
        next,
        created_at: Moment::from_millis(receipt.at),
    }
}

/// The caller's own reports.
///
/// # Errors
/// The database's.
pub async fn my_reports(
    services: &Services,
    account: &Account,
    before: Option<i64>,
    limit: i64,
    lang: Lang,
) -> Result<MyReports, Fail> {
    let owner = account.id;
    let rows = services
        .db
        .read(move |conn| report_rows::mine(conn, owner, before, limit).map_err(Fail::from))
        .await?;
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    let next_cursor = next_cursor(rows.len(), limit, rows.last().map(|row| row.id));
    let items = rows
        .into_iter()
        .map(|row| {
            let state = State::parse(&row.state).ok_or(Code::Internal)?;
            Ok(MyReportLine {
                id: row.id,
                receipt_number: row.receipt,
                text: row.text,
                state,
                state_name: scene.pick(state.zh(), state.en()),
                created_at: Moment::from_millis(row.created_at),
                updated_at: Moment::from_millis(row.updated_at),
            })
        })
        .collect::<Result<_, Fail>>()?;
    Ok(MyReports { items, next_cursor })
}

fn next_cursor(rows: usize, limit: i64, last: Option<i64>) -> Option<String> {
    if rows as i64 == limit { last.map(|id| id.to_string()) } else { None }
}

/// Whose tickets the caller asks for: those of a unit that one of the caller's posts stands over.
///
/// Without a unit, the first post's. Grid workers may look at a whole grid, territory officers at what lies in
/// their territory, departments at what they have orders for, posts of the district at everything.
///
/// # Errors
/// 404 for a unit that no post of the caller stands over.
pub fn scope(registry: &Registry, account: &Account, unit: Option<UnitId>) -> Result<(i32, Scope), Problem> {
    let posts = account.posts.iter().filter(|post| post.role != Role::Resident);
    let mut over =
        posts.map(|post| post.unit).filter(|own| unit.is_none_or(|unit| registry.tree.is_within(unit, *own)));
    let own = over.next().ok_or_else(|| {
        Problem::new(Code::UnitNotFound).field(
            "unit",
            "not_yours",
            Text::new("不是您所在单位或其下级", "must be a unit of one of your posts, or below it"),
        )
    })?;
    let unit = registry.tree.get(unit.unwrap_or(own)).ok_or(Code::UnitNotFound)?;
    let scope = match unit.level {
        Level::District => Scope::District(unit.district),
        Level::Department => Scope::Orders(registry.subtree(unit.id)),
        Level::Street => Scope::Street(unit.id),
        Level::Community => Scope::Community(unit.id),
        Level::Grid => Scope::Grid(unit.id),
    };
    Ok((unit.district, scope))
}

/// A page of tickets, newest first.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn list(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    filter: Filter,
    lang: Lang,
) -> Result<TicketPage, Fail> {
    let registry = services.registry();
    let (district, scope) = scope(&registry, account, unit)?;
    let limit = filter.limit;
    let rows = services.db.read(move |conn| lists::page(conn, &scope, &filter).map_err(Fail::from)).await?;
    let scene = scene(services, &registry, lang, HashMap::new());
    Ok(TicketPage {
        next_cursor: next_cursor(rows.len(), limit, rows.last().map(|row| row.id)),
        items: rows.iter().map(|row| TicketLine::of(&scene, district, row, None)).collect(),
    })
}

/// The pool of the caller's territory: urgent first, then near (where the caller says where he is) or old.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn pool(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    near: Option<suishoupai_core::geo::LonLat>,
    limit: i64,
    lang: Lang,
) -> Result<TicketPage, Fail> {
    let registry = services.registry();
    let (district, scope) = scope(&registry, account, unit)?;
    let now = services.now();
    let rows =
        services.db.read(move |conn| lists::pool(conn, &scope, now, POOL_WINDOW).map_err(Fail::from)).await?;
    let distance = |row: &Summary| {
        let at = suishoupai_core::geo::LonLat { lon: row.lon, lat: row.lat };
        near.map(|near| suishoupai_core::geo::distance_m(near, at))
    };
    let mut rows: Vec<(Option<f64>, Summary)> = rows.into_iter().map(|row| (distance(&row), row)).collect();
    rows.sort_by(|(a, x), (b, y)| {
        let nearer = a.unwrap_or_default().total_cmp(&b.unwrap_or_default());
        y.urgent.cmp(&x.urgent).then(nearer).then(x.id.cmp(&y.id))
    });
    let scene = scene(services, &registry, lang, HashMap::new());
    let items = rows
        .iter()
        .take(usize::try_from(limit).unwrap_or_default())
        .map(|(distance, row)| {
            let mut line = TicketLine::of(&scene, district, row, *distance);
            // A claim that ran out counts as back in the pool before anybody has written that down.
            line.state = State::Received;
            line.state_name = scene.pick(State::Received.zh(), State::Received.en());
            line
        })
        .collect();
    Ok(TicketPage { items, next_cursor: None })
}

/// The work orders of a unit in one state, by deadline.
///
/// # Errors
/// 404 for a unit that is not the caller's; 400 for a bad cursor.
pub async fn orders(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    state: suishoupai_core::flow::OrderState,
    after: Option<(i64, i64)>,
    limit: i64,
    lang: Lang,
) -> Result<OrderPage, Fail> {
    let registry = services.registry();
    let mine = account.posts.iter().filter(|post| post.role != Role::Resident).map(|post| post.unit);
    let (district, _) = scope(&registry, account, unit)?;
    let unit = unit.or_else(|| mine.into_iter().next()).ok_or(Code::UnitNotFound)?;
    // A department answers for its squads; a territory unit only for itself.
    let is_department = registry.tree.get(unit).is_some_and(|unit| unit.level == Level::Department);
    let units = if is_department { registry.subtree(unit) } else { vec![unit] };
    let rows = services
        .db
        .read(move |conn| lists::orders(conn, &units, state, after, limit).map_err(Fail::from))
        .await?;
    let scene = scene(services, &registry, lang, HashMap::new());
    let full = rows.len() as i64 == limit;
    let last = rows.last().filter(|_| full);
    Ok(OrderPage {
        next_cursor: last.map(|line| format!("{}.{}", line.due_at.millis(), line.ticket.id)),
        items: rows.iter().map(|line| order_line(&scene, district, line)).collect(),
    })
}

fn order_line(scene: &Scene<'_>, district: i32, line: &OrderLine) -> OrderLineView {
    OrderLineView {
        seq: line.seq,
        unit: UnitRef::of(scene, line.unit),
        kind: line.kind,
        state: line.state,
        due_at: line.due_at,
        overdue: line.state.is_open() && line.due_at < scene.now,
        ticket: TicketLine::of(scene, district, &line.ticket, None),
    }
}
