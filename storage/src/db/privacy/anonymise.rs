//! What is known of persons is removed from tickets that ended long ago, or whose reporter asked for it. What remains says
//! what was wrong, where (roughly) and what was done.
//!
//! The line of the audit trail names the digest of every hashed text that changed, so that the chains still hold: a text
//! that is neither the one that was hashed nor the one of the trail is a break.

use std::collections::BTreeMap;

use diesel::prelude::*;
use sha2::{Digest, Sha256};
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::{AccountId, Channel, Event, State, TicketId};
use suishoupai_core::privacy::{REMOVED, anonymised_course, anonymised_event, mask_numbers, rounded};
use suishoupai_core::time::Moment;

use crate::db::audit::{self, Entry};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::identity::{sessions, subjects};
use crate::db::reports::{self, Report};
use crate::db::restrictions;
use crate::db::schema::{
    accounts, anonymised, events, evidence, followers, idempotency, login_codes, photos, ratings,
    reports as report_rows, tickets, work_orders,
};
use crate::db::tickets as ticket_rows;

/// Decimals to which the places of anonymised reports are rounded: about 100 m.
const DECIMALS: u32 = 3;

/// What an anonymisation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymised {
    /// Reports that hold nothing of their reporter any more.
    pub reports: u64,
    /// Lines of history whose words were changed.
    pub lines: u64,
}

/// The next tickets with keys above `after` that ended before an instant and are not anonymised, by key. A merged one counts
/// as ended when the one that goes on for it has.
///
/// # Errors
/// The database's.
pub fn candidates(
    conn: &mut Conn,
    before: Moment,
    after: TicketId,
    limit: i64,
) -> Result<Vec<TicketId>, DbError> {
    let ended: Vec<&str> =
        State::ALL.iter().filter(|state| state.is_final()).map(|state| state.as_str()).collect();
    let done = anonymised::table.filter(anonymised::ticket_id.eq(tickets::id)).select(anonymised::ticket_id);
    Ok(tickets::table
        .filter(tickets::id.gt(after).and(tickets::state.eq_any(ended)))
        .filter(tickets::updated_at.lt(before.millis()))
        .filter(diesel::dsl::not(diesel::dsl::exists(done)))
        .select(tickets::id)
        .order(tickets::id)
        .limit(limit)
        .load(conn)?)
}

/// The tickets of an account's reports with keys above `after`, each with whether it is anonymised already.
///
/// # Errors
/// The database's.
pub fn of_account(
    conn: &mut Conn,
    account: AccountId,
    after: TicketId,
    limit: i64,
) -> Result<Vec<(TicketId, bool)>, DbError> {
    let own: Vec<(TicketId, Option<TicketId>)> = report_rows::table
        .left_join(anonymised::table.on(anonymised::ticket_id.eq(report_rows::ticket_id)))
        .filter(report_rows::account_id.eq(account).and(report_rows::ticket_id.gt(after)))
        .select((report_rows::ticket_id, anonymised::ticket_id.nullable()))
        .order(report_rows::ticket_id)
        .limit(limit)
        .load(conn)?;
    Ok(own.into_iter().map(|(ticket, done)| (ticket, done.is_some())).collect())
}

/// Anonymises a ticket in this write, if it and the one that goes on for it have ended, before `before` where that is given;
/// `None` where it has not, or was anonymised before. `entry` becomes its line of the trail.
///
/// # Errors
/// The database's.
pub fn anonymise(
    conn: &mut Conn,
    ticket: TicketId,
    before: Option<Moment>,
    entry: &Entry,
) -> Result<Option<Anonymised>, DbError> {
    let Some(loaded) = ticket_rows::find_for_update(conn, ticket)? else { return Ok(None) };
    let main = ticket_rows::goes_on_as(conn, ticket)?;
    let goes_on = if main == ticket { None } else { ticket_rows::find(conn, main)? };
    let last = &goes_on.as_ref().unwrap_or(&loaded).ticket;
    let is_old = last.state.is_final() && before.is_none_or(|before| last.updated_at < before);
    if !is_old || is_anonymised(conn, ticket)? {
        return Ok(None);
    }
    let sent: Vec<Report> = reports::of_any(conn, &[ticket])?.into_iter().map(without_persons).collect();
    let lines = changed_lines(conn, ticket)?;
    let mut facts: BTreeMap<String, String> = BTreeMap::new();
    for report in &sent {
        facts.insert(format!("report:{}", report.receipt), sha256(&reports::fingerprint(report)));
    }
    for (seq, content) in &lines {
        facts.insert(format!("line:{seq}"), sha256(content));
    }
    facts.extend(entry.facts.clone());
    let line = Entry {
        district: loaded.ticket.district,
        kind: AuditKind::Anonymise,
        subject: Some(subject(ticket)),
        facts,
        ..entry.clone()
    };
    let audit_seq = audit::append(conn, &[line])?.first().copied().unwrap_or_default();
    let row = (
        anonymised::ticket_id.eq(ticket),
        anonymised::district.eq(loaded.ticket.district),
        anonymised::audit_seq.eq(audit_seq),
        anonymised::at.eq(entry.at.millis()),
    );
    each_backend!(&mut *conn, conn => diesel::insert_into(anonymised::table).values(row).execute(conn))?;
    for (seq, content) in &lines {
        let of = events::table.find((ticket, *seq));
        diesel::update(of).set(events::content.eq(content)).execute(conn)?;
    }
    for report in &sent {
        save_report(conn, report)?;
    }
    clean_ticket(conn, &loaded, sent.iter().any(|report| report.channel == Channel::Resident))?;
    Ok(Some(Anonymised { reports: sent.len() as u64, lines: lines.len() as u64 }))
}

fn subject(ticket: TicketId) -> String {
    format!("ticket:{ticket}")
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The report without its reporter. What a grid worker found is told by an official, so it keeps its words and place.
fn without_persons(report: Report) -> Report {
    if report.channel == Channel::GridWorker {
        return Report { text: mask_numbers(&report.text), contact_sealed: None, ..report };
    }
    let cut = |degrees| rounded(degrees, DECIMALS);
    Report {
        text: REMOVED.to_owned(),
        contact_sealed: None,
        sent: (cut(report.sent.0), cut(report.sent.1)),
        place: suishoupai_core::geo::LonLat { lon: cut(report.place.lon), lat: cut(report.place.lat) },
        address: None,
        landmark: None,
        ..report
    }
}

fn changed_lines(conn: &mut Conn, ticket: TicketId) -> Result<Vec<(i64, String)>, DbError> {
    let rows: Vec<(i64, String)> = events::table
        .filter(events::ticket_id.eq(ticket))
        .select((events::seq, events::content))
        .order(events::seq)
        .load(conn)?;
    let unreadable = |error: serde_json::Error| DbError::corrupt("line of history", error);
    let mut changed = Vec::new();
    for (seq, content) in rows {
        if let Some(clean) = anonymised_event(&Event::parse(&content).map_err(unreadable)?) {
            changed.push((seq, clean.content().map_err(unreadable)?));
        }
    }
    Ok(changed)
}

fn save_report(conn: &mut Conn, report: &Report) -> Result<(), DbError> {
    diesel::update(report_rows::table.find(report.id))
        .set((
            report_rows::text.eq(&report.text),
            report_rows::contact_sealed.eq(None::<Vec<u8>>),
            report_rows::lon_sent.eq(report.sent.0),
            report_rows::lat_sent.eq(report.sent.1),
            report_rows::lon.eq(report.place.lon),
            report_rows::lat.eq(report.place.lat),
            report_rows::address.eq(report.address.clone()),
            report_rows::landmark.eq(report.landmark.clone()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether a ticket has been anonymised.
///
/// # Errors
/// The database's.
pub fn is_anonymised(conn: &mut Conn, ticket: TicketId) -> Result<bool, DbError> {
    let found: i64 = anonymised::table.filter(anonymised::ticket_id.eq(ticket)).count().get_result(conn)?;
    Ok(found > 0)
}

/// What else of a ticket says something of persons: its title and place, words of ratings and results, and what cameras wrote
/// into its photos.
fn clean_ticket(conn: &mut Conn, loaded: &ticket_rows::Loaded, by_resident: bool) -> Result<(), DbError> {
    let id = loaded.ticket.id;
    let course = serde_json::to_string(&anonymised_course(&loaded.ticket.course))
        .map_err(|error| DbError::corrupt("course of a ticket", error))?;
    let title = if by_resident { REMOVED.to_owned() } else { mask_numbers(&loaded.title) };
    let decimals = if by_resident { DECIMALS } else { 9 };
    diesel::update(tickets::table.find(id))
        .set((
            tickets::title.eq(title),
            tickets::lon.eq(rounded(loaded.lon, decimals)),
            tickets::lat.eq(rounded(loaded.lat, decimals)),
            tickets::course.eq(course),
        ))
        .execute(conn)?;
    diesel::update(ratings::table.filter(ratings::ticket_id.eq(id)))
        .set(ratings::words.eq(None::<String>))
        .execute(conn)?;
    let results: Vec<(i32, String)> = work_orders::table
        .filter(work_orders::ticket_id.eq(id).and(work_orders::result.is_not_null()))
        .select((work_orders::seq, work_orders::result.assume_not_null()))
        .load(conn)?;
    for (seq, result) in results {
        diesel::update(work_orders::table.find((id, seq)))
            .set(work_orders::result.eq(Some(mask_numbers(&result))))
            .execute(conn)?;
    }
    let named: Vec<i64> =
        evidence::table.filter(evidence::ticket_id.eq(id)).select(evidence::photo_id).load(conn)?;
    forget_cameras(conn, named)
}

/// What cameras wrote of where and with what photos were taken. The originals themselves stay evidence.
fn forget_cameras(conn: &mut Conn, of: Vec<i64>) -> Result<(), DbError> {
    let forget = diesel::update(photos::table.filter(photos::id.eq_any(of))).set((
        photos::gps_lon.eq(None::<f64>),
        photos::gps_lat.eq(None::<f64>),
        photos::camera.eq(None::<String>),
    ));
    each_backend!(conn, conn => forget.execute(conn))?;
    Ok(())
}

/// Takes everything off an account by which its holder is known, in this write; nobody signs in with it any more.
///
/// # Errors
/// The database's.
pub fn sign_off(conn: &mut Conn, account: AccountId, name: &str, now: Moment) -> Result<(), DbError> {
    let phone: Option<Vec<u8>> =
        accounts::table.find(account).select(accounts::phone_index).first(conn).optional()?.flatten();
    if let Some(phone) = phone {
        diesel::delete(login_codes::table.find(phone)).execute(conn)?;
    }
    sessions::forget(conn, account)?;
    subjects::forget(conn, account)?;
    restrictions::forget_appeals(conn, account)?;
    diesel::delete(followers::table.filter(followers::account_id.eq(account))).execute(conn)?;
    diesel::delete(idempotency::table.filter(idempotency::account_id.eq(account))).execute(conn)?;
    diesel::update(accounts::table.find(account))
        .set((
            accounts::display_name.eq(name),
            accounts::phone_index.eq(None::<Vec<u8>>),
            accounts::phone_sealed.eq(None::<Vec<u8>>),
            accounts::is_active.eq(false),
            accounts::tokens_from.eq(now.millis()),
        ))
        .execute(conn)?;
    let own: Vec<i64> = photos::table.filter(photos::account_id.eq(account)).select(photos::id).load(conn)?;
    forget_cameras(conn, own)
}

/// What the trail says that texts of a ticket are after its anonymisation: SHA-256 in hex.
pub(in crate::db) type Attested = BTreeMap<String, String>;

/// Of the anonymised ones among the tickets with keys in a range, what the trail says of them. One whose line is not in the
/// trail has nothing that speaks for it.
///
/// # Errors
/// The database's.
pub(in crate::db) fn attested(
    conn: &mut Conn,
    (first, last): (TicketId, TicketId),
) -> Result<BTreeMap<TicketId, Attested>, DbError> {
    let rows: Vec<(TicketId, i64)> = anonymised::table
        .filter(anonymised::ticket_id.between(first, last))
        .select((anonymised::ticket_id, anonymised::audit_seq))
        .load(conn)?;
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let seqs: Vec<i64> = rows.iter().map(|(_, seq)| *seq).collect();
    let lines = audit::lines(conn, &seqs)?;
    let said = |(ticket, seq): (TicketId, i64)| {
        let line = lines.get(&seq)?;
        let fits = line.kind == AuditKind::Anonymise && line.subject.as_deref() == Some(&subject(ticket));
        fits.then(|| (ticket, line.facts.clone()))
    };
    Ok(rows.into_iter().filter_map(said).collect())
}
