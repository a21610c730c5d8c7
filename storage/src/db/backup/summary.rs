//! What a database holds, in few numbers: by them a backup is known when it has been put back.

use std::collections::BTreeMap;

use diesel::connection::DefaultLoadingMode;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Count, Word};
use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::migrate::schema_of;
use crate::db::schema::{districts, photos, tickets};

/// What a database holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The migrations that made its schema, oldest first.
    pub migrations: Vec<String>,
    /// Rows by table.
    pub tables: BTreeMap<String, u64>,
    /// By district.
    pub districts: Vec<DistrictSummary>,
}

/// The tickets of a district.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistrictSummary {
    /// Its six-digit code.
    pub code: i32,
    /// Its name.
    pub name: String,
    /// How many tickets it has.
    pub tickets: u64,
    /// How many lines their histories have.
    pub lines: u64,
    /// SHA-256 over the key (eight bytes, big-endian) and the last hash of each ticket, by key: it changes with every
    /// line of every history.
    pub heads_sha256: String,
}

/// A picture that the database names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoRow {
    /// The digest of the original.
    pub sha256: Vec<u8>,
    /// Its extension.
    pub extension: String,
    /// Its length.
    pub bytes: i64,
    /// Whether the row before has named this original already.
    pub is_again: bool,
    /// The digest under which its renditions are kept, where it is masked.
    pub rendition: Option<Vec<u8>>,
}

/// The columns of [`PhotoRow`].
type PhotoColumns = (Vec<u8>, String, i64, Option<Vec<u8>>);

#[derive(Queryable)]
struct Head {
    district: i32,
    id: i64,
    version: i64,
    last_hash: Vec<u8>,
}

/// The chains of one district while they are walked.
#[derive(Default)]
struct Chains {
    tickets: u64,
    lines: u64,
    heads: Sha256,
}

pub(super) fn of(
    conn: &mut Conn,
    photos: &mut dyn FnMut(PhotoRow) -> Result<(), DbError>,
) -> Result<Summary, DbError> {
    each_photo(conn, photos)?;
    Ok(Summary {
        migrations: schema_of(conn)?.applied,
        tables: tables(conn)?,
        districts: district_summaries(conn)?,
    })
}

fn tables(conn: &mut Conn) -> Result<BTreeMap<String, u64>, DbError> {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "SELECT name AS word FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        }
        Conn::Pg(_) => {
            "SELECT table_name::text AS word FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
    };
    let names: Vec<Word> = each_backend!(conn, inner => diesel::sql_query(sql).load(inner))?;
    let mut tables = BTreeMap::new();
    for Word { word } in names.into_iter().filter(|name| !name.word.starts_with("__diesel")) {
        let sql = format!("SELECT count(*) AS count FROM \"{}\"", word.replace('"', "\"\""));
        let found: Count = each_backend!(conn, inner => diesel::sql_query(sql).get_result(inner))?;
        tables.insert(word, found.count.unsigned_abs());
    }
    Ok(tables)
}

fn district_summaries(conn: &mut Conn) -> Result<Vec<DistrictSummary>, DbError> {
    let names: Vec<(i32, String)> =
        districts::table.select((districts::code, districts::name)).order(districts::code).load(conn)?;
    let mut chains: BTreeMap<i32, Chains> = BTreeMap::new();
    let query = tickets::table
        .select((tickets::district, tickets::id, tickets::version, tickets::last_hash))
        .order((tickets::district, tickets::id));
    let mut take = |head: Head| {
        let chains = chains.entry(head.district).or_default();
        chains.tickets += 1;
        chains.lines += head.version.unsigned_abs();
        chains.heads.update(head.id.to_be_bytes());
        chains.heads.update(&head.last_hash);
    };
    // Row by row: a grown installation has more tickets than memory should hold.
    match conn {
        Conn::Sqlite(conn) => {
            for head in query.load_iter::<Head, DefaultLoadingMode>(conn)? {
                take(head?);
            }
        }
        Conn::Pg(conn) => {
            for head in query.load_iter::<Head, PgRowByRowLoadingMode>(conn)? {
                take(head?);
            }
        }
    }
    Ok(names
        .into_iter()
        .map(|(code, name)| {
            let Chains { tickets, lines, heads } = chains.remove(&code).unwrap_or_default();
            DistrictSummary { code, name, tickets, lines, heads_sha256: hex::encode(heads.finalize()) }
        })
        .collect())
}

fn each_photo(conn: &mut Conn, take: &mut dyn FnMut(PhotoRow) -> Result<(), DbError>) -> Result<(), DbError> {
    let mut last = None;
    let mut one = |(sha256, extension, bytes, rendition): PhotoColumns| {
        let original = (sha256.clone(), extension.clone());
        let is_again = last.as_ref() == Some(&original);
        last = Some(original);
        take(PhotoRow { sha256, extension, bytes, is_again, rendition })
    };
    // Row by row, of whichever engine.
    macro_rules! each {
        ($query:expr, $row:ident: $columns:ty => $read:expr) => {
            match conn {
                Conn::Sqlite(conn) => {
                    for row in $query.load_iter::<$columns, DefaultLoadingMode>(conn)? {
                        let $row = row?;
                        one($read)?;
                    }
                }
                Conn::Pg(conn) => {
                    for row in $query.load_iter::<$columns, PgRowByRowLoadingMode>(conn)? {
                        let $row = row?;
                        one($read)?;
                    }
                }
            }
        };
    }
    if knows_masks(conn)? {
        let columns = (photos::sha256, photos::extension, photos::bytes, photos::rendition);
        each!(photos::table.select(columns).distinct().order(columns), row: PhotoColumns => row);
    } else {
        let columns = (photos::sha256, photos::extension, photos::bytes);
        let query = photos::table.select(columns).distinct().order(columns);
        each!(query, row: (Vec<u8>, String, i64) => (row.0, row.1, row.2, None));
    }
    Ok(())
}

/// Whether the schema has masks: an installation is backed up before it is brought up to date.
fn knows_masks(conn: &mut Conn) -> Result<bool, DbError> {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "SELECT count(*) AS count FROM pragma_table_info('photos') WHERE name = 'rendition'"
        }
        Conn::Pg(_) => {
            "SELECT count(*) AS count FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = 'photos' AND column_name = 'rendition'"
        }
    };
    let found: Count = each_backend!(conn, inner => diesel::sql_query(sql).get_result(inner))?;
    Ok(found.count > 0)
}
