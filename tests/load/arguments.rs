//! What to measure, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::site::Engine;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Reports with photos already up, beside the same INSERTs alone
    Intake,
    /// Pages of 50 tickets, beside the same SELECT alone
    List,
    /// One ticket at a time, read by many at once
    Get,
    /// Claim, file, accept, finish and close, each beside its statements alone
    Commands,
    /// Two servers over one PostgreSQL beside one: reports taken in, and photos rendered once each
    Two,
    /// Many phones claim the same tickets
    ClaimRace,
    /// Photos sent until their renditions are ready, beside the rendering alone
    Photos,
    /// Memory that large uploads take, one and a hundred at once
    Uploads,
    /// Resident memory with the demonstration's district
    Memory,
    /// Time of a second start, and of one after the server was killed under load
    Start,
    /// A turn of the clocks over many open tickets
    Sweep,
    /// Memory of many idle streams of changes, and how soon all of them are told
    Live,
    /// Lists, searches and maps over very many tickets
    Volume,
    /// A storm evening: everybody at once, in an open model
    Storm,
}

/// Measures the server under load, beside what the database alone reaches in the same run.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    pub(crate) scenario: Scenario,
    /// The database; for postgres the server of SSP_TEST_PG, else a private one that is removed afterwards
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(crate) engine: Engine,
    /// Connections at once [default: 32, claim-race 64, photos 4, live 5000]
    #[arg(
        long,
        default_value = "32",
        default_value_ifs([("scenario", "claim-race", "64"), ("scenario", "photos", "4"), ("scenario", "live", "5000")]),
        hide_default_value = true
    )]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=20_000))]
    pub(crate) connections: usize,
    /// Seconds of one measurement
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// How often server and limit are measured in turn
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) repeat: u32,
    /// Tickets to fill the database with [default: list 10000, get 1000, claim-race 1000, commands 3200, sweep 100000, volume 1000000,
    /// start and storm none]
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(crate) tickets: Option<usize>,
    /// The JPEG that photos sends [default: one of 12 megapixels that is made up]
    #[arg(long)]
    pub(crate) photo: Option<PathBuf>,
    /// A data folder of SQLite that is filled already, for list, volume and storm; it is written to
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// How many people come each second in a storm
    #[arg(long, default_value = "20")]
    pub(crate) rate: f64,
    /// Where to write the page about a storm
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
    /// The server's program [default: suishoupai beside this one]
    #[arg(long)]
    pub(crate) server: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
