//! `suishoupai verify`

use std::fmt::Write as _;

use suishoupai_storage::db::history::{self, MOST_BREAKS, Verified};

use super::{Done, Stop, open_existing};
use crate::config::Config;

/// The exit code when a chain is broken.
const BROKEN: u8 = 3;

pub(super) async fn run(settings: &Config) -> Result<Done, Stop> {
    let db = open_existing(settings)?;
    Ok(report(&history::verify(&db).await?))
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
    let broken = seen.breaks.len() + orders.breaks.len();
    let cut = seen.breaks.len() >= MOST_BREAKS || orders.breaks.len() >= MOST_BREAKS;
    let verdict = match broken {
        0 => "every chain is intact".to_owned(),
        count if !cut => format!("broken chains: {count}"),
        count => format!("broken chains: {count} or more; the first {count} are listed"),
    };
    let _ = writeln!(text, "{verdict}");
    Done { text, code: if broken == 0 { 0 } else { BROKEN } }
}
