//! Measures the server under load: `cargo run --release -p suishoupai-tests --bin load -- SCENARIO`.

mod arguments;
mod capture;
mod claims;
mod client;
mod commands;
mod disk;
mod drive;
mod fault;
mod flow;
mod footprint;
mod live;
mod people;
mod photos;
mod postgres;
mod script;
mod server;
mod site;
mod sql;
mod stock;
mod storm;
mod storm_report;
mod sweep;
mod table;
mod two;
mod uploads;
mod volume;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Scenario};
use fault::Outcome;
use site::Site;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if cfg!(debug_assertions) {
        eprintln!("load: figures of a debug build mean nothing; run it with --release");
        return ExitCode::FAILURE;
    }
    // One thread: the client must leave the cores to the server.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("load: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        // Dropping the scenario half-way ends the server, the database and the folders that it has made.
        tokio::select! {
            outcome = Box::pin(run(&arguments)) => outcome,
            () = told_to_stop() => Err(fault::fault("stopped")),
        }
    });
    // A loop of SQL that is still running ends by its own bound.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Outcome<()> {
    let site =
        Site::new(arguments.engine, server::program(arguments.server.clone())?, arguments.data.clone())?;
    match arguments.scenario {
        Scenario::Intake => flow::intake(arguments, &site).await,
        Scenario::List => flow::list(arguments, &site).await,
        Scenario::Get => flow::get(arguments, &site).await,
        Scenario::Commands => commands::commands(arguments, &site).await,
        Scenario::Two => two::two(arguments, &site).await,
        Scenario::ClaimRace => claims::race(arguments, &site).await,
        Scenario::Photos => photos::photos(arguments, &site).await,
        Scenario::Uploads => uploads::uploads(arguments, &site).await,
        Scenario::Memory => footprint::memory(arguments, &site).await,
        Scenario::Start => footprint::start(arguments, &site).await,
        Scenario::Sweep => sweep::sweep(arguments, &site).await,
        Scenario::Live => live::live(arguments, &site).await,
        Scenario::Volume => volume::volume(arguments, &site).await,
        Scenario::Storm => storm::storm(arguments, &site).await,
    }
}

/// Ends with Ctrl-C or SIGTERM.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
