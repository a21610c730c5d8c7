//! What is known of a resident, as one file for the resident.

use serde_json::{Value, json};
use suishoupai_core::flow::{Event, Role};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::privacy::{self, Run};
use suishoupai_storage::db::reports::{self, Report};
use suishoupai_storage::db::{Conn, accounts, history};

use super::{PAGE, done};
use crate::fail::Fail;
use crate::problem::Code;
use crate::services::Services;

/// Reports of one export at the most, the newest ones.
const MOST_REPORTS: usize = 1000;

pub(super) async fn carry_out(services: &Services, run: Run) -> Result<(), Fail> {
    let now = services.now();
    let owner = run.account.ok_or(Code::AccountNotFound)?;
    let found = services.db.read(move |conn| accounts::find(conn, owner).map_err(Fail::from)).await?;
    let account = found.ok_or(Code::AccountNotFound)?;
    let open = |column: &str, sealed: Option<&[u8]>| {
        let opened = sealed.map(|sealed| services.sealer.open(column, sealed));
        opened.transpose().map_err(|error| Fail::internal(&error))
    };
    let mut all: Vec<Value> = Vec::new();
    let (mut before, mut more) = (None, false);
    'pages: loop {
        let page = services.db.read(move |conn| portion(conn, owner, before)).await?;
        let Some((last, _)) = page.last() else { break };
        before = Some(last.id);
        for (report, lines) in page {
            if all.len() == MOST_REPORTS {
                more = true;
                break 'pages;
            }
            let contact = open("contact", report.contact_sealed.as_deref())?;
            all.push(of_report(&report, contact, &lines, owner));
        }
    }
    let count = all.len() as u64;
    let file = json!({
        "account": { "id": owner, "phone": open("phone", account.phone_sealed.as_deref())? },
        "made_at": now.to_string(),
        "reports": all,
        "more_reports": more,
    });
    let sealed = services.sealer.seal("export", &file.to_string()).map_err(|error| Fail::internal(&error))?;
    let end = now.plus_seconds(i64::from(services.config.privacy.export_days) * 86_400);
    let finished = Run {
        data_sealed: Some(sealed),
        expires_at: Some(end),
        ..done(run, now, &[("reports", count), ("reports_left_out", u64::from(more))])
    };
    services.db.write(move |conn| privacy::finish(conn, &finished).map_err(Fail::from)).await
}

/// A report with the lines of its ticket.
type Told = (Report, Vec<(Event, String)>);

fn portion(conn: &mut Conn, owner: i64, before: Option<i64>) -> Result<Vec<Told>, Fail> {
    let lines = reports::mine(conn, owner, before, PAGE)?;
    let mut told = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(report) = reports::find(conn, line.id)? {
            let history = history::of_ticket(conn, report.ticket)?;
            told.push((report, history));
        }
    }
    Ok(told)
}

/// A report with what its reporter has said since, and what was done, as far as that is public.
fn of_report(report: &Report, contact: Option<String>, lines: &[(Event, String)], owner: i64) -> Value {
    // Who reported the same, and what they said, is nobody else's business.
    let of_another = |event: &Event| event.role == Role::Resident && event.actor != Some(owner);
    let public = lines.iter().map(|(event, _)| event).filter(|event| event.public && !of_another(event));
    let timeline = public.map(|event| {
        json!({
            "at": Moment::from_millis(event.at).to_string(),
            "action": event.verb.as_str(),
            "by_you": event.actor == Some(owner),
            "words": event.words,
            "photos": event.photos.iter().map(|photo| photo.id).collect::<Vec<_>>(),
        })
    });
    json!({
        "receipt_number": report.receipt,
        "sent_at": report.created_at.to_string(),
        "text": report.text,
        "anonymous": report.anonymous,
        "contact_name": contact,
        "address": report.address,
        "landmark": report.landmark,
        "place": { "lon": report.sent.0, "lat": report.sent.1, "datum": report.datum },
        "consent_version": report.consent_version,
        "timeline": timeline.collect::<Vec<_>>(),
    })
}
