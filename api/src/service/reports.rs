//! A report comes in: located, opened as a ticket, answered with a receipt.

mod follow;
mod group;
mod incoming;
pub mod pace;
mod repeats;

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use suishoupai_core::flow::{Known, Role, Ticket};
use suishoupai_core::geo::Coordinate;
use suishoupai_core::model::{Category, District, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::photos::Named;
use suishoupai_storage::db::{Conn, intake, photos};

pub use follow::follow;
pub use group::{Group, group};
pub use incoming::Incoming;
pub use pace::Pace;
pub use repeats::Repeats;

use super::digest;
use super::photos::Prepared;
use super::pictures::{self, Before};
use super::places::{Spot, locate};
use super::tickets::Position;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;
use group::{alone, together};
pub(crate) use incoming::New;

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
    /// Where the phone is, which need not be the place of the report.
    pub position: Option<Position>,
    /// Keys of photos uploaded before.
    pub photo_ids: Vec<i64>,
    /// Whether the handlers must not know who reports.
    pub anonymous: bool,
    /// Name and phone to be reached at.
    pub contact: Option<String>,
    /// The version of the notice on personal data that the reporter agreed to.
    pub consent_version: Option<String>,
}

impl Draft {
    /// By which a report that is sent again, without photos in the same request, is known to be the same: SHA-256.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let texts = [&self.address, &self.landmark, &self.category, &self.contact, &self.consent_version]
            .map(Option::as_deref);
        for text in std::iter::once(Some(self.text.as_str())).chain(texts) {
            // Its length tells where it ends, and that there is none.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(text.unwrap_or_default());
        }
        let Self { place, position, photo_ids, anonymous, .. } = self;
        hash.update(format!("{place:?} {position:?} {photo_ids:?} {anonymous}"));
        hash.finalize().into()
    }

    /// As [`Draft::digest`], of versions up to 0.1.0, whose answers may still be waited for.
    fn earlier_digest(&self) -> [u8; 32] {
        digest(format!("{self:?}").as_bytes())
    }
}

/// A retry is recognised by its key and the digest of what was sent.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// `Idempotency-Key`
    pub key: String,
    /// SHA-256 of the request.
    pub request: [u8; 32],
}

impl Repeat {
    /// Whether an answer that was kept with this digest is the answer to the same report.
    fn is_same(&self, kept: &[u8], draft: &Draft) -> bool {
        kept == self.request || kept == draft.earlier_digest()
    }
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
    /// Whether the centre looks at it first.
    #[serde(default)]
    pub held: bool,
}

/// Who sends a report.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The account.
    pub account: Account,
    /// Whether a person sends it, of whom something may be suspected, and not another system, which sends for many.
    pub is_person: bool,
}

/// Takes in a report. `fresh` are photos that came with it in the same request.
///
/// # Errors
/// 422 for a place outside, an unknown category, an anonymous report where the category forbids it; 404 for a photo
/// that is not the caller's. Nothing is left behind then.
pub async fn create(
    services: &Services,
    Sender { account, is_person }: Sender,
    draft: Draft,
    fresh: Vec<Prepared>,
    repeat: Option<Repeat>,
) -> Result<Receipt, Fail> {
    let registry = services.registry();
    let spot = locate(&registry, &draft.place, services.config.reports.reach_m)?;
    check_category(&registry, spot.district, &draft)?;
    check_photos(services, &draft, fresh.len())?;
    check_consent(services, &draft)?;
    for prepared in &fresh {
        super::photos::store(services, prepared).await?;
    }
    let originals = fresh.iter().map(|prepared| *prepared.sha256()).collect();
    let before = pictures::before(services, &draft.photo_ids, originals).await?;
    let [report, ticket] = services.db.ids::<2>().await?;
    let ids = services.db.reserve(2 * fresh.len() as i64).await?;
    let now = services.now();
    let receipt = receipt(services, &account, &spot, report, ticket, now);
    let known = is_person.then(|| known(services, &account, &draft, repeat.as_ref(), &receipt));
    let contact = draft.contact.as_deref().map(|text| services.sealer.seal("contact", text));
    let contact_sealed = contact.transpose().map_err(|error| Fail::internal(&error))?;
    let incoming =
        Incoming { account, draft, spot, fresh, ids, receipt, contact_sealed, repeat, before, known, now };
    if incoming.fresh.is_empty() {
        return together(services, &registry, incoming).await;
    }
    let receipt = alone(services, incoming).await?;
    // Only photos that came along have left jobs; a turn of the jobs for each report would slow all of them down.
    services.jobs_waiting.notify_one();
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
    let named = photos::named(conn, &plain.draft.photo_ids)?;
    let new = open_plain(registry, plain, &named, now)?;
    let ticket = new.step.ticket.clone();
    intake::insert(conn, &[&new.into_rows(None)?])?;
    Ok(ticket)
}

/// Opens the ticket of a report; nothing is written. `named` are the photos that there are of those that it names.
///
/// # Errors
/// As [`create`].
pub(crate) fn open_plain(
    registry: &Registry,
    plain: Plain,
    named: &HashMap<i64, Named>,
    now: Moment,
) -> Result<New, Fail> {
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
        held: false,
    };
    let (fresh, ids) = (Vec::new(), 0..0);
    let incoming = Incoming {
        account,
        draft,
        spot,
        fresh,
        ids,
        receipt,
        contact_sealed: None,
        repeat: None,
        before: Before::default(),
        known: None,
        now,
    };
    incoming.prepare(registry, named, &[])
}

/// What is known of a person's report besides its words and pictures.
fn known(
    services: &Services,
    account: &Account,
    draft: &Draft,
    repeat: Option<&Repeat>,
    receipt: &Receipt,
) -> Known {
    let now = services.now();
    let key = repeat.map_or(receipt.number.as_str(), |repeat| repeat.key.as_str());
    let since = now.plus_seconds(-pace::same_text_seconds(services));
    let same_text = services.repeats.count(account.id, &draft.text, key, since, now);
    let false_before = account.distrusted_until.is_some_and(|until| until > now);
    Known { same_text, false_before, ..Known::default() }
}

fn check_category(registry: &Registry, district: District, draft: &Draft) -> Result<(), Problem> {
    let Some(code) = &draft.category else { return Ok(()) };
    let category = known_category(registry, district, code)?;
    if draft.anonymous && !category.anonymous_allowed {
        let message = Text::new(
            format!("“{}”不接受匿名上报", category.minor_name),
            format!("{} cannot be reported anonymously", category.minor_name),
        );
        return Err(Problem::new(Code::RefusedByRule).field("/anonymous", "not_anonymous", message));
    }
    Ok(())
}

/// The category with this code.
///
/// # Errors
/// 404 at `/category` where there is none.
pub(super) fn known_category<'a>(
    registry: &'a Registry,
    district: District,
    code: &str,
) -> Result<&'a Category, Problem> {
    let category = registry.districts.get(&district).and_then(|data| data.catalogue.get(code));
    category.ok_or_else(|| {
        let message =
            Text::new(format!("没有代码为 {code} 的事项分类"), format!("there is no category {code}"));
        Problem::new(Code::CategoryNotFound).field("/category", "unknown_category", message)
    })
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

/// A client that showed an older notice has to show the present one before its user can agree.
fn check_consent(services: &Services, draft: &Draft) -> Result<(), Problem> {
    let (Some(asked), Some(given)) = (&services.config.privacy.consent_version, &draft.consent_version)
    else {
        return Ok(());
    };
    if asked.trim() == given {
        return Ok(());
    }
    let asked = asked.trim();
    let message = Text::new(
        format!("个人信息告知书已更新，现行版本为 {asked}"),
        format!("the notice on personal data has changed; the present version is {asked}"),
    );
    Err(Problem::new(Code::RefusedByRule).field("/consent_version", "outdated", message))
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
        held: false,
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

#[cfg(test)]
mod tests {
    use suishoupai_core::geo::{Datum, LonLat};

    use super::*;

    fn draft() -> Draft {
        Draft {
            text: "路面坑洞".to_owned(),
            place: Coordinate { datum: Datum::Wgs84, lon: 118.08, lat: 24.448 },
            address: Some("大学路".to_owned()),
            landmark: None,
            category: None,
            position: None,
            photo_ids: vec![7, 8],
            anonymous: false,
            contact: None,
            consent_version: None,
        }
    }

    #[test]
    fn another_report_has_another_digest() {
        let changes: [fn(&mut Draft); 10] = [
            |_| (),
            |draft| draft.text.push('。'),
            |draft| draft.place.lon += 1e-9,
            |draft| draft.address = None,
            |draft| draft.address = Some(String::new()),
            |draft| std::mem::swap(&mut draft.address, &mut draft.landmark),
            |draft| draft.category = Some("E0101".to_owned()),
            |draft| draft.photo_ids.swap(0, 1),
            |draft| draft.anonymous = true,
            |draft| {
                draft.position = Some(Position {
                    at: LonLat { lon: 118.08, lat: 24.448 },
                    taken_at: Moment::from_millis(5),
                })
            },
        ];
        let changed = changes.map(|change| {
            let mut draft = draft();
            change(&mut draft);
            draft.digest()
        });
        let different: std::collections::HashSet<_> = changed.iter().collect();
        assert_eq!(different.len(), changes.len());
        assert_eq!(changed[0], draft().digest());
    }

    #[test]
    fn an_answer_that_an_earlier_version_kept_is_found_again() {
        let (draft, other) = (draft(), Draft { anonymous: true, ..draft() });
        let repeat = Repeat { key: "phone-0001".to_owned(), request: draft.digest() };
        assert!(repeat.is_same(&draft.digest(), &draft));
        assert!(repeat.is_same(&draft.earlier_digest(), &draft));
        assert!(!repeat.is_same(&other.digest(), &draft));
        assert!(!repeat.is_same(&other.earlier_digest(), &draft));
    }
}
