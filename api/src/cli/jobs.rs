//! `suishoupai jobs`

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::jobs::{self, Line};

use super::{Done, Stop, open_existing};
use crate::clock::Clock;
use crate::config::Config;

/// Most jobs that are printed.
const MOST: i64 = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum Jobs {
    /// Print the jobs in the queue: key, kind, subject, state, tries, when it is next tried, why the last try failed
    List(List),
    /// Put dead jobs back in the queue, with all their tries before them
    Retry(Retry),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that were given up
    #[arg(long)]
    dead: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Retry {
    /// The key of a dead job, as `jobs list --dead` prints it
    id: Option<i64>,
    /// All dead jobs
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(settings: &Config, jobs: Jobs) -> Result<Done, Stop> {
    let db = open_existing(settings)?;
    match jobs {
        Jobs::List(List { dead }) => {
            let lines = db.read(move |conn| jobs::list(conn, dead, MOST + 1)).await?;
            Ok(Done::of(table(&lines, Clock::System.now())))
        }
        Jobs::Retry(Retry { id: None, .. }) => {
            let now = Clock::System.now();
            let count = db.write(move |conn| jobs::retry(conn, None, now)).await?;
            Ok(Done::of(format!("put back: {count}\n")))
        }
        Jobs::Retry(Retry { id: Some(id), .. }) => {
            let now = Clock::System.now();
            let (dead, count) = db
                .write(move |conn| {
                    Ok::<_, suishoupai_storage::db::DbError>((
                        jobs::is_dead(conn, id)?,
                        jobs::retry(conn, Some(id), now)?,
                    ))
                })
                .await?;
            match (dead, count) {
                (None, _) => Err(Stop::words(format!("there is no job {id}"))),
                (Some(false), _) | (_, 0) => {
                    Err(Stop::words(format!("job {id} is not dead; it is tried again by itself")))
                }
                _ => Ok(Done::of("put back: 1\n")),
            }
        }
    }
}

/// One line for each job; what is longer than a screen takes is cut and said so.
fn table(lines: &[Line], now: Moment) -> String {
    if lines.is_empty() {
        return "no jobs\n".to_owned();
    }
    let mut text = String::new();
    for line in lines.iter().take(MOST as usize) {
        let at = |millis| Moment::from_millis(millis);
        let held = line.locked_until.map(at).filter(|until| *until > now);
        let when = match (line.state.as_str(), held) {
            ("dead", _) => "-".to_owned(),
            (_, Some(until)) => format!("held until {until}"),
            _ => at(line.run_at).to_string(),
        };
        let why = line.last_error.as_deref().unwrap_or("-").replace(['\n', '\r'], " ");
        let Line { id, kind, subject, state, attempts, .. } = line;
        let _ = writeln!(text, "{id}\t{kind}\t{subject}\t{state}\t{attempts}\t{when}\t{why}");
    }
    if lines.len() > MOST as usize {
        let _ = writeln!(text, "and more; the first {MOST} are listed");
    }
    text
}
