//! Tries, pauses and bounds of requests, and what their failures mean.

use std::future::Future;
use std::io;
use std::time::Duration;

use rand::RngExt as _;
use s3::error::S3Error;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::StoreError;

/// Tries of one operation.
const TRIES: u32 = 4;
/// The longest pause after the first try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Bytes a second below which a line counts as broken.
const SLOWEST: u64 = 128 << 10;
/// Longer answers of a server are cut before they come into the log.
const MAX_SAID: usize = 300;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) each: Duration,
    pub(super) total: Duration,
}

/// A failure after all tries.
#[derive(Debug)]
pub(super) enum Failed {
    Absent,
    Store(StoreError),
}

impl Failed {
    /// The failure of an operation on this object.
    pub(super) fn about(self, path: &str) -> StoreError {
        match self {
            Failed::Absent => StoreError::absent(path),
            Failed::Store(error) => error,
        }
    }
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            // Of an operation without an object, only the bucket can be absent.
            Failed::Absent => StoreError::during("find its bucket")(io::ErrorKind::NotFound.into()),
            Failed::Store(error) => error,
        }
    }
}

impl Patience {
    /// With the time that sending so many bytes may take besides.
    pub(super) fn sending(self, bytes: u64) -> Self {
        let longer = Duration::from_secs(bytes / SLOWEST);
        Self { each: self.each + longer, total: self.total + 2 * longer }
    }

    /// Asks until there is an answer that another try would not change. Every request that is made here may be
    /// repeated without harm: writes name their whole content.
    ///
    /// The pauses have full jitter, so that many processes do not come back at the same instant.
    pub(super) async fn until<T, F: Future<Output = Result<T, S3Error>>>(
        &self,
        action: &'static str,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Failed> {
        let end = Instant::now() + self.total;
        let mut tried = 0;
        loop {
            let problem = match timeout_at(end.min(Instant::now() + self.each), ask()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if is_passing(&error) => said(&error),
                Ok(Err(error)) => return Err(lasting(action, &error)),
                Err(_) => "no answer in time".to_owned(),
            };
            tried += 1;
            let longest = FIRST_PAUSE * (1 << tried.min(10)) / 2;
            let pause = longest.mul_f64(rand::rng().random_range(0.0..1.0));
            if tried == TRIES || Instant::now() + pause >= end {
                return Err(Failed::Store(StoreError::Unavailable { action, problem }));
            }
            sleep(pause).await;
        }
    }
}

/// The status of an answer that was an error.
pub(super) fn status(error: &S3Error) -> Option<u16> {
    match error {
        S3Error::HttpFailWithBody(status, _) => Some(*status),
        _ => None,
    }
}

/// Whether the object is not there.
pub(super) fn is_absent(error: &S3Error) -> bool {
    status(error) == Some(404)
}

/// Whether another try may succeed: nobody answered, or the server says that it is busy.
fn is_passing(error: &S3Error) -> bool {
    match error {
        S3Error::HttpFailWithBody(status, _) => matches!(status, 408 | 429 | 500 | 502..=504),
        S3Error::Reqwest(error) => !error.is_builder(),
        S3Error::Io(_) | S3Error::Http(_) => true,
        _ => false,
    }
}

fn lasting(action: &'static str, error: &S3Error) -> Failed {
    match error {
        error if is_absent(error) && !said(error).contains("NoSuchBucket") => Failed::Absent,
        S3Error::HttpFailWithBody(507, _) => Failed::Store(StoreError::NoSpace),
        S3Error::HttpFailWithBody(_, body)
            if body.contains("QuotaExceeded") || body.contains("StorageFull") =>
        {
            Failed::Store(StoreError::NoSpace)
        }
        other => Failed::Store(StoreError::Io { action, source: io::Error::other(said(other)) }),
    }
}

fn said(error: &S3Error) -> String {
    // The library's own text leaves out the cause, which is what an operator needs.
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text.chars().take(MAX_SAID).collect()
}
