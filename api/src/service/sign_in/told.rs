//! What happens at sign-in: every event goes through here, so that this is the one place which writes it down, in the log
//! and in the audit trail.

use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::audit::{self as rows, Entry};
use suishoupai_storage::db::{Conn, accounts};

use crate::audit;
use crate::fail::Fail;
use crate::service::trail::first_district;
use crate::services::Services;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody signed in.
    SignedIn,
    /// A name, password or code was wrong.
    Failed,
    /// Further tries are refused for a while, after failures.
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
    /// A person of the identity provider was bound to the account.
    SubjectBound,
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

impl What {
    /// The kind of line of the audit trail, and the word by which those of one kind are told apart.
    fn kind(self) -> (AuditKind, Option<&'static str>) {
        match self {
            Self::SignedIn => (AuditKind::SignIn, None),
            Self::Failed => (AuditKind::SignInFailed, None),
            Self::Locked => (AuditKind::SignInLocked, None),
            Self::TokenReused => (AuditKind::SignOut, Some("token_reused")),
            Self::SignedOut => (AuditKind::SignOut, Some("one_device")),
            Self::SignedOutEverywhere => (AuditKind::SignOut, Some("all_devices")),
            Self::PasswordChanged => (AuditKind::PasswordChange, Some("changed")),
            Self::PasswordSet => (AuditKind::PasswordChange, Some("set")),
            Self::FactorAdded => (AuditKind::FactorChange, Some("added")),
            Self::FactorRemoved => (AuditKind::FactorChange, Some("removed")),
            Self::RecoveryCodesMade => (AuditKind::FactorChange, Some("recovery_codes_made")),
            Self::RecoveryCodeUsed => (AuditKind::FactorChange, Some("recovery_code_used")),
            Self::SubjectBound => (AuditKind::AccountChange, Some("single_sign_on_bound")),
            Self::KeyMade => (AuditKind::AccountChange, Some("service_key_made")),
            Self::KeyRevoked => (AuditKind::AccountChange, Some("service_key_revoked")),
            Self::OfficialAdded => (AuditKind::AccountChange, Some("added")),
            Self::OfficialDisabled => (AuditKind::AccountChange, Some("disabled")),
            Self::OfficialEnabled => (AuditKind::AccountChange, Some("enabled")),
            Self::PostsChanged => (AuditKind::RoleChange, Some("posts")),
        }
    }
}

/// Who did what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doer {
    /// Whoever the account belongs to.
    Owner,
    /// Somebody else.
    Account(AccountId),
    /// Whoever runs the installation, at the command line.
    Operator,
    /// Somebody who has not shown who it is.
    Unknown,
}

/// Something that happened at sign-in.
#[derive(Clone, Debug)]
pub struct Event {
    what: What,
    account: Option<AccountId>,
    doer: Doer,
    named: Option<String>,
    detail: String,
}

impl Event {
    /// Something that concerns an account and was done by its owner.
    pub fn of(what: What, account: AccountId) -> Self {
        Self { what, account: Some(account), doer: Doer::Owner, named: None, detail: String::new() }
    }

    /// Something that was tried by somebody who has not shown who it is; with the account, where that is known.
    pub fn tried(what: What, account: Option<AccountId>) -> Self {
        Self { what, account, doer: Doer::Unknown, named: None, detail: String::new() }
    }

    /// With who did it.
    pub fn by(self, by: AccountId) -> Self {
        Self { doer: Doer::Account(by), ..self }
    }

    /// Done at the command line.
    pub fn by_operator(self) -> Self {
        Self { doer: Doer::Operator, ..self }
    }

    /// With who was named, as a keyed digest: see [`audit::named`].
    pub fn naming(self, named: Option<String>) -> Self {
        Self { named, ..self }
    }

    /// With more about it, such as the means; no personal data.
    pub fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The line of the audit trail.
    fn line(&self, district: District, now: Moment) -> Entry {
        let (kind, word) = self.what.kind();
        let mut line = audit::entry(kind, district, now);
        line.account = match self.doer {
            Doer::Owner => self.account,
            Doer::Account(by) => Some(by),
            Doer::Operator | Doer::Unknown => None,
        };
        let account = self.account.map(|id| format!("account:{id}"));
        if let (Doer::Unknown, Some(_), Some(id)) = (self.doer, &self.named, self.account) {
            line = audit::with(line, "account", id);
        }
        line.subject = self.named.clone().or(account);
        if let Some(word) = word {
            line = audit::with(line, "what", word);
        }
        if !self.detail.is_empty() {
            let name = match self.what {
                What::SignedIn | What::Failed | What::Locked => "means",
                What::PostsChanged => "posts",
                What::KeyMade => "scopes",
                _ => "detail",
            };
            line = audit::with(line, name, &self.detail);
        }
        line
    }
}

/// Writes down what this transaction does.
///
/// # Errors
/// The database's.
pub fn tell(conn: &mut Conn, event: &Event, now: Moment) -> Result<(), Fail> {
    log(event);
    let district = match event.account {
        Some(account) => accounts::district(conn, account)?.unwrap_or_default(),
        None => 0,
    };
    rows::append(conn, std::slice::from_ref(&event.line(district, now)))?;
    Ok(())
}

/// Writes down what happened without anything else being written, together with what others have to write down.
///
/// # Errors
/// The database's.
pub async fn tell_alone(services: &Services, event: Event) -> Result<(), Fail> {
    log(&event);
    audit::note(services, event.line(first_district(services), services.now())).await
}

fn log(event: &Event) {
    let Event { what, account, doer, detail, .. } = event;
    tracing::info!(target: "suishoupai::identity", ?what, account, ?doer, detail, "sign-in");
}
