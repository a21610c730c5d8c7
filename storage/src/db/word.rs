//! Words of the core's enums as they stand in columns.

use suishoupai_core::flow::exposure::ExposureState;
use suishoupai_core::flow::supervision::SupervisionState;
use suishoupai_core::flow::{Channel, OrderKind, OrderState, RequestKind, Role, Stage, State, Verb};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::model::{CategoryKind, DutyMode, Level, LimitUnit};
use suishoupai_core::restriction::Decision;

use super::error::DbError;

/// A value that is stored as its stable word.
pub(crate) trait Word: Sized {
    const WHAT: &'static str;
    fn read(word: &str) -> Option<Self>;

    /// The value of a stored word.
    fn stored(word: &str) -> Result<Self, DbError> {
        Self::read(word).ok_or_else(|| DbError::corrupt(Self::WHAT, word))
    }
}

macro_rules! words {
    ($($type:ty = $what:literal),+ $(,)?) => { $(
        impl Word for $type {
            const WHAT: &'static str = $what;
            fn read(word: &str) -> Option<Self> { <$type>::parse(word) }
        }
    )+ };
}

words! {
    State = "state", Verb = "verb", Role = "role", OrderKind = "kind of order", OrderState = "state of order",
    Channel = "channel", Level = "level", CategoryKind = "kind of category", LimitUnit = "unit of limit",
    DutyMode = "mode of duty", RequestKind = "kind of request", SupervisionState = "state of supervision order",
    Stage = "stage", SeenBefore = "kind of evidence seen before",
    ExposureState = "state of exposure", Decision = "decision about a restriction",
}
