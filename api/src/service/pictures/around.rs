//! Whether other pictures are near to one, found out once it has been rendered: whoever hands it in later looks only where
//! there is something to be found, which is seldom.

use suishoupai_core::likeness::Print;
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::{Conn, hashes};

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
/// pair, the one that is looked at last finds the other, and both are known to have a near one. Where several servers are
/// about it, one of them writes it down.
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
        Ok::<_, Fail>(around(&own.pictures, &fresh))
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
    /// Those of them that have a near one, and all that are near to them.
    with_near: Vec<i64>,
    /// Those of them that have none.
    without: Vec<i64>,
}

fn around(pictures: &Pictures, fresh: &[Print]) -> Found {
    let index = pictures.index.load();
    let mut found = Found { looked: fresh.len(), ..Found::default() };
    for print in fresh {
        let hits = pictures.remembered.near(&index, print.hash, MOST_TOLD);
        if hits.iter().all(|hit| hit.id == print.id) {
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
