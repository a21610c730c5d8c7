//! Why the store fails.

use std::io;

/// A failure of the photo store. None of them is the sender's fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no object under this key.
    #[error("there is no object {key}")]
    NotFound {
        /// The key that was asked for.
        key: String,
    },
    /// The disk, the quota or the capacity is used up.
    #[error("the photo store is full; free space or enlarge it")]
    NoSpace,
    /// The store does not answer, or says that it cannot now; a later try may succeed.
    #[error("the photo store is not available to {action}: {problem}")]
    Unavailable {
        /// What was being done.
        action: &'static str,
        /// What happened instead of an answer.
        problem: String,
    },
    /// Anything else the system said.
    #[error("the photo store failed to {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// For `map_err`: names the action, and tells a full disk from other failures.
    pub(super) fn during(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace
            }
            _ => Self::Io { action, source },
        }
    }

    pub(super) fn absent(key: impl ToString) -> Self {
        Self::NotFound { key: key.to_string() }
    }
}
