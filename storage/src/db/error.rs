//! What can go wrong between the server and its database.

use diesel::result::{DatabaseErrorKind, Error};

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL is unusable.
    #[error("{0}")]
    Target(String),
    /// The database cannot be reached, or gave up the connection.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The change met another one; nothing was written.
    #[error("a concurrent change came first")]
    Conflict,
    /// A unique or foreign key refused the row.
    #[error("a constraint refused the row: {0}")]
    Constraint(String),
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// What an operator asked for cannot be done with this database; the text says what to mend.
    #[error("{0}")]
    Refused(String),
    /// Migrating failed.
    #[error("migration: {0}")]
    Migration(String),
    /// A stored value cannot be read.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(String),
    /// A statement failed for any other reason.
    #[error("database: {0}")]
    Statement(Error),
}

impl DbError {
    pub(super) fn connect(error: diesel::ConnectionError) -> Self {
        // The message of libpq may repeat the URL with its password only for a malformed URL; the host and the
        // cause are what an operator needs.
        Self::Unavailable(error.to_string())
    }

    /// The same failure, told to another of those who waited for the same commit.
    pub(super) fn again(&self) -> Self {
        self.outage().unwrap_or_else(|| DbError::Unavailable(self.to_string()))
    }

    /// A copy of the failure where it is not the change's fault and would meet the next change as well: the database
    /// is away or full. What became of a change that was just being committed is not known then.
    pub fn outage(&self) -> Option<Self> {
        match self {
            DbError::Full => Some(DbError::Full),
            DbError::Unavailable(why) => Some(DbError::Unavailable(why.clone())),
            _ => None,
        }
    }

    /// A stored word that no enum knows.
    pub fn corrupt(what: &str, value: impl std::fmt::Display) -> Self {
        Self::Corrupt(format!("{what}: {value}"))
    }

    /// Whether the same work may succeed when it is simply done again.
    pub(super) fn is_worth_a_retry(&self) -> bool {
        match self {
            DbError::Conflict => true,
            DbError::Statement(Error::DatabaseError(kind, info)) => {
                matches!(kind, DatabaseErrorKind::SerializationFailure)
                    || info.message().contains("deadlock detected")
            }
            _ => false,
        }
    }
}

/// What PostgreSQL (in English, which an operator may have changed; see `pool.rs`) and SQLite say when they cannot go
/// on at present, though nothing is wrong with the statement.
const PASSING: [&str; 6] = [
    "server closed the connection",
    "terminating connection",
    "the database system is",
    "canceling statement due to",
    "database is locked",
    "disk I/O error",
];

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        let (kind, info) = match error {
            Error::DatabaseError(kind, info) => (kind, info),
            // Why it could not be committed is what counts; that it could not be undone either means that the
            // connection is gone.
            Error::RollbackErrorOnCommit { commit_error, .. } => return Self::from(*commit_error),
            Error::BrokenTransactionManager => {
                return DbError::Unavailable("the connection broke inside a transaction".to_owned());
            }
            other => return DbError::Statement(other),
        };
        let message = info.message().to_owned();
        match kind {
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation => {
                DbError::Constraint(message)
            }
            // A server that lets nobody write has handed over to another one, or is about to be promoted.
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => DbError::Unavailable(message),
            _ if message.contains("database or disk is full") || message.contains("No space left") => {
                DbError::Full
            }
            _ if PASSING.iter().any(|sign| message.contains(sign)) => DbError::Unavailable(message),
            _ => DbError::Statement(Error::DatabaseError(kind, info)),
        }
    }
}
