//! What may be the same thing: looked for before a report is sent, and by whoever verifies one.

use std::collections::{HashMap, HashSet};

use suishoupai_core::flow::{AccountId, Stage, State, TicketId, is_public, may_see};
use suishoupai_core::geo::{Coordinate, LonLat, distance_m};
use suishoupai_core::likeness::{
    AROUND_M, Hit, Likeness, NEAR, Pair, Sameness, WORTH_SHOWING, alike, likeness, tiles_around,
};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::lists::Summary;
use suishoupai_storage::db::similar::Picture;
use suishoupai_storage::db::uses::{self, Uses};
use suishoupai_storage::db::{Conn, hashes, photos, similar as rows, tickets};

use super::pictures;
use super::places::locate;
use super::reports::known_category;
use super::tickets::unknown_photo;
use crate::auth::actor;
use crate::fail::Fail;
use crate::problem::Code;
use crate::registry::Registry;
use crate::services::Services;

/// What was opened longer ago than this many days is not looked at.
const DAYS: i64 = 180;
/// What is over is shown for so many days.
const OVER_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;
/// Of what may be the same, so many are looked at more closely.
const CLOSER: usize = 40;

/// What somebody is about to report.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// The place with its datum.
    pub place: Coordinate,
    /// The category, if one was chosen.
    pub category: Option<String>,
    /// The words so far.
    pub text: Option<String>,
    /// Keys of photos uploaded before.
    pub photo_ids: Vec<i64>,
    /// So many answers at the most.
    pub limit: usize,
}

/// A ticket that may be about the same.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The ticket.
    pub row: Summary,
    /// Metres between the places.
    pub distance_m: f64,
    /// How likely, and why.
    pub likeness: Likeness,
    /// The photo that shows best what it is: the nearest one, else the first one with renditions.
    pub photo: Option<Picture>,
    /// Who reported or follows it.
    pub people: HashSet<AccountId>,
}

/// What is looked for.
struct Sought {
    district: District,
    at: LonLat,
    category: Option<String>,
    text: String,
    hashes: Vec<u64>,
    /// Near pictures anywhere in the installation.
    hits: HashMap<i64, u32>,
    when: Moment,
    /// Whether tickets of sensitive kinds are looked at.
    sensitive: bool,
}

/// What may be the same as what a resident is about to report: only what everybody may know of. The flag says whether
/// photos have not been looked at yet.
///
/// # Errors
/// As for a report: outside of the district, an unknown category, a photo that is not the caller's.
pub async fn before_sending(
    services: &Services,
    account: &Account,
    sketch: Sketch,
) -> Result<(District, Vec<Candidate>, bool), Fail> {
    let registry = services.registry();
    let spot = locate(&registry, &sketch.place, services.config.reports.reach_m)?;
    if let Some(code) = &sketch.category {
        known_category(&registry, spot.district, code)?;
    }
    let (owner, ids) = (account.id, sketch.photo_ids);
    let (known, is_pending) = services.db.read(move |conn| own_hashes(conn, owner, &ids)).await?;
    let is_pending = is_pending || !(known.is_empty() || services.pictures.is_loaded());
    let hits = hits(services, &known).await?;
    let now = services.now();
    let sought = Sought {
        district: spot.district,
        at: spot.at,
        category: sketch.category,
        text: sketch.text.unwrap_or_default(),
        hashes: known,
        hits,
        when: now,
        sensitive: false,
    };
    let limit = sketch.limit;
    let found = services
        .db
        .read(move |conn| {
            let mut found = search(conn, &sought, now)?;
            found.retain(|one| {
                is_public(one.row.state, false, kind_is_sensitive(&registry, sought.district, &one.row))
            });
            found.truncate(limit);
            with_people(conn, found)
        })
        .await?;
    Ok((spot.district, found, is_pending))
}

/// What may be the same as a ticket: what the caller may see.
///
/// # Errors
/// 404 for a ticket that the caller may not see.
pub async fn of_ticket(
    services: &Services,
    account: &Account,
    id: TicketId,
    limit: usize,
) -> Result<(District, Vec<Candidate>), Fail> {
    let (registry, caller, now) = (services.registry(), actor(account), services.now());
    let (loaded, known) = {
        let (registry, caller) = (registry.clone(), caller.clone());
        let look = move |conn: &mut Conn| {
            let loaded = tickets::find(conn, id)?.ok_or(Code::TicketNotFound)?;
            let sensitive_roles = registry.sensitive_roles(loaded.ticket.district, now);
            if !may_see(&loaded.ticket, &caller, &registry.tree, sensitive_roles) {
                return Err(Fail::from(Code::TicketNotFound));
            }
            let photos: Vec<i64> = rows::pictures(conn, vec![id])?.iter().map(|one| one.photo).collect();
            let known: Vec<u64> = hashes::of(conn, &photos)?.into_values().collect();
            Ok((loaded, known))
        };
        services.db.read(look).await?
    };
    let district = loaded.ticket.district;
    let sought = Sought {
        district,
        at: LonLat { lon: loaded.lon, lat: loaded.lat },
        category: loaded.ticket.category.clone(),
        text: loaded.title,
        hits: hits(services, &known).await?,
        hashes: known,
        when: loaded.ticket.created_at,
        sensitive: true,
    };
    let origin = loaded.ticket.parent.unwrap_or(id);
    let look = move |conn: &mut Conn| {
        let mut found = search(conn, &sought, now)?;
        found.truncate(CLOSER);
        let others = tickets::find_all(conn, found.iter().map(|one| one.row.id).collect())?;
        let roles = registry.sensitive_roles(district, now);
        // What was split off the same report is known to be something else.
        let seen = others.iter().filter(|other| other.ticket.parent.unwrap_or(other.ticket.id) != origin);
        let seen: HashSet<TicketId> = seen
            .filter(|other| may_see(&other.ticket, &caller, &registry.tree, roles))
            .map(|other| other.ticket.id)
            .collect();
        found.retain(|one| seen.contains(&one.row.id));
        found.truncate(limit);
        with_people(conn, found)
    };
    Ok((district, services.db.read(look).await?))
}

/// Whether the kind of a ticket is one that only named roles may see, by the catalogue as it is now.
fn kind_is_sensitive(registry: &Registry, district: District, row: &Summary) -> bool {
    let catalogue = registry.districts.get(&district).map(|data| &data.catalogue);
    let kind = catalogue.zip(row.category.as_ref()).and_then(|(all, code)| all.get(code));
    kind.is_some_and(|kind| kind.sensitive)
}

fn own_hashes(conn: &mut Conn, owner: AccountId, ids: &[i64]) -> Result<(Vec<u64>, bool), Fail> {
    let named = photos::named(conn, ids)?;
    let foreign = ids.iter().find(|id| named.get(id).is_none_or(|photo| photo.account != owner));
    if let Some(id) = foreign {
        return Err(unknown_photo(*id).into());
    }
    Ok((hashes::of(conn, ids)?.into_values().collect(), hashes::any_pending(conn, ids)?))
}

/// The near pictures of any of the hashes; none as long as the index is being read.
async fn hits(services: &Services, hashes: &[u64]) -> Result<HashMap<i64, u32>, Fail> {
    let mut nearest = HashMap::new();
    if hashes.is_empty() || !services.pictures.is_loaded() {
        return Ok(nearest);
    }
    pictures::catch_up_soon(services).await?;
    for Hit { bits, id } in
        pictures::near(services, hashes.to_vec(), pictures::MOST_NEAR).await?.into_iter().flatten()
    {
        let known = nearest.entry(id).or_insert(bits);
        *known = bits.min(*known);
    }
    Ok(nearest)
}

/// What is worth showing, the likeliest first; nobody's sight has been asked yet.
fn search(conn: &mut Conn, sought: &Sought, now: Moment) -> Result<Vec<Candidate>, Fail> {
    let since = now.plus_seconds(-DAYS * DAY_S);
    let tiles = tiles_around(sought.at, AROUND_M);
    let mut found = rows::near(conn, sought.district, tiles, since, sought.sensitive)?;
    let uses = uses::uses_of(conn, sought.hits.keys().copied().collect(), Uses::Last)?;
    let there: HashSet<TicketId> = found.iter().map(|row| row.id).collect();
    let others: HashSet<TicketId> = uses
        .iter()
        .filter(|(district, _, used)| *district == sought.district && used.stage == Stage::Before)
        .map(|(_, _, used)| used.ticket)
        .filter(|ticket| !there.contains(ticket))
        .collect();
    found.extend(rows::these(conn, sought.district, others.into_iter().collect(), sought.sensitive)?);
    found.retain(|row| is_of_interest(row, now));
    let shown = shown_pictures(conn, sought, &found)?;
    let mut candidates: Vec<Candidate> = found
        .into_iter()
        .map(|row| candidate(sought, row, &shown))
        .filter(|one| one.likeness.score >= WORTH_SHOWING)
        .collect();
    candidates.sort_by_key(|one| (std::cmp::Reverse(one.likeness.score), std::cmp::Reverse(one.row.id)));
    Ok(candidates)
}

fn is_of_interest(row: &Summary, now: Moment) -> bool {
    let ended = row.closed_at.filter(|_| row.state.is_final());
    ended.is_none_or(|ended| ended >= now.plus_seconds(-OVER_DAYS * DAY_S))
}

/// Of each ticket, the photo that shows it best, and in how many bits it differs where it is near.
type Shown = HashMap<TicketId, (Option<Picture>, Option<u32>)>;

fn shown_pictures(conn: &mut Conn, sought: &Sought, found: &[Summary]) -> Result<Shown, Fail> {
    let pictures = rows::pictures(conn, found.iter().map(|row| row.id).collect())?;
    let known = if sought.hashes.is_empty() {
        HashMap::new()
    } else {
        hashes::of(conn, &pictures.iter().map(|picture| picture.photo).collect::<Vec<_>>())?
    };
    let bits = |photo: i64| {
        let hash = known.get(&photo)?;
        let differ = sought.hashes.iter().map(|wanted| (wanted ^ hash).count_ones()).min()?;
        (differ <= NEAR).then_some(differ)
    };
    let mut shown = Shown::new();
    for picture in pictures {
        let (photo, nearest) = shown.entry(picture.ticket).or_default();
        let differ = bits(picture.photo);
        let is_nearer = differ.is_some_and(|differ| nearest.is_none_or(|nearest| differ < nearest));
        if is_nearer {
            *nearest = differ;
        }
        if picture.is_ready && (is_nearer || photo.is_none()) {
            *photo = Some(picture);
        }
    }
    Ok(shown)
}

fn candidate(sought: &Sought, row: Summary, shown: &Shown) -> Candidate {
    let distance_m = distance_m(sought.at, LonLat { lon: row.lon, lat: row.lat });
    let (photo, picture) = shown.get(&row.id).copied().unwrap_or_default();
    let pair = Pair {
        distance_m,
        apart_s: (sought.when.millis() - row.created_at.millis()) / 1000,
        category: Sameness::of(sought.category.as_deref(), row.category.as_deref()),
        picture,
        words: alike(&sought.text, &row.title),
        open: row.state != State::Closed,
    };
    Candidate { distance_m, likeness: likeness(&pair), photo, people: HashSet::new(), row }
}

fn with_people(conn: &mut Conn, mut found: Vec<Candidate>) -> Result<Vec<Candidate>, Fail> {
    let ids: Vec<TicketId> = found.iter().map(|one| one.row.id).collect();
    let mut people = rows::people(conn, &ids)?;
    for one in &mut found {
        one.people = people.remove(&one.row.id).unwrap_or_default();
    }
    Ok(found)
}
