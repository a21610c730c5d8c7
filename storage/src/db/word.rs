//! Words of the core's enums as they stand in columns.

use suishoupai_core::flow::exposure::ExposureState;
use suishoupai_core::flow::supervision::SupervisionState;
use suishoupai_core::flow::{Channel, OrderKind, OrderState, RequestKind, Role, Stage, State, Verb};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::model::{CategoryKind, DutyMode, Level, LimitUnit};
use suishoupai_core::restriction::Decision;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};

use super::conn::Conn;
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

/// Such a value, read as it comes from the database.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub(crate) struct Stored<T>(pub(crate) T);

impl<T: Word> FromSql<Text, Sqlite> for Stored<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(T::stored(value.read_text())?))
    }
}

impl<T: Word> FromSql<Text, Pg> for Stored<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(T::stored(std::str::from_utf8(value.as_bytes())?)?))
    }
}

/// What a connection to either engine speaks.
pub(crate) type Either = <Conn as diesel::Connection>::Backend;

impl<T: Word> FromSql<Text, Either> for Stored<T> {
    fn from_sql(value: <Either as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Text>()
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
