//! Evidence compared with what was sent before.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
use suishoupai_core::flow::{Stage, TicketId};
use suishoupai_core::likeness::{SeenBefore, Use};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::photos::PhotoState;
use super::schema::{evidence, evidence_seen_before, photos, tickets};
use super::unnest::insert_rows;
use super::update::update_kept;
use super::word::Word;

/// A piece of evidence that waits to be compared.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The use of the photo.
    pub used: Use,
    /// The district of the ticket.
    pub district: District,
    /// SHA-256 of the original's bytes.
    pub sha256: Vec<u8>,
}

/// A use as it is stored; the second is the ticket from which the first was split off.
pub(super) type UseRow = (TicketId, Option<TicketId>, i64, String, i64);

pub(super) fn read_use((ticket, parent, photo, stage, at): UseRow) -> Result<Use, DbError> {
    let stage = Stage::stored(&stage)?;
    Ok(Use { ticket, origin: parent.unwrap_or(ticket), photo, stage, at })
}

type WaitingRow = (UseRow, i32, Vec<u8>);

/// The evidence that waits is read by its index, and for each piece its photo and its ticket: joined as tables, all
/// photos would be read as long as PostgreSQL believes that there are few. Planned each time, for the same reason.
fn uncompared_on_postgres(conn: &mut PgConnection, limit: i64) -> Result<Vec<WaitingRow>, DbError> {
    let rows = sql::<((BigInt, Nullable<BigInt>, BigInt, Text, BigInt), Integer, Binary)>(
        "SELECT waiting.ticket_id, ticket.parent_id, waiting.photo_id, waiting.stage, waiting.created_at, \
         waiting.district, photo.sha256 FROM evidence AS waiting \
         CROSS JOIN LATERAL (SELECT sha256 FROM photos WHERE id = waiting.photo_id AND state <> ",
    )
    .bind::<Text, _>(PhotoState::Received.as_str())
    .sql(
        " OFFSET 0) AS photo \
         CROSS JOIN LATERAL (SELECT parent_id FROM tickets WHERE id = waiting.ticket_id OFFSET 0) AS ticket \
         WHERE waiting.compared_at IS NULL ORDER BY waiting.created_at, waiting.ticket_id LIMIT ",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(rows)
}

/// Evidence that was not compared yet and whose photo has been looked at, the oldest first, at most `limit`.
///
/// # Errors
/// The database's.
pub fn uncompared(conn: &mut Conn, limit: i64) -> Result<Vec<Waiting>, DbError> {
    let rows: Vec<WaitingRow> = match conn {
        Conn::Pg(conn) => uncompared_on_postgres(conn, limit)?,
        Conn::Sqlite(conn) => evidence::table
            .inner_join(photos::table)
            .inner_join(tickets::table)
            .filter(evidence::compared_at.is_null())
            .filter(photos::state.ne(PhotoState::Received.as_str()))
            .select((
                (
                    evidence::ticket_id,
                    tickets::parent_id,
                    evidence::photo_id,
                    evidence::stage,
                    evidence::created_at,
                ),
                evidence::district,
                photos::sha256,
            ))
            .order((evidence::created_at, evidence::ticket_id))
            .limit(limit)
            .load(conn)?,
    };
    rows.into_iter()
        .map(|(used, district, sha256)| Ok(Waiting { used: read_use(used)?, district, sha256 }))
        .collect()
}

/// That a piece of evidence was seen before.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How.
    pub kind: SeenBefore,
    /// The piece of evidence.
    pub later: Use,
    /// What it was seen as.
    pub earlier: Use,
    /// In how many bits the hashes differ; 0 also for the same bytes.
    pub bits: u32,
    /// The district of both tickets.
    pub district: District,
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = evidence_seen_before)]
struct Record {
    ticket_id: i64,
    photo_id: i64,
    stage: String,
    kind: String,
    district: i32,
    other_ticket_id: i64,
    other_photo_id: i64,
    other_stage: String,
    bits: i32,
    found_at: i64,
}

/// Writes down what was found, and that these pieces of evidence have been compared. What was found before stays.
///
/// # Errors
/// The database's.
pub fn save(conn: &mut Conn, found: &[Seen], compared: &[Use], now: Moment) -> Result<(), DbError> {
    let record = |one: &Seen| Record {
        ticket_id: one.later.ticket,
        photo_id: one.later.photo,
        stage: one.later.stage.as_str().to_owned(),
        kind: one.kind.as_str().to_owned(),
        district: one.district,
        other_ticket_id: one.earlier.ticket,
        other_photo_id: one.earlier.photo,
        other_stage: one.earlier.stage.as_str().to_owned(),
        bits: i32::try_from(one.bits).unwrap_or(i32::MAX),
        found_at: now.millis(),
    };
    insert_rows!(
        conn,
        evidence_seen_before,
        found.iter().map(record).collect(),
        Record {
            ticket_id,
            photo_id,
            stage,
            kind,
            district,
            other_ticket_id,
            other_photo_id,
            other_stage,
            bits,
            found_at,
        },
        on_conflict_do_nothing = " ON CONFLICT DO NOTHING"
    );
    mark_compared(conn, compared, now)
}

fn mark_compared(conn: &mut Conn, compared: &[Use], now: Moment) -> Result<(), DbError> {
    match conn {
        Conn::Pg(conn) => {
            let tickets: Vec<i64> = compared.iter().map(|used| used.ticket).collect();
            let photos: Vec<i64> = compared.iter().map(|used| used.photo).collect();
            let stages: Vec<&str> = compared.iter().map(|used| used.stage.as_str()).collect();
            diesel::sql_query(
                "UPDATE evidence SET compared_at = $1 FROM unnest($2, $3, $4) AS done(ticket, photo, stage) \
                 WHERE ticket_id = done.ticket AND photo_id = done.photo AND evidence.stage = done.stage",
            )
            .bind::<BigInt, _>(now.millis())
            .bind::<Array<BigInt>, _>(tickets)
            .bind::<Array<BigInt>, _>(photos)
            .bind::<Array<Text>, _>(stages)
            .execute(conn)?;
        }
        Conn::Sqlite(conn) => {
            #[derive(QueryId)]
            struct Compared;
            for used in compared {
                let this = (evidence::ticket_id.eq(used.ticket))
                    .and(evidence::photo_id.eq(used.photo))
                    .and(evidence::stage.eq(used.stage.as_str()));
                let set = evidence::compared_at.eq(now.millis());
                update_kept::<Compared, _, _, _>(evidence::table, set, this).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// What of the evidence of a ticket was seen before.
#[derive(Clone, Debug)]
pub struct SeenRow {
    /// Which photo.
    pub photo: i64,
    /// At which stage.
    pub stage: Stage,
    /// How.
    pub kind: SeenBefore,
    /// Under which ticket before.
    pub other_ticket: TicketId,
    /// As which photo.
    pub other_photo: i64,
    /// How many lines the chain of that one's mask has.
    pub other_mask_version: i64,
    /// At which stage.
    pub other_stage: Stage,
    /// In how many bits the hashes differ.
    pub bits: i32,
    /// When that was found.
    pub found_at: Moment,
}

/// What of the evidence of a ticket was seen before.
///
/// # Errors
/// The database's.
pub fn seen_of(conn: &mut Conn, ticket: TicketId) -> Result<Vec<SeenRow>, DbError> {
    let rows: Vec<(Record, i64)> = evidence_seen_before::table
        .inner_join(photos::table.on(photos::id.eq(evidence_seen_before::other_photo_id)))
        .filter(evidence_seen_before::ticket_id.eq(ticket))
        .select((evidence_seen_before::all_columns, photos::mask_version))
        .order((evidence_seen_before::photo_id, evidence_seen_before::stage))
        .load(conn)?;
    rows.into_iter()
        .map(|(row, other_mask_version)| {
            Ok(SeenRow {
                photo: row.photo_id,
                stage: Stage::stored(&row.stage)?,
                kind: SeenBefore::stored(&row.kind)?,
                other_ticket: row.other_ticket_id,
                other_photo: row.other_photo_id,
                other_mask_version,
                other_stage: Stage::stored(&row.other_stage)?,
                bits: row.bits,
                found_at: Moment::from_millis(row.found_at),
            })
        })
        .collect()
}
