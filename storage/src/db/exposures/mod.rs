//! 曝光台: entries written line by line with their own chain, loaded for the rules, and listed.

mod lists;
mod verify;

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use suishoupai_core::flow::exposure::{Exposure, ExposureEvent, ExposureId, ExposureState, ExposureStep};
use suishoupai_core::flow::{GENESIS, link};
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::schema::{exposure_events, exposures};
use super::update::update_kept;
use super::word::Word;

pub use lists::{Filter, Published, page, published};
pub use verify::verify_page;

/// An entry as the rules see it, with what only the database needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// For the rules.
    pub entry: Exposure,
    /// The hash of the last line.
    pub last_hash: [u8; 32],
}

/// Names the text that saves the row of an entry.
#[derive(QueryId)]
struct EntryChange;

#[derive(Queryable, Insertable)]
#[diesel(table_name = exposures, treat_none_as_default_value = false)]
struct Record {
    id: i64,
    district: i32,
    ticket_id: i64,
    photo_id: i64,
    mask_version: i64,
    declared_clean: bool,
    text: String,
    state: String,
    version: i64,
    proposed_by: i64,
    proposed_at: i64,
    decided_by: Option<i64>,
    published_at: Option<i64>,
    ended_at: Option<i64>,
    last_hash: Vec<u8>,
}

/// What a step may change in the row.
#[derive(AsChangeset)]
#[diesel(table_name = exposures, treat_none_as_null = true)]
struct Change {
    state: &'static str,
    version: i64,
    decided_by: Option<i64>,
    published_at: Option<i64>,
    ended_at: Option<i64>,
    last_hash: Vec<u8>,
}

impl Record {
    fn read(self) -> Result<Loaded, DbError> {
        let last_hash =
            self.last_hash.try_into().map_err(|_| DbError::corrupt("hash of exposure", self.id))?;
        let entry = Exposure {
            id: self.id,
            district: self.district,
            ticket: self.ticket_id,
            photo: self.photo_id,
            mask_version: self.mask_version,
            declared_clean: self.declared_clean,
            text: self.text,
            state: ExposureState::stored(&self.state)?,
            version: self.version,
            proposed_by: self.proposed_by,
            proposed_at: Moment::from_millis(self.proposed_at),
            decided_by: self.decided_by,
            published_at: self.published_at.map(Moment::from_millis),
            ended_at: self.ended_at.map(Moment::from_millis),
        };
        Ok(Loaded { entry, last_hash })
    }
}

/// Writes a proposed entry with its first line.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, step: &ExposureStep) -> Result<(), DbError> {
    let entry = &step.entry;
    let content = content(&step.event)?;
    let hash = link(&GENESIS, &content);
    let record = Record {
        id: entry.id,
        district: entry.district,
        ticket_id: entry.ticket,
        photo_id: entry.photo,
        mask_version: entry.mask_version,
        declared_clean: entry.declared_clean,
        text: entry.text.clone(),
        state: entry.state.as_str().to_owned(),
        version: entry.version,
        proposed_by: entry.proposed_by,
        proposed_at: entry.proposed_at.millis(),
        decided_by: None,
        published_at: None,
        ended_at: None,
        last_hash: hash.to_vec(),
    };
    let inserted = diesel::insert_into(exposures::table).values(record);
    each_backend!(&mut *conn, conn => inserted.execute(conn))?;
    write_line(conn, entry, &step.event, content, hash)
}

/// Writes a step: the entry's row by compare-and-set on its version, and the line with its hash.
///
/// # Errors
/// [`DbError::Conflict`] when the version has moved; the database's.
pub fn save(conn: &mut Conn, loaded: &Loaded, step: &ExposureStep) -> Result<(), DbError> {
    let entry = &step.entry;
    let content = content(&step.event)?;
    let hash = link(&loaded.last_hash, &content);
    let change = Change {
        state: entry.state.as_str(),
        version: entry.version,
        decided_by: entry.decided_by,
        published_at: entry.published_at.map(Moment::millis),
        ended_at: entry.ended_at.map(Moment::millis),
        last_hash: hash.to_vec(),
    };
    let unmoved = exposures::id.eq(entry.id).and(exposures::version.eq(loaded.entry.version));
    let saved = update_kept::<EntryChange, _, _, _>(exposures::table, change, unmoved);
    if each_backend!(&mut *conn, conn => saved.execute(conn))? == 0 {
        return Err(DbError::Conflict);
    }
    write_line(conn, entry, &step.event, content, hash)
}

fn write_line(
    conn: &mut Conn,
    entry: &Exposure,
    event: &ExposureEvent,
    content: String,
    hash: [u8; 32],
) -> Result<(), DbError> {
    let row = (
        exposure_events::exposure_id.eq(entry.id),
        exposure_events::seq.eq(event.seq),
        exposure_events::district.eq(entry.district),
        exposure_events::at.eq(event.at),
        exposure_events::verb.eq(event.verb.as_str()),
        exposure_events::content.eq(content),
        exposure_events::hash.eq(hash.to_vec()),
    );
    each_backend!(conn, conn => diesel::insert_into(exposure_events::table).values(row).execute(conn))?;
    Ok(())
}

fn content(event: &ExposureEvent) -> Result<String, DbError> {
    event.content().map_err(|error| DbError::corrupt("line of the exposure board", error))
}

/// Loads an entry to read it.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find(conn: &mut Conn, id: ExposureId) -> Result<Option<Loaded>, DbError> {
    exposures::table.find(id).first::<Record>(conn).optional()?.map(Record::read).transpose()
}

/// Loads an entry inside a write, so that nobody else changes it before the transaction ends.
///
/// # Errors
/// The database's; `Ok(None)` where there is none.
pub fn find_for_update(conn: &mut Conn, id: ExposureId) -> Result<Option<Loaded>, DbError> {
    // SQLite has one writer, which holds the lock already; PostgreSQL locks the row.
    let record = match conn {
        Conn::Sqlite(conn) => exposures::table.find(id).first::<Record>(conn).optional()?,
        Conn::Pg(conn) => exposures::table.find(id).for_update().first::<Record>(conn).optional()?,
    };
    record.map(Record::read).transpose()
}

/// Whether a photo is proposed or published, by another entry than this one.
///
/// # Errors
/// The database's.
pub fn is_on_board(conn: &mut Conn, photo: i64, but: Option<ExposureId>) -> Result<bool, DbError> {
    let open: Vec<&str> =
        ExposureState::ALL.iter().filter(|state| state.is_open()).map(|state| state.as_str()).collect();
    let found: Vec<ExposureId> = exposures::table
        .filter(exposures::photo_id.eq(photo).and(exposures::state.eq_any(open)))
        .select(exposures::id)
        .limit(2)
        .load(conn)?;
    Ok(found.into_iter().any(|id| Some(id) != but))
}

/// The history of an entry with its hashes, oldest first; at most 1,000 lines.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read.
pub fn history(conn: &mut Conn, id: ExposureId) -> Result<Vec<(ExposureEvent, String)>, DbError> {
    let rows: Vec<(String, Vec<u8>)> = exposure_events::table
        .filter(exposure_events::exposure_id.eq(id))
        .select((exposure_events::content, exposure_events::hash))
        .order(exposure_events::seq)
        .limit(1000)
        .load(conn)?;
    rows.into_iter()
        .map(|(content, hash)| {
            let line = ExposureEvent::parse(&content)
                .map_err(|error| DbError::corrupt("line of the exposure board", error))?;
            Ok((line, hex::encode(hash)))
        })
        .collect()
}
