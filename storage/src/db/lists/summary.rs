//! The line of a list as it comes from the database.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::Pg;
use diesel::result::UnexpectedEndOfRow;
use diesel::row::{Field as _, Row};
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel::sqlite::Sqlite;
use suishoupai_core::flow::{Pressure, State, TicketId};
use suishoupai_core::model::UnitId;
use suishoupai_core::time::Moment;

use crate::db::schema::tickets;
use crate::db::word::{Either, Stored};

/// One line of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The key.
    pub id: TicketId,
    /// 案卷号
    pub number: String,
    /// Where it stands.
    pub state: State,
    /// The version.
    pub version: i64,
    /// The grid.
    pub grid: UnitId,
    /// The category, once there is one.
    pub category: Option<String>,
    /// Urgent or not.
    pub urgent: bool,
    /// The one unit that answers for it.
    pub responsible: UnitId,
    /// Who holds the claim.
    pub holder: Option<i64>,
    /// The beginning of the report.
    pub title: String,
    /// Longitude, WGS-84.
    pub lon: f64,
    /// Latitude, WGS-84.
    pub lat: f64,
    /// When it was opened.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When the lead must be done.
    pub due_at: Option<Moment>,
    /// When it ended.
    pub closed_at: Option<Moment>,
    /// When the present phase must be over.
    pub stage_due_at: Option<Moment>,
    /// From when the present phase is due soon.
    pub soon_at: Option<Moment>,
}

impl Summary {
    /// Whether time presses at `now`.
    pub fn pressure(&self, now: Moment) -> Pressure {
        match (self.stage_due_at, self.soon_at) {
            (Some(due), _) if due <= now => Pressure::Overdue,
            (Some(_), Some(soon)) if soon <= now => Pressure::DueSoon,
            _ => Pressure::Normal,
        }
    }
}

/// The columns of a line with their types, as diesel and as SQL have them.
macro_rules! columns {
    ($first:ident: $first_sql:ty, $($column:ident: $sql:ty),+ $(,)?) => {
        pub(in crate::db) type Columns = (tickets::$first, $(tickets::$column),+);

        pub(in crate::db) const COLUMNS: Columns = (tickets::$first, $(tickets::$column),+);

        /// The same columns in words.
        pub(super) const SELECT: &str =
            concat!("SELECT tickets.", stringify!($first) $(, ", tickets.", stringify!($column))+);

        /// What they are in SQL.
        type Sql = ($first_sql, $($sql),+);
    };
}

// In the order in which `read` takes them.
columns! {
    id: BigInt,
    number: Text,
    state: Text,
    version: BigInt,
    grid_id: BigInt,
    category: Nullable<Text>,
    urgent: Bool,
    responsible_id: BigInt,
    holder_account: Nullable<BigInt>,
    title: Text,
    lon: Double,
    lat: Double,
    created_at: BigInt,
    updated_at: BigInt,
    due_at: Nullable<BigInt>,
    closed_at: Nullable<BigInt>,
    stage_due_at: Nullable<BigInt>,
    soon_at: Nullable<BigInt>,
}

/// A row is read in one go, field by field: a page has nine hundred of them, and the way through the tuple that diesel makes
/// of a row costs as much again as to read them.
fn read<'a, DB>(row: &impl Row<'a, DB>) -> deserialize::Result<Summary>
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
    bool: FromSql<Bool, DB>,
    f64: FromSql<Double, DB>,
    String: FromSql<Text, DB>,
    Stored<State>: FromSql<Text, DB>,
{
    let moment = |at| field::<i64, BigInt, DB>(row, at).map(Moment::from_millis);
    let perhaps =
        |at| field::<Option<i64>, Nullable<BigInt>, DB>(row, at).map(|at| at.map(Moment::from_millis));
    Ok(Summary {
        id: field::<_, BigInt, DB>(row, 0)?,
        number: field::<_, Text, DB>(row, 1)?,
        state: field::<Stored<State>, Text, DB>(row, 2)?.0,
        version: field::<_, BigInt, DB>(row, 3)?,
        grid: field::<_, BigInt, DB>(row, 4)?,
        category: field::<_, Nullable<Text>, DB>(row, 5)?,
        urgent: field::<_, Bool, DB>(row, 6)?,
        responsible: field::<_, BigInt, DB>(row, 7)?,
        holder: field::<_, Nullable<BigInt>, DB>(row, 8)?,
        title: field::<_, Text, DB>(row, 9)?,
        lon: field::<_, Double, DB>(row, 10)?,
        lat: field::<_, Double, DB>(row, 11)?,
        created_at: moment(12)?,
        updated_at: moment(13)?,
        due_at: perhaps(14)?,
        closed_at: perhaps(15)?,
        stage_due_at: perhaps(16)?,
        soon_at: perhaps(17)?,
    })
}

macro_rules! read_from {
    ($($backend:ty),+) => { $(
        impl FromSqlRow<Sql, $backend> for Summary {
            fn build_from_row<'a>(row: &impl Row<'a, $backend>) -> deserialize::Result<Self> {
                read(row)
            }
        }
    )+ };
}

read_from!(Pg, Sqlite, Either);

/// The field at this place of a row.
fn field<'a, T, ST, DB>(row: &impl Row<'a, DB>, at: usize) -> deserialize::Result<T>
where
    DB: Backend,
    T: FromSql<ST, DB>,
{
    let field = row.get(at).ok_or(UnexpectedEndOfRow)?;
    T::from_nullable_sql(field.value()).map_err(|error| {
        let name = field.field_name().unwrap_or_default();
        format!("the field '{name}' cannot be read: {error}").into()
    })
}

#[cfg(test)]
mod tests {
    use diesel::QueryDsl as _;

    use super::*;

    #[test]
    fn the_columns_are_the_same_in_words() {
        let query =
            diesel::debug_query::<diesel::sqlite::Sqlite, _>(&tickets::table.select(COLUMNS)).to_string();
        let quoted = format!("{SELECT} FROM tickets");
        assert_eq!(query.split(" --").next().unwrap().replace('`', ""), quoted);
    }
}
