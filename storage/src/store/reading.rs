//! Objects read in portions.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::StoreError;
use super::spool::blocking;

/// Bytes of a file that are in memory at once for each reader.
const PORTION: usize = 64 << 10;

/// Bytes that are reserved for an object because it is announced; a longer one takes more as it comes.
const MOST_AT_ONCE: usize = 32 << 20;

/// Portions of an object, each bounded.
pub type Portions = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// An object, or a part of it, that is being read.
pub struct Reading {
    /// Bytes that will come.
    pub length: u64,
    /// The bytes, in portions.
    pub portions: Portions,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reading({} bytes)", self.length)
    }
}

impl Reading {
    /// Everything at once, for objects that are known to be small or must be whole.
    ///
    /// # Errors
    /// The store's; [`StoreError::Io`] where it sent fewer bytes than it announced.
    pub async fn whole(self) -> Result<Bytes, StoreError> {
        self.whole_into(Vec::new()).await.map(Bytes::from)
    }

    /// As [`whole`](Self::whole), into an empty buffer.
    pub(super) async fn whole_into(mut self, mut buffer: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let announced = usize::try_from(self.length).unwrap_or(usize::MAX);
        buffer.reserve_exact(announced.min(MOST_AT_ONCE));
        while let Some(portion) = self.portions.next().await {
            buffer.extend_from_slice(&portion?);
        }
        if buffer.len() as u64 == self.length {
            return Ok(buffer);
        }
        Err(StoreError::during("read an object")(io::ErrorKind::UnexpectedEof.into()))
    }

    /// Bytes in memory.
    pub(super) fn of_bytes(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self { length, portions: Box::pin(stream::iter([Ok(bytes)])) }
    }

    /// `length` bytes of a file from where it stands.
    pub(super) fn of_file(file: File, length: u64) -> Self {
        let portions = stream::try_unfold((file, length), |(file, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let (file, portion) = blocking("read an object", move || {
                let length = left.min(PORTION as u64);
                let mut portion = Vec::with_capacity(length as usize);
                (&file).take(length).read_to_end(&mut portion)?;
                if portion.is_empty() {
                    Err(io::ErrorKind::UnexpectedEof.into())
                } else {
                    Ok((file, portion))
                }
            })
            .await?;
            let left = left - portion.len() as u64;
            Ok(Some((Bytes::from(portion), (file, left))))
        });
        Self { length, portions: Box::pin(portions) }
    }
}

/// A range within an object of `length` bytes.
///
/// # Errors
/// [`StoreError::Io`] where it reaches further.
pub(super) fn within(range: &Range<u64>, length: u64, key: impl Display) -> Result<(), StoreError> {
    if range.start <= range.end && range.end <= length {
        return Ok(());
    }
    let problem = format!("{key} has {length} bytes, {} to {} were asked for", range.start, range.end);
    Err(StoreError::during("read a part of an object")(io::Error::new(io::ErrorKind::InvalidInput, problem)))
}
