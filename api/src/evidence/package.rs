//! A zip file written as its parts come, by a thread of its own, with a bounded part of it in memory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use suishoupai_storage::files::{create_private, sync_folder};
use suishoupai_storage::store::{Portions, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::EvidenceError;

/// Portions that wait to be written.
const WAITING: usize = 8;

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name, with `/`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

enum Piece {
    /// A new file begins.
    Name(String),
    /// Bytes of the present one.
    Bytes(Bytes),
    /// The package is complete.
    End,
}

/// A package that is being written. Where it is not finished, nothing is left.
pub(super) struct Package {
    pieces: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<(), EvidenceError>>,
    entries: Vec<Entry>,
}

impl Package {
    /// Begins a package that will be at `path`, where nothing may be yet.
    ///
    /// # Errors
    /// Where something is there, or the file cannot be made.
    pub(super) fn begin(path: &Path) -> Result<Self, EvidenceError> {
        if path.symlink_metadata().is_ok() {
            let name = path.display();
            return Err(EvidenceError::words(format!("{name} is there already; name another file by --out")));
        }
        let draft = path.with_extension(format!("draft-{}", hex::encode(rand::random::<[u8; 8]>())));
        let file = create_private(&draft).map_err(EvidenceError::file("make", &draft))?;
        let (pieces, taken) = mpsc::channel(WAITING);
        let path = path.to_owned();
        let thread = tokio::task::spawn_blocking(move || {
            let written = write(file, taken, &draft, &path);
            if written.is_err() {
                // What went wrong is told; that the draft cannot be removed either adds nothing.
                drop(std::fs::remove_file(&draft));
            }
            written
        });
        Ok(Self { pieces, thread, entries: Vec::new() })
    }

    /// Adds a file of bytes at hand.
    ///
    /// # Errors
    /// When the package cannot be written.
    pub(super) async fn add(&mut self, name: &str, bytes: impl Into<Bytes>) -> Result<(), EvidenceError> {
        let bytes = bytes.into();
        let mut file = self.start(name).await?;
        file.push(self, bytes).await?;
        self.end(file);
        Ok(())
    }

    /// Adds a file as its portions come. The inner error is that of whoever gives them; the file ends there.
    ///
    /// # Errors
    /// When the package cannot be written.
    pub(super) async fn stream(
        &mut self,
        name: &str,
        mut portions: Portions,
    ) -> Result<Result<Entry, StoreError>, EvidenceError> {
        let mut file = self.start(name).await?;
        let mut outcome = Ok(());
        while let Some(portion) = portions.next().await {
            match portion {
                Ok(bytes) => file.push(self, bytes).await?,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let entry = self.end(file);
        Ok(outcome.map(|()| entry))
    }

    /// Begins a file whose parts follow.
    ///
    /// # Errors
    /// When the package cannot be written.
    pub(super) async fn start(&mut self, name: &str) -> Result<Part, EvidenceError> {
        self.tell(Piece::Name(name.to_owned())).await?;
        Ok(Part { name: name.to_owned(), digest: Sha256::new(), bytes: 0 })
    }

    /// Ends the file that was begun last.
    pub(super) fn end(&mut self, part: Part) -> Entry {
        let entry = Entry { name: part.name, bytes: part.bytes, sha256: hex::encode(part.digest.finalize()) };
        self.entries.push(entry.clone());
        entry
    }

    /// What is in it so far.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    async fn tell(&mut self, piece: Piece) -> Result<(), EvidenceError> {
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        // The thread has stopped, and knows why.
        match (&mut self.thread).await {
            Ok(Err(error)) => Err(error),
            _ => Err(EvidenceError::words("the package was broken off")),
        }
    }

    /// Completes the package; it is durable and has its name when this answers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn finish(mut self) -> Result<(), EvidenceError> {
        self.tell(Piece::End).await?;
        drop(self.pieces);
        self.thread.await.unwrap_or_else(|stopped| {
            Err(EvidenceError::words(format!("the package was broken off: {stopped}")))
        })
    }
}

/// A file of a package while it is being written.
pub(super) struct Part {
    name: String,
    digest: Sha256,
    bytes: u64,
}

impl Part {
    /// Adds bytes.
    ///
    /// # Errors
    /// When the package cannot be written.
    pub(super) async fn push(&mut self, package: &mut Package, bytes: Bytes) -> Result<(), EvidenceError> {
        self.digest.update(&bytes);
        self.bytes += bytes.len() as u64;
        package.tell(Piece::Bytes(bytes)).await
    }
}

fn write(
    file: File,
    mut pieces: mpsc::Receiver<Piece>,
    draft: &Path,
    path: &Path,
) -> Result<(), EvidenceError> {
    let failed =
        |error: zip::result::ZipError| EvidenceError::words(format!("cannot write the package: {error}"));
    // Photos are compressed already, and a package whose parts lie in it as they are is easier to look into.
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o644);
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let mut is_complete = false;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Name(name) => zip.start_file(name, options).map_err(failed)?,
            Piece::Bytes(bytes) => zip.write_all(&bytes).map_err(EvidenceError::file("write", draft))?,
            Piece::End => {
                is_complete = true;
                break;
            }
        }
    }
    if !is_complete {
        return Err(EvidenceError::words("the package was broken off"));
    }
    let writer = zip.finish().map_err(failed)?;
    let file =
        writer.into_inner().map_err(|error| EvidenceError::file("write", draft)(error.into_error()))?;
    file.sync_all().map_err(EvidenceError::file("write", draft))?;
    drop(file);
    // A link fails where somebody else was faster; a renaming would replace what is theirs.
    std::fs::hard_link(draft, path).map_err(EvidenceError::file("make", path))?;
    std::fs::remove_file(draft).map_err(EvidenceError::file("remove", draft))?;
    let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
    sync_folder(&folder).map_err(EvidenceError::file("write", &folder))
}
