//! `suishoupai bench`

use std::io::Write as _;
use std::time::Instant;

use clap::{Args, Subcommand};
use suishoupai_core::time::Moment;

use super::{Done, Stop};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::simulate::{self, Filling};

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// Fill an empty installation with the demonstration's district and a made-up history
    ///
    /// Every ticket lives by the real rules; what is written depends on nothing but these options. The officials and the
    /// password are those of the demonstration. It is there whole or not at all: after an error, begin again with an
    /// empty database.
    Fill(Fill),
}

#[derive(Debug, Args)]
pub(super) struct Fill {
    /// How many tickets
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    tickets: u32,
    /// From which everything that happens follows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The instant at which the history ends, such as 2026-03-30T00:00:00+08:00 [default: the last midnight in China]
    #[arg(long)]
    until: Option<Moment>,
}

pub(super) async fn run(settings: &Config, given: Bench) -> Result<Done, Stop> {
    let Bench::Fill(Fill { tickets, seed, until }) = given;
    let until = until.unwrap_or_else(last_midnight);
    let db = app::open_db_to_fill(settings)?;
    let begun = Instant::now();
    let filled = simulate::fill(&db, Filling { tickets, seed, until }).await?;
    let seconds = begun.elapsed().as_secs_f64();
    // The time differs from run to run, so it is kept out of what two runs are compared by.
    let pace = filled.tickets as f64 / seconds.max(0.001);
    drop(writeln!(std::io::stderr(), "{seconds:.1} s, {pace:.0} tickets per second"));
    Ok(Done::of(format!(
        "{} tickets with {} lines of history, over {} days up to {until}, seed {seed}\n",
        filled.tickets, filled.lines, filled.days
    )))
}

fn last_midnight() -> Moment {
    const DAY: i64 = 86_400_000;
    // China has one legal time, eight hours ahead.
    const AHEAD: i64 = 8 * 3_600_000;
    let now = Clock::System.now().millis();
    Moment::from_millis((now + AHEAD).div_euclid(DAY) * DAY - AHEAD)
}
