//! One report on its way into the database.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suishoupai_core::flow::{
    Channel, Known, Opening, PhotoRef, PhotoScene, Policy, Role, Stage, Step, Suspicion, open, suspicions,
    told,
};
use suishoupai_core::likeness::Use;
use suishoupai_core::model::{Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::DbError;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::idempotency::{Answer, Kept};
use suishoupai_storage::db::intake::ReportRows;
use suishoupai_storage::db::photos::Named;
use suishoupai_storage::db::reports::{self as rows, Report};
use suishoupai_storage::db::tickets::{Opened, Place};
use suishoupai_storage::seal::Sealer;

use super::{Draft, Receipt, Repeat, numbered, own_find_unit};
use crate::fail::{Fail, refusal};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::service::digest;
use crate::service::photos::Prepared;
use crate::service::pictures::Before;
use crate::service::places::Spot;
use crate::service::tickets::{sighted, unknown_photo};

/// Everything that the write of a report needs.
#[derive(Debug)]
pub struct Incoming {
    pub(super) account: Account,
    pub(super) draft: Draft,
    pub(super) spot: Spot,
    /// Photos that came along.
    pub(super) fresh: Vec<Prepared>,
    /// Two keys for each of those: of the photo and of its job.
    pub(super) ids: std::ops::Range<i64>,
    pub(super) receipt: Receipt,
    pub(super) contact_sealed: Option<Vec<u8>>,
    pub(super) repeat: Option<Repeat>,
    /// What its photos are known to have been before.
    pub(super) before: Before,
    /// What is known of it besides; none where nothing is to be suspected.
    pub(super) known: Option<Known>,
    pub(super) now: Moment,
}

/// A report that passed every check, ready to be written.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) step: Step,
    pub(crate) place: Place,
    pub(crate) told: Vec<UnitId>,
    pub(crate) report: Report,
}

impl New {
    /// The rows to be written, with those of the answer to be given again.
    pub(super) fn into_rows(self, answer: Option<Answer>) -> Result<ReportRows, DbError> {
        let Self { step, place, told, report } = self;
        ReportRows::new(&Opened { step: &step, place, told }, report, answer)
    }
}

impl Incoming {
    /// The account and the key by which a retry of this report is recognised.
    pub(super) fn key(&self) -> Option<(i64, &str)> {
        self.repeat.as_ref().map(|repeat| (self.account.id, repeat.key.as_str()))
    }

    /// Opens the ticket. `named` are the photos that there are of those that reports name, `fresh` those that came
    /// along with this one.
    pub(super) fn prepare(
        &self,
        registry: &Registry,
        named: &HashMap<i64, Named>,
        fresh: &[Named],
    ) -> Result<New, Fail> {
        let rules = registry.rules(self.spot.district).ok_or(Code::OutsideDistrict)?;
        let unit = own_find_unit(&self.account, &self.spot, registry);
        if !self.account.posts.iter().any(|post| post.role == Role::Resident) && unit.is_none() {
            return Err(not_in_your_grid().into());
        }
        let report = self.report();
        let photos = self.own_photos(named, fresh)?;
        let sha256 = hex::encode(digest(rows::fingerprint(&report).as_bytes()));
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
                ("report_sha256".to_owned(), sha256),
            ]),
            photos: self.photos(&photos, rules.policies.at(self.now).1),
            parent: None,
            suspicions: self.suspicions(registry, &photos),
        };
        let step = open(opening, self.now, rules).map_err(|why| refusal(&why))?;
        let told = told(None, &step.ticket, &step.event, &registry.tree);
        Ok(New { step, place: self.place(registry), told, report })
    }

    fn channel(&self) -> Channel {
        if self.receipt.own_find { Channel::GridWorker } else { Channel::Resident }
    }

    /// The receipt, once the ticket has been opened.
    pub(super) fn receipt_of(&self, new: &New) -> Receipt {
        Receipt { held: new.step.ticket.course.held.is_some(), ..self.receipt.clone() }
    }

    fn suspicions(&self, registry: &Registry, photos: &[Named]) -> Vec<Suspicion> {
        let Some(known) = self.known else { return Vec::new() };
        let (district, account) = (self.spot.district, self.account.id);
        let of_others =
            photos.iter().map(|photo| self.before.tickets_of_others(&photo.sha256, district, account));
        let photo_tickets = of_others.max().unwrap_or_default();
        let known = Known { photo_tickets, has_photo: !photos.is_empty(), ..known };
        suspicions(&self.draft.text, known, registry.suspicion)
    }

    /// The photos that it names and that came along.
    fn own_photos(&self, named: &HashMap<i64, Named>, fresh: &[Named]) -> Result<Vec<Named>, Problem> {
        let own = |id: &i64| {
            let photo = named.get(id).filter(|photo| photo.account == self.account.id);
            photo.copied().ok_or_else(|| unknown_photo(*id))
        };
        let mut found = self.draft.photo_ids.iter().map(own).collect::<Result<Vec<_>, _>>()?;
        found.extend(fresh);
        Ok(found)
    }

    fn photos(&self, photos: &[Named], policy: &Policy) -> Vec<PhotoRef> {
        let scene = PhotoScene { place: self.spot.at, opened_at: None, now: self.now };
        let ticket = self.receipt.ticket;
        let seen = |photo: &Named| {
            let used =
                Use { ticket, origin: ticket, photo: photo.id, stage: Stage::Before, at: self.now.millis() };
            let reuse = self.before.doubts(&photo.sha256, self.spot.district, &used);
            sighted(photo, Stage::Before, self.draft.position, &scene, policy).doubted(reuse)
        };
        photos.iter().map(seen).collect()
    }

    fn place(&self, registry: &Registry) -> Place {
        let above = |level| registry.above(self.spot.grid, level).map_or(self.spot.grid, |unit| unit.id);
        Place {
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
            consent_version: self.draft.consent_version.clone(),
        }
    }

    /// The answer to be kept for retries, where the client asked for that. It is sealed, because it holds the query
    /// code.
    pub(super) fn answer(&self, receipt: &Receipt, sealer: &Sealer) -> Result<Option<Answer>, Fail> {
        let Some(repeat) = &self.repeat else { return Ok(None) };
        let body = serde_json::to_string(receipt).map_err(|error| Fail::internal(&error))?;
        let sealed = sealer.seal("idempotency", &body).map_err(|error| Fail::internal(&error))?;
        Ok(Some(Answer {
            account_id: self.account.id,
            key: repeat.key.clone(),
            request_hash: repeat.request.to_vec(),
            status: 201,
            body: STANDARD.encode(sealed),
            created_at: self.now.millis(),
        }))
    }

    /// The answer that the first sending got, where this is a retry of it.
    pub(super) fn first_answer(&self, kept: &Kept, sealer: &Sealer) -> Result<Receipt, Fail> {
        let is_same = |repeat: &Repeat| repeat.is_same(&kept.request_hash, &self.draft);
        if !self.repeat.as_ref().is_some_and(is_same) {
            return Err(Code::IdempotencyKeyReused.into());
        }
        let sealed = STANDARD.decode(&kept.body).map_err(|error| Fail::internal(&error))?;
        let body = sealer.open("idempotency", &sealed).map_err(|error| Fail::internal(&error))?;
        serde_json::from_str(&body).map_err(|error| Fail::internal(&error))
    }
}

fn not_in_your_grid() -> Problem {
    Problem::new(Code::RefusedByRule).detail(Text::new(
        "该位置不在您的网格内；网格员只能上报本网格的问题。",
        "The place is not in one of your grids; a grid worker reports finds of the own grids.",
    ))
}
