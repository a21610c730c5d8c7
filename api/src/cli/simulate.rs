//! `suishoupai simulate`

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use clap::Args;

use super::{Done, Stop, print};
use crate::app;
use crate::config::Config;
use crate::simulate::{self, Options, Outcome};

/// The exit code when the audit finds something.
const FAULTY: u8 = 3;

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// How many days, from Monday, 2 March 2026 on
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// How many reports come in each day
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tickets_per_day: u32,
    /// From which everything that happens follows: the same seed gives the same tickets
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(settings: &Config, given: Simulate) -> Result<Done, Stop> {
    must_be_empty(&settings.data.dir)?;
    let mut settings = settings.clone();
    // What is made up must never get into the database of a real installation.
    settings.data.database_url = None;
    let db = app::open_db_to_fill(&settings)?;
    let options = Options { days: given.days, tickets_per_day: given.tickets_per_day, seed: given.seed };
    let begun = Instant::now();
    let outcome = simulate::run(&db, options).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let (text, code) = report(options, &outcome);
    print(&text);
    // The time differs from run to run, so it is kept out of what two runs are compared by.
    let pace = outcome.lines() as f64 / seconds.max(0.001);
    let line = format!("{seconds:.1} s, {} commands, {pace:.0} commands per second", outcome.lines());
    drop(writeln!(std::io::stderr(), "{line}"));
    Ok(Done { text: String::new(), code })
}

fn must_be_empty(folder: &Path) -> Result<(), Stop> {
    match std::fs::read_dir(folder).map(|mut inside| inside.next().is_some()) {
        Ok(true) => Err(Stop::words(format!(
            "the folder {} is not empty; a simulation needs a folder of its own, named by --data",
            folder.display()
        ))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Stop::words(format!("the folder {} cannot be read: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}

/// What is printed, and the exit code.
pub(super) fn report(options: Options, outcome: &Outcome) -> (String, u8) {
    let mut text = String::new();
    let Options { days, tickets_per_day, seed } = options;
    let _ = writeln!(text, "{days} days of {tickets_per_day} reports, seed {seed}\n");
    let _ = write!(text, "{}", outcome.tally);
    let vain: u64 = outcome.refused.iter().map(|(_, _, times)| times).sum();
    let _ = writeln!(text, "{:<36}{vain}", "tried in vain");
    for (verb, code, times) in &outcome.refused {
        let _ = writeln!(text, "{:<36}{times}", format!("  {verb}: {code}"));
    }
    let _ = writeln!(text);
    if outcome.faults.is_empty() {
        let _ = writeln!(text, "the audit found every ticket, clock and history in order");
        return (text, 0);
    }
    let _ = writeln!(text, "the audit found faults:");
    for fault in &outcome.faults {
        let _ = writeln!(text, "  {fault}");
    }
    (text, FAULTY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Tally;

    #[test]
    fn only_an_empty_or_absent_folder_will_do() {
        let folder = tempfile::tempdir().unwrap();
        assert!(must_be_empty(folder.path()).is_ok());
        assert!(must_be_empty(&folder.path().join("absent")).is_ok());
        std::fs::write(folder.path().join("suishoupai.db"), "real").unwrap();
        let Err(Stop::Words(words)) = must_be_empty(folder.path()) else { panic!("it is not empty") };
        assert!(words.contains("--data"), "{words}");
        assert!(must_be_empty(&folder.path().join("suishoupai.db")).is_err(), "a file is no folder");
    }

    #[test]
    fn faults_are_listed_and_end_with_a_code_of_their_own() {
        let options = Options { days: 1, tickets_per_day: 2, seed: 3 };
        let good = Outcome { tally: Tally::default(), refused: Vec::new(), faults: Vec::new() };
        assert_eq!(report(options, &good).1, 0);
        let fault = "ticket 5 (filed): nobody is responsible".to_owned();
        let (text, code) = report(options, &Outcome { faults: vec![fault.clone()], ..good });
        assert_eq!(code, FAULTY);
        assert!(text.contains(&fault), "{text}");
    }
}
