//! What the clocks of tickets call the server for: warnings, breaches, reviews, the end of a wait. Each is written
//! down once, by compare-and-set on the ticket's version, however many processes look at the same time and however
//! long nobody looked.

use suishoupai_core::flow::{Actor, Command, Refusal, TicketId, next_alarm, step};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::tickets::Loaded;
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::{Conn, DbError, desk, jobs, tickets};

use super::tickets::persist;
use crate::fail::{Fail, refusal};
use crate::problem::Code;
use crate::registry::Registry;
use crate::services::Services;

/// The kind of job that moves the deadlines of a district begins so; the code of the district follows.
const RECOUNT: &str = "recount:";

/// Puts a recount of a district in the queue, in the transaction of the change that calls for it. Each is a job of
/// its own: one that is running may have read the calendar before this change.
///
/// # Errors
/// The database's.
pub fn enqueue_recount(conn: &mut Conn, id: i64, district: District, now: Moment) -> Result<(), DbError> {
    jobs::enqueue(conn, id, &format!("{RECOUNT}{district}"), id, now)
}

/// The district of a recount; none for jobs of other kinds.
pub fn recounted_district(kind: &str) -> Option<District> {
    kind.strip_prefix(RECOUNT)?.parse().ok()
}

/// Tickets looked at in one write.
const PORTION: i64 = 50;
/// Seconds after which a ticket that could not be rung is tried again.
const PUT_OFF: i64 = 3600;
/// Lines that one ticket gets in one go at the most; what is left comes with the next turn.
const AT_ONCE: usize = 16;

/// Writes down everything that is due at this instant, the longest due first; says how many lines that made. While
/// another process is at it, that is left to it.
///
/// # Errors
/// The database's.
pub async fn sweep(services: &Services) -> Result<usize, Fail> {
    let mut lines = 0;
    loop {
        let registry = services.registry();
        let now = services.now();
        // Looked for outside of the write, so that a turn with nothing to do locks out nobody.
        let mut due =
            services.db.read(move |conn| desk::alarmed(conn, now, PORTION).map_err(Fail::from)).await?;
        // Every process locks rows in the order of their keys, so that none waits for another in a circle.
        due.sort_unstable();
        if due.is_empty() {
            return Ok(lines);
        }
        let full = due.len() as i64 == PORTION;
        let written = services
            .db
            .write(move |conn| {
                if !turn::take(conn, Turn::Alarms)? {
                    return Ok(None);
                }
                let mut lines = 0;
                for ticket in &due {
                    lines += match ring(conn, &registry, *ticket, now) {
                        Ok(lines) => lines,
                        Err(Fail::Problem(problem)) => {
                            // One ticket that cannot be rung must not keep the others from it.
                            tracing::error!(ticket, %problem, "an alarm could not be written down");
                            tickets::set_alarm(conn, *ticket, Some(now.plus_seconds(PUT_OFF)))?;
                            0
                        }
                        Err(error) => return Err(error),
                    };
                }
                Ok::<_, Fail>(Some(lines))
            })
            .await?;
        lines += written.unwrap_or_default();
        if written.is_none() || !full {
            return Ok(lines);
        }
    }
}

/// Writes down what is due of one ticket; says how many lines that made.
///
/// # Errors
/// The database's.
pub fn ring(conn: &mut Conn, registry: &Registry, ticket: TicketId, now: Moment) -> Result<usize, Fail> {
    match tickets::find_for_update(conn, ticket)? {
        Some(mut loaded) => ring_on(conn, registry, &mut loaded, now),
        None => Ok(0),
    }
}

/// Writes down what is due of a ticket that was loaded in this write; `loaded` becomes the state after it.
///
/// # Errors
/// The database's.
pub fn ring_on(
    conn: &mut Conn,
    registry: &Registry,
    loaded: &mut Loaded,
    now: Moment,
) -> Result<usize, Fail> {
    let rules = registry.rules(loaded.ticket.district).ok_or(Code::TicketNotFound)?;
    for lines in 0..AT_ONCE {
        let policy = rules.policy(&loaded.ticket, now);
        let next = next_alarm(&loaded.ticket, now, policy, rules.calendar);
        let Some((_, alarm)) = next.filter(|(at, _)| *at <= now) else {
            if lines == 0 {
                // The row said that something is due which is not (any more): it is brought in line.
                tickets::set_alarm(conn, loaded.ticket.id, next.map(|(at, _)| at))?;
            }
            return Ok(lines);
        };
        let done = step(&loaded.ticket, &Command::Alarm(alarm), &Actor::server(), &[], now, rules)
            .map_err(|why| refusal(&why))?;
        persist(conn, registry, loaded, done)?;
    }
    Ok(AT_ONCE)
}

/// Moves the deadlines of a district's tickets after a change of its calendar, in portions; says how many moved.
/// A ticket whose deadlines agree with the calendar already is left alone, so it can be done again after a crash.
///
/// # Errors
/// The database's.
pub async fn recount(services: &Services, district: District) -> Result<usize, Fail> {
    services.refresh_registry().await?;
    let (mut after, mut moved) = (0, 0);
    loop {
        let registry = services.registry();
        let now = services.now();
        let portion = services
            .db
            .read(move |conn| desk::running(conn, district, after, PORTION).map_err(Fail::from))
            .await?;
        let Some(last) = portion.last() else { return Ok(moved) };
        after = *last;
        moved += services
            .db
            .write(move |conn| {
                let mut moved = 0;
                for ticket in &portion {
                    moved += usize::from(recount_one(conn, &registry, *ticket, now)?);
                }
                Ok::<_, Fail>(moved)
            })
            .await?;
    }
}

fn recount_one(conn: &mut Conn, registry: &Registry, ticket: TicketId, now: Moment) -> Result<bool, Fail> {
    let Some(mut loaded) = tickets::find_for_update(conn, ticket)? else { return Ok(false) };
    let rules = registry.rules(loaded.ticket.district).ok_or(Code::TicketNotFound)?;
    match step(&loaded.ticket, &Command::Recount, &Actor::server(), &[], now, rules) {
        Ok(done) => {
            persist(conn, registry, &mut loaded, done)?;
            Ok(true)
        }
        Err(Refusal::NothingToDo | Refusal::WrongState { .. }) => Ok(false),
        Err(why) => Err(refusal(&why).into()),
    }
}
