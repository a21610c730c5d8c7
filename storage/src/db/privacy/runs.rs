//! What residents asked for and what was done by itself, with the outcome.

use std::collections::BTreeMap;

use diesel::prelude::*;
use suishoupai_core::flow::AccountId;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::privacy_runs;

macro_rules! stored_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            fn stored(word: &str) -> Result<Self, DbError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(DbError::corrupt("word of a privacy run", other)),
                }
            }
        }
    };
}

stored_words! {
    /// What is done with personal data.
    RunKind {
        /// A resident gets the own data.
        Export = "export",
        /// A resident's data are erased.
        Erasure = "erasure",
        /// What is old enough is anonymised or let go.
        Retention = "retention",
        /// Everything is sealed with the present key.
        Reseal = "reseal",
    }
}

stored_words! {
    /// Where it stands.
    RunState {
        /// In the queue, or waiting for tickets to end.
        Waiting = "waiting",
        /// Done.
        Done = "done",
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The key.
    pub id: i64,
    /// Of which district; 0 for what is done for all.
    pub district: District,
    /// What is done.
    pub kind: RunKind,
    /// Whose data.
    pub account: Option<AccountId>,
    /// Where it stands.
    pub state: RunState,
    /// When it was asked for.
    pub asked_at: Moment,
    /// When it was done.
    pub finished_at: Option<Moment>,
    /// Numbers by name.
    pub report: BTreeMap<String, u64>,
    /// What was exported, sealed.
    pub data_sealed: Option<Vec<u8>>,
    /// Until when that is kept.
    pub expires_at: Option<Moment>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = privacy_runs, treat_none_as_default_value = false)]
struct Record {
    id: i64,
    district: i32,
    kind: String,
    account_id: Option<i64>,
    state: String,
    asked_at: i64,
    finished_at: Option<i64>,
    report: String,
    data_sealed: Option<Vec<u8>>,
    expires_at: Option<i64>,
}

impl Record {
    fn read(self) -> Result<Run, DbError> {
        let report = serde_json::from_str(&self.report);
        Ok(Run {
            id: self.id,
            district: self.district,
            kind: RunKind::stored(&self.kind)?,
            account: self.account_id,
            state: RunState::stored(&self.state)?,
            asked_at: Moment::from_millis(self.asked_at),
            finished_at: self.finished_at.map(Moment::from_millis),
            report: report.map_err(|error| DbError::corrupt("report of a privacy run", error))?,
            data_sealed: self.data_sealed,
            expires_at: self.expires_at.map(Moment::from_millis),
        })
    }
}

fn report_text(report: &BTreeMap<String, u64>) -> Result<String, DbError> {
    serde_json::to_string(report).map_err(|error| DbError::corrupt("report of a privacy run", error))
}

/// Writes one that was asked for.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, run: &Run) -> Result<(), DbError> {
    let record = Record {
        id: run.id,
        district: run.district,
        kind: run.kind.as_str().to_owned(),
        account_id: run.account,
        state: run.state.as_str().to_owned(),
        asked_at: run.asked_at.millis(),
        finished_at: run.finished_at.map(Moment::millis),
        report: report_text(&run.report)?,
        data_sealed: run.data_sealed.clone(),
        expires_at: run.expires_at.map(Moment::millis),
    };
    each_backend!(conn, conn => diesel::insert_into(privacy_runs::table).values(record).execute(conn))?;
    Ok(())
}

/// Writes what came of one.
///
/// # Errors
/// The database's.
pub fn finish(conn: &mut Conn, run: &Run) -> Result<(), DbError> {
    let change = (
        privacy_runs::state.eq(run.state.as_str()),
        privacy_runs::finished_at.eq(run.finished_at.map(Moment::millis)),
        privacy_runs::report.eq(report_text(&run.report)?),
        privacy_runs::data_sealed.eq(run.data_sealed.clone()),
        privacy_runs::expires_at.eq(run.expires_at.map(Moment::millis)),
    );
    let changed = diesel::update(privacy_runs::table.find(run.id)).set(change);
    each_backend!(conn, conn => changed.execute(conn))?;
    Ok(())
}

/// The one with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<Run>, DbError> {
    let row: Option<Record> = privacy_runs::table.find(id).first(conn).optional()?;
    row.map(Record::read).transpose()
}

/// What an account asked for, the newest first; at most `limit`.
///
/// # Errors
/// The database's.
pub fn mine(conn: &mut Conn, account: AccountId, limit: i64) -> Result<Vec<Run>, DbError> {
    let rows: Vec<Record> = privacy_runs::table
        .filter(privacy_runs::account_id.eq(account))
        .order(privacy_runs::id.desc())
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// Those of a district and those for all, the newest first.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut Conn,
    district: District,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Run>, DbError> {
    let mut query = privacy_runs::table.filter(privacy_runs::district.eq_any([0, district])).into_boxed();
    if let Some(before) = before {
        query = query.filter(privacy_runs::id.lt(before));
    }
    let rows: Vec<Record> = query.order(privacy_runs::id.desc()).limit(limit).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// Those of a kind that wait, the oldest first; at most `limit`.
///
/// # Errors
/// The database's.
pub fn open_runs(conn: &mut Conn, kind: RunKind, limit: i64) -> Result<Vec<i64>, DbError> {
    let waiting =
        privacy_runs::kind.eq(kind.as_str()).and(privacy_runs::state.eq(RunState::Waiting.as_str()));
    Ok(privacy_runs::table
        .filter(waiting)
        .select(privacy_runs::id)
        .order(privacy_runs::id)
        .limit(limit)
        .load(conn)?)
}

/// Whether something that was exported has expired.
///
/// # Errors
/// The database's.
pub fn any_expired(conn: &mut Conn, now: Moment) -> Result<bool, DbError> {
    let first: Option<i64> = privacy_runs::table
        .filter(privacy_runs::expires_at.le(now.millis()))
        .select(privacy_runs::id)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Removes what was exported and has expired; how many.
///
/// # Errors
/// The database's.
pub fn expire(conn: &mut Conn, now: Moment) -> Result<usize, DbError> {
    let old = privacy_runs::table.filter(privacy_runs::expires_at.le(now.millis()));
    let gone = diesel::update(old)
        .set((privacy_runs::data_sealed.eq(None::<Vec<u8>>), privacy_runs::expires_at.eq(None::<i64>)));
    Ok(each_backend!(conn, conn => gone.execute(conn))?)
}
