//! What happens at sign-in: every event goes through here, so that this is the one place which writes it down.

use suishoupai_core::flow::AccountId;
use suishoupai_storage::db::Conn;

use crate::fail::Fail;
use crate::services::Services;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody signed in.
    SignedIn,
    /// A name, password or code was wrong.
    Failed,
    /// Tries were refused after failures.
    Locked,
    /// A used refresh token came back, and its session was ended.
    TokenReused,
    /// A device was signed out.
    SignedOut,
    /// All devices were signed out.
    SignedOutEverywhere,
    /// The password was changed by who signs in with it.
    PasswordChanged,
    /// The password was set by an administrator.
    PasswordSet,
    /// A second factor was set up.
    FactorAdded,
    /// A second factor was taken away.
    FactorRemoved,
    /// Recovery codes were made anew.
    RecoveryCodesMade,
    /// A recovery code was used instead of the second factor.
    RecoveryCodeUsed,
    /// A key for another system was made.
    KeyMade,
    /// A key for another system was taken back.
    KeyRevoked,
    /// An official was added.
    OfficialAdded,
    /// An official was given other posts.
    PostsChanged,
    /// An official may no longer sign in.
    OfficialDisabled,
    /// An official may sign in again.
    OfficialEnabled,
}

/// Something that happened at sign-in.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub what: What,
    /// About whose account; none where the name is not known.
    pub account: Option<AccountId>,
    /// Who did it, where that is somebody else.
    pub by: Option<AccountId>,
    /// By which means or on which session, where that is known; no personal data.
    pub detail: String,
}

impl Event {
    /// Something that concerns an account and was done by its owner.
    pub fn of(what: What, account: AccountId) -> Self {
        Self { what, account: Some(account), by: None, detail: String::new() }
    }

    /// With who did it.
    pub fn by(self, by: AccountId) -> Self {
        Self { by: Some(by), ..self }
    }

    /// With more about it.
    pub fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

/// Writes down what this transaction does.
///
/// # Errors
/// The database's.
pub fn tell(_conn: &mut Conn, event: &Event) -> Result<(), Fail> {
    log(event);
    Ok(())
}

/// Writes down what happened without anything else being written.
///
/// # Errors
/// The database's.
pub async fn tell_alone(_services: &Services, event: Event) -> Result<(), Fail> {
    log(&event);
    Ok(())
}

fn log(event: &Event) {
    let Event { what, account, by, detail } = event;
    tracing::info!(target: "suishoupai::identity", ?what, account, by, detail, "sign-in");
}
