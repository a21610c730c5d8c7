//! Why a scenario stopped, in words.

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Outcome<T> = Result<T, Fault>;

pub(crate) fn fault(words: impl Into<String>) -> Fault {
    words.into().into()
}
