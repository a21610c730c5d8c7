//! `suishoupai evidence`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::{Actor, Command, Stage, TicketId};
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::{Db, reference, tickets};

use super::{Done, Stop, open_existing};
use crate::audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::evidence::{self, EvidenceKey, Request};
use crate::fail::Fail;
use crate::registry::Registry;
use crate::service::pictures::Before;
use crate::service::tickets::{Order, execute};
use crate::words::Words;

/// The exit code when photos are missing or not as they were sent.
const FAULTY: u8 = 3;

#[derive(Debug, Subcommand)]
pub(super) enum Evidence {
    Export(Export),
    /// Print the public key by which packages are verified, as PEM and as OpenSSH writes it; publish it where others find it
    Key,
}

/// Write a ticket with its history, reports and original photos into one signed zip file
///
/// Anybody can verify it with openssl, sha256sum and python3; VERIFY.txt in it says how. The signing key is the setting
/// auth.evidence_key, else DIR/keys/evidence.key, which is made on the first use. The exit code is 0 when the package is
/// complete, 3 when a photo is missing or not as it was sent (the package is there and says so), 1 for any other error.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The ticket, by its number 案卷号 or its key
    #[arg(value_name = "TICKET")]
    ticket: String,
    /// The file, which must not be there [default: evidence-NUMBER.zip]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Include names and telephone numbers of reporters in clear, save those of anonymous reports; the reason is written
    /// into the ticket's history first
    #[arg(long, requires = "reason")]
    with_contacts: bool,
    /// Why contacts are needed in clear
    #[arg(long, value_name = "TEXT", requires = "with_contacts", value_parser = Words::<500>::parse)]
    reason: Option<Words<500>>,
}

pub(super) async fn run(settings: &Config, given: Evidence) -> Result<Done, Stop> {
    match given {
        Evidence::Key => {
            let key = EvidenceKey::load_or_create(settings)?;
            Ok(Done::of(format!("{}{}\nid: {}\n", key.pem(), key.openssh(), key.id())))
        }
        Evidence::Export(given) => export(settings, given).await,
    }
}

async fn export(settings: &Config, given: Export) -> Result<Done, Stop> {
    let db = open_existing(settings)?;
    let ticket = find(&db, given.ticket).await?;
    let because = given.reason.map(Words::into_string).filter(|_| given.with_contacts);
    if let Some(reason) = &because {
        reveal(settings, &db, ticket, reason.clone()).await?;
    }
    note_export(&db, ticket, because.is_some()).await?;
    let request = Request { ticket, out: given.out, contacts_because: because };
    let made = evidence::export(settings, &db, request, Clock::System.now()).await?;
    let manifest = &made.manifest;
    let mut text = format!(
        "ticket {}, {} line{} of history, {} files, signed by key {}\n",
        manifest.number,
        manifest.chain.lines,
        if manifest.chain.lines == 1 { "" } else { "s" },
        manifest.files.len(),
        manifest.key.id
    );
    for problem in &manifest.problems {
        let _ = writeln!(text, "faulty: {problem}");
    }
    let _ = writeln!(text, "written: {}", made.path.display());
    Ok(Done { text, code: if manifest.problems.is_empty() { 0 } else { FAULTY } })
}

/// The key of a ticket that is named by number or key.
async fn find(db: &Db, named: String) -> Result<TicketId, Stop> {
    let words = named.clone();
    let found = db
        .read(move |conn| match named.parse::<TicketId>() {
            Ok(id) => Ok::<_, Fail>(tickets::find(conn, id)?.map(|loaded| loaded.ticket.id)),
            Err(_) => Ok(tickets::find_by_number(conn, &named)?),
        })
        .await?;
    found.ok_or_else(|| Stop::words(format!("there is no ticket {words}")))
}

/// Writes into the history that contacts leave the installation in clear, and why.
async fn reveal(settings: &Config, db: &Db, ticket: TicketId, reason: String) -> Result<(), Stop> {
    let data = db.read(|conn| reference::load(conn).map_err(Fail::from)).await?;
    let registry =
        Registry::build(data, settings).map_err(|error| Stop::words(format!("the calendar: {error}")))?;
    let order = Order {
        ticket,
        version: None,
        command: Command::Reveal { reason },
        photos: Vec::new(),
        stage: Stage::Before,
        position: None,
        duty: None,
        before: Before::default(),
    };
    let now = Clock::System.now();
    db.write(move |conn| execute(conn, &registry, &Actor::server(), &order, now)).await?;
    Ok(())
}

/// Writes into the audit trail that a ticket leaves the installation, before it does.
async fn note_export(db: &Db, ticket: TicketId, with_contacts: bool) -> Result<(), Stop> {
    let now = Clock::System.now();
    let noted = db.write(move |conn| {
        let found = tickets::find(conn, ticket)?;
        let district = found.map_or(0, |loaded| loaded.ticket.district);
        let line =
            audit::with(audit::entry(AuditKind::Export, district, now), "with_contacts", with_contacts);
        audit_rows::append(conn, &[Entry { subject: Some(format!("ticket:{ticket}")), ..line }])?;
        Ok::<_, Fail>(())
    });
    Ok(noted.await?)
}
