//! A run over a folder of real and hostile files, where one is given.

use std::time::{Duration, Instant};

use super::process;

/// A file must be answered within this time, or something hangs. Without optimisation all takes 20 times longer.
const DEADLINE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 2 });

/// Reads every file of the folder named by `SSP_PHOTO_CORPUS`; without it there is nothing to try.
#[test]
fn every_file_of_a_corpus_is_answered_in_time() {
    let Some(folder) = std::env::var_os("SSP_PHOTO_CORPUS") else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.is_file()) {
        let bytes = std::fs::read(path).unwrap();
        let started = Instant::now();
        let outcome = process(&bytes);
        let took = started.elapsed();
        assert!(took < DEADLINE, "{} took {took:?}", path.display());
        let outcome = match outcome {
            Ok((seen, made)) => format!(
                "{}x{} o{} {:?} {} {:?} -> {:?} {} KiB, {:?} {} KiB{}",
                seen.width,
                seen.height,
                seen.orientation,
                seen.taken_at.map(|at| at.to_string()),
                seen.gps.map_or("-".into(), |at| format!("{:.5},{:.5}", at.lat, at.lon)),
                seen.camera,
                made.display_size,
                made.display.len() >> 10,
                made.thumbnail_size,
                made.thumbnail.len() >> 10,
                if made.damaged { " DAMAGED" } else { "" },
            ),
            Err(refused) => format!("{}: {refused}", refused.code()),
        };
        println!("{:>5} ms {} {outcome}", took.as_millis(), path.file_name().unwrap().display());
    }
}
