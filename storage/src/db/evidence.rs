//! Evidence compared with what was sent before.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
use suishoupai_core::flow::{Stage, TicketId};
use suishoupai_core::likeness::{SeenBefore, Use};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::kept::Kept;
use super::photos::PhotoState;
use super::schema::{evidence, evidence_seen_before, evidence_waiting, photos, tickets};
use super::unnest::{insert_rows, together};
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

/// The evidence that waits is read in the order of its key, and for each piece its rows in other tables: joined, all
/// photos would be read as long as PostgreSQL believes that there are few.
fn uncompared_on_postgres(conn: &mut PgConnection, limit: i64) -> Result<Vec<WaitingRow>, DbError> {
    struct Uncompared;
    type Columns = ((BigInt, Nullable<BigInt>, BigInt, Text, BigInt), Integer, Binary);
    let rows = Kept::<Uncompared, Columns>::new(
        "SELECT waiting.ticket_id, ticket.parent_id, waiting.photo_id, waiting.stage, piece.created_at, \
         piece.district, photo.sha256 FROM evidence_waiting AS waiting \
         CROSS JOIN LATERAL (SELECT sha256 FROM photos \
         WHERE id = waiting.photo_id AND state <> 'received' OFFSET 0) AS photo \
         CROSS JOIN LATERAL (SELECT parent_id FROM tickets WHERE id = waiting.ticket_id OFFSET 0) AS ticket \
         CROSS JOIN LATERAL (SELECT created_at, district FROM evidence WHERE ticket_id = waiting.ticket_id \
         AND photo_id = waiting.photo_id AND stage = waiting.stage OFFSET 0) AS piece \
         ORDER BY waiting.ticket_id, waiting.photo_id, waiting.stage LIMIT (",
    )
    .list(vec![limit], ")[1]");
    Ok(rows.load(conn)?)
}

/// Evidence that was not compared yet and whose photo has been looked at, of the oldest tickets first, at most `limit`.
///
/// # Errors
/// The database's.
pub fn uncompared(conn: &mut Conn, limit: i64) -> Result<Vec<Waiting>, DbError> {
    let rows: Vec<WaitingRow> = match conn {
        Conn::Pg(conn) => uncompared_on_postgres(conn, limit)?,
        Conn::Sqlite(conn) => {
            let piece = (evidence::ticket_id.eq(evidence_waiting::ticket_id))
                .and(evidence::photo_id.eq(evidence_waiting::photo_id))
                .and(evidence::stage.eq(evidence_waiting::stage));
            evidence_waiting::table
                .inner_join(evidence::table.on(piece))
                .inner_join(photos::table.on(photos::id.eq(evidence_waiting::photo_id)))
                .inner_join(tickets::table.on(tickets::id.eq(evidence_waiting::ticket_id)))
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
                .order((evidence_waiting::ticket_id, evidence_waiting::photo_id, evidence_waiting::stage))
                .limit(limit)
                .load(conn)?
        }
    };
    rows.into_iter()
        .map(|(used, district, sha256)| Ok(Waiting { used: read_use(used)?, district, sha256 }))
        .collect()
}

/// Whether a server of an earlier version, which lets nothing wait in this way, has written evidence.
///
/// # Errors
/// The database's.
pub fn is_some_of_before(conn: &mut Conn) -> Result<bool, DbError> {
    let of_before =
        evidence::table.filter(evidence::compared_at.is_null()).select(evidence::ticket_id).limit(1);
    Ok(!of_before.load::<i64>(conn)?.is_empty())
}

/// Lets that evidence wait.
///
/// # Errors
/// The database's.
pub fn take_over(conn: &mut Conn) -> Result<(), DbError> {
    // Two statements: what is written between them waits, and is found of before once more.
    for sql in [
        "INSERT INTO evidence_waiting (ticket_id, photo_id, stage) \
         SELECT ticket_id, photo_id, stage FROM evidence WHERE compared_at IS NULL ON CONFLICT DO NOTHING",
        "UPDATE evidence SET compared_at = created_at WHERE compared_at IS NULL AND EXISTS (\
         SELECT 1 FROM evidence_waiting waiting WHERE waiting.ticket_id = evidence.ticket_id \
         AND waiting.photo_id = evidence.photo_id AND waiting.stage = evidence.stage)",
    ] {
        diesel::sql_query(sql).execute(conn)?;
    }
    Ok(())
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

#[derive(Queryable)]
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
    let records: Vec<Record> = found.iter().map(record).collect();
    together(conn, |rows| {
        insert_rows!(
            rows,
            evidence_seen_before,
            &records,
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
            " ON CONFLICT DO NOTHING"
        );
        Ok(())
    })?;
    waits_no_more(conn, compared)
}

fn waits_no_more(conn: &mut Conn, compared: &[Use]) -> Result<(), DbError> {
    match conn {
        Conn::Pg(_) if compared.is_empty() => {}
        Conn::Pg(conn) => {
            struct Compared;
            let of = |key: fn(&Use) -> i64| compared.iter().map(key).collect::<Vec<i64>>();
            let stages: Vec<&'static str> = compared.iter().map(|used| used.stage.as_str()).collect();
            Kept::<Compared, ()>::new("DELETE FROM evidence_waiting USING unnest(")
                .list(of(|used| used.ticket), ", ")
                .list(of(|used| used.photo), ", ")
                .list(
                    stages,
                    ") AS done (ticket, photo, stage) WHERE ticket_id = done.ticket AND photo_id = done.photo \
                     AND evidence_waiting.stage = done.stage",
                )
                .execute(conn)?;
        }
        Conn::Sqlite(conn) => {
            for used in compared {
                let key = (used.ticket, used.photo, used.stage.as_str());
                diesel::delete(evidence_waiting::table.find(key)).execute(conn)?;
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
