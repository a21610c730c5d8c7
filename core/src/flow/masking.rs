//! 打码: faces and plates made unreadable in what people see of a photo. The original stays as it is. Each change is a
//! line of the photo's own chain, which says the whole mask as it is afterwards; the mask is what its last line says.

use serde::{Deserialize, Serialize};

use super::permit::answers_for;
use super::refusal::Said;
use super::state::Role;
use super::ticket::{AccountId, Actor, Post, Ticket, TicketId};
use super::words::words;
use crate::model::UnitTree;
use crate::time::Moment;

/// A mask has so many rectangles at the most.
pub const MOST_AREAS: usize = 50;
/// The whole width or height of a picture.
pub const WHOLE: u32 = 1_000_000;

/// A rectangle of the picture as it is shown, upright, in millionths of its width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Area {
    /// From the left side.
    pub left: u32,
    /// From the top.
    pub top: u32,
    /// To the right of `left`, at least 1.
    pub width: u32,
    /// Below `top`, at least 1.
    pub height: u32,
}

impl Area {
    /// A rectangle that has an extent and lies within the picture; none for any other.
    pub fn new(left: u32, top: u32, width: u32, height: u32) -> Option<Self> {
        let fits =
            |from: u32, length: u32| length > 0 && from.checked_add(length).is_some_and(|end| end <= WHOLE);
        (fits(left, width) && fits(top, height)).then_some(Self { left, top, width, height })
    }

    /// The pixels of a picture of `width` x `height` that it touches: from and to (not included) across, then down.
    /// Pixels that it touches in part are in.
    pub fn pixels(self, width: u32, height: u32) -> (u32, u32, u32, u32) {
        let low = |share: u32, side: u32| (u64::from(share) * u64::from(side) / u64::from(WHOLE)) as u32;
        let high = |share: u32, side: u32| {
            let exact = (u64::from(share) * u64::from(side)).div_ceil(u64::from(WHOLE));
            u32::try_from(exact).unwrap_or(side).min(side)
        };
        (
            low(self.left, width),
            high(self.left.saturating_add(self.width), width),
            low(self.top, height),
            high(self.top.saturating_add(self.height), height),
        )
    }
}

words! {
    /// What is done with a mask.
    MaskVerb {
        /// 打码: areas are added.
        Mask = "mask", "打码", "mask";
        /// 撤销打码: the mask is taken off.
        Unmask = "unmask", "撤销打码", "take the mask off";
    }
}

/// What ties a post to a ticket whose photo is to be masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskTie {
    /// The ticket's grid lies within the post's unit.
    Territory,
    /// The post's unit is responsible or has had an order, or is the department above that squad.
    Handles,
    /// The post is one of the ticket's district.
    District,
    /// As `District`, and the account is not one of those that masked.
    DistrictNotMasker,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct MaskRow {
    /// What is done.
    pub verb: MaskVerb,
    /// By which roles.
    pub roles: &'static [Role],
    /// Tied how to a ticket for which the photo is evidence.
    pub tie: MaskTie,
}

const fn row(verb: MaskVerb, roles: &'static [Role], tie: MaskTie) -> MaskRow {
    MaskRow { verb, roles, tie }
}

/// Who may mask, and who may take a mask off. In every state of the ticket: what was closed may still be looked at.
#[rustfmt::skip]
pub const MASK_TABLE: &[MaskRow] = &[
    row(MaskVerb::Mask, &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer], MaskTie::Territory),
    row(MaskVerb::Mask, &[Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer, Role::DepartmentOfficer], MaskTie::Handles),
    row(MaskVerb::Mask, &[Role::Dispatcher, Role::DutyChief, Role::CentreHead, Role::Inspector], MaskTie::District),
    row(MaskVerb::Unmask, &[Role::DutyChief, Role::CentreHead], MaskTie::DistrictNotMasker),
];

/// One line of a photo's chain. Its JSON text is what is stored and what is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskEvent {
    /// Of which photo.
    pub photo: i64,
    /// SHA-256 of its original, lower-case hex.
    pub sha256: String,
    /// Counts from 1 within the photo, without gaps.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// What was done.
    pub verb: MaskVerb,
    /// Who.
    pub actor: AccountId,
    /// As what.
    pub role: Role,
    /// From where: the actor's unit.
    pub unit: i64,
    /// The ticket by which the actor may do it.
    pub ticket: TicketId,
    /// The whole mask afterwards.
    pub areas: Vec<Area>,
    /// Why.
    pub reason: String,
}

impl MaskEvent {
    /// The text that is stored and hashed.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn content(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored text back.
    ///
    /// # Errors
    /// When the text is not such a line.
    pub fn parse(content: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(content)
    }
}

/// The mask of a photo as its lines make it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// How many lines there are; 0: it was never masked.
    pub version: i64,
    /// What is unreadable; empty: nothing.
    pub areas: Vec<Area>,
    /// Who has masked since it was last taken off, each once.
    pub maskers: Vec<AccountId>,
}

impl Mask {
    /// The mask after one more line.
    ///
    /// # Errors
    /// In words, where the line does not follow.
    pub fn after(&self, line: &MaskEvent) -> Result<Self, &'static str> {
        if line.seq != self.version + 1 {
            return Err("its number is not the next");
        }
        let keeps_all = self.areas.iter().all(|area| line.areas.contains(area));
        match line.verb {
            MaskVerb::Mask if !keeps_all || line.areas.len() <= self.areas.len() => {
                return Err("it does not add to the mask before");
            }
            MaskVerb::Unmask if !line.areas.is_empty() || self.areas.is_empty() => {
                return Err("it does not take a mask off");
            }
            _ => {}
        }
        let mut maskers = self.maskers.clone();
        match line.verb {
            MaskVerb::Mask if !maskers.contains(&line.actor) => maskers.push(line.actor),
            MaskVerb::Mask => {}
            MaskVerb::Unmask => maskers.clear(),
        }
        Ok(Self { version: line.seq, areas: line.areas.clone(), maskers })
    }
}

/// Why nothing was done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskRefusal {
    /// None of the caller's posts may do this with a photo of these tickets.
    NotYours {
        /// What was asked.
        verb: MaskVerb,
    },
    /// Whoever masked does not take the mask off.
    OwnMask,
    /// There is no mask to take off.
    NotMasked,
    /// More rectangles than a mask takes.
    TooManyAreas,
    /// The picture is proposed for the exposure board or published there.
    OnTheBoard,
}

impl MaskRefusal {
    /// A stable word for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            MaskRefusal::NotYours { .. } => "not_yours",
            MaskRefusal::OwnMask => "own_mask",
            MaskRefusal::NotMasked => "not_masked",
            MaskRefusal::TooManyAreas => "too_many_areas",
            MaskRefusal::OnTheBoard => "on_the_board",
        }
    }

    /// The refusal in words, saying what to do instead.
    pub fn said(&self) -> Said {
        match self {
            MaskRefusal::NotYours { verb } => Said::new(
                format!("您的岗位不能对此照片执行“{}”。", verb.zh()),
                format!("None of your posts may do \"{}\" with this photo.", verb.en()),
            ),
            MaskRefusal::OwnMask => Said::new(
                "打码人不能撤销自己的打码，请由他人办理。",
                "Nobody takes the own mask off; somebody else must.",
            ),
            MaskRefusal::NotMasked => Said::new("该照片没有打码。", "The photo has no mask."),
            MaskRefusal::TooManyAreas => Said::new(
                format!("一张照片最多 {MOST_AREAS} 处打码，请合并为较大的区域。"),
                format!("A photo takes at most {MOST_AREAS} areas; use larger ones."),
            ),
            MaskRefusal::OnTheBoard => Said::new(
                "该照片正在曝光台上，请先撤下或驳回。",
                "The picture is on the exposure board; take it down or refuse it first.",
            ),
        }
    }
}

/// A photo with its mask and what it is evidence for.
#[derive(Clone, Copy, Debug)]
pub struct MaskSubject<'a> {
    /// The key of the photo.
    pub photo: i64,
    /// SHA-256 of its original.
    pub sha256: &'a [u8; 32],
    /// Its mask as it is.
    pub mask: &'a Mask,
    /// The tickets for which it is evidence, as far as the actor may see them.
    pub tickets: &'a [Ticket],
}

/// Adds areas to the mask; none where the mask has them all already.
///
/// # Errors
/// The refusal with its reason.
pub fn mask(
    subject: MaskSubject<'_>,
    added: &[Area],
    reason: &str,
    actor: &Actor,
    tree: &UnitTree,
    now: Moment,
) -> Result<Option<MaskEvent>, MaskRefusal> {
    let (post, ticket) = permitted(subject, MaskVerb::Mask, actor, tree)?;
    let mut areas = subject.mask.areas.clone();
    for area in added {
        if !areas.contains(area) {
            areas.push(*area);
        }
    }
    if areas.len() == subject.mask.areas.len() {
        return Ok(None);
    }
    if areas.len() > MOST_AREAS {
        return Err(MaskRefusal::TooManyAreas);
    }
    line(subject, MaskVerb::Mask, areas, reason, (actor, post, ticket), now).map(Some)
}

/// Takes the mask off.
///
/// # Errors
/// The refusal with its reason.
pub fn unmask(
    subject: MaskSubject<'_>,
    is_on_board: bool,
    reason: &str,
    actor: &Actor,
    tree: &UnitTree,
    now: Moment,
) -> Result<MaskEvent, MaskRefusal> {
    let (post, ticket) = permitted(subject, MaskVerb::Unmask, actor, tree)?;
    if subject.mask.areas.is_empty() {
        return Err(MaskRefusal::NotMasked);
    }
    if is_on_board {
        return Err(MaskRefusal::OnTheBoard);
    }
    line(subject, MaskVerb::Unmask, Vec::new(), reason, (actor, post, ticket), now)
}

fn line(
    subject: MaskSubject<'_>,
    verb: MaskVerb,
    areas: Vec<Area>,
    reason: &str,
    (actor, post, ticket): (&Actor, Post, TicketId),
    now: Moment,
) -> Result<MaskEvent, MaskRefusal> {
    Ok(MaskEvent {
        photo: subject.photo,
        sha256: hex::encode(subject.sha256),
        seq: subject.mask.version + 1,
        at: now.millis(),
        verb,
        actor: actor.account.ok_or(MaskRefusal::NotYours { verb })?,
        role: post.role,
        unit: post.unit,
        ticket,
        areas,
        reason: reason.to_owned(),
    })
}

/// The post and the ticket by which the actor may do this.
fn permitted(
    subject: MaskSubject<'_>,
    verb: MaskVerb,
    actor: &Actor,
    tree: &UnitTree,
) -> Result<(Post, TicketId), MaskRefusal> {
    let rows = || MASK_TABLE.iter().filter(|row| row.verb == verb);
    for ticket in subject.tickets {
        for row in rows() {
            let fits = |post: &&Post| {
                row.roles.contains(&post.role) && tied(ticket, post, row.tie, subject, actor, tree)
            };
            if let Some(post) = actor.posts.iter().find(fits) {
                return Ok((*post, ticket.id));
            }
        }
    }
    let but_for_the_mask = rows().filter(|row| row.tie == MaskTie::DistrictNotMasker).any(|row| {
        subject.tickets.iter().any(|ticket| {
            actor
                .posts
                .iter()
                .any(|post| row.roles.contains(&post.role) && tree.is_within(ticket.grid, post.unit))
        })
    });
    Err(if but_for_the_mask { MaskRefusal::OwnMask } else { MaskRefusal::NotYours { verb } })
}

fn tied(
    ticket: &Ticket,
    post: &Post,
    tie: MaskTie,
    subject: MaskSubject<'_>,
    actor: &Actor,
    tree: &UnitTree,
) -> bool {
    let of_district = || tree.is_within(ticket.grid, post.unit);
    match tie {
        MaskTie::Territory | MaskTie::District => of_district(),
        MaskTie::Handles => {
            answers_for(post, ticket.responsible, tree)
                || ticket.orders.iter().any(|order| answers_for(post, order.unit, tree))
        }
        MaskTie::DistrictNotMasker => {
            of_district() && !subject.mask.maskers.iter().any(|masker| actor.acts_as(*masker))
        }
    }
}
