//! `suishoupai verify`

use std::fmt::Write as _;

use suishoupai_storage::db::history::{Verified, verify_some};
use suishoupai_storage::db::{Db, DbError};

use super::{Done, Stop, open_existing};
use crate::config::Config;

/// How many tickets are verified with one connection before others get their turn.
const PAGE: i64 = 500;
/// How many broken chains a verification lists.
const MOST_LISTED: usize = 100;
/// The exit code when a chain is broken.
const BROKEN: u8 = 3;

pub(super) async fn run(settings: &Config) -> Result<Done, Stop> {
    let db = open_existing(settings)?;
    Ok(report(&verify(&db).await?))
}

/// Walks all chains.
pub(super) async fn verify(db: &Db) -> Result<Verified, DbError> {
    let mut seen = Verified::default();
    let mut after = Some(i64::MIN);
    while let Some(last) = after {
        (after, seen) = db
            .read(move |conn| {
                let mut seen = seen;
                let next = verify_some(conn, last, PAGE, &mut seen)?;
                Ok::<_, DbError>((next, seen))
            })
            .await?;
    }
    Ok(seen)
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
    for found in &seen.breaks {
        let _ = writeln!(
            text,
            "broken: ticket {} (key {}), line {}: {}",
            found.number, found.ticket, found.seq, found.what
        );
    }
    let verdict = match seen.breaks.len() {
        0 => "every chain is intact".to_owned(),
        count if count < MOST_LISTED => format!("broken chains: {count}"),
        count => format!("broken chains: {count} or more; the first {count} are listed"),
    };
    let _ = writeln!(text, "{verdict}");
    Done { text, code: if seen.breaks.is_empty() { 0 } else { BROKEN } }
}
