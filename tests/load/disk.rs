//! What a way to the disk takes, without a database.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::drive::Figures;
use crate::fault::Outcome;

/// Pages of SQLite that the commit of one report writes, about.
pub(crate) const PAGES: usize = 28;
/// A page with its header in the log.
const FRAME: usize = 4096 + 24;
/// The log is written from its beginning again after so many commits.
const COMMITS: u64 = 140;

/// Brings the pages of one report to the disk of this folder over and over, as the log of SQLite does.
pub(crate) fn ways(folder: &Path, length: Duration) -> Outcome<Figures> {
    let path = folder.join("ways-to-the-disk");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let pages = vec![0x5a_u8; PAGES * FRAME];
    for nth in 0..COMMITS {
        file.write_all_at(&pages, nth * pages.len() as u64)?;
    }
    file.sync_all()?;
    let (begun, mut micros) = (Instant::now(), Vec::new());
    for nth in (0..COMMITS).cycle() {
        if begun.elapsed() >= length {
            break;
        }
        let sent = Instant::now();
        file.write_all_at(&pages, nth * pages.len() as u64)?;
        file.sync_all()?;
        micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    let seconds = begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(Figures::new(seconds, micros))
}
