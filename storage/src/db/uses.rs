//! Where pictures were used as evidence, with few rows read for each, however often one was used.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
use suishoupai_core::flow::AccountId;
use suishoupai_core::likeness::Use;
use suishoupai_core::model::District;

use super::conn::Conn;
use super::error::DbError;
use super::evidence::{UseRow, read_use};
use super::kept::Kept;
use super::schema::{evidence, photos, tickets};

/// Of one original or one photo, so many rows are looked at: a picture that is sent again and again costs no more than
/// one that was sent twice. The statements of PostgreSQL have the number in their texts.
const EACH: i64 = 8;

/// The photos with one of these originals, by the SHA-256; of each the first 8.
///
/// # Errors
/// The database's.
pub fn same_bytes(conn: &mut Conn, sha256: Vec<Vec<u8>>) -> Result<HashMap<Vec<u8>, Vec<i64>>, DbError> {
    let rows: Vec<(Vec<u8>, i64)> = match conn {
        Conn::Pg(_) if sha256.is_empty() => Vec::new(),
        Conn::Pg(conn) => {
            struct Same;
            Kept::<Same, (Binary, BigInt)>::new("SELECT sought.sha256, photos.id FROM unnest(")
                .list(
                    sha256,
                    ") AS sought (sha256) CROSS JOIN LATERAL (\
                     SELECT id FROM photos WHERE photos.sha256 = sought.sha256 ORDER BY id LIMIT 8) AS photos",
                )
                .load(conn)?
        }
        Conn::Sqlite(conn) => {
            let mut rows = Vec::new();
            for sha256 in sha256 {
                let these = photos::table
                    .filter(photos::sha256.eq(sha256))
                    .select((photos::sha256, photos::id))
                    .order(photos::id)
                    .limit(EACH);
                rows.extend(these.load::<(Vec<u8>, i64)>(conn)?);
            }
            rows
        }
    };
    let mut found: HashMap<_, Vec<i64>> = HashMap::new();
    for (sha256, id) in rows {
        found.entry(sha256).or_default().push(id);
    }
    Ok(found)
}

/// Which uses of a photo are looked at, where there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    /// The first ones.
    First,
    /// The last ones.
    Last,
}

/// The district of a ticket, whose photo it is, and how it is used.
pub type Used = (District, AccountId, Use);

/// Where the photos are evidence: of each photo 8 uses, all in the order of their
/// instants. One of them is of another ticket than any given one, unless all are.
///
/// # Errors
/// The database's.
pub fn uses_of(conn: &mut Conn, photos: Vec<i64>, which: Uses) -> Result<Vec<Used>, DbError> {
    let mut rows = match conn {
        Conn::Pg(_) if photos.is_empty() => Vec::new(),
        Conn::Pg(conn) => uses_on_postgres(conn, photos, which)?,
        Conn::Sqlite(conn) => uses_on_sqlite(conn, photos, which)?,
    };
    rows.sort_by_key(|(_, _, (ticket, _, photo, _, at))| (*at, *ticket, *photo));
    rows.into_iter().map(|(district, account, used)| Ok((district, account, read_use(used)?))).collect()
}

type UsedRow = (i32, i64, UseRow);
type UsedColumns = (Integer, BigInt, (BigInt, Nullable<BigInt>, BigInt, Text, BigInt));

/// One way to the server for all photos. Each table is entered by its index for each row, whatever PostgreSQL believes
/// of their sizes: the plan is kept, also from when there was little evidence.
fn uses_on_postgres(conn: &mut PgConnection, photos: Vec<i64>, which: Uses) -> Result<Vec<UsedRow>, DbError> {
    struct FirstUses;
    struct LastUses;
    macro_rules! sought {
        ($text:ident, $order:literal) => {
            Kept::<$text, UsedColumns>::new(
                "SELECT used.district, photo.account_id, used.ticket_id, ticket.parent_id, used.photo_id, used.stage, \
                 used.created_at FROM unnest(",
            )
            .list(
                photos,
                concat!(
                    ") AS sought (photo) CROSS JOIN LATERAL (SELECT * FROM evidence WHERE evidence.photo_id = sought.photo \
                     ORDER BY ", $order, " LIMIT 8) AS used \
                     CROSS JOIN LATERAL (SELECT parent_id FROM tickets WHERE id = used.ticket_id LIMIT 1) AS ticket \
                     CROSS JOIN LATERAL (SELECT account_id FROM photos WHERE id = used.photo_id LIMIT 1) AS photo"
                ),
            )
            .load(conn)
        };
    }
    Ok(match which {
        Uses::First => sought!(FirstUses, "evidence.created_at, evidence.ticket_id"),
        Uses::Last => sought!(LastUses, "evidence.created_at DESC, evidence.ticket_id DESC"),
    }?)
}

fn uses_on_sqlite(
    conn: &mut SqliteConnection,
    photos: Vec<i64>,
    which: Uses,
) -> Result<Vec<UsedRow>, DbError> {
    let mut rows = Vec::new();
    for photo in photos {
        let these = evidence::table
            .inner_join(tickets::table)
            .inner_join(photos::table)
            .filter(evidence::photo_id.eq(photo))
            .select((
                evidence::district,
                photos::account_id,
                (
                    evidence::ticket_id,
                    tickets::parent_id,
                    evidence::photo_id,
                    evidence::stage,
                    evidence::created_at,
                ),
            ))
            .limit(EACH);
        // Two statements, so that the text of each is kept.
        let these: Vec<UsedRow> = match which {
            Uses::First => these.order((evidence::created_at, evidence::ticket_id)).load(conn)?,
            Uses::Last => {
                these.order((evidence::created_at.desc(), evidence::ticket_id.desc())).load(conn)?
            }
        };
        rows.extend(these);
    }
    Ok(rows)
}
