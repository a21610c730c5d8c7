//! Why a service could not do what it was asked: a problem for the caller, or a failure of the database or store.

use suishoupai_core::flow::Refusal;
use suishoupai_core::flow::exposure::ExposureRefusal;
use suishoupai_core::flow::masking::MaskRefusal;
use suishoupai_core::flow::supervision::SupervisionRefusal;
use suishoupai_storage::db::{DbError, Retryable};
use suishoupai_storage::store::StoreError;

use crate::lang::Text;
use crate::problem::{Code, Problem};

/// The error of every service.
#[derive(Debug)]
pub enum Fail {
    /// To be answered as it is.
    Problem(Problem),
    /// The database's; kept as such so that a conflict can be tried again.
    Db(DbError),
}

impl Fail {
    /// A failure that is not the caller's.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        Fail::Problem(Problem::internal(error))
    }

    /// The same failure for others that would meet it too, because the database is away or full; none for any other.
    pub fn outage(&self) -> Option<Self> {
        match self {
            Fail::Db(error) => error.outage().map(Fail::Db),
            Fail::Problem(_) => None,
        }
    }
}

/// Space is made by an operator, so it is worth asking less often than after an outage.
const FULL_RETRY_SECONDS: u32 = 30;

impl From<Problem> for Fail {
    fn from(problem: Problem) -> Self {
        Fail::Problem(problem)
    }
}

impl From<Code> for Fail {
    fn from(code: Code) -> Self {
        Fail::Problem(Problem::new(code))
    }
}

impl From<DbError> for Fail {
    fn from(error: DbError) -> Self {
        Fail::Db(error)
    }
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Fail::from(Code::PhotoNotFound),
            StoreError::NoSpace => {
                tracing::error!(%error, "the photo store took nothing");
                Fail::Problem(Problem::new(Code::StorageFull).retry_after(FULL_RETRY_SECONDS))
            }
            other => {
                tracing::error!(error = %other, "the photo store failed");
                let cause = other.to_string();
                Fail::Problem(Problem::new(Code::Unavailable).retry_after(5).caused_by(cause))
            }
        }
    }
}

impl Retryable for Fail {
    fn is_retryable(&self) -> bool {
        matches!(self, Fail::Db(error) if error.is_retryable())
    }
}

impl From<Fail> for Problem {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Problem(problem) => problem,
            Fail::Db(DbError::Conflict) => Problem::new(Code::StaleVersion),
            Fail::Db(error @ DbError::Unavailable(_)) => {
                tracing::error!(%error, "the database did not serve a request");
                Problem::new(Code::Unavailable).retry_after(5).caused_by(error.to_string())
            }
            Fail::Db(error @ DbError::Full) => {
                tracing::error!(%error, "the database took nothing");
                Problem::new(Code::StorageFull).retry_after(FULL_RETRY_SECONDS)
            }
            Fail::Db(error) => Problem::internal(&error),
        }
    }
}

impl From<Fail> for actix_web::Error {
    fn from(fail: Fail) -> Self {
        Problem::from(fail).into()
    }
}

/// A refusal by the rules as a problem; `rule` is its stable word.
pub fn refusal(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::WrongState { .. } => Code::NotAllowedInState,
        Refusal::NotYours { .. } | Refusal::OwnWork | Refusal::OwnCall | Refusal::NeedsHead => {
            Code::Forbidden
        }
        Refusal::HeldBy { .. } => Code::AlreadyClaimed,
        Refusal::LeaseOver
        | Refusal::AlreadyRated
        | Refusal::AssistsOpen(_)
        | Refusal::Bound
        | Refusal::RequestOpen(_)
        | Refusal::NoRequest
        | Refusal::Held
        | Refusal::NeedsEndorsement
        | Refusal::AlreadyWaiting
        | Refusal::NotStopped
        | Refusal::WhistleOpen
        | Refusal::NoWhistle
        | Refusal::AlreadyDone
        | Refusal::NoCallBackDue
        | Refusal::NoCallBack
        | Refusal::UrgedToday
        | Refusal::OthersReported
        | Refusal::HasMerged
        | Refusal::NothingToDo => Code::NotAllowedInState,
        _ => Code::RefusedByRule,
    };
    let said = refusal.said();
    Problem::new(code).detail(Text::new(said.zh, said.en)).with("rule", refusal.code())
}

/// A refusal by the rules of supervision as a problem; `rule` is its stable word.
pub fn supervision_refusal(refusal: &SupervisionRefusal) -> Problem {
    let code = match refusal {
        SupervisionRefusal::WrongState { .. } => Code::NotAllowedInState,
        SupervisionRefusal::NotYours { .. } | SupervisionRefusal::OwnReply => Code::Forbidden,
        SupervisionRefusal::Empty
        | SupervisionRefusal::TooManyTickets { .. }
        | SupervisionRefusal::CannotReceive(_)
        | SupervisionRefusal::BadDeadline { .. } => Code::RefusedByRule,
    };
    let pointer = match refusal {
        SupervisionRefusal::Empty => Some("/text"),
        SupervisionRefusal::TooManyTickets { .. } => Some("/tickets"),
        SupervisionRefusal::CannotReceive(_) => Some("/unit_code"),
        SupervisionRefusal::BadDeadline { .. } => Some("/due_at"),
        _ => None,
    };
    let said = refusal.said();
    let text = Text::new(said.zh, said.en);
    let problem = Problem::new(code).detail(text.clone()).with("rule", refusal.code());
    match pointer {
        Some(pointer) => problem.field(pointer, refusal.code(), text),
        None => problem,
    }
}

/// A refusal by the rules of masks as a problem; `rule` is its stable word.
pub fn mask_refusal(refusal: &MaskRefusal) -> Problem {
    let code = match refusal {
        MaskRefusal::NotYours { .. } | MaskRefusal::OwnMask => Code::Forbidden,
        MaskRefusal::NotMasked | MaskRefusal::OnTheBoard => Code::NotAllowedInState,
        MaskRefusal::TooManyAreas => Code::RefusedByRule,
    };
    let said = refusal.said();
    let text = Text::new(said.zh, said.en);
    let problem = Problem::new(code).detail(text.clone()).with("rule", refusal.code());
    match refusal {
        MaskRefusal::TooManyAreas => problem.field("/areas", refusal.code(), text),
        _ => problem,
    }
}

/// A refusal by the rules of the exposure board as a problem; `rule` is its stable word.
pub fn exposure_refusal(refusal: &ExposureRefusal) -> Problem {
    let code = match refusal {
        ExposureRefusal::NotYours { .. } | ExposureRefusal::OwnProposal => Code::Forbidden,
        ExposureRefusal::WrongState { .. }
        | ExposureRefusal::PictureChanged
        | ExposureRefusal::OnTheBoard
        | ExposureRefusal::NotReady => Code::NotAllowedInState,
        ExposureRefusal::NotMasked | ExposureRefusal::Sensitive => Code::RefusedByRule,
    };
    let said = refusal.said();
    Problem::new(code).detail(Text::new(said.zh, said.en)).with("rule", refusal.code())
}
