//! The originals that the database names, for whoever reads all of them again.

use diesel::prelude::*;
use suishoupai_core::flow::TicketId;

use super::conn::Conn;
use super::error::DbError;
use super::schema::{evidence, photos, tickets};

/// Digests and extensions of originals, each once, in the order of digests after `after`.
///
/// # Errors
/// The database's.
pub fn originals_after(
    conn: &mut Conn,
    after: Option<[u8; 32]>,
    limit: i64,
) -> Result<Vec<([u8; 32], String)>, DbError> {
    let after = after.map_or_else(Vec::new, |digest| digest.to_vec());
    let rows: Vec<(Vec<u8>, String)> = photos::table
        .filter(photos::sha256.gt(after))
        .select((photos::sha256, photos::extension))
        .distinct()
        .order((photos::sha256, photos::extension))
        .limit(limit)
        .load(conn)?;
    let read = |(sha256, extension): (Vec<u8>, String)| {
        let name = hex::encode(&sha256);
        let sha256 = sha256.try_into().map_err(|_| DbError::corrupt("hash of photo", name))?;
        Ok((sha256, extension))
    };
    rows.into_iter().map(read).collect()
}

/// The numbers of tickets for which a picture with this digest is evidence, at most 5.
///
/// # Errors
/// The database's.
pub fn numbers_with(conn: &mut Conn, sha256: &[u8; 32]) -> Result<Vec<String>, DbError> {
    let ids: Vec<TicketId> = evidence::table
        .inner_join(photos::table)
        .filter(photos::sha256.eq(sha256.to_vec()))
        .select(evidence::ticket_id)
        .distinct()
        .order(evidence::ticket_id)
        .limit(5)
        .load(conn)?;
    Ok(tickets::table
        .filter(tickets::id.eq_any(ids))
        .select(tickets::number)
        .order(tickets::id)
        .load(conn)?)
}
