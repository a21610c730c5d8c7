//! 打码: the chains of masks, line by line, and what of them stands in the row of the photo.

use diesel::prelude::*;
use sha2::{Digest, Sha256};
use suishoupai_core::flow::masking::{Area, Mask, MaskEvent};
use suishoupai_core::flow::{GENESIS, link};

use super::chain::{self, Chains};
use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::photos::{self, Photo, PhotoState};
use super::schema::{mask_events, photos as table};

/// Photos verified with one connection before others get their turn.
const PAGE: i64 = 500;

/// A photo with its mask.
#[derive(Clone, Debug)]
pub struct Masked {
    /// The photo.
    pub photo: Photo,
    /// Its mask.
    pub mask: Mask,
    last_hash: [u8; 32],
}

/// The digest under which the renditions of a photo with this mask are kept: of its original where nothing is masked.
pub fn rendition_digest(sha256: &[u8; 32], areas: &[Area]) -> [u8; 32] {
    if areas.is_empty() {
        return *sha256;
    }
    let mut digest = Sha256::new();
    digest.update(b"suishoupai mask 1\n");
    digest.update(sha256);
    for area in areas {
        digest.update(format!("{} {} {} {}\n", area.left, area.top, area.width, area.height));
    }
    digest.finalize().into()
}

/// The photo with its mask, to read it.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read; `Ok(None)` where there is no photo.
pub fn find(conn: &mut Conn, photo: i64) -> Result<Option<Masked>, DbError> {
    let found = photos::find(conn, photo)?;
    found.map(|photo| complete(conn, photo)).transpose()
}

/// The photo with its mask inside a write, so that nobody else masks it before the transaction ends.
///
/// # Errors
/// As [`find`].
pub fn find_for_update(conn: &mut Conn, photo: i64) -> Result<Option<Masked>, DbError> {
    let found = photos::find_for_update(conn, photo)?;
    found.map(|photo| complete(conn, photo)).transpose()
}

fn complete(conn: &mut Conn, photo: Photo) -> Result<Masked, DbError> {
    let mut mask = Mask::default();
    for (line, _) in history(conn, photo.id)? {
        mask = mask.after(&line).map_err(|why| DbError::corrupt("line of a mask", why))?;
    }
    let last_hash = photo.mask_hash.unwrap_or(GENESIS);
    Ok(Masked { photo, mask, last_hash })
}

/// The lines of a photo's mask with their hashes, oldest first; at most 1,000.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read.
pub fn history(conn: &mut Conn, photo: i64) -> Result<Vec<(MaskEvent, String)>, DbError> {
    let rows = stored(conn, photo)?;
    rows.into_iter()
        .map(|(content, hash)| {
            let line =
                MaskEvent::parse(&content).map_err(|error| DbError::corrupt("line of a mask", error))?;
            Ok((line, hash))
        })
        .collect()
}

/// The lines of a photo's mask as stored, with their hashes, oldest first; at most 1,000.
///
/// # Errors
/// The database's.
pub fn stored(conn: &mut Conn, photo: i64) -> Result<Vec<(String, String)>, DbError> {
    let rows: Vec<(String, Vec<u8>)> = mask_events::table
        .filter(mask_events::photo_id.eq(photo))
        .select((mask_events::content, mask_events::hash))
        .order(mask_events::seq)
        .limit(1000)
        .load(conn)?;
    Ok(rows.into_iter().map(|(content, hash)| (content, hex::encode(hash))).collect())
}

/// Writes a line; the renditions have to be made anew from then on. `masked` becomes the state after it.
///
/// # Errors
/// [`DbError::Conflict`] when somebody else has masked the photo since; the database's.
pub fn save(conn: &mut Conn, masked: &mut Masked, line: &MaskEvent) -> Result<(), DbError> {
    let after = masked.mask.after(line).map_err(|why| DbError::corrupt("line of a mask", why))?;
    let content = line.content().map_err(|error| DbError::corrupt("line of a mask", error))?;
    let hash = link(&masked.last_hash, &content);
    let digest = rendition_digest(&masked.photo.sha256, &after.areas);
    let rendition = (!after.areas.is_empty()).then_some(digest);
    let unmoved =
        table::table.filter(table::id.eq(masked.photo.id).and(table::mask_version.eq(masked.mask.version)));
    let saved = diesel::update(unmoved)
        .set((
            table::mask_version.eq(after.version),
            table::mask_hash.eq(Some(hash.to_vec())),
            table::rendition.eq(rendition.map(|digest| digest.to_vec())),
            table::state.eq(PhotoState::Received.as_str()),
        ))
        .execute(conn)?;
    if saved == 0 {
        return Err(DbError::Conflict);
    }
    let row = (
        mask_events::photo_id.eq(line.photo),
        mask_events::seq.eq(line.seq),
        mask_events::district.eq(masked.photo.district),
        mask_events::at.eq(line.at),
        mask_events::verb.eq(line.verb.as_str()),
        mask_events::content.eq(content),
        mask_events::hash.eq(hash.to_vec()),
    );
    each_backend!(&mut *conn, conn => diesel::insert_into(mask_events::table).values(row).execute(conn))?;
    masked.photo.mask_version = after.version;
    masked.photo.mask_hash = Some(hash);
    masked.photo.rendition = rendition;
    masked.photo.state = PhotoState::Received;
    masked.mask = after;
    masked.last_hash = hash;
    Ok(())
}

/// The digests under which renditions of a photo were kept before and that no photo uses now: what lies under them may
/// be removed.
///
/// # Errors
/// The database's.
pub fn unused_renditions(conn: &mut Conn, photo: i64) -> Result<Vec<[u8; 32]>, DbError> {
    let Some(found) = photos::find(conn, photo)? else { return Ok(Vec::new()) };
    let mut digests = vec![found.sha256];
    digests
        .extend(history(conn, photo)?.iter().map(|(line, _)| rendition_digest(&found.sha256, &line.areas)));
    digests.sort_unstable();
    digests.dedup();
    let mut unused = Vec::new();
    for digest in digests {
        if users(conn, &digest)?.is_empty() {
            unused.push(digest);
        }
    }
    Ok(unused)
}

/// The photos whose renditions are kept under a digest, at most 100.
///
/// # Errors
/// The database's.
pub fn users(conn: &mut Conn, digest: &[u8; 32]) -> Result<Vec<i64>, DbError> {
    let bytes = digest.to_vec();
    let plain = table::rendition.is_null().and(table::sha256.eq(bytes.clone()));
    let masked = table::rendition.eq(bytes).assume_not_null();
    Ok(table::table.filter(plain.or(masked)).select(table::id).limit(100).load(conn)?)
}

#[derive(Queryable)]
struct Head {
    id: i64,
    district: i32,
    sha256: Vec<u8>,
    version: i64,
    hash: Option<Vec<u8>>,
    rendition: Option<Vec<u8>>,
}

#[derive(Queryable)]
struct Line {
    photo: i64,
    seq: i64,
    district: i32,
    at: i64,
    verb: String,
    content: String,
    hash: Vec<u8>,
}

/// Verifies the chains of the next masked photos with keys above `after`, and answers the last key, or `None` when there
/// are no more.
///
/// # Errors
/// The database's.
pub fn verify_page(conn: &mut Conn, after: i64, seen: &mut Chains) -> Result<Option<i64>, DbError> {
    // A row that no longer knows of its mask is found by the lines, lines that are gone by the row.
    let mut ids: Vec<i64> = mask_events::table
        .filter(mask_events::photo_id.gt(after))
        .select(mask_events::photo_id)
        .distinct()
        .order(mask_events::photo_id)
        .limit(PAGE)
        .load(conn)?;
    let rows: Vec<i64> = table::table
        .filter(table::mask_version.gt(0).and(table::id.gt(after)))
        .select(table::id)
        .order(table::id)
        .limit(PAGE)
        .load(conn)?;
    ids.extend(rows);
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(PAGE as usize);
    let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else { return Ok(None) };
    let heads: Vec<Head> = table::table
        .filter(table::id.eq_any(ids))
        .select((
            table::id,
            table::district,
            table::sha256,
            table::mask_version,
            table::mask_hash,
            table::rendition,
        ))
        .order(table::id)
        .load(conn)?;
    let lines: Vec<Line> = mask_events::table
        .filter(mask_events::photo_id.between(first, last))
        .order((mask_events::photo_id, mask_events::seq))
        .load(conn)?;
    let mut rest = lines.as_slice();
    for head in heads {
        let (own, others) = rest.split_at(rest.partition_point(|line| line.photo <= head.id));
        rest = others;
        let broken = first_break(&head, own);
        seen.saw(&format!("photo {}", head.id), head.id, own.len(), broken);
    }
    Ok(Some(last))
}

fn first_break(head: &Head, lines: &[Line]) -> Option<(i64, String)> {
    let links = lines.iter().map(|line| (line.seq, line.content.as_str(), line.hash.as_slice()));
    if let Some(found) = chain::first_break(links, head.hash.as_deref().unwrap_or(&GENESIS)) {
        return Some(found);
    }
    let mut mask = Mask::default();
    for line in lines {
        let event = match MaskEvent::parse(&line.content) {
            Ok(event) => event,
            Err(error) => return Some((line.seq, format!("the content cannot be read: {error}"))),
        };
        let columns_agree = event.photo == head.id
            && event.at == line.at
            && event.verb.as_str() == line.verb
            && line.district == head.district
            && event.sha256 == hex::encode(&head.sha256);
        if !columns_agree {
            return Some((line.seq, "the columns do not agree with the hashed content".to_owned()));
        }
        mask = match mask.after(&event) {
            Ok(after) => after,
            Err(why) => return Some((line.seq, why.to_owned())),
        };
    }
    let sha256: Option<[u8; 32]> = head.sha256.as_slice().try_into().ok();
    let expected = sha256.map(|sha256| rendition_digest(&sha256, &mask.areas).to_vec());
    let expected = expected.filter(|_| !mask.areas.is_empty());
    let agrees = mask.version == head.version && head.rendition == expected;
    (!agrees).then(|| (mask.version + 1, "the photo is not masked as its lines say".to_owned()))
}
