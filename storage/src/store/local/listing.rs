//! Keys in order, out of nested folders, without reading more of them than a page needs.

use std::fs;
use std::io;
use std::path::Path;

use super::super::ObjectKey;
use super::super::key::KINDS;

/// One page of a listing.
#[derive(Debug)]
pub(super) struct Listing {
    prefix: String,
    after: String,
    limit: usize,
    /// Keys and lengths in bytes, in byte order.
    pub(super) found: Vec<(String, u64)>,
}

impl Listing {
    pub(super) fn new(prefix: &str, after: Option<&str>, limit: usize) -> Self {
        Self {
            prefix: prefix.to_owned(),
            after: after.unwrap_or_default().to_owned(),
            limit,
            found: Vec::new(),
        }
    }

    /// Fills `found` from the store in `root`.
    pub(super) fn read(&mut self, root: &Path) -> io::Result<()> {
        for kind in KINDS {
            self.descend(root, &format!("{kind}/"))?;
        }
        Ok(())
    }

    /// Reads the folder `below` (with a slash at its end) in order. Keys are three folders deep, so is this.
    ///
    /// Names within a folder are of one length and kind, hence sorting names sorts keys.
    fn descend(&mut self, root: &Path, below: &str) -> io::Result<()> {
        if self.found.len() >= self.limit || !self.may_hold(below) {
            return Ok(());
        }
        let Some(entries) = super::super::spool::absent(fs::read_dir(root.join(below)))? else {
            return Ok(());
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        for name in names {
            let path = format!("{below}{name}");
            if below.matches('/').count() < 3 {
                // A stray file among the folders is none of ours.
                if super::is_folder(&root.join(&path)) {
                    self.descend(root, &format!("{path}/"))?;
                }
            } else {
                self.consider(root, path)?;
            }
        }
        Ok(())
    }

    /// Whether a key that starts with `folder` can be wanted.
    fn may_hold(&self, folder: &str) -> bool {
        let prefixed = folder.starts_with(&self.prefix) || self.prefix.starts_with(folder);
        prefixed && (self.after.starts_with(folder) || folder > self.after.as_str())
    }

    fn consider(&mut self, root: &Path, key: String) -> io::Result<()> {
        let wanted = self.found.len() < self.limit && key.starts_with(&self.prefix) && key > self.after;
        if !wanted || key.parse::<ObjectKey>().is_err() {
            return Ok(());
        }
        // Deleted meanwhile is as good as never seen.
        if let Some(file) = super::super::spool::absent(fs::metadata(root.join(&key)))? {
            self.found.push((key, file.len()));
        }
        Ok(())
    }
}
