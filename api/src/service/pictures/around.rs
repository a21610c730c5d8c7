//! Whether other pictures are near to one, or have the same bytes, found out once it has been rendered: whoever hands it in
//! later looks only where there is something to be found, which is seldom.

use std::collections::HashMap;

use suishoupai_core::likeness::Print;
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::{Conn, hashes, uses};

use super::{OVERLAP, Pictures, feed_of, in_portions, read_from};
use crate::fail::Fail;
use crate::services::Services;

/// Pictures that are looked at together: so few that nobody waits long for a processor.
const TOGETHER: i64 = 200;
/// Of a picture with more near ones than this, only the nearest are told that it has come.
const MOST_TOLD: usize = 2_000;

/// Looks at the pictures that nobody has looked at yet; how many.
///
/// One that is looked at is compared with all that were recorded before, and what is near to it is told of it. So, of a
/// pair, the one that is looked at last finds the other, and both are known to have a near one. The index forgets the oldest
/// pictures where there are very many, so those with the same bytes are also asked for; of them only the later one is known
/// not to be alone, since nobody hands in one that old for the first time. Where several servers are about it, one of them
/// writes it down.
///
/// # Errors
/// The database's.
pub async fn look_around(services: &Services) -> Result<usize, Fail> {
    in_portions(services, TOGETHER, || look_at_some(services)).await
}

/// Looks at the next ones; how many.
async fn look_at_some(services: &Services) -> Result<usize, Fail> {
    let mut feed = feed_of(services).await;
    let own = services.clone();
    let look = move |conn: &mut Conn| {
        let fresh = hashes::unlooked(conn, TOGETHER)?;
        if !fresh.is_empty() {
            // After they were read, so that whatever was recorded before each of them is in the index.
            read_from(conn, &own.pictures, &mut feed, OVERLAP)?;
        }
        drop(feed);
        let same = uses::same_bytes(conn, fresh.iter().map(|(_, sha256)| sha256.clone()).collect())?;
        Ok::<_, Fail>(around(&own.pictures, &fresh, &same))
    };
    let found = services.db.read(look).await?;
    let looked = found.looked;
    if looked == 0 {
        return Ok(0);
    }
    let write = move |conn: &mut Conn| {
        // Two that write at once would wait for each other.
        if !turn::take(conn, Turn::Looks)? {
            return Ok::<_, Fail>(0);
        }
        hashes::looked_at(conn, &found.with_near, &found.without)?;
        Ok(looked)
    };
    services.db.write(write).await
}

/// What was found around some pictures.
#[derive(Debug, Default)]
struct Found {
    /// How many they were.
    looked: usize,
    /// Those of them that have a near one or one with the same bytes, and all that are near to them.
    with_near: Vec<i64>,
    /// Those of them that have none.
    without: Vec<i64>,
}

/// `same` are the photos with each original, by its SHA-256.
fn around(pictures: &Pictures, fresh: &[(Print, Vec<u8>)], same: &HashMap<Vec<u8>, Vec<i64>>) -> Found {
    let index = pictures.index.load();
    let mut found = Found { looked: fresh.len(), ..Found::default() };
    for (print, sha256) in fresh {
        let hits = pictures.remembered.near(&index, print.hash, MOST_TOLD);
        let mut others = hits.iter().map(|hit| &hit.id).chain(same.get(sha256).into_iter().flatten());
        if others.all(|id| *id == print.id) {
            found.without.push(print.id);
        } else {
            found.with_near.push(print.id);
            found.with_near.extend(hits.into_iter().map(|hit| hit.id));
        }
    }
    found.with_near.sort_unstable();
    found.with_near.dedup();
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_picture_is_alone_where_none_is_near_and_none_has_its_bytes() {
        let pictures = Pictures::new(1000);
        let prints =
            [(1, 0), (2, 0b111), (3, !0), (4, 0xffff_0000_ff00)].map(|(id, hash)| Print { hash, id });
        pictures.index.store(Arc::new(pictures.index.load().with(&prints)));
        let fresh: Vec<(Print, Vec<u8>)> = prints.iter().map(|one| (*one, vec![one.id as u8])).collect();
        // The index does not know of the ninetieth photo any more.
        let same = HashMap::from([(vec![1], vec![1]), (vec![3], vec![3]), (vec![4], vec![4, 90])]);
        let found = around(&pictures, &fresh, &same);
        assert_eq!((found.looked, found.with_near, found.without), (4, vec![1, 2, 4], vec![3]));
    }
}
