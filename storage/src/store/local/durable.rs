//! Folders that outlive a loss of power. A new entry of a folder is durable only when the folder itself has been
//! synchronised, and so on upwards.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Folders below the root that this process knows to be durable. There are at most 196,611 of them.
#[derive(Debug, Default)]
pub(super) struct Folders {
    known: Mutex<HashSet<String>>,
}

impl Folders {
    /// Makes `relative` and the folders above it below `root`, durably. That a folder exists says nothing about
    /// that: another write may have made it just now, so each is synchronised once per process.
    pub(super) fn ensure(&self, root: &Path, relative: &str) -> io::Result<()> {
        if self.knows(relative) {
            return Ok(());
        }
        let ends = relative.match_indices('/').map(|(at, _)| at).chain([relative.len()]);
        for part in ends.filter_map(|end| relative.get(..end)) {
            if !self.knows(part) {
                make(&root.join(part))?;
                self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(part.to_owned());
            }
        }
        Ok(())
    }

    fn knows(&self, relative: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(relative)
    }
}

/// Makes `folder` and all that are missing above it, durably. What exists is the operator's, and the folder above
/// it may not even be readable for this process.
pub(in super::super) fn make_all(folder: &Path) -> io::Result<()> {
    if super::is_folder(folder) {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_all(above)?;
    }
    make(folder)
}

/// Makes one folder, open to its owner alone, and synchronises the one above it.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists || !super::is_folder(folder) => return Err(e),
        _ => {}
    }
    match folder.parent() {
        Some(above) if above.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(above) => sync_folder(above),
        None => Ok(()),
    }
}

/// Brings the entries of `folder` to the disk.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and the file system sees to it.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
