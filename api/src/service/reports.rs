//! A report comes in: located, opened as a ticket, answered with a receipt.

mod follow;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use suishoupai_core::flow::{Channel, Opening, PhotoRef, Role, Stage, Ticket, open, told};
use suishoupai_core::geo::Coordinate;
use suishoupai_core::model::{District, Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::idempotency::{self, Kept};
use suishoupai_storage::db::reports::{self as rows, Report};
use suishoupai_storage::db::{Conn, photos, tickets};

pub use follow::follow;

use super::digest;
use super::photos::Prepared;
use super::places::{Spot, locate};
use super::tickets::unknown_photo;
use crate::fail::{Fail, refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// Letters of a query code: no 0, O, 1, I, which are misread aloud and on paper.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What somebody sends.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The words.
    pub text: String,
    /// The place with its datum.
    pub place: Coordinate,
    /// Address in words.
    pub address: Option<String>,
    /// Landmark in words.
    pub landmark: Option<String>,
    /// The category, if the reporter chose one.
    pub category: Option<String>,
    /// Keys of photos uploaded before.
    pub photo_ids: Vec<i64>,
    /// Whether the handlers must not know who reports.
    pub anonymous: bool,
    /// Name and phone to be reached at.
    pub contact: Option<String>,
}

/// A retry is recognised by its key and the digest of what was sent.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// `Idempotency-Key`
    pub key: String,
    /// SHA-256 of the request.
    pub request: [u8; 32],
}

/// What the reporter is told.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub struct Receipt {
    /// The key of the report.
    pub report: i64,
    /// The key of the ticket.
    pub ticket: i64,
    /// 流水号
    pub number: String,
    /// 查询码
    pub query_code: String,
    /// The grid.
    pub grid: UnitId,
    /// Metres to its cell.
    pub distance_m: f64,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// Whether it is a worker's own find.
    pub own_find: bool,
}

/// Takes in a report. `fresh` are photos that came with it in the same request.
///
/// # Errors
/// 422 for a place outside, an unknown category, an anonymous report where the category forbids it; 404 for a photo
/// that is not the caller's. Nothing is left behind then.
pub async fn create(
    services: &Services,
    account: Account,
    draft: Draft,
    fresh: Vec<Prepared>,
    repeat: Option<Repeat>,
) -> Result<Receipt, Fail> {
    let registry = services.registry();
    let spot = locate(&registry, &draft.place, services.config.reports.reach_m)?;
    check_category(&registry, spot.district, &draft)?;
    check_photos(services, &draft, fresh.len())?;
    for prepared in &fresh {
        super::photos::store(services, prepared).await?;
    }
    let [report, ticket] = services.db.ids::<2>().await?;
    let ids = services.db.reserve(2 * fresh.len() as i64).await?;
    let now = services.now();
    let receipt = receipt(services, &account, &spot, report, ticket, now);
    let contact = draft.contact.as_deref().map(|text| services.sealer.seal("contact", text));
    let contact_sealed = contact.transpose().map_err(|error| Fail::internal(&error))?;
    let has_jobs = !fresh.is_empty();
    let incoming = Incoming { account, draft, spot, fresh, ids, receipt, contact_sealed, repeat, now };
    let sealer = services.sealer.clone();
    let receipt = services.db.write(move |conn| incoming.write(conn, &registry, &sealer)).await?;
    // Only photos that came along have left jobs; a turn of the jobs for each report would slow all of them down.
    if has_jobs {
        services.jobs_waiting.notify_one();
    }
    Ok(receipt)
}

/// A report for a write that has everything at hand: no photos of its own, no contact, no retry.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Who reports.
    pub account: Account,
    /// What.
    pub draft: Draft,
    /// Where, as [`locate`] found it.
    pub spot: Spot,
    /// The keys of the report and of its ticket.
    pub keys: [i64; 2],
    /// 查询码
    pub query_code: String,
}

/// Takes in a report inside a write that serves for many; answers the ticket that it opened.
///
/// # Errors
/// As [`create`].
pub fn take_in(conn: &mut Conn, registry: &Registry, plain: Plain, now: Moment) -> Result<Ticket, Fail> {
    let Plain { account, draft, spot, keys: [report, ticket], query_code } = plain;
    check_category(registry, spot.district, &draft)?;
    let own_find = own_find_unit(&account, &spot, registry).is_some();
    let receipt = Receipt {
        query_code,
        report,
        ticket,
        number: numbered(spot.district, report, now),
        grid: spot.grid,
        distance_m: spot.distance_m,
        at: now.millis(),
        own_find,
    };
    let (fresh, ids) = (Vec::new(), 0..0);
    let incoming =
        Incoming { account, draft, spot, fresh, ids, receipt, contact_sealed: None, repeat: None, now };
    incoming.open(conn, registry)
}

fn check_category(registry: &Registry, district: District, draft: &Draft) -> Result<(), Problem> {
    let Some(code) = &draft.category else { return Ok(()) };
    let category = registry.districts.get(&district).and_then(|data| data.catalogue.get(code));
    let Some(category) = category else {
        let message =
            Text::new(format!("没有代码为 {code} 的事项分类"), format!("there is no category {code}"));
        return Err(Problem::new(Code::CategoryNotFound).field("/category", "unknown_category", message));
    };
    if draft.anonymous && !category.anonymous_allowed {
        let message = Text::new(
            format!("“{}”不接受匿名上报", category.minor_name),
            format!("{} cannot be reported anonymously", category.minor_name),
        );
        return Err(Problem::new(Code::RefusedByRule).field("/anonymous", "not_anonymous", message));
    }
    Ok(())
}

fn check_photos(services: &Services, draft: &Draft, fresh: usize) -> Result<(), Problem> {
    let most = services.config.reports.max_photos as usize;
    let given = draft.photo_ids.len() + fresh;
    if given <= most {
        return Ok(());
    }
    let message = Text::new(
        format!("一次最多 {most} 张照片，收到 {given} 张"),
        format!("at most {most} photos, got {given}"),
    );
    Err(Problem::new(Code::RefusedByRule).field("/photo_ids", "too_many", message))
}

fn receipt(
    services: &Services,
    account: &Account,
    spot: &Spot,
    report: i64,
    ticket: i64,
    now: Moment,
) -> Receipt {
    let number = numbered(spot.district, report, now);
    Receipt {
        query_code: query_code(services, &number),
        report,
        ticket,
        number,
        grid: spot.grid,
        distance_m: spot.distance_m,
        at: now.millis(),
        own_find: own_find_unit(account, spot, &services.registry()).is_some(),
    }
}

/// District, date and key: unique, short enough to read aloud.
pub(super) fn numbered(district: District, id: i64, now: Moment) -> String {
    format!("{district}-{}-{id}", now.date().strftime("%Y%m%d"))
}

/// Eight letters that follow from the receipt number and the key of the installation, so that they need not be stored.
fn query_code(services: &Services, receipt: &str) -> String {
    let index = services.sealer.index("query code", receipt);
    index.iter().take(8).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// The unit in whose name a grid worker reports an own find: the post whose grid the place lies in.
fn own_find_unit(account: &Account, spot: &Spot, registry: &Registry) -> Option<UnitId> {
    let workers = account.posts.iter().filter(|post| post.role == Role::GridWorker);
    workers.map(|post| post.unit).find(|unit| registry.tree.is_within(spot.grid, *unit))
}

/// Everything that the write of a report needs.
struct Incoming {
    account: Account,
    draft: Draft,
    spot: Spot,
    fresh: Vec<Prepared>,
    ids: std::ops::Range<i64>,
    receipt: Receipt,
    contact_sealed: Option<Vec<u8>>,
    repeat: Option<Repeat>,
    now: Moment,
}

impl Incoming {
    fn write(
        &self,
        conn: &mut Conn,
        registry: &Registry,
        sealer: &suishoupai_storage::seal::Sealer,
    ) -> Result<Receipt, Fail> {
        if let Some(repeat) = &self.repeat
            && let Some(kept) = idempotency::find(conn, self.account.id, &repeat.key)?
        {
            return first_answer(&kept, repeat, sealer);
        }
        self.open(conn, registry)?;
        if let Some(repeat) = &self.repeat {
            let kept = kept(repeat, &self.receipt, sealer)?;
            idempotency::keep(conn, self.account.id, &repeat.key, &kept, self.now)?;
        }
        Ok(self.receipt.clone())
    }

    /// Opens the ticket and writes it with the report.
    fn open(&self, conn: &mut Conn, registry: &Registry) -> Result<Ticket, Fail> {
        let photos = self.photos(conn)?;
        let rules = registry.rules(self.spot.district).ok_or(Code::OutsideDistrict)?;
        let unit = own_find_unit(&self.account, &self.spot, registry);
        if !self.account.posts.iter().any(|post| post.role == Role::Resident) && unit.is_none() {
            return Err(not_in_your_grid().into());
        }
        let opening = Opening {
            id: self.receipt.ticket,
            district: self.spot.district,
            grid: self.spot.grid,
            category: self.draft.category.clone(),
            channel: self.channel(),
            reporter: self.account.id,
            unit,
            facts: BTreeMap::from([
                ("receipt".to_owned(), self.receipt.number.clone()),
                (
                    "report_sha256".to_owned(),
                    hex::encode(digest(rows::fingerprint(&self.report()).as_bytes())),
                ),
            ]),
            photos,
            parent: None,
        };
        let step = open(opening, self.now, rules).map_err(|why| refusal(&why))?;
        let units = told(None, &step.ticket, &step.event, &registry.tree);
        tickets::insert(conn, &step, self.place(registry), &units)?;
        rows::insert(conn, self.report())?;
        Ok(step.ticket)
    }

    fn channel(&self) -> Channel {
        if self.receipt.own_find { Channel::GridWorker } else { Channel::Resident }
    }

    /// The photos named and those that came along, the latter recorded now.
    fn photos(&self, conn: &mut Conn) -> Result<Vec<PhotoRef>, Fail> {
        let mut found = photos::owned(conn, self.account.id, &self.draft.photo_ids)?;
        let missing = self.draft.photo_ids.iter().find(|id| !found.iter().any(|photo| photo.id == **id));
        if let Some(missing) = missing {
            return Err(unknown_photo(*missing).into());
        }
        let mut ids = self.ids.clone();
        for prepared in &self.fresh {
            let (Some(photo), Some(job)) = (ids.next(), ids.next()) else {
                return Err(Code::Internal.into());
            };
            let (photo, _) = super::photos::record(
                conn,
                &self.account,
                self.account.district,
                prepared,
                [photo, job],
                self.now,
            )?;
            found.push(photo);
        }
        Ok(found
            .iter()
            .map(|photo| PhotoRef { id: photo.id, sha256: hex::encode(photo.sha256), stage: Stage::Before })
            .collect())
    }

    fn place(&self, registry: &Registry) -> tickets::Place {
        let above = |level| registry.above(self.spot.grid, level).map_or(self.spot.grid, |unit| unit.id);
        tickets::Place {
            number: numbered(self.spot.district, self.receipt.ticket, self.now),
            title: self.draft.text.chars().take(60).collect(),
            community: above(Level::Community),
            street: above(Level::Street),
            lon: self.spot.at.lon,
            lat: self.spot.at.lat,
        }
    }

    fn report(&self) -> Report {
        Report {
            id: self.receipt.report,
            district: self.spot.district,
            receipt: self.receipt.number.clone(),
            query_code_hash: digest(self.receipt.query_code.as_bytes()).to_vec(),
            account: self.account.id,
            anonymous: self.draft.anonymous,
            contact_sealed: self.contact_sealed.clone(),
            channel: self.channel(),
            text: self.draft.text.clone(),
            category: self.draft.category.clone(),
            datum: self.draft.place.datum.as_str().to_owned(),
            sent: (self.draft.place.lon, self.draft.place.lat),
            place: self.spot.at,
            address: self.draft.address.clone(),
            landmark: self.draft.landmark.clone(),
            cell: self.spot.cell,
            grid: self.spot.grid,
            distance_m: self.spot.distance_m,
            ticket: self.receipt.ticket,
            created_at: self.now,
        }
    }
}

fn not_in_your_grid() -> Problem {
    Problem::new(Code::RefusedByRule).detail(Text::new(
        "该位置不在您的网格内；网格员只能上报本网格的问题。",
        "The place is not in one of your grids; a grid worker reports finds of the own grids.",
    ))
}

/// The first answer is kept sealed, because it holds the query code.
fn kept(repeat: &Repeat, receipt: &Receipt, sealer: &suishoupai_storage::seal::Sealer) -> Result<Kept, Fail> {
    let body = serde_json::to_string(receipt).map_err(|error| Fail::internal(&error))?;
    let sealed = sealer.seal("idempotency", &body).map_err(|error| Fail::internal(&error))?;
    Ok(Kept { request_hash: repeat.request.to_vec(), status: 201, body: STANDARD.encode(sealed) })
}

fn first_answer(
    kept: &Kept,
    repeat: &Repeat,
    sealer: &suishoupai_storage::seal::Sealer,
) -> Result<Receipt, Fail> {
    if kept.request_hash != repeat.request {
        return Err(Code::IdempotencyKeyReused.into());
    }
    let sealed = STANDARD.decode(&kept.body).map_err(|error| Fail::internal(&error))?;
    let body = sealer.open("idempotency", &sealed).map_err(|error| Fail::internal(&error))?;
    serde_json::from_str(&body).map_err(|error| Fail::internal(&error))
}
