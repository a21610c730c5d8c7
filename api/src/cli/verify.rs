//! `suishoupai verify`

use std::fmt::Write as _;

use clap::Args;
use suishoupai_storage::db::history::{self, MOST_BREAKS, Verified};

use super::{Done, Stop, open_existing};
use crate::config::Config;
use crate::evidence::{PhotosVerified, say_on_stderr, verify_photos};
use crate::photo_store;

/// The exit code when a chain is broken.
const BROKEN: u8 = 3;

/// Verify the hash chains of all histories; exit code 3 if one is broken
///
/// The chains of tickets, of supervision orders, of masks of photos, of the exposure board and of the audit trail are walked
/// from end to end, and compared with reports, photos and what else they name. Keep the head of the audit trail elsewhere
/// now and then: a trail that was cut off at its end can be told by it.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Also read every original in the photo store and compare it with its SHA-256; how far it has come is told on standard
    /// error, and the exit code is 3 if one is missing or not as it was sent
    #[arg(long)]
    photos: bool,
}

pub(super) async fn run(settings: &Config, given: Verify) -> Result<Done, Stop> {
    let db = open_existing(settings)?;
    let done = report(&history::verify(&db).await?);
    if !given.photos {
        return Ok(done);
    }
    let store = photo_store::open(settings).await.map_err(|error| Stop::words(error.to_string()))?;
    Ok(with_photos(done, &verify_photos(&db, &store, say_on_stderr).await?))
}

/// The report with what the originals of the photos have shown.
fn with_photos(done: Done, seen: &PhotosVerified) -> Done {
    let Done { mut text, code } = done;
    let _ = writeln!(text, "{} originals of photos, {} bytes", seen.originals, seen.bytes);
    for fault in &seen.faults {
        let _ = writeln!(text, "broken: {fault}");
    }
    let _ = match seen.faulty {
        0 => writeln!(text, "every original is as it was sent"),
        count => writeln!(text, "broken originals: {count}"),
    };
    Done { text, code: if seen.faulty == 0 { code } else { BROKEN } }
}

pub(super) fn report(seen: &Verified) -> Done {
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let mut text = format!(
        "{} ticket{}, {} line{} of history\n",
        seen.tickets,
        plural(seen.tickets),
        seen.events,
        plural(seen.events)
    );
    let orders = &seen.supervision;
    if orders.orders > 0 {
        let _ = writeln!(
            text,
            "{} supervision order{}, {} line{} of history",
            orders.orders,
            plural(orders.orders),
            orders.events,
            plural(orders.events)
        );
    }
    for (chains, name) in [(&seen.masks, "mask"), (&seen.exposures, "entry of the exposure board")] {
        if chains.chains > 0 {
            let (count, lines) = (chains.chains, chains.lines);
            let several = if name == "mask" { "masks" } else { "entries of the exposure board" };
            let what = if count == 1 { name } else { several };
            let _ = writeln!(text, "{count} {what}, {lines} line{} of history", plural(lines));
        }
    }
    if let Some((last, hash)) = &seen.audit_head {
        let _ = writeln!(
            text,
            "audit trail of {} line{}, head {last} {hash}",
            seen.audit.lines,
            plural(seen.audit.lines)
        );
    }
    for found in &seen.breaks {
        let _ = writeln!(
            text,
            "broken: ticket {} (key {}), line {}: {}",
            found.number, found.ticket, found.seq, found.what
        );
    }
    for found in &orders.breaks {
        let _ = writeln!(
            text,
            "broken: supervision order {} (key {}), line {}: {}",
            found.number, found.order, found.seq, found.what
        );
    }
    for found in seen.masks.breaks.iter().chain(&seen.exposures.breaks).chain(&seen.audit.breaks) {
        let _ = writeln!(text, "broken: {}, line {}: {}", found.of, found.seq, found.what);
    }
    let counts = [
        seen.breaks.len(),
        orders.breaks.len(),
        seen.masks.breaks.len(),
        seen.exposures.breaks.len(),
        seen.audit.breaks.len(),
    ];
    let broken: usize = counts.iter().sum();
    let cut = counts.iter().any(|count| *count >= MOST_BREAKS);
    let verdict = match broken {
        0 => "every chain is intact".to_owned(),
        count if !cut => format!("broken chains: {count}"),
        count => format!("broken chains: {count} or more; the first {count} are listed"),
    };
    let _ = writeln!(text, "{verdict}");
    Done { text, code: if broken == 0 { 0 } else { BROKEN } }
}
