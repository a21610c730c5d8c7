//! What pictures that are handed in are known to have been before; looked up together for all that wait at the same time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use suishoupai_core::flow::{AccountId, Doubt};
use suishoupai_core::likeness::{Use, doubts_of_reuse};
use suishoupai_core::model::District;
use suishoupai_storage::db::hashes::NamedPicture;
use suishoupai_storage::db::photos::Named;
use suishoupai_storage::db::uses::{self, Uses};
use suishoupai_storage::db::{Conn, at_once, hashes};

use super::Pictures;
use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::together::{Asked, Gathering, Tell, Together, Turns};

/// Of one picture, so many near ones are looked at: the nearest one counts, and the job looks at more.
const FEW_NEAR: usize = 16;
/// How many requests are looked up together at the most.
const MOST: usize = 64;
/// So many groups at the most are looked up one after the other on one connection, which others wait for.
const MOST_GROUPS: usize = 8;

/// What pictures that are handed in are known to have been before. It may tell of others' pictures as well.
#[derive(Clone, Debug, Default)]
pub struct Before(Arc<Found>);

#[derive(Debug, Default)]
struct Found {
    /// The photos that are named, as far as there are such.
    named: HashMap<i64, Named>,
    /// By the SHA-256 of the original.
    earlier: HashMap<[u8; 32], Vec<Earlier>>,
}

/// A use of a near picture, whose that one is, and in how many bits it differs.
type Earlier = (District, AccountId, Use, u32);

impl Before {
    /// The photos that there are of those that requests named, as they were then.
    pub fn named(&self) -> &HashMap<i64, Named> {
        &self.0.named
    }

    /// What is doubted of a picture that is handed in as `used` for a ticket of the district.
    pub fn doubts(&self, sha256: &[u8; 32], district: District, used: &Use) -> Vec<Doubt> {
        let others = self.0.earlier.get(sha256).into_iter().flatten();
        let others = others.filter(|(of, ..)| *of == district).map(|(_, _, other, bits)| (*other, *bits));
        doubts_of_reuse(used, others)
    }

    /// In how many tickets of others of the district the picture is, as far as was looked.
    pub fn tickets_of_others(&self, sha256: &[u8; 32], district: District, account: AccountId) -> u32 {
        let others = self.0.earlier.get(sha256).into_iter().flatten();
        let others = others.filter(|(of, whose, ..)| *of == district && *whose != account);
        let tickets: HashSet<i64> = others.map(|(_, _, other, _)| other.origin).collect();
        u32::try_from(tickets.len()).unwrap_or(u32::MAX)
    }
}

/// The photos that a request names, and the originals that come with it.
#[derive(Debug, Default)]
pub struct HandedIn {
    ids: Vec<i64>,
    originals: Vec<[u8; 32]>,
}

/// The requests whose pictures wait to be looked up.
pub type Lookups = Together<HandedIn, Result<Before, Problem>>;

/// None yet.
pub fn lookups(turns: &Turns) -> Lookups {
    Together::new(turns, 1, MOST)
}

/// Looks up the photos that a request names, and the originals that came with it: where they, and the same bytes, were sent
/// before, and near pictures as far as the photos have been rendered and the index has been read. For others than itself is
/// not looked where [`super::look_around`] has found that a photo is alone. What is found out later is found by
/// [`super::compare`].
///
/// # Errors
/// The database's.
pub async fn before(services: &Services, ids: &[i64], originals: Vec<[u8; 32]>) -> Result<Before, Problem> {
    if ids.is_empty() && originals.is_empty() {
        return Ok(Before::default());
    }
    let asked = HandedIn { ids: ids.to_vec(), originals };
    let own = services.clone();
    let answer = services.lookups.ask(asked, move |group| {
        let own = own.clone();
        async move { answer(&own, group).await }
    });
    answer.await.unwrap_or_else(|| Err(Code::Unavailable.into()))
}

type Tells = Vec<Tell<Result<Before, Problem>>>;

/// Whoever waits when a connection is free is looked up, in one go on its thread, which answers them and goes on as long as
/// others have come meanwhile: to hand anything on to another thread would take longer than to look into the index.
async fn answer(services: &Services, group: Gathering<HandedIn, Result<Before, Problem>>) {
    let failed = Arc::new(Mutex::new(Tells::new()));
    let (own, from, unanswered) = (services.clone(), group.clone(), Arc::clone(&failed));
    let looked_up = services.db.read(move |conn| {
        for _ in 0..MOST_GROUPS {
            let (handed_in, tells) = joined(from.take());
            if tells.is_empty() {
                break;
            }
            let look = |conn: &mut Conn| found_before(conn, &own.pictures, handed_in);
            // For one alone, to begin and to end would take longer than what it saves.
            match if tells.len() > 1 { at_once(conn, look) } else { look(conn) } {
                Ok(found) => Tell::answer_all(tells.into_iter().map(|tell| (tell, Ok(found.clone())))),
                Err(error) => {
                    // Whether it is the database that has gone, is found out when the connection is given back.
                    *unanswered.lock().unwrap_or_else(PoisonError::into_inner) = tells;
                    return Err(error);
                }
            }
        }
        Ok::<_, Fail>(())
    });
    let Err(error) = looked_up.await else { return };
    let problem = Problem::from(error);
    let mut tells = std::mem::take(&mut *failed.lock().unwrap_or_else(PoisonError::into_inner));
    if !group.is_taken() {
        // There was no connection for them.
        tells = joined(group.take()).1;
    }
    Tell::answer_all(tells.into_iter().map(|tell| (tell, Err(problem.clone()))));
}

/// What is asked by all of a group, and where they await their answers.
fn joined(group: Vec<Asked<HandedIn, Result<Before, Problem>>>) -> (HandedIn, Tells) {
    let mut all = HandedIn::default();
    let mut tells = Vec::with_capacity(group.len());
    for (asked, tell) in group {
        all.ids.extend(asked.ids);
        all.originals.extend(asked.originals);
        tells.push(tell);
    }
    all.ids.sort_unstable();
    all.ids.dedup();
    (all, tells)
}

fn found_before(
    conn: &mut Conn,
    pictures: &Pictures,
    HandedIn { ids, originals }: HandedIn,
) -> Result<Before, Fail> {
    let (mut named, mut found) = (HashMap::new(), ByOriginal::new());
    let mut sought: HashMap<[u8; 32], Option<u64>> = HashMap::new();
    for NamedPicture { photo, hash, is_alone } in hashes::named(conn, &ids)? {
        // It may have been handed in before itself.
        found.entry(photo.sha256).or_default().insert(photo.id, 0);
        if !is_alone {
            let of_bytes = sought.entry(photo.sha256).or_default();
            *of_bytes = of_bytes.or(hash);
        }
        named.insert(photo.id, photo);
    }
    let index = pictures.index.load();
    for (sha256, hash) in sought.iter().filter_map(|(sha256, hash)| Some((*sha256, (*hash)?))) {
        let hits = pictures.remembered.near(&index, hash, FEW_NEAR);
        found.entry(sha256).or_default().extend(hits.into_iter().map(|hit| (hit.id, hit.bits)));
    }
    let sought: Vec<[u8; 32]> = sought.into_keys().chain(originals).collect();
    let same = uses::same_bytes(conn, sought.iter().map(|sha256| sha256.to_vec()).collect())?;
    for sha256 in sought {
        let photos = same.get(sha256.as_slice()).into_iter().flatten();
        found.entry(sha256).or_default().extend(photos.map(|photo| (*photo, 0)));
    }
    Ok(Before(Arc::new(Found { named, earlier: used_before(conn, found)? })))
}

/// For each original, the photos near to it or with its bytes, and in how many bits they differ.
type ByOriginal = HashMap<[u8; 32], HashMap<i64, u32>>;

/// The uses of the photos that were found for each original.
fn used_before(conn: &mut Conn, found: ByOriginal) -> Result<HashMap<[u8; 32], Vec<Earlier>>, Fail> {
    let photos: HashSet<i64> = found.values().flat_map(HashMap::keys).copied().collect();
    let mut by_photo: HashMap<i64, Vec<(District, AccountId, Use)>> = HashMap::new();
    for (district, account, used) in uses::uses_of(conn, photos.into_iter().collect(), Uses::First)? {
        by_photo.entry(used.photo).or_default().push((district, account, used));
    }
    let of = |near: HashMap<i64, u32>| {
        let used = near.into_iter().flat_map(|(photo, bits)| {
            by_photo
                .get(&photo)
                .into_iter()
                .flatten()
                .map(move |(of, whose, used)| (*of, *whose, *used, bits))
        });
        used.collect::<Vec<Earlier>>()
    };
    Ok(found.into_iter().map(|(sha256, near)| (sha256, of(near))).collect())
}
