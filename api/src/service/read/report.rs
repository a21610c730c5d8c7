//! Reports, as whoever sent them sees them.

use std::collections::HashMap;

use suishoupai_core::flow::{Event, State, Ticket, Verb, allowed_actions};
use suishoupai_core::privacy::{mask_numbers, rounded};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::reports::{self as report_rows, Report};
use suishoupai_storage::db::{history, photos as photo_rows, tickets};

use super::{dossier, next_cursor, place, scene};
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::Code;
use crate::service::reports::Receipt;
use crate::services::Services;
use crate::view::{
    CategoryRef, EvidenceView, Located, MyReportLine, MyReports, PlaceView, RatingView, ReportCreated,
    ReportView, Scene, events,
};

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

/// The ticket that one of the caller's own reports opened.
///
/// # Errors
/// 404 for one that is not the caller's.
pub async fn opened_by_own_report(services: &Services, account: &Account, id: i64) -> Result<i64, Fail> {
    let owner = account.id;
    let found = services.db.read(move |conn| report_rows::find(conn, id)).await?;
    let own = found.filter(|report| report.account == owner);
    Ok(own.ok_or(Code::ReportNotFound)?.ticket)
}

/// The ticket of one of the caller's own reports, or that which goes on for it.
///
/// # Errors
/// 404 for one that is not the caller's.
pub async fn ticket_of_own_report(services: &Services, account: &Account, id: i64) -> Result<i64, Fail> {
    let owner = account.id;
    services
        .db
        .read(move |conn| {
            let found = report_rows::find(conn, id)?.filter(|report| report.account == owner);
            let report = found.ok_or(Fail::from(Code::ReportNotFound))?;
            Ok(tickets::goes_on_as(conn, report.ticket)?)
        })
        .await
}

/// A report with its course; without an account the caller may do nothing with it, and is shown no number of a person
/// and the place only roughly: whoever has found a receipt is not to find a home by it.
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
    let (data, before) = services
        .db
        .read(move |conn| {
            let goes_on = tickets::goes_on_as(conn, ticket)?;
            let loaded = tickets::find(conn, goes_on)?.ok_or(Code::TicketNotFound)?;
            // What was before a merging lies with the report's own ticket.
            let before = if goes_on == ticket {
                (Vec::new(), Vec::new())
            } else {
                (photo_rows::evidence_of(conn, ticket)?, history::of_ticket(conn, ticket)?)
            };
            Ok::<_, Fail>((dossier(conn, loaded)?, before))
        })
        .await?;
    let scene = scene(services, &registry, lang, data.names.clone());
    let t = &data.loaded.ticket;
    let days = services.config.reports.not_fixed_days;
    let allowed = account
        .map(|account| allowed_actions(t, &actor(account), &registry.tree, days, scene.now))
        .unwrap_or_default();
    let resident = [Verb::Supplement, Verb::Withdraw, Verb::Urge, Verb::Rate, Verb::NotFixed];
    // Who reported the same is nobody else's business, nor is what they said and sent.
    let of_another = |account: i64| account != report.account && t.reporters.contains(&account);
    let of_others = |account: Option<i64>| account.is_some_and(of_another);
    let (sent, own) = before;
    let mut history: Vec<_> =
        own.iter().chain(&data.history).filter(|(event, _)| !of_others(event.actor)).cloned().collect();
    history.sort_by_key(|(event, _)| event.at);
    let mut timeline = events(&scene, &history, false);
    let is_known = account.is_some();
    let seen = |text: &str| if is_known { text.to_owned() } else { mask_numbers(text) };
    for line in &mut timeline {
        line.words = line.words.as_deref().map(seen);
    }
    let seen_place =
        if is_known { place(&report) } else { rough(&report, services.config.privacy.public_decimals) };
    let photos = sent.iter().chain(&data.evidence).filter(|(_, _, photo)| !of_another(photo.account));
    Ok(ReportView {
        id: report.id,
        receipt_number: report.receipt.clone(),
        channel: report.channel,
        text: seen(&report.text),
        category: t.category.as_deref().map(|code| CategoryRef::of(&scene, t.district, code)),
        place: seen_place,
        located: Located::of(&scene, report.grid, report.distance_m),
        anonymous: report.anonymous,
        state: t.state,
        state_name: scene.state_name(t.state, t.course.held.is_some()),
        version: t.version,
        next: next(&scene, t),
        answer: answer(t, &data.history).as_deref().map(seen),
        photos: photos.map(|row| EvidenceView::public(&scene, row)).collect(),
        merged: t.id != report.ticket,
        timeline,
        ratings: data.ratings.iter().cloned().map(RatingView::from).collect(),
        allowed_actions: allowed.into_iter().filter(|verb| resident.contains(verb)).collect(),
        created_at: report.created_at,
        updated_at: t.updated_at,
    })
}

/// The place for whoever is not signed in.
fn rough(report: &Report, decimals: u32) -> PlaceView {
    let exact = place(report);
    let cut = |degrees| rounded(degrees, decimals);
    PlaceView {
        lon: cut(exact.lon),
        lat: cut(exact.lat),
        lon_wgs84: cut(exact.lon_wgs84),
        lat_wgs84: cut(exact.lat_wgs84),
        address: None,
        landmark: exact.landmark.as_deref().map(mask_numbers),
        ..exact
    }
}

/// The last public words of whoever solved, finished or refused it, once the matter has ended or is being checked.
pub(super) fn answer(ticket: &Ticket, history: &[(Event, String)]) -> Option<String> {
    if !matches!(ticket.state, State::Checking | State::Closed | State::Refused) {
        return None;
    }
    let answers = history.iter().rev().map(|(event, _)| event);
    answers
        .filter(|event| event.public && matches!(event.verb, Verb::Solve | Verb::Finish | Verb::Refuse))
        .find_map(|event| event.words.clone())
}

/// What happens next, for the reporter.
pub(super) fn next(scene: &Scene<'_>, ticket: &Ticket) -> String {
    let unit = scene
        .registry
        .tree
        .get(ticket.desk(&scene.registry.tree))
        .map(|unit| unit.name.clone())
        .unwrap_or_default();
    if ticket.course.waiting.is_some() {
        return scene.pick(
            "请补充信息，见办理情况；收到后继续办理。",
            "You are asked for more, see the timeline; the work goes on with your answer.",
        );
    }
    match ticket.state {
        State::Received if ticket.course.held.is_some() => held_next(scene),
        State::Received => scene.pick(
            "网格员将认领并到现场核实。",
            "A grid worker of this grid will claim it and look at it on the spot.",
        ),
        State::Claimed => scene.pick("网格员正在核实。", "A grid worker is verifying it."),
        State::Verified => scene.pick(
            "已现场核实，区指挥中心将立案。",
            "Verified on the spot; the district centre will file it.",
        ),
        State::Arbitrating => scene.pick(
            "责任单位有异议，区里正在裁决由谁处置。",
            "The units disagree; the district decides who handles it.",
        ),
        State::Suspended => scene.pick(
            &format!("条件暂不具备，已挂账，到复核日恢复办理，责任单位：{unit}。"),
            &format!("Suspended until the day of review; {unit} stays responsible."),
        ),
        State::Deferred => scene.pick(
            &format!("已缓办，到复核日恢复办理，责任单位：{unit}。"),
            &format!("Put off until the day of review; {unit} stays responsible."),
        ),
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
        State::Merged => {
            scene.pick("已并入同一问题的案件办理。", "It is dealt with together with another report.")
        }
        State::Voided => {
            scene.pick("经核实不构成案件，已作废。", "Found to be no case, and voided after a second look.")
        }
    }
}

fn held_next(scene: &Scene<'_>) -> String {
    scene.pick(
        "区指挥中心将先行审核；紧急危险请直接拨打 12345 或 110。",
        "The district centre looks at it first; call 12345 or 110 where there is danger.",
    )
}

/// The answer to a new report.
pub fn created(services: &Services, receipt: &Receipt, lang: Lang) -> ReportCreated {
    let registry = services.registry();
    let scene = scene(services, &registry, lang, HashMap::new());
    let state = if receipt.own_find { State::Claimed } else { State::Received };
    let next = if receipt.own_find {
        scene.pick("已由您认领，请现场处置或立案。", "It is in your hands: solve it on the spot or file it.")
    } else if receipt.held {
        held_next(&scene)
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
        state_name: scene.state_name(state, receipt.held),
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
                state_name: scene.state_name(state, row.held),
                created_at: Moment::from_millis(row.created_at),
                updated_at: Moment::from_millis(row.updated_at),
            })
        })
        .collect::<Result<_, Fail>>()?;
    Ok(MyReports { items, next_cursor })
}
