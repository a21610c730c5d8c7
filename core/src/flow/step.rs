//! The one way in which a ticket changes: `step(ticket, command, actor, now, rules) -> Step or Refusal`.

use std::collections::{BTreeMap, HashMap};

use super::apply::{Act, apply};
use super::command::Command;
use super::course::Course;
use super::event::{Event, PhotoRef};
use super::permit::permit;
use super::policy::{Policy, PolicyBook};
use super::refusal::{Refusal, Said};
use super::routing::DutyList;
use super::settle;
use super::state::{Channel, Role, State};
use super::suspicion::{Held, Suspicion};
use super::table::allows;
use super::ticket::{AccountId, Actor, Holder, Post, Ticket, TicketId};
use super::verb::Verb;
use crate::clock::WorkCalendar;
use crate::model::{Category, District, UnitId, UnitTree};
use crate::time::Moment;

/// The catalogue of a district by code.
pub type Catalogue = HashMap<String, Category>;

/// What the rules read besides the ticket.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The tree of units.
    pub tree: &'a UnitTree,
    /// The duty list.
    pub duties: &'a DutyList,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The working calendar.
    pub calendar: &'a WorkCalendar,
    /// The versions of the district's rules.
    pub policies: &'a PolicyBook,
    /// How long a claim lasts, seconds.
    pub lease_seconds: i64,
    /// How long after closing "not fixed" may be said, natural days.
    pub not_fixed_days: u32,
}

impl<'a> Rules<'a> {
    /// The version of the rules under which a ticket stands: that of its filing, before it the present one.
    pub fn policy(self, ticket: &Ticket, now: Moment) -> &'a Policy {
        ticket.course.policy.map_or_else(|| self.policies.at(now).1, |id| self.policies.get(id))
    }
}

/// The outcome of a command: the ticket afterwards and the one line that it adds to the history. The order of
/// the lines is the version: the event's `seq` equals the ticket's new `version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The ticket afterwards.
    pub ticket: Ticket,
    /// The new line.
    pub event: Event,
}

/// What a command adds to the line of the history that it writes.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub public: bool,
    pub reason: Option<String>,
    pub words: Option<String>,
    pub note: Option<String>,
    pub because: Vec<Said>,
    pub facts: BTreeMap<String, String>,
}

/// Carries out a command on a ticket, purely: nothing is read but the arguments and nothing is written.
///
/// Time does not go back within a ticket: a step at an instant before the last line (of a server whose clock was set
/// back, or runs behind that of another one) happens at the instant of that line.
///
/// # Errors
/// The refusal with its reason; the ticket is as before.
pub fn step(
    ticket: &Ticket,
    command: &Command,
    actor: &Actor,
    photos: &[PhotoRef],
    now: Moment,
    rules: Rules<'_>,
) -> Result<Step, Refusal> {
    let now = now.max(ticket.updated_at);
    let verb = command.verb();
    let (row, post) = permit(ticket, verb, actor, rules.tree)?;
    let mut after = ticket.clone();
    let policy = rules.policy(ticket, now);
    let act = Act { actor, post, tie: row.tie, photos, now, rules, policy };
    let line = apply(&mut after, command, &act)?;
    settle::settle(ticket, &mut after, now, rules);
    debug_assert!(
        allows(ticket.state, verb, after.state),
        "{verb:?}: {:?} -> {:?}",
        ticket.state,
        after.state
    );
    after.version += 1;
    after.updated_at = now;
    let event = write_line(&after, Some(ticket.state), verb, actor.account, post, photos, now, line);
    Ok(Step { ticket: after, event })
}

/// Whether the claim on the ticket has run out and must be written down before `verb`.
///
/// # Errors
/// [`Refusal::LeaseOver`] when the caller is the one whose claim ran out and acts on the strength of it.
pub fn lapse_first(ticket: &Ticket, verb: Verb, actor: &Actor, now: Moment) -> Result<bool, Refusal> {
    if !ticket.lease_is_over(now) || verb == Verb::Lapse {
        return Ok(false);
    }
    let held_by_caller = ticket.holder.is_some_and(|holder| actor.acts_as(holder.account));
    if held_by_caller && needs_claim(verb) {
        return Err(Refusal::LeaseOver);
    }
    Ok(true)
}

/// Whether a command acts on the strength of the claim.
const fn needs_claim(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Solve
            | Verb::File
            | Verb::Refuse
            | Verb::Release
            | Verb::Verify
            | Verb::Split
            | Verb::Merge
            | Verb::AskReporter
            | Verb::Resume
    )
}

/// What opens a ticket.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The key of the new ticket.
    pub id: TicketId,
    /// The district of the place.
    pub district: District,
    /// The grid of the place.
    pub grid: UnitId,
    /// The category that the reporter chose.
    pub category: Option<String>,
    /// How the report came in.
    pub channel: Channel,
    /// Who reports.
    pub reporter: AccountId,
    /// The finder's unit, for a worker's own find.
    pub unit: Option<UnitId>,
    /// Facts to bind into the history, such as the digest of the report.
    pub facts: BTreeMap<String, String>,
    /// The report's photos.
    pub photos: Vec<PhotoRef>,
    /// The ticket from which it is split off.
    pub parent: Option<TicketId>,
    /// What speaks for its being no report; where there is something, the centre looks at it first.
    pub suspicions: Vec<Suspicion>,
}

/// Opens a ticket from a report: in the grid's pool, or in the finder's hands for a worker's own find. One that is suspected
/// of being no report is held for the centre's look, save where somebody has to be on the spot soon.
///
/// # Errors
/// [`Refusal::UnknownCategory`] when the chosen category is not in the catalogue.
pub fn open(opening: Opening, now: Moment, rules: Rules<'_>) -> Result<Step, Refusal> {
    let category = match &opening.category {
        Some(code) => Some(rules.catalogue.get(code).ok_or_else(|| Refusal::UnknownCategory(code.clone()))?),
        None => None,
    };
    let holder = match (opening.channel, opening.unit) {
        (Channel::GridWorker, Some(unit)) => {
            Some(Holder { account: opening.reporter, unit, until: now.plus_seconds(rules.lease_seconds) })
        }
        _ => None,
    };
    let must_report = category.is_some_and(|category| category.must_report);
    let why = opening.suspicions;
    let held = (holder.is_none() && !must_report && !why.is_empty()).then_some(Held { since: now, why });
    let mut facts = opening.facts;
    if let Some(held) = &held {
        let words: Vec<&str> = held.why.iter().map(|suspicion| suspicion.as_str()).collect();
        facts.insert("held".to_owned(), words.join(","));
    }
    let role = if holder.is_some() { Role::GridWorker } else { Role::Resident };
    let mut ticket = Ticket {
        id: opening.id,
        district: opening.district,
        state: if holder.is_some() { State::Claimed } else { State::Received },
        version: 1,
        grid: opening.grid,
        urgent: category.is_some_and(|category| category.urgent),
        category: opening.category.clone(),
        responsible: opening.grid,
        holder,
        handler: None,
        handler_unit: None,
        reporters: vec![opening.reporter],
        orders: Vec::new(),
        returns: 0,
        reworks: 0,
        reopens: 0,
        rated_round: None,
        created_at: now,
        updated_at: now,
        filed_at: None,
        due_at: None,
        closed_at: None,
        // Until somebody has looked at it, it is on no list but that of those who do.
        sensitive: held.is_some() || category.is_some_and(|category| category.sensitive),
        parent: opening.parent,
        merged_into: None,
        stage_due_at: None,
        soon_at: None,
        alarm_at: None,
        course: Course { by_resident: opening.channel == Channel::Resident, held, ..Course::default() },
    };
    settle::begin(&mut ticket, must_report, now, rules);
    let line = Line { public: true, facts, ..Line::default() };
    let post = Post { role, unit: holder.map_or(0, |holder| holder.unit) };
    let event =
        write_line(&ticket, None, Verb::Open, Some(opening.reporter), post, &opening.photos, now, line);
    Ok(Step { ticket, event })
}

#[expect(clippy::too_many_arguments, reason = "a private constructor that gathers one line of the history")]
fn write_line(
    after: &Ticket,
    from: Option<State>,
    verb: Verb,
    actor: Option<AccountId>,
    post: Post,
    photos: &[PhotoRef],
    now: Moment,
    line: Line,
) -> Event {
    Event {
        ticket: after.id,
        seq: after.version,
        at: now.millis(),
        verb,
        from,
        to: after.state,
        actor,
        role: post.role,
        unit: (post.unit != 0).then_some(post.unit),
        responsible: after.responsible,
        public: line.public,
        reason: line.reason,
        words: line.words,
        note: line.note,
        because: line.because,
        photos: photos.to_vec(),
        facts: line.facts,
    }
}
