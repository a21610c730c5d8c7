//! What older keys have sealed is sealed anew with the present one.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::db::conn::{Conn, each_backend};
use crate::db::error::DbError;
use crate::db::schema::{accounts, credentials, privacy_runs, reports};
use crate::seal::Sealer;

/// Rows looked at in one write.
const PAGE: i64 = 500;

/// The sealed columns of the database, apart from the answers kept for retries, which are gone in hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SealedColumn {
    /// Telephone numbers of accounts.
    Phones,
    /// Names of reporters.
    Contacts,
    /// What residents have had exported.
    Exports,
    /// Secrets of second factors.
    Factors,
}

/// What a sealing has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values that were sealed anew.
    pub values: u64,
    /// Values that no key of the ring opens.
    pub unreadable: u64,
}

/// How many values of a column a key of the ring has sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedWith {
    /// The column.
    pub what: String,
    /// The place of the key in the ring.
    pub version: u8,
    /// How many.
    pub count: i64,
}

impl SealedColumn {
    /// All of them.
    const ALL: [SealedColumn; 4] =
        [SealedColumn::Phones, SealedColumn::Contacts, SealedColumn::Exports, SealedColumn::Factors];

    /// The name to which the seal is bound.
    const fn aad(self) -> &'static str {
        match self {
            SealedColumn::Phones => "phone",
            SealedColumn::Contacts => "contact",
            SealedColumn::Exports => "export",
            SealedColumn::Factors => "factor",
        }
    }
}

/// How many sealed columns there are.
pub const COLUMNS: usize = SealedColumn::ALL.len();

/// Seals anew the next values of a column, by its number, of rows with keys above `after`; answers the last key, or `None` when there are no
/// more. A value that was changed meanwhile is left: whoever changed it has sealed it.
///
/// # Errors
/// The database's.
pub fn reseal_page(
    conn: &mut Conn,
    sealer: &Sealer,
    column: usize,
    after: i64,
    seen: &mut Resealed,
) -> Result<Option<i64>, DbError> {
    let Some(column) = SealedColumn::ALL.get(column).copied() else { return Ok(None) };
    let rows = page(conn, column, after)?;
    let Some((last, _)) = rows.last() else { return Ok(None) };
    let last = *last;
    for (id, sealed) in rows {
        match sealer.reseal(column.aad(), &sealed) {
            Ok(None) => {}
            Ok(Some(anew)) => seen.values += replace(conn, column, id, &sealed, anew)? as u64,
            Err(_) => seen.unreadable += 1,
        }
    }
    Ok(Some(last))
}

fn page(conn: &mut Conn, column: SealedColumn, after: i64) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    macro_rules! rows {
        ($table:ident, $id:expr, $sealed:expr) => {
            $table::table
                .filter($id.gt(after).and($sealed.is_not_null()))
                .select(($id, $sealed.assume_not_null()))
                .order($id)
                .limit(PAGE)
                .load(conn)?
        };
    }
    Ok(match column {
        SealedColumn::Phones => rows!(accounts, accounts::id, accounts::phone_sealed),
        SealedColumn::Contacts => rows!(reports, reports::id, reports::contact_sealed),
        SealedColumn::Exports => rows!(privacy_runs, privacy_runs::id, privacy_runs::data_sealed),
        SealedColumn::Factors => rows!(credentials, credentials::account_id, credentials::factor_sealed),
    })
}

fn replace(
    conn: &mut Conn,
    column: SealedColumn,
    id: i64,
    before: &[u8],
    anew: Vec<u8>,
) -> Result<usize, DbError> {
    macro_rules! put {
        ($table:ident, $id:expr, $sealed:expr) => {{
            let unmoved = $table::table.filter($id.eq(id).and($sealed.eq(before.to_vec())));
            each_backend!(conn, conn => diesel::update(unmoved).set($sealed.eq(anew)).execute(conn))?
        }};
    }
    Ok(match column {
        SealedColumn::Phones => put!(accounts, accounts::id, accounts::phone_sealed),
        SealedColumn::Contacts => put!(reports, reports::id, reports::contact_sealed),
        SealedColumn::Exports => put!(privacy_runs, privacy_runs::id, privacy_runs::data_sealed),
        SealedColumn::Factors => put!(credentials, credentials::account_id, credentials::factor_sealed),
    })
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = Binary)]
    mark: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// By which keys the values of the database are sealed.
///
/// # Errors
/// The database's.
pub fn sealed_with(conn: &mut Conn) -> Result<Vec<SealedWith>, DbError> {
    let sql = "SELECT what, mark, count(*) AS count FROM ( \
         SELECT 'phones' AS what, substr(phone_sealed, 1, 1) AS mark FROM accounts WHERE phone_sealed IS NOT NULL \
         UNION ALL SELECT 'names', substr(contact_sealed, 1, 1) FROM reports WHERE contact_sealed IS NOT NULL \
         UNION ALL SELECT 'exports', substr(data_sealed, 1, 1) FROM privacy_runs WHERE data_sealed IS NOT NULL \
         UNION ALL SELECT 'second factors', substr(factor_sealed, 1, 1) FROM credentials \
         WHERE factor_sealed IS NOT NULL \
         ) AS sealed GROUP BY what, mark ORDER BY what, mark";
    let rows: Vec<Counted> = each_backend!(conn, conn => diesel::sql_query(sql).load(conn))?;
    let counted = |row: Counted| SealedWith {
        version: row.mark.first().copied().unwrap_or_default(),
        what: row.what,
        count: row.count,
    };
    Ok(rows.into_iter().map(counted).collect())
}
