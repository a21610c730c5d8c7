//! Where pictures were used as evidence, with few rows read for each, however often one was used.

use std::collections::HashMap;
use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, Binary, HasSqlType, Integer, Nullable, SingleValue, Text};
use suishoupai_core::likeness::Use;
use suishoupai_core::model::District;

use super::conn::Conn;
use super::error::DbError;
use super::evidence::{UseRow, read_use};
use super::schema::{evidence, photos, tickets};

/// Of one original or one photo, so many rows are looked at: a picture that is sent again and again costs no more than
/// one that was sent twice.
const EACH: i64 = 8;

/// The photos with one of these originals, by the SHA-256; of each the first 8.
///
/// # Errors
/// The database's.
pub fn same_bytes(conn: &mut Conn, sha256: Vec<Vec<u8>>) -> Result<HashMap<Vec<u8>, Vec<i64>>, DbError> {
    let rows: Vec<(Vec<u8>, i64)> = match conn {
        Conn::Pg(_) if sha256.is_empty() => Vec::new(),
        Conn::Pg(conn) => OfEach::<_, Bytes> {
            text: "SELECT sought.sha256, photos.id FROM unnest($1) AS sought(sha256) CROSS JOIN LATERAL (\
                   SELECT id FROM photos WHERE photos.sha256 = sought.sha256 ORDER BY id LIMIT $2) AS photos",
            sought: sha256,
            each: EACH,
            kind: PhantomData,
        }
        .load(conn)?,
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

/// Where the photos are evidence, with the district of each ticket: of each photo 8 uses, all in the order of their
/// instants. One of them is of another ticket than any given one, unless all are.
///
/// # Errors
/// The database's.
pub fn uses_of(conn: &mut Conn, photos: Vec<i64>, which: Uses) -> Result<Vec<(District, Use)>, DbError> {
    let mut rows = match conn {
        Conn::Pg(_) if photos.is_empty() => Vec::new(),
        Conn::Pg(conn) => uses_on_postgres(conn, photos, which)?,
        Conn::Sqlite(conn) => uses_on_sqlite(conn, photos, which)?,
    };
    rows.sort_by_key(|(_, (ticket, _, photo, _, at))| (*at, *ticket, *photo));
    rows.into_iter().map(|(district, used)| Ok((district, read_use(used)?))).collect()
}

type DistrictUse = (i32, UseRow);

/// One way to the server for all photos, and only the rows that are wanted are read by way of the index.
fn uses_on_postgres(
    conn: &mut PgConnection,
    photos: Vec<i64>,
    which: Uses,
) -> Result<Vec<DistrictUse>, DbError> {
    macro_rules! text {
        ($order:literal) => {
            concat!(
                "SELECT used.district, used.ticket_id, tickets.parent_id, used.photo_id, used.stage, used.created_at \
                 FROM unnest($1) AS sought(photo) CROSS JOIN LATERAL (\
                 SELECT * FROM evidence WHERE evidence.photo_id = sought.photo ORDER BY ",
                $order,
                " LIMIT $2) AS used JOIN tickets ON tickets.id = used.ticket_id"
            )
        };
    }
    let each = EACH;
    Ok(match which {
        Uses::First => {
            let text = text!("evidence.created_at, evidence.ticket_id");
            OfEach::<_, First> { text, sought: photos, each, kind: PhantomData }.load(conn)?
        }
        Uses::Last => {
            let text = text!("evidence.created_at DESC, evidence.ticket_id DESC");
            OfEach::<_, Last> { text, sought: photos, each, kind: PhantomData }.load(conn)?
        }
    })
}

fn uses_on_sqlite(
    conn: &mut SqliteConnection,
    photos: Vec<i64>,
    which: Uses,
) -> Result<Vec<DistrictUse>, DbError> {
    let mut rows = Vec::new();
    for photo in photos {
        let these = evidence::table
            .inner_join(tickets::table)
            .filter(evidence::photo_id.eq(photo))
            .select((
                evidence::district,
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
        let these: Vec<DistrictUse> = match which {
            Uses::First => these.order((evidence::created_at, evidence::ticket_id)).load(conn)?,
            Uses::Last => {
                these.order((evidence::created_at.desc(), evidence::ticket_id.desc())).load(conn)?
            }
        };
        rows.extend(these);
    }
    Ok(rows)
}

/// Some rows for each value of an array, by a prepared statement that is kept. `K` says which statement: a type used
/// for one text only, with the array's and the rows' types.
struct OfEach<T, K> {
    text: &'static str,
    sought: Vec<T>,
    each: i64,
    kind: PhantomData<K>,
}

trait Kind {
    type Sought;
    type Row;
}

struct Bytes;
struct First;
struct Last;

impl Kind for Bytes {
    type Sought = Binary;
    type Row = (Binary, BigInt);
}

type UseSql = (Integer, (BigInt, Nullable<BigInt>, BigInt, Text, BigInt));

impl Kind for First {
    type Sought = BigInt;
    type Row = UseSql;
}

impl Kind for Last {
    type Sought = BigInt;
    type Row = UseSql;
}

impl<T, K> QueryFragment<Pg> for OfEach<T, K>
where
    K: Kind,
    K::Sought: SingleValue,
    Vec<T>: ToSql<Array<K::Sought>, Pg>,
    Pg: HasSqlType<Array<K::Sought>>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // The text has each parameter once, in this order.
        let (before, rest) = self.text.split_once("$1").unwrap_or((self.text, ""));
        let (between, after) = rest.split_once("$2").unwrap_or((rest, ""));
        out.push_sql(before);
        out.push_bind_param::<Array<K::Sought>, _>(&self.sought)?;
        out.push_sql(between);
        out.push_bind_param::<BigInt, _>(&self.each)?;
        out.push_sql(after);
        Ok(())
    }
}

impl<T, K: 'static> QueryId for OfEach<T, K> {
    type QueryId = K;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<T, K: Kind> Query for OfEach<T, K> {
    type SqlType = K::Row;
}

impl<Conn, T, K> RunQueryDsl<Conn> for OfEach<T, K> {}
