//! The perceptual hashes of photos, by which near pictures are found.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::likeness::Print;
use suishoupai_core::time::Moment;

use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::kept::among;
use super::photos::{MediaKind, NAMED, Named, NamedRow, PhotoState};
use super::schema::{photo_hashes, photos};

/// Records the hash of a photo; none for a picture with too little in it.
///
/// # Errors
/// The database's.
pub fn save(conn: &mut Conn, photo: i64, hash: Option<u64>, now: Moment) -> Result<(), DbError> {
    let values = (
        photo_hashes::photo_id.eq(photo),
        photo_hashes::hash.eq(hash.map(u64::cast_signed)),
        photo_hashes::hashed_at.eq(now.millis()),
        photo_hashes::has_near.eq(None::<bool>),
    );
    // Rendered twice, where a lease ran out: the picture is the same.
    each_backend!(conn, conn => diesel::insert_into(photo_hashes::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// As [`save`], for a photo that has long been evidence: it is to be compared again.
///
/// # Errors
/// The database's.
pub fn save_late(conn: &mut Conn, photo: i64, hash: Option<u64>, now: Moment) -> Result<(), DbError> {
    save(conn, photo, hash, now)?;
    if hash.is_some() {
        let again = diesel::sql_query(format!(
            "INSERT INTO evidence_waiting (ticket_id, photo_id, stage) \
             SELECT ticket_id, photo_id, stage FROM evidence WHERE photo_id = {photo} ON CONFLICT DO NOTHING"
        ));
        again.execute(conn)?;
    }
    Ok(())
}

/// The hashes of those of the photos that have one.
///
/// # Errors
/// The database's.
pub fn of(conn: &mut Conn, photos: &[i64]) -> Result<HashMap<i64, u64>, DbError> {
    if photos.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Option<i64>)> = photo_hashes::table
        .filter(photo_hashes::photo_id.eq_any(photos.to_vec()))
        .select((photo_hashes::photo_id, photo_hashes::hash))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(id, hash)| Some((id, hash?.cast_unsigned()))).collect())
}

/// A photo that somebody names.
#[derive(Clone, Copy, Debug)]
pub struct NamedPicture {
    /// What is known of it.
    pub photo: Named,
    /// The hash of the picture, where it has one.
    pub hash: Option<u64>,
    /// Whether it has been looked at and no other picture is near to it, nor has another one the same bytes.
    pub is_alone: bool,
}

/// Those of the photos that there are.
///
/// # Errors
/// The database's.
pub fn named(conn: &mut Conn, ids: &[i64]) -> Result<Vec<NamedPicture>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let columns = photos::table
        .left_join(photo_hashes::table.on(photo_hashes::photo_id.eq(photos::id)))
        .select((NAMED, photo_hashes::hash.nullable(), photo_hashes::has_near.nullable()))
        .filter(among(photos::id, ids));
    let rows: Vec<(NamedRow, Option<i64>, Option<bool>)> = each_backend!(conn, conn => columns.load(conn))?;
    let read = |(row, hash, has_near): (NamedRow, Option<i64>, Option<bool>)| {
        let (photo, hash) = (Named::read(row)?, hash.map(i64::cast_unsigned));
        Ok(NamedPicture { photo, hash, is_alone: has_near == Some(false) })
    };
    rows.into_iter().map(read).collect()
}

/// Pictures of which it is not known yet whether others are near, at most `limit`; each with the SHA-256 of the original.
///
/// # Errors
/// The database's.
pub fn unlooked(conn: &mut Conn, limit: i64) -> Result<Vec<(Print, Vec<u8>)>, DbError> {
    let rows: Vec<(i64, i64, Vec<u8>)> = photo_hashes::table
        .inner_join(photos::table.on(photos::id.eq(photo_hashes::photo_id)))
        .filter(photo_hashes::hash.is_not_null().and(photo_hashes::has_near.is_null()))
        .select((photo_hashes::photo_id, photo_hashes::hash.assume_not_null(), photos::sha256))
        .order(photo_hashes::photo_id)
        .limit(limit)
        .load(conn)?;
    let read = |(id, hash, sha256): (i64, i64, Vec<u8>)| (Print { hash: hash.cast_unsigned(), id }, sha256);
    Ok(rows.into_iter().map(read).collect())
}

/// Writes down which pictures have near ones, or others with the same bytes, and which have none. Whoever has once been found
/// to have one keeps it: another server, which knew of more, may have looked as well.
///
/// # Errors
/// The database's.
pub fn looked_at(conn: &mut Conn, with_near: &[i64], without: &[i64]) -> Result<(), DbError> {
    let is_unlooked = photo_hashes::has_near.is_null();
    let was_none = photo_hashes::has_near.is_null().or(photo_hashes::has_near.eq(false));
    if !without.is_empty() {
        let these = photo_hashes::table.filter(among(photo_hashes::photo_id, without)).filter(is_unlooked);
        each_backend!(conn, conn => diesel::update(these).set(photo_hashes::has_near.eq(false)).execute(conn))?;
    }
    if !with_near.is_empty() {
        let these = photo_hashes::table.filter(among(photo_hashes::photo_id, with_near)).filter(was_none);
        each_backend!(conn, conn => diesel::update(these).set(photo_hashes::has_near.eq(true)).execute(conn))?;
    }
    Ok(())
}

/// Whether one of the photos has not been looked at yet.
///
/// # Errors
/// The database's.
pub fn any_pending(conn: &mut Conn, ids: &[i64]) -> Result<bool, DbError> {
    let waiting = photos::table
        .filter(photos::id.eq_any(ids.to_vec()))
        .filter(photos::state.eq(PhotoState::Received.as_str()));
    Ok(waiting.count().get_result::<i64>(conn)? > 0)
}

/// The hashes that were recorded after an instant and photo, in that order, at most `limit`: when, and what.
///
/// # Errors
/// The database's.
pub fn after(conn: &mut Conn, (at, photo): (i64, i64), limit: i64) -> Result<Vec<(i64, Print)>, DbError> {
    let later = photo_hashes::hashed_at
        .gt(at)
        .or(photo_hashes::hashed_at.eq(at).and(photo_hashes::photo_id.gt(photo)));
    let page = photo_hashes::table
        .filter(photo_hashes::hash.is_not_null())
        // Said twice, because an index is entered by the first.
        .filter(photo_hashes::hashed_at.ge(at))
        .filter(later)
        .select((photo_hashes::hashed_at, photo_hashes::photo_id, photo_hashes::hash.assume_not_null()))
        .order((photo_hashes::hashed_at, photo_hashes::photo_id))
        .limit(limit);
    let rows: Vec<(i64, i64, i64)> = each_backend!(conn, conn => page.load(conn))?;
    Ok(rows.into_iter().map(|(at, id, hash)| (at, Print { hash: hash.cast_unsigned(), id })).collect())
}

/// A photo with renditions that were made before hashes were kept.
#[derive(Clone, Debug)]
pub struct Unhashed {
    /// The key.
    pub id: i64,
    /// SHA-256 of the original's bytes.
    pub sha256: [u8; 32],
    /// The extension of the original.
    pub extension: String,
    /// Whether something in its renditions is masked.
    pub is_masked: bool,
}

/// Photos without a row here, by key above `after`, at most `limit`.
///
/// # Errors
/// The database's.
pub fn missing(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Unhashed>, DbError> {
    let hashed = photo_hashes::table.filter(photo_hashes::photo_id.eq(photos::id));
    let rows: Vec<(i64, Vec<u8>, String, bool)> = photos::table
        .filter(photos::id.gt(after))
        .filter(photos::state.eq(PhotoState::Ready.as_str()))
        // Videos are compared by their bytes.
        .filter(photos::kind.eq(MediaKind::Photo.as_str()))
        .filter(diesel::dsl::not(diesel::dsl::exists(hashed)))
        .select((photos::id, photos::sha256, photos::extension, photos::rendition.is_not_null()))
        .order(photos::id)
        .limit(limit)
        .load(conn)?;
    rows.into_iter()
        .map(|(id, sha256, extension, is_masked)| {
            let sha256 = sha256.try_into().map_err(|_| DbError::corrupt("hash of photo", id))?;
            Ok(Unhashed { id, sha256, extension, is_masked })
        })
        .collect()
}
