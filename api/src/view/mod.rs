//! What the API answers: bodies, built from rows and the registry in the caller's language.

mod counts;
mod course;
mod desk;
mod exposure;
mod history;
mod lines;
mod map;
mod mask;
mod order;
mod photo;
mod place;
mod report;
mod restriction;
mod seen_before;
mod similar;
mod supervision;
mod ticket;
mod written;

pub use counts::CountsView;
pub use course::{CourseView, HeldView};
pub use desk::{
    HeldLineView, HeldPage, NoticePage, NoticeView, RequestLineView, RequestPage, SummonsPage, SummonsView,
};
pub use exposure::{
    ExposureEventView, ExposureLine, ExposurePage, ExposureView, PublishedPage, PublishedView,
};
pub use history::{EventView, events};
pub use lines::Lines;
pub use map::{Cluster, Clusters};
pub use mask::{AreaView, MaskEventView, MaskView};
pub use order::{OrderLineView, OrderPage, OrderView};
pub use photo::{DoubtedPhoto, EvidenceKind, EvidenceView, PhotoFlagView, PhotoView, RenditionState};
pub use place::{CategoryRef, Located, PlaceView, UnitRef};
pub use report::{MyReportLine, MyReports, RatingView, ReportCreated, ReportView};
pub use restriction::{OwnRestriction, RestrictionPage, RestrictionView};
pub use seen_before::{OtherTicket, SeenBeforeView, add_found};
pub use similar::{
    FollowedLine, FollowedPage, FollowedView, LikenessReason, SimilarReport, SimilarReports, SimilarTicket,
    SimilarTickets, shown_link,
};
pub use supervision::{
    SupervisedTicket, SupervisionEventView, SupervisionLine, SupervisionPage, SupervisionRef, SupervisionView,
};
pub use ticket::{HolderView, ReportInTicket, TicketLine, TicketPage, TicketView};
pub use written::Written;

use std::collections::HashMap;

use suishoupai_core::flow::{AccountId, State};
use suishoupai_core::time::Moment;

use crate::lang::Lang;
use crate::links::LinkSigner;
use crate::registry::Registry;

/// What every view is built with.
pub struct Scene<'a> {
    /// The language of names.
    pub lang: Lang,
    /// Names of units and categories.
    pub registry: &'a Registry,
    /// Links to renditions.
    pub links: &'a LinkSigner,
    /// The present instant.
    pub now: Moment,
    /// Names of the accounts that occur: display name, and whether it is an official's.
    pub names: HashMap<AccountId, (String, bool)>,
}

impl Scene<'_> {
    /// One of two names, by language.
    pub fn pick(&self, zh: &str, en: &str) -> String {
        self.word(zh, en).to_owned()
    }

    /// As [`Self::pick`], as it stands.
    pub const fn word<'w>(&self, zh: &'w str, en: &'w str) -> &'w str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// Where a ticket stands, in words: what waits for the centre's look says so.
    pub fn state_name(&self, state: State, held: bool) -> String {
        if held { self.pick("待审核", "held for review") } else { self.pick(state.zh(), state.en()) }
    }

    /// Whether the unit that works on it is late; one that has finished and waits for the check is not.
    pub fn is_overdue(&self, state: State, due: Option<Moment>) -> bool {
        matches!(state, State::Dispatched | State::Handling) && due.is_some_and(|due| due <= self.now)
    }

    /// The display name of an official; residents stay unnamed.
    pub fn official(&self, account: AccountId) -> Option<String> {
        self.names.get(&account).filter(|(_, is_official)| *is_official).map(|(name, _)| name.clone())
    }
}

/// Documents an instant in a body.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T09:30:00.000+08:00")]
pub struct Instant(#[expect(dead_code, reason = "only its schema is used")] String);
